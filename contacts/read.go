package contacts

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// Card gives a card. NotFound "contacts.card.unknown".
func (a *Account) Card(ctx context.Context, id mail.ObjectID) (c Card, err error) {
	err = a.view(ctx, "contacts.Card", func(r store.Reader) error {
		c, err = a.card(r, id)
		return err
	})
	return c, err
}

// Cards calls fn with the cards that have these ids, in their order; those that are not there are left out. It reads a portion at a time, so that what
// fn takes is bounded by what it keeps.
func (a *Account) Cards(ctx context.Context, ids []mail.ObjectID, fn func(*Card) error) error {
	const op = "contacts.Cards"
	for part := range slices.Chunk(ids, cardsAtOnce) {
		var list []Card
		err := a.view(ctx, op, func(r store.Reader) error {
			list = list[:0]
			for _, id := range part {
				c, err := a.card(r, id)
				if mail.Is(err, mail.NotFound) {
					continue
				}
				if err != nil {
					return err
				}
				list = append(list, c)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range list {
			if err := fn(&list[i]); err != nil {
				return mail.Wrap(op, err)
			}
		}
	}
	return nil
}

// CardAt gives the card of a book with a path. NotFound "contacts.card.unknown".
func (a *Account) CardAt(ctx context.Context, book mail.ObjectID, path string) (c Card, err error) {
	const op = "contacts.CardAt"
	err = a.view(ctx, op, func(r store.Reader) error {
		c, err = a.cardAt(r, book, path)
		return err
	})
	return c, err
}

func (a *Account) cardAt(r store.Reader, book mail.ObjectID, path string) (Card, error) {
	e, err := r.EntryByKey(a.account.ID, kindCard, entryKey(book, path))
	if mail.Is(err, mail.NotFound) {
		return Card{}, mail.E("contacts.cardAt", mail.NotFound, "contacts.card.unknown")
	}
	if err != nil {
		return Card{}, err
	}
	return cardOf(&e)
}

// Item is a card in a list: what names it and its state.
type Item struct {
	ID     mail.ObjectID
	Path   string
	ModSeq mail.ModSeq
	UID    string
}

// ETag names this state of the card.
func (i *Item) ETag() string { return (&Card{ModSeq: i.ModSeq}).ETag() }

// List lists the cards of a book, by path, and gives the token of that state for SyncBook.
func (a *Account) List(ctx context.Context, book mail.ObjectID) (list []Item, token mail.ModSeq, err error) {
	err = a.with(ctx, "contacts.List", func(s *shelf) {
		token = s.upto
		for _, r := range s.rows {
			if r.book == book {
				list = append(list, Item{r.id, r.path, r.modseq, r.uid})
			}
		}
	})
	slices.SortFunc(list, func(a, b Item) int { return strings.Compare(a.Path, b.Path) })
	return list, token, err
}

// MaxChanges is how many changes are told at once.
const MaxChanges = 1000

// Change is what became of a card since a state.
type Change struct {
	ID     mail.ObjectID
	Book   mail.ObjectID
	Path   string
	ModSeq mail.ModSeq
	Born   mail.ModSeq
	Gone   bool // removed, or no longer in this book
}

// Changes is what became of cards or books.
type Changes struct {
	List  []Change
	State mail.ModSeq // up to where this is all
	More  bool        // there are changes behind State
}

// CardChanges tells what became of cards since a state, at most limit of them (0: MaxChanges). Conflict "contacts.changes_forgotten" where that is
// not known any more.
func (a *Account) CardChanges(ctx context.Context, since mail.ModSeq, limit int) (Changes, error) {
	return a.changes(ctx, "contacts.CardChanges", since, limit, kindCard)
}

// BookChanges tells what became of books; as CardChanges.
func (a *Account) BookChanges(ctx context.Context, since mail.ModSeq, limit int) (Changes, error) {
	return a.changes(ctx, "contacts.BookChanges", since, limit, kindBook)
}

// SyncBook tells what became of the cards of one book; as CardChanges. A card that went to another book is Gone.
func (a *Account) SyncBook(ctx context.Context, book mail.ObjectID, since mail.ModSeq, limit int) (Changes, error) {
	all, err := a.changes(ctx, "contacts.SyncBook", since, limit, kindCard, kindLeft)
	if err != nil {
		return all, err
	}
	all.List = slices.DeleteFunc(all.List, func(c Change) bool { return c.Book != book })
	last := map[string]int{} // of one path what happened last counts
	for i, c := range all.List {
		last[c.Path] = i
	}
	kept := all.List[:0]
	for i, c := range all.List {
		if last[c.Path] == i {
			kept = append(kept, c)
		}
	}
	all.List = kept
	return all, nil
}

// changes merges what became of entries of some kinds, in the order in which it happened.
func (a *Account) changes(ctx context.Context, op mail.Op, since mail.ModSeq, limit int, kinds ...string) (out Changes, err error) {
	if limit <= 0 || limit > MaxChanges {
		limit = MaxChanges
	}
	err = a.view(ctx, op, func(r store.Reader) error {
		out = Changes{}
		box, err := r.Box(a.account.ID)
		if err == nil && since > box.ModSeq {
			err = mail.E(op, mail.Conflict, "contacts.changes_forgotten")
		}
		if err != nil {
			return err
		}
		for _, kind := range kinds {
			list, err := a.changesOf(r, op, since, limit+1, kind)
			if err != nil {
				return err
			}
			out.List = append(out.List, list...)
		}
		slices.SortFunc(out.List, func(a, b Change) int { return cmp.Compare(a.ModSeq, b.ModSeq) })
		if len(out.List) > limit {
			out.List, out.More, out.State = out.List[:limit], true, out.List[limit-1].ModSeq
			return nil
		}
		out.State, err = a.stateOf(r, kinds[0])
		return err
	})
	return out, err
}

// changesOf gives at most limit changes of one kind. Since the beginning, what was removed was never there.
func (a *Account) changesOf(r store.Reader, op mail.Op, since mail.ModSeq, limit int, kind string) (out []Change, err error) {
	floor, err := r.EntriesFloor(a.account.ID, kind)
	if err == nil && since < floor && since != 0 {
		err = mail.E(op, mail.Conflict, "contacts.changes_forgotten")
	}
	if err != nil {
		return nil, err
	}
	for seen := since; ; {
		list, err := r.EntriesSince(a.account.ID, kind, seen, cardsAtOnce)
		if err != nil {
			return nil, err
		}
		for i := range list {
			e := &list[i]
			if seen = e.ModSeq; e.Gone && (since == 0 || e.Born > since && kind == kindCard) {
				continue // came and went
			}
			if out = append(out, Change{e.ID, e.Group, cutKey(e.Key), e.ModSeq, e.Born, e.Gone}); len(out) == limit {
				return out, nil
			}
		}
		if len(list) < cardsAtOnce {
			return out, nil
		}
	}
}

// stateOf is the ModSeq of the last change of an entry of a kind, by the shelf.
func (a *Account) stateOf(r store.Reader, kind string) (mail.ModSeq, error) {
	if err := a.follow(r); err != nil {
		return 0, err
	}
	a.shelf.mu.RLock()
	defer a.shelf.mu.RUnlock()
	if kind == kindBook {
		return a.shelf.books, nil
	}
	return a.shelf.upto, nil
}

// State is the ModSeq of the last change of a card. It is the ctag of the books, too.
func (a *Account) State(ctx context.Context) (state mail.ModSeq, err error) {
	err = a.view(ctx, "contacts.State", func(r store.Reader) error {
		state, err = a.stateOf(r, kindCard)
		return err
	})
	return state, err
}

// BooksState is the ModSeq of the last change of a book.
func (a *Account) BooksState(ctx context.Context) (state mail.ModSeq, err error) {
	err = a.view(ctx, "contacts.BooksState", func(r store.Reader) error {
		state, err = a.stateOf(r, kindBook)
		return err
	})
	return state, err
}
