package mailbox

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Message is a message in a mailbox.
type Message = store.Message

// Account is one account's mail, opened for its owner. Its methods may be called from several goroutines.
type Account struct {
	service *Service
	id      *directory.Identity
	account directory.Account
	tenant  store.Tenant
	known   knownRights
	listed  atomic.Pointer[knownShares]
}

// MaxKeyword is the length of a keyword in octets.
const MaxKeyword = 100

// Close ends the use of the account. Its views and drops are closed on their own.
func (a *Account) Close() {}

// Identity is who opened the account.
func (a *Account) Identity() *directory.Identity { return a.id }

// Quota gives the octets the account's messages take and the octets they may take (SV-4, SV-6).
func (a *Account) Quota(ctx context.Context) (used, limit int64, err error) {
	const op = "mailbox.Quota"
	if limit, err = a.limit(ctx, op); err != nil {
		return 0, 0, err
	}
	err = a.view(ctx, op, func(r store.Reader) error {
		box, err := r.Box(a.account.ID)
		used = box.Used
		return err
	})
	return used, limit, err
}

// QuotaOf is Quota for the account a mailbox belongs to: what is put there counts on its owner. root is the owner's
// address, "" for the account's own mailboxes. Denied "mailbox.no_right" for who may not insert (RightInsert): how full a
// colleague's box is concerns nobody else.
func (a *Account) QuotaOf(ctx context.Context, path string) (root string, used, limit int64, err error) {
	const op = "mailbox.QuotaOf"
	at, err := a.locate(ctx, op, path)
	if err != nil {
		return "", 0, 0, err
	}
	if !at.foreign {
		used, limit, err = a.Quota(ctx)
		return "", used, limit, err
	}
	err = a.view(ctx, op, func(r store.Reader) error {
		if _, _, err := a.resolve(r, op, &at, RightInsert); err != nil {
			return err
		}
		box, err := r.Box(at.owner.ID)
		used = box.Used
		return err
	})
	return at.owner.Address.String(), used, at.owner.Quota, err
}

// limit gives the octets the account may hold now: its domain's plan can have changed since it was
// opened. Denied "account.suspended" if it may not act any more.
func (a *Account) limit(ctx context.Context, op mail.Op) (int64, error) {
	now, err := a.service.dir.Current(ctx, a.id)
	return now.Quota, mail.Wrap(op, err)
}

// limitOf gives the octets that the owner of a mailbox may hold.
func (a *Account) limitOf(ctx context.Context, op mail.Op, at *spot) (int64, error) {
	if at.foreign {
		return at.owner.Quota, nil // read just now
	}
	return a.limit(ctx, op)
}

// Usable tells whether the account may still be used: it or its tenant can have been suspended since it was
// opened, or be gone. Denied with the reason as in directory.Directory.Current, and nothing else: what otherwise goes
// wrong, the command itself will meet. It answers from memory.
func (a *Account) Usable(ctx context.Context) error {
	_, err := a.service.dir.Current(ctx, a.id)
	if !mail.Is(err, mail.Denied) {
		return nil
	}
	return mail.Wrap("mailbox.Usable", err)
}

// Watch sends the account's ModSeq after something in it changed, until ctx ends. It is a hint to
// Poll: several changes may come as one, but the last is never left unsaid.
func (a *Account) Watch(ctx context.Context) <-chan mail.ModSeq {
	return a.tenant.Watch(ctx, a.account.ID)
}

// Keywords lists the account's keywords; the n-th is flag mail.Keyword(n).
func (a *Account) Keywords(ctx context.Context) ([]string, error) {
	return a.keywordsOf(ctx, "mailbox.Keywords", a.account.ID)
}

func (a *Account) keywordsOf(ctx context.Context, op mail.Op, of mail.AccountID) (names []string, err error) {
	err = a.view(ctx, op, func(r store.Reader) (err error) {
		names, err = r.Keywords(of)
		return err
	})
	return names, err
}

// FlagsOf turns the names of flags (`\Seen`, `$Forwarded`, in any case) into bits and makes
// keywords known that the account did not use yet. Invalid "flag.unknown" for a name that can't be
// a flag, Full "keywords.too_many" past mail.MaxKeywords.
func (a *Account) FlagsOf(ctx context.Context, names []string) (mail.Flags, error) {
	return a.flagsOf(ctx, "mailbox.FlagsOf", a.account.ID, names)
}

// flagsOf is FlagsOf for an account whose mailbox may be written to.
func (a *Account) flagsOf(ctx context.Context, op mail.Op, of mail.AccountID, names []string) (mail.Flags, error) {
	flags, words, err := splitFlags(op, names)
	if err != nil || len(words) == 0 {
		return flags, err
	}
	known, err := a.keywordsOf(ctx, op, of)
	if err != nil {
		return 0, err
	}
	if bits, ok := knownKeywords(known, words); ok {
		return flags | bits, nil
	}
	var bits mail.Flags
	err = a.update(ctx, op, func(tx store.Tx) (err error) {
		bits, err = addKeywords(tx, of, words)
		return err
	})
	return flags | bits, err
}

// systemFlags are the flags of RFC 9051 §2.3.2 by their names in lower case.
var systemFlags = map[string]mail.Flags{
	`\seen`: mail.Seen, `\answered`: mail.Answered, `\flagged`: mail.Flagged,
	`\deleted`: mail.Deleted, `\draft`: mail.Draft,
}

// splitFlags takes system flags and keywords apart.
func splitFlags(op mail.Op, names []string) (flags mail.Flags, words []string, err error) {
	for _, name := range names {
		bit, ok := systemFlags[strings.ToLower(name)]
		switch {
		case ok:
			flags |= bit
		case keyword(name):
			words = append(words, name)
		default:
			return 0, nil, mail.E(op, mail.Invalid, "flag.unknown", name)
		}
	}
	return flags, words, nil
}

// keyword tells whether name is a flag-keyword: an atom (RFC 9051 §9).
func keyword(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return false
		}
	}
	return name != "" && len(name) <= MaxKeyword
}

// knownKeywords gives the flags of words if the account knows all of them.
func knownKeywords(known, words []string) (bits mail.Flags, ok bool) {
	for _, word := range words {
		n := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, word) })
		if n < 0 {
			return 0, false
		}
		bits |= mail.Keyword(n)
	}
	return bits, true
}

// addKeywords gives the flags of words, making them known.
func addKeywords(tx store.Tx, acc mail.AccountID, words []string) (bits mail.Flags, err error) {
	for _, word := range words {
		bit, err := tx.AddKeyword(acc, word)
		if err != nil {
			return 0, err
		}
		bits |= bit
	}
	return bits, nil
}

// view reads one consistent state of the account's tenant.
func (a *Account) view(ctx context.Context, op mail.Op, fn func(store.Reader) error) error {
	a.service.texts.active.Add(1)
	return mail.Wrap(op, a.tenant.View(ctx, fn))
}

// update changes the account's tenant in the name of its owner.
func (a *Account) update(ctx context.Context, op mail.Op, fn func(store.Tx) error) error {
	a.service.texts.active.Add(1)
	return mail.Wrap(op, a.tenant.Update(ctx, a.id.Actor(), op, fn))
}
