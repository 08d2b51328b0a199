package jmap

import (
	"bytes"
	"encoding/json"
)

// OfAccount is the argument that all methods on records have.
type OfAccount struct {
	AccountID Id `json:"accountId"`
}

// Account gives it.
func (o OfAccount) Account() Id { return o.AccountID }

// GetIn are the arguments of a /get (RFC 8620 §5.1). IDs nil means all records, Properties nil all properties.
type GetIn struct {
	OfAccount
	IDs        []Id     `json:"ids"`
	Properties []string `json:"properties"`
}

// GetOut is the answer to a /get (RFC 8620 §5.1).
type GetOut struct {
	AccountID Id                `json:"accountId"`
	State     string            `json:"state"`
	List      []json.RawMessage `json:"list"`
	NotFound  []Id              `json:"notFound"`
}

// ChangesIn are the arguments of a /changes (RFC 8620 §5.2). MaxChanges 0 means the client names no number.
type ChangesIn struct {
	OfAccount
	SinceState string `json:"sinceState"`
	MaxChanges *int   `json:"maxChanges"`
}

// ChangesOut is the answer to a /changes (RFC 8620 §5.2).
type ChangesOut struct {
	AccountID      Id     `json:"accountId"`
	OldState       string `json:"oldState"`
	NewState       string `json:"newState"`
	HasMoreChanges bool   `json:"hasMoreChanges"`
	Created        []Id   `json:"created"`
	Updated        []Id   `json:"updated"`
	Destroyed      []Id   `json:"destroyed"`
}

// SetIn are the arguments of a /set (RFC 8620 §5.3). A nil IfInState means any state.
type SetIn struct {
	OfAccount
	IfInState *string                `json:"ifInState"`
	Create    map[Id]json.RawMessage `json:"create"`
	Update    map[Id]Patch           `json:"update"`
	Destroy   []Id                   `json:"destroy"`
}

// Count is how many records a /set is about.
func (in *SetIn) Count() int { return len(in.Create) + len(in.Update) + len(in.Destroy) }

// SetOut is the answer to a /set (RFC 8620 §5.3).
type SetOut struct {
	AccountID    Id               `json:"accountId"`
	OldState     string           `json:"oldState,omitempty"`
	NewState     string           `json:"newState"`
	Created      map[Id]any       `json:"created"`
	Updated      map[Id]any       `json:"updated"`
	Destroyed    []Id             `json:"destroyed"`
	NotCreated   map[Id]*SetError `json:"notCreated"`
	NotUpdated   map[Id]*SetError `json:"notUpdated"`
	NotDestroyed map[Id]*SetError `json:"notDestroyed"`
}

// QueryIn are the arguments of a /query (RFC 8620 §5.5). Filter is nil for all records. C is the type of a condition.
type QueryIn[C any] struct {
	OfAccount
	Filter         *Filter[C]   `json:"filter"`
	Sort           []Comparator `json:"sort"`
	Position       int          `json:"position"`
	Anchor         *Id          `json:"anchor"`
	AnchorOffset   int          `json:"anchorOffset"`
	Limit          *int         `json:"limit"`
	CalculateTotal bool         `json:"calculateTotal"`
}

// QueryOut is the answer to a /query (RFC 8620 §5.5). Total is nil where it was not asked for, Limit where the client's own held.
type QueryOut struct {
	AccountID           Id     `json:"accountId"`
	QueryState          string `json:"queryState"`
	CanCalculateChanges bool   `json:"canCalculateChanges"`
	Position            int    `json:"position"`
	IDs                 []Id   `json:"ids"`
	Total               *int   `json:"total,omitempty"`
	Limit               *int   `json:"limit,omitempty"`
}

// QueryChangesIn are the arguments of a /queryChanges (RFC 8620 §5.6).
type QueryChangesIn[C any] struct {
	OfAccount
	Filter          *Filter[C]   `json:"filter"`
	Sort            []Comparator `json:"sort"`
	SinceQueryState string       `json:"sinceQueryState"`
	MaxChanges      *int         `json:"maxChanges"`
	UpToID          *Id          `json:"upToId"`
	CalculateTotal  bool         `json:"calculateTotal"`
}

// QueryChangesOut is the answer to a /queryChanges (RFC 8620 §5.6).
type QueryChangesOut struct {
	AccountID     Id      `json:"accountId"`
	OldQueryState string  `json:"oldQueryState"`
	NewQueryState string  `json:"newQueryState"`
	Total         *int    `json:"total,omitempty"`
	Removed       []Id    `json:"removed"`
	Added         []Added `json:"added"`
}

// Added is a record that came into a list, and where it stands in it now.
type Added struct {
	ID    Id  `json:"id"`
	Index int `json:"index"`
}

// CopyIn are the arguments of a /copy (RFC 8620 §5.4).
type CopyIn struct {
	OfAccount
	FromAccountID            Id                     `json:"fromAccountId"`
	IfFromInState            *string                `json:"ifFromInState"`
	IfInState                *string                `json:"ifInState"`
	Create                   map[Id]json.RawMessage `json:"create"`
	OnSuccessDestroyOriginal bool                   `json:"onSuccessDestroyOriginal"`
	DestroyFromIfInState     *string                `json:"destroyFromIfInState"`
}

// FromAccount gives the account that is copied from.
func (in CopyIn) FromAccount() Id { return in.FromAccountID }

// CopyOut is the answer to a /copy (RFC 8620 §5.4).
type CopyOut struct {
	FromAccountID Id               `json:"fromAccountId"`
	AccountID     Id               `json:"accountId"`
	OldState      string           `json:"oldState,omitempty"`
	NewState      string           `json:"newState"`
	Created       map[Id]any       `json:"created"`
	NotCreated    map[Id]*SetError `json:"notCreated"`
}

// Limits of filters.
const (
	// MaxFilterDepth is how deep operators may lie in each other.
	MaxFilterDepth = 16
	// MaxConditions is how many conditions and operators a filter has.
	MaxConditions = 256
)

// Operators of filters (RFC 8620 §5.5).
const (
	OpAnd = "AND"
	OpOr  = "OR"
	OpNot = "NOT" // none of the conditions holds
)

// A Filter is a condition, or an operator over filters (RFC 8620 §5.5).
type Filter[C any] struct {
	Operator   string // "" for a condition
	Conditions []*Filter[C]
	Condition  *C
}

// UnmarshalJSON reads a filter. *MethodError with InvalidArguments for one that is none, UnsupportedFilter for one too large or with a
// condition we don't know.
func (f *Filter[C]) UnmarshalJSON(text []byte) error {
	left := MaxConditions
	return f.read(text, 0, &left)
}

func (f *Filter[C]) read(text []byte, depth int, left *int) error {
	if *left--; *left < 0 || depth > MaxFilterDepth {
		return &MethodError{Type: UnsupportedFilter}
	}
	members, ok := Members(text)
	if !ok {
		return Bad("filter")
	}
	if !has(members, "operator") {
		f.Condition = new(C)
		if err := Exact(text, f.Condition); err != nil {
			return &MethodError{Type: UnsupportedFilter, Description: err.Error()}
		}
		return nil
	}
	var op struct {
		Operator   string            `json:"operator"`
		Conditions []json.RawMessage `json:"conditions"`
	}
	if Exact(text, &op) != nil || op.Operator != OpAnd && op.Operator != OpOr && op.Operator != OpNot {
		return Bad("filter")
	}
	f.Operator = op.Operator
	for _, c := range op.Conditions {
		inner := new(Filter[C])
		if err := inner.read(c, depth+1, left); err != nil {
			return err
		}
		f.Conditions = append(f.Conditions, inner)
	}
	return nil
}

// Fits tells whether a record meets the filter; holds judges a condition.
func (f *Filter[C]) Fits(holds func(*C) bool) bool {
	if f.Operator == "" {
		return holds(f.Condition)
	}
	for _, inner := range f.Conditions {
		if inner.Fits(holds) != (f.Operator == OpAnd) {
			return f.Operator == OpOr
		}
	}
	return f.Operator != OpOr
}

// A Comparator is one of the properties a list is sorted by (RFC 8620 §5.5). Keyword is that of RFC 8621 §4.4.2.
type Comparator struct {
	Property    string `json:"property"`
	IsAscending *bool  `json:"isAscending"` // nil: true
	Collation   string `json:"collation"`
	Keyword     string `json:"keyword"`
}

// Ascending tells the direction.
func (c Comparator) Ascending() bool { return c.IsAscending == nil || *c.IsAscending }

// Exact reads an object that Check has passed; names that out does not have are an error.
func Exact(text []byte, out any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(out)
}
