package dmarc

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Limits of reports that are read. They come from anybody.
const (
	MaxReport     = 10 << 20 // octets as sent
	MaxInflated   = 64 << 20 // octets of XML
	MaxRatio      = 200      // octets of XML for each as sent, past the first MiB
	MaxZipEntries = 8        // files of an archive that are looked at for the XML
	MaxRows       = 100_000  // rows of a report
	maxResults    = 100      // DKIM results of a row, and reasons (RFC 9990 §3.1.3)
	maxText       = 256      // octets of a text that is kept
	maxElement    = 1 << 20  // octets of XML of one row, or any other element below the root: it is in memory as a whole
)

// Report is an aggregate report (RFC 9990 §3.1): what one receiver saw in a time of mail that shows a domain.
type Report struct {
	Organization string // who reports
	Email        string // how to reach them
	ExtraContact string
	ID           string // unique among the reports for the domain: a dot-atom
	Begin, End   time.Time
	Errors       []string // what the reporter found wrong with the domain's record
	Generator    string

	Domain    string    // where the record stands: the policy domain
	Published Published // what it said
	Rows      []Row
}

// Published is a record as a report repeats it. Empty fields were not given.
type Published struct {
	Discovery             string // "treewalk", or "psl" of RFC 7489
	Policy                Policy
	Subdomains            Policy
	Missing               Policy
	FailureOptions        string
	DKIM, SPF             Alignment
	Test                  bool
	PercentOfOlderRecords string // pct of RFC 7489; read, never written
}

// PublishedOf repeats a record.
func PublishedOf(r Record) Published {
	return Published{
		Discovery: "treewalk", Policy: r.Policy, Subdomains: r.Subdomains, Missing: r.Missing,
		FailureOptions: r.FailureOptions, DKIM: r.DKIM, SPF: r.SPF, Test: r.Test,
	}
}

// Disposition is what became of mail.
type Disposition string

// Dispositions (RFC 9990 §3.1.1.8).
const (
	DispositionNone       Disposition = "none" // nothing was done on account of DMARC
	DispositionPass       Disposition = "pass" // nothing had to be done: it passed under an enforcing policy
	DispositionQuarantine Disposition = "quarantine"
	DispositionReject     Disposition = "reject"
)

// Row counts messages that agree in all else.
type Row struct {
	Source       netip.Addr
	Count        int64
	Disposition  Disposition
	DKIM, SPF    bool // aligned and authenticated
	Reasons      []Reason
	HeaderFrom   string
	EnvelopeFrom string
	EnvelopeTo   string
	DKIMResults  []AuthResult
	SPFResults   []AuthResult
}

// Reason is why the disposition is not what the record asks for.
type Reason struct {
	Type    string // one of the constants below, or what an older report says
	Comment string
}

// Types of reasons (RFC 9990 §3.1.6).
const (
	ReasonLocalPolicy      = "local_policy"
	ReasonMailingList      = "mailing_list"
	ReasonOther            = "other"
	ReasonTestMode         = "policy_test_mode"
	ReasonTrustedForwarder = "trusted_forwarder"
)

// AuthResult is a result of DKIM or SPF without regard to DMARC, in the words of RFC 8601 §2.7.
type AuthResult struct {
	Domain   string
	Selector string // of DKIM
	Scope    string // of SPF: "mfrom"
	Result   string
	Human    string
}

// Passed tells whether the messages of the row passed DMARC.
func (r *Row) Passed() bool { return r.DKIM || r.SPF }

// FileName names the attachment of a report, compressed (RFC 9990 §3.5.2). receiver is the reporter's domain.
func (r *Report) FileName(receiver string) string {
	name := receiver + "!" + r.Domain + "!" + strconv.FormatInt(r.Begin.Unix(), 10) + "!" + strconv.FormatInt(r.End.Unix(), 10)
	if id := alphanumeric(r.ID); id != "" {
		name += "!" + id
	}
	return name + ".xml.gz"
}

// Subject is the subject of a report's mail (RFC 9990 §3.5.2).
func (r *Report) Subject(receiver string) string {
	return "Report Domain: " + r.Domain + " Submitter: " + receiver + " Report-ID: <" + r.ID + ">"
}

// alphanumeric keeps the letters and digits of s.
func alphanumeric(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, s)
}
