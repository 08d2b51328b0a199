package directory

import (
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Limits of lists of senders.
const (
	// MaxUserSenders is how many entries each of a user's two lists has (SF-5).
	MaxUserSenders = 300
	// MaxCompanySenders is how many entries each of a company's two lists has.
	MaxCompanySenders = 1000
)

// SenderLists are whose mail is let in and whose is not (SF-2), in the order of their entries' names. Their slices are shared: don't change
// them.
type SenderLists struct {
	Allow []mail.SenderPattern `json:"allow,omitempty"`
	Deny  []mail.SenderPattern `json:"deny,omitempty"`
}

// check brings lists into their stored form: each entry once, in order. Full "filter.lists_full"; Invalid "filter.pattern".
func (l SenderLists) check(op mail.Op, limit int) (made SenderLists, err error) {
	if made.Allow, err = checkSenders(op, l.Allow, limit); err != nil {
		return made, err
	}
	made.Deny, err = checkSenders(op, l.Deny, limit)
	return made, err
}

func checkSenders(op mail.Op, list []mail.SenderPattern, limit int) ([]mail.SenderPattern, error) {
	made := make([]mail.SenderPattern, 0, min(len(list), limit))
	for _, text := range list {
		p, err := mail.ParseSenderPattern(string(text))
		if err != nil {
			return nil, mail.Wrap(op, err)
		}
		made = append(made, p)
	}
	slices.Sort(made)
	if made = slices.Compact(made); len(made) > limit {
		return nil, mail.E(op, mail.Full, "filter.lists_full", limit)
	}
	return made, nil
}

// sendersDoc are lists as stored: of the company, or of an account.
type sendersDoc struct {
	SenderLists
	Account  mail.AccountID `json:"account,omitzero"` // zero: the company's
	NoDigest bool           `json:"noDigest,omitempty"`
	By       string         `json:"by,omitempty"`
}

// companySenders is under what the company's lists are found.
var companySenders = store.Key{Name: "senders", Value: "company"}

func sendersKey(id mail.AccountID) store.Key {
	if id.IsZero() {
		return companySenders
	}
	return store.Key{Name: "senders", Value: id.String()}
}

// readSenders gives the lists of an account, of the company for account zero; empty ones where there are none.
func readSenders(r store.Reader, id mail.AccountID) (doc sendersDoc, o store.Object, err error) {
	o, err = r.ObjectByKey(sendersKey(id))
	switch {
	case mail.Is(err, mail.NotFound):
		doc.Account = id
		o, err = store.Object{Kind: kindSenders, Unique: []store.Key{sendersKey(id)}}, nil
		if !id.IsZero() {
			o.Marks = []store.Key{OfAccount(id)}
		}
	case err == nil:
		err = read(o, &doc)
	}
	return doc, o, err
}

// putSenders writes lists as they stand in doc.
func putSenders(tx store.Tx, by mail.Actor, doc sendersDoc, o store.Object) error {
	doc.By = by.Name()
	return put(tx, o, doc)
}

// CompanySenders are the company's lists with who changed them last.
type CompanySenders struct {
	SenderLists
	Version uint64 // 0 before there were any
	Changed time.Time
	By      string
}

// CompanySenders gives the company's lists.
func (c *Company) CompanySenders(ctx context.Context) (l CompanySenders, err error) {
	err = c.view(ctx, "directory.CompanySenders", func(r store.Reader) error {
		doc, o, err := readSenders(r, 0)
		l = CompanySenders{doc.SenderLists, o.Version, o.Changed, doc.By}
		return err
	})
	return l, err
}

// SetCompanySenders replaces the company's lists (SF-2). version is that of the ones that were read, 0 = whatever stands there. For the
// administrators of the company's policy. Full "filter.lists_full"; Invalid "filter.pattern"; Conflict "object.changed".
func (c *Company) SetCompanySenders(ctx context.Context, by mail.Actor, version uint64, l SenderLists) error {
	const op = "directory.SetCompanySenders"
	l, err := l.check(op, MaxCompanySenders)
	if err != nil {
		return err
	}
	return c.change(ctx, by, op, RightPolicy, func(tx store.Tx) error {
		if err := c.permit(tx, by, op, RightPolicy, Place{}); err != nil {
			return err
		}
		doc, o, err := readSenders(tx, 0)
		switch {
		case err != nil:
			return err
		case version != 0 && version != o.Version:
			return mail.E(op, mail.Conflict, "object.changed")
		}
		doc.SenderLists = l
		return putSenders(tx, by, doc, o)
	})
}

// UserSenders are what a user decides about unwanted mail (SF-5).
type UserSenders struct {
	SenderLists
	// NoDigest: the user wants no digest of his quarantine.
	NoDigest bool
	Version  uint64 // 0 before anything was set
	// AllowPermitted: the company permits that Allow is heeded. Where it doesn't, entries can be taken off it, and none added.
	AllowPermitted bool
	// Digests: the domain sends digests at all.
	Digests bool
}

// Senders gives the lists of an account. NotFound "account.unknown".
func (c *Company) Senders(ctx context.Context, id mail.AccountID) (s UserSenders, err error) {
	err = c.view(ctx, "directory.Senders", func(r store.Reader) error {
		account, _, err := readAccount(r, id)
		if err != nil {
			return err
		}
		f, _, err := readFilter(r, account.Domain)
		if err != nil {
			return err
		}
		doc, o, err := readSenders(r, id)
		s = UserSenders{doc.SenderLists, doc.NoDigest, o.Version, f.UserAllow, f.Digest.On}
		return err
	})
	return s, err
}

// SetSenders replaces the lists of an account and whether it gets digests: for itself, and for administrators of policy. s.Version is that of
// the ones that were read, 0 = whatever stands there. Full "filter.lists_full" for the 301st entry; Invalid "filter.pattern"; Denied
// "filter.allow_denied" for a new entry of Allow where the company does not permit such a list; Conflict "object.changed".
func (c *Company) SetSenders(ctx context.Context, by mail.Actor, id mail.AccountID, s UserSenders) error {
	const op = "directory.SetSenders"
	lists, err := s.check(op, MaxUserSenders)
	if err != nil {
		return err
	}
	err = c.update(ctx, by, op, ownOr(by, id), func(tx store.Tx) error {
		account, _, err := readAccount(tx, id)
		if err != nil {
			return err
		}
		if err := c.permitOwn(tx, by, op, RightPolicy, id); err != nil {
			return err
		}
		doc, o, err := readSenders(tx, id)
		switch {
		case err != nil:
			return err
		case s.Version != 0 && s.Version != o.Version:
			return mail.E(op, mail.Conflict, "object.changed")
		}
		if err := mayAllow(tx, op, account.Domain, doc.Allow, lists.Allow); err != nil {
			return err
		}
		doc.SenderLists, doc.NoDigest = lists, s.NoDigest
		return putSenders(tx, by, doc, o)
	})
	c.noteRefused(ctx, by, op, err)
	return err
}

// mayAllow refuses new entries on a user's list of whose mail is let in where the company does not permit such a list (SF-5).
func mayAllow(r store.Reader, op mail.Op, domain mail.DomainID, was, now []mail.SenderPattern) error {
	if !slices.ContainsFunc(now, func(p mail.SenderPattern) bool { return !slices.Contains(was, p) }) {
		return nil
	}
	f, _, err := readFilter(r, domain)
	if err == nil && !f.UserAllow {
		err = mail.E(op, mail.Denied, "filter.allow_denied")
	}
	return err
}

// AllowSender puts an address on an account's list of those whose mail is let in, inside a transaction of who may use the account's
// quarantine (quarantine.Config.Allow). An address that is there already is no error. Denied "filter.allow_denied", Full "filter.lists_full",
// Invalid "filter.pattern", NotFound "account.unknown".
func AllowSender(tx store.Tx, by mail.Actor, id mail.AccountID, sender mail.Address) error {
	const op mail.Op = "directory.AllowSender"
	account, _, err := readAccount(tx, id)
	if err != nil {
		return mail.Wrap(op, err)
	}
	doc, o, err := readSenders(tx, id)
	if err != nil {
		return mail.Wrap(op, err)
	}
	was := doc.Allow
	doc.SenderLists, err = SenderLists{append(slices.Clone(was), mail.SenderPattern(sender.String())), doc.Deny}.check(op, MaxUserSenders)
	if err != nil || len(doc.Allow) == len(was) {
		return err
	}
	if err := mayAllow(tx, op, account.Domain, was, doc.Allow); err != nil {
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, putSenders(tx, by, doc, o))
}
