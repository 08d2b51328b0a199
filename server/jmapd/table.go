package jmapd

import (
	"context"
	"encoding/json"
	"slices"

	"tegami/wire/jmap"
)

// access is what a method needs of the account that it names.
type access uint8

// Kinds of access.
const (
	free   access = iota // it names no account
	reads                // it may be read
	writes               // it may be changed: for a colleague's mailboxes too, where these rights are given
	own                  // it is the caller's own: nobody reads or changes it for somebody else
)

// entry is a line of the table of methods.
type entry struct {
	Name       string
	Capability string // which the client must use
	Access     access
	run        func(ctx context.Context, c *call, args json.RawMessage) (any, error)
}

// methods is the table. Each list stands with the files of its records.
func methods() []entry {
	return slices.Concat(coreMethods(), mailMethods(), sendMethods(), contactMethods(), ownMethods())
}

func byName(list []entry) map[string]entry {
	table := make(map[string]entry, len(list))
	for _, e := range list {
		table[e.Name] = e
	}
	return table
}

// method makes a line of the table. I are the arguments: names that it does not have are refused. Where I names an account (jmap.OfAccount), do
// is called only with one that the caller reaches and with the access it needs; call.box opens it. O is the answer.
func method[I, O any](name, capability string, a access, do func(context.Context, *call, *I) (*O, error)) entry {
	return entry{Name: name, Capability: capability, Access: a, run: func(ctx context.Context, c *call, args json.RawMessage) (any, error) {
		in := new(I)
		if err := jmap.Exact(args, in); err != nil {
			return nil, badArguments(err)
		}
		if err := c.enter(ctx, any(in)); err != nil {
			return nil, err
		}
		return do(ctx, c, in)
	}}
}
