package imapd

import (
	"context"
	"io"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/mime"
)

// match judges all messages of the view: first by what the view knows, then the open cases by
// what the store knows, and only those still open by their octets.
func (s *session) match(ctx context.Context, c *condition, needles []needle) (found []uint32, err error) {
	var open []uint32
	sub := subject{scan: newScanner(needles)}
	for seq, mark := range s.view.All() {
		sub.seq, sub.mark = seq, mark
		switch c.eval(&sub) {
		case yes:
			found = append(found, seq)
		case unknown:
			open = append(open, seq)
		}
	}
	if len(open) == 0 {
		return found, nil
	}
	more, err := s.matchRows(ctx, c, &sub, open)
	return mergeNumbers(found, more), err
}

// matchRows judges the messages that the view could not decide.
func (s *session) matchRows(ctx context.Context, c *condition, sub *subject, open []uint32) (found []uint32, err error) {
	var with mailbox.With
	switch deepest := c.deepest(); {
	case deepest > needEnvelope:
		with = mailbox.WithIndex | mailbox.WithOctets
	case deepest == needEnvelope:
		with = mailbox.WithIndex
	}
	var failed error
	err = s.view.Fetch(ctx, open, with, func(seq uint32, m *mailbox.Message) error {
		mark, ok := s.view.Mark(seq)
		if !ok {
			return nil
		}
		sub.reset(seq, mark, m)
		v := c.eval(sub)
		if v == unknown {
			v, err = s.matchOctets(ctx, c, sub)
			if err != nil && failed == nil {
				failed = err
			}
		}
		if v == yes {
			found = append(found, seq)
		}
		return ctx.Err()
	})
	if err == nil {
		err = failed
	}
	return found, err
}

// matchOctets judges a message by its header and then by its text.
func (s *session) matchOctets(ctx context.Context, c *condition, sub *subject) (verdict, error) {
	sub.shown = needEnvelope
	if v := c.eval(sub); v != unknown {
		return v, nil
	}
	body, err := s.account.OpenBody(ctx, sub.row)
	if err != nil {
		return no, err
	}
	defer body.Close()
	sub.body = body
	for sub.shown = needHeader; ; sub.shown++ {
		if v := c.eval(sub); v != unknown || sub.shown == needText {
			return v, sub.err
		}
	}
}

// reset takes another message.
func (m *subject) reset(seq uint32, mark mailbox.Mark, row *mailbox.Message) {
	*m = subject{shown: needRow, seq: seq, mark: mark, row: row, raw: m.raw[:0], scan: m.scan}
}

// message is the structure of the message. Where its index is damaged and the octets are not at hand, an empty one.
func (m *subject) message() *mime.Message {
	if m.structure != nil {
		return m.structure
	}
	if m.body != nil {
		m.structure = structureOf(m.row, m.body)
		return m.structure
	}
	st, err := mime.Decode(m.row.Index)
	if err != nil {
		return mime.ParseBytes(nil, mime.Limits{})
	}
	m.structure = st
	return st
}

func (m *subject) envelope() *mime.Envelope {
	if e := m.message().Root.Envelope; e != nil {
		return e
	}
	return &mime.Envelope{}
}

// header gives the octets of the message's header.
func (m *subject) header() []byte {
	if m.rawRead {
		return m.raw
	}
	m.rawRead = true
	m.raw, m.err = readRange(m.body, m.raw, 0, m.message().Root.BodyStart)
	return m.raw
}

// readRange reads octets [start, end) into buf, which it makes larger if need be.
func readRange(body io.ReaderAt, buf []byte, start, end int64) ([]byte, error) {
	n := int(end - start)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	got, err := body.ReadAt(buf, start)
	if got < n {
		return buf[:got], mail.Because("imapd.readRange", mail.Unavailable, "", err)
	}
	return buf, nil
}

// found tells whether the n-th needle is in the message. All needles are looked for in one pass.
func (m *subject) found(n int) bool {
	if !m.scanned {
		m.scanned = true
		if err := m.scan.message(m.message(), m.body); err != nil && m.err == nil {
			m.err = err
		}
	}
	return m.scan.found[n]
}

// mergeNumbers joins two ascending lists.
func mergeNumbers(a, b []uint32) []uint32 {
	if len(a) == 0 {
		return b
	}
	out := make([]uint32, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}
