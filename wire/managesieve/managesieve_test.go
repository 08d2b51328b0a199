package managesieve

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"tegami/mail"
)

// TestRFC5804Commands reads commands as RFC 5804 §4 has them.
func TestRFC5804Commands(t *testing.T) {
	str := func(s string) Arg { return Arg{Kind: String, Text: s} }
	for _, c := range []struct {
		in   string
		want Command
		err  string // key
	}{
		{"noop\r\n", Command{Verb: "NOOP"}, ""},
		{"NOOP\n", Command{Verb: "NOOP"}, ""},
		{"NOOP \"a \\\"b\\\\\"\r\n", Command{"NOOP", []Arg{str(`a "b\`)}}, ""},
		{"PUTSCRIPT \"x\" {5+}\r\na\r\nb\n\r\n", Command{"PUTSCRIPT", []Arg{str("x"), str("a\r\nb\n")}}, ""},
		{"RENAMESCRIPT {1+}\r\na {1+}\r\nb\r\n", Command{"RENAMESCRIPT", []Arg{str("a"), str("b")}}, ""},
		{"HAVESPACE \"x\" 4294967295\r\n", Command{"HAVESPACE", []Arg{str("x"), {Number, "4294967295", 4294967295}}}, ""},
		{"HAVESPACE \"x\" 4294967296\r\n", Command{"HAVESPACE", []Arg{str("x"), {Kind: Word, Text: "4294967296"}}}, ""},
		{"GETSCRIPT x\r\n", Command{"GETSCRIPT", []Arg{{Kind: Word, Text: "x"}}}, ""},
		{"GETSCRIPT \"日本\"\r\n", Command{"GETSCRIPT", []Arg{str("日本")}}, ""},
		{"NOOP \"\"\r\n", Command{"NOOP", []Arg{str("")}}, ""},
		{"\r\n", Command{}, "managesieve.syntax"},
		{"\"NOOP\"\r\n", Command{}, "managesieve.syntax"},
		{"NOOP \r\n", Command{}, "managesieve.syntax"},
		{"NOOP \"a\"\"b\"\r\n", Command{}, "managesieve.syntax"},
		{"NOOP \"a\r\n", Command{}, "managesieve.syntax"},
		{"NOOP \"a\\\r\n", Command{}, "managesieve.syntax"},
		{"NOOP \"\\a\"\r\n", Command{}, "managesieve.syntax"},
		{"NOOP \"\xff\"\r\n", Command{}, "managesieve.syntax"},
		{"NOOP \"" + strings.Repeat("x", MaxQuoted+1) + "\"\r\n", Command{}, "managesieve.syntax"},
		{"NOOP {3}\r\n", Command{}, "managesieve.syntax"},
		{"NOOP {+}\r\n", Command{}, "managesieve.syntax"},
		{"NOOP {-1+}\r\n", Command{}, "managesieve.syntax"},
		{"NOOP" + strings.Repeat(" 1", MaxArgs+1) + "\r\n", Command{}, "managesieve.syntax"},
		{strings.Repeat("x", MaxLine+1) + "\r\n", Command{}, "managesieve.line_too_long"},
		{"NOOP {101+}\r\n" + strings.Repeat("\n", 101) + "\r\n", Command{}, "managesieve.too_big"},
		{"NOOP {60+}\r\n" + strings.Repeat("\n", 60) + " {60+}\r\n" + strings.Repeat("\n", 60) + "\r\n", Command{}, "managesieve.too_big"},
	} {
		r := NewReader(strings.NewReader(c.in+"LOGOUT\r\n"), 100)
		got, err := r.Command()
		if key, _ := mail.TextOf(err); key != c.err {
			t.Errorf("%.60q: %v, want %q", c.in, err, c.err)
			continue
		}
		if c.err == "" && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%.60q: %+v, want %+v", c.in, got, c.want)
		}
		if next, err := r.Command(); err != nil || next.Verb != "LOGOUT" {
			t.Errorf("%.60q: behind it %+v, %v", c.in, next, err)
		}
	}
}

// TestEnds tells an end between commands from one within.
func TestEnds(t *testing.T) {
	for in, want := range map[string]error{
		"":                     io.EOF,
		"NOOP":                 io.ErrUnexpectedEOF,
		"NOOP {5+}\r\nabc":     io.EOF,
		"NOOP {2147483648+}\r": io.ErrUnexpectedEOF,
		"NOOP {99999999+}\r\n": ErrFatal,
	} {
		_, err := NewReader(strings.NewReader(in), 100).Command()
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
}

// TestString reads the client's part of an exchange.
func TestString(t *testing.T) {
	for in, want := range map[string]string{"\"abc\"\r\n": "abc", "{3+}\r\nabc\r\n": "abc", "\"\"\r\n": "", "*\r\n": "*", "\"*\"\r\n": "*"} {
		if got, err := NewReader(strings.NewReader(in), 100).String(); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"abc\r\n", "\r\n", "\"a\" \"b\"\r\n", "12\r\n"} {
		if got, err := NewReader(strings.NewReader(in), 100).String(); !mail.Is(err, mail.Invalid) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// TestWriter writes responses as RFC 5804 §4 has them.
func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	w.OK("", "")
	w.OK("", `say "hi" \o/`)
	w.No(Active, "no\r\nnot that")
	w.Bye(TryLater, "later")
	w.OK(Tag("a\"b"), "done")
	w.OK(SASL("dj0="), "")
	w.Line("ACTIVE", "main")
	w.Line("", "SIEVE", "a b")
	w.Literal([]byte("keep;\n"))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "OK\r\n" + `OK "say \"hi\" \\o/"` + "\r\n" + "NO (ACTIVE) {12}\r\nno\r\nnot that\r\n" + "BYE (TRYLATER) \"later\"\r\n" +
		`OK (TAG "a\"b") "done"` + "\r\n" + `OK (SASL "dj0=")` + "\r\n" + "\"main\" ACTIVE\r\n" + "\"SIEVE\" \"a b\"\r\n" + "{6}\r\nkeep;\n\r\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// FuzzReader reads any octets: it ends, keeps its limits, and what it reads can be written and read again.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"NOOP\r\n", "PUTSCRIPT \"a\" {3+}\r\nabc\r\n", "HAVESPACE \"a\" 12\r\n", "X {300+}\r\n", "NOOP \"\\\"\"\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in), 200)
		for {
			c, err := r.Command()
			if mail.Is(err, mail.Invalid) || mail.Is(err, mail.Full) {
				continue
			}
			if err != nil {
				return
			}
			text := c.Verb
			for _, a := range c.Args {
				if len(a.Text) > MaxLine {
					t.Fatalf("%d octets", len(a.Text))
				}
				if a.Kind != String {
					text += " " + a.Text
				} else if q := quote(a.Text); q[0] == '"' && len(a.Text) < MaxQuoted/2 {
					text += " " + q
				} else {
					return
				}
			}
			again, err := NewReader(strings.NewReader(text+"\r\n"), 200).Command()
			if len(text) < MaxLine && validText(c.Args) && (err != nil || !reflect.DeepEqual(again, c)) {
				t.Fatalf("%+v became %+v, %v", c, again, err)
			}
		}
	})
}

// validText tells whether all arguments can stand in quoted strings: literals may hold anything.
func validText(args []Arg) bool {
	for _, a := range args {
		if strings.ToValidUTF8(a.Text, "") != a.Text {
			return false
		}
	}
	return true
}
