package imap

import (
	"bytes"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"tegami/mail"
)

// FuzzDecoder reads commands of any sort out of any octets: it must not panic, and after
// Discard either the next command is found or the input is over.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{"a NOOP\r\n", "a LOGIN {3+}\r\nabc \"x\"\r\n", "a UID FETCH 1:* (FLAGS BODY.PEEK[1.2]<0.5>)\r\n",
		"a SEARCH CHARSET UTF-8 OR (SEEN) NOT FROM {2}\r\nab\r\n", "a LIST (SUBSCRIBED) \"\" (a% *) RETURN (STATUS (MESSAGES))\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := decode(string(in))
		for range len(in) + 1 {
			d.Command()
			var s string
			var set NumSet
			var flags Flags
			var at time.Time
			var items StatusItems
			_ = d.SP() && d.AString(&s) && d.SP() && d.NumSet(&set) && d.SP() && d.Flags(&flags) && d.SP() &&
				d.DateTime(&at) && d.SP() && d.ListMailbox(&s) && d.SP() && d.StatusList(&items) && d.End()
			if d.Discard() != nil {
				return
			}
		}
		t.Error("commands without end")
	})
}

func FuzzSearch(f *testing.F) {
	f.Add("RETURN (MIN ALL) CHARSET UTF-8 OR (SEEN 1:*) NOT HEADER a {1+}\r\nb SINCE 1-Jan-2020")
	f.Add("UID $ MODSEQ \"/x\" all 5 KEYWORD a UNKEYWORD b SMALLER 1")
	f.Fuzz(func(t *testing.T, in string) {
		var one, two Search
		if d := decode(in + "\r\n"); !d.Search(&one) || !d.End() {
			return
		}
		text := one.AppendTo(nil)
		d := NewDecoder(bytes.NewReader(append(text, "\r\n"...)), func() error { return nil })
		if !d.Search(&two) || !d.End() || !reflect.DeepEqual(one, two) {
			t.Errorf("%q\n%q\n%+v\n%+v %v", in, text, one, two, d.Err())
		}
	})
}

func FuzzFetch(f *testing.F) {
	f.Add("(UID FLAGS BODY.PEEK[1.2.HEADER.FIELDS.NOT (a \"b c\")]<1.2> BINARY[3]) (CHANGEDSINCE 4)")
	f.Fuzz(func(t *testing.T, in string) {
		var one, two Fetch
		if d := decode(in + "\r\n"); !d.Fetch(&one) || !d.End() {
			return
		}
		text := one.AppendTo(nil)
		d := NewDecoder(bytes.NewReader(append(text, "\r\n"...)), func() error { return nil })
		if !d.Fetch(&two) || !d.End() || !reflect.DeepEqual(one, two) {
			t.Errorf("%q\n%q\n%+v\n%+v %v", in, text, one, two, d.Err())
		}
	})
}

func FuzzUTF7(f *testing.F) {
	f.Add("&ZeVnLIqe-")
	f.Add("送信済み & more")
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := DecodeUTF7(s); ok && !utf8.ValidString(got) {
			t.Errorf("%q decodes to %q", s, got)
		}
		for _, r := range s {
			if r == 0 || r == utf8.RuneError {
				return
			}
		}
		if got, ok := DecodeUTF7(string(AppendUTF7(nil, s))); !ok || got != s {
			t.Errorf("%q comes back as %q %v", s, got, ok)
		}
	})
}

// FuzzString checks that what is written as a string is read as the same string.
func FuzzString(f *testing.F) {
	f.Add("a\"b\\c", true)
	f.Fuzz(func(t *testing.T, s string, utf bool) {
		for i := range len(s) {
			if s[i] == 0 {
				return
			}
		}
		var got string
		if d := decode(string(AppendString(nil, s, utf)) + "\r\n"); !d.String(&got) || !d.End() || got != s {
			t.Errorf("%q comes back as %q: %v", s, got, d.Err())
		}
	})
}

// FuzzNumSet checks that Resolve keeps exactly the numbers of a set.
func FuzzNumSet(f *testing.F) {
	f.Add("1:3,5,*:7,2", uint32(9))
	f.Fuzz(func(t *testing.T, in string, largest uint32) {
		var s NumSet
		if d := decode(in + "\r\n"); !d.NumSet(&s) || !d.End() || s.Saved {
			return
		}
		rs := s.Resolve(largest)
		for i, r := range rs {
			if r.Lo > r.Hi || r.Lo == 0 || i > 0 && uint64(rs[i-1].Hi)+1 >= uint64(r.Lo) {
				t.Fatalf("%q of %d: %v", in, largest, rs)
			}
		}
		for n := uint32(1); n < 50; n++ {
			if InRanges(rs, n) != naiveIn(s, n, largest) {
				t.Fatalf("%q of %d: %v, %d", in, largest, rs, n)
			}
		}
	})
}

func naiveIn(s NumSet, n, largest uint32) bool {
	for _, r := range s.Ranges {
		lo, hi := r.Lo, r.Hi
		if lo == 0 {
			lo = largest
		}
		if hi == 0 {
			hi = largest
		}
		if lo <= n && n <= hi || hi <= n && n <= lo {
			return true
		}
	}
	return false
}

func FuzzMatch(f *testing.F) {
	f.Add("a%*b", "axx/b")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) < 12 && len(name) < 12 && Match(pattern, name) && !Match("*"+pattern+"*", name) {
			t.Errorf("%q matches %q, but not within stars", pattern, name)
		}
	})
}

func FuzzFlags(f *testing.F) {
	f.Add(uint64(0xffff))
	f.Fuzz(func(t *testing.T, bits uint64) {
		want := mail.Flags(bits) & (mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft)
		var got Flags
		d := decode("(" + string(AppendFlags(nil, want, nil)) + ")\r\n")
		if !d.FlagList(&got) || got.System != want || got.Keywords != nil {
			t.Errorf("%x: %+v %v", bits, got, d.Err())
		}
	})
}

func FuzzSelectParams(f *testing.F) {
	f.Add("(CONDSTORE QRESYNC (67890007 20050715194045000 41,43:211,214:541 (1:3,5 2:4,7)))")
	f.Add("(QRESYNC (1 2 (4 8)))")
	f.Fuzz(func(t *testing.T, in string) {
		var one, two SelectParams
		if d := decode(in + "\r\n"); !d.SelectParams(&one) || !d.End() {
			return
		}
		one.LastMatch(func(seq uint32) uint32 { return seq % 1000 })
		text := one.AppendTo(nil)
		if d := decode(string(text) + "\r\n"); !d.SelectParams(&two) || !d.End() || !reflect.DeepEqual(one, two) {
			t.Errorf("%q\n%q\n%+v\n%+v %v", in, text, one, two, d.Err())
		}
	})
}

func FuzzNotify(f *testing.F) {
	f.Add(" SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (FROM)]) MessageExpunge)) (subtree Lists (MailboxName x))")
	f.Add(" SET (mailboxes (INBOX \"a b\") NONE) (personal (FlagChange MessageExpunge MessageNew))")
	f.Add(" NONE")
	f.Fuzz(func(t *testing.T, in string) {
		var one, two Notify
		if d := decode(in + "\r\n"); !d.Notify(&one) || !d.End() {
			return
		}
		text := one.AppendTo(nil)
		if d := decode(string(text) + "\r\n"); !d.Notify(&two) || !d.End() || !reflect.DeepEqual(one, two) {
			t.Errorf("%q\n%q\n%+v\n%+v %v", in, text, one, two, d.Err())
		}
	})
}
