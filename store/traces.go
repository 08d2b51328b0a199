package store

import (
	"context"
	"time"

	"tegami/mail"
)

// Traces is a tenant's index of the message trace (CP-8): which queue items may have what is looked for, which of them are to
// be looked at again, and sums over them by the hour. It proposes as Texts does, and the item decides.
//
// It is made of the items and can always be made of them again. So it takes no part in the transactions of the mail and is
// not flushed with them: a crash may lose its end, and one that is found damaged is thrown away. Then its cursor is 0 again.
type Traces interface {
	// Cursor tells up to which item is indexed; zero: nothing is.
	Cursor(ctx context.Context) (mail.ItemID, error)

	// Add takes items into the index and moves its cursor from p.After to p.Upto, all of it or nothing. Conflict "trace.moved" if
	// the cursor does not stand at p.After; Invalid "trace.portion" for one that is not as TracePortion says.
	Add(ctx context.Context, p TracePortion) error

	// Find gives the items that may have all of the grams, with from ≤ id < before, the newest first: those with the highest ids
	// there are, at most limit (0 or more than MaxPage: MaxPage). At most MaxFindGrams grams are looked at, the first; without any all items are given.
	Find(ctx context.Context, f TraceFind) ([]mail.ItemID, error)

	// Again lists items to be looked at again behind an id, ascending, at most limit (0 or more than MaxPage: MaxPage).
	Again(ctx context.Context, after mail.ItemID, limit int) ([]mail.ItemID, error)

	// Sums gives the sums of the hours with from ≤ hour < to, in order of hour and name.
	Sums(ctx context.Context, from, to time.Time) ([]TraceSum, error)

	// Prune removes what is known of items with an id below before, where whole pieces of the index are, and the sums of hours that
	// ended before its time.
	Prune(ctx context.Context, before mail.ItemID) error

	// Drop removes all of the index.
	Drop(ctx context.Context) error

	// Size tells how large the index is.
	Size(ctx context.Context) (TextSize, error)
}

const (
	// TraceVersion is what an index must have been made with to be used, as TextVersion.
	TraceVersion = 1
	// MaxTraceDocs is how many items one TracePortion holds.
	MaxTraceDocs = 1024
	// MaxSumName is the length of a sum's name in octets.
	MaxSumName = 64
)

// TracePortion are changes of the index.
type TracePortion struct {
	After mail.ItemID // the cursor now
	Upto  mail.ItemID // the cursor then; the same: it does not move
	Docs  []TraceDoc  // each item once, ascending, none behind Upto, at most MaxTraceDocs; an item may have come in an earlier portion too
	Again []mail.ItemID
	Done  []mail.ItemID // are no more to be looked at again
	Sums  []TraceSum    // to be added to those there are
}

// TraceDoc is an item as the index sees it.
type TraceDoc struct {
	Item  mail.ItemID
	Grams []Gram // each once, in any order
}

// TraceFind says what is looked for.
type TraceFind struct {
	Grams        []Gram
	From, Before mail.ItemID
	Limit        int
}

// TraceSum is a number of one hour.
type TraceSum struct {
	Hour time.Time // its beginning
	Name string    // at most MaxSumName octets
	N    int64
}
