package webd

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tegami/wire/jmap"
)

// perPage is how many people stand on a page.
const perPage = 50

// suggestion is somebody a letter may go to.
type suggestion struct {
	Name       string   `json:"name"`
	Kana       string   `json:"kana"`
	Department string   `json:"department"`
	Company    string   `json:"company"`
	Email      string   `json:"email"`
	Members    []person `json:"members"` // of a group
}

// Carried is one as a field of the form carries him: an address, or those of a group.
func (s suggestion) Carried() string {
	if s.Email != "" {
		return person{s.Name, s.Email}.String()
	}
	var list []string
	for _, m := range s.Members {
		list = append(list, m.String())
	}
	return strings.Join(list, ", ")
}

// peoplePage is what the search for recipients shows.
type peoplePage struct {
	Text  string
	List  []suggestion
	Draft url.Values // where to go on
}

// people searches for recipients of a draft over all books and the company's address book.
func (v *visit) people() {
	q := v.r.URL.Query()
	p := peoplePage{Text: q.Get("q")[:min(len(q.Get("q")), maxQuery)], Draft: draftOf(q)}
	if p.Text != "" {
		var got struct {
			List []suggestion `json:"list"`
		}
		if err := v.talk(ask{"Recipient/complete", args{"text": p.Text, "limit": perPage}, &got}); err != nil {
			v.fail(err)
			return
		}
		p.List = got.List
	}
	v.show("people", v.T("standard.people"), p)
}

// draftOf are the parts of an address that lead to a draft.
func draftOf(q url.Values) url.Values {
	out := url.Values{}
	for _, name := range []string{"kind", "id", "source", "mark"} {
		if q.Get(name) != "" {
			out.Set(name, q.Get(name))
		}
	}
	return out
}

// Go is the address of the draft.
func (p peoplePage) Go() template.URL { return template.URL(p.Draft.Encode()) }

// pick puts those who were chosen among the recipients of a draft.
func (v *visit) pick() {
	q := v.r.URL.Query()
	l := &letter{}
	if err := v.identities(l); err != nil {
		v.fail(err)
		return
	}
	e, ok := v.open(q.Get("id"))
	if !ok {
		return
	}
	v.beginWith(l, e, "draft")
	add := func(to *string, names []string) {
		for _, name := range names {
			*to = strings.TrimPrefix(*to+", "+name, ", ")
		}
	}
	add(&l.To, v.r.PostForm["to"])
	add(&l.Cc, v.r.PostForm["cc"])
	add(&l.Bcc, v.r.PostForm["bcc"])
	l.readPeople()
	l.Source, l.Mark = jmap.Id(q.Get("source")), markOf(q.Get("mark"))
	if err := v.save(l); err != nil {
		v.fail(err)
		return
	}
	v.leave(writePath, l.again())
}

// book is an address book.
type book struct {
	ID     jmap.Id `json:"id"`
	Name   string  `json:"name"`
	Role   string  `json:"tegami:role"`
	Rights struct {
		Delete bool `json:"mayDelete"`
	} `json:"myRights"`
}

// card is somebody in a book, with what the pages show of him. What they don't show stays as it was.
type card struct {
	ID    jmap.Id          `json:"id"`
	Books map[jmap.Id]bool `json:"addressBookIds"`
	Kind  string           `json:"kind"`
	Name  struct {
		Full       string          `json:"full"`
		Components []nameComponent `json:"components"`
	} `json:"name"`
	Emails map[string]struct {
		Address string `json:"address"`
	} `json:"emails"`
	Phones map[string]struct {
		Number string `json:"number"`
	} `json:"phones"`
	Organizations map[string]struct {
		Name  string `json:"name"`
		Units []struct {
			Name string `json:"name"`
		} `json:"units"`
	} `json:"organizations"`
	Notes map[string]struct {
		Note string `json:"note"`
	} `json:"notes"`
}

type nameComponent struct {
	Kind     string `json:"kind"`
	Value    string `json:"value"`
	Phonetic string `json:"phonetic,omitempty"`
}

func (c card) component(kind string) nameComponent {
	for _, n := range c.Name.Components {
		if n.Kind == kind {
			return n
		}
	}
	return nameComponent{}
}

// Surname and the others are parts of a card as its form has them.
func (c card) Surname() string { return c.component("surname").Value }

// Given is the given name.
func (c card) Given() string { return c.component("given").Value }

// SurnameKana is how the surname is read.
func (c card) SurnameKana() string { return c.component("surname").Phonetic }

// GivenKana is how the given name is read.
func (c card) GivenKana() string { return c.component("given").Phonetic }

// keys are the ids of a property's objects, in order.
func keys[T any](of map[string]T) []string {
	list := make([]string, 0, len(of))
	for key := range of {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

// Line is one of several addresses or numbers, with its id in the card.
type line struct{ Key, Value string }

// Mails are the addresses, with two lines for more.
func (c card) Mails() (list []line) {
	for _, key := range keys(c.Emails) {
		list = append(list, line{key, c.Emails[key].Address})
	}
	return freeLines(list, "mail")
}

// Numbers are the telephones, with two lines for more.
func (c card) Numbers() (list []line) {
	for _, key := range keys(c.Phones) {
		list = append(list, line{key, c.Phones[key].Number})
	}
	return freeLines(list, "phone")
}

// freeLines adds two empty lines under ids that nothing has.
func freeLines(list []line, name string) []line {
	have := map[string]bool{}
	for _, l := range list {
		have[l.Key] = true
	}
	for n, added := 1, 0; added < 2; n++ {
		if key := name + strconv.Itoa(n); !have[key] {
			list = append(list, line{Key: key})
			added++
		}
	}
	return list
}

// Company is the first company's name.
func (c card) Company() string {
	for _, key := range keys(c.Organizations) {
		return c.Organizations[key].Name
	}
	return ""
}

// Department is 所属.
func (c card) Department() string {
	for _, key := range keys(c.Organizations) {
		for _, u := range c.Organizations[key].Units {
			return u.Name
		}
	}
	return ""
}

// Memo is the first note.
func (c card) Memo() string {
	for _, key := range keys(c.Notes) {
		return c.Notes[key].Note
	}
	return ""
}

// Mail is the first address.
func (c card) Mail() string {
	for _, key := range keys(c.Emails) {
		return c.Emails[key].Address
	}
	return ""
}

// Called is what somebody is called.
func (c card) Called() string {
	if c.Name.Full != "" {
		return c.Name.Full
	}
	parts := []string{c.Surname(), c.Given()}
	if isLatin(c.Surname() + c.Given()) {
		slices.Reverse(parts)
	}
	if name := strings.TrimSpace(strings.Join(parts, " ")); name != "" {
		return name
	}
	return orText(c.Company(), c.Mail())
}

func isLatin(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c >= 0x2E80 })
}

// Write is somebody as a recipient.
func (c card) Write() string { return person{c.Called(), c.Mail()}.String() }

// contactsPage is what the page of the address books shows.
type contactsPage struct {
	Books             []book
	Book              *book
	Text              string
	Cards             []card
	Page, Last, Total int
}

// Query is the page's address with another page.
func (p contactsPage) Query(page int) template.URL {
	q := url.Values{"page": {strconv.Itoa(page)}}
	if p.Book != nil {
		q.Set("book", string(p.Book.ID))
	}
	if p.Text != "" {
		q.Set("q", p.Text)
	}
	return template.URL(q.Encode())
}

// Previous and Next are pages.
func (p contactsPage) Previous() int { return p.Page - 1 }

// Next is the next page.
func (p contactsPage) Next() int { return p.Page + 1 }

// contacts shows an address book, or what a search found in all of them.
func (v *visit) contacts() {
	q := v.r.URL.Query()
	p := contactsPage{Text: q.Get("q")[:min(len(q.Get("q")), maxQuery)], Page: v.At.Page}
	if err := v.books(&p, jmap.Id(q.Get("book"))); err != nil {
		v.fail(err)
		return
	}
	filter := args{}
	if p.Text != "" {
		filter["text"] = p.Text
		p.Book = nil
	} else if p.Book != nil {
		filter["inAddressBook"] = p.Book.ID
	}
	var ids found
	var cards listOf[card]
	err := v.talk(
		ask{"ContactCard/query", args{"filter": filter, "position": (p.Page - 1) * perPage, "limit": perPage, "calculateTotal": true}, &ids},
		ask{"ContactCard/get", args{"#ids": refer(0, "ContactCard/query", "/ids")}, &cards},
	)
	if err != nil {
		v.fail(err)
		return
	}
	p.Cards, p.Total, p.Last = cards.List, ids.Total, max(1, (ids.Total+perPage-1)/perPage)
	v.said()
	v.show("contacts", v.T("webmail.contacts.title"), p)
}

// books reads the address books, and which one is meant; the first where none is.
func (v *visit) books(p *contactsPage, id jmap.Id) error {
	var got listOf[book]
	err := v.talk(ask{"AddressBook/get", args{"ids": nil}, &got})
	p.Books = got.List
	for i := range p.Books {
		if p.Books[i].ID == id || id == "" && i == 0 {
			p.Book = &p.Books[i]
		}
	}
	return err
}

// changeBooks makes, renames or removes an address book.
func (v *visit) changeBooks() {
	id, name := v.r.PostFormValue("id"), strings.TrimSpace(v.r.PostFormValue("name"))
	var err error
	var made jmap.Id
	switch v.r.PostFormValue("do") {
	case "create":
		made, err = v.set("AddressBook/set", args{"create": args{"new": args{"name": name}}})
		id = string(made)
	case "rename":
		_, err = v.set("AddressBook/set", args{"update": args{id: args{"name": name}}})
	case "remove":
		if v.r.PostFormValue("sure") == "" {
			v.ask(question{Title: v.T("standard.book_remove"), Text: v.T("standard.book_loses", name), Path: "/standard/contacts", Fields: []line{{"do", "remove"}, {"id", id}}, Back: "/standard/contacts?book=" + url.QueryEscape(id)})
			return
		}
		_, err = v.set("AddressBook/set", args{"destroy": []string{id}, "onDestroyRemoveContents": true})
		id = ""
	}
	if err != nil {
		v.fail(err)
		return
	}
	q := url.Values{"done": {"kept"}}
	if id != "" {
		q.Set("book", id)
	}
	v.leave("/standard/contacts", q)
}

// question is asked before something is lost.
type question struct {
	Title, Text, Path, Back string
	Fields                  []line
}

func (v *visit) ask(q question) { v.show("ask", q.Title, q) }

// cardPage is what the form of a card shows.
type cardPage struct {
	card
	Book  jmap.Id
	Books []book
}

// card shows the form of a card, an empty one for a new one. An address can be given along, as from a mail.
func (v *visit) card() {
	q := v.r.URL.Query()
	var books contactsPage
	if err := v.books(&books, jmap.Id(q.Get("book"))); err != nil {
		v.fail(err)
		return
	}
	p := cardPage{Books: books.Books}
	if books.Book != nil {
		p.Book = books.Book.ID
	}
	if id := q.Get("id"); id != "" {
		var got listOf[card]
		if err := v.talk(ask{"ContactCard/get", args{"ids": []string{id}}, &got}); err != nil {
			v.fail(err)
			return
		}
		one, ok := got.first()
		if !ok {
			v.gone()
			return
		}
		p.card = one
		for in := range one.Books {
			p.Book = in
		}
	} else if address := q.Get("email"); address != "" {
		p.Emails = map[string]struct {
			Address string `json:"address"`
		}{"mail1": {address}}
		p.Name.Components = []nameComponent{{Kind: "surname", Value: q.Get("name")}}
	}
	v.show("card", v.T("standard.card"), p)
}

// changeCard writes or removes a card. Of one that is there only what the form shows is changed.
func (v *visit) changeCard() {
	id := v.r.PostFormValue("id")
	to := url.Values{"book": {v.r.PostFormValue("book")}, "done": {"kept"}}
	var err error
	switch {
	case v.r.PostFormValue("do") == "remove":
		_, err = v.set("ContactCard/set", args{"destroy": []string{id}})
		to.Set("done", "discarded")
	case id == "":
		_, err = v.set("ContactCard/set", args{"create": args{"new": v.newCard()}})
	default:
		var got listOf[card]
		if err = v.talk(ask{"ContactCard/get", args{"ids": []string{id}}, &got}); err == nil {
			if have, ok := got.first(); ok {
				_, err = v.set("ContactCard/set", args{"update": args{id: v.cardPatch(have)}})
			}
		}
	}
	if err != nil {
		v.fail(err)
		return
	}
	v.leave("/standard/contacts", to)
}

// typed is a field of the form without blanks around it.
func (v *visit) typed(name string) string {
	return strings.TrimSpace(cleanText(v.r.PostFormValue(name)))
}

// typedName is the name as the form has it.
func (v *visit) typedName() args {
	var list []args
	for _, kind := range []string{"surname", "given"} {
		value, kana := v.typed(kind), v.typed(kind+"kana")
		if value == "" && kana == "" {
			continue
		}
		c := args{"@type": "NameComponent", "kind": kind, "value": orText(value, kana)}
		if kana != "" {
			c["phonetic"] = kana
		}
		list = append(list, c)
	}
	n := args{"@type": "Name", "components": list, "isOrdered": false}
	if len(list) == 0 {
		n = args{"@type": "Name", "full": orText(v.typed("company"), v.firstTyped("mail."))}
	}
	return n
}

// firstTyped is the first field that begins so and has something in it.
func (v *visit) firstTyped(begin string) string {
	for _, name := range keys(v.r.PostForm) {
		if strings.HasPrefix(name, begin) && v.typed(name) != "" {
			return v.typed(name)
		}
	}
	return ""
}

// newCard is a card as the form has it.
func (v *visit) newCard() args {
	c := args{"addressBookIds": args{v.r.PostFormValue("book"): true}, "@type": "Card", "version": "1.0", "kind": "individual", "name": v.typedName()}
	emails, phones := args{}, args{}
	for name := range v.r.PostForm {
		if key, ok := strings.CutPrefix(name, "mail."); ok && v.typed(name) != "" {
			emails[key] = args{"@type": "EmailAddress", "address": v.typed(name)}
		}
		if key, ok := strings.CutPrefix(name, "phone."); ok && v.typed(name) != "" {
			phones[key] = args{"@type": "Phone", "number": v.typed(name)}
		}
	}
	if len(emails) > 0 {
		c["emails"] = emails
	}
	if len(phones) > 0 {
		c["phones"] = phones
	}
	if o := v.typedCompany(); o != nil {
		c["organizations"] = args{"o1": o}
	}
	if memo := v.typed("memo"); memo != "" {
		c["notes"] = args{"memo": args{"@type": "Note", "note": memo}}
	}
	return c
}

// typedCompany is the company and department of the form; nil for none.
func (v *visit) typedCompany() any {
	o := args{"@type": "Organization"}
	if name := v.typed("company"); name != "" {
		o["name"] = name
	}
	if unit := v.typed("department"); unit != "" {
		o["units"] = []args{{"@type": "OrgUnit", "name": unit}}
	}
	if len(o) == 1 {
		return nil
	}
	return o
}

// cardPatch is what the form changes of a card.
func (v *visit) cardPatch(have card) args {
	p := args{"addressBookIds": args{v.r.PostFormValue("book"): true}}
	if v.typed("surname") != have.Surname() || v.typed("given") != have.Given() || v.typed("surnamekana") != have.SurnameKana() || v.typed("givenkana") != have.GivenKana() {
		p["name"] = v.typedName()
	}
	if v.typed("company") != have.Company() || v.typed("department") != have.Department() {
		p["organizations"] = nil
		if o := v.typedCompany(); o != nil {
			p["organizations"] = args{"o1": o}
		}
	}
	if memo := v.typed("memo"); memo != have.Memo() {
		p["notes"] = nil
		if memo != "" {
			p["notes"] = args{"memo": args{"@type": "Note", "note": memo}}
		}
	}
	emails, phones := map[string]string{}, map[string]string{}
	for key, e := range have.Emails {
		emails[key] = e.Address
	}
	for key, n := range have.Phones {
		phones[key] = n.Number
	}
	v.patchLines(p, lines{"mail.", "emails", "EmailAddress", "address"}, emails)
	v.patchLines(p, lines{"phone.", "phones", "Phone", "number"}, phones)
	return p
}

// lines are fields of a form that are values of one property of a card: how their names begin, and what JSContact calls it.
type lines struct{ begin, property, kind, member string }

// patchLines says which of several addresses or numbers changed, came or went.
func (v *visit) patchLines(p args, l lines, have map[string]string) {
	all, property, member := args{}, l.property, l.member
	for name := range v.r.PostForm {
		key, ok := strings.CutPrefix(name, l.begin)
		was, there := have[key]
		switch text := v.typed(name); {
		case !ok || strings.Contains(key, "/"), text == was:
		case !there && text != "":
			all[key] = args{"@type": l.kind, member: text}
		case text == "":
			p[property+"/"+key] = nil
		default:
			p[property+"/"+key+"/"+member] = text
		}
	}
	for key, one := range all {
		if len(have) == 0 { // the property is not there yet
			p[property] = all
			return
		}
		p[property+"/"+key] = one
	}
}

// entry is somebody in the company's address book.
type entry struct {
	ID         jmap.Id `json:"id"`
	Name       string  `json:"name"`
	Kana       string  `json:"kana"`
	Email      string  `json:"email"`
	Department string  `json:"department"`
	Title      string  `json:"title"`
	Phone      string  `json:"phone"`
	Extension  string  `json:"extension"`
}

// Write is somebody as a recipient.
func (e entry) Write() string { return person{e.Name, e.Email}.String() }

// directoryPage is what the page of the company's address book shows.
type directoryPage struct {
	Text              string
	List              []entry
	Page, Last, Total int
}

// Query is the page's address with another page.
func (p directoryPage) Query(page int) template.URL {
	return template.URL(url.Values{"page": {strconv.Itoa(page)}, "q": {p.Text}}.Encode())
}

// Previous is the page before.
func (p directoryPage) Previous() int { return p.Page - 1 }

// Next is the next page.
func (p directoryPage) Next() int { return p.Page + 1 }

// directory shows the company's address book.
func (v *visit) directory() {
	p := directoryPage{Text: v.At.Text, Page: v.At.Page}
	filter := args{}
	if p.Text != "" {
		filter["text"] = p.Text
	}
	var ids found
	var got listOf[entry]
	err := v.talk(
		ask{"DirectoryEntry/query", args{"filter": filter, "position": (p.Page - 1) * perPage, "limit": perPage, "calculateTotal": true}, &ids},
		ask{"DirectoryEntry/get", args{"#ids": refer(0, "DirectoryEntry/query", "/ids")}, &got},
	)
	if err != nil {
		v.fail(err)
		return
	}
	p.List, p.Total, p.Last = got.List, ids.Total, max(1, (ids.Total+perPage-1)/perPage)
	v.show("directory", v.T("standard.directory"), p)
}
