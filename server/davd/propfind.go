package davd

import (
	"context"
	"net/http"
	"strings"

	"tegami/contacts"
	"tegami/directory"
)

// flushAt is from how many octets on a part of a long answer is sent.
const flushAt = 64 << 10

// multistatus begins an answer about several resources (RFC 4918 §13); each is called for what belongs to it, and what it wrote is sent as it
// grows. Once something was sent an error can't be told any more: the answer ends without its end.
func (q *request) multistatus(fill func(*stream) error) error {
	s := &stream{q: q}
	s.begin("multistatus")
	if err := fill(s); err != nil {
		if !s.sent {
			return err
		}
		q.server.log.Warn("answer cut", "request", q.id, "err", err)
		return nil
	}
	s.WriteString("</D:multistatus>\n")
	s.send()
	return nil
}

// stream is an answer on its way.
type stream struct {
	writer
	q    *request
	sent bool
}

// more sends what there is, where it is much.
func (s *stream) more() {
	if s.Len() >= flushAt {
		s.send()
	}
}

func (s *stream) send() {
	if !s.sent {
		s.sent = true
		s.q.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		s.q.w.WriteHeader(http.StatusMultiStatus)
	}
	s.q.w.Write(s.Bytes()) // who hangs up needs no answer
	s.Reset()
}

// propfind tells properties (RFC 4918 §9.1). All depths at once is refused.
func (q *request) propfind(ctx context.Context) error {
	e, err := q.readXML()
	if err != nil {
		return err
	}
	if e == nil {
		e = &element{Name: dav("propfind")}
	}
	if e.Name != dav("propfind") {
		return status(http.StatusBadRequest)
	}
	depth := q.Header.Get("Depth")
	if depth != "0" && depth != "1" && q.at.collection() {
		return precondition(http.StatusForbidden, davNS, "propfind-finite-depth")
	}
	w := q.readWanted(e)
	list := []*resource{q.at}
	if depth == "1" {
		below, err := q.children(ctx)
		if err != nil {
			return err
		}
		list = append(list, below...)
	}
	if err := q.withState(ctx, list); err != nil {
		return err
	}
	return q.multistatus(func(s *stream) error {
		for _, r := range list {
			q.found(&s.writer, r, w, "")
			s.more()
		}
		return nil
	})
}

// children are what lies directly below the resource.
func (q *request) children(ctx context.Context) (list []*resource, err error) {
	switch q.at.kind {
	case isRoot:
		return []*resource{{kind: isPrincipals, path: href(true, "principals")}, {kind: isHomes, path: href(true, "books")}}, nil
	case isPrincipals:
		return []*resource{{kind: isPrincipal, path: q.principalPath()}}, nil
	case isHomes:
		return []*resource{{kind: isHome, path: q.homePath()}}, nil
	case isHome:
		return q.shelves(ctx)
	case isBook:
		return q.cards(ctx)
	case isGAL:
		return q.entries(ctx)
	}
	return nil, nil
}

// shelves are all address books: the own ones, and the company's.
func (q *request) shelves(ctx context.Context) (list []*resource, err error) {
	own, err := q.account.Books(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range own {
		list = append(list, &resource{kind: isBook, path: q.bookPath(b.Path), book: b})
	}
	_, state, err := q.account.GALCards(ctx, nil)
	return append(list, &resource{kind: isGAL, path: q.bookPath(contacts.GALPath), state: state}), err
}

// cards are those of the book.
func (q *request) cards(ctx context.Context) ([]*resource, error) {
	items, _, err := q.account.List(ctx, q.at.book.ID)
	list := make([]*resource, len(items))
	for i, c := range items {
		list[i] = q.cardResource(c)
	}
	return list, err
}

func (q *request) cardResource(c contacts.Item) *resource {
	return &resource{kind: isCard, path: q.cardPath(q.at.book.Path, c.Path), book: q.at.book, card: c}
}

// entries are those of the company's address book.
func (q *request) entries(ctx context.Context) ([]*resource, error) {
	all, state, err := q.account.GAL(ctx, contacts.GALFilter{})
	list := make([]*resource, len(all))
	for i := range all {
		list[i] = q.galCard(&all[i], state)
	}
	return list, err
}

// propNames are the properties of a book that a client sets, with what takes their text.
var propNames = map[string]func(*contacts.BookSpec, string){
	davNS + " displayname":              func(s *contacts.BookSpec, text string) { s.Name = text },
	cardNS + " addressbook-description": func(s *contacts.BookSpec, text string) { s.Description = text },
	colorNS + " addressbook-color":      func(s *contacts.BookSpec, text string) { s.Color = text },
}

// change is one property that a request sets or removes.
type change struct {
	element
	set func(*contacts.BookSpec, string) // nil: it can't be
}

// readChanges reads what a PROPPATCH or an extended MKCOL sets.
func readChanges(e *element) (list []change) {
	for _, step := range e.children {
		prop := step.child(davNS, "prop")
		if step.Space != davNS || step.Local != "set" && step.Local != "remove" || prop == nil {
			continue
		}
		for _, p := range prop.children {
			one := change{element: *p, set: propNames[p.Space+" "+p.Local]}
			if one.text = strings.TrimSpace(p.text); step.Local == "remove" {
				one.text = ""
			}
			list = append(list, one)
		}
	}
	return list
}

// proppatch sets properties (RFC 4918 §9.2), all of them or none: the name of a book, its description, its colour.
func (q *request) proppatch(ctx context.Context) error {
	e, err := q.readXML()
	if err != nil {
		return err
	}
	if e == nil || e.Name != dav("propertyupdate") {
		return status(http.StatusBadRequest)
	}
	list := readChanges(e)
	wrong := map[int]int{} // statuses by index
	for i, c := range list {
		if c.set == nil || q.at.kind != isBook {
			wrong[i] = http.StatusForbidden
		}
	}
	if len(wrong) == 0 {
		if err := q.change(ctx, list); err != nil {
			code := q.refusalOf(err).status
			for i := range list {
				wrong[i] = code
			}
		}
	}
	return q.multistatus(func(s *stream) error {
		s.WriteString("<D:response>" + hrefs(q.at.path))
		for i, c := range list {
			code := http.StatusOK
			if len(wrong) > 0 {
				if code = wrong[i]; code == 0 {
					code = http.StatusFailedDependency
				}
			}
			var w writer
			w.element(c.Name, "")
			s.propstat(w.String(), code)
		}
		s.WriteString("</D:response>\n")
		return nil
	})
}

func (q *request) change(ctx context.Context, list []change) error {
	_, err := q.account.ChangeBook(ctx, q.at.book.ID, func(s *contacts.BookSpec) error {
		for _, c := range list {
			c.set(s, shortColor(c.Name.Space, c.text))
		}
		return nil
	})
	return err
}

// shortColor takes the opacity off a colour that some clients write as #rrggbbff.
func shortColor(space, text string) string {
	if space == colorNS && len(text) == len("#rrggbbff") && strings.EqualFold(text[7:], "ff") {
		return text[:7]
	}
	return text
}

// mkcol makes an address book (RFC 5689, RFC 6352 §6.3.1). Other collections can't be made; without a word of what it shall be it is one.
func (q *request) mkcol(ctx context.Context) error {
	e, err := q.readXML()
	if err != nil {
		return err
	}
	spec := contacts.BookSpec{Name: q.at.name}
	if e != nil {
		if e.Name != dav("mkcol") {
			return status(http.StatusUnsupportedMediaType)
		}
		for _, c := range readChanges(e) {
			switch {
			case c.Name == dav("resourcetype"):
				if c.child(cardNS, "addressbook") == nil {
					return precondition(http.StatusForbidden, davNS, "valid-resourcetype")
				}
			case c.set == nil:
				return q.notMade(&c)
			default:
				c.set(&spec, shortColor(c.Name.Space, c.text))
			}
		}
	}
	if spec.Name == "" {
		spec.Name = q.at.name
	}
	if _, err := q.account.AddBook(ctx, q.at.name, spec); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusCreated)
	return nil
}

// notMade answers that a book was not made because of a property (RFC 5689 §3).
func (q *request) notMade(c *change) error {
	var w, inner writer
	w.begin("mkcol-response")
	inner.element(c.Name, "")
	w.propstat(inner.String(), http.StatusForbidden)
	w.WriteString("</D:mkcol-response>\n")
	q.xml(http.StatusForbidden, &w)
	return nil
}

// galText is an entry of the company's address book as vCard.
func (q *request) galText(c *directory.Card, version string) string {
	return q.account.GALText(c, version)
}
