package jmapd

import (
	"context"
	"strings"
	"time"
	"unicode"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// emailCondition is a FilterCondition of emails (RFC 8621 §4.4.1).
type emailCondition struct {
	InMailbox               *jmap.Id      `json:"inMailbox"`
	InMailboxOtherThan      []jmap.Id     `json:"inMailboxOtherThan"`
	Before                  *jmap.UTCDate `json:"before"`
	After                   *jmap.UTCDate `json:"after"`
	MinSize                 *int64        `json:"minSize"`
	MaxSize                 *int64        `json:"maxSize"`
	AllInThreadHaveKeyword  string        `json:"allInThreadHaveKeyword"`
	SomeInThreadHaveKeyword string        `json:"someInThreadHaveKeyword"`
	NoneInThreadHaveKeyword string        `json:"noneInThreadHaveKeyword"`
	HasKeyword              string        `json:"hasKeyword"`
	NotKeyword              string        `json:"notKeyword"`
	HasAttachment           *bool         `json:"hasAttachment"`
	Text                    string        `json:"text"`
	From                    string        `json:"from"`
	To                      string        `json:"to"`
	Cc                      string        `json:"cc"`
	Bcc                     string        `json:"bcc"`
	Subject                 string        `json:"subject"`
	Body                    string        `json:"body"`
	Header                  []string      `json:"header"`
}

// maxSearch is the length of a text that is looked for, in octets, and maxTerms how many words and phrases it may have.
const (
	maxSearch = 1000
	maxTerms  = 20
)

// whereOps are the operators of filters.
var whereOps = map[string]mailbox.WhereOp{jmap.OpAnd: mailbox.WhereAnd, jmap.OpOr: mailbox.WhereOr, jmap.OpNot: mailbox.WhereNot}

// where makes a filter of the house.
func (c *call) where(f *jmap.Filter[emailCondition]) (w mailbox.Where, err error) {
	switch {
	case f == nil:
		return w, nil
	case f.Condition != nil:
		return c.condition(f.Condition)
	}
	w.Op = whereOps[f.Operator]
	for _, inner := range f.Conditions {
		one, err := c.where(inner)
		if err != nil {
			return w, err
		}
		w.Of = append(w.Of, one)
	}
	return w, nil
}

// nothing is a filter that no email fits.
var nothing = mailbox.Where{Op: mailbox.WhereNot, Of: []mailbox.Where{{}}}

// condition makes a filter of one condition.
func (c *call) condition(f *emailCondition) (w mailbox.Where, err error) {
	if f.InMailbox != nil {
		if w.InMailbox, err = c.filterMailbox(*f.InMailbox); err != nil {
			return w, err
		}
	}
	for _, ref := range f.InMailboxOtherThan {
		id, err := c.filterMailbox(ref)
		if err != nil {
			return w, err
		}
		w.InMailboxOtherThan = append(w.InMailboxOtherThan, id)
	}
	if err := f.sizes(&w); err != nil {
		return w, err
	}
	w.Before, w.After = instant(f.Before), instant(f.After)
	w.AllInThread, w.SomeInThread, w.NoneInThread = f.AllInThreadHaveKeyword, f.SomeInThreadHaveKeyword, f.NoneInThreadHaveKeyword
	w.HasKeyword, w.NotKeyword, w.HasAttachment = f.HasKeyword, f.NotKeyword, f.HasAttachment
	if err := f.texts(&w); err != nil {
		return w, err
	}
	return f.exact(w)
}

// noMailbox is the id of no mailbox: ids are positive.
const noMailbox mail.MailboxID = -1

// filterMailbox reads the id of a mailbox in a filter. One that there is not has nothing in it.
func (c *call) filterMailbox(ref jmap.Id) (mail.MailboxID, error) {
	id, ok := c.mailboxID(ref)
	if _, created := ref.Creation(); !ok && (created || !ref.Valid()) {
		return 0, jmap.Bad("filter")
	}
	if !ok {
		return noMailbox, nil
	}
	return id, nil
}

// instant is a time that may be missing.
func instant(at *jmap.UTCDate) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.Time
}

func (f *emailCondition) sizes(w *mailbox.Where) error {
	for _, n := range []*int64{f.MinSize, f.MaxSize} {
		if n != nil && *n < 0 {
			return jmap.Bad("filter")
		}
	}
	if f.MinSize != nil {
		w.MinSize = *f.MinSize
	}
	if f.MaxSize != nil {
		w.MaxSize = *f.MaxSize
	}
	return nil
}

// texts takes over what is looked for in one field each, and header.
func (f *emailCondition) texts(w *mailbox.Where) error {
	for _, text := range append([]string{f.Text, f.From, f.To, f.Cc, f.Bcc, f.Subject, f.Body}, f.Header...) {
		if len(text) > maxSearch {
			return &jmap.MethodError{Type: jmap.UnsupportedFilter}
		}
	}
	if f.Header != nil && (len(f.Header) < 1 || len(f.Header) > 2 || !fieldName(f.Header[0])) {
		return jmap.Bad("filter")
	}
	w.From, w.To, w.Cc, w.Bcc, w.Header = f.From, f.To, f.Cc, f.Bcc, f.Header
	return nil
}

// exact puts what needs filters of its own beside a condition: no email is smaller than nothing, and each phrase in quotes is looked for
// as it is, while the words outside of quotes may stand anywhere (RFC 8621 §4.4.1).
func (f *emailCondition) exact(w mailbox.Where) (mailbox.Where, error) {
	all := []mailbox.Where{}
	if f.MaxSize != nil && *f.MaxSize == 0 {
		all = append(all, nothing)
	}
	w.Words = true
	for _, in := range []struct {
		text  string
		field func(w *mailbox.Where) *string
	}{
		{f.Text, func(w *mailbox.Where) *string { return &w.Text }},
		{f.Subject, func(w *mailbox.Where) *string { return &w.Subject }},
		{f.Body, func(w *mailbox.Where) *string { return &w.Body }},
	} {
		words, phrases := splitSearch(in.text)
		if len(phrases) > maxTerms {
			return w, &jmap.MethodError{Type: jmap.UnsupportedFilter}
		}
		*in.field(&w) = words
		for _, phrase := range phrases {
			var one mailbox.Where
			*in.field(&one) = phrase
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return w, nil
	}
	return mailbox.Where{Op: mailbox.WhereAnd, Of: append(all, w)}, nil
}

// splitSearch parts what somebody typed into words, with a space between them, and the phrases he put into quotes of either kind; a
// backslash takes the meaning from a quote. A quote within a word is an apostrophe, and one that is not closed is none.
func splitSearch(text string) (words string, phrases []string) {
	var plain strings.Builder
	for rest := text; rest != ""; {
		quote := rest[0]
		if (quote == '"' || quote == '\'') && atWord(text, len(text)-len(rest)) {
			if phrase, n, ok := cutPhrase(rest); ok {
				if phrase = strings.TrimSpace(phrase); phrase != "" {
					phrases = append(phrases, phrase)
				}
				plain.WriteByte(' ')
				rest = rest[n:]
				continue
			}
		}
		plain.WriteByte(quote)
		rest = rest[1:]
	}
	return strings.Join(strings.FieldsFunc(plain.String(), unicode.IsSpace), " "), phrases
}

// atWord tells whether a word could begin at a place.
func atWord(text string, at int) bool {
	return at == 0 || text[at-1] == ' ' || text[at-1] == '\t' || strings.HasSuffix(text[:at], "\u3000")
}

// cutPhrase reads a phrase in quotes and gives how long it is with them.
func cutPhrase(text string) (phrase string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c == text[0]:
			return b.String(), i + 1, true
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}

// sorts are what emails can be sorted by (RFC 8621 §4.4.2).
var sorts = map[string]mailbox.SortBy{
	"receivedAt": mailbox.SortReceived, "sentAt": mailbox.SortSent, "size": mailbox.SortSize, "from": mailbox.SortFrom, "to": mailbox.SortTo,
	"subject": mailbox.SortSubject, "hasKeyword": mailbox.SortKeyword, "allInThreadHaveKeyword": mailbox.SortAllInThread,
	"someInThreadHaveKeyword": mailbox.SortSomeInThread,
}

// collations are those of the session. Both come to the same here: all text is compared in one form.
var collations = []string{"", "i;ascii-casemap", "i;unicode-casemap"}

// sortOf makes an order of the house.
func sortOf(list []jmap.Comparator) ([]mailbox.Sort, error) {
	out := make([]mailbox.Sort, 0, len(list))
	for _, by := range list {
		s := mailbox.Sort{By: sorts[by.Property], Keyword: by.Keyword, Descend: !by.Ascending()}
		if s.By == 0 || !known(collations, by.Collation) {
			return nil, &jmap.MethodError{Type: jmap.UnsupportedSort}
		}
		if s.By >= mailbox.SortKeyword && by.Keyword == "" {
			return nil, jmap.Bad("sort")
		}
		out = append(out, s)
	}
	return out, nil
}

func known(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// queryEmailsIn are the arguments of Email/query (RFC 8621 §4.4).
type queryEmailsIn struct {
	jmap.QueryIn[emailCondition]
	CollapseThreads bool `json:"collapseThreads"`
}

// queryEmailsOut is the answer to Email/query (RFC 8621 §4.4).
type queryEmailsOut struct {
	jmap.QueryOut
	CollapseThreads bool `json:"collapseThreads"`
}

// maxQuery is how many ids one Email/query gives.
const maxQuery = 10_000

// queryEmails is Email/query (RFC 8621 §4.4).
func queryEmails(ctx context.Context, c *call, in *queryEmailsIn) (*queryEmailsOut, error) {
	q, err := c.query(in.Filter, in.Sort, in.CollapseThreads)
	if err != nil {
		return nil, err
	}
	limited, err := in.window(c, &q)
	if err != nil {
		return nil, err
	}
	reg, err := c.register(ctx, c.at)
	if err != nil {
		return nil, err
	}
	found, err := reg.Query(ctx, q)
	if err != nil {
		return nil, queryError(err)
	}
	out := &queryEmailsOut{CollapseThreads: in.CollapseThreads}
	out.AccountID, out.QueryState, out.CanCalculateChanges = in.AccountID, found.State.String(), found.Changes
	out.Position, out.IDs = found.Position, ids(found.IDs, emailRef)
	if limited {
		out.Limit = &q.Limit
	}
	if in.Limit != nil && *in.Limit == 0 {
		out.IDs = []jmap.Id{}
	}
	if in.CalculateTotal {
		out.Total = &found.Total
	}
	return out, nil
}

// query makes a query of the house.
func (c *call) query(filter *jmap.Filter[emailCondition], sort []jmap.Comparator, collapse bool) (q mailbox.Query, err error) {
	if q.Filter, err = c.where(filter); err != nil {
		return q, err
	}
	q.Sort, err = sortOf(sort)
	q.Collapse = collapse
	return q, err
}

// window says which part of what is found is asked for; limited tells that it is less than the client wants.
func (in *queryEmailsIn) window(c *call, q *mailbox.Query) (limited bool, err error) {
	q.Position, q.Offset, q.Limit, q.Total = in.Position, in.AnchorOffset, maxQuery, in.CalculateTotal
	limited = true
	if in.Limit != nil {
		if *in.Limit < 0 {
			return false, jmap.Bad("limit")
		}
		limited = *in.Limit > maxQuery
		q.Limit = min(max(*in.Limit, 1), maxQuery)
	}
	if in.Anchor == nil {
		return limited, nil
	}
	id, ok := c.emailID(*in.Anchor)
	if !ok || id.IsZero() {
		return false, &jmap.MethodError{Type: jmap.AnchorNotFound}
	}
	q.Anchor, q.Position = id, 0
	return limited, nil
}

// queryErrors are what a query may say, in the words of RFC 8620 §5.5 and §5.6.
var queryErrors = map[string]string{
	"query.anchor": jmap.AnchorNotFound, "query.filter": jmap.UnsupportedFilter, "query.sort": jmap.UnsupportedSort,
	"query.too_long": jmap.UnsupportedFilter, "query.too_many_changes": jmap.TooManyChanges, "state.unknown": jmap.CannotCalculateChanges,
}

func queryError(err error) error {
	if key, _ := mail.TextOf(err); queryErrors[key] != "" {
		return &jmap.MethodError{Type: queryErrors[key]}
	}
	return err
}

// emailQueryChangesIn are the arguments of Email/queryChanges (RFC 8621 §4.5).
type emailQueryChangesIn struct {
	jmap.QueryChangesIn[emailCondition]
	CollapseThreads bool `json:"collapseThreads"`
}

// emailQueryChanges is Email/queryChanges (RFC 8621 §4.5).
func emailQueryChanges(ctx context.Context, c *call, in *emailQueryChangesIn) (*jmap.QueryChangesOut, error) {
	q, err := c.query(in.Filter, in.Sort, in.CollapseThreads)
	if err != nil {
		return nil, err
	}
	q.Total = in.CalculateTotal
	most := 0
	if in.MaxChanges != nil {
		if most = *in.MaxChanges; most < 0 {
			return nil, jmap.Bad("maxChanges")
		}
	}
	var upTo mail.EmailID
	if in.UpToID != nil {
		upTo, _ = c.emailID(*in.UpToID) // one that is gone tells nothing: then all is told
	}
	since, err := mailbox.ParseState(in.SinceQueryState)
	if err != nil {
		return nil, queryError(err)
	}
	reg, err := c.register(ctx, c.at)
	if err != nil {
		return nil, err
	}
	found, err := reg.QueryChanges(ctx, q, since, upTo, most)
	if err != nil {
		return nil, queryError(err)
	}
	out := &jmap.QueryChangesOut{AccountID: in.AccountID, OldQueryState: in.SinceQueryState, NewQueryState: found.New.String(),
		Removed: ids(found.Removed, emailRef), Added: make([]jmap.Added, len(found.Added))}
	for i, a := range found.Added {
		out.Added[i] = jmap.Added{ID: emailRef(a.ID), Index: a.Index}
	}
	if in.CalculateTotal {
		out.Total = &found.Total
	}
	return out, nil
}
