package directory

import (
	"context"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// SeatRight is what somebody may do with a shared mailbox. Each contains those before it.
type SeatRight string

// Rights on a shared mailbox.
const (
	SeatRead  SeatRight = "read"  // see the mail
	SeatWrite SeatRight = "write" // also file, mark and delete it
	SeatPost  SeatRight = "post"  // also write as the shared mailbox
)

// Seat is an account's place at a shared mailbox.
type Seat struct {
	Account mail.AccountID `json:"account"`
	Right   SeatRight      `json:"right"`
}

// MaxSeats is how many accounts share a mailbox.
const MaxSeats = 500

// seatOf marks the shared mailboxes at which an account has a seat.
func seatOf(id mail.AccountID) store.Key { return store.Key{Name: "seat", Value: id.String()} }

// SetSeat gives an account of the company a right on a shared mailbox, in place of the one it had; "" takes it away. Conflict
// "account.not_shared", NotFound "account.unknown", "seat.unknown", Full "seats.too_many", Invalid "seat.right".
func (c *Company) SetSeat(ctx context.Context, by mail.Actor, shared, who mail.AccountID, right SeatRight) error {
	const op = "directory.SetSeat"
	if !slices.Contains([]SeatRight{"", SeatRead, SeatWrite, SeatPost}, right) {
		return mail.E(op, mail.Invalid, "seat.right", string(right))
	}
	return c.changeAccount(ctx, by, op, RightAccounts, shared, func(tx store.Tx, doc *accountDoc) error {
		if !doc.Shared {
			return mail.E(op, mail.Conflict, "account.not_shared", doc.Address.String())
		}
		if err := checkSeat(tx, op, doc, who, right); err != nil {
			return err
		}
		doc.Seats = slices.DeleteFunc(slices.Clone(doc.Seats), func(s Seat) bool { return s.Account == who })
		if right != "" {
			doc.Seats = append(doc.Seats, Seat{who, right})
		}
		if c.dir.cfg.Share == nil {
			return nil
		}
		return c.dir.cfg.Share(tx, shared, who, right)
	})
}

// checkSeat judges whether an account can have a seat.
func checkSeat(r store.Reader, op mail.Op, doc *accountDoc, who mail.AccountID, right SeatRight) error {
	unknown := mail.E(op, mail.NotFound, "account.unknown", who.String())
	sits := slices.ContainsFunc(doc.Seats, func(s Seat) bool { return s.Account == who })
	switch {
	case right == "" && !sits:
		return mail.E(op, mail.NotFound, "seat.unknown", who.String())
	case right == "":
		return nil
	case len(doc.Seats) >= MaxSeats && !sits:
		return mail.E(op, mail.Full, "seats.too_many", MaxSeats)
	}
	member, _, err := readAccount(r, who)
	if err == nil && (member.Shared || member.State == AccountDeleted) {
		return unknown
	}
	return err
}

// dropSeats takes an account's seats away.
func dropSeats(tx store.Tx, id mail.AccountID) error {
	var at []store.Object
	err := eachMarked(tx, kindAccount, seatOf(id), func(o store.Object) error {
		at = append(at, o)
		return nil
	})
	if err != nil {
		return err
	}
	for _, o := range at {
		var doc accountDoc
		if err := read(o, &doc); err != nil {
			return err
		}
		doc.Seats = slices.DeleteFunc(doc.Seats, func(s Seat) bool { return s.Account == id })
		if err := putAccount(tx, mail.AccountID(o.ID), doc, o.Version); err != nil {
			return err
		}
	}
	return nil
}

// SendsAs gives the account under whose addresses a signed-in account may write when it says it is from: its own, or a shared mailbox
// at which it has a seat with SeatPost. Denied "sender.not_owned".
func (d *Directory) SendsAs(ctx context.Context, who Account, from mail.Address) (Account, error) {
	const op = "directory.SendsAs"
	if who.Owns(from) {
		return who, nil
	}
	t, err := d.Resolve(ctx, from)
	if err != nil && !mail.Is(err, mail.NotFound) && !mail.Is(err, mail.Denied) {
		return who, mail.Wrap(op, err)
	}
	shared := err == nil && t.Tenant == who.Tenant && t.Account.Shared && t.Account.State == AccountActive && t.Account.Owns(from)
	if !shared || !slices.Contains(t.Account.Seats, Seat{who.ID, SeatPost}) {
		return who, mail.E(op, mail.Denied, "sender.not_owned", from.String())
	}
	return t.Account, nil
}
