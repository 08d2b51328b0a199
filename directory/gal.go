package directory

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"tegami/mail"
	"tegami/store"
)

// CardKind is what stands behind an entry of the address book.
type CardKind string

// Kinds of entries.
const (
	CardAccount CardKind = "account"
	CardList    CardKind = "list"
	CardContact CardKind = "contact" // somebody outside, whom administrators added
)

// Card is an entry of a company's address book, the GAL (ML-6). Its Profile has no Memo.
type Card struct {
	ID      mail.ObjectID // an account's, a list's or a contact's
	Kind    CardKind
	Domain  mail.DomainID // whose users see it; zero: all of the company
	Address mail.Address
	Profile Profile
}

// Contact is somebody outside in the address book.
type Contact struct {
	ID      mail.ObjectID
	Version uint64
	ContactSpec
}

// ContactSpec is what is said about a contact.
type ContactSpec struct {
	Domain  mail.DomainID `json:"domain,omitzero"` // whose users see it; zero: all of the company
	Address mail.Address  `json:"address"`
	Profile Profile       `json:"profile,omitzero"`
}

// kindContact is the kind of contacts.
const kindContact = "contact"

// MaxContacts is how many contacts a company has.
const MaxContacts = 10_000

// allContacts marks every contact, to count them.
var allContacts = store.Key{Name: "contacts", Value: "all"}

// contactKey is under what a contact is found: an address stands once in the book of a domain.
func contactKey(s *ContactSpec) store.Key {
	return store.Key{Name: "contact", Value: s.Domain.String() + " " + s.Address.Key()}
}

func putContact(tx store.Tx, id mail.ObjectID, s ContactSpec, version uint64) error {
	o := store.Object{Kind: kindContact, ID: id, Version: version, Unique: []store.Key{contactKey(&s)}, Marks: []store.Key{allContacts}}
	err := put(tx, o, s)
	if key, _ := mail.TextOf(err); key == "key.taken" {
		return mail.E("directory.putContact", mail.Conflict, "contact.exists", s.Address.String())
	}
	return err
}

func readContact(r store.Reader, id mail.ObjectID) (c Contact, err error) {
	o, err := r.Object(kindContact, id)
	if mail.Is(err, mail.NotFound) {
		return c, mail.E("directory.readContact", mail.NotFound, "contact.unknown", id.String())
	}
	if err != nil {
		return c, err
	}
	c = Contact{ID: o.ID, Version: o.Version}
	return c, read(o, &c.ContactSpec)
}

// checked gives the contact in its stored form. Invalid "address.malformed", "name.malformed", "profile.memo".
func (s ContactSpec) checked(op mail.Op) (ContactSpec, error) {
	if s.Address.Local == "" || s.Address.Domain == "" {
		return s, mail.E(op, mail.Invalid, "address.malformed", s.Address.String())
	}
	var err error
	s.Profile, err = s.Profile.checked(op)
	return s, err
}

// placed refuses a contact in a domain that the actor doesn't manage, or that is not there.
func (c *Company) placed(tx store.Tx, by mail.Actor, op mail.Op, s *ContactSpec) error {
	if err := c.permit(tx, by, op, RightAccounts, Place{Domain: s.Domain}); err != nil || s.Domain.IsZero() {
		return err
	}
	return exists(tx, kindDomain, mail.ObjectID(s.Domain), mail.E(op, mail.NotFound, "domain.unknown", s.Domain.String()))
}

// AddContact puts somebody outside into the address book. Conflict "contact.exists", Full "contacts.too_many", NotFound
// "domain.unknown", Invalid "address.malformed", "name.malformed".
func (c *Company) AddContact(ctx context.Context, by mail.Actor, spec ContactSpec) (made Contact, err error) {
	const op = "directory.AddContact"
	if spec, err = spec.checked(op); err != nil {
		return made, err
	}
	err = c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		if err := c.placed(tx, by, op, &spec); err != nil {
			return err
		}
		n, err := tx.CountMarked(kindContact, allContacts)
		if err == nil && n >= MaxContacts {
			err = mail.E(op, mail.Full, "contacts.too_many", MaxContacts)
		}
		if err != nil {
			return err
		}
		made = Contact{mail.ObjectID(tx.NextID()), 1, spec}
		return putContact(tx, made.ID, spec, 0)
	})
	return made, err
}

// SetContact replaces what is said about a contact. version is the one that was read, 0 = whatever stands. NotFound
// "contact.unknown", Conflict "object.changed", and the errors of AddContact.
func (c *Company) SetContact(ctx context.Context, by mail.Actor, id mail.ObjectID, version uint64, spec ContactSpec) (set Contact, err error) {
	const op = "directory.SetContact"
	if spec, err = spec.checked(op); err != nil {
		return set, err
	}
	err = c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		old, err := readContact(tx, id)
		if err != nil {
			return err
		}
		for _, s := range []*ContactSpec{&old.ContactSpec, &spec} {
			if err := c.placed(tx, by, op, s); err != nil {
				return err
			}
		}
		set = Contact{id, old.Version + 1, spec}
		return putContact(tx, id, spec, cmp.Or(version, old.Version))
	})
	return set, err
}

// DeleteContact takes a contact out of the address book. NotFound "contact.unknown".
func (c *Company) DeleteContact(ctx context.Context, by mail.Actor, id mail.ObjectID) error {
	const op = "directory.DeleteContact"
	return c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		old, err := readContact(tx, id)
		if err == nil {
			err = c.permit(tx, by, op, RightAccounts, Place{Domain: old.Domain})
		}
		if err != nil {
			return err
		}
		return tx.DeleteObject(kindContact, id, old.Version)
	})
}

// Contact gives one contact. NotFound "contact.unknown".
func (c *Company) Contact(ctx context.Context, id mail.ObjectID) (found Contact, err error) {
	err = c.view(ctx, "directory.Contact", func(r store.Reader) error {
		found, err = readContact(r, id)
		return err
	})
	return found, err
}

// card is an entry that is no account, in a book.
type card struct {
	forms
	Card
	hidden bool
}

// newCard reads the document of a list or a contact.
func newCard(kind string, id mail.ObjectID, doc []byte) (*card, error) {
	o := store.Object{ID: id, Doc: doc}
	if kind == kindList {
		l, err := listOf(o, 0)
		c := &card{Card: Card{ID: id, Kind: CardList, Domain: l.Domain, Address: l.Address, Profile: Profile{DisplayName: l.Name}}, hidden: l.Hidden}
		if c.Profile.DisplayName == "" {
			c.Profile.DisplayName = l.Address.Local
		}
		c.forms = newForms(&c.Profile, l.Address)
		return c, err
	}
	var s ContactSpec
	err := read(o, &s)
	s.Profile.Memo = ""
	return &card{forms: newForms(&s.Profile, s.Address), Card: Card{id, CardContact, s.Domain, s.Address, s.Profile}}, err
}

// inGAL is what stands in a book and may stand in the address book.
type inGAL interface {
	card() Card
	visible() bool // users see it
	place() Place
}

func (c *card) card() Card         { return c.Card }
func (c *card) visible() bool      { return !c.hidden }
func (c *card) place() Place       { return Place{Domain: c.Domain} }
func (p *colleague) card() Card    { return p.doc.card(p.id) }
func (p *colleague) place() Place  { return p.doc.place() }
func (p *colleague) visible() bool { return p.doc.visible() }

// visible tells whether the account stands in the address book.
func (d *accountDoc) visible() bool { return !d.Hidden && d.State != AccountDeleted }

// card is the entry of an account.
func (d *accountDoc) card(id mail.AccountID) Card {
	c := Card{mail.ObjectID(id), CardAccount, d.Domain, d.Address, d.Profile}
	c.Profile.Memo = ""
	return c
}

// shownDoc is shown for a document as the operation log has it.
func shownDoc(kind string, id mail.ObjectID, doc []byte) (c Card, ok bool, err error) {
	if doc == nil {
		return c, false, nil
	}
	if kind == kindAccount {
		var d accountDoc
		if err := read(store.Object{Doc: doc}, &d); err != nil {
			return c, false, err
		}
		return d.card(mail.AccountID(id)), d.visible(), nil
	}
	one, err := newCard(kind, id, doc)
	if err != nil {
		return c, false, err
	}
	return one.Card, one.visible(), nil
}

// GALQuery asks for a part of the address book.
type GALQuery struct {
	// For is the domain whose users look: they see it, what is for all of the company, and all other domains where
	// Settings.GALWide says so. Zero: everything, for administrators.
	For    mail.DomainID
	Within []Grant // as in RosterQuery
	Text   string  // as in RosterQuery; half-width kana match full-width ones
	Cursor string
	Limit  int // 1 to MaxRosterPage; 0 = MaxRosterPage
}

// GALPage is a part of the address book, by ふりがな.
type GALPage struct {
	Cards []Card
	Total int
	Next  string
	// Token names the state the page was made from. Who has read all pages asks GALChanges with that of the first.
	Token string
}

// GAL lists the address book (ML-6). Hidden accounts and lists are not in it. Errors as Roster.
func (c *Company) GAL(ctx context.Context, q GALQuery) (page GALPage, err error) {
	const op = "directory.GAL"
	words, err := wordsOf(op, q.Text)
	if err != nil {
		return page, err
	}
	top, err := newPager[inGAL](op, q.Cursor, q.Limit, false)
	if err != nil {
		return page, err
	}
	err = c.people(ctx, func(b *book) {
		offer := func(f *forms, id int64, e inGAL) {
			if place := e.place(); e.visible() && b.sees(q.For, place.Domain) && reached(q.Within, place) && f.says(words) {
				top.offer(pageKey{Text: f.reading, Address: f.address, ID: id}, e)
			}
		}
		for _, p := range b.people {
			offer(&p.forms, int64(p.id), p)
		}
		for _, o := range b.others {
			offer(&o.forms, int64(o.ID), o)
		}
		page.Token = strconv.FormatUint(b.act, 10)
	})
	for _, e := range top.page() {
		page.Cards = append(page.Cards, e.card())
	}
	page.Total, page.Next = top.total, top.next()
	return page, mail.Wrap(op, err)
}

// EachGAL gives fn all of the address book that users of a domain see, in no order, and the token of that state, as GALChanges takes it. fn is
// quick and asks nothing of the directory.
func (c *Company) EachGAL(ctx context.Context, viewer mail.DomainID, fn func(Card)) (token string, err error) {
	err = c.people(ctx, func(b *book) {
		offer := func(e inGAL) {
			if e.visible() && b.sees(viewer, e.place().Domain) {
				fn(e.card())
			}
		}
		for _, p := range b.people {
			offer(p)
		}
		for _, o := range b.others {
			offer(o)
		}
		token = strconv.FormatUint(b.act, 10)
	})
	return token, mail.Wrap("directory.EachGAL", err)
}

// sees tells whether users of a domain see what is in another.
func (b *book) sees(viewer, domain mail.DomainID) bool {
	return viewer.IsZero() || domain.IsZero() || viewer == domain || b.settings.GALWide
}

// GALChanges is what became of the address book since a token.
type GALChanges struct {
	Changed []Card
	Gone    []mail.ObjectID // those that left the sight of who asks
	Token   string          // for the next time
	// Reset: what happened since is not known any more, or is too much. Read all again.
	Reset bool
}

// maxGALActs is how many lines of the operation log GALChanges reads. Past that, reading all again is less.
const maxGALActs = 10_000

// GALChanges tells the users of a domain what became of the address book since a token. Invalid "cursor.malformed".
func (c *Company) GALChanges(ctx context.Context, viewer mail.DomainID, token string) (ch GALChanges, err error) {
	const op = "directory.GALChanges"
	since, err := strconv.ParseUint(token, 10, 63)
	if err != nil {
		return ch, mail.E(op, mail.Invalid, "cursor.malformed")
	}
	w := galWatch{first: make(map[mail.ObjectID]bool), last: make(map[mail.ObjectID]*Card), was: make(map[mail.ObjectID]Card)}
	err = c.people(ctx, func(b *book) { w.sees = func(d mail.DomainID) bool { return b.sees(viewer, d) }; w.upto = b.act })
	if err != nil {
		return ch, mail.Wrap(op, err)
	}
	ch.Token = strconv.FormatUint(w.upto, 10)
	if since > w.upto || w.upto-since > maxGALActs {
		ch.Reset = true
		return ch, nil
	}
	err = c.view(ctx, op, func(r store.Reader) error { return w.read(r, since) })
	if err == nil {
		ch.Reset = w.reset
		ch.Changed, ch.Gone = w.found()
	}
	return ch, err
}

// galWatch gathers what lines of the operation log say about the address book.
type galWatch struct {
	sees  func(mail.DomainID) bool
	upto  uint64
	reset bool
	order []mail.ObjectID
	first map[mail.ObjectID]bool // whether it was seen before the first line
	was   map[mail.ObjectID]Card // as it was then
	last  map[mail.ObjectID]*Card
}

func (w *galWatch) read(r store.Reader, since uint64) error {
	for since < w.upto && !w.reset {
		acts, err := r.Acts(since, int(min(w.upto-since, store.MaxPage)))
		if err != nil {
			return err
		}
		if len(acts) == 0 || acts[0].Seq != since+1 {
			w.reset = true
			return nil
		}
		for i := range acts {
			if err := w.note(&acts[i]); err != nil {
				return err
			}
		}
		since = acts[len(acts)-1].Seq
	}
	return nil
}

// note takes one line in. A change of the company's settings may change what everybody sees.
func (w *galWatch) note(a *store.Act) error {
	switch a.Kind {
	case kindSettings:
		w.reset = true
		return nil
	case kindAccount, kindList, kindContact:
	default:
		return nil
	}
	before, was, err := shownDoc(a.Kind, a.ID, a.Before)
	if err != nil {
		return err
	}
	after, is, err := shownDoc(a.Kind, a.ID, a.After)
	if err != nil {
		return err
	}
	if _, known := w.first[a.ID]; !known {
		w.order = append(w.order, a.ID)
		w.first[a.ID], w.was[a.ID] = was && w.sees(before.Domain), before
	}
	w.last[a.ID] = nil
	if is && w.sees(after.Domain) {
		w.last[a.ID] = &after
	}
	return nil
}

// found tells what is other than before.
func (w *galWatch) found() (changed []Card, gone []mail.ObjectID) {
	for _, id := range w.order {
		now := w.last[id]
		switch {
		case now != nil && !(w.first[id] && w.was[id] == *now):
			changed = append(changed, *now)
		case now == nil && w.first[id]:
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	return changed, gone
}
