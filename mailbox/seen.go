package mailbox

import (
	"context"
	"slices"

	"tegami/mail"
)

// seenAhead is how many messages are marked as seen in one commit, while those before them are read.
const seenAhead = 500

// FetchSeen is Fetch that marks the messages as seen first, where the account may (RFC 9051 §6.4.5). fn hears which of
// them it marked. That mail can be read does not depend on it: failed hears what went wrong with marking. An error of fn
// ends it; the next Poll tells what of the messages behind was marked.
func (v *View) FetchSeen(ctx context.Context, seqs []uint32, with With, fn func(seq uint32, m *Message, marked bool) error, failed func(error)) error {
	may, err := v.mayChange(ctx, Add, mail.Seen)
	if mail.Is(err, mail.Denied) {
		return v.Fetch(ctx, seqs, with, func(seq uint32, m *Message) error { return fn(seq, m, false) })
	}
	if err != nil {
		return err
	}
	seqs = v.known(seqs)
	next := v.beginSeen(ctx, may, seqs)
	for len(seqs) > 0 {
		part := seqs[:min(seenAhead, len(seqs))]
		seqs = seqs[len(part):]
		marked, err := next.wait()
		if err != nil {
			failed(err)
		}
		all, last := marked, mail.UID(0)
		next = v.beginSeen(ctx, may, seqs)
		err = v.Fetch(ctx, part, with, func(seq uint32, m *Message) error {
			err := fn(seq, m, marked.has(m.UID))
			if err == nil {
				last = m.UID
			}
			return err
		})
		if err != nil {
			more, _ := next.wait() // it uses the view; its failure would be told when its messages are read, and none is now
			v.untell(slices.Concat(all, more), last)
			return err
		}
	}
	return nil
}

// untell has the next Poll tell of messages that were marked, of those behind a UID: nobody heard of them.
func (v *View) untell(marked seenMarks, behind mail.UID) {
	var unheard []Mark
	for _, m := range marked {
		if i, ok := v.shown.find(m.UID); ok && m.UID > behind && v.shown.at(i) == m {
			m.Flags &^= mail.Seen
			unheard = append(unheard, m)
		}
	}
	if len(unheard) == 0 {
		return
	}
	base := *v.base // another than the newest, so that Poll compares
	v.base, v.shown = &base, v.shown.apply(unheard, nil)
}

// seeing is the marking of messages as seen beside the reading of others.
type seeing struct {
	work *flagWork // nil: nothing to do
	done chan error
}

// beginSeen begins to mark the first of the messages that are not seen yet.
func (v *View) beginSeen(ctx context.Context, may mail.Flags, seqs []uint32) seeing {
	var unseen []uint32
	for _, seq := range seqs[:min(seenAhead, len(seqs))] {
		if m, ok := v.Mark(seq); ok && !m.Flags.Has(mail.Seen) {
			unseen = append(unseen, seq)
		}
	}
	if len(unseen) == 0 {
		return seeing{}
	}
	s := seeing{&flagWork{view: v, seqs: unseen, op: Add, flags: mail.Seen, may: may}, make(chan error, 1)}
	go func() { s.done <- s.work.commit(ctx) }()
	return s
}

// wait ends the marking and lets the view know.
func (s seeing) wait() (marked seenMarks, err error) {
	if s.work == nil {
		return nil, nil
	}
	if err := <-s.done; err != nil {
		return nil, err
	}
	s.work.finish()
	return s.work.written, nil
}

// seenMarks are the messages that were marked, ascending by UID.
type seenMarks []Mark

// has tells whether a message is among them. UIDs that are asked for ascend from call to call.
func (l *seenMarks) has(uid mail.UID) bool {
	for len(*l) > 0 && (*l)[0].UID < uid {
		*l = (*l)[1:]
	}
	return len(*l) > 0 && (*l)[0].UID == uid
}
