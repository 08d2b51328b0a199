package jmapd

import (
	"bytes"
	"context"
	"io"
	"strings"

	"tegami/contacts"
	"tegami/i18n"
	"tegami/mail"
	"tegami/wire/jmap"
	"tegami/wire/sheet"
	"tegami/wire/vcard"
)

// completeIn are the arguments of Recipient/complete.
type completeIn struct {
	jmap.OfAccount
	Text  string `json:"text"`  // what was typed
	Limit int    `json:"limit"` // 0 = contacts.MaxSuggestions
}

// suggestion is one that is proposed.
type suggestion struct {
	Source     contacts.Source `json:"source"`
	ID         *jmap.Id        `json:"id"` // of the card or the entry; null for somebody in no book
	Name       string          `json:"name"`
	Kana       string          `json:"kana"`
	Department string          `json:"department"`
	Company    string          `json:"company"`
	Email      string          `json:"email"`             // "" for a group
	Members    []emailAddress  `json:"members,omitempty"` // of a group
}

// completeOut is the answer to Recipient/complete.
type completeOut struct {
	AccountID jmap.Id      `json:"accountId"`
	List      []suggestion `json:"list"`
}

// completeRecipient is Recipient/complete: who may be meant by what was typed, over all books, the company's address book and those written to.
func completeRecipient(ctx context.Context, c *call, in *completeIn) (*completeOut, error) {
	if in.Limit < 0 {
		return nil, jmap.Bad("limit")
	}
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	found, err := a.Complete(ctx, in.Text, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &completeOut{in.AccountID, make([]suggestion, len(found))}
	for i := range found {
		f := &found[i]
		s := suggestion{Source: f.Source, Name: f.Name, Kana: f.Kana, Department: f.Department, Company: f.Company, Email: f.Address}
		if !f.ID.IsZero() {
			id := objectRef(f.ID)
			s.ID = &id
		}
		for j := range f.Members {
			m := emailAddress{Email: f.Members[j].Address}
			if f.Members[j].Name != "" {
				m.Name = &f.Members[j].Name
			}
			s.Members = append(s.Members, m)
		}
		out.List[i] = s
	}
	return out, nil
}

// importIn are the arguments of Contacts/import.
type importIn struct {
	jmap.OfAccount
	BlobID        jmap.Id          `json:"blobId"`
	AddressBookID *jmap.Id         `json:"addressBookId"` // null: the default one
	Doubles       contacts.Doubles `json:"doubles"`       // "skip" (default), "replace", "keep"
}

// lineReport is what is wrong with a line of a file.
type lineReport struct {
	Line        int    `json:"line"`
	Type        string `json:"type"` // a key of the catalogue
	Description string `json:"description"`
}

// importOut is the answer to Contacts/import.
type importOut struct {
	AccountID      jmap.Id       `json:"accountId"`
	Format         string        `json:"format"`
	Charset        sheet.Charset `json:"charset,omitempty"`
	Added          int           `json:"added"`
	Replaced       int           `json:"replaced"`
	Skipped        int           `json:"skipped"`
	Failed         []lineReport  `json:"failed"`
	IgnoredColumns []string      `json:"ignoredColumns"`
	NewState       string        `json:"newState"` // of ContactCard
}

// importContacts is Contacts/import: a file that was uploaded comes into a book. Its form and its charset are found out.
func importContacts(ctx context.Context, c *call, in *importIn) (*importOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	want := contacts.Import{Doubles: in.Doubles}
	if in.AddressBookID != nil {
		var ok bool
		if want.Book, ok = c.objectID(*in.AddressBookID); !ok || want.Book.IsZero() {
			return nil, jmap.Bad("addressBookId")
		}
	}
	b, err := c.openBlob(ctx, c.at, in.BlobID)
	if mail.Is(err, mail.NotFound) {
		return nil, jmap.Bad("blobId")
	}
	if err != nil {
		return nil, err
	}
	defer b.Close()
	octets, err := io.ReadAll(io.LimitReader(b.Reader(), vcard.MaxFile+1))
	if err != nil {
		return nil, err
	}
	r, err := a.Import(ctx, octets, want)
	if err != nil {
		return nil, err
	}
	out := &importOut{
		AccountID: in.AccountID, Format: r.Format, Charset: r.Charset, Added: r.Added, Replaced: r.Replaced, Skipped: r.Skipped,
		Failed: []lineReport{}, IgnoredColumns: append([]string{}, r.Ignored...),
	}
	for _, l := range r.Failed {
		out.Failed = append(out.Failed, c.lineReport(l.Number, l.Err))
	}
	out.NewState, err = cardsState(a)(ctx)
	return out, err
}

func (c *call) lineReport(line int, err error) lineReport {
	key, _ := mail.TextOf(err)
	return lineReport{line, key, c.server.words.Error(c.lang, err)}
}

// exportIn are the arguments of Contacts/export.
type exportIn struct {
	jmap.OfAccount
	AddressBookID *jmap.Id      `json:"addressBookId"` // null: all books
	IDs           []jmap.Id     `json:"ids"`           // null: all cards
	Format        string        `json:"format"`        // "vcard" or "csv"
	Version       string        `json:"version"`       // of vCards: "3.0" (default), "4.0"
	Layout        vcard.Layout  `json:"layout"`        // of CSV: "tegami" (default), "outlook", "google"
	Charset       sheet.Charset `json:"charset"`       // of CSV: "utf-8" (default), "cp932"
}

// exportOut is the answer to Contacts/export: a blob to be downloaded.
type exportOut struct {
	AccountID  jmap.Id      `json:"accountId"`
	BlobID     jmap.Id      `json:"blobId"`
	Type       string       `json:"type"`
	Name       string       `json:"name"`
	Size       int64        `json:"size"`
	NotWritten []lineReport `json:"notWritten"` // lines with characters that CP932 lacks
}

// exportContacts is Contacts/export: cards as a file, by ふりがな. Its columns are named in the language of the request.
func exportContacts(ctx context.Context, c *call, in *exportIn) (*exportOut, error) {
	a, err := c.books(ctx)
	if err != nil {
		return nil, err
	}
	want := contacts.Export{Format: in.Format, Version: in.Version, Layout: in.Layout, Form: sheet.Form{Charset: in.Charset, Japanese: c.lang == i18n.Japanese}}
	if in.AddressBookID != nil {
		var ok bool
		if want.Book, ok = c.objectID(*in.AddressBookID); !ok {
			return nil, jmap.Bad("addressBookId")
		}
	}
	if in.IDs != nil {
		want.IDs = []mail.ObjectID{}
		for _, ref := range in.IDs {
			if id, ok := c.objectID(ref); ok {
				want.IDs = append(want.IDs, id)
			}
		}
	}
	var file bytes.Buffer
	lacking, err := a.Export(ctx, &limited{&file, c.server.limits.Upload}, want)
	if err != nil {
		return nil, err
	}
	out := &exportOut{AccountID: in.AccountID, Type: "text/vcard; charset=utf-8", Name: "contacts.vcf", NotWritten: []lineReport{}}
	if in.Format == "csv" {
		out.Type, out.Name = "text/csv; charset="+csvCharset(in.Charset), "contacts.csv"
	}
	for _, l := range lacking {
		out.NotWritten = append(out.NotWritten, c.lineReport(l.Line, l.Err))
	}
	up, err := c.server.Upload(ctx, c.who, in.AccountID, int64(file.Len()), out.Type, &file)
	if err != nil {
		return nil, err
	}
	out.BlobID, out.Size = up.BlobID, up.Size
	return out, nil
}

// csvCharset is how browsers call a charset.
func csvCharset(c sheet.Charset) string {
	if strings.EqualFold(string(c), string(sheet.CP932)) {
		return "shift_jis"
	}
	return "utf-8"
}

// limited is a buffer that takes so many octets.
type limited struct {
	*bytes.Buffer
	most int64
}

// Write takes octets in. Full "message.too_big" past the limit.
func (l *limited) Write(b []byte) (int, error) {
	if int64(l.Len()+len(b)) > l.most {
		return 0, tooBig(l.most)
	}
	return l.Buffer.Write(b)
}
