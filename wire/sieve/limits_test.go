package sieve

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tegami/mail"
)

// deepMail has multiparts in multiparts.
var deepMail = "To: hanako@example.com\n" + func() string {
	s := "\ntext\n"
	for i := range 6 {
		s = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n%s\n--b%d--\n", i, i, s, i)
	}
	return s
}()

// limited runs a script under limits and gives the key of what ended it.
func limited(t *testing.T, script string, lim Limits, host Host) string {
	t.Helper()
	s, err := Compile([]byte(script), lim)
	if err == nil {
		_, err = s.Run(context.Background(), newInput(deepMail, host))
	}
	key, _ := mail.TextOf(err)
	return key
}

func TestLimits(t *testing.T) {
	loop := &testHost{scripts: map[string]string{
		"a": `require "include"; include "b";`, "b": `require "include"; include "c"; include "c"; include "c";`, "c": ``,
		"deep": `require "foreverypart"; foreverypart { foreverypart { foreverypart { stop; } } }`,
	}}
	grow := `require ["variables", "fileinto"]; set "a" "` + strings.Repeat("x", 4000) + `"; ` + strings.Repeat(`set "a" "${a}${a}"; `, 5)
	for _, x := range []struct {
		name, script string
		lim          Limits
		want         string
	}{
		{"a script of 1 MiB", strings.Repeat("#", 1<<20), Limits{}, "sieve.script_large"},
		{"steps", strings.Repeat("keep;", 20), Limits{Steps: 10}, "sieve.limit_steps"},
		{"steps, by octets", grow + strings.Repeat(`if string "${a}" "b" {} `, 300), Limits{Steps: 5000}, "sieve.limit_steps"},
		{"time", strings.Repeat("keep;", 200), Limits{Time: 1}, "sieve.limit_time"},
		{"memory of one text", grow + `set "b" "` + strings.Repeat("${a}", 100) + `";`, Limits{}, "sieve.limit_memory"},
		{"memory of variables", grow + func() (s string) {
			for i := range 100 {
				s += fmt.Sprintf(`set "v%d" "${a}"; `, i)
			}
			return s
		}(), Limits{}, "sieve.limit_memory"},
		{"memory of edits", `require "enclose"; ` + strings.Repeat(`enclose "`+strings.Repeat("x", 1000)+`"; `, 30), Limits{Memory: 20000}, "sieve.limit_memory"},
		{"actions", `require "fileinto"; fileinto "a"; fileinto "b"; fileinto "c";`, Limits{Actions: 2}, "sieve.limit_actions"},
		{"redirects", `redirect "a@x.example"; redirect "b@x.example"; redirect "a@x.example"; redirect "c@x.example";`, Limits{Redirects: 2}, "sieve.limit_redirects"},
		{"notifications", `require "enotify"; notify "mailto:a@x.example"; notify "mailto:b@x.example";`, Limits{Notifies: 1}, "sieve.limit_notifies"},
		{"variables", `require "variables"; set "a" ""; set "b" "";`, Limits{Variables: 1}, "sieve.variables_many"},
		{"includes", `require "include"; include "a";`, Limits{Includes: 4}, "sieve.limit_includes"},
		{"depth of includes", `require "include"; include "a";`, Limits{Depth: 2}, "sieve.limit_depth"},
		{"loops", `require ["foreverypart", "include"]; foreverypart { foreverypart { include "deep"; } }`, Limits{}, "sieve.loops_deep"},
		{"loops, enough", `require ["foreverypart", "include"]; foreverypart { include "deep"; }`, Limits{}, ""},
		{"a regular expression's length", `require "regex"; if header :regex "a" "abcdef" {}`, Limits{Regex: 5}, "sieve.regex"},
		{"a regular expression's program", `require "regex"; if header :regex "a" "` + strings.Repeat("x{1000}", 50) + `" {}`, Limits{}, "sieve.regex"},
		{"all regular expressions", `require "regex"; ` + strings.Repeat(`if header :regex "a" "x{1000}" {} `, 250), Limits{}, "sieve.regex_heavy"},
		{"patterns on a long text", grow + `set "a" "${a}${a}${a}${a}"; ` + strings.Repeat(`if string :matches "${a}" "*x?x*b*" {} `, 2000), Limits{Steps: 50_000}, "sieve.limit_steps"},
		{"flags", `require "imap4flags"; setflag "` + func() (s string) {
			for i := range MaxFlags + 1 {
				s += fmt.Sprintf("f%d ", i)
			}
			return s
		}() + `";`, Limits{}, "sieve.limit_flags"},
		{"a header field", `require "editheader"; addheader "X" "123456";`, Limits{Field: 5}, "sieve.field_long"},
		{"blocks", strings.Repeat("if true { ", MaxBlocks+1) + strings.Repeat("}", MaxBlocks+1), Limits{}, "sieve.blocks_deep"},
		{"blocks, enough", strings.Repeat("if true { ", MaxBlocks) + strings.Repeat("}", MaxBlocks), Limits{}, ""},
		{"tests", "if " + strings.Repeat("not ", MaxTests) + "true {}", Limits{}, "sieve.tests_deep"},
		{"very deep", strings.Repeat("if true { ", 10000), Limits{}, "sieve.blocks_deep"},
		{"very deep tests", "if " + strings.Repeat("anyof(", 20000), Limits{}, "sieve.tests_deep"},
	} {
		if got := limited(t, x.script, x.lim, loop); got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

// slowHost takes its time.
type slowHost struct{ nobody }

func (slowHost) MailboxExists(context.Context, string) (bool, error) {
	time.Sleep(time.Hour)
	return true, nil
}

// TestHostTimeIsNotTheScripts: a slow store is no reason to tell a user that the script ran too long.
func TestHostTimeIsNotTheScripts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		script := `require "mailbox"; if mailboxexists "a" { ` + strings.Repeat("keep; ", 3*clockSteps) + `}`
		if got := limited(t, script, Limits{Time: time.Minute}, slowHost{}); got != "" {
			t.Error(got)
		}
	})
}

// TestFaultsAreShort: what is told of a long text is short, and in one line.
func TestFaultsAreShort(t *testing.T) {
	for _, script := range []string{
		`redirect "` + strings.Repeat("あ", 10000) + `";`,
		`require "` + strings.Repeat("x", 10000) + "\n" + `";`,
		`require "regex"; if header :regex "a" "` + strings.Repeat("[", 5000) + `" {}`,
	} {
		_, err := Compile([]byte(script), Limits{})
		if err == nil || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%.2000s", err)
		}
	}
}

// TestRegexBomb: an expression others choke on costs steps, not time.
func TestRegexBomb(t *testing.T) {
	script := `require ["regex", "variables"]; set "a" "` + strings.Repeat("a", 30000) + `!"; ` + strings.Repeat(`if string :regex "${a}" "^((a+)+)+$" { discard; } `, 1000)
	if got := limited(t, script, Limits{Steps: 100_000, Time: time.Minute}, nil); got != "sieve.limit_steps" {
		t.Error(got)
	}
}

// TestVariableIsCut at the end of a character (RFC 5229 §3.1).
func TestVariableIsCut(t *testing.T) {
	s, err := Compile([]byte(`require ["variables", "fileinto"]; set "a" "会議"; fileinto "${a}";`), Limits{Variable: 5})
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Run(context.Background(), newInput(plainMail, nil))
	if err != nil || res.Actions[0].(FileInto).Mailbox != "会" {
		t.Error(res, err)
	}
}

// TestFaultsAreBounded: a script of nothing but faults is told in part.
func TestFaultsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "nonsense%d;\n", i)
	}
	_, err := Compile([]byte(b.String()), Limits{})
	var e *SyntaxError
	if !errors.As(err, &e) || len(e.Faults) != MaxFaults || e.Faults[1].Line != 2 {
		t.Error(err)
	}
}

// TestDefaultsAreSet: every limit has a default.
func TestDefaultsAreSet(t *testing.T) {
	v := reflect.ValueOf(Limits{}.orDefaults())
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s has no default", v.Type().Field(i).Name)
		}
	}
}

// TestRunEndsWithItsContext: a run that nobody waits for any more ends.
func TestRunEndsWithItsContext(t *testing.T) {
	s, err := Compile([]byte(strings.Repeat("keep;", 1000)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Run(ctx, newInput(plainMail, nil)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCapabilities(t *testing.T) {
	all := Capabilities()
	if !slices.IsSorted(all) || !slices.Contains(all, "fileinto") || slices.Contains(all, "vnd.dovecot.testsuite") {
		t.Error(all)
	}
	for _, name := range all {
		if name == "extracttext" { // of no use alone
			continue
		}
		if _, err := Compile([]byte(`require "`+name+`";`), Limits{}); err != nil {
			t.Error(err)
		}
	}
	for _, s := range specs {
		for _, needed := range s.needs {
			if !slices.Contains(all, needed) {
				t.Errorf("%s needs %s, which nobody can require", s.name, needed)
			}
		}
		for _, tag := range s.tags {
			if tag.needs != "" && !slices.Contains(all, tag.needs) {
				t.Errorf("%s :%s needs %s, which nobody can require", s.name, tag.name, tag.needs)
			}
		}
	}
}
