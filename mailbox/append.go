package mailbox

import (
	"context"
	"io"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/mime"
)

// Upload is a message on its way into an account: octets held until Append keeps them. Use from one goroutine.
type Upload interface {
	// Write adds octets. Full "message.too_big" past the limit of Stage, Busy "storage.busy" while too much of the same account or
	// tenant is on its way.
	io.Writer
	// Size is the number of octets so far.
	Size() int64
	// Release gives the buffers back. Call it always, once, after Append or instead of it.
	Release()

	of() *upload // an Upload is made by Stage only
}

type upload struct {
	store.Staged
	owner *Account
	limit int64
	held  int64 // counted as on their way
}

func (u *upload) of() *upload { return u }

// Write adds octets.
func (u *upload) Write(p []byte) (int, error) {
	const op = "mailbox.Upload"
	n := int64(len(p))
	if u.Size()+n > u.limit {
		return 0, mail.E(op, mail.Full, "message.too_big", u.limit>>20)
	}
	if !u.owner.service.uploads.take(u.uploader(), n) {
		return 0, mail.E(op, mail.Busy, "storage.busy")
	}
	u.held += n
	return u.Staged.Write(p)
}

func (u *upload) uploader() uploader { return uploader{u.owner.id.Tenant(), u.owner.account.ID} }

// Release gives the buffers back.
func (u *upload) Release() {
	u.owner.service.uploads.give(u.uploader(), u.held)
	u.held = 0
	u.Staged.Release()
}

// MaxAppended is how many messages one Append takes (RFC 3502).
const MaxAppended = 100

// Appended is a message to append.
type Appended struct {
	Upload
	Flags    mail.Flags
	Keywords []string  // names of flags beside Flags; made known with the message
	Received time.Time // INTERNALDATE; zero = now
}

// Stage begins to take in a message of size octets (0: not known). Full "message.too_big" at once
// for a size past the limit (ML-9), Busy "storage.busy" when too much is on its way.
func (a *Account) Stage(ctx context.Context, size int64) (Upload, error) {
	const op = "mailbox.Stage"
	limit := a.service.cfg.MaxMessage
	if size > limit {
		return nil, mail.E(op, mail.Full, "message.too_big", limit>>20)
	}
	staged, err := a.tenant.Blobs().Stage(ctx, size)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return &upload{Staged: staged, owner: a, limit: limit}, nil
}

// Append puts messages into a mailbox, all or none, in one commit (RFC 9051 §6.3.12, RFC 3502). The
// result carries no Index. NotFound "mailbox.unknown", Denied "mailbox.no_right" without RightInsert, Full "box.full"
// over the owner's quota (SV-5), Full "keywords.too_many", Full "message.too_many" past MaxAppended.
func (a *Account) Append(ctx context.Context, path string, in []Appended) ([]Message, error) {
	const op = "mailbox.Append"
	p, err := a.prepare(ctx, op, path, in)
	if err != nil {
		return nil, err
	}
	var out []Message
	var g grown
	err = a.update(ctx, op, func(tx store.Tx) (err error) {
		out, g, err = a.appendAll(tx, p.quota, &p.at, p.ready)
		return err
	})
	if err != nil {
		return nil, err
	}
	a.showGrown(&g)
	return out, nil
}

// prepared is what an Append did before its transaction.
type prepared struct {
	at    spot
	quota int64 // of the mailbox's owner, in octets
	ready []sealed
}

// prepare finds whose mailbox is meant, and puts the messages to rest.
func (a *Account) prepare(ctx context.Context, op mail.Op, path string, in []Appended) (p prepared, err error) {
	if p.at, err = a.locate(ctx, op, path); err != nil {
		return p, err
	}
	if len(in) > MaxAppended {
		return p, mail.E(op, mail.Full, "message.too_many", MaxAppended)
	}
	if p.quota, err = a.limitOf(ctx, op, &p.at); err != nil {
		return p, err
	}
	p.ready = make([]sealed, len(in))
	for i := range in {
		if p.ready[i], err = a.seal(ctx, op, &in[i]); err != nil {
			return p, err
		}
	}
	return p, nil
}

// showGrown lets sessions that look at the mailbox see what was added without reading it.
func (a *Account) showGrown(g *grown) {
	boxes := &a.service.boxes
	if s := boxes.takeUsed(boxKey{a.id.Tenant(), g.after.ID}); s != nil {
		s.grow(g)
		boxes.give(s)
	}
}

// sealed is a message ready to be kept: its octets at rest, its structure known.
type sealed struct {
	*upload
	index []byte
	flags mail.Flags
	words []string
	date  time.Time
}

// seal reads the structure of a message, once and for all, and puts its octets to rest.
func (a *Account) seal(ctx context.Context, op mail.Op, in *Appended) (sealed, error) {
	u := in.of()
	if u.owner != a {
		return sealed{}, mail.E(op, mail.Denied, "upload.foreign")
	}
	flags, words, err := splitFlags(op, in.Keywords)
	if err != nil {
		return sealed{}, err
	}
	index := mime.ParseChunks(u.Chunks(), mime.Limits{}).Encode(nil)
	if err := u.Seal(ctx); err != nil {
		return sealed{}, mail.Wrap(op, err)
	}
	date := in.Received
	if date.IsZero() {
		date = time.Now()
	}
	return sealed{u, index, in.Flags | flags, words, date}, nil
}

// appendAll keeps messages in one transaction, with those of their flags that the account may set there.
func (a *Account) appendAll(tx store.Tx, quota int64, at *spot, in []sealed) (out []Message, g grown, err error) {
	const op = "mailbox.Append"
	var rights Rights
	if g.before, rights, err = a.resolve(tx, op, at, RightInsert); err != nil {
		return nil, g, err
	}
	box, err := tx.Box(at.owner.ID)
	if err != nil {
		return nil, g, err
	}
	if err := room(op, box, total(in), quota); err != nil {
		return nil, g, err
	}
	g.since = box.ModSeq
	out = make([]Message, 0, len(in))
	for _, s := range in {
		m, err := keep(tx, g.before, rights, s)
		if err != nil {
			return nil, g, err
		}
		out = append(out, m)
		g.added = append(g.added, Mark{UID: m.UID, Flags: m.Flags, ModSeq: m.ModSeq})
		g.until = m.ModSeq
	}
	a.service.texts.grew(textAccount{a.id.Tenant(), at.owner.ID}, len(in))
	g.after, err = tx.Mailbox(g.before.ID)
	return out, g, err
}

// total is how many octets messages take together.
func total(in []sealed) (size int64) {
	for _, m := range in {
		size += m.Size()
	}
	return size
}

// keep puts one message into a mailbox. Its thread is found later (thread.go).
func keep(tx store.Tx, into Mailbox, rights Rights, s sealed) (Message, error) {
	if !rights.Has(RightWrite) {
		s.words = nil
	}
	words, err := addKeywords(tx, into.Account, s.words)
	if err != nil {
		return Message{}, err
	}
	blob, err := tx.Keep(s.Staged, s.index)
	if err != nil {
		return Message{}, err
	}
	return tx.AddMessage(store.NewMessage{
		Mailbox: into.ID, Flags: s.flags&rights.Flags() | words, Received: s.date, Blob: blob,
	})
}
