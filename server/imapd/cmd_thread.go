package imapd

import (
	"context"

	"tegami/mailbox"
	"tegami/wire/imap"
)

// cmdThread is THREAD (RFC 5256 §3).
func cmdThread(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.thread(ctx, d, false)
}

// cmdUIDThread is UID THREAD.
func cmdUIDThread(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.thread(ctx, d, true)
}

func (s *session) thread(ctx context.Context, d *imap.Decoder, uid bool) (reply, error) {
	var a imap.Search
	if !d.SP() || !d.Thread(&a) || !d.End() {
		return reply{}, d.Err()
	}
	q, err := s.prepareAsked(ctx, s.view, &a, s.saved)
	if err != nil {
		return reply{}, err
	}
	var seqs []uint32
	var t *threader
	err = inTime(ctx, func(ctx context.Context) (err error) {
		if seqs, err = q.find(ctx); err == nil {
			t, err = q.threads(ctx, a.Algorithm, seqs)
		}
		return err
	})
	if err != nil {
		return reply{}, err
	}
	numbers := (&results{view: s.view}).numbers(uid, seqs)
	b := append(s.out.Begin(), "* THREAD"...)
	if len(numbers) > 0 {
		b = append(b, ' ')
	}
	s.out.End(append(t.appendTo(b, numbers), '\r', '\n'))
	return reply{}, nil
}

// threads puts messages, ascending by number, into threads.
func (q *query) threads(ctx context.Context, by imap.Algorithm, seqs []uint32) (*threader, error) {
	want := []mailbox.Fact{mailbox.FactSent, mailbox.FactSubject, mailbox.FactReferences}
	if by == imap.OrderedSubject {
		want = want[:2]
	}
	facts, err := q.view.Facts(ctx, seqs, true, want...)
	if err != nil {
		return nil, err
	}
	t := newThreader(len(seqs))
	for n := range seqs {
		m := threadMessage{sent: facts.Number(mailbox.FactSent, n)}
		if len(facts.Text(mailbox.FactSubject, n)) > 0 {
			m.subject = facts.Rank(mailbox.FactSubject, n)
		}
		if by == imap.References {
			m.id, t.references, m.reply = facts.References(n, t.references[:0])
			m.references = t.references
		}
		t.add(&m)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if by == imap.OrderedSubject {
		t.bySubject()
	} else {
		t.byReferences()
	}
	return t, nil
}
