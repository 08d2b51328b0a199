package operations

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

const (
	tenants  = 2
	accounts = 3 // of each tenant
)

// Verb is what an operation does.
type Verb uint8

// The verbs. A, B and C of an Op mean, in this order, what stands behind each.
const (
	PutObject    Verb = iota // kind, address, mark
	ChangeObject             // object, address, mark; every fourth with a stale version
	DeleteObject             // object; every fourth with a stale version
	CreateMailbox
	SetMailbox
	DeleteMailbox // mailbox
	AddKeyword    // word
	AddMessage    // mailbox, size, flags
	CopyMessage   // message, mailbox
	SetFlags      // message, flags
	MoveMessage   // message, mailbox
	Expunge       // message
	PutItem       // state, due or not, route and whether it is leased from birth
	ChangeItem    // item, state, with its fence or not, and whether the lease goes on
	DeleteItem    // item, with its fence or not
	numVerbs
)

var verbNames = [numVerbs]string{
	"PutObject", "ChangeObject", "DeleteObject", "CreateMailbox", "SetMailbox", "DeleteMailbox", "AddKeyword",
	"AddMessage", "CopyMessage", "SetFlags", "MoveMessage", "Expunge", "PutItem", "ChangeItem", "DeleteItem",
}

// weights say how often a verb is drawn.
var weights = [numVerbs]int{3, 2, 1, 4, 2, 1, 2, 12, 3, 8, 5, 4, 3, 2, 1}

// Op is one operation. Its numbers choose among what there is: the n-th mailbox is the n-th that was ever made
// in the tenant, modulo their number; one that is gone is chosen as well.
type Op struct {
	Verb    Verb
	Account int
	A, B, C int
}

func (o Op) String() string {
	return fmt.Sprintf("%s account %d (%d, %d, %d)", verbNames[o.Verb], o.Account, o.A, o.B, o.C)
}

// Transaction is one Update.
type Transaction struct {
	Tenant int
	Claim  bool // claims all items that are due first
	Fails  bool // gives an error at the end
	Ops    []Op
}

// Program is what runs.
type Program []Transaction

func (p Program) String() string {
	var b strings.Builder
	for i, t := range p {
		fmt.Fprintf(&b, "%d: tenant %d", i, t.Tenant)
		if t.Claim {
			b.WriteString(", claims first")
		}
		if t.Fails {
			b.WriteString(", fails")
		}
		b.WriteByte('\n')
		for _, o := range t.Ops {
			fmt.Fprintf(&b, "     %v\n", o)
		}
	}
	return b.String()
}

// Generate makes a program of n transactions. The same seed makes the same program.
func Generate(seed uint64, n int) Program {
	r := rand.New(rand.NewPCG(seed, seed))
	total := 0
	for _, w := range weights {
		total += w
	}
	p := make(Program, n)
	for i := range p {
		p[i] = Transaction{Tenant: r.IntN(tenants), Claim: r.IntN(8) == 0, Fails: r.IntN(8) == 0}
		for range 1 + r.IntN(6) {
			p[i].Ops = append(p[i].Ops, draw(r, total))
		}
	}
	return p
}

// draw makes one operation.
func draw(r *rand.Rand, total int) Op {
	o := Op{Account: r.IntN(accounts), A: r.IntN(1000), B: r.IntN(1000), C: r.IntN(1000)}
	for left := r.IntN(total); ; o.Verb++ {
		if left -= weights[o.Verb]; left < 0 {
			return o
		}
	}
}

// Shrink gives a shorter program for which fails is still true, trying at most tries.
func Shrink(p Program, tries int, fails func(Program) bool) Program {
	for size := max(1, len(p)/2); tries > 0; {
		shorter := false
		for at := 0; at < len(p) && tries > 0; {
			tries--
			if q := slices.Delete(slices.Clone(p), at, min(at+size, len(p))); fails(q) {
				p, shorter = q, true
			} else {
				at += size
			}
		}
		if size == 1 && !shorter {
			break
		}
		size = max(1, size/2)
	}
	return shrinkOps(p, tries, fails)
}

// shrinkOps drops single operations.
func shrinkOps(p Program, tries int, fails func(Program) bool) Program {
	for i := range p {
		for j := 0; j < len(p[i].Ops) && tries > 0; tries-- {
			q := slices.Clone(p)
			q[i].Ops = slices.Delete(slices.Clone(p[i].Ops), j, j+1)
			if fails(q) {
				p = q
			} else {
				j++
			}
		}
	}
	return p
}

// What the numbers of an Op choose among.
var (
	kinds     = []string{"account", "list"}
	addresses = []string{"", "sato@example.jp", "suzuki@example.jp", "tanaka@example.jp"}
	marks     = []string{"", "red", "blue"}
	names     = []string{"INBOX", "Sent", "下書き", "a", "b"}
	roles     = []string{"", "", "", "inbox", "trash"}
	words     = []string{"$Forwarded", "$forwarded", "重要", "work", "WORK"}
	sizes     = []int{0, 1, 100, 5000, 20_000}
	routes    = []string{"local", "remote a.example", "remote b.example"}
)

func choose[T any](list []T, n int) T { return list[n%len(list)] }

// objectOf is the object that a PutObject or ChangeObject writes.
func (o Op) objectOf(kind string) store.Object {
	v := store.Object{Kind: kind, Doc: fmt.Appendf(nil, `{"n":%d}`, o.C)}
	if a := choose(addresses, o.B); a != "" {
		v.Unique = []store.Key{{Name: "address", Value: a}}
	}
	if m := choose(marks, o.C); m != "" {
		v.Marks = []store.Key{{Name: "mark", Value: m}}
	}
	return v
}

// flags makes flags of a number: system flags, sometimes keywords.
func flags(n int) mail.Flags {
	f := mail.Flags(n % 32)
	if n >= 800 {
		f |= mail.Keyword(n%3) | mail.Keyword(53)
	}
	return f
}

// fromBirth tells whether a PutItem makes a leased item, if it waits.
func (o Op) fromBirth() bool { return o.C%7 == 0 && itemState(o.A) == store.ItemWaiting }

// renews tells whether a ChangeItem of the lease's holder keeps it, if the item waits.
func (o Op) renews() bool { return o.C%6 == 0 && itemState(o.B) == store.ItemWaiting }

// itemState makes a state of a number.
func itemState(n int) store.ItemState { return store.ItemState(1 + n%3) }
