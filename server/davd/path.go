package davd

import (
	"context"
	"net/url"
	"strings"

	"tegami/contacts"
	"tegami/directory"
	"tegami/mail"
)

// resource is what a path names.
type resource struct {
	kind  kinds
	path  string // canonical: collections end in "/"
	book  contacts.Book
	name  string // the last part, of a card or of what is not there yet
	card  contacts.Item
	full  *contacts.Card // the card itself, where it was read already
	entry directory.Card // of the GAL
	state string         // of a book or the GAL
}

// collection tells whether others lie below it.
func (r *resource) collection() bool { return r.kind&collections != 0 }

// segments takes a path apart: it must lie below root, and no part may be empty but the last.
func segments(path string) ([]string, bool) {
	rest, ok := strings.CutPrefix(path, root)
	if !ok {
		return nil, false
	}
	rest = strings.TrimSuffix(rest, "/")
	if rest == "" {
		return nil, true
	}
	parts := strings.Split(rest, "/")
	for _, p := range parts {
		if p == "" || p == "." || p == ".." {
			return nil, false
		}
	}
	return parts, true
}

// href writes a path of parts.
func href(collection bool, parts ...string) string {
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(root, "/"))
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	if collection {
		b.WriteByte('/')
	}
	return b.String()
}

// own is the caller's address, as it stands in paths.
func (q *request) own() string { return q.identity.Account().Address.Key() }

// isOwn tells whether a part of a path names the caller.
func (q *request) isOwn(part string) bool {
	a, err := mail.ParseAddress(part)
	return err == nil && a.Key() == q.own()
}

// Paths of what belongs to the caller.
func (q *request) principalPath() string { return href(true, "principals", q.own()) }
func (q *request) homePath() string      { return href(true, "books", q.own()) }
func (q *request) bookPath(book string) string {
	return href(true, "books", q.own(), book)
}
func (q *request) cardPath(book, card string) string {
	return href(false, "books", q.own(), book, card)
}

// resolve finds what a path names. 404 for nothing, and for what is not the caller's.
func (q *request) resolve(ctx context.Context, path string) (*resource, error) {
	parts, ok := segments(path)
	missing := status(404)
	switch {
	case !ok || len(parts) > 4:
		return nil, missing
	case len(parts) == 0:
		return &resource{kind: isRoot, path: root}, nil
	case parts[0] == "principals" && len(parts) == 1:
		return &resource{kind: isPrincipals, path: href(true, parts...)}, nil
	case parts[0] == "books" && len(parts) == 1:
		return &resource{kind: isHomes, path: href(true, parts...)}, nil
	case parts[0] != "principals" && parts[0] != "books" || !q.isOwn(parts[1]):
		return nil, missing
	case parts[0] == "principals" && len(parts) == 2:
		return &resource{kind: isPrincipal, path: q.principalPath()}, nil
	case parts[0] == "principals":
		return nil, missing
	case len(parts) == 2:
		return &resource{kind: isHome, path: q.homePath()}, nil
	case parts[2] == contacts.GALPath:
		return q.resolveGAL(ctx, parts[3:])
	}
	return q.resolveBook(ctx, parts[2], parts[3:])
}

// resolveBook finds a book, or a card in it.
func (q *request) resolveBook(ctx context.Context, name string, rest []string) (*resource, error) {
	book, err := q.account.BookByPath(ctx, name)
	if mail.Is(err, mail.NotFound) && len(rest) == 0 {
		return &resource{kind: isNewBook, path: q.bookPath(name), name: name}, nil
	}
	if err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		return &resource{kind: isBook, path: q.bookPath(name), book: book}, nil
	}
	return q.resolveCard(ctx, book, rest[0])
}

// resolveCard finds a card of a book.
func (q *request) resolveCard(ctx context.Context, book contacts.Book, name string) (*resource, error) {
	r := &resource{kind: isNewCard, path: q.cardPath(book.Path, name), book: book, name: name}
	c, err := q.account.CardAt(ctx, book.ID, name)
	if mail.Is(err, mail.NotFound) {
		return r, nil
	}
	r.kind, r.card, r.full = isCard, contacts.Item{ID: c.ID, Path: c.Path, ModSeq: c.ModSeq}, &c
	return r, err
}

// cardSuffix ends the names of cards of the GAL.
const cardSuffix = ".vcf"

// resolveGAL finds the company's address book, or an entry of it.
func (q *request) resolveGAL(ctx context.Context, rest []string) (*resource, error) {
	if len(rest) == 0 {
		_, state, err := q.account.GALCards(ctx, nil)
		return &resource{kind: isGAL, path: q.bookPath(contacts.GALPath), state: state}, err
	}
	var id mail.ObjectID
	name, ok := strings.CutSuffix(rest[0], cardSuffix)
	if !ok || id.UnmarshalText([]byte(name)) != nil || id.IsZero() {
		return &resource{kind: isGAL, path: q.cardPath(contacts.GALPath, rest[0])}, q.unlessReading()
	}
	list, state, err := q.account.GALCards(ctx, []mail.ObjectID{id})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return &resource{kind: isGAL}, q.unlessReading()
	}
	return q.galCard(&list[0], state), nil
}

// unlessReading refuses to read what is not there; a write is refused because the GAL is only read.
func (q *request) unlessReading() error {
	switch q.Method {
	case "PUT", "DELETE", "MKCOL", "MOVE", "PROPPATCH":
		return nil
	}
	return status(404)
}

func (q *request) galCard(c *directory.Card, state string) *resource {
	return &resource{kind: isGALCard, path: q.cardPath(contacts.GALPath, c.ID.String()+cardSuffix), entry: *c, state: state}
}

// pathOf is the path that a href in a request names, which may be an URL of this server.
func (q *request) pathOf(text string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host != "" && !strings.EqualFold(u.Host, q.Host) {
		return "", false
	}
	return u.Path, strings.HasPrefix(u.Path, "/")
}
