package outbox

import (
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Limits of snoozing.
const (
	// MaxSnoozes is how many messages of an account sleep at once.
	MaxSnoozes = 1000
	// MaxSnooze is how long a message may sleep.
	MaxSnooze = 5 * 366 * 24 * time.Hour
)

// RoleSnoozed is the role of the mailbox that messages sleep in; it is made when it is needed.
const RoleSnoozed = "snoozed"

// KeywordAwake is on a message that came back from sleep, until somebody takes it off.
const KeywordAwake = "$snoozed"

// Snooze is a message that sleeps: it lies in the mailbox with RoleSnoozed, and is brought back to where it was at its time, unread and with
// KeywordAwake.
type Snooze struct {
	ID    mail.ObjectID  `json:"-"`
	Email mail.EmailID   `json:"email"`
	From  mail.MailboxID `json:"from"` // where it was
	Until time.Time      `json:"until"`
	Alarm mail.ObjectID  `json:"alarm"`
}

// Snoozes gives the messages that sleep, in the order they were put to sleep.
func (b *Box) Snoozes(ctx context.Context) (list []Snooze, err error) {
	err = b.tenant.View(ctx, func(r store.Reader) error {
		list = nil
		return all(r, b.id, kindSnooze, func(e store.Entry) error {
			var s Snooze
			if err := decode(e, &s); err != nil {
				return err
			}
			s.ID = e.ID
			list = append(list, s)
			return nil
		})
	})
	return list, mail.Wrap("outbox.Snoozes", err)
}

// Snooze puts a message to sleep. NotFound "message.unknown"; Invalid "snooze.time" for a time that is not within MaxSnooze ahead; Conflict
// "snooze.asleep" for one that sleeps already; Full "snooze.too_many".
func (b *Box) Snooze(ctx context.Context, id mail.EmailID, until time.Time) (s Snooze, err error) {
	const op = "outbox.Snooze"
	if err := checkTime(op, until); err != nil {
		return s, err
	}
	lang := b.who.Account().Lang
	err = b.update(ctx, op, func(tx store.Tx) error {
		m, err := b.message(tx, id)
		if err != nil {
			return err
		}
		if err := b.mayDoze(tx, op, id); err != nil {
			return err
		}
		into, err := sleepers(tx, b.id, lang)
		if err != nil {
			return err
		}
		s = Snooze{Email: id, From: m.Mailbox, Until: until.UTC().Truncate(time.Millisecond)}
		if m.Mailbox == into.ID { // it was put there by hand
			s.From = 0
		} else if _, err := tx.MoveMessage(m.Mailbox, m.UID, into.ID); err != nil {
			return err
		}
		return b.putSnooze(tx, store.Entry{Kind: kindSnooze, Account: b.id, Key: id.String()}, &s)
	})
	return s, err
}

func checkTime(op mail.Op, until time.Time) error {
	if wait := time.Until(until); wait <= 0 || wait > MaxSnooze {
		return mail.E(op, mail.Invalid, "snooze.time")
	}
	return nil
}

// mayDoze tells whether a message may be put to sleep.
func (b *Box) mayDoze(r store.Reader, op mail.Op, id mail.EmailID) error {
	_, err := r.EntryByKey(b.id, kindSnooze, id.String())
	if err == nil {
		return mail.E(op, mail.Conflict, "snooze.asleep")
	}
	if !mail.Is(err, mail.NotFound) {
		return err
	}
	n, err := r.CountEntries(b.id, kindSnooze)
	if err == nil && n >= MaxSnoozes {
		err = mail.E(op, mail.Full, "snooze.too_many", MaxSnoozes)
	}
	return err
}

// putSnooze writes a snooze with a new alarm.
func (b *Box) putSnooze(tx store.Tx, e store.Entry, s *Snooze) (err error) {
	if e.ID == 0 {
		e.ID = mail.ObjectID(tx.NextID())
	}
	s.ID = e.ID
	if s.Alarm, err = putAlarm(tx, s.Until, alarm{b.id, e.ID}); err != nil {
		return err
	}
	_, err = put(tx, e, s)
	return err
}

// Postpone has a message sleep until another time. NotFound "snooze.unknown"; Invalid as of Snooze.
func (b *Box) Postpone(ctx context.Context, id mail.ObjectID, until time.Time) error {
	const op = "outbox.Postpone"
	if err := checkTime(op, until); err != nil {
		return err
	}
	return b.update(ctx, op, func(tx store.Tx) error {
		e, s, err := snooze(tx, b.id, id)
		if err != nil {
			return err
		}
		if err := dropAlarm(tx, s.Alarm); err != nil {
			return err
		}
		s.Until = until.UTC().Truncate(time.Millisecond)
		return b.putSnooze(tx, e, &s)
	})
}

// Rouse brings a message back at once, as it was. NotFound "snooze.unknown".
func (b *Box) Rouse(ctx context.Context, id mail.ObjectID) error {
	return b.update(ctx, "outbox.Rouse", func(tx store.Tx) error {
		_, s, err := snooze(tx, b.id, id)
		if err != nil {
			return err
		}
		if err := dropAlarm(tx, s.Alarm); err != nil {
			return err
		}
		if _, err := s.back(tx, b.id); err != nil {
			return err
		}
		return tx.DeleteEntry(b.id, kindSnooze, id)
	})
}

// snooze gives one. NotFound "snooze.unknown".
func snooze(r store.Reader, a mail.AccountID, id mail.ObjectID) (e store.Entry, s Snooze, err error) {
	e, err = r.Entry(a, kindSnooze, id)
	if mail.Is(err, mail.NotFound) {
		return e, s, mail.E("outbox.snooze", mail.NotFound, "snooze.unknown")
	}
	if err == nil {
		err = decode(e, &s)
	}
	s.ID = id
	return e, s, err
}

// sleepers gives the mailbox that messages sleep in, made if need be.
func sleepers(tx store.Tx, a mail.AccountID, lang string) (store.Mailbox, error) {
	boxes, err := tx.Mailboxes(a)
	if err != nil {
		return store.Mailbox{}, err
	}
	if i := withRole(boxes, RoleSnoozed); i >= 0 {
		return boxes[i], nil
	}
	name := "Snoozed"
	if lang == "ja" {
		name = "スヌーズ中"
	}
	i := slices.IndexFunc(boxes, func(m store.Mailbox) bool { return m.Parent == 0 && m.Name == name })
	if i < 0 {
		return tx.CreateMailbox(store.Mailbox{Account: a, Name: name, Role: RoleSnoozed, Subscribed: true})
	}
	if boxes[i].Role == "" {
		boxes[i].Role = RoleSnoozed
		return boxes[i], tx.SetMailbox(boxes[i])
	}
	return tx.CreateMailbox(store.Mailbox{Account: a, Name: name + " 2", Role: RoleSnoozed, Subscribed: true})
}

func withRole(boxes []store.Mailbox, role string) int {
	return slices.IndexFunc(boxes, func(m store.Mailbox) bool { return m.Role == role })
}

// back moves a message to where it was, or to the inbox where that is gone. One that somebody moved meanwhile stays where it is: then it is
// zero, as where it is gone.
func (s *Snooze) back(tx store.Tx, a mail.AccountID) (m store.Message, err error) {
	m, err = tx.Email(s.Email)
	if mail.Is(err, mail.NotFound) || err == nil && m.Account != a {
		return store.Message{}, nil
	}
	if err != nil {
		return m, err
	}
	boxes, err := tx.Mailboxes(a)
	if err != nil {
		return m, err
	}
	if i := withRole(boxes, RoleSnoozed); i < 0 || boxes[i].ID != m.Mailbox {
		return store.Message{}, nil
	}
	i := slices.IndexFunc(boxes, func(b store.Mailbox) bool { return b.ID == s.From })
	if i < 0 {
		i = withRole(boxes, "inbox")
	}
	if i < 0 {
		return store.Message{}, nil
	}
	mark, err := tx.MoveMessage(m.Mailbox, m.UID, boxes[i].ID)
	m.Mailbox, m.UID, m.Flags = boxes[i].ID, mark.UID, mark.Flags
	return m, err
}
