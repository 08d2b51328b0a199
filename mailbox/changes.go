package mailbox

import (
	"cmp"
	"context"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// Changes (RFC 8620 §5.2). Each thing that changed since a state is an event: what happened to it, and a ModSeq under which it is told. Of many
// events the first are told; the state then names the last one. A thing that was made since is told under the ModSeq with
// which it was made, although it may have changed later: who is told of the first changes only would hear of a change of something he
// does not know.

// has tells whether what happened with a ModSeq to a thing is in the state.
func (s State) has(modseq mail.ModSeq, id int64) bool {
	return modseq <= s.ModSeq || modseq == s.ModSeq+1 && id <= s.After
}

// event is what happened to a thing.
type event[ID ~int64] struct {
	at   mail.ModSeq // under which it is told
	id   ID
	what eventWhat
	self bool // of a mailbox: not only its counters changed
}

type eventWhat uint8

const (
	wasMade eventWhat = iota
	wasChanged
	wasDestroyed
)

// tell makes the answer of events, which it sorts. Of each thing there is at most one.
func tell[ID ~int64](events []event[ID], now State, max int) (c Changes[ID]) {
	slices.SortFunc(events, func(a, b event[ID]) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	c.New = now
	if max > 0 && len(events) > max {
		last, next := events[max-1], events[max]
		events, c.More = events[:max], true
		c.New = State{ModSeq: last.at, Seen: now.Seen}
		if next.at == last.at {
			c.New.ModSeq, c.New.After = last.at-1, int64(last.id)
		}
	}
	c.CountsOnly = true
	for _, e := range events {
		switch e.what {
		case wasMade:
			c.Created = append(c.Created, e.id)
		case wasChanged:
			c.Updated = append(c.Updated, e.id)
			c.CountsOnly = c.CountsOnly && !e.self
		default:
			c.Destroyed = append(c.Destroyed, e.id)
		}
	}
	c.CountsOnly = c.CountsOnly && len(c.Updated) > 0
	return c
}

// goneEmail is a message that is not where it was since a state.
type goneEmail struct {
	at     mail.ModSeq // since when it is gone: for JMAP it was when it got its flag Deleted
	thread mail.ThreadID
	made   mail.ModSeq
}

// since is what is known of the time since a state.
type since struct {
	State
	gone      map[mail.EmailID]goneEmail // messages that left a mailbox that may be read, and with which change last
	mailboxes []store.GoneMailbox
}

// since reads what left since a state. Conflict "state.unknown" where nobody can tell.
func (r *Register) since(ctx context.Context, op mail.Op, from State) (*since, error) {
	if from.Seen != r.seen || from.ModSeq > r.pic.modseq {
		return nil, unknownState(op)
	}
	s := &since{State: from}
	if from == r.State() {
		return s, nil
	}
	err := r.post.account.view(ctx, op, func(v store.Reader) error {
		s.gone = map[mail.EmailID]goneEmail{}
		deleted, floor, err := v.GoneMailboxes(r.pic.account, from.ModSeq)
		if err != nil {
			return err
		}
		if floor > from.ModSeq {
			return unknownState(op)
		}
		s.mailboxes = slices.DeleteFunc(deleted, func(g store.GoneMailbox) bool { return g.ModSeq > r.pic.modseq })
		return r.readGone(v, s)
	})
	return s, err
}

// readGone reads what left mailboxes, those that were deleted among them.
func (r *Register) readGone(v store.Reader, s *since) error {
	from := s.ModSeq
	take := func(g store.Gone) bool {
		if g.ModSeq <= r.pic.modseq {
			at := g.ModSeq
			if g.Hidden > 0 {
				at = g.Hidden
			}
			s.gone[g.Email] = goneEmail{at: max(at, s.gone[g.Email].at), thread: g.Thread, made: max(g.Made, s.gone[g.Email].made)}
		}
		return g.ModSeq <= r.pic.modseq
	}
	for i := range r.pic.boxes {
		b := &r.pic.boxes[i]
		if b.ModSeq <= from || r.sees != nil && !r.sees[b.number] {
			continue
		}
		if err := v.Gone(b.ID, from, take); err != nil {
			return err
		}
	}
	if r.sees != nil {
		return nil // a mailbox that was shared and deleted changed State.Seen
	}
	for _, g := range s.mailboxes {
		if err := v.Gone(g.ID, from, take); err != nil {
			return err
		}
	}
	return nil
}

// made gives the ModSeq with which a message came where it may be seen for the first time.
func (r *Register) made(m *row, s *since) mail.ModSeq {
	if _, seen := s.gone[m.id]; r.sees != nil && !seen {
		return m.born // it came from a mailbox that may not be read
	}
	return m.made
}

// shown gives the ModSeq since which a message that is not hidden is there.
func (r *Register) shown(m *row, s *since) mail.ModSeq { return max(r.made(m, s), m.turned) }

// EmailChanges tells which messages changed since a state, at most max (0: all). Conflict "state.unknown" where it can't be told.
func (r *Register) EmailChanges(ctx context.Context, from State, max int) (Changes[mail.EmailID], error) {
	s, err := r.since(ctx, "mailbox.EmailChanges", from)
	if err != nil {
		return Changes[mail.EmailID]{}, err
	}
	return tell(r.emailEvents(s), r.State(), max), nil
}

func (r *Register) emailEvents(s *since) (events []event[mail.EmailID]) {
	for _, m := range r.pic.rows.since(s.ModSeq) {
		if s.has(m.modseq, int64(m.id)) || r.sees != nil && !r.sees[m.box] {
			continue
		}
		shown := r.shown(m, s)
		switch {
		case m.hidden() && s.has(r.made(m, s), int64(m.id)) && !s.has(m.turned, int64(m.id)):
			events = append(events, event[mail.EmailID]{at: m.turned, id: m.id, what: wasDestroyed})
		case m.hidden():
		case s.has(shown, int64(m.id)):
			events = append(events, event[mail.EmailID]{at: m.modseq, id: m.id, what: wasChanged})
		default:
			events = append(events, event[mail.EmailID]{at: shown, id: m.id, what: wasMade})
		}
	}
	for id, g := range s.gone {
		if m, _, ok := r.pic.rows.find(id); ok && (r.sees == nil || r.sees[m.box]) {
			continue // it is elsewhere
		}
		if s.has(g.made, int64(id)) && !s.has(g.at, int64(id)) {
			events = append(events, event[mail.EmailID]{at: g.at, id: id, what: wasDestroyed})
		}
	}
	return events
}

// threadEvent is what is known of a thread in which something changed.
type threadEvent struct {
	made, last mail.ModSeq // of messages that came since: the first; the last time that one came or went
	old        bool        // it was there before
}

// ThreadChanges tells which threads have messages more, or fewer, than at a state.
func (r *Register) ThreadChanges(ctx context.Context, from State, max int) (Changes[mail.ThreadID], error) {
	s, err := r.since(ctx, "mailbox.ThreadChanges", from)
	if err != nil {
		return Changes[mail.ThreadID]{}, err
	}
	return tell(r.threadEvents(s), r.State(), max), nil
}

func (r *Register) threadEvents(s *since) (events []event[mail.ThreadID]) {
	known := map[mail.ThreadID]*threadEvent{}
	see := func(id mail.ThreadID, came bool, at, made mail.ModSeq) {
		t := known[id]
		if t == nil {
			t = &threadEvent{made: made}
			known[id] = t
		}
		t.last = max(t.last, at)
		t.made = min(t.made, made)
		t.old = t.old || !came
	}
	for _, e := range r.emailEvents(s) {
		if e.what == wasChanged {
			continue
		}
		m, _, ok := r.pic.rows.find(e.id)
		if !ok { // gone
			g := s.gone[e.id]
			see(g.thread, false, g.at, g.made)
			continue
		}
		see(r.pic.threads[m.thread], e.what == wasMade, e.at, r.shown(m, s))
	}
	for id, g := range s.gone { // what came and went since then began its thread, too
		if t := known[g.thread]; t != nil && !s.has(g.made, int64(id)) {
			t.made = min(t.made, g.made)
		}
	}
	for id, t := range known {
		if id == 0 {
			continue // it went before anybody was told of its thread
		}
		here := false
		if number, ok := r.pic.thread(id); ok {
			for _, i := range r.pic.members().of(number) {
				m := r.pic.rows.at(i)
				if m.seenBy(r.sees) {
					here = true
					t.old = t.old || s.has(r.shown(m, s), int64(m.id))
				}
				if made := r.made(m, s); !s.has(made, int64(m.id)) {
					t.made = min(t.made, made)
				}
			}
		}
		e := event[mail.ThreadID]{at: t.last, id: id, what: wasChanged}
		switch {
		case !here:
			e.what = wasDestroyed
		case !t.old:
			e.at, e.what = t.made, wasMade
		}
		if !s.has(e.at, int64(id)) {
			events = append(events, e)
		}
	}
	return events
}

// MailboxChanges tells which mailboxes changed since a state: themselves, or what they count.
func (r *Register) MailboxChanges(ctx context.Context, from State, max int) (Changes[mail.MailboxID], error) {
	s, err := r.since(ctx, "mailbox.MailboxChanges", from)
	if err != nil {
		return Changes[mail.MailboxID]{}, err
	}
	return tell(r.mailboxEvents(s), r.State(), max), nil
}

func (r *Register) mailboxEvents(s *since) (events []event[mail.MailboxID]) {
	counted := r.countedSince(s)
	for i := range r.pic.boxes {
		b := &r.pic.boxes[i]
		at := max(b.ModSeq, counted[b.number])
		if !r.lookup(b.ID) || s.has(at, int64(b.ID)) {
			continue
		}
		e := event[mail.MailboxID]{at: at, id: b.ID, what: wasChanged}
		if !s.has(b.Changed, int64(b.ID)) {
			e.at, e.self = b.Changed, true
		}
		if !s.has(b.Made, int64(b.ID)) {
			e.at, e.what = b.Made, wasMade
		}
		events = append(events, e)
	}
	for _, g := range s.mailboxes {
		if r.shares == nil && s.has(g.Made, int64(g.ID)) && !s.has(g.ModSeq, int64(g.ID)) {
			events = append(events, event[mail.MailboxID]{at: g.ModSeq, id: g.ID, what: wasDestroyed})
		}
	}
	return events
}

// countedSince gives for each mailbox, by number, the last change of a message elsewhere that may have changed how many of its threads
// are unread.
func (r *Register) countedSince(s *since) []mail.ModSeq {
	last := make([]mail.ModSeq, len(r.pic.boxIDs))
	see := func(thread uint32, at mail.ModSeq) {
		for _, i := range r.pic.members().of(thread) {
			m := r.pic.rows.at(i)
			last[m.box] = max(last[m.box], at)
		}
	}
	for _, m := range r.pic.rows.since(s.ModSeq) {
		if m.modseq > s.ModSeq && (r.sees == nil || r.sees[m.box]) {
			see(m.thread, m.modseq)
		}
	}
	for _, g := range s.gone {
		if number, ok := r.pic.thread(g.thread); ok {
			see(number, g.at)
		}
	}
	return last
}
