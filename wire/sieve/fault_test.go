package sieve

import (
	"errors"
	"strings"
	"testing"
)

// faultsOf compiles a script and gives its faults, one a line.
func faultsOf(script string) string {
	_, err := Compile([]byte(script), Limits{})
	var e *SyntaxError
	if !errors.As(err, &e) {
		return ""
	}
	var lines []string
	for _, f := range e.Faults {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

func TestFaults(t *testing.T) {
	for _, x := range []struct{ script, want string }{
		{"keep", "1: sieve.command_end EOF"},
		{"keep;\n\nkeep }\nkeep;", "3: sieve.command_end '}'\n3: sieve.unexpected_at_end '}'"},
		{"if true {\nkeep;", "2: sieve.block_end EOF"},
		{"keep; /* never\nending", "1: sieve.comment_open"},
		{"redirect \"a\n;", "1: sieve.string_open"},
		{"redirect text:\na\n", "1: sieve.string_open"},
		{"redirect text: x\n.\n;", "1: sieve.text_line"},
		{"redirect \"\xff\";", "1: sieve.not_utf8"},
		{"redirect \"a\x00\";", "1: sieve.nul"},
		{"$ keep;", "1: sieve.garbage $\n1: sieve.unexpected_at_end garbage"},
		{"fileinto \"a\";", "1: sieve.needs_require fileinto fileinto"},
		{"require \"fileinto\";\nfileinto :copy \"a\";", "2: sieve.tag_needs_require :copy copy fileinto command"},
		{"if header :comparator \"i;nonsense\" \"a\" \"b\" {}", "1: sieve.unknown_comparator i;nonsense"},
		{"if header :comparator \"i;ascii-numeric\" \"a\" \"b\" {}", "1: sieve.comparator_needs_require i;ascii-numeric"},
		{"nonsense;\nnonsense;\nif nonsense {}", "1: sieve.unknown_command nonsense\n3: sieve.unknown_test nonsense"},
		{"require \"date\";\nif date \"date\" \"century\" \"21\" {}", "2: sieve.date_part century"},
		{"require \"date\";\nif currentdate :zone \"JST\" \"year\" \"2026\" {}", "2: sieve.zone JST"},
		{"require [\"fcc\", \"enotify\", \"mailbox\"];\nnotify :create \"mailto:a@example.com\";", "2: sieve.tag_without :create :fcc"},
		{"require [\"a\" \"b\"];", "1: sieve.list_end string"},
		{"require [\"a\",];", "1: sieve.string_expected ']'"},
		{"require [;\nkeep;\nnonsense;", "1: sieve.string_expected ';'"},
	} {
		if got := faultsOf(x.script); got != x.want {
			t.Errorf("%q\ngot  %s\nwant %s", x.script, got, x.want)
		}
	}
}

// TestGrammar: what may be written, is read.
func TestGrammar(t *testing.T) {
	for _, script := range []string{
		"", "\ufeffkeep;", "# comment without an end", "KEEP; Stop;", "if not\ttrue{keep;}elsif false{}else{}",
		"/* a * / ** */ keep;", "if size :over 1G {} if size :under 0 {}",
		"redirect text: # why\r\na@example.com\r\n.\r\n;", "if header [\"a\"] [ \"b\" , \"c\" ] { }",
		"require [\"vacation\"]; vacation :days 3 text:\n..dot\n.\n;",
		"if anyof ( not allof ( true ) , false ) { stop; }",
	} {
		if got := faultsOf(script); got != "" {
			t.Errorf("%q: %s", script, got)
		}
	}
}

func TestEnglishOfEveryFault(t *testing.T) {
	f := Fault{Line: 3, Key: "sieve.argument_kind", Args: []any{"header test", listArg, 1, "header names", numberArg}}
	if got := english(f); got != "The header test expects a string list as argument 1 (header names), but a number was found" {
		t.Error(got)
	}
}
