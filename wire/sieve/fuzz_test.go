package sieve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tegami/wire/mime"
)

var fuzzLimits = Limits{Steps: 5000, Time: 10 * time.Second, Memory: 256 << 10, Body: 64 << 10}

func addScripts(f *testing.F, add func(string)) {
	for _, s := range []string{
		"", "keep;", "if header :matches \"subject\" \"*\" { discard; } else { stop; }",
		`require ["fileinto", "variables", "imap4flags", "editheader", "foreverypart", "mime", "replace", "enclose", "extracttext"];
		set :upper "a" "${1}"; foreverypart { if header :mime :anychild :param "name" "content-type" "x" { replace :mime "A: b

c"; } extracttext :first 10 "a"; } addheader :last "X" "${a}"; deleteheader :index 1 "a" ["b"]; enclose :headers "a" "b"; fileinto :flags "x" "${a}";`,
		`require ["vacation", "enotify", "body", "regex", "relational", "date", "index", "duplicate", "envelope", "subaddress"];
		if anyof(body :content "text" :regex "(a|b)*", date :zone "+0900" :value "ge" "date" "date" "2020-01-01", envelope :detail "to" "x", duplicate) { vacation text:
a
.
; notify "mailto:a@example.com?subject=%20"; }`,
		`require ["ihave", "include", "encoded-character"]; if ihave "x" { y; } include :once :optional "s"; redirect "${hex:41}@example.com";`,
	} {
		add(s)
	}
}

func FuzzCompile(f *testing.F) {
	addScripts(f, func(s string) { f.Add([]byte(s)) })
	f.Fuzz(func(t *testing.T, source []byte) {
		s, err := Compile(source, fuzzLimits)
		var e *SyntaxError
		switch {
		case err == nil && s != nil:
		case s == nil && errors.As(err, &e) && len(e.Faults) > 0 && len(e.Faults) <= MaxFaults:
			for _, fault := range e.Faults {
				if fault.Line < 1 || fault.Line > 1+bytes.Count(source, []byte("\n")) || texts()[fault.Key] == "" {
					t.Errorf("%v", fault)
				}
			}
		default:
			t.Errorf("%v %v", s, err)
		}
	})
}

func FuzzRun(f *testing.F) {
	addScripts(f, func(s string) { f.Add(s, mixedMail); f.Add(s, plainMail); f.Add(s, "") })
	f.Fuzz(func(t *testing.T, script, message string) {
		s, err := Compile([]byte(script), fuzzLimits)
		if err != nil {
			return
		}
		in := newInput(message, nil)
		in.Octets, in.Structure = strings.NewReader(message), mime.ParseBytes([]byte(message), mime.Limits{})
		res, err := s.Run(context.Background(), in)
		var broken *RunError
		switch {
		case err != nil && !errors.As(err, &broken):
			t.Error(err)
		case err == nil && len(res.Actions) == 0:
			t.Error("nothing becomes of the message")
		case err == nil:
			checkActions(t, in, res.Actions)
		}
	})
}

// checkActions checks what holds of all actions.
func checkActions(t *testing.T, in *Input, actions []Action) {
	for _, a := range actions {
		switch a := a.(type) {
		case Keep:
			checkContent(t, in, a.Content)
		case FileInto:
			checkContent(t, in, a.Content)
			if !validMailbox(a.Mailbox) {
				t.Errorf("mailbox %q", a.Mailbox)
			}
		case Redirect:
			checkContent(t, in, a.Content)
		case Reject:
			if len(actions) > 1 {
				for _, other := range actions {
					switch other.(type) {
					case Keep, FileInto, Redirect, Vacation:
						t.Errorf("%T beside a reject", other)
					}
				}
			}
		case Vacation:
			if strings.ContainsAny(a.Subject+a.From+a.References, "\r\n") || !utf8.ValidString(a.Text+a.Subject) {
				t.Errorf("%+v", a)
			}
		case Notify:
			if strings.ContainsAny(a.Subject+a.From, "\r\n") || len(a.To)+len(a.Cc)+len(a.Bcc) == 0 {
				t.Errorf("%+v", a)
			}
		}
	}
}

func checkContent(t *testing.T, in *Input, c *Content) {
	if c == nil {
		return
	}
	b, err := io.ReadAll(c.Open(in.Octets))
	if err != nil || int64(len(b)) != c.Size() {
		t.Errorf("%d of %d octets: %v", len(b), c.Size(), err)
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*??", "会議")
	f.Add(`\*\`, "*")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		values, ok := parseGlob(pattern).match(s)
		if !ok {
			return
		}
		at := 0
		for _, v := range values {
			if v.from < at || v.to < v.from || v.to > len(s) {
				t.Fatalf("%q in %q: %v", pattern, s, values)
			}
			at = v.to
		}
	})
}
