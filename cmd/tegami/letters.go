package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tegami/app"
	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/compose"
)

// lettersFile in a demo's folder tells that its first people have had their mail.
const lettersFile = "demo.letters"

// lettered are how many accounts of each company find mail in their boxes.
const lettered = 3

// letter is a mail that somebody finds in his inbox.
type letter struct {
	from    compose.Mailbox
	subject string
	text    string
	html    string        // beside text; "" = none
	ago     time.Duration // when it came
	seen    bool
	flagged bool
	re      int // of which letter before it in the list this is the answer, counted from 1; 0 = of none
	charset string
	files   []letterFile
	fields  []compose.Field
	outlook bool // names of files as old Outlook writes them
}

// letterFile is a file that comes with a letter.
type letterFile struct {
	name, kind string
	octets     []byte
}

// postLetters puts mail into the boxes of a new demo's first people, so that there is something to read. A second start adds none.
func (c demoCommand) postLetters(ctx context.Context, p *app.Platform, accounts []demoAccount) error {
	done := filepath.Join(c.Data, lettersFile)
	if _, err := os.Stat(done); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	count := map[string]int{}
	for _, a := range accounts {
		_, domain, _ := strings.Cut(a.Address, "@")
		if count[domain]++; count[domain] > lettered {
			continue
		}
		if err := postTo(ctx, p, a, lettersIn(domain, time.Now())); err != nil {
			return err
		}
	}
	return os.WriteFile(done, nil, 0o600)
}

// lettersIn are the letters for people of a domain of the demo.
func lettersIn(domain string, now time.Time) []letter {
	switch domain {
	case "alpha.example":
		return japaneseLetters(now)
	case "beta.example":
		return englishLetters()
	}
	return nil
}

// postTo puts letters into one inbox.
func postTo(ctx context.Context, p *app.Platform, who demoAccount, letters []letter) error {
	if len(letters) == 0 {
		return nil
	}
	id, err := p.Directory().SignIn(ctx, mail.Origin{Door: "imaps", Zone: mail.ZoneInternet, Received: time.Now()}, "imaps", who.Address, who.Password)
	if err != nil {
		return err
	}
	box, err := p.Mailboxes().Open(ctx, id)
	if err != nil {
		return err
	}
	defer box.Close()
	ids := make([]string, len(letters))
	for i, l := range letters {
		ids[i] = compose.NewMessageID(l.from.Domain)
		m := l.message(id, ids)
		m.MessageID = ids[i]
		if err := l.put(ctx, box, m); err != nil {
			return err
		}
	}
	return nil
}

// message is the letter to somebody; ids are those of the letters up to it.
func (l letter) message(to *directory.Identity, ids []string) *compose.Message {
	account := to.Account()
	m := &compose.Message{
		From: []compose.Mailbox{l.from}, To: []compose.Mailbox{{Name: account.Profile.Name(), Address: account.Address}},
		Subject: l.subject, Date: time.Now().Add(-l.ago), Header: l.fields, Body: &compose.Part{Text: l.text},
	}
	if l.re > 0 {
		m.InReplyTo, m.References = ids[l.re-1:l.re], ids[l.re-1:l.re]
	}
	if l.html != "" {
		m.Body = &compose.Part{Type: "multipart/alternative", Parts: []*compose.Part{m.Body, {Type: "text/html", Text: l.html}}}
	}
	if len(l.files) == 0 {
		return m
	}
	parts := []*compose.Part{m.Body}
	for _, f := range l.files {
		parts = append(parts, &compose.Part{
			Type: f.kind, Disposition: "attachment", Name: f.name, Size: int64(len(f.octets)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.octets)), nil },
		})
	}
	m.Body = &compose.Part{Type: "multipart/mixed", Parts: parts}
	return m
}

// put appends the letter to the inbox.
func (l letter) put(ctx context.Context, box *mailbox.Account, m *compose.Message) error {
	up, err := box.Stage(ctx, 0)
	if err != nil {
		return err
	}
	defer up.Release()
	if _, err := compose.Write(up, m, compose.Options{Charset: l.charset, OutlookNames: l.outlook}); err != nil {
		return err
	}
	flags := mail.Flags(0)
	if l.seen {
		flags |= mail.Seen
	}
	if l.flagged {
		flags |= mail.Flagged
	}
	_, err = box.Append(ctx, mailbox.Inbox, []mailbox.Appended{{Upload: up, Flags: flags, Received: m.Date}})
	return err
}
