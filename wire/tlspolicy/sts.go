package tlspolicy

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tegami/mail"
)

// Limits of MTA-STS.
const (
	// MaxPolicy is how long a policy may be, in octets (RFC 8461 §3.3 suggests this much).
	MaxPolicy = 64 << 10
	// MaxPatterns is how many "mx" fields a policy may have.
	MaxPatterns = 500
	// MaxAge is the longest a policy can be kept; what claims more is kept this long (RFC 8461 §3.2).
	MaxAge = 31_557_600 * time.Second
	// PolicyMediaType is the media type a policy must come with, without its parameters (RFC 8461 §3.2).
	PolicyMediaType = "text/plain"
	// PolicyPath is where a policy stands on its host (RFC 8461 §3.3).
	PolicyPath = "/.well-known/mta-sts.txt"
)

const stsVersion = "v=STSv1"

// Mode is what a policy wants of senders (RFC 8461 §3.2).
type Mode string

// Modes.
const (
	Enforce Mode = "enforce" // deliver only to hosts that match, over TLS with a certificate that proves it
	Testing Mode = "testing" // deliver anyhow, and report
	None    Mode = "none"    // as if there were no policy
)

// Policy is an MTA-STS policy (RFC 8461 §3.2).
type Policy struct {
	Mode   Mode
	MX     []string // hosts in lower case, "*." in front for one label more; empty only with None
	MaxAge time.Duration
}

// STSName is where a domain's MTA-STS record stands.
func STSName(domain string) string { return "_mta-sts." + domain }

// PolicyHost is the host that serves a domain's policy.
func PolicyHost(domain string) string { return "mta-sts." + domain }

// PolicyURL is where a domain's policy is fetched. Redirects must not be followed (RFC 8461 §3.3).
func PolicyURL(domain string) string { return "https://" + PolicyHost(domain) + PolicyPath }

// ParseRecords gives the id of a domain's policy out of the TXT records of its STSName. NotFound "tls.record.none"
// when none of them is about MTA-STS; Invalid when there are several or it breaks the syntax: both mean that
// the domain has no policy (RFC 8461 §3.1).
func ParseRecords(texts []string) (id string, err error) {
	record, err := oneRecord("tlspolicy.ParseRecords", texts, stsVersion)
	if err != nil {
		return "", err
	}
	return ParseRecord(record)
}

// ParseRecord reads an MTA-STS record and gives the id of the policy (RFC 8461 §3.1). The error's kind is Invalid.
func ParseRecord(text string) (id string, err error) {
	list, ok := fields(text, stsVersion)
	id, has := first(list, "id")
	if !ok || !has || !IsPolicyID(id) {
		return "", mail.E("tlspolicy.ParseRecord", mail.Invalid, "tls.record.malformed", stsVersion)
	}
	for _, f := range list {
		if strings.ContainsAny(f.value, " \t=") {
			return "", mail.E("tlspolicy.ParseRecord", mail.Invalid, "tls.record.malformed", stsVersion)
		}
	}
	return id, nil
}

// FormatRecord writes the record of a policy with an id.
func FormatRecord(id string) string { return stsVersion + "; id=" + id + ";" }

// IsPolicyID tells whether s can be the id of a policy: 1 to 32 letters and digits.
func IsPolicyID(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// ParsePolicy reads a policy (RFC 8461 §3.2). The error's kind is Invalid, and names the line where one is at fault.
// Blank lines at the end are overlooked, though the syntax has none: many hosts serve them.
func ParsePolicy(text []byte) (Policy, error) {
	const op = "tlspolicy.ParsePolicy"
	if len(text) > MaxPolicy {
		return Policy{}, mail.E(op, mail.Invalid, "sts.policy.long", MaxPolicy)
	}
	r := policyReader{seen: make(map[string]bool)}
	rest := bytes.TrimRight(text, "\r\n \t")
	for line := 1; len(rest) > 0; line++ {
		var one []byte
		one, rest, _ = bytes.Cut(rest, []byte("\n"))
		if !r.line(strings.TrimRight(strings.TrimSuffix(string(one), "\r"), " \t")) {
			return Policy{}, mail.E(op, mail.Invalid, "sts.policy.line", line)
		}
	}
	for _, name := range []string{"version", "mode", "max_age"} {
		if !r.seen[name] {
			return Policy{}, mail.E(op, mail.Invalid, "sts.policy.missing", name)
		}
	}
	if len(r.policy.MX) == 0 && r.policy.Mode != None {
		return Policy{}, mail.E(op, mail.Invalid, "sts.policy.missing", "mx")
	}
	return r.policy, nil
}

// policyReader is the state of ParsePolicy.
type policyReader struct {
	policy Policy
	seen   map[string]bool // version, mode, max_age: the first counts
}

// line reads one line; false: it breaks the syntax.
func (r *policyReader) line(line string) bool {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !isFieldName(name) {
		return false
	}
	value = strings.TrimLeft(value, " \t")
	if name == "mx" {
		return r.mx(value)
	}
	if r.seen[name] && (name == "version" || name == "mode" || name == "max_age") {
		return true
	}
	switch name {
	case "version":
		ok = value == "STSv1"
	case "mode":
		r.policy.Mode = Mode(value)
		ok = r.policy.Mode == Enforce || r.policy.Mode == Testing || r.policy.Mode == None
	case "max_age":
		r.policy.MaxAge, ok = parseAge(value)
	default:
		return value != "" && utf8.ValidString(value) && strings.IndexFunc(value, isControl) < 0
	}
	r.seen[name] = ok
	return ok
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// mx adds a pattern.
func (r *policyReader) mx(pattern string) bool {
	pattern = strings.ToLower(pattern)
	if !isHost(strings.TrimPrefix(pattern, "*.")) || len(r.policy.MX) == MaxPatterns {
		return false
	}
	r.policy.MX = append(r.policy.MX, pattern)
	return true
}

// parseAge reads 1 to 10 digits as seconds.
func parseAge(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || len(s) > 10 || s[0] == '+' {
		return 0, false
	}
	return time.Duration(min(n, uint64(MaxAge/time.Second))) * time.Second, true
}

// isHost tells whether s is a Domain of RFC 5321 §4.1.2 in A-labels.
func isHost(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if !isAlphanumeric(label[i]) && label[i] != '-' {
				return false
			}
		}
	}
	return true
}

// Matches tells whether the policy names a host, an MX's in A-labels (RFC 8461 §4.1).
func (p Policy) Matches(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, pattern := range p.MX {
		if matches(pattern, host) {
			return true
		}
	}
	return false
}

// matches compares a name with a pattern, both in lower case: "*" stands for exactly one label, the first (RFC 6125 §6.4.3).
func matches(pattern, host string) bool {
	suffix, wild := strings.CutPrefix(pattern, "*.")
	if !wild {
		return pattern == host
	}
	label, rest, _ := strings.Cut(host, ".")
	return label != "" && rest == suffix
}

// Lines are the lines of the policy, as reports quote it (RFC 8460 §4.4, "policy-string").
func (p Policy) Lines() []string {
	lines := []string{"version: STSv1", "mode: " + string(p.Mode)}
	for _, mx := range p.MX {
		lines = append(lines, "mx: "+mx)
	}
	return append(lines, "max_age: "+strconv.FormatInt(int64(p.MaxAge/time.Second), 10))
}

// Append writes the policy as it is served.
func (p Policy) Append(b []byte) []byte {
	for _, line := range p.Lines() {
		b = append(b, line...)
		b = append(b, "\r\n"...)
	}
	return b
}
