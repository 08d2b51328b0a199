package directory

import (
	"context"
	"net/netip"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Age makes an account's password older.
func Age(ctx context.Context, in store.Tenant, id mail.AccountID, by time.Duration) error {
	return in.Update(ctx, atWork(), "test.Age", func(tx store.Tx) error {
		have, err := readCredential(tx, id)
		if err != nil {
			return err
		}
		doc := have.credentialDoc
		doc.Changed = doc.Changed.Add(-by)
		return putCredential(tx, id, have, &doc)
	})
}

// MadeUpToken is a session's token that nobody gave out.
func MadeUpToken(tenant mail.TenantID, id mail.ObjectID) string {
	token, _ := newToken(holder{tenant, id})
	return token
}

// NoteFailures writes failures from so many addresses into an account's sign-in log, in one update.
func NoteFailures(ctx context.Context, d *Directory, tenant mail.TenantID, id mail.AccountID, n int) error {
	h, now := holder{tenant, mail.ObjectID(id)}, time.Now()
	return d.storeOf(h).Update(ctx, atWork(), "test.NoteFailures", func(tx store.Tx) error {
		var doc signInsDoc
		o, err := readKept(tx, h, kindSignIns, signInSlot(h, now), &doc)
		if err != nil {
			return err
		}
		doc.Month = now.Format("2006-01")
		for i := range n {
			remote := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
			doc.add(signInLine{First: now, Last: now, Count: 1, Protocol: "web", Remote: remote, Reason: "auth.failed"})
		}
		return putHeld(tx, o, doc, true)
	})
}
