package quarantine

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/mime"
)

// PageSize is how many messages a page has where nobody said; MaxPageSize how many at most.
const (
	PageSize    = 20
	MaxPageSize = 500
)

// Sort is by what a list is sorted.
type Sort string

// What a list can be sorted by; received is the default.
const (
	ByReceived Sort = "received"
	BySender   Sort = "sender"
	BySubject  Sort = "subject"
	ByPercent  Sort = "percent"
	BySize     Sort = "size"
)

// Query asks for messages in quarantine. All conditions must hold; zero fields ask for nothing.
type Query struct {
	Text  string // words that subject, sender or recipient contain, in any case and width; all of them
	From  string // an address, or a domain with everything below it
	Since time.Time
	Until time.Time // before it
	Sort  Sort
	// Ascending: the least first. Otherwise the newest, the largest, the likeliest first.
	Ascending bool
	Offset    int           // how many to leave out
	Behind    mail.ObjectID // begin behind this message, which may be gone by now where the list is by received; before Offset
	Limit     int           // 1 to MaxPageSize; 0 = PageSize
}

// Page is a part of a list.
type Page struct {
	Entries []Entry
	Total   int // messages that fulfil the query, on all pages
	Offset  int // how many are before the first
	More    bool
	State   mail.ModSeq // of the account, at which this was so
}

// plain tells whether the order of the store is that of the query, and nothing is to be looked for.
func (q *Query) plain() bool {
	return q.Text == "" && q.From == "" && q.Since.IsZero() && q.Until.IsZero() && !q.Ascending && q.Offset == 0 && q.Sort == ByReceived && q.Behind == 0
}

// List lists messages, the newest first unless the query says otherwise. Invalid "query.sort" for an order there is not. An administrator's
// look at a list of somebody else's is noted.
func (b *Box) List(ctx context.Context, q Query) (p Page, err error) {
	const op = "quarantine.List"
	q.Sort = cmp.Or(q.Sort, ByReceived)
	if q.Limit <= 0 {
		q.Limit = PageSize
	}
	q.Limit, q.Offset = min(q.Limit, MaxPageSize), max(q.Offset, 0)
	if orders[q.Sort] == nil {
		return p, mail.E(op, mail.Invalid, "quarantine.sort", string(q.Sort))
	}
	if err := b.noteView(ctx, op, 0); err != nil {
		return p, err
	}
	err = b.view(ctx, op, func(r store.Reader) error {
		p = Page{}
		box, err := r.Box(b.account.ID)
		if err != nil {
			return err
		}
		p.State = box.ModSeq
		if q.plain() {
			return b.newest(r, &q, &p)
		}
		return b.search(r, &q, &p)
	})
	return p, err
}

// newest fills the first page of all messages.
func (b *Box) newest(r store.Reader, q *Query, p *Page) (err error) {
	if p.Total, err = r.CountEntries(b.account.ID, Kind); err != nil {
		return err
	}
	list, err := r.EntriesBack(b.account.ID, Kind, 0, q.Limit)
	if err != nil {
		return err
	}
	p.Entries, err = decodeAll(nil, list)
	p.More = len(list) < p.Total
	return err
}

// search fills a page with what fulfils the query, in its order.
func (b *Box) search(r store.Reader, q *Query, p *Page) error {
	all, err := everything(r, b.account.ID)
	if err != nil {
		return err
	}
	wanted := q.matcher()
	all = slices.DeleteFunc(all, func(e Entry) bool { return !wanted(&e) })
	q.sort(all)
	p.Total = len(all)
	p.Offset = min(q.behind(all)+q.Offset, len(all))
	p.Entries = all[p.Offset:min(p.Offset+q.Limit, len(all))]
	p.More = p.Offset+len(p.Entries) < p.Total
	return nil
}

// Newest lists an account's messages with an id below before (zero: all), the newest first, at most limit: for the digest.
func Newest(r store.Reader, a mail.AccountID, before mail.ObjectID, limit int) ([]Entry, error) {
	list, err := r.EntriesBack(a, Kind, before, limit)
	if err != nil {
		return nil, mail.Wrap("quarantine.Newest", err)
	}
	return decodeAll(nil, list)
}

// everything reads all messages of an account, the oldest first. There are about MaxEntries at most.
func everything(r store.Reader, a mail.AccountID) (all []Entry, err error) {
	for page := (store.Page{}); ; {
		list, err := r.Entries(a, Kind, 0, page)
		if err != nil {
			return nil, err
		}
		if all, err = decodeAll(all, list); err != nil {
			return nil, err
		}
		if len(list) < store.MaxPage {
			return all, nil
		}
		page.After = list[len(list)-1].ID
	}
}

func decodeAll(to []Entry, list []store.Entry) ([]Entry, error) {
	for i := range list {
		e, err := decode(&list[i])
		if err != nil {
			return nil, err
		}
		to = append(to, e)
	}
	return to, nil
}

// matcher gives a function that tells whether a message fulfils the query.
func (q *Query) matcher() func(*Entry) bool {
	words := strings.Fields(q.Text)
	for i := range words {
		words[i] = mime.Searchable(words[i])
	}
	from := strings.ToLower(strings.TrimPrefix(q.From, "@"))
	return func(e *Entry) bool {
		if !q.Since.IsZero() && e.Received.Before(q.Since) || !q.Until.IsZero() && !e.Received.Before(q.Until) {
			return false
		}
		if from != "" && !isFrom(e.From, from) && !isFrom(e.HeaderFrom, from) {
			return false
		}
		if len(words) == 0 {
			return true
		}
		text := mime.Searchable(strings.Join([]string{e.Subject, e.Author, e.HeaderFrom.String(), e.From.String(), e.Recipient.String()}, "\n"))
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
	}
}

// isFrom tells whether an address is the one asked for, or in the domain asked for.
func isFrom(a mail.Address, from string) bool {
	if a.IsNull() {
		return false
	}
	if strings.Contains(from, "@") {
		return strings.EqualFold(a.String(), from)
	}
	domain := strings.ToLower(a.Domain)
	return domain == from || strings.HasSuffix(domain, "."+from)
}

// orders compare messages, the least first.
var orders = map[Sort]func(a, b *Entry) int{
	ByReceived: func(a, b *Entry) int { return 0 },
	BySender: func(a, b *Entry) int {
		return strings.Compare(strings.ToLower(a.Sender().String()), strings.ToLower(b.Sender().String()))
	},
	BySubject: func(a, b *Entry) int { return strings.Compare(mime.Searchable(a.Subject), mime.Searchable(b.Subject)) },
	ByPercent: func(a, b *Entry) int { return cmp.Compare(a.Percent, b.Percent) },
	BySize:    func(a, b *Entry) int { return cmp.Compare(a.Blob.Size, b.Blob.Size) },
}

// sort puts messages in the query's order. Of those that are alike in it, the newest is first: ids grow with time.
func (q *Query) sort(all []Entry) {
	order := orders[q.Sort]
	slices.SortFunc(all, func(a, b Entry) int {
		c := order(&a, &b)
		if !q.Ascending {
			c = -c
		}
		if c != 0 || q.Sort != ByReceived || !q.Ascending {
			return cmp.Or(c, cmp.Compare(b.ID, a.ID))
		}
		return cmp.Compare(a.ID, b.ID)
	})
}

// behind is where the list begins behind the message that the query names: at its start where that is not there, but by received.
func (q *Query) behind(all []Entry) int {
	if q.Behind == 0 {
		return 0
	}
	if q.Sort == ByReceived {
		n := slices.IndexFunc(all, func(e Entry) bool { return q.Ascending == (e.ID > q.Behind) && e.ID != q.Behind })
		if n < 0 {
			return len(all)
		}
		return n
	}
	return slices.IndexFunc(all, func(e Entry) bool { return e.ID == q.Behind }) + 1
}
