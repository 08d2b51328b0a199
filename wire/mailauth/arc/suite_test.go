package arc

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegami/lab/archives"
	"tegami/mail"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mime"
)

// A node is a mapping of the suite's files: keys in their order, with texts or mappings.
type node struct {
	keys []string
	text map[string]string
	sub  map[string]*node
}

// readSuite reads the YAML of the test suite for RFC 8617: documents of nested mappings with
// plain and quoted texts, and nothing else of YAML.
func readSuite(t *testing.T, file string) (scenarios []*node) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range strings.Split("\n"+string(b), "\n---\n") {
		lines := strings.Split(strings.Trim(doc, "\n"), "\n")
		scenarios = append(scenarios, readNode(t, &lines, 0))
	}
	return scenarios
}

func readNode(t *testing.T, lines *[]string, indent int) *node {
	n := &node{text: map[string]string{}, sub: map[string]*node{}}
	for len(*lines) > 0 {
		line := (*lines)[0]
		trimmed := strings.TrimLeft(line, " ")
		if trimmed == "" || trimmed[0] == '#' {
			*lines = (*lines)[1:]
			continue
		}
		if len(line)-len(trimmed) < indent {
			return n
		}
		key, value, ok := strings.Cut(trimmed, ":")
		if !ok || len(line)-len(trimmed) != indent {
			t.Fatalf("cannot read %.80q", line)
		}
		*lines = (*lines)[1:]
		n.keys = append(n.keys, strings.Trim(key, `'"`))
		key = n.keys[len(n.keys)-1]
		if value = strings.TrimSpace(value); value == "" {
			n.sub[key] = readNode(t, lines, indent+2)
			continue
		}
		n.text[key] = readText(t, value, lines, indent)
	}
	return n
}

// readText reads a text that may go on in the lines behind.
func readText(t *testing.T, value string, lines *[]string, indent int) string {
	more := func() bool {
		switch value[0] {
		case '\'':
			return len(value) == 1 || !strings.HasSuffix(value, "'")
		case '"':
			return len(value) == 1 || !strings.HasSuffix(value, `"`) || strings.HasSuffix(value, `\"`)
		}
		return len(*lines) > 0 && strings.HasPrefix((*lines)[0], strings.Repeat(" ", indent+2))
	}
	for empty := 0; more(); {
		line := strings.TrimSpace((*lines)[0])
		*lines = (*lines)[1:]
		switch {
		case line == "":
			empty++
			continue
		case empty > 0:
			value += strings.Repeat("\n", empty) + line
		default:
			value += " " + line
		}
		empty = 0
	}
	switch value[0] {
	case '\'':
		return strings.ReplaceAll(value[1:len(value)-1], "''", "'")
	case '"':
		s, err := strconv.Unquote(strings.NewReplacer("\n", `\n`, `\ `, " ").Replace(value))
		if err != nil {
			t.Fatalf("%v: %.80q", err, value)
		}
		return s
	}
	return value
}

func split(message string) (header []byte, body string) {
	m := strings.ReplaceAll(message, "\n", "\r\n")
	h, b, ok := strings.Cut(m, "\r\n\r\n")
	if !ok {
		return []byte(m), ""
	}
	return []byte(h + "\r\n\r\n"), b
}

func suiteZone(s *node) *zone {
	z := &zone{txt: map[string][]string{}}
	if records := s.sub["txt-records"]; records != nil {
		for name, txt := range records.text {
			z.txt[name] = []string{strings.TrimSpace(txt)}
		}
	}
	return z
}

// TestSuiteValidation runs the validation half of the public test suite for RFC 8617.
func TestSuiteValidation(t *testing.T) {
	n := 0
	for _, s := range readSuite(t, filepath.Join(archives.Unpack(t, "arc"), "arc", "arc-draft-validation-tests.give.yml")) {
		for _, name := range s.sub["tests"].keys {
			c := s.sub["tests"].sub[name]
			header, body := split(c.text["message"])
			got := Verify(t.Context(), suiteZone(s), header, strings.NewReader(body))
			if want := strings.ToLower(c.text["cv"]); got.Status.String() != want {
				t.Errorf("%s (%s): %s, want %s: %v", name, c.text["description"], got.Status, want, got.Err)
			}
			n++
		}
	}
	if n < 80 {
		t.Errorf("only %d tests were read", n)
	}
}

var blanks = regexp.MustCompile(`\s+`)

// TestSuiteSigning runs the signing half: the sets are equal but for white space, to the last octet of the signatures.
func TestSuiteSigning(t *testing.T) {
	n := 0
	for _, s := range readSuite(t, filepath.Join(archives.Unpack(t, "arc"), "arc", "arc-draft-sign-tests.give.yml")) {
		block, _ := pem.Decode([]byte(s.text["privatekey"]))
		private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		key := dkim.Key{Domain: s.text["domain"], Selector: s.text["sel"], Signer: private}
		for _, name := range s.sub["tests"].keys {
			c := s.sub["tests"].sub[name]
			want := map[string]string{"ARC-Seal": c.text["AS"], "ARC-Message-Signature": c.text["AMS"], "ARC-Authentication-Results": c.text["AAR"]}
			fields := suiteSeal(t, key, c, suiteZone(s))
			for field, text := range want {
				got := blanks.ReplaceAllString(mime.Header(fields).Get(field), "")
				if text = blanks.ReplaceAllString(text, ""); got != text {
					t.Errorf("%s: %s is\n%s\nwant\n%s", name, field, got, text)
				}
			}
			n++
		}
	}
	if n < 8 {
		t.Errorf("only %d tests were read", n)
	}
}

// suiteSeal seals as the suite says: what was found stands in the Authentication-Results of the message.
func suiteSeal(t *testing.T, key dkim.Key, c *node, z *zone) []byte {
	header, body := split(c.text["message"])
	o := Options{straight: true, headers: strings.Split(c.text["sig-headers"], ":")}
	o.Results.Server = c.text["srv-id"]
	for _, value := range mime.Header(header).All("Authentication-Results") {
		f, err := authres.Parse(value)
		if err != nil {
			t.Fatal(err)
		}
		if f.Server == o.Results.Server {
			o.Results.Results = append(o.Results.Results, f.Results...)
		}
	}
	seconds, err := strconv.ParseInt(c.text["t"], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	o.Time = time.Unix(seconds, 0)
	chain := Verify(t.Context(), z, header, strings.NewReader(body))
	if r, ok := o.Results.Get("arc"); ok && r.Value == "fail" && chain.Status != Fail { // the suite says so, whatever is true
		chain.Status, chain.Err = Fail, mail.E("test", mail.Denied, "arc.message")
	}
	fields, err := Seal(header, strings.NewReader(body), key, chain, o)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(fields)
}
