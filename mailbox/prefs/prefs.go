// Package prefs keeps what people choose for their webmail: how it looks, how they write, what it asks them. What a company decides is in
// directory.Settings.
package prefs

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Kind is the kind of the entry that holds an account's choices. There is one of it at most.
const Kind = "settings"

// Limits of choices.
const (
	MinPage, MaxPage = 10, 100 // messages on a page of the Standard version
	MaxUndo          = 60      // seconds
	MaxMarkRead      = 60      // seconds; NeverRead for never
	NeverRead        = -1
	maxTags          = 100 // labels with a colour
	maxTrusted       = 500 // senders whose pictures are shown
	maxText          = 255 // octets of a short text
)

// Choices are what somebody chose. Names and values are those of the webmail's Settings objects.
type Choices struct {
	Client          string            `json:"client"`         // "advanced", "standard"
	Language        string            `json:"language"`       // "ja", "en"; "" = the account's
	Theme           string            `json:"theme"`          // "system", "light", "dark"
	TimeZone        string            `json:"timeZone"`       // "Asia/Tokyo"
	PageSize        int               `json:"pageSize"`       // messages on a page
	Conversations   bool              `json:"conversations"`  // messages stand in threads
	ReadingPane     string            `json:"readingPane"`    // "right", "none"
	Density         string            `json:"density"`        // "comfortable", "compact"
	ComposeFormat   string            `json:"composeFormat"`  // "text", "html"
	ComposeCharset  string            `json:"composeCharset"` // "utf-8", "iso-2022-jp" (DOMAIN §14.3)
	OutlookNames    bool              `json:"outlookNames"`   // names of files as Outlook reads them (DOMAIN §14.4)
	UndoSeconds     int               `json:"undoSeconds"`    // until a message really goes
	RemotePictures  string            `json:"remotePictures"` // "ask", "always"
	TrustedSenders  []string          `json:"trustedSenders"` // whose remote pictures are shown: addresses, or "@domain"
	ReadReceipts    string            `json:"readReceipts"`   // that others ask for: "ask", "always", "never"
	SignaturePlace  string            `json:"signaturePlace"` // "above", "below" what is quoted
	ConfirmOutside  bool              `json:"confirmOutside"` // ask before mail leaves the company
	Notifications   bool              `json:"notifications"`  // of the browser
	MarkReadSeconds int               `json:"markReadSeconds"`
	Shortcuts       bool              `json:"shortcuts"` // single keys do something
	Tags            map[string]string `json:"tags"`      // colours of labels, by keyword
	// CollectRecipients: whom one writes to comes into [メールを送信した連絡先] (ML-6).
	CollectRecipients bool `json:"collectRecipients"`
}

// Default are the choices of somebody who chose nothing.
func Default(zone string) Choices {
	if zone == "" {
		zone = "Asia/Tokyo"
	}
	return Choices{
		Client: "advanced", Theme: "system", TimeZone: zone, PageSize: 25, Conversations: true, ReadingPane: "right", Density: "comfortable",
		ComposeFormat: "text", ComposeCharset: "utf-8", OutlookNames: true, UndoSeconds: 5, RemotePictures: "ask", TrustedSenders: []string{},
		ReadReceipts: "ask", SignaturePlace: "above", MarkReadSeconds: 0, Shortcuts: true, Tags: map[string]string{}, CollectRecipients: true,
	}
}

// values are what each text may be.
var values = map[string][]string{
	"client": {"advanced", "standard"}, "language": {"", "ja", "en"}, "theme": {"system", "light", "dark"}, "readingPane": {"right", "none"},
	"density": {"comfortable", "compact"}, "composeFormat": {"text", "html"}, "composeCharset": {"utf-8", "iso-2022-jp"},
	"remotePictures": {"ask", "always"}, "readReceipts": {"ask", "always", "never"}, "signaturePlace": {"above", "below"},
}

// Wrong lists what can't be chosen, by names of properties, sorted.
func (c *Choices) Wrong() (list []string) {
	for name, have := range map[string]string{
		"client": c.Client, "language": c.Language, "theme": c.Theme, "readingPane": c.ReadingPane, "density": c.Density, "composeFormat": c.ComposeFormat,
		"composeCharset": c.ComposeCharset, "remotePictures": c.RemotePictures, "readReceipts": c.ReadReceipts, "signaturePlace": c.SignaturePlace,
	} {
		if !slices.Contains(values[name], have) {
			list = append(list, name)
		}
	}
	bad := func(name string, wrong bool) {
		if wrong {
			list = append(list, name)
		}
	}
	_, err := time.LoadLocation(c.TimeZone)
	bad("timeZone", err != nil || c.TimeZone == "" || c.TimeZone == "Local")
	bad("pageSize", c.PageSize < MinPage || c.PageSize > MaxPage)
	bad("undoSeconds", c.UndoSeconds < 0 || c.UndoSeconds > MaxUndo)
	bad("markReadSeconds", c.MarkReadSeconds < NeverRead || c.MarkReadSeconds > MaxMarkRead)
	long := func(s string) bool { return s == "" || len(s) > maxText }
	bad("trustedSenders", len(c.TrustedSenders) > maxTrusted || slices.ContainsFunc(c.TrustedSenders, long))
	wrong := len(c.Tags) > maxTags
	for name, colour := range c.Tags {
		wrong = wrong || long(name) || long(colour)
	}
	bad("tags", wrong)
	slices.Sort(list)
	return list
}

// Service keeps choices.
type Service struct {
	store store.Store
	dir   *directory.Directory
}

// New makes the service over a store.
func New(st store.Store, dir *directory.Directory) *Service { return &Service{st, dir} }

// State is where choices stand.
type State struct {
	Now     mail.ModSeq // of the account
	Changed mail.ModSeq // of the choices; zero: nothing was chosen
}

// Get gives an account's choices, the defaults for what it did not choose.
func (s *Service) Get(ctx context.Context, who *directory.Identity) (c Choices, at State, err error) {
	const op = "prefs.Get"
	c, err = s.defaults(ctx, who)
	if err != nil {
		return c, at, mail.Wrap(op, err)
	}
	err = s.store.Tenant(who.Tenant()).View(ctx, func(r store.Reader) error {
		box, err := r.Box(who.Account().ID)
		if err != nil {
			return err
		}
		at.Now = box.ModSeq
		c, at.Changed, err = read(r, who, c)
		return err
	})
	return c, at, mail.Wrap(op, err)
}

// defaults are an account's, by what its company decided.
func (s *Service) defaults(ctx context.Context, who *directory.Identity) (Choices, error) {
	decided, err := s.dir.Company(who.Tenant()).Settings(ctx)
	return Default(decided.Zone), err
}

// read gives the choices over the defaults.
func read(r store.Reader, who *directory.Identity, c Choices) (Choices, mail.ModSeq, error) {
	const op = "prefs.read"
	e, err := r.EntryByKey(who.Account().ID, Kind, Kind)
	if mail.Is(err, mail.NotFound) {
		return c, 0, nil
	}
	if err != nil {
		return c, 0, err
	}
	if err := json.Unmarshal(e.Doc, &c); err != nil {
		return c, 0, mail.Because(op, mail.Other, "", err)
	}
	return c, e.ModSeq, nil
}

// Change lets fn change an account's choices. fn runs in a transaction: it does nothing else, and its error is returned. Invalid
// "settings.wrong" for what can't be chosen.
func (s *Service) Change(ctx context.Context, who *directory.Identity, fn func(*Choices) error) error {
	const op = "prefs.Change"
	defaults, err := s.defaults(ctx, who)
	if err != nil {
		return mail.Wrap(op, err)
	}
	err = s.store.Tenant(who.Tenant()).Update(ctx, who.Actor(), op, func(tx store.Tx) error {
		c, _, err := read(tx, who, defaults)
		if err != nil {
			return err
		}
		if err := fn(&c); err != nil {
			return err
		}
		if wrong := c.Wrong(); len(wrong) > 0 {
			return mail.E(op, mail.Invalid, "settings.wrong", wrong[0])
		}
		e := store.Entry{Kind: Kind, Account: who.Account().ID, Key: Kind}
		if have, err := tx.EntryByKey(e.Account, Kind, Kind); err == nil {
			e.ID = have.ID
		} else if !mail.Is(err, mail.NotFound) {
			return err
		}
		if e.Doc, err = json.Marshal(c); err != nil {
			return mail.Because(op, mail.Other, "", err)
		}
		_, err = tx.PutEntry(e)
		return err
	})
	return mail.Wrap(op, err)
}
