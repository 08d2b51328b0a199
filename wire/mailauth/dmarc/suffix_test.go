package dmarc

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"tegami/lab/archives"
	"tegami/mail"
)

var pslCase = regexp.MustCompile(`(?m)^checkPublicSuffix\((?:'([^']*)'|null), (?:'([^']*)'|null)\);`)

// TestPublicSuffixList runs the cases of publicsuffix.org, in the canonical form domains have here (A-labels, lower case).
func TestPublicSuffixList(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(archives.Unpack(t, "psl"), "*", "test_psl.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	cases := pslCase.FindAllStringSubmatch(string(text), -1)
	if len(cases) < 70 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		domain, want := c[1], c[2]
		if d, ok := mail.ParseDomain(domain); ok {
			domain = d
		}
		if d, ok := mail.ParseDomain(want); ok {
			want = d
		}
		if got := Registrable(domain); got != want {
			t.Errorf("%s: %q, want %q", c[1], got, want)
		}
	}
}

func TestRegistrable(t *testing.T) {
	for domain, want := range map[string]string{
		"mail.example.co.jp": "example.co.jp", "Example.COM.": "example.com", "co.jp": "", "": "", "[192.0.2.1]": "", "a..example.com": "",
	} {
		if got := Registrable(domain); got != want {
			t.Errorf("%s: %q, want %q", domain, got, want)
		}
	}
}
