package dmarc

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

// Policy is what a domain's owner asks for mail that fails (RFC 9989 §4.7).
type Policy string

// Policies. The empty Policy of a sp or np tag means that the tag is not there.
const (
	PolicyNone       Policy = "none"
	PolicyQuarantine Policy = "quarantine"
	PolicyReject     Policy = "reject"
)

// Softer is the policy one level below, which a record in test mode expects (RFC 9989 §4.7, t=y).
func (p Policy) Softer() Policy {
	if p == PolicyReject {
		return PolicyQuarantine
	}
	return PolicyNone
}

// Alignment is how alike an authenticated domain and the author's must be.
type Alignment string

// Alignments (RFC 9989 §4.4).
const (
	Relaxed Alignment = "r" // the same organizational domain
	Strict  Alignment = "s" // the same domain
)

// PSD says whether a record's domain is a public suffix (RFC 9989 §4.7, psd=).
type PSD string

// Values of psd.
const (
	PSDUnknown PSD = "u" // the default
	PSDYes     PSD = "y" // a public suffix: organizations begin one label below
	PSDNo      PSD = "n" // an organizational domain for itself and what is below
)

// MaxReportURIs is how many addresses of a record's rua or ruf are kept.
const MaxReportURIs = 10

// Record is a DMARC policy record (RFC 9989 §4.7). Tags it does not have hold their defaults.
type Record struct {
	Policy         Policy         // p; PolicyNone where it is missing
	Subdomains     Policy         // sp; "" = as Policy
	Missing        Policy         // np, for subdomains that do not exist; "" = as Subdomains
	PSD            PSD            // psd
	Test           bool           // t=y
	DKIM           Alignment      // adkim
	SPF            Alignment      // aspf
	Reports        []mail.Address // rua: addresses of its mailto URIs, for aggregate reports
	Failures       []mail.Address // ruf: the same, for failure reports, which we do not send
	FailureOptions string         // fo, "0" by default
	Faults         []string       // what was wrong and passed over, in short English for the owner's report
}

// errNoRecord is an error for text that is no DMARC record at all.
func errNoRecord() error { return mail.E("dmarc.Parse", mail.Invalid, "dmarc.no_record") }

// Parse reads a record. The error's kind is Invalid: the text is no DMARC record ("dmarc.no_record"), or
// one that asks for something nobody can know, without an address to tell the owner ("dmarc.bad_record"; RFC 9989 §4.10.1). Other
// faults are passed over, unknown tags too (RFC 9989 §4.7); they stand in Faults.
func Parse(text string) (Record, error) {
	r := Record{Policy: PolicyNone, PSD: PSDUnknown, DKIM: Relaxed, SPF: Relaxed, FailureOptions: "0"}
	version, rest, _ := strings.Cut(text, ";")
	if !isVersion(version) {
		return r, errNoRecord()
	}
	var bad, reachable bool
	seen := map[string]bool{}
	for tag := range strings.SplitSeq(rest, ";") {
		name, value, ok := strings.Cut(tag, "=")
		name, value = strings.ToLower(trim(name)), trim(value)
		if name == "" && !ok {
			continue
		}
		if !ok || seen[name] {
			r.fault("not understood", name)
			continue
		}
		seen[name] = true
		var right bool
		if name == "rua" {
			r.Reports, reachable = parseURIs(value)
			right = reachable
		} else {
			right = r.set(name, value)
		}
		if !right {
			r.fault("bad value of", name)
			bad = bad || name == "p" || name == "sp" || name == "np"
		}
	}
	if !bad {
		return r, nil
	}
	if !reachable {
		return r, mail.E("dmarc.Parse", mail.Invalid, "dmarc.bad_record")
	}
	r.Policy, r.Subdomains, r.Missing = PolicyNone, "", "" // RFC 9989 §4.10.1
	return r, nil
}

// isVersion tells whether the first tag is v=DMARC1, to the letter (RFC 9989 §4.7).
func isVersion(tag string) bool {
	name, value, ok := strings.Cut(tag, "=")
	return ok && strings.EqualFold(trim(name), "v") && trim(value) == "DMARC1"
}

// trim takes away the white space of the grammar (RFC 5234 WSP).
func trim(s string) string { return strings.Trim(s, " \t") }

// maxFaults bounds how many faults of a record are named.
const maxFaults = 8

func (r *Record) fault(what, tag string) {
	if len(tag) > 16 {
		tag = tag[:16]
	}
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, what+" tag "+strings.ToValidUTF8(tag, "?"))
	}
}

// set takes in one tag. False: its value is wrong. Unknown tags are right.
func (r *Record) set(name, value string) bool {
	ok := true
	switch name {
	case "p":
		r.Policy, ok = oneOf(value, PolicyNone, PolicyNone, PolicyQuarantine, PolicyReject)
	case "sp":
		r.Subdomains, ok = oneOf(value, "", PolicyNone, PolicyQuarantine, PolicyReject)
	case "np":
		r.Missing, ok = oneOf(value, "", PolicyNone, PolicyQuarantine, PolicyReject)
	case "psd":
		r.PSD, ok = oneOf(value, PSDUnknown, PSDUnknown, PSDYes, PSDNo)
	case "adkim":
		r.DKIM, ok = oneOf(value, Relaxed, Relaxed, Strict)
	case "aspf":
		r.SPF, ok = oneOf(value, Relaxed, Relaxed, Strict)
	case "t":
		var t string
		t, ok = oneOf(value, "n", "n", "y")
		r.Test = t == "y"
	case "ruf":
		r.Failures, ok = parseURIs(value)
	case "fo":
		if ok = isFailureOptions(value); ok {
			r.FailureOptions = strings.ToLower(value)
		}
	}
	return ok
}

// oneOf gives the one of values that text names, without regard to case, or def.
func oneOf[S ~string](text string, def S, values ...S) (S, bool) {
	for _, v := range values {
		if strings.EqualFold(text, string(v)) {
			return v, true
		}
	}
	return def, false
}

// isFailureOptions tells whether a fo tag is a list of its letters.
func isFailureOptions(s string) bool {
	if len(s) > 7 {
		return false
	}
	for part := range strings.SplitSeq(strings.ToLower(s), ":") {
		if len(trim(part)) != 1 || !strings.Contains("01ds", trim(part)) {
			return false
		}
	}
	return true
}

// parseURIs reads the list of a rua or ruf tag (RFC 9989 §4.6). It keeps the addresses of
// mailto URIs, MaxReportURIs at most; other schemes are passed over. valid: there is a URI, of whatever scheme.
// A size limit ("!10m" of RFC 7489) is dropped.
func parseURIs(list string) (to []mail.Address, valid bool) {
	for item := range strings.SplitSeq(list, ",") {
		item, _, _ = strings.Cut(trim(item), "!")
		u, err := url.Parse(item)
		if err != nil || u.Scheme == "" || u.Opaque == "" && u.Host == "" {
			continue
		}
		if u.Scheme != "mailto" {
			valid = true
			continue
		}
		path, err := url.PathUnescape(u.Opaque)
		if err != nil || !utf8.ValidString(path) {
			continue
		}
		a, err := mail.ParseAddress(path)
		if err != nil {
			continue
		}
		valid = true
		if len(to) < MaxReportURIs {
			to = append(to, a)
		}
	}
	return to, valid
}

// String writes the record in its shortest form, with a space behind each semicolon.
func (r Record) String() string {
	b := []byte("v=DMARC1; p=" + string(r.Policy))
	tag := func(name, value, def string) {
		if value != def {
			b = append(b, "; "+name+"="+value...)
		}
	}
	tag("sp", string(r.Subdomains), "")
	tag("np", string(r.Missing), "")
	tag("psd", string(r.PSD), string(PSDUnknown))
	tag("adkim", string(r.DKIM), string(Relaxed))
	tag("aspf", string(r.SPF), string(Relaxed))
	if r.Test {
		tag("t", "y", "n")
	}
	tag("rua", formatURIs(r.Reports), "")
	tag("ruf", formatURIs(r.Failures), "")
	tag("fo", r.FailureOptions, "0")
	return string(b)
}

// formatURIs writes addresses as a list of mailto URIs. All but the plainest characters are escaped (RFC 9989 §4.6).
func formatURIs(to []mail.Address) string {
	var b strings.Builder
	for i, a := range to {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("mailto:")
		text := a.String()
		for j := range len(text) {
			c := text[j]
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~@+=", c) >= 0 {
				b.WriteByte(c)
				continue
			}
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
