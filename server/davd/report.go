package davd

import (
	"context"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"tegami/contacts"
	"tegami/mail"
	"tegami/wire/vcard"
)

// report is a line of the table of reports.
type report struct {
	name xml.Name
	at   kinds
	do   func(*request, context.Context, *element) error
}

// reports lists those there are.
func reports() []report {
	return []report{
		{carded("addressbook-multiget"), books, (*request).multiget},
		{carded("addressbook-query"), books, (*request).query},
		{dav("sync-collection"), books, (*request).sync},
		{dav("principal-search-property-set"), existing, (*request).searchProperties},
		{dav("principal-property-search"), existing, (*request).searchPrincipals},
	}
}

// report answers a REPORT (RFC 3253 §3.6).
func (q *request) report(ctx context.Context) error {
	e, err := q.readXML()
	if err != nil {
		return err
	}
	if e == nil {
		return status(http.StatusBadRequest)
	}
	for _, r := range q.server.reports {
		if r.name == e.Name && r.at&q.at.kind != 0 {
			return r.do(q, ctx, e)
		}
	}
	return precondition(http.StatusForbidden, davNS, "supported-report")
}

// dataVersion is the version of vCard that address-data asks for: 3.0 where it names none (RFC 6352 §10.4). false for one there isn't.
func dataVersion(e *element) (string, bool) {
	kind, version := e.attribute("content-type"), e.attribute("version")
	if version == "" {
		version = vcard.V3
	}
	return version, (kind == "" || kind == "text/vcard") && (version == vcard.V3 || version == vcard.V4)
}

// data is the card of a resource as a report wants it: all of it, or the properties that are named.
func (q *request) data(ctx context.Context, r *resource, e *element) (string, error) {
	if e == nil {
		return "", nil
	}
	version, ok := dataVersion(e)
	if !ok {
		return "", precondition(http.StatusForbidden, cardNS, "supported-address-data-conversion")
	}
	b, err := q.text(ctx, r, version)
	if err != nil {
		return "", err
	}
	return pruned(b, e)
}

// pruned leaves of a card the properties that are named, where some are.
func pruned(b []byte, e *element) (string, error) {
	names := map[string]bool{}
	for _, p := range e.children {
		if p.Name == carded("prop") {
			names[strings.ToUpper(p.attribute("name"))] = true
		}
	}
	if len(names) == 0 || e.child(cardNS, "allprop") != nil {
		return string(b), nil
	}
	v, err := vcard.Parse(b)
	if err != nil {
		return "", err
	}
	out := &vcard.VCard{Version: v.Version}
	for _, p := range v.Properties {
		if names[p.Name] {
			out.Add(p)
		}
	}
	return out.String(), nil
}

// multiget gives the cards that are named (RFC 6352 §8.7).
func (q *request) multiget(ctx context.Context, e *element) error {
	w := q.readWanted(e)
	return q.multistatus(func(s *stream) error {
		for _, c := range e.children {
			if c.Name != dav("href") {
				continue
			}
			if err := q.one(ctx, s, strings.TrimSpace(c.text), w); err != nil {
				return err
			}
			s.more()
		}
		return nil
	})
}

// one answers for one card of a multiget.
func (q *request) one(ctx context.Context, s *stream, ref string, w *wanted) error {
	path, ok := q.pathOf(ref)
	var r *resource
	err := status(http.StatusNotFound)
	name, below := strings.CutPrefix(path, href(false, "books", q.own(), q.at.book.Path)+"/")
	switch {
	case ok && below && q.at.kind == isBook && name != "" && !strings.Contains(name, "/"): // what nearly all are
		r, err = q.resolveCard(ctx, q.at.book, name)
	case ok:
		r, err = q.resolve(ctx, path)
	}
	if err != nil && q.refusalOf(err).status != http.StatusNotFound {
		return err
	}
	if err != nil || r.kind&(isCard|isGALCard) == 0 || !strings.HasPrefix(r.path, q.at.path) {
		s.gone(ref, http.StatusNotFound)
		return nil
	}
	data, err := q.data(ctx, r, w.data)
	if mail.Is(err, mail.NotFound) { // it went meanwhile
		s.gone(ref, http.StatusNotFound)
		return nil
	}
	if err != nil {
		return err
	}
	q.found(&s.writer, r, w, data)
	return nil
}

// limitOf reads DAV:limit or CARDDAV:limit with nresults; 0 for none.
func limitOf(e *element, space string) (int, error) {
	n := e.child(space, "limit").child(space, "nresults")
	if n == nil {
		return 0, nil
	}
	most, err := strconv.Atoi(strings.TrimSpace(n.text))
	if err != nil || most < 1 {
		return 0, status(http.StatusBadRequest)
	}
	return most, nil
}

// query gives the cards that a filter fits (RFC 6352 §8.6).
func (q *request) query(ctx context.Context, e *element) error {
	w := q.readWanted(e)
	most, err := limitOf(e, cardNS)
	if err != nil {
		return err
	}
	f, err := readFilter(e.child(cardNS, "filter"))
	if err != nil {
		return err
	}
	list, err := q.children(ctx)
	if err != nil {
		return err
	}
	return q.multistatus(func(s *stream) error {
		n := 0
		for _, r := range list {
			fits, err := q.fits(ctx, r, f)
			if mail.Is(err, mail.NotFound) || err == nil && !fits {
				continue
			}
			if err != nil {
				return err
			}
			if n++; most > 0 && n > most {
				s.gone507(q.at.path)
				return nil
			}
			data, err := q.data(ctx, r, w.data)
			if err != nil {
				return err
			}
			q.found(&s.writer, r, w, data)
			s.more()
		}
		return nil
	})
}

// gone507 says that there are more than were asked for (RFC 6352 §8.6.1, RFC 6578 §3.6).
func (w *writer) gone507(path string) {
	w.WriteString("<D:response>" + hrefs(path) + statusLine(http.StatusInsufficientStorage) + "<D:error><D:number-of-matches-within-limits/></D:error></D:response>\n")
}

// fits holds a card against a filter.
func (q *request) fits(ctx context.Context, r *resource, f *filter) (bool, error) {
	if f == nil || len(f.props) == 0 {
		return true, nil
	}
	b, err := q.text(ctx, r, "")
	if err != nil {
		return false, err
	}
	v, err := vcard.Parse(b)
	if err != nil {
		return false, err
	}
	return f.holds(v), nil
}

// sync tells what became of an address book since a state (RFC 6578 §3).
func (q *request) sync(ctx context.Context, e *element) error {
	if depth := q.Header.Get("Depth"); depth != "" && depth != "0" {
		return status(http.StatusBadRequest)
	}
	if level := e.child(davNS, "sync-level"); level != nil && strings.TrimSpace(level.text) != "1" {
		return precondition(http.StatusForbidden, davNS, "sync-traversal-supported")
	}
	most, err := limitOf(e, davNS)
	if err != nil {
		return err
	}
	since := ""
	if t := e.child(davNS, "sync-token"); t != nil {
		since = strings.TrimSpace(t.text)
	}
	w := q.readWanted(e)
	if q.at.kind == isGAL {
		return q.syncGAL(ctx, since, w, most)
	}
	state, ok := mail.ModSeq(0), true
	if since != "" {
		state, ok = q.stateOf(since)
	}
	if !ok {
		return precondition(http.StatusForbidden, davNS, "valid-sync-token")
	}
	changes, err := q.since(ctx, state, most)
	if err != nil {
		return err
	}
	return q.multistatus(func(s *stream) error {
		for _, c := range changes.List {
			r := q.cardResource(contacts.Item{ID: c.ID, Path: c.Path, ModSeq: c.ModSeq})
			if c.Gone {
				s.gone(r.path, http.StatusNotFound)
				continue
			}
			data, err := q.data(ctx, r, w.data)
			if mail.Is(err, mail.NotFound) {
				continue // it went meanwhile, and the next sync tells
			}
			if err != nil {
				return err
			}
			q.found(&s.writer, r, w, data)
			s.more()
		}
		if changes.More {
			s.gone507(q.at.path)
		}
		q.at.state = strconv.FormatUint(uint64(changes.State), 10)
		s.element(dav("sync-token"), q.token(q.at))
		return nil
	})
}

// stateOf reads a token of the book.
func (q *request) stateOf(token string) (mail.ModSeq, bool) {
	text, ok := strings.CutPrefix(token, tokenBase+q.at.book.ID.String()+":")
	n, err := strconv.ParseUint(text, 10, 63)
	return mail.ModSeq(n), ok && err == nil
}

// since gathers what became of the book: all, or most changes where the client takes no more.
func (q *request) since(ctx context.Context, state mail.ModSeq, most int) (all contacts.Changes, err error) {
	for {
		part, err := q.account.SyncBook(ctx, q.at.book.ID, state, most)
		if err != nil {
			return all, err
		}
		all.List, all.State, all.More = append(all.List, part.List...), part.State, part.More
		if !part.More || most > 0 && len(all.List) > 0 {
			all.List = lastOf(all.List)
			return all, nil
		}
		state = part.State
	}
}

// lastOf leaves of each path what happened last.
func lastOf(list []contacts.Change) []contacts.Change {
	last := map[string]int{}
	for i, c := range list {
		last[c.Path] = i
	}
	kept := list[:0]
	for i, c := range list {
		if last[c.Path] == i {
			kept = append(kept, c)
		}
	}
	return kept
}

// syncGAL is sync for the company's address book.
func (q *request) syncGAL(ctx context.Context, since string, w *wanted, most int) error {
	var list []*resource
	var gone []mail.ObjectID
	if since == "" {
		all, err := q.entries(ctx)
		if err != nil {
			return err
		}
		list = all
	} else {
		token, ok := strings.CutPrefix(since, tokenBase+"gal:")
		changes, err := q.account.GALChanges(ctx, token)
		if !ok || mail.Is(err, mail.Invalid) || err == nil && changes.Reset {
			return precondition(http.StatusForbidden, davNS, "valid-sync-token")
		}
		if err != nil {
			return err
		}
		for i := range changes.Changed {
			list = append(list, q.galCard(&changes.Changed[i], changes.Token))
		}
		gone, q.at.state = changes.Gone, changes.Token
	}
	if most > 0 && len(list)+len(gone) > most { // a part can't be told: there is no state between
		return precondition(http.StatusInsufficientStorage, davNS, "number-of-matches-within-limits")
	}
	return q.multistatus(func(s *stream) error {
		for _, r := range list {
			data, err := q.data(ctx, r, w.data)
			if err != nil {
				return err
			}
			q.found(&s.writer, r, w, data)
			s.more()
		}
		for _, id := range gone {
			s.gone(q.cardPath(contacts.GALPath, id.String()+cardSuffix), http.StatusNotFound)
		}
		s.element(dav("sync-token"), q.token(q.at))
		return nil
	})
}

// searchProperties names the properties by which principals are found (RFC 3744 §9.5): none, for nobody finds others here.
func (q *request) searchProperties(context.Context, *element) error {
	var w writer
	w.begin("principal-search-property-set")
	w.WriteString("</D:principal-search-property-set>\n")
	q.xml(http.StatusOK, &w)
	return nil
}

// searchPrincipals finds principals (RFC 3744 §9.4): nobody finds others here.
func (q *request) searchPrincipals(context.Context, *element) error {
	return q.multistatus(func(*stream) error { return nil })
}
