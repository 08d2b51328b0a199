package tlspolicy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"time"

	"tegami/mail"
)

// Limits of reports that come in.
const (
	MaxReport         = 4 << 20  // octets as sent
	MaxReportInflated = 16 << 20 // octets of JSON
	MaxReportPolicies = 1_000
	MaxReportFailures = 1_000 // of one policy
	MaxReportLines    = 1_000 // of one policy's text, and of its hosts
)

// Report is what one sender saw in a day of the TLS of a domain's hosts (RFC 8460 §4.4).
type Report struct {
	Organization string   `json:"organization-name"`
	Range        Range    `json:"date-range"`
	Contact      string   `json:"contact-info"`
	ID           string   `json:"report-id"`
	Policies     Policies `json:"policies"`
}

// Range is the time a report is about, in UTC.
type Range struct {
	Start time.Time `json:"start-datetime"`
	End   time.Time `json:"end-datetime"`
}

// UnmarshalJSON reads the times of RFC 3339 that RFC 8460 wants, and those without a zone that Microsoft writes, as UTC.
func (r *Range) UnmarshalJSON(b []byte) error {
	var texts struct {
		Start string `json:"start-datetime"`
		End   string `json:"end-datetime"`
	}
	err := json.Unmarshal(b, &texts)
	if err == nil {
		r.Start, err = parseTime(texts.Start)
	}
	if err == nil {
		r.End, err = parseTime(texts.End)
	}
	return err
}

func parseTime(s string) (time.Time, error) {
	const noZone = "2006-01-02T15:04:05"
	if t, err := time.ParseInLocation(noZone, s, time.UTC); err == nil || s == "" {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}

// PolicyResult is what was seen under one policy.
type PolicyResult struct {
	Policy   AppliedPolicy `json:"policy"`
	Summary  Summary       `json:"summary"`
	Failures Failures      `json:"failure-details,omitempty"`
}

// PolicyType says by what a sender went.
type PolicyType string

// Types of policies.
const (
	PolicyTLSA PolicyType = "tlsa"
	PolicySTS  PolicyType = "sts"
	PolicyNone PolicyType = "no-policy-found"
)

// AppliedPolicy is the policy a sender went by.
type AppliedPolicy struct {
	Type   PolicyType `json:"policy-type"`
	Text   Texts      `json:"policy-string,omitempty"` // the lines of an MTA-STS policy, or TLSA records
	Domain string     `json:"policy-domain"`
	MX     Texts      `json:"mx-host,omitempty"` // patterns of an MTA-STS policy
}

// Summary counts sessions.
type Summary struct {
	Success int64 `json:"total-successful-session-count"`
	Failure int64 `json:"total-failure-session-count"`
}

// Failure counts the sessions that failed in one way.
type Failure struct {
	Result      ResultType `json:"result-type"`
	SendingIP   string     `json:"sending-mta-ip,omitempty"`
	MX          string     `json:"receiving-mx-hostname,omitempty"`
	Helo        string     `json:"receiving-mx-helo,omitempty"`
	ReceivingIP string     `json:"receiving-ip,omitempty"`
	Count       int64      `json:"failed-session-count"`
	Information string     `json:"additional-information,omitempty"` // a URI
	Reason      string     `json:"failure-reason-code,omitempty"`
}

// Lists of a report. Each has a limit, which is held while it is read: a few octets of JSON can ask for a lot of memory.
type (
	Policies []PolicyResult
	Failures []Failure
	Texts    []string // some senders write one string where a list of one should stand
)

// UnmarshalJSON reads at most MaxReportPolicies.
func (l *Policies) UnmarshalJSON(b []byte) (err error) {
	*l, err = readList[PolicyResult](b, MaxReportPolicies)
	return err
}

// UnmarshalJSON reads at most MaxReportFailures.
func (l *Failures) UnmarshalJSON(b []byte) (err error) {
	*l, err = readList[Failure](b, MaxReportFailures)
	return err
}

// UnmarshalJSON reads at most MaxReportLines, or one string.
func (l *Texts) UnmarshalJSON(b []byte) (err error) {
	if b[0] == '"' {
		*l = make(Texts, 1)
		return json.Unmarshal(b, &(*l)[0])
	}
	*l, err = readList[string](b, MaxReportLines)
	return err
}

// readList reads a JSON array of at most limit things; null is an empty one.
func readList[T any](b []byte, limit int) ([]T, error) {
	var list []T
	d := json.NewDecoder(bytes.NewReader(b))
	switch open, err := d.Token(); {
	case err != nil || open == nil:
		return nil, err
	case open != json.Delim('['):
		return nil, errNoList
	}
	for d.More() {
		if len(list) == limit {
			return nil, errTooLong
		}
		var one T
		if err := d.Decode(&one); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// Write writes the report as JSON.
func (r *Report) Write(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return mail.Wrap("tlspolicy.(*Report).Write", err)
	}
	return nil
}

// WriteGzip writes the report as JSON, compressed.
func (r *Report) WriteGzip(w io.Writer) error {
	z := gzip.NewWriter(w)
	if err := r.Write(z); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return mail.Wrap("tlspolicy.(*Report).WriteGzip", err)
	}
	return nil
}

// ReadReport reads a report, compressed or not, whatever its media type claims. It reads no more than MaxReport
// octets, and inflates no more than MaxReportInflated. Fields it does not know are passed over. The error's kind is Invalid.
func ReadReport(r io.Reader) (*Report, error) {
	const op = "tlspolicy.ReadReport"
	plain, err := inflated(&capped{r, MaxReport})
	if err != nil {
		return nil, mail.Because(op, mail.Invalid, "tls.report.malformed", err)
	}
	report := new(Report)
	if err := json.NewDecoder(&capped{plain, MaxReportInflated}).Decode(report); err != nil {
		key := "tls.report.malformed"
		if errors.Is(err, errTooLong) {
			key = "tls.report.long"
		}
		return nil, mail.Because(op, mail.Invalid, key, err)
	}
	return report, nil
}

// inflated undoes gzip where it finds its magic number.
func inflated(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if magic, _ := b.Peek(2); len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return b, nil
	}
	return gzip.NewReader(b)
}

// Why a report is not read.
var (
	errTooLong = errors.New("longer than we read")
	errNoList  = errors.New("no list where one should stand")
)

// capped reads up to a number of octets; more is an error and no end.
type capped struct {
	from io.Reader
	left int64
}

// Read reads on, or says that it is too much.
func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLong
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}
