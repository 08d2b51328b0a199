package pop3d

import (
	"context"
	"io"
	"strconv"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/pop3"
)

// pieceSize is how much of a message is read at a time for TOP.
const pieceSize = 32 << 10

// deletions are which messages are marked for deletion, and what is left without them.
type deletions struct {
	gone   []bool // by place in the list; nil while none is marked
	left   int
	octets int64
}

// nothingMarked is how a session begins.
func nothingMarked(list []mailbox.DropMessage) deletions {
	d := deletions{left: len(list)}
	for i := range list {
		d.octets += list[i].Size
	}
	return d
}

// mark marks the i-th message of the list, which is not marked yet.
func (d *deletions) mark(list []mailbox.DropMessage, i int) {
	if d.gone == nil {
		d.gone = make([]bool, len(list))
	}
	d.gone[i] = true
	d.left--
	d.octets -= list[i].Size
}

func (d *deletions) has(i int) bool { return d.gone != nil && d.gone[i] }

// totals are the messages that are not marked for deletion, and their octets.
func (c *session) totals() (n int, octets int64) { return c.marked.left, c.marked.octets }

// message finds a message by its number as the client wrote it.
func (c *session) message(arg string) (int, mailbox.DropMessage, error) {
	const op = "pop3d.message"
	n, err := number(arg)
	if err != nil {
		return 0, mailbox.DropMessage{}, err
	}
	list := c.drop.Messages()
	if n < 1 || n > len(list) || c.marked.has(n-1) {
		return 0, mailbox.DropMessage{}, mail.E(op, mail.NotFound, "pop3.no_message", n)
	}
	return n, list[n-1], nil
}

// number reads an argument of at most nine digits.
func number(arg string) (int, error) {
	n, err := strconv.ParseUint(arg, 10, 30)
	if err != nil {
		return 0, mail.E("pop3d.number", mail.Invalid, "pop3.syntax")
	}
	return int(n), nil
}

// stat answers STAT: how many messages, how many octets.
func (c *session) stat(context.Context, string) (*reply, error) {
	n, octets := c.totals()
	return &reply{text: strconv.Itoa(n) + " " + strconv.FormatInt(octets, 10)}, nil
}

// list answers LIST, for one message or for all.
func (c *session) list(_ context.Context, arg string) (*reply, error) {
	if arg != "" {
		n, m, err := c.message(arg)
		return &reply{text: strconv.Itoa(n) + " " + strconv.FormatInt(m.Size, 10)}, err
	}
	return c.forEach(func(n int, m mailbox.DropMessage) error { return c.out.Size(n, m.Size) }), nil
}

// uniqueIDs answers UIDL, for one message or for all. The id is the message's own and never changes.
func (c *session) uniqueIDs(_ context.Context, arg string) (*reply, error) {
	if arg != "" {
		n, m, err := c.message(arg)
		return &reply{text: strconv.Itoa(n) + " " + m.ID.String()}, err
	}
	return c.forEach(func(n int, m mailbox.DropMessage) error { return c.out.UniqueID(n, m.ID.String()) }), nil
}

// forEach writes a line for each message that is not marked for deletion.
func (c *session) forEach(line func(int, mailbox.DropMessage) error) *reply {
	n, octets := c.totals()
	return &reply{c.text("pop3.signed_in", n, octets), func(context.Context) error {
		for i, m := range c.drop.Messages() {
			if c.marked.has(i) {
				continue
			}
			if err := line(i+1, m); err != nil {
				return err
			}
		}
		return c.out.End()
	}}
}

// retrieve answers RETR. When the octets cannot be read to their end, the connection is
// cut: a client must not take a part for the whole.
func (c *session) retrieve(ctx context.Context, arg string) (*reply, error) {
	_, m, err := c.message(arg)
	if err != nil {
		return nil, err
	}
	body, err := c.drop.Open(ctx, m)
	if err != nil {
		return nil, err
	}
	return &reply{c.text("pop3.octets", m.Size), func(context.Context) error {
		defer body.Close()
		out := c.out.Body()
		if _, err := body.WriteRange(out, 0, body.Size()); err != nil {
			return err
		}
		return out.Close()
	}}, nil
}

// top answers TOP: the header and so many lines of the body.
func (c *session) top(ctx context.Context, args string) (*reply, error) {
	which, count, _ := strings.Cut(args, " ")
	lines, err := number(count)
	if err != nil {
		return nil, err
	}
	_, m, err := c.message(which)
	if err != nil {
		return nil, err
	}
	body, err := c.drop.Open(ctx, m)
	if err != nil {
		return nil, err
	}
	return &reply{c.text("pop3.top"), func(context.Context) error {
		defer body.Close()
		return copyTop(c.out.Body(), body, pop3.NewTop(lines))
	}}, nil
}

// copyTop writes the part of a message that TOP asks for.
func copyTop(out *pop3.Body, from mailbox.Body, cut *pop3.Top) error {
	piece := make([]byte, min(pieceSize, max(from.Size(), 1)))
	for at, done := int64(0), false; at < from.Size() && !done; {
		got, err := from.ReadAt(piece, at)
		if err != nil && (err != io.EOF || got == 0) {
			return err
		}
		var take int
		take, done = cut.Take(piece[:got])
		if _, err := out.Write(piece[:take]); err != nil {
			return err
		}
		at += int64(got)
	}
	return out.Close()
}

// delete answers DELE: the message is marked, and goes at QUIT.
func (c *session) delete(_ context.Context, arg string) (*reply, error) {
	n, _, err := c.message(arg)
	if err != nil {
		return nil, err
	}
	c.marked.mark(c.drop.Messages(), n-1)
	return &reply{text: c.text("pop3.deleted", n)}, nil
}

func (c *session) noop(context.Context, string) (*reply, error) { return &reply{}, nil }

// reset answers RSET: nothing is marked any more.
func (c *session) reset(context.Context, string) (*reply, error) {
	c.marked = nothingMarked(c.drop.Messages())
	n, octets := c.totals()
	return &reply{text: c.text("pop3.signed_in", n, octets)}, nil
}

// update removes what was marked, in one commit.
func (c *session) update(ctx context.Context) error {
	list := c.drop.Messages()
	uids := make([]mail.UID, 0, len(list)-c.marked.left)
	for i := range list {
		if c.marked.has(i) {
			uids = append(uids, list[i].UID)
		}
	}
	if err := c.drop.Delete(ctx, uids); err != nil {
		return err
	}
	c.log.Info("deleted", "messages", len(uids))
	return nil
}
