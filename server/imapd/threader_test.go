package imapd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tegami/wire/imap"
)

// threadsOf gives the threads of messages, one a line: "id < reference reference : subject @ date", all of them numbers, the subject
// with "re" before it for a reply. Parts may be missing.
func threadsOf(by imap.Algorithm, letters string) string {
	lines := strings.Split(strings.TrimSpace(letters), "\n")
	t := newThreader(len(lines))
	numbers := make([]uint32, len(lines))
	for i, line := range lines {
		m := threadMessage{sent: int64(i)}
		rest, date, ok := strings.Cut(line, "@")
		if ok {
			m.sent, _ = strconv.ParseInt(strings.TrimSpace(date), 10, 64)
		}
		rest, subject, _ := strings.Cut(rest, ":")
		if s, ok := strings.CutPrefix(strings.TrimSpace(subject), "re"); ok {
			m.reply, subject = true, s
		}
		if s, err := strconv.Atoi(strings.TrimSpace(subject)); err == nil {
			m.subject = uint32(s)
		}
		id, refs, _ := strings.Cut(rest, "<")
		m.id, _ = strconv.ParseUint(strings.TrimSpace(id), 10, 64)
		for _, ref := range strings.Fields(refs) {
			n, _ := strconv.ParseUint(ref, 10, 64)
			m.references = append(m.references, n)
		}
		if by == imap.OrderedSubject {
			m.id, m.references = 0, nil
		}
		t.add(&m)
		numbers[i] = uint32(i + 1)
	}
	if by == imap.OrderedSubject {
		t.bySubject()
	} else {
		t.byReferences()
	}
	return string(t.appendTo(nil, numbers))
}

// TestThreads goes through the steps of RFC 5256 §3 one by one.
func TestThreads(t *testing.T) {
	for _, c := range []struct{ name, letters, references, subjects string }{
		{"alone", "1:1", "(1)", "(1)"},
		{"a chain", "1:1\n2<1:re1\n3<1 2:re1", "(1 2 3)", "(1 (2)(3))"},
		{"siblings by date", "1:1\n2<1:re1@9\n3<1:re1@5", "(1 (3)(2))", "(1 (3)(2))"},
		{"a reply before its parent", "2<1:re1@5\n1:1@1", "(2 1)", "(2 1)"},
		{"one missing between", "1:1\n3<1 2:re1", "(1 2)", "(1 2)"},
		{"the parent is missing, one child", "2<1:1", "(1)", "(1)"},
		{"the parent is missing, two children", "2<1:1\n3<1:2", "((1)(2))", "(1)(2)"},
		{"missing ones in a row", "4<1 2 3:1\n5<1 2 3:2", "((1)(2))", "(1)(2)"},
		{"missing ones with a branch", "4<1 2:1\n5<1 3:2\n6<1 3:3", "((1)(2)(3))", "(1)(2)(3)"},
		{"a loop", "1<2:1\n2<1:2", "(2 1)", "(1)(2)"},
		{"refers to itself", "1<1:1", "(1)", "(1)"},
		{"a longer loop", "1<3:1\n2<1:2\n3<2:3", "(3 1 2)", "(1)(2)(3)"},
		{"an id twice", "1:1\n1:2\n2<1:3", "(1 3)(2)", "(1)(2)(3)"},
		{"no id", ":1\n:2", "(1)(2)", "(1)(2)"},
		{"a parent known by its child only", "3<1:1\n1:1\n2<1:2\n4<2:1", "(2 (1)(3 4))", "(1 (2)(4))(3)"},
		{"same subject, a reply", "1:1\n2:re1", "(1 2)", "(1 2)"},
		{"same subject, reply first", "1:re1\n2:1", "(2 1)", "(1 2)"},
		{"same subject, no replies", "1:1\n2:1\n3:1", "((1)(2)(3))", "(1 (2)(3))"},
		{"same subject, replies only", "1:re1\n2:re1", "((1)(2))", "(1 2)"},
		{"empty subjects stay apart", "1\n2", "(1)(2)", "(1 2)"},
		{"a missing parent and its subject", "2<1:1\n3<1:1\n4:re1\n5:1", "((1)(2)(3)(4))", "(1 (2)(3)(4))"},
		{"two missing parents of one subject", "2<1:1\n3<1:2\n5<4:1\n6<4:3", "((1)(2)(3)(4))", "(1 3)(2)(4)"},
		{"threads by date", "1:1@5\n2:2@3\n3:3@4", "(2)(3)(1)", "(2)(3)(1)"},
		{"dates alike", "1:1@1\n2:2@1\n3:3@1", "(1)(2)(3)", "(1)(2)(3)"},
		{"nested", "3:3\n6<3:re3\n4<3 6:re3\n23<3 6 4:re3\n44<3 6:re3\n7<3 6 44:re3\n96<3 6 44 7:re3", "(1 2 (3 4)(5 6 7))", "(1 (2)(3)(4)(5)(6)(7))"},
	} {
		if got := threadsOf(imap.References, c.letters); got != c.references {
			t.Errorf("%s: REFERENCES %s, want %s", c.name, got, c.references)
		}
		if got := threadsOf(imap.OrderedSubject, c.letters); got != c.subjects {
			t.Errorf("%s: ORDEREDSUBJECT %s, want %s", c.name, got, c.subjects)
		}
	}
}

// Whatever the messages say of themselves: each is in one thread, once, and what is written can be read. Threads as deep as a mailbox
// is long take no stack.
func FuzzThreads(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18})
	f.Fuzz(func(t *testing.T, in []byte) {
		var letters []string
		for len(in) >= 4 {
			letters = append(letters, fmt.Sprintf("%d<%d %d:%s%d@%d", in[0]%16, in[1]%16, in[2]%16, []string{"", "re"}[in[0]>>7], in[3]%4, in[3]>>4))
			in = in[4:]
		}
		if len(letters) == 0 {
			return
		}
		for _, by := range []imap.Algorithm{imap.References, imap.OrderedSubject} {
			checkThreads(t, threadsOf(by, strings.Join(letters, "\n")), len(letters))
		}
	})
}

func checkThreads(t *testing.T, text string, n int) {
	t.Helper()
	depth := 0
	for _, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 || depth == 0 && c != ')' {
			t.Fatalf("%.300s", text)
		}
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	var seen []int
	for _, w := range words {
		n, _ := strconv.Atoi(w)
		seen = append(seen, n)
	}
	slices.Sort(seen)
	if depth != 0 || len(slices.Compact(seen)) != n || len(words) != n || strings.Contains(text, "()") || strings.Contains(text, " )") {
		t.Errorf("%d messages, %d numbers: %.300s", n, len(words), text)
	}
}

func TestDeepThread(t *testing.T) {
	const n = 100_000
	rng := rand.New(rand.NewPCG(1, 2))
	tr := newThreader(n)
	numbers := make([]uint32, n)
	order := rng.Perm(n)
	for i, id := range order {
		m := threadMessage{id: uint64(id) + 1, sent: int64(id)}
		if id > 0 {
			m.references = []uint64{uint64(id)}
		}
		tr.add(&m)
		numbers[i] = uint32(i + 1)
	}
	tr.byReferences()
	checkThreads(t, string(tr.appendTo(nil, numbers)), n)
}
