package sieve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp/syntax"
	"runtime"
	"strings"
	"testing"
	"time"

	"tegami/mail"
)

// listOf is a string list of n times a string.
func listOf(n int, s string) string { return `["` + strings.Repeat(s+`", "`, n-1) + s + `"]` }

// TestLargeLists: a test costs what its lists multiply to, in time and in memory: no script and no message make one test of many.
func TestLargeLists(t *testing.T) {
	many := strings.Repeat("X-A:\n", 5000) + "\ntext\n"
	address := "From: " + strings.Repeat("a@b.example, ", 2000) + "a@b.example\n\ntext\n"
	params := "Content-Type: text/plain" + strings.Repeat("; a=b", 2000) + "\n\ntext\n"
	body := "Subject: a\n\n" + strings.Repeat("x", 1<<20) + "\n"
	variable := `require "variables"; set "a" "` + strings.Repeat("A", 60000) + `"; `
	for _, x := range []struct{ name, script, message, want string }{
		{"fields by names", `if header ` + listOf(5000, "x-a") + ` "y" {}`, many, "sieve.limit_memory"},
		{"fields that are there by names", `if exists ` + listOf(5000, "x-a") + ` {}`, many, ""},
		{"empty values with keys", `if header "x-a" ` + listOf(20000, "y") + ` {}`, many, "sieve.limit_steps"},
		{"empty values in an order with keys", `require "relational"; if header :value "gt" "x-a" ` + listOf(20000, "y") + ` {}`, many, "sieve.limit_steps"},
		{"a long value in an order with keys", `require ["relational", "body"]; if body :raw :value "lt" ` + listOf(20000, "a") + ` {}`, body, "sieve.limit_steps"},
		{"addresses by names", `if address ` + listOf(2000, "from") + ` "y" {}`, address, "sieve.limit_memory"},
		{"parameters by names", `require "mime"; if header :mime :param ` + listOf(2000, "a") + ` "content-type" "y" {}`, params, "sieve.limit_memory"},
		{"keys of variables", variable + `if header "subject" ` + listOf(1000, "${a}") + ` {}`, body, "sieve.limit_memory"},
		{"keys of variables, few, again and again", variable + strings.Repeat(`if header "subject" `+listOf(10, "${a}")+` {} `, 100), body, ""},
		{"expressions of variables", `require ["variables", "regex"]; set "a" "x{900}"; if header :regex "subject" ` + listOf(500, "${a}") + ` {}`, body, "sieve.limit_memory"},
	} {
		s, err := Compile([]byte(x.script), Limits{Steps: 100_000, Time: time.Hour})
		if err == nil {
			_, err = s.Run(context.Background(), newInput(x.message, nil))
		}
		if key, _ := mail.TextOf(err); key != x.want {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
		}
	}
}

// TestManyFields: of a header of countless fields the first are read, and none is lost where it is edited.
func TestManyFields(t *testing.T) {
	message := strings.Repeat("X-Spam: yes\n", MaxFields-1) + "Subject: a\n" + "X-Spam: last\n\ntext\n"
	s, err := Compile([]byte(`require "editheader"; if header "x-spam" "last" { stop; } deleteheader "x-spam"; keep;`), Limits{Time: time.Hour, Memory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	in := newInput(message, nil)
	res, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	k, ok := res.Actions[0].(Keep)
	if !ok || k.Content == nil {
		t.Fatalf("%+v", res.Actions)
	}
	if got, want := readAll(t, k.Content, in), "Subject: a\r\nX-Spam: last\r\n\r\ntext\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestStepsAreTold: what a run took is known whichever way it ends; one that took too long took all it may.
func TestStepsAreTold(t *testing.T) {
	for _, x := range []struct {
		lim  Limits
		want int
	}{{Limits{}, 200}, {Limits{Steps: 150}, 150}, {Limits{Time: 1}, DefaultLimits().Steps}} {
		s, err := Compile([]byte(strings.Repeat("keep;", 200)), x.lim)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		res, err := s.Run(context.Background(), newInput("\ntext\n", nil))
		var fault *RunError
		switch {
		case errors.As(err, &fault):
			got = fault.Steps
		case err == nil:
			got = res.Steps
		}
		if got != x.want {
			t.Errorf("%+v: %d steps, want %d", x.lim, got, x.want)
		}
	}
}

// TestEditsAreHeld: each message a script makes counts, as all of them are kept until the run ends.
func TestEditsAreHeld(t *testing.T) {
	var b strings.Builder
	b.WriteString(`require ["editheader", "fileinto"]; `)
	for i := range 20 {
		fmt.Fprintf(&b, "addheader \"X-N\" \"%d\"; fileinto \"%d\"; ", i, i)
	}
	message := "X-Long: " + strings.Repeat("x ", 10000) + "\n\ntext\n"
	s, err := Compile([]byte(b.String()), Limits{Memory: 100_000})
	if err == nil {
		_, err = s.Run(context.Background(), newInput(message, nil))
	}
	if key, _ := mail.TextOf(err); key != "sieve.limit_memory" {
		t.Error(err)
	}
}

// TestCompilingIsBounded: a script of expressions that are too many together is refused without making them all.
func TestCompilingIsBounded(t *testing.T) {
	pattern := "(abcdefghij){1000}" // as it repeats
	source := []byte(`require "regex"; if header :regex "a" ` + listOf(5000, pattern) + ` {} if header :regex "a" ` + listOf(500, pattern) + ` {}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Compile(source, Limits{})
	runtime.ReadMemStats(&after)
	if key, _ := mail.TextOf(err); key != "sieve.regex_heavy" {
		t.Error(err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 128<<20 {
		t.Errorf("it took %d MiB", took>>20)
	}
	s, err := Compile([]byte(`require "regex"; if header :regex "a" "`+pattern+`" {}`), Limits{})
	if err != nil || s.Memory() < 10_000*instructionSize {
		t.Errorf("one: %v", err)
	}
}

// TestProgramSize: how large a program would be is known before it is made, and not too small.
func TestProgramSize(t *testing.T) {
	for _, s := range []string{"", "abc", "a|b|c", "(a*)+?", "x{1000}", "(ab){2,30}", "((a{10}){10}){10}", "[a-z]{3,}", "^(a(b|c)?d){0,5}$", "(?i)straße"} {
		tree, err := syntax.Parse(s, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := syntax.Compile(tree.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		if got := programSize(tree); 3*got+3 < len(prog.Inst) {
			t.Errorf("%s: %d, and the program has %d", s, got, len(prog.Inst))
		}
	}
	tree, err := syntax.Parse("("+strings.Repeat("[ab]", 1500)+"){1000}", syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	if got := programSize(tree); got != maxProgramSize {
		t.Errorf("a program of millions: %d", got)
	}
}

// TestEncloseKeepsTraces: what ends a circle of lists stays in the message around (RFC 5703 §6).
func TestEncloseKeepsTraces(t *testing.T) {
	in := newInput("Received: by a\nDelivered-To: b@example.com\nX-Loop: list@example.com\nSubject: a\n\ntext\n", nil)
	s, err := Compile([]byte(`require "enclose"; enclose "around";`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(readAll(t, res.Actions[0].(Keep).Content, in), "\r\n\r\n")
	for _, name := range []string{"Received: by a", "Delivered-To: b@example.com", "X-Loop: list@example.com"} {
		if !strings.Contains(head, name) {
			t.Errorf("%s is gone: %q", name, head)
		}
	}
}

// readAll reads what a script made.
func readAll(t *testing.T, c *Content, in *Input) string {
	t.Helper()
	b, err := io.ReadAll(c.Open(in.Octets))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
