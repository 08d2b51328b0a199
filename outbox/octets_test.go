package outbox

import (
	"bytes"
	"strings"
	"testing"

	"tegami/wire/mime"
)

// FuzzWire: whatever octets a message has, lines end in CRLF and no CR or LF stands alone, however they come in pieces; what was so already stays as it is.
func FuzzWire(f *testing.F) {
	f.Add([]byte("a\r\nb\nc\rd\r\r\n\n"), 3)
	f.Add([]byte("\r"), 1)
	f.Add([]byte(""), 0)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		write := func(pieces ...[]byte) string {
			var out bytes.Buffer
			w := &wire{to: &out}
			for _, p := range pieces {
				if _, err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.end(); err != nil || w.n != int64(out.Len()) {
				t.Fatalf("%d octets counted, %d written, %v", w.n, out.Len(), err)
			}
			return out.String()
		}
		cut := min(max(n, 0), len(b))
		got := write(b[:cut], b[cut:])
		if got != write(b) || got != write([]byte(got)) {
			t.Fatalf("%q becomes %q in pieces, else %q", b, got, write(b))
		}
		if rest := strings.ReplaceAll(got, "\r\n", ""); strings.ContainsAny(rest, "\r\n") || !strings.HasSuffix(got, "\r\n") {
			t.Fatalf("%q becomes %q", b, got)
		}
	})
}

// FuzzWithoutBcc: no Bcc is left, and nothing else is lost.
func FuzzWithoutBcc(f *testing.F) {
	f.Add([]byte("From: a\r\nBcc: b,\r\n c\r\nTo: d\r\n\r\n"))
	f.Add([]byte("bCC : b\nTo: d\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		out := withoutBcc(b)
		for field := range mime.Header(out).Fields() {
			if strings.EqualFold(string(field.Name), "bcc") {
				t.Fatalf("%q is left of %q", out, b)
			}
		}
		if len(out) == len(b) && !bytes.Equal(out, b) {
			t.Fatalf("%q became %q", b, out)
		}
	})
}

// FuzzPath: parameters never make more of a command than one line.
func FuzzPath(f *testing.F) {
	f.Add("a@b.example", "HOLDFOR", "5")
	f.Add("a@b.example>\r\nRCPT TO:<x@y.example", "ENVID", "a b\r\n")
	f.Add("a b@c.example", "ORCPT", "rfc822;a=b c")
	f.Fuzz(func(t *testing.T, email, name, value string) {
		p := Path{Email: email, Parameters: map[string]*string{name: &value}}
		if args, err := p.args("TO:"); err == nil && strings.ContainsAny(args, "\r\n") {
			t.Fatalf("%q", args)
		}
		if r, err := readTo(p); err == nil && strings.ContainsAny(r.Address.String()+r.Orcpt, "\r\n") {
			t.Fatalf("%+v", r)
		}
		_, _, _ = readFrom(p)
	})
}
