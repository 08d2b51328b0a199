// Package spam tries the spam engine on labelled mail: five folds of the SpamAssassin corpus that is kept beside the project, as it
// is and without what only that corpus has, and Japanese mail of our own making. It writes tables beside SpamAssassin's and
// Rspamd's figures for the same mail.
package spam

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"tegami/mail"
	"tegami/policy"
	engine "tegami/policy/spam"
	"tegami/wire/mime"
)

// A Mail is one message and what people called it.
type Mail struct {
	Name   string // its path in the corpus, or the number and kind of one we made
	Group  string
	Spam   bool
	Octets []byte
	Facts  *policy.Facts // of mail we made; nil: nothing is known of where it came from
}

// Load reads a labelled corpus: labels.tsv in dir names each file, "spam" or "ham", and a group.
func Load(dir string) ([]Mail, error) {
	list, err := os.ReadFile(filepath.Join(dir, "labels.tsv"))
	if err != nil {
		return nil, err
	}
	var all []Mail
	for line := range strings.Lines(string(list)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) < 2 || f[1] != "spam" && f[1] != "ham" {
			return nil, fmt.Errorf("labels.tsv: want path, spam or ham, group: %q", line)
		}
		b, err := os.ReadFile(filepath.Join(dir, f[0]))
		if err != nil {
			return nil, err
		}
		all = append(all, Mail{Name: f[0], Group: f[len(f)-1], Spam: f[1] == "spam", Octets: b})
	}
	return all, nil
}

// listFields are header fields that the corpus's lists and its collector added, and dates.
var listFields = map[string]bool{"received": true, "delivered-to": true, "delivery-date": true, "return-path": true, "sender": true, "errors-to": true,
	"x-beenthere": true, "x-mailman-version": true, "precedence": true, "x-mailing-list": true, "mailing-list": true, "x-loop": true, "date": true,
	"x-egroups-return": true, "x-sender": true, "x-apparently-to": true, "x-original-date": true, "x-pyzor": true, "x-spam-status": true, "x-spam-level": true,
	"resent-date": true, "resent-from": true, "resent-to": true, "x-keywords": true, "x-status": true, "status": true, "x-uid": true, "replied": true, "forwarded": true}

var (
	// corpusHosts are the hosts of the people and lists the corpus was collected from.
	corpusHosts = regexp.MustCompile(`(?i)[\w.-]*(spamassassin\.taint\.org|taint\.org|jmason\.org|netnoteinc\.com|slashnull\.org|linux\.ie|xent\.com|freshrpms\.net|` +
		`example\.sourceforge\.net|sourceforge\.net|lists\.debian\.org|cnet\.com|exmh|razor-users|ximian\.com)\b`)
	listTags = regexp.MustCompile(`(?i)\[[\w .+-]{2,20}\]\s*`)
	dates    = regexp.MustCompile(`(?i)\b(\d{1,2}[-/ ](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-/ ,]+(\d{4}|\d\d)|` +
		`(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2},? \d{4}|\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{2,4}|(19|20)\d\d|\d{1,2}:\d\d(:\d\d)?)\b`)
)

// Bare is a mail without what only its corpus has: dates, the collector's hosts, and the fields and subject tags of mailing lists.
func Bare(m Mail) Mail {
	body := bodyStart(m.Octets)
	var out bytes.Buffer
	for f := range mime.Header(m.Octets[:body]).Fields() {
		name := strings.ToLower(string(f.Name))
		if f.Name == nil || listFields[name] || strings.HasPrefix(name, "list-") || strings.HasPrefix(name, "x-list") {
			continue
		}
		field := m.Octets[f.Start:f.End]
		if name == "subject" {
			field = listTags.ReplaceAll(field, nil)
		}
		out.Write(field)
	}
	out.WriteString("\n")
	head := corpusHosts.ReplaceAll(out.Bytes(), []byte("host.example"))
	rest := corpusHosts.ReplaceAll(m.Octets[body:], []byte("host.example"))
	m.Octets = append(dates.ReplaceAll(head, nil), dates.ReplaceAll(rest, nil)...)
	return m
}

// bodyStart is where a message's body begins, behind the blank line.
func bodyStart(b []byte) int {
	if i := bytes.Index(b, []byte("\n\n")); i >= 0 && mime.HeaderEnd(b) == 0 {
		return i + 2
	}
	if n := mime.HeaderEnd(b); n > 0 {
		return n
	}
	return len(b)
}

// Look reads a mail as the platform would that knows nothing of where it came from.
func Look(m Mail) *engine.Features {
	return engine.Look(&engine.Inquiry{
		Octets: bytes.NewReader(m.Octets), Message: mime.ParseBytes(m.Octets, mime.Limits{}), Facts: m.Facts, From: mail.Address{},
	})
}
