package tlspolicy

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
)

const rptVersion = "v=TLSRPTv1"

// maxDestinations is how many places a report is sent to; a record that names more is cut.
const maxDestinations = 10

// ReportRecord says where a domain wants reports on TLS (RFC 8460 §3).
type ReportRecord struct {
	RUA []string // URIs as given, of the schemes mailto and https
}

// ReportRecordName is where a domain's record about reports stands.
func ReportRecordName(domain string) string { return "_smtp._tls." + domain }

// ParseReportRecords reads the TXT records of a ReportRecordName. NotFound "tls.record.none" when none is about reports;
// Invalid when there are several or it breaks the syntax: both mean that no reports are wanted (RFC 8460 §3).
func ParseReportRecords(texts []string) (ReportRecord, error) {
	record, err := oneRecord("tlspolicy.ParseReportRecords", texts, rptVersion)
	if err != nil {
		return ReportRecord{}, err
	}
	return ParseReportRecord(record)
}

// ParseReportRecord reads a record (RFC 8460 §3). URIs of other schemes are passed over. The error's kind is Invalid.
func ParseReportRecord(text string) (ReportRecord, error) {
	list, ok := fields(text, rptVersion)
	rua, has := first(list, "rua")
	if !ok || !has {
		return ReportRecord{}, mail.E("tlspolicy.ParseReportRecord", mail.Invalid, "tls.record.malformed", rptVersion)
	}
	var r ReportRecord
	for one := range strings.SplitSeq(rua, ",") {
		one = strings.Trim(one, " \t")
		u, err := url.Parse(one)
		if err != nil || one == "" || strings.ContainsAny(one, " \t!") {
			return ReportRecord{}, mail.E("tlspolicy.ParseReportRecord", mail.Invalid, "tls.record.malformed", rptVersion)
		}
		if (u.Scheme == "mailto" && u.Opaque != "" || u.Scheme == "https" && u.Host != "") && len(r.RUA) < maxDestinations {
			r.RUA = append(r.RUA, one)
		}
	}
	return r, nil
}

// String writes the record.
func (r ReportRecord) String() string { return rptVersion + "; rua=" + strings.Join(r.RUA, ",") }

// Mails are the addresses among the destinations. One that is no mail address is left out.
func (r ReportRecord) Mails() []mail.Address {
	var list []mail.Address
	for _, one := range r.RUA {
		u, err := url.Parse(one)
		if err != nil || u.Scheme != "mailto" {
			continue
		}
		plain, err := url.PathUnescape(u.Opaque)
		if err != nil {
			continue
		}
		if a, err := mail.ParseAddress(plain); err == nil && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// Posts are the HTTPS URLs among the destinations, to which reports are sent with POST (RFC 8460 §5.4).
func (r ReportRecord) Posts() []string {
	var list []string
	for _, one := range r.RUA {
		if u, err := url.Parse(one); err == nil && u.Scheme == "https" && !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

// MailtoURI is the URI of an address for a record. What has a meaning in records is escaped.
func MailtoURI(a mail.Address) string {
	var b strings.Builder
	b.WriteString("mailto:")
	for _, c := range []byte(a.String()) {
		if isAlphanumeric(c) || strings.IndexByte("-._~@+$&'*=/", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
		}
	}
	return b.String()
}

// What a report mail is made of (RFC 8460 §5.3).
const (
	ReportTypeGzip    = "application/tlsrpt+gzip" // media type of a compressed report, in mail and by HTTPS
	ReportTypeJSON    = "application/tlsrpt+json"
	ReportMailType    = `multipart/report; report-type="tlsrpt"` // of the mail; the boundary is still missing
	ReportDomainField = "TLS-Report-Domain"                      // a header field: the domain reported on
	ReportSenderField = "TLS-Report-Submitter"                   // a header field: who reports
)

// ReportName is what names a report: in its mail's subject and as a file.
type ReportName struct {
	Domain     string // the one reported on
	Submitter  string // who reports
	Begin, End time.Time
	ID         string // report-id of the JSON; in a file's name, letters, digits and a few marks of it
}

// Subject is that of the report's mail (RFC 8460 §5.3).
func (n ReportName) Subject() string {
	return "Report Domain: " + n.Domain + " Submitter: " + n.Submitter + " Report-ID: <" + n.ID + ">"
}

// Filename is that of the compressed report (RFC 8460 §5.1).
func (n ReportName) Filename() string {
	name := n.Submitter + "!" + n.Domain + "!" + strconv.FormatInt(n.Begin.Unix(), 10) + "!" + strconv.FormatInt(n.End.Unix(), 10)
	unique := strings.Map(func(r rune) rune {
		if r < 0x80 && (isAlphanumeric(byte(r)) || r == '-' || r == '.' || r == '_') {
			return r
		}
		return -1
	}, n.ID)
	if unique != "" {
		name += "!" + unique
	}
	return name + ".json.gz"
}
