package contacts

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/vcard"
)

// Limits of what stands in memory of companies' address books.
const (
	// maxPainted is how many entries all galleries of a process hold together before those used longest ago go.
	maxPainted = 300_000
)

type galleryKey struct {
	tenant mail.TenantID
	viewer mail.DomainID
}

// gallery is the address book that the users of one domain see.
type gallery struct {
	mu     sync.RWMutex
	loaded bool
	epoch  uint64
	token  string
	cards  map[mail.ObjectID]*entry
	order  []*entry // by reading; nil where it has to be made
	lookup lookup
}

// entry is an entry of the address book.
type entry struct {
	directory.Card
	reading string
	text    string
	found   []*candidate
}

func newEntry(c directory.Card) *entry {
	p := &c.Profile
	name, kana := p.Name(), p.Kana()
	e := &entry{Card: c, reading: directory.Folded(cmp.Or(kana, name, c.Address.String()))}
	texts := []string{name, p.LastName, p.FirstName, p.LastName + p.FirstName, kana, strings.ReplaceAll(kana, " ", ""), p.Department}
	e.text = directory.Folded(strings.Join(append(texts, p.Title, p.Company, p.Phone, p.Extension, p.Mobile, c.Address.String()), "\n"))
	s := Suggestion{Source: FromGAL, ID: c.ID, Name: name, Kana: kana, Department: p.Department, Company: p.Company, Address: c.Address.String()}
	if c.Kind == directory.CardList {
		s.Source = FromList
	}
	// The domain tells colleagues not apart.
	words := append(wordsOf(texts...), addressWords(s.Address, c.Kind == directory.CardContact)...)
	e.found = []*candidate{{Suggestion: s, key: c.Address.Key(), reading: e.reading, words: words}}
	return e
}

func (g *gallery) size() int {
	if !g.mu.TryRLock() {
		return 0
	}
	defer g.mu.RUnlock()
	return len(g.cards)
}

// gallery gives the address book that the account's domain sees, as it is now.
func (a *Account) gallery(ctx context.Context) (*gallery, error) {
	g := a.service.gals.open(galleryKey{a.account.Tenant, a.account.Domain})
	epoch := a.tenant.Epoch() // before reading: what changes meanwhile is read the next time
	g.mu.RLock()
	fresh := g.loaded && g.epoch == epoch
	g.mu.RUnlock()
	if fresh {
		return g, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.loaded && g.epoch == epoch {
		return g, nil
	}
	if err := g.follow(ctx, a.company(), a.account.Domain); err != nil {
		return nil, err
	}
	g.epoch, g.loaded = epoch, true
	if g.lookup.due() {
		g.lookup.sort()
	}
	return g, nil
}

// follow reads what became of the address book, all of it where that is less.
func (g *gallery) follow(ctx context.Context, c *directory.Company, viewer mail.DomainID) error {
	if g.loaded {
		ch, err := c.GALChanges(ctx, viewer, g.token)
		if err != nil {
			return err
		}
		if !ch.Reset {
			for _, card := range ch.Changed {
				g.put(card.ID, newEntry(card))
			}
			for _, id := range ch.Gone {
				g.put(id, nil)
			}
			g.token = ch.Token
			return nil
		}
	}
	g.loaded, g.cards, g.order, g.lookup = false, map[mail.ObjectID]*entry{}, nil, lookup{}
	token, err := c.EachGAL(ctx, viewer, func(card directory.Card) { g.put(card.ID, newEntry(card)) })
	g.token = token
	return err
}

func (g *gallery) put(id mail.ObjectID, e *entry) {
	g.order = nil
	if was := g.cards[id]; was != nil {
		g.lookup.remove(was.found)
		delete(g.cards, id)
	}
	if e != nil {
		g.cards[id] = e
		g.lookup.add(e.found)
	}
}

// sorted gives all entries by reading, and the state of that. They are not changed.
func (g *gallery) sorted() ([]*entry, string) {
	g.mu.RLock()
	order, token := g.order, g.token
	g.mu.RUnlock()
	if order != nil {
		return order, token
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.order == nil {
		g.order = make([]*entry, 0, len(g.cards))
		for _, e := range g.cards {
			g.order = append(g.order, e)
		}
		slices.SortFunc(g.order, func(a, b *entry) int {
			return cmp.Or(strings.Compare(a.reading, b.reading), strings.Compare(a.Address.Key(), b.Address.Key()), cmp.Compare(a.ID, b.ID))
		})
	}
	return g.order, g.token
}

// GALFilter asks for a part of the company's address book. The zero value asks for all.
type GALFilter struct {
	Text       string // each word stands somewhere; kana of any width
	Department string
	Kind       directory.CardKind
}

// GAL lists the company's address book as the account's domain sees it (ML-6), by ふりがな, and names its state: who has it asks GALChanges. Hidden
// accounts are not in it.
func (a *Account) GAL(ctx context.Context, f GALFilter) (list []directory.Card, state string, err error) {
	g, err := a.gallery(ctx)
	if err != nil {
		return nil, "", mail.Wrap("contacts.GAL", err)
	}
	words := strings.Fields(directory.Folded(cut(f.Text, MaxTyped)))
	department := directory.Folded(f.Department)
	all, state := g.sorted()
	for _, e := range all {
		if f.Kind != "" && e.Kind != f.Kind || department != "" && directory.Folded(e.Profile.Department) != department || !saysAll(e.text, words) {
			continue
		}
		list = append(list, e.Card)
	}
	return list, state, nil
}

// saysAll tells whether all words are in a text.
func saysAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// GALCards gives entries of the address book by their ids; those that are not there, or not seen, are left out.
func (a *Account) GALCards(ctx context.Context, ids []mail.ObjectID) (list []directory.Card, state string, err error) {
	g, err := a.gallery(ctx)
	if err != nil {
		return nil, "", mail.Wrap("contacts.GALCards", err)
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, id := range ids {
		if e := g.cards[id]; e != nil {
			list = append(list, e.Card)
		}
	}
	return list, g.token, nil
}

// GALChanges tells what became of the address book since a state. Invalid "cursor.malformed".
func (a *Account) GALChanges(ctx context.Context, state string) (directory.GALChanges, error) {
	return a.company().GALChanges(ctx, a.account.Domain, state)
}

// GALCard is an entry of the address book as a card, with its id as uid.
func (a *Account) GALCard(c *directory.Card) vcard.Card {
	p := &c.Profile
	js := vcard.Card{"@type": "Card", "version": "1.0", "uid": c.ID.String(), "name": galName(p, c.Address), "emails": one("address", c.Address.String())}
	if c.Kind == directory.CardList {
		js["kind"] = vcard.KindOrg
	}
	org := map[string]any{}
	if p.Company != "" {
		org["name"] = p.Company
	}
	if p.Department != "" {
		org["units"] = []any{map[string]any{"name": p.Department}}
	}
	if len(org) > 0 {
		js["organizations"] = map[string]any{"1": org}
	}
	if p.Title != "" {
		js["titles"] = one("name", p.Title)
	}
	phones := map[string]any{}
	if p.Phone != "" {
		phones["work"] = map[string]any{"number": p.Phone, "contexts": map[string]any{"work": true}}
	}
	if p.Extension != "" {
		phones["extension"] = map[string]any{"number": p.Extension, "label": a.service.cfg.Words.Text(a.lang(), "contacts.extension")}
	}
	if p.Mobile != "" {
		phones["mobile"] = map[string]any{"number": p.Mobile, "features": map[string]any{"mobile": true}}
	}
	if len(phones) > 0 {
		js["phones"] = phones
	}
	return js
}

func one(member, value string) map[string]any {
	return map[string]any{"1": map[string]any{member: value}}
}

func galName(p *directory.Profile, address mail.Address) map[string]any {
	name := map[string]any{"full": cmp.Or(p.Name(), address.String())}
	var components []any
	for _, part := range []struct{ kind, value, kana string }{{"surname", p.LastName, p.LastKana}, {"given", p.FirstName, p.FirstKana}} {
		if part.value == "" {
			continue
		}
		o := map[string]any{"kind": part.kind, "value": part.value}
		if part.kana != "" {
			o["phonetic"] = part.kana
			name["phoneticScript"] = vcard.ScriptOf(p.Kana())
		}
		components = append(components, o)
	}
	if components != nil {
		name["components"] = components
	}
	return name
}

// GALText is an entry of the address book as vCard, in a version; "" = 3.0.
func (a *Account) GALText(c *directory.Card, version string) string {
	return vcard.ToVCard(a.GALCard(c), cmp.Or(version, vcard.V3)).String()
}
