package notice

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"html/template"
	"regexp"
	"strings"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/compose"
)

// MaxDigestLines is how many messages a digest names: the newest.
const MaxDigestLines = 100

// maxDigestText is how much of a subject or a sender it shows, in octets.
const maxDigestText = 150

// Digest tells somebody what came into his quarantine (SF-6).
type Digest struct {
	Account directory.Account
	Lines   []DigestLine // the newest first; past MaxDigestLines they are counted
	Days    int          // for how long messages are kept
	// Link gives the address of the page on which something is done with a message: "receive", "allow" or "delete".
	Link func(id mail.ObjectID, do string) string
	// Allow: senders may be allowed for good.
	Allow bool
}

// DigestLine is one message in quarantine.
type DigestLine struct {
	ID       mail.ObjectID
	Received time.Time
	Author   string // name, "" where there is none
	Sender   mail.Address
	Subject  string
}

// PostDigest sends a digest. with, which may be nil, writes in the transaction that accepts it; its error keeps the digest from being sent.
func (s *Service) PostDigest(ctx context.Context, d *Digest, with func(store.Tx) error) error {
	acc := &d.Account
	set := s.settings(ctx, acc.Tenant)
	lang, _ := i18n.ParseLang(acc.Lang)
	langs := []i18n.Lang{lang}
	if set.NoticeBoth || lang == "" {
		langs = i18n.Langs()
	}
	octets, err := s.digest(d, s.words(&set, langs), rand.Text(), time.Now())
	if err != nil {
		return err
	}
	_, err = s.cfg.House.Post(ctx, deliver.Letter{
		Tenant: acc.Tenant, To: []mail.Recipient{{Address: acc.Address, Notify: mail.NotifyNever}},
		Octets: octets, Sign: s.cfg.Hostname, Service: true, Unfiltered: true,
	}, with)
	return mail.Wrap("notice.PostDigest", err)
}

// digest writes the message: plain text, and the same as a table.
func (s *Service) digest(d *Digest, all []words, id string, at time.Time) ([]byte, error) {
	subjects := make([]string, len(all))
	for i := range all {
		subjects[i] = d.subject(&all[i])
	}
	var h compose.Header
	h.Time("Date", at)
	h.Addresses("From", sender(&all[0], s.cfg.Hostname))
	h.Addresses("To", compose.Mailbox{Name: d.Account.Name, Address: d.Account.Address})
	h.Text("Subject", strings.Join(subjects, " / "))
	h.IDs("Message-ID", "<"+id+"@"+s.cfg.Hostname+">")
	h.Line("Auto-Submitted", "auto-generated")
	h.Line("X-Auto-Response-Suppress", "All")
	page, err := d.page(all, s.cfg.Name)
	if err != nil {
		return nil, err
	}
	text := compose.Text(bothLanguages(all, func(w *words) string { return d.text(w, s.cfg.Name) }), tags(all)...)
	return h.Message(compose.Multipart("multipart/alternative", id, text, compose.Quoted("text/html; charset=utf-8", page))), nil
}

// text writes a digest as plain text.
func (d *Digest) text(w *words, service string) string {
	var b strings.Builder
	b.WriteString(d.dear(w) + "\n\n")
	b.WriteString(w.paragraph(w.text("notice.greeting")+" "+d.what(w)) + "\n\n")
	for _, l := range d.shown() {
		b.WriteString(w.date(l.Received) + "\n")
		b.WriteString("  " + w.text("notice.line", key("digest.from"), l.from()) + "\n")
		b.WriteString("  " + w.text("notice.line", key("digest.about"), l.about(w)) + "\n")
		for _, do := range d.deeds() {
			b.WriteString("  " + w.text(digestDeeds[do]) + "\n    " + d.Link(l.ID, do) + "\n")
		}
		b.WriteString("\n")
	}
	if more := d.more(w); more != "" {
		b.WriteString(w.paragraph(more) + "\n\n")
	}
	b.WriteString(w.paragraph(d.end(w)) + "\n\n")
	return b.String() + w.footer(service, true)
}

func (d *Digest) dear(w *words) string {
	if d.Account.Name == "" {
		return w.text("notice.dear_customer")
	}
	return w.text("notice.dear", d.Account.Name)
}

func (d *Digest) subject(w *words) string {
	if len(d.Lines) == 1 {
		return w.text("digest.subject_one")
	}
	return w.text("digest.subject", len(d.Lines))
}

func (d *Digest) what(w *words) string {
	if len(d.Lines) == 1 {
		return w.text("digest.what_one")
	}
	return w.text("digest.what", len(d.Lines))
}

// more says how many messages are not named; "" for none.
func (d *Digest) more(w *words) string {
	if n := len(d.Lines) - MaxDigestLines; n > 0 {
		return w.text("digest.more", n)
	}
	return ""
}

// end says for how long there is time, and what not to do with the message.
func (d *Digest) end(w *words) string {
	return w.text("digest.end", d.Days) + " " + w.text("digest.no_forward")
}

func (d *Digest) shown() []DigestLine { return d.Lines[:min(len(d.Lines), MaxDigestLines)] }

// digestDeeds are what the links are called.
var digestDeeds = map[string]string{"receive": "digest.do.receive", "allow": "digest.do.allow", "delete": "digest.do.delete"}

// deeds are what can be done with a message.
func (d *Digest) deeds() []string {
	if d.Allow {
		return []string{"receive", "allow", "delete"}
	}
	return []string{"receive", "delete"}
}

// from is who a message says it is from.
func (l *DigestLine) from() string {
	address := addressText(l.Sender)
	if l.Author == "" {
		return shownSafe(address)
	}
	return shownSafe(l.Author) + " <" + shownSafe(address) + ">"
}

// about is a message's subject.
func (l *DigestLine) about(w *words) string {
	if strings.TrimSpace(l.Subject) == "" {
		return w.text("digest.no_subject")
	}
	return shownSafe(l.Subject)
}

// shownSafe is a stranger's words on one line, with addresses in it that no mail program makes a link of.
func shownSafe(s string) string {
	return linkLike.ReplaceAllStringFunc(compose.OneLine(compose.Cut(s, maxDigestText)), func(m string) string {
		switch strings.ToLower(m) {
		case "www.":
			return m[:3] + "[.]"
		case "ftp:":
			return "fxp:"
		case "http:":
			return "hxxp:"
		}
		return "hxxps:"
	})
}

// linkLike is the beginning of what programs make links of.
var linkLike = regexp.MustCompile(`(?i)https?:|ftp:|www\.`)

//go:embed digest.html
var digestText embed.FS

// digestPage is the digest as a table.
var digestPage = template.Must(template.ParseFS(digestText, "digest.html"))

// digestView is what the template sees, in one language.
type digestView struct {
	Lang, Dear, What, More, End, Contact, NoReply, Service string
	At, From, About                                        string // heads of the columns
	Lines                                                  []digestRow
}

type digestRow struct {
	At, From, About string
	Links           []digestAction
}

type digestAction struct{ Text, URL string }

// page writes a digest as HTML.
func (d *Digest) page(all []words, service string) ([]byte, error) {
	views := make([]digestView, len(all))
	for i := range all {
		views[i] = d.view(&all[i], service)
	}
	var b bytes.Buffer
	if err := digestPage.Execute(&b, views); err != nil {
		return nil, mail.Because("notice.digest", mail.Other, "", err)
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte("\r\n")), nil
}

func (d *Digest) view(w *words, service string) digestView {
	v := digestView{
		Lang: string(w.lang), Dear: d.dear(w), What: w.text("notice.greeting") + " " + d.what(w), More: d.more(w), End: d.end(w),
		Contact: w.text("notice.contact"), NoReply: w.text("notice.no_reply"), Service: compose.OneLine(service),
		At: w.text("digest.at"), From: w.text("digest.from"), About: w.text("digest.about"),
	}
	if w.lang == i18n.Japanese {
		v.What = w.text("notice.greeting") + d.what(w)
		v.End = strings.ReplaceAll(v.End, "。 ", "。")
	}
	for _, l := range d.shown() {
		row := digestRow{At: w.date(l.Received), From: l.from(), About: l.about(w)}
		for _, do := range d.deeds() {
			row.Links = append(row.Links, digestAction{w.text(digestDeeds[do]), d.Link(l.ID, do)})
		}
		v.Lines = append(v.Lines, row)
	}
	return v
}
