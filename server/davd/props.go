package davd

import (
	"context"
	"encoding/xml"
	"hash/fnv"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tegami/contacts"
	"tegami/directory"
	"tegami/wire/vcard"
)

// property is a line of the table of properties: what it is called, which resources have it, whether it comes with allprop, and its value as XML.
type property struct {
	name  xml.Name
	at    kinds
	all   bool
	value func(*request, *resource) string
}

func dav(local string) xml.Name    { return xml.Name{Space: davNS, Local: local} }
func carded(local string) xml.Name { return xml.Name{Space: cardNS, Local: local} }

// hrefs writes paths.
func hrefs(paths ...string) string {
	var b strings.Builder
	for _, p := range paths {
		b.WriteString("<D:href>" + textOf(p) + "</D:href>")
	}
	return b.String()
}

// books are the kinds that are address books.
const books = isBook | isGAL

// properties is the table.
func properties() []property {
	return []property{
		{dav("resourcetype"), existing, true, typeOf},
		{dav("displayname"), existing, true, (*request).displayName},
		{dav("current-user-principal"), existing, false, func(q *request, _ *resource) string { return hrefs(q.principalPath()) }}, // RFC 5397
		{dav("principal-collection-set"), existing, false, func(*request, *resource) string { return hrefs(href(true, "principals")) }},
		{dav("owner"), existing &^ (isRoot | isPrincipals | isHomes), false, func(q *request, _ *resource) string { return hrefs(q.principalPath()) }},
		{dav("current-user-privilege-set"), existing, false, privileges},
		{dav("supported-privilege-set"), existing, false, func(*request, *resource) string { return supportedPrivileges }},
		{dav("acl"), existing, false, acl},
		{dav("acl-restrictions"), existing, false, func(*request, *resource) string { return "<D:grant-only/><D:no-invert/>" }},
		{dav("supported-report-set"), existing, false, reportSet},
		{dav("principal-URL"), isPrincipal, false, func(q *request, _ *resource) string { return hrefs(q.principalPath()) }},
		{dav("alternate-URI-set"), isPrincipal, false, func(q *request, _ *resource) string { return hrefs("mailto:" + q.own()) }},
		{dav("group-membership"), isPrincipal, false, func(*request, *resource) string { return "" }},
		{carded("addressbook-home-set"), isPrincipal, false, func(q *request, _ *resource) string { return hrefs(q.homePath()) }},
		{carded("directory-gateway"), isPrincipal, false, func(q *request, _ *resource) string { return hrefs(q.bookPath(contacts.GALPath)) }},

		{carded("addressbook-description"), books, false, func(q *request, r *resource) string { return textOf(r.book.Description) }},
		{carded("supported-address-data"), books, false, func(*request, *resource) string { return supportedData }},
		{carded("supported-collation-set"), books, false, func(*request, *resource) string { return supportedCollations }},
		{carded("max-resource-size"), books, false, func(*request, *resource) string { return strconv.Itoa(vcard.MaxCard) }},
		{xml.Name{Space: colorNS, Local: "addressbook-color"}, isBook, false, func(_ *request, r *resource) string { return textOf(r.book.Color) }},
		{xml.Name{Space: serveNS, Local: "getctag"}, books, false, (*request).token},
		{dav("sync-token"), books, false, (*request).token},

		{dav("getetag"), isCard | isGALCard, true, func(_ *request, r *resource) string { return textOf(etagOf(r)) }},
		{dav("getcontenttype"), isCard | isGALCard, true, func(*request, *resource) string { return cardType }},
		{dav("creationdate"), isCard, true, func(_ *request, r *resource) string { return r.card.ID.Time().UTC().Format("2006-01-02T15:04:05Z") }},
	}
}

// cardType is the type of cards.
const cardType = "text/vcard; charset=utf-8"

const (
	supportedData = `<C:address-data-type content-type="text/vcard" version="3.0"/><C:address-data-type content-type="text/vcard" version="4.0"/>`
	// supportedCollations are RFC 6352 §8.3's; ours compares as all of Tegami does, kana of any width alike.
	supportedCollations = `<C:supported-collation>i;ascii-casemap</C:supported-collation><C:supported-collation>i;octet</C:supported-collation><C:supported-collation>i;unicode-casemap</C:supported-collation>`
	supportedPrivileges = `<D:supported-privilege><D:privilege><D:all/></D:privilege><D:abstract/>` +
		`<D:supported-privilege><D:privilege><D:read/></D:privilege></D:supported-privilege>` +
		`<D:supported-privilege><D:privilege><D:write/></D:privilege></D:supported-privilege></D:supported-privilege>`
)

// has finds a property that a resource has; nil for none. Books have a colour and a description only where they were given one.
func (s *Server) has(r *resource, name xml.Name) *property {
	i := slices.IndexFunc(s.properties, func(p property) bool { return p.name == name && p.at&r.kind != 0 })
	if i < 0 || name.Local == "addressbook-color" && r.book.Color == "" || name.Local == "addressbook-description" && r.book.Description == "" {
		return nil
	}
	return &s.properties[i]
}

func typeOf(_ *request, r *resource) string {
	switch {
	case r.kind == isPrincipal:
		return "<D:collection/><D:principal/>"
	case r.kind&books != 0:
		return "<D:collection/><C:addressbook/>"
	case r.collection():
		return "<D:collection/>"
	}
	return ""
}

func (q *request) displayName(r *resource) string {
	switch r.kind {
	case isPrincipal, isHome:
		return textOf(q.identity.Account().Name)
	case isBook:
		return textOf(r.book.Name)
	case isGAL:
		return textOf(q.server.config.Words.Text(q.lang, "dav.gal"))
	case isGALCard:
		return textOf(r.entry.Profile.Name())
	case isCard:
		return textOf(r.card.Path)
	}
	return "Tegami"
}

// privileges are what the caller may do (RFC 3744 §5.5). What lies above the books is there, and nobody puts anything into it but books.
func privileges(_ *request, r *resource) string {
	list := []string{"read", "read-current-user-privilege-set"}
	switch r.kind {
	case isBook:
		list = append(list, "write", "write-content", "write-properties", "bind", "unbind")
	case isCard:
		list = append(list, "write", "write-content")
	case isHome:
		list = append(list, "bind", "unbind")
	}
	var b strings.Builder
	for _, p := range list {
		b.WriteString("<D:privilege><D:" + p + "/></D:privilege>")
	}
	return b.String()
}

// acl is who may do what (RFC 3744 §5.6): the owner, and nobody else.
func acl(q *request, r *resource) string {
	grant := "<D:privilege><D:read/></D:privilege>"
	if r.kind&(isBook|isCard|isHome) != 0 {
		grant += "<D:privilege><D:write/></D:privilege>"
	}
	return "<D:ace><D:principal>" + hrefs(q.principalPath()) + "</D:principal><D:grant>" + grant + "</D:grant><D:protected/></D:ace>"
}

// reportSet are the reports a resource answers.
func reportSet(q *request, r *resource) string {
	var b strings.Builder
	for _, t := range q.server.reports {
		if t.at&r.kind != 0 {
			var w writer
			w.element(t.name, "")
			b.WriteString("<D:supported-report><D:report>" + w.String() + "</D:report></D:supported-report>")
		}
	}
	return b.String()
}

// tokenBase begins the names of states of address books.
const tokenBase = "urn:tegami:sync:"

// token names the state of an address book (RFC 6578 §4). That of the own books is the number of the last change of a card in any of them.
func (q *request) token(r *resource) string {
	if r.kind == isGAL {
		return tokenBase + "gal:" + r.state
	}
	return tokenBase + r.book.ID.String() + ":" + r.state
}

// etagOf is the ETag of a card.
func etagOf(r *resource) string {
	if r.kind == isCard {
		return r.card.ETag()
	}
	return galETag(&r.entry)
}

// galETag names the state of an entry of the GAL, which has no number.
func galETag(c *directory.Card) string {
	h, p := fnv.New64a(), &c.Profile
	for _, s := range []string{
		string(c.Kind), c.Address.String(), p.LastName, p.FirstName, p.LastKana, p.FirstKana, p.DisplayName, p.Company, p.Department, p.Title, p.Phone, p.Extension, p.Mobile,
	} {
		io.WriteString(h, s+"\x00") // a hash takes all
	}
	return `"g` + strconv.FormatUint(h.Sum64(), 36) + `"`
}

// wanted are the properties a request asks for.
type wanted struct {
	names          []xml.Name
	namesOnly, all bool
	data           *element // address-data; nil: not asked for
	minimal        bool     // Prefer: return=minimal (RFC 8144): what is not there is not spoken of
}

// readWanted reads what a PROPFIND or a REPORT asks for. Nothing is allprop (RFC 4918 §9.1).
func (q *request) readWanted(e *element) *wanted {
	w := &wanted{minimal: strings.Contains(strings.ReplaceAll(q.Header.Get("Prefer"), " ", ""), "return=minimal")}
	prop := e.child(davNS, "prop")
	w.namesOnly = e.child(davNS, "propname") != nil
	w.all = prop == nil && !w.namesOnly
	for _, list := range []*element{prop, e.child(davNS, "include")} {
		if list == nil {
			continue
		}
		for _, c := range list.children {
			if c.Name == carded("address-data") {
				w.data = c
				continue
			}
			if !slices.Contains(w.names, c.Name) {
				w.names = append(w.names, c.Name)
			}
		}
	}
	if w.all {
		for _, p := range q.server.properties {
			if p.all {
				w.names = append(w.names, p.name)
			}
		}
	}
	return w
}

// found writes the response for a resource. data is its card, "" for none.
func (q *request) found(out *writer, r *resource, w *wanted, data string) {
	var there, missing writer
	if w.namesOnly {
		for _, p := range q.server.properties {
			if q.server.has(r, p.name) != nil {
				there.element(p.name, "")
			}
		}
	}
	for _, name := range w.names {
		p := q.server.has(r, name)
		switch {
		case p != nil:
			there.element(name, p.value(q, r))
		case !w.all && !w.minimal:
			missing.element(name, "")
		}
	}
	if data != "" {
		there.element(carded("address-data"), textOf(data))
	}
	out.WriteString("<D:response>" + hrefs(r.path))
	if there.Len() > 0 || missing.Len() == 0 {
		out.propstat(there.String(), http.StatusOK)
	}
	if missing.Len() > 0 {
		out.propstat(missing.String(), http.StatusNotFound)
	}
	out.WriteString("</D:response>\n")
}

func (w *writer) propstat(inner string, code int) {
	w.WriteString("<D:propstat><D:prop>" + inner + "</D:prop>" + statusLine(code) + "</D:propstat>")
}

func statusLine(code int) string {
	return "<D:status>HTTP/1.1 " + strconv.Itoa(code) + " " + http.StatusText(code) + "</D:status>"
}

// gone writes that something is not there, or no longer.
func (w *writer) gone(path string, code int) {
	w.WriteString("<D:response>" + hrefs(path) + statusLine(code) + "</D:response>\n")
}

// withState puts the state of the own books into those among the resources.
func (q *request) withState(ctx context.Context, list []*resource) error {
	state := ""
	for _, r := range list {
		if r.kind != isBook {
			continue
		}
		if state == "" {
			n, err := q.account.State(ctx)
			if err != nil {
				return err
			}
			state = strconv.FormatUint(uint64(n), 10)
		}
		r.state = state
	}
	return nil
}
