package directory

import (
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// KindScript is the kind of the objects that are scripts of accounts' filters. Package mailbox keeps them; they go with
// their account.
const KindScript = "script"

// KindPush is the kind of the objects that are subscriptions to pushes (RFC 8620 §7.2). Package push keeps them; they go with their account.
const KindPush = "push"

// Kinds of objects that package mailbox keeps about mailboxes: what somebody may do with one, annotations, the names
// somebody subscribed to. They go with the owner of the mailbox and with the account they are for.
const (
	KindGrant         = "grant"
	KindAnnotation    = "annotation"
	KindSubscriptions = "subscriptions"
)

// ofAccount are the kinds of objects that are kept for an account, here or by other rooms, under the mark of OfAccount.
var ofAccount = [...]string{kindApp, KindScript, KindGrant, KindAnnotation, KindSubscriptions, KindPush, kindSessions, kindFactors, kindSignIns, kindExternal, kindSenders}

// OfAccount marks what belongs to an account and goes with it.
func OfAccount(id mail.AccountID) store.Key { return store.Key{Name: "account", Value: id.String()} }

// MaxRedirects is how many of a script's addresses are noted.
const MaxRedirects = 50

// SetFilter notes whether an account has an active script and whereto it sends mail on, inside the transaction that activates or
// changes it: so that a delivery knows without a look-up, and administrators see who forwards. NotFound "account.unknown".
func SetFilter(tx store.Tx, id mail.AccountID, on bool, to []mail.Address) error {
	doc, version, err := readAccount(tx, id)
	to = to[:min(len(to), MaxRedirects)]
	if err != nil || doc.Filter == on && slices.EqualFunc(doc.Redirects.To, to, sameAddress) {
		return mail.Wrap("directory.SetFilter", err)
	}
	if doc.Filter = on; !slices.EqualFunc(doc.Redirects.To, to, sameAddress) {
		doc.Redirects = Redirects{}
		if len(to) > 0 {
			doc.Redirects = Redirects{slices.Clone(to), time.Now().UTC().Truncate(time.Second)}
		}
	}
	return mail.Wrap("directory.SetFilter", putAccount(tx, id, doc, version))
}

// dropBelongings deletes what is kept for an account, and what it remembers.
func dropBelongings(tx store.Tx, id mail.AccountID) error {
	for _, kind := range ofAccount {
		err := eachMarked(tx, kind, OfAccount(id), func(o store.Object) error {
			return tx.DeleteObject(kind, o.ID, o.Version)
		})
		if err != nil {
			return err
		}
	}
	return tx.DropBelongings(id)
}
