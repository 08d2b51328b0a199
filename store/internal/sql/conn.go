package sql

// Conn is a connection inside a transaction. It maps what its database says to *mail.Error: Unavailable with
// "storage.failed", or with "storage.full" when there is no room.
//
// Where writers run side by side (the cluster) a unique key that is taken, a serialization failure
// and a deadlock mean that the whole transaction runs again: the second time it sees what
// the first could not. Tx checks before it writes, so with one writer none of them occurs.
type Conn interface {
	// Exec runs a statement without result. It may be put off until the next Rows or the commit. The
	// arguments are the caller's again when it returns; the octets of a Blob argument
	// must not change until the commit.
	Exec(q Query, a *Args) error
	// Rows runs a query and calls fn with each row until it returns false. fn must not use the Conn.
	Rows(q Query, a *Args, fn func(Row) bool) error
}

// Row is a row of a result, valid inside the function it is given to. Columns count from 0.
type Row interface {
	Int(col int) int64                 // 0 for NULL
	Text(col int) string               // "" for NULL
	Blob(col int) []byte               // a copy; nil for NULL
	Append(dst []byte, col int) []byte // adds the octets to dst
	Fill(col int, p []byte)            // copies as much as fits into p
}

// Type is the type of an argument.
type Type uint8

// Types of arguments.
const (
	Null Type = iota
	Int
	Text
	Blob
)

// Value is an argument of a query.
type Value struct {
	Type Type
	Int  int64
	Text string
	Blob []byte
}

// MaxArgs is how many arguments a query has at most.
const MaxArgs = 16

// Args are the arguments of a query, without the tenant. They are made to be used again and again.
type Args struct {
	n int
	v [MaxArgs]Value
}

// Values gives the arguments in order.
func (a *Args) Values() []Value { return a.v[:a.n] }

// Reset forgets all arguments.
func (a *Args) Reset() *Args {
	clear(a.v[:a.n])
	a.n = 0
	return a
}

// Int adds a number.
func (a *Args) Int(n int64) *Args {
	a.v[a.n].Type, a.v[a.n].Int = Int, n
	a.n++
	return a
}

// Bool adds 0 or 1.
func (a *Args) Bool(b bool) *Args {
	if b {
		return a.Int(1)
	}
	return a.Int(0)
}

// Text adds a text.
func (a *Args) Text(s string) *Args {
	a.v[a.n].Type, a.v[a.n].Text = Text, s
	a.n++
	return a
}

// Blob adds octets; nil is NULL.
func (a *Args) Blob(b []byte) *Args {
	if b != nil {
		a.v[a.n].Type, a.v[a.n].Blob = Blob, b
	}
	a.n++
	return a
}
