package imap

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestReturnOptions(t *testing.T) {
	for in, want := range map[string]Search{
		"RETURN (PARTIAL 1:500) ALL":          {Return: ReturnPartial, Partial: Partial{Lo: 1, Hi: 500}},
		"RETURN (PARTIAL 500:1 SAVE) ALL":     {Return: ReturnPartial | ReturnSave, Partial: Partial{Lo: 1, Hi: 500}},
		"RETURN (PARTIAL -1:-100 COUNT) ALL":  {Return: ReturnPartial | ReturnCount, Partial: Partial{1, 100, true}},
		"RETURN (UPDATE CONTEXT COUNT) ALL":   {Return: ReturnUpdate | ReturnContext | ReturnCount},
		"RETURN (ALL RELEVANCY) FUZZY TEXT x": {Return: ReturnAll | ReturnRelevancy},
	} {
		var s Search
		if d := decode(in + "\r\n"); !d.Search(&s) || !d.End() {
			t.Errorf("%s: %v", in, d.Err())
			continue
		}
		if s.Return != want.Return || s.Partial != want.Partial {
			t.Errorf("%s: %+v", in, s)
		}
	}
	for _, bad := range []string{"PARTIAL", "PARTIAL 1", "PARTIAL 0:1", "PARTIAL 1:*", "PARTIAL -1:5", "PARTIAL 1:-5", "PARTIAL 1:2 ALL", "ALL PARTIAL 1:2",
		"PARTIAL 1:2 PARTIAL 3:4", "UPDATES"} {
		var s Search
		if d := decode("RETURN (" + bad + ") ALL\r\n"); d.Search(&s) && d.End() {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestPartialOf(t *testing.T) {
	for _, c := range []struct {
		p           Partial
		n, from, to int
	}{
		{Partial{1, 3, false}, 10, 0, 3}, {Partial{3, 20, false}, 10, 2, 10}, {Partial{11, 20, false}, 10, 10, 10}, {Partial{1, 1, false}, 0, 0, 0},
		{Partial{1, 3, true}, 10, 7, 10}, {Partial{3, 20, true}, 10, 0, 8}, {Partial{11, 20, true}, 10, 0, 0}, {Partial{1, 1 << 31, true}, 2, 0, 2},
	} {
		if from, to := c.p.Of(c.n); from != c.from || to != c.to {
			t.Errorf("%+v of %d: %d to %d, want %d to %d", c.p, c.n, from, to, c.from, c.to)
		}
	}
}

func TestSortAndThreadSyntax(t *testing.T) {
	for in, want := range map[string][]SortKey{
		"(SUBJECT REVERSE DATE) UTF-8 ALL":                    {{SortSubject, false}, {SortDate, true}},
		"RETURN (PARTIAL 1:2) (DISPLAYFROM) US-ASCII FROM x":  {{SortDisplayFrom, false}},
		"(ARRIVAL reverse arrival CC FROM SIZE TO) utf-8 ALL": {{SortArrival, false}, {SortCc, false}, {SortFrom, false}, {SortSize, false}, {SortTo, false}},
		"RETURN () (RELEVANCY) \"UTF-8\" FUZZY TEXT a SEEN":   {{SortRelevancy, false}},
	} {
		var s Search
		if d := decode(in + "\r\n"); !d.Sort(&s) || !d.End() || !reflect.DeepEqual(s.Sort, want) {
			t.Errorf("%s: %+v %v", in, s, d.Err())
		}
	}
	for _, bad := range []string{"() UTF-8 ALL", "(FOO) UTF-8 ALL", "(REVERSE) UTF-8 ALL", "(SUBJECT) UTF-8", "SUBJECT UTF-8 ALL", "(DATE) CHARSET UTF-8 FOO"} {
		var s Search
		if d := decode(bad + "\r\n"); d.Sort(&s) && d.End() {
			t.Errorf("%s is taken", bad)
		}
	}
	var s Search
	if d := decode("references UTF-8 UNSEEN OR SEEN DELETED\r\n"); !d.Thread(&s) || !d.End() || s.Algorithm != References || len(s.Key.Keys) != 2 {
		t.Errorf("%+v %v", s, d.Err())
	}
	if d := decode("GUESS UTF-8 ALL\r\n"); d.Thread(new(Search)) {
		t.Error("an algorithm that is not there")
	}
	if tags, ok := decode("\"a1\" \"b2\"\r\n").CancelUpdate(5); !ok || !reflect.DeepEqual(tags, []string{"a1", "b2"}) {
		t.Errorf("%q", tags)
	}
	if _, ok := decode("\"a\" \"b\" \"c\"\r\n").CancelUpdate(2); ok {
		t.Error("more tags than allowed")
	}
}

func TestESearchSyntax(t *testing.T) {
	var s Search
	in := "IN (selected MAILBOXES (a &ZeVnLIqe-) subtree-one inbox subscribed) RETURN (COUNT) CHARSET UTF-8 SUBJECT x\r\n"
	want := []Source{{ScopeSelected, nil}, {ScopeMailboxes, []string{"a", "日本語"}}, {ScopeSubtreeOne, []string{"INBOX"}}, {ScopeSubscribed, nil}}
	if d := decode(in); !d.ESearch(&s) || !d.End() || !reflect.DeepEqual(s.In, want) || s.Return != ReturnCount || s.Charset != "UTF-8" {
		t.Errorf("%+v %v", s, d.Err())
	}
	for _, bad := range []string{"IN () ALL", "IN (selected-delayed) ALL", "IN (\"selected\") ALL", "IN (subtree) ALL", "IN (mailboxes ()) ALL", "IN selected ALL",
		"IN (" + strings.Repeat("personal ", MaxSources+1) + ") ALL", "IN (bogus) RETURN () ALL"} {
		var s Search
		if d := decode(bad + "\r\n"); d.ESearch(&s) && d.End() {
			t.Errorf("%s is taken", bad)
		}
	}
}

// FuzzSort, FuzzThread and FuzzESearch check that what is read is written as the same command.
func FuzzSort(f *testing.F) {
	f.Add("RETURN (MIN PARTIAL -1:-5 UPDATE) (REVERSE SUBJECT DATE) UTF-8 FUZZY OR (SEEN 1:*) NOT HEADER a b")
	f.Fuzz(func(t *testing.T, in string) { roundTrip(t, in, (*Decoder).Sort, (*Search).AppendSort) })
}

func FuzzThread(f *testing.F) {
	f.Add("REFERENCES UTF-8 SINCE 1-Jan-2020 TEXT \"x\"")
	f.Fuzz(func(t *testing.T, in string) { roundTrip(t, in, (*Decoder).Thread, (*Search).AppendThread) })
}

func FuzzESearch(f *testing.F) {
	f.Add("IN (personal SUBTREE (a \"b c\") mailboxes x) RETURN (COUNT RELEVANCY) CHARSET UTF-8 FUZZY SUBJECT x")
	f.Fuzz(func(t *testing.T, in string) {
		roundTrip(t, in, func(d *Decoder, s *Search) bool {
			d.UTF8 = true
			return d.ESearch(s)
		}, (*Search).AppendESearch)
	})
}

func roundTrip(t *testing.T, in string, read func(*Decoder, *Search) bool, write func(*Search, []byte) []byte) {
	var one, two Search
	if d := decode(in + "\r\n"); !read(d, &one) || !d.End() {
		return
	}
	text := write(&one, nil)
	d := NewDecoder(bytes.NewReader(append(text, "\r\n"...)), func() error { return nil })
	if !read(d, &two) || !d.End() || !reflect.DeepEqual(one, two) {
		t.Errorf("%q\n%q\n%+v\n%+v %v", in, text, one, two, d.Err())
	}
}
