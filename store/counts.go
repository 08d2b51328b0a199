package store

// Count is a pair of numbers that a tenant has under a key, such as how often a word was in unwanted mail and in wanted. What the key stands
// for, and how it becomes a number, is the caller's business.
type Count struct {
	Key  int64
	A, B int64
	Turn int64 // in which it was written last: a day, or a longer stretch, as its kind counts them
}

// CountKind parts the counts of a tenant. The store's tables know no kinds; 1 to 255.
type CountKind uint8

// MaxCounts is how many counts one call reads or writes.
const MaxCounts = 4096

// CountReader shows the counts of a tenant. It is part of Reader.
type CountReader interface {
	// Counts gives those with these keys that are there, in any order; Invalid "counts.too_many" past MaxCounts keys. A number can be below zero
	// for a while: what is taken away may have been forgotten before.
	Counts(kind CountKind, keys []int64) ([]Count, error)
	// CountsAfter lists the counts of a kind behind a key, ascending by key, at most limit (0 or more than MaxPage: MaxPage). Keys begin at
	// the least number there is: with from, the key itself is listed too.
	CountsAfter(kind CountKind, after int64, from bool, limit int) ([]Count, error)
	// CountCounts tells how many there are of a kind. It looks at an index entry of each.
	CountCounts(kind CountKind) (int, error)
}

// CountWriter changes the counts of a tenant. It is part of Tx. Its writes are no lines of the operation log.
type CountWriter interface {
	// AddCounts adds A and B to what is under each key, or makes it, and puts Turn in place of the one there. With fades, what is there is
	// halved before for each turn since it was written. Each key stands once in the list; Invalid "counts.too_many" past MaxCounts.
	AddCounts(kind CountKind, fades bool, list []Count) error
	// PruneCounts removes counts of a kind with A + B ≤ most, those written longest ago first, at most limit (0 or more than MaxPage: MaxPage), and
	// tells how many.
	PruneCounts(kind CountKind, most int64, limit int) (removed int, err error)
	// DropCounts removes all counts of a kind.
	DropCounts(kind CountKind) error
}
