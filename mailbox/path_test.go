package mailbox

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tegami/mail"
	"tegami/store"
)

func TestParsePath(t *testing.T) {
	deep := strings.Repeat("a/", MaxDepth-1) + "a"
	for _, c := range []struct{ path, want, text string }{
		{"INBOX", "INBOX", ""},
		{"inBox", "INBOX", ""},
		{"inbox/Work", "INBOX/Work", ""},
		{"Work/inbox", "Work/inbox", ""},
		{"送信済み", "送信済み", ""},
		{"ば", "ば", ""}, // decomposed comes out composed
		{"a b/*%", "a b/*%", ""},
		{deep, deep, ""},
		{strings.Repeat("あ", 85), strings.Repeat("あ", 85), ""}, // 255 octets
		{strings.Repeat("あ", 86), "", "mailbox.name_too_long"},
		{strings.Repeat("x/", 9000), "", "mailbox.name_too_long"},
		{deep + "/a", "", "mailbox.too_deep"},
		{"", "", "mailbox.name"},
		{"/a", "", "mailbox.name"},
		{"a//b", "", "mailbox.name"},
		{"a/", "", "mailbox.name"},
		{"a\x00", "", "mailbox.name"},
		{"a\r\nb", "", "mailbox.name"},
		{"a\u0085", "", "mailbox.name"},
		{"a\u2028", "", "mailbox.name"},
		{"\xff", "", "mailbox.name"},
	} {
		levels, err := parsePath("test", c.path)
		if text, _ := mail.TextOf(err); joinPath(levels) != c.want || text != c.text {
			t.Errorf("parsePath(%q) = %q, %v; want %q, %q", c.path, levels, err, c.want, c.text)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"INBOX", "a/b", "か\u3099/x", "\xff", "a//b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		levels, err := parsePath("test", s)
		if err != nil {
			if !mail.Is(err, mail.Invalid) {
				t.Fatal(err)
			}
			return
		}
		path := joinPath(levels)
		if !utf8.ValidString(path) || !norm.NFC.IsNormalString(path) || len(levels) > MaxDepth {
			t.Fatalf("%q became %q", s, path)
		}
		again, err := parsePath("test", path)
		if err != nil || !slices.Equal(again, levels) {
			t.Fatalf("%q again: %q, %v", path, again, err)
		}
	})
}

func TestFoldersOf(t *testing.T) {
	box := func(id, parent mail.MailboxID, name string) store.Mailbox {
		return store.Mailbox{ID: id, Parent: parent, Name: name}
	}
	got := foldersOf([]store.Mailbox{
		box(1, 0, "Work"), box(2, 1, "b"), box(3, 0, "Work-2"), box(4, 0, Inbox), box(5, 4, "x"), box(6, 2, "c"), box(7, 0, "Archive"),
	})
	var paths []string
	for _, f := range got {
		mark := ""
		if f.HasChildren {
			mark = "+"
		}
		paths = append(paths, f.Path+mark)
	}
	want := []string{"INBOX+", "INBOX/x", "Archive", "Work+", "Work/b+", "Work/b/c", "Work-2"}
	if !slices.Equal(paths, want) {
		t.Errorf("%q\nwant %q", paths, want)
	}
}

func TestNeighbours(t *testing.T) {
	for _, c := range []struct {
		seqs []uint32
		want int
	}{
		{[]uint32{1}, 1}, {[]uint32{1, 2, 3}, 3}, {[]uint32{1, 5, 9, 14}, 3}, {[]uint32{1, 6}, 1},
	} {
		if got := neighbours(c.seqs); got != c.want {
			t.Errorf("neighbours(%v) = %d, want %d", c.seqs, got, c.want)
		}
	}
}
