package imapd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/wire/imap"
)

// searching is a session as far as a search needs one, in a mailbox with n messages.
func searching(t testing.TB, n int, out io.Writer) *session {
	h := newHouse(t)
	user := h.user(t, "alpha.example")
	h.fill(t, user, n, 1000)
	account := h.open(t, user)
	view, err := account.Select(t.Context(), "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(view.Close)
	return &session{account: account, view: view, log: slog.New(slog.DiscardHandler), out: imap.NewWriter(out), tag: "t", progressAt: time.Now().Add(time.Hour)}
}

// key reads the keys of a search.
func key(t testing.TB, text string) *imap.Key {
	t.Helper()
	var s imap.Search
	d := imap.NewDecoder(&oneLine{text: text + "\r\n"}, func() error { return nil })
	if !d.Search(&s) || !d.End() {
		t.Fatal(text, d.Err())
	}
	return &s.Key
}

type oneLine struct{ text string }

func (l *oneLine) Read(p []byte) (int, error) {
	n := copy(p, l.text)
	l.text = l.text[n:]
	return n, nil
}

// A search that takes too long is given up with an error that says so; one whose client is gone ends.
func TestSearchEnds(t *testing.T) {
	s := searching(t, 200, failing{})
	q, err := s.prepare(t.Context(), s.view, key(t, "BODY nowhere"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	if _, err := q.results(ctx, &imap.Search{}); !mail.Is(err, mail.Full) {
		t.Errorf("late: %v", err)
	}
	if _, err := q.find(t.Context()); err != nil {
		t.Errorf("in time: %v", err)
	}
	s.progressAt = time.Now()
	if _, err := q.find(t.Context()); !errors.Is(err, errGone) {
		t.Errorf("client gone: %v", err)
	}
	if done := q.done.Load(); done > 2*200+200-10 {
		t.Errorf("%d messages looked at, with nobody to hear of it", done)
	}
}

var errGone = errors.New("gone")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errGone }

// A search has a limit on strings, on keys and on how deep they nest.
func TestSearchLimits(t *testing.T) {
	s := searching(t, 1, io.Discard)
	for text, ok := range map[string]bool{
		strings.Repeat("BODY a ", maxNeedles) + "ALL":                   true,
		strings.Repeat("BODY a ", maxNeedles+1) + "ALL":                 false,
		"FUZZY TEXT \"" + strings.Repeat("word ", maxNeedles-1) + "\"":  true,
		"FUZZY TEXT \"" + strings.Repeat("word ", 20*maxNeedles) + "\"": false,
		strings.Repeat("SUBJECT a ", imap.MaxSearchKeys-1) + "ALL":      true,
		strings.Repeat("NOT ", imap.MaxDepth-1) + "BODY \"two words\"":  true,
	} {
		if _, err := s.prepare(t.Context(), s.view, key(t, text), nil); (err == nil) != ok || err != nil && !mail.Is(err, mail.Full) {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

// Conditions are judged by the cheapest first, and the dear ones not at all where those decide.
func TestSearchCost(t *testing.T) {
	s := searching(t, 60, io.Discard)
	for text, want := range map[string][]int64{ // messages found, messages looked at
		"BODY zebrafish SEEN":                           {0, 0},
		"OR TEXT zebrafish ALL":                         {60, 0},
		"BODY zebrafish 1:10":                           {1, 10},
		"NOT (NOT UNSEEN BODY x)":                       {60, 0},
		"SUBJECT \"number 5\" LARGER 1":                 {11, 60},
		"SUBJECT \"number 5\" LARGER 100000":            {0, 60},
		"OLDER 100000 BODY zebrafish":                   {0, 60},
		"UID 5,7:9,50:* UNKEYWORD nothing YOUNGER 1000": {15, 0},
	} {
		q, err := s.prepare(t.Context(), s.view, key(t, text), nil)
		if err != nil {
			t.Fatal(err)
		}
		found, err := q.find(t.Context())
		if err != nil || int64(len(found)) != want[0] || q.done.Load() != want[1] {
			t.Errorf("%s: found %d, looked at %d; want %v (%v)", text, len(found), q.done.Load(), want, err)
		}
	}
}

// Several processors find what one finds.
func TestSearchShares(t *testing.T) {
	s := searching(t, 4*workerShare, io.Discard)
	q, err := s.prepare(t.Context(), s.view, key(t, "OR BODY zebrafish TEXT \"number 7\""), nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err := q.find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []uint32
	for seq := uint32(1); seq <= 4*workerShare; seq++ {
		one, err := q.judge(t.Context(), []uint32{seq})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one...)
	}
	if !slices.Equal(found, all) || len(found) < 10 {
		t.Errorf("%v\n%v", found, all)
	}
}

// A result is saved as RFC 5182 §2.4 and RFC 9394 §3.2 say.
func TestSearchSaves(t *testing.T) {
	s := searching(t, 6, io.Discard)
	r := &results{view: s.view, seqs: []uint32{4, 2, 6, 1}}
	for _, c := range []struct {
		opts    imap.SearchReturn
		partial imap.Partial
		want    []mail.UID
	}{
		{imap.ReturnSave, imap.Partial{}, []mail.UID{1, 2, 4, 6}},
		{imap.ReturnSave | imap.ReturnMin, imap.Partial{}, []mail.UID{4}},
		{imap.ReturnSave | imap.ReturnMax, imap.Partial{}, []mail.UID{1}},
		{imap.ReturnSave | imap.ReturnMin | imap.ReturnMax, imap.Partial{}, []mail.UID{1, 4}},
		{imap.ReturnSave | imap.ReturnMin | imap.ReturnCount, imap.Partial{}, []mail.UID{1, 2, 4, 6}},
		{imap.ReturnSave | imap.ReturnPartial, imap.Partial{Lo: 2, Hi: 3}, []mail.UID{2, 6}},
		{imap.ReturnSave | imap.ReturnPartial | imap.ReturnMin, imap.Partial{Lo: 2, Hi: 3}, []mail.UID{2, 4, 6}},
		{imap.ReturnSave | imap.ReturnPartial, imap.Partial{Lo: 9, Hi: 12}, nil},
	} {
		s.save(r, &imap.Search{Return: c.opts, Partial: c.partial})
		if !slices.Equal(s.saved, c.want) {
			t.Errorf("%b: %v, want %v", c.opts, s.saved, c.want)
		}
	}
}

// No more than maxLive searches are kept up to date; the others are answered all the same.
func TestLiveSearchLimit(t *testing.T) {
	h := newHouse(t)
	user := h.user(t, "alpha.example")
	h.fill(t, user, 1, 100)
	c := dial(t, h.door(t, Config{AllowPlainAuth: true}))
	defer c.Close()
	c.do(t, "LOGIN "+user+" \""+password+"\"")
	c.do(t, "SELECT INBOX")
	refused := 0
	for n := range maxLive + 2 {
		tag := fmt.Sprintf("u%d", n)
		fmt.Fprintf(c, "%s UID SEARCH RETURN (UPDATE COUNT) ALL\r\n", tag)
		for {
			line, err := c.in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line == "* NO [NOUPDATE \""+tag+"\"] too many searches are kept up to date\r\n" {
				refused++
			}
			if len(line) > len(tag) && line[:len(tag)+1] == tag+" " {
				break
			}
		}
	}
	if refused != 2 {
		t.Errorf("%d refused", refused)
	}
}

// BenchmarkSearch searches without index, and writes the answer to nowhere.
func BenchmarkSearch(b *testing.B) {
	const n = 20_000
	s := searching(b, n, io.Discard)
	for _, text := range []string{"UNSEEN", "UNSEEN UNDELETED", "SUBJECT \"number 4321\"", "FROM s77", "SINCE 1-Jan-2020", "TEXT zebrafish"} {
		b.Run(text, func(b *testing.B) {
			a := asked{word: "SEARCH", Search: imap.Search{Key: *key(b, text)}}
			for b.Loop() {
				if _, err := s.answerSearch(b.Context(), &a); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "msgs/s")
		})
	}
}

// BenchmarkSort sorts and threads a mailbox whose facts are known.
func BenchmarkSort(b *testing.B) {
	const n = 20_000
	s := searching(b, n, io.Discard)
	for _, text := range []string{"(SUBJECT)", "(REVERSE DATE)", "(FROM SUBJECT REVERSE ARRIVAL)"} {
		a := asked{word: "SORT"}
		d := imap.NewDecoder(&oneLine{text: text + " UTF-8 ALL\r\n"}, func() error { return nil })
		if !d.Sort(&a.Search) {
			b.Fatal(d.Err())
		}
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.answerSearch(b.Context(), &a); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("THREAD REFERENCES", func(b *testing.B) {
		for b.Loop() {
			d := imap.NewDecoder(&oneLine{text: " REFERENCES UTF-8 ALL\r\n"}, func() error { return nil })
			if _, err := cmdThread(b.Context(), s, d); err != nil {
				b.Fatal(err)
			}
		}
	})
}
