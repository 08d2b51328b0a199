package spf

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tegami/lab/archives"
	"tegami/mail"
	"tegami/wire/dns"
)

// TestOpenSPF runs the tests of openspf.org that came with RFC 7208. Each case passes, or stands
// in testdata/exceptions.tsv with the reason.
func TestOpenSPF(t *testing.T) {
	exceptions := readExceptions(t)
	ran := 0
	for _, s := range loadSuite(t, archives.Unpack(t, "spf")) {
		for name, c := range s.tests {
			ran++
			got := Check(context.Background(), s.zone, netip.MustParseAddr(c["host"][0]), c["helo"][0], sender(c["mailfrom"][0]))
			fault := ""
			if !slices.Contains(c["result"], string(got.Status)) {
				fault = "got " + string(got.Status) + ", want " + strings.Join(c["result"], " or ")
			} else if want := c["explanation"]; want != nil && got.Status == Fail && strings.Replace(want[0], "DEFAULT", "", 1) != got.Explanation {
				fault = "explanation " + strconv.Quote(got.Explanation) + ", want " + strconv.Quote(want[0])
			}
			reason, excepted := exceptions[name]
			delete(exceptions, name)
			switch {
			case fault != "" && !excepted:
				t.Errorf("%s: %s: %s (%v)", s.description, name, fault, got.Err)
			case fault == "" && excepted:
				t.Errorf("%s passes; it is excepted because %s", name, reason)
			}
		}
	}
	if ran < 100 {
		t.Errorf("only %d tests were found: the reader is broken", ran)
	}
	for name := range exceptions {
		t.Errorf("exception %s: there is no such test", name)
	}
}

// sender reads the suite's addresses, which are not all valid.
func sender(s string) mail.Address {
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return mail.Address{}
	}
	return mail.Address{Local: s[:i], Domain: s[i+1:]}
}

// readExceptions reads the tests that are known to differ, with the reason.
func readExceptions(t *testing.T) map[string]string {
	b, err := os.ReadFile("testdata/exceptions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	x := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && name[0] != '#' {
			x[name] = reason
		}
	}
	return x
}

// suite is one scenario: tests by name, each with its fields, and the DNS they see.
type suite struct {
	description string
	tests       map[string]map[string][]string
	zone        zone
}

// loadSuite reads all scenarios of a folder.
func loadSuite(t *testing.T, dir string) []suite {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.yml"))
	if more, _ := filepath.Glob(filepath.Join(dir, "*.yml")); err == nil {
		files = append(files, more...)
	}
	if len(files) == 0 {
		t.Fatalf("no suite in %s: %v", dir, err)
	}
	var all []suite
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(b), "\n---\n") {
			if s := readSuite(document); len(s.tests) > 0 {
				all = append(all, s)
			}
		}
	}
	return all
}

// readSuite reads the part of YAML the suite is written in: maps by indentation of 2, scalars that are plain, quoted
// or blocks, lists in brackets, and zone data as a list of one-key maps.
func readSuite(document string) suite {
	s := suite{tests: map[string]map[string][]string{}, zone: zone{}}
	var section, name string
	for _, line := range logicalLines(document) {
		depth := len(line) - len(strings.TrimLeft(line, " "))
		line = strings.TrimSpace(line)
		item := strings.TrimPrefix(line, "- ")
		key, value := cutKey(item)
		switch {
		case depth == 0:
			section = key
			if key == "description" {
				s.description = value
			}
		case depth == 2:
			name = scalar(key)[0]
			if section == "tests" {
				s.tests[name] = map[string][]string{}
			}
		case section == "tests":
			s.tests[name][key] = scalar(value)
		case section == "zonedata":
			s.zone.add(strings.ToLower(name), key, scalar(value))
		}
	}
	for _, r := range s.zone {
		r.finish()
	}
	return s
}

// logicalLines joins the lines of a value that goes on: deeper than its key, and no item of its own.
func logicalLines(document string) []string {
	var lines []string
	block := -1 // depth of the key whose block scalar is being skipped over
	for line := range strings.SplitSeq(document, "\n") {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		depth := len(line) - len(strings.TrimLeft(line, " "))
		if depth > 4 || block >= 0 && depth > block {
			lines[len(lines)-1] += " " + text
			continue
		}
		block = -1
		if i := strings.Index(text, ": "); strings.HasSuffix(text, ">-") || strings.HasSuffix(text, "|") || strings.HasSuffix(text, "|-") && i > 0 {
			block = depth
		}
		lines = append(lines, line)
	}
	return lines
}

// cutKey takes the key off "key: value". A key alone has no value.
func cutKey(s string) (key, value string) {
	if i := strings.Index(s, ": "); i >= 0 {
		return s[:i], strings.TrimSpace(s[i+2:])
	}
	return strings.TrimSuffix(s, ":"), ""
}

// scalar reads a value: one string, or several in brackets.
func scalar(s string) []string {
	inner, list := strings.CutPrefix(s, "[")
	if !list {
		one, _ := unquote(s, "")
		return []string{one}
	}
	values := []string{}
	for inner = strings.TrimSpace(inner); inner != "" && inner[0] != ']'; inner = strings.TrimLeft(inner, ", ") {
		var one string
		one, inner = unquote(inner, ",]")
		values = append(values, one)
	}
	return values
}

// unquote reads one string that ends at a character of ends, or with its quotes.
func unquote(s, ends string) (value, rest string) {
	switch {
	case strings.HasPrefix(s, `'`):
		value, rest, _ = strings.Cut(s[1:], `'`)
		for strings.HasPrefix(rest, `'`) {
			more, after, _ := strings.Cut(rest[1:], `'`)
			value, rest = value+`'`+more, after
		}
		return value, rest
	case strings.HasPrefix(s, `"`):
		end := 1
		for end < len(s) && s[end] != '"' {
			if s[end] == '\\' {
				end++
			}
			end++
		}
		value, err := strconv.Unquote(s[:end+1])
		if err != nil {
			value = s[1:end]
		}
		return value, s[end+1:]
	}
	if i := strings.IndexAny(s, ends); i >= 0 && ends != "" {
		return strings.TrimSpace(s[:i]), s[i:]
	}
	return s, ""
}

// zone answers look-ups from a suite's data.
type zone map[string]*records

type records struct {
	txt, spf []string
	addrs    []netip.Addr
	mx       []dns.MX
	ptr      []string
	cname    string
	noTXT    bool // records of type SPF stand for themselves
	dead     bool // nobody answers
}

func (z zone) add(name, kind string, values []string) {
	r := z[name]
	if r == nil {
		r = &records{}
		z[name] = r
	}
	joined := strings.Join(values, "")
	switch kind {
	case "A", "AAAA":
		r.addrs = append(r.addrs, netip.MustParseAddr(joined))
	case "TXT":
		if r.noTXT = joined == "NONE"; !r.noTXT {
			r.txt = append(r.txt, joined)
		}
	case "SPF":
		r.spf = append(r.spf, joined)
	case "MX":
		n, _ := strconv.Atoi(values[0])
		r.mx = append(r.mx, dns.MX{Preference: uint16(n), Host: values[1]})
	case "PTR":
		r.ptr = append(r.ptr, joined)
	case "CNAME":
		r.cname = joined
	case "TIMEOUT", "SERVFAIL":
		r.dead = true
	}
}

// finish makes TXT records of those of type SPF where a name has no TXT: the suite was written when both were read.
func (r *records) finish() {
	if len(r.txt) == 0 && !r.noTXT {
		r.txt = r.spf
	}
}

// at gives the records of a name.
func (z zone) at(name string) (*records, error) {
	for range 10 {
		r := z[strings.ToLower(strings.TrimSuffix(name, "."))]
		switch {
		case r == nil:
			return nil, mail.E("zone", mail.NotFound, "dns.nxdomain", name)
		case r.dead && len(r.txt) == 0: // beside a TXT it is about records of type SPF
			return nil, mail.E("zone", mail.Unavailable, "dns.failed", name)
		case r.cname == "":
			return r, nil
		}
		name = r.cname
	}
	return nil, mail.E("zone", mail.Unavailable, "dns.failed", name)
}

func answer[T any](r *records, err error, list func(*records) []T) ([]T, dns.Meta, error) {
	if err != nil {
		return nil, dns.Meta{}, err
	}
	if found := list(r); len(found) > 0 {
		return found, dns.Meta{}, nil
	}
	return nil, dns.Meta{}, mail.E("zone", mail.NotFound, "dns.nodata")
}

func (z zone) TXT(_ context.Context, name string) ([]string, dns.Meta, error) {
	r, err := z.at(name)
	return answer(r, err, func(r *records) []string { return r.txt })
}

func (z zone) MX(_ context.Context, name string) ([]dns.MX, dns.Meta, error) {
	r, err := z.at(name)
	return answer(r, err, func(r *records) []dns.MX { return r.mx })
}

func (z zone) Addrs(_ context.Context, name string) ([]netip.Addr, dns.Meta, error) {
	r, err := z.at(name)
	return answer(r, err, func(r *records) []netip.Addr { return r.addrs })
}

func (z zone) PTR(_ context.Context, ip netip.Addr) ([]string, dns.Meta, error) {
	r, err := z.at(reverseName(ip))
	return answer(r, err, func(r *records) []string { return r.ptr })
}

func (zone) TLSA(context.Context, string) ([]dns.TLSA, dns.Meta, error) {
	return nil, dns.Meta{}, mail.E("zone", mail.NotFound, "dns.nodata")
}

func (zone) CNAME(context.Context, string) (string, dns.Meta, error) {
	return "", dns.Meta{}, mail.E("zone", mail.NotFound, "dns.nodata")
}

func (zone) NS(context.Context, string) ([]string, dns.Meta, error) {
	return nil, dns.Meta{}, mail.E("zone", mail.NotFound, "dns.nodata")
}

func (zone) SRV(context.Context, string) ([]dns.SRV, dns.Meta, error) {
	return nil, dns.Meta{}, mail.E("zone", mail.NotFound, "dns.nodata")
}

// reverseName is where the names of an address stand.
func reverseName(ip netip.Addr) string {
	parts := strings.Split(dotted(ip), ".")
	slices.Reverse(parts)
	if ip.Is4() {
		return strings.Join(parts, ".") + ".in-addr.arpa"
	}
	return strings.ToLower(strings.Join(parts, ".")) + ".ip6.arpa"
}

// counting is a zone that counts the questions about texts.
type counting struct {
	zone
	questions int
}

func (c *counting) TXT(ctx context.Context, name string) ([]string, dns.Meta, error) {
	c.questions++
	return c.zone.TXT(ctx, name)
}

func (c *counting) Addrs(ctx context.Context, name string) ([]netip.Addr, dns.Meta, error) {
	c.questions++
	return c.zone.Addrs(ctx, name)
}
