package imapd

import (
	"bytes"
	"testing"
	"time"

	"tegami/wire/imap"
)

// A command that takes long says how far it is, not more often than every progressEvery, and never more than all of it.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	s := &session{out: imap.NewWriter(&out)}
	say := func(tag string, late bool, done, total int) string {
		s.tag, s.progressAt = tag, time.Now().Add(time.Hour)
		if late {
			s.progressAt = time.Now().Add(-time.Second)
		}
		out.Reset()
		s.progress(done, total)
		s.progress(done, total) // at once again: nothing
		return out.String()
	}
	for _, c := range []struct {
		tag         string
		late        bool
		done, total int
		want        string
	}{
		{"a1", false, 5, 10, ""},
		{"a1", true, 5, 10, "* OK [INPROGRESS (\"a1\" 5 10)] still working\r\n"},
		{"a\\\"", true, 0, 0, "* OK [INPROGRESS (\"a\\\\\\\"\" 0 NIL)] still working\r\n"},
		{"a1", true, 12, 10, "* OK [INPROGRESS (\"a1\" 12 12)] still working\r\n"},
		{"", true, 5, 10, ""},
	} {
		if got := say(c.tag, c.late, c.done, c.total); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
