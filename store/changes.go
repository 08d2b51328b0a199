package store

import "tegami/mail"

// EntryChanges are what changed of an account's entries of a kind between two states (RFC 8620 §5.2).
type EntryChanges struct {
	New                         mail.ModSeq
	More                        bool // ask again since New
	Created, Updated, Destroyed []mail.ObjectID
}

// EntriesChanged tells what changed of an account's entries of a kind since a state, at most limit entries, which is 1 to MaxPage. Conflict
// "state.unknown" where that is forgotten.
func EntriesChanged(r Reader, account mail.AccountID, kind string, since mail.ModSeq, limit int) (c EntryChanges, err error) {
	box, err := r.Box(account)
	if err != nil {
		return c, err
	}
	floor, err := r.EntriesFloor(account, kind)
	if err != nil {
		return c, err
	}
	if since > box.ModSeq || since < floor {
		return c, mail.E("store.EntriesChanged", mail.Conflict, "state.unknown")
	}
	list, err := r.EntriesSince(account, kind, since, limit)
	if err != nil {
		return c, err
	}
	c.New = box.ModSeq
	if c.More = len(list) == limit; c.More {
		c.New = list[limit-1].ModSeq
	}
	for i := range list {
		c.add(&list[i], since)
	}
	return c, nil
}

func (c *EntryChanges) add(e *Entry, since mail.ModSeq) {
	switch {
	case e.Gone && e.Born > since: // came and went
	case e.Gone:
		c.Destroyed = append(c.Destroyed, e.ID)
	case e.Born > since:
		c.Created = append(c.Created, e.ID)
	default:
		c.Updated = append(c.Updated, e.ID)
	}
}
