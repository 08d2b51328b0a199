package push

import (
	"slices"
	"strconv"

	"tegami/mailbox"
	"tegami/wire/jmap"
)

// followed is what of an account a type's state hangs on.
type followed struct {
	mail    bool   // messages and mailboxes
	arrived bool   // messages that come
	entry   string // a kind of entries
}

// types are those whose changes are told (RFC 8620 §7.1, RFC 8621 §1.5). Quota's state is made of its figures.
var types = map[string]followed{
	"Mailbox": {mail: true}, "Thread": {mail: true}, "Email": {mail: true}, "Quota": {}, "EmailDelivery": {arrived: true},
	"Identity": {entry: "identity"}, "EmailSubmission": {entry: "submission"}, "Snooze": {entry: "snooze"},
	"AddressBook": {entry: "book"}, "ContactCard": {entry: "card"}, "Settings": {entry: "settings"},
	"QuarantinedEmail": {entry: "quarantined"},
}

// Known tells whether changes of a type are told.
func Known(name string) bool {
	_, ok := types[name]
	return ok
}

// Kinds are the kinds of entries whose changes are told.
func Kinds() (list []string) {
	for _, f := range types {
		if f.entry != "" {
			list = append(list, f.entry)
		}
	}
	slices.Sort(list)
	return list
}

// States are the new states of the types that changed; state is that of the account's records.
func States(m mailbox.Moved, state string) map[string]string {
	out := map[string]string{}
	for name, f := range types {
		if f.mail && m.Mail || f.arrived && m.Arrived || f.entry != "" && slices.Contains(m.Entries, f.entry) {
			out[name] = state
		}
	}
	return out
}

// QuotaState is the state of an account's quota: it changes when its figures do.
func QuotaState(used, limit int64) string {
	return strconv.FormatInt(used, 36) + "." + strconv.FormatInt(limit, 36)
}

// changeOf is what a subscriber is told of an account's states.
func changeOf(account jmap.Id, states map[string]string) jmap.StateChange {
	return jmap.StateChange{Type: "StateChange", Changed: map[jmap.Id]map[string]string{account: states}}
}
