package mailbox

import (
	"context"
	"encoding/json"
	"slices"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Limits of the names an account is subscribed to beside its own mailboxes.
const (
	// MaxSubscriptions is how many there may be.
	MaxSubscriptions = 1000
	// MaxSubscriptionsSize is how many octets they have together: all are written with each change.
	MaxSubscriptionsSize = 128 << 10
)

// subscriptions are what an account is subscribed to beside its own mailboxes, which note it themselves: mailboxes of
// others, and names of its own whose mailbox is gone (RFC 9051 §6.3.7: a name leaves the list only when the user
// says so). It is one object with the account's id.
type subscriptions struct {
	Names []subscription `json:"names"`
}

// subscription is a name in the list. That of somebody else's mailbox follows it when it is renamed.
type subscription struct {
	Mailbox mail.MailboxID `json:"mailbox,omitzero"`
	Path    string         `json:"path"`
}

// readSubscriptions gives the list of an account, and its version.
func readSubscriptions(r store.Reader, acc mail.AccountID) (s subscriptions, version uint64, err error) {
	const op = "mailbox.readSubscriptions"
	o, err := r.Object(directory.KindSubscriptions, mail.ObjectID(acc))
	if mail.Is(err, mail.NotFound) {
		return s, 0, nil
	}
	if err != nil {
		return s, 0, mail.Wrap(op, err)
	}
	if err := json.Unmarshal(o.Doc, &s); err != nil {
		return s, 0, mail.Because(op, mail.Other, "", err)
	}
	return s, o.Version, nil
}

// put writes the list; an empty one is removed. What is in it stays out of the operation log, which would keep the whole list with each
// change.
func (s *subscriptions) put(tx store.Tx, acc mail.AccountID, version uint64) error {
	const op = "mailbox.putSubscriptions"
	if len(s.Names) == 0 {
		return mail.Wrap(op, tx.DeleteObject(directory.KindSubscriptions, mail.ObjectID(acc), version))
	}
	doc, err := json.Marshal(s)
	if err != nil {
		return mail.Because(op, mail.Other, "", err)
	}
	_, err = tx.PutObject(store.Object{
		Kind: directory.KindSubscriptions, ID: mail.ObjectID(acc), Version: version,
		Marks: []store.Key{directory.OfAccount(acc)}, Doc: doc, Secret: true,
	})
	return mail.Wrap(op, err)
}

// size is how many octets the names have.
func (s *subscriptions) size() (n int) {
	for i := range s.Names {
		n += len(s.Names[i].Path)
	}
	return n
}

// full tells whether there are more names than there may be.
func (s *subscriptions) full() bool {
	return len(s.Names) > MaxSubscriptions || s.size() > MaxSubscriptionsSize
}

// at gives the place of a mailbox, or of a path without one, in the list; -1 where it is not.
func (s *subscriptions) at(box mail.MailboxID, path string) int {
	return slices.IndexFunc(s.Names, func(n subscription) bool {
		return box != 0 && n.Mailbox == box || n.Path == path && (box == 0 || n.Mailbox == 0)
	})
}

// addTo marks the folders that are in the list as subscribed, and adds those that are gone.
func (s *subscriptions) addTo(folders []Folder) []Folder {
	for _, n := range s.Names {
		i := slices.IndexFunc(folders, func(f Folder) bool {
			return f.Foreign && f.ID == n.Mailbox || n.Mailbox == 0 && f.Path == n.Path
		})
		if i >= 0 {
			folders[i].Subscribed = true
			continue
		}
		f := Folder{Path: n.Path, Missing: true, Foreign: n.Mailbox != 0}
		f.Subscribed = true
		folders = append(folders, f)
	}
	slices.SortFunc(folders, byPath)
	return folders
}

// Subscribe sets whether a mailbox is among those the user wants to see (RFC 9051 §6.3.7, §6.3.8); a mailbox of somebody
// else's is so for this account only. NotFound "mailbox.unknown" for a name that is neither a mailbox nor in the list,
// Full "subscriptions.too_many".
func (a *Account) Subscribe(ctx context.Context, path string, on bool) error {
	const op = "mailbox.Subscribe"
	at, err := a.locate(ctx, op, path)
	if mail.Is(err, mail.NotFound) && !on { // of an account that is gone
		at = spot{path: path, foreign: true}
	} else if err != nil {
		return err
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		m, err := a.subscribable(tx, op, &at)
		switch {
		case mail.Is(err, mail.NotFound):
			return a.subscribeGone(tx, op, at.path, on, err)
		case err != nil:
			return err
		case !at.foreign:
			return setSubscribed(tx, m, on)
		}
		return a.subscribeName(tx, op, subscription{m.ID, at.path}, on)
	})
}

// subscribable gives the mailbox at a spot if the account may look it up.
func (a *Account) subscribable(r store.Reader, op mail.Op, at *spot) (Mailbox, error) {
	if at.owner.ID == 0 {
		return Mailbox{}, mail.E(op, mail.NotFound, "mailbox.unknown", at.path)
	}
	m, _, err := a.resolve(r, op, at, RightLookup)
	return m, err
}

func setSubscribed(tx store.Tx, m Mailbox, on bool) error {
	if m.Subscribed == on {
		return nil
	}
	m.Subscribed = on
	return tx.SetMailbox(m)
}

// subscribeName puts a name into the list of the account or takes it out.
func (a *Account) subscribeName(tx store.Tx, op mail.Op, n subscription, on bool) error {
	s, version, err := readSubscriptions(tx, a.account.ID)
	if err != nil {
		return err
	}
	i := s.at(n.Mailbox, n.Path)
	switch {
	case on == (i >= 0):
		return nil
	case !on:
		s.Names = slices.Delete(s.Names, i, i+1)
	default:
		if s.Names = append(s.Names, n); s.full() {
			return mail.E(op, mail.Full, "subscriptions.too_many", MaxSubscriptions)
		}
	}
	if err := s.put(tx, a.account.ID, version); err != nil {
		return err
	}
	return rouse(tx, a.account.ID)
}

// subscribeGone is subscribeName for the name of a mailbox that is not there; unknown is the error where the list has it not.
func (a *Account) subscribeGone(tx store.Tx, op mail.Op, path string, on bool, unknown error) error {
	s, _, err := readSubscriptions(tx, a.account.ID)
	switch {
	case err != nil:
		return err
	case s.at(0, path) < 0:
		return unknown
	case on:
		return nil
	}
	return a.subscribeName(tx, op, subscription{Path: path}, false)
}

// keepName puts the name of an account's mailbox that goes into its list, if it was subscribed. The oldest name makes room.
func keepName(tx store.Tx, m *Mailbox, levels []string) error {
	if !m.Subscribed {
		return nil
	}
	s, version, err := readSubscriptions(tx, m.Account)
	if err != nil || s.at(0, joinPath(levels)) >= 0 {
		return err
	}
	s.Names = append(s.Names, subscription{Path: joinPath(levels)})
	for s.full() {
		s.Names = s.Names[1:]
	}
	return s.put(tx, m.Account, version)
}

// takeName takes the name of a mailbox that an account made out of its list; then the mailbox notes that it is subscribed.
func takeName(tx store.Tx, m *Mailbox, levels []string) error {
	s, version, err := readSubscriptions(tx, m.Account)
	if err != nil {
		return err
	}
	i := s.at(0, joinPath(levels))
	if i < 0 || s.Names[i].Mailbox != 0 {
		return nil
	}
	s.Names = slices.Delete(s.Names, i, i+1)
	if err := s.put(tx, m.Account, version); err != nil {
		return err
	}
	m.Subscribed = true
	return tx.SetMailbox(*m)
}
