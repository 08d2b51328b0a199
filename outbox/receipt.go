package outbox

import (
	"context"
	"io"
	"strings"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/compose"
	"tegami/wire/mdn"
	"tegami/wire/mime"
)

// KeywordReceipt is on a message that a receipt was sent for, or that shall have none (RFC 3503 §3.1).
const KeywordReceipt = "$mdnsent"

// Receipt asks for a receipt of a message to be sent (RFC 9007 §2.1). The addresses of its notification are filled in where they are empty.
type Receipt struct {
	Identity mail.ObjectID
	Email    mail.EmailID
	mdn.Notification
	WithHeader bool // the header of the message goes with it
}

// reading is a message that a receipt is for.
type reading struct {
	email    store.Message
	identity Identity
	header   mime.Header
	to       mail.Address
}

// SendReceipt tells who sent a message what became of it, if he asked for it; once. It is sent to nobody who sends for many or has no address to
// answer to (RFC 8098 §2.1), and without being asked only to where the message itself came from.
//
// NotFound "identity.unknown", "message.unknown"; Conflict "mdn.sent"; Denied "mdn.not_wanted", "mdn.refused"; Invalid "mdn.disposition", "mdn.field"; errors of
// sending as of Submit.
func (b *Box) SendReceipt(ctx context.Context, r *Receipt) error {
	const op = "outbox.SendReceipt"
	if !r.Disposition.Valid() {
		return mail.E(op, mail.Invalid, "mdn.disposition")
	}
	m, err := b.reading(ctx, r)
	if err != nil {
		return mail.Wrap(op, err)
	}
	if err := m.mayAnswer(r.Disposition); err != nil {
		return mail.Wrap(op, err)
	}
	octets, err := m.receipt(r)
	if err != nil {
		return mail.Wrap(op, err)
	}
	if err := b.markReceipt(ctx, r.Email, true); err != nil {
		return mail.Wrap(op, err)
	}
	if err := b.sendReceipt(ctx, m.to, octets); err != nil {
		if again := b.markReceipt(context.WithoutCancel(ctx), r.Email, false); again != nil {
			b.cfg.Log.Error("a message stays marked as one with a receipt", "account", b.id.String(), "email", r.Email.String(), "err", again)
		}
		return mail.Wrap(op, err)
	}
	return nil
}

// Subject is a message's subject, decoded. NotFound "message.unknown".
func (b *Box) Subject(ctx context.Context, id mail.EmailID) (text string, err error) {
	err = b.tenant.View(ctx, func(r store.Reader) error {
		m, err := b.message(r, id)
		if err != nil {
			return err
		}
		parsed, err := mime.Decode(m.Index)
		if err == nil {
			text = parsed.Root.Envelope.SubjectText()
		}
		return err
	})
	return text, mail.Wrap("outbox.Subject", err)
}

// reading reads what a receipt is about.
func (b *Box) reading(ctx context.Context, r *Receipt) (*reading, error) {
	m := &reading{}
	err := b.tenant.View(ctx, func(tx store.Reader) (err error) {
		if _, m.identity, err = b.identity(tx, r.Identity); err != nil {
			return err
		}
		m.email, err = b.message(tx, r.Email)
		return err
	})
	if err != nil {
		return nil, err
	}
	parsed, err := mime.Decode(m.email.Index)
	if err != nil {
		return nil, err
	}
	blob, err := b.tenant.Blobs().Open(ctx, m.email.Blob)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	m.header = make([]byte, min(parsed.Root.BodyStart, maxHeader))
	if _, err := blob.ReadAt(m.header, 0); err != nil && err != io.EOF {
		return nil, mail.Because("outbox.reading", mail.Unavailable, "", err)
	}
	return m, nil
}

// mayAnswer tells whether there is somebody to answer to.
func (m *reading) mayAnswer(d mdn.Disposition) error {
	const op = "outbox.mayAnswer"
	to, ok := mdn.Requested(m.header)
	if !ok {
		return mail.E(op, mail.Denied, "mdn.not_wanted")
	}
	m.to = to
	refused := mail.E(op, mail.Denied, "mdn.refused")
	for f := range m.header.Fields() {
		if name := strings.ToLower(string(f.Name)); strings.HasPrefix(name, "list-") {
			return refused
		}
	}
	if typ, _ := mime.ParseParams(m.header.Get("Content-Type")); strings.EqualFold(typ, "multipart/report") {
		return refused // a bounce, or a receipt
	}
	switch strings.ToLower(strings.TrimSpace(m.header.Get("Precedence"))) {
	case "bulk", "list", "junk":
		return refused
	}
	path, stands := m.header.Lookup("Return-Path")
	path = strings.Trim(strings.TrimSpace(path), "<>")
	if stands && path == "" {
		return refused
	}
	if from, err := mail.ParseAddress(path); d.Sending == "mdn-sent-automatically" && (err != nil || from.Key() != to.Key()) {
		return refused // RFC 8098 §2.1: a person has to say so
	}
	return nil
}

// receipt writes the message.
func (m *reading) receipt(r *Receipt) ([]byte, error) {
	from, err := mail.ParseAddress(m.identity.Email)
	if err != nil {
		return nil, mail.E("outbox.receipt", mail.Invalid, "address.malformed", m.identity.Email)
	}
	n := r.Notification
	n.OriginalMessageID, n.FinalRecipient = strings.TrimSpace(m.header.Get("Message-ID")), "rfc822; "+from.String()
	n.OriginalRecipient = strings.TrimSpace(m.header.Get("Original-Recipient")) // RFC 8098 §2.3
	n.Original, n.WithMessage = nil, false
	if r.WithHeader {
		n.Original = withoutBcc(m.header)
	}
	var h compose.Header
	h.Time("Date", now())
	h.Addresses("From", compose.Mailbox{Name: m.identity.Name, Address: from})
	h.Addresses("To", compose.Mailbox{Address: m.to})
	h.IDs("Message-ID", compose.NewMessageID(from.Domain))
	h.IDs("In-Reply-To", n.OriginalMessageID)
	h.IDs("References", n.OriginalMessageID)
	h.Text("Subject", n.Subject)
	if r.Disposition.Sending == "mdn-sent-automatically" {
		h.Line("Auto-Submitted", "auto-replied")
	}
	e, err := n.Entity("mdn-" + m.email.ID.String())
	if err != nil {
		return nil, err
	}
	return h.Message(e), nil
}

// markReceipt notes that a message had its receipt, or that it had none after all. Conflict "mdn.sent" where it had one.
func (b *Box) markReceipt(ctx context.Context, id mail.EmailID, sent bool) error {
	const op = "outbox.markReceipt"
	return b.update(ctx, op, func(tx store.Tx) error {
		m, err := b.message(tx, id)
		if err != nil {
			return err
		}
		bit, err := tx.AddKeyword(b.id, KeywordReceipt)
		if err != nil {
			return err
		}
		flags := m.Flags &^ bit
		if sent {
			if m.Flags&bit != 0 {
				return mail.E(op, mail.Conflict, "mdn.sent")
			}
			flags = m.Flags | bit
		}
		_, err = tx.SetFlags(m.Mailbox, m.UID, flags)
		return err
	})
}

// sendReceipt has the intake take a receipt. It has the null reverse-path (RFC 8098 §3).
func (b *Box) sendReceipt(ctx context.Context, to mail.Address, octets []byte) error {
	o := mail.Options{Size: int64(len(octets))}
	if !isASCII(octets) {
		o.Body, o.UTF8 = mail.Body8BitMIME, true
	}
	tx, err := b.cfg.Intake.Begin(ctx, b.origin(), b.who, mail.Address{}, o)
	if err != nil {
		return err
	}
	defer tx.Abort()
	if err := takeAll(ctx, tx, []mail.Recipient{{Address: to, Notify: mail.NotifyNever}}); err != nil {
		return err
	}
	sink, err := tx.Data(ctx)
	if err != nil {
		return err
	}
	if _, err := sink.Write(octets); err != nil {
		return err
	}
	_, err = tx.Commit(ctx)
	return err
}
