package imapd

import (
	"context"
	"slices"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// maxLive is how many searches of a session are kept up to date (RFC 5267 §4.3.1).
const maxLive = 16

// liveSearch is a search whose result the client keeps and is told of each change of (RFC 5267 §4.3).
type liveSearch struct {
	tag   string
	uid   bool
	query *query
	keys  []imap.SortKey // none for SEARCH, whose result is in the order of the mailbox
	uids  []mail.UID     // the result as the client has it
	known mail.ModSeq    // up to which changes were looked at
}

// updating tells whether a search of this tag is kept up to date.
func (s *session) updating(tag string) bool {
	return slices.ContainsFunc(s.live, func(l *liveSearch) bool { return l.tag == tag })
}

// keepUpdating begins to keep a result up to date, or says that it does not.
func (s *session) keepUpdating(a *asked, q *query, r *results) {
	if len(s.live) >= maxLive {
		s.out.WriteString("* NO [NOUPDATE \"" + s.tag + "\"] too many searches are kept up to date\r\n")
		return
	}
	q.quiet = true
	l := &liveSearch{tag: s.tag, uid: a.uid, query: q, keys: a.Sort, known: s.view.Folder().ModSeq}
	for _, seq := range r.seqs {
		l.uids = append(l.uids, s.view.UID(seq))
	}
	s.live = append(s.live, l)
}

// cmdCancelUpdate is CANCELUPDATE (RFC 5267 §4.3.5).
func cmdCancelUpdate(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.SP() {
		return reply{}, d.Err()
	}
	tags, ok := d.CancelUpdate(maxLive)
	if !ok || !d.End() {
		return reply{}, d.Err()
	}
	for _, tag := range tags {
		if !s.updating(tag) {
			return reply{}, mail.E("imapd.CANCELUPDATE", mail.NotFound, "imap.unknown_update", tag)
		}
	}
	s.live = slices.DeleteFunc(s.live, func(l *liveSearch) bool { return slices.Contains(tags, l.tag) })
	return reply{}, nil
}

// dropExpunged tells of messages that leave results because they are gone, before their numbers do (RFC 5267 §4.3.4).
func (s *session) dropExpunged(events []mailbox.Event) {
	if len(s.live) == 0 {
		return
	}
	seqs := map[mail.UID]uint32{}
	for i := range events {
		if e := &events[i]; e.Kind == mailbox.Expunged {
			seqs[e.Mark.UID] = e.Seq
		}
	}
	if len(seqs) == 0 {
		return
	}
	for _, l := range s.live {
		u := update{live: l, number: func(uid mail.UID) uint32 { return seqs[uid] }}
		u.remove(func(uid mail.UID) bool { return seqs[uid] > 0 })
		u.tell(s)
	}
}

// updateLive tells of messages that came into results or left them since the last time. Events must have been told before.
func (s *session) updateLive(ctx context.Context) {
	for _, l := range s.live {
		if now := s.view.Folder().ModSeq; now > l.known {
			if err := s.update(ctx, l, now); err != nil {
				s.log.Error("a search could not be kept up to date", "tag", l.tag, "error", err) // the next change tries again
			}
		}
	}
}

// update judges the messages that changed and tells what came and went.
func (s *session) update(ctx context.Context, l *liveSearch, now mail.ModSeq) error {
	var changed []uint32
	for seq, m := range s.view.All() {
		if m.ModSeq > l.known {
			changed = append(changed, seq)
		}
	}
	fit, err := l.query.judge(ctx, changed)
	if err != nil {
		return err
	}
	fits := make(map[mail.UID]bool, len(changed))
	for _, seq := range changed {
		fits[s.view.UID(seq)] = false
	}
	for _, seq := range fit {
		fits[s.view.UID(seq)] = true
	}
	u := update{live: l, number: func(uid mail.UID) uint32 {
		seq, _ := s.view.Seq(uid)
		return uint32(seq)
	}}
	u.remove(func(uid mail.UID) bool {
		in, judged := fits[uid]
		return judged && !in
	})
	if err := u.add(ctx, fits); err != nil {
		return err
	}
	u.tell(s)
	l.known = now
	return nil
}

// update is what a client is told of one result.
type update struct {
	live    *liveSearch
	number  func(mail.UID) uint32 // the sequence number by which the client knows a message now
	removed []change
	added   []change
}

// change is a place in a result, from 1 on, and the message that comes to it or leaves it.
type change struct {
	at  uint32
	uid mail.UID
}

// remove takes messages out of the result; the last first, so that each place holds when it is told.
func (u *update) remove(gone func(mail.UID) bool) {
	l := u.live
	for i, uid := range slices.Backward(l.uids) {
		if gone(uid) {
			u.removed = append(u.removed, change{uint32(i + 1), uid})
		}
	}
	if len(u.removed) > 0 {
		l.uids = slices.DeleteFunc(l.uids, gone)
	}
}

// add puts messages that fit now into the result; the first first.
func (u *update) add(ctx context.Context, fits map[mail.UID]bool) error {
	l := u.live
	have := make(map[mail.UID]bool, len(l.uids))
	for _, uid := range l.uids {
		have[uid] = true
	}
	all := slices.Clone(l.uids)
	for uid, in := range fits {
		if in && !have[uid] {
			all = append(all, uid)
		}
	}
	if len(all) == len(l.uids) {
		return nil
	}
	all, err := l.inOrder(ctx, all)
	if err != nil {
		return err
	}
	for i, uid := range all {
		if !have[uid] {
			u.added = append(u.added, change{uint32(i + 1), uid})
		}
	}
	l.uids = all
	return nil
}

// inOrder puts messages into the order of the result.
func (l *liveSearch) inOrder(ctx context.Context, uids []mail.UID) ([]mail.UID, error) {
	slices.Sort(uids)
	if len(l.keys) == 0 {
		return uids, nil
	}
	view := l.query.view
	seqs := make([]uint32, 0, len(uids))
	for _, uid := range uids {
		if seq, ok := view.Seq(uid); ok {
			seqs = append(seqs, uint32(seq))
		}
	}
	seqs, err := l.query.sort(ctx, l.keys, seqs)
	uids = uids[:0]
	for _, seq := range seqs {
		uids = append(uids, view.UID(seq))
	}
	return uids, err
}

// tell writes the changes: places for SORT, for SEARCH none, as its results stand in the mailbox's order (RFC 5267 §4.3.3).
func (u *update) tell(s *session) {
	if len(u.removed) == 0 && len(u.added) == 0 {
		return
	}
	b := imap.AppendString(append(s.out.Begin(), "* ESEARCH (TAG "...), u.live.tag, false)
	b = append(b, ')')
	if u.live.uid {
		b = append(b, " UID"...)
	}
	b = u.appendList(b, " REMOVEFROM (", u.removed)
	b = u.appendList(b, " ADDTO (", u.added)
	s.out.End(append(b, '\r', '\n'))
}

func (u *update) appendList(b []byte, item string, changes []change) []byte {
	if len(changes) == 0 {
		return b
	}
	b = append(b, item...)
	if len(u.live.keys) > 0 {
		for i, c := range changes {
			if i > 0 {
				b = append(b, ' ')
			}
			b = imap.AppendUint(append(imap.AppendUint(b, c.at), ' '), u.shown(c.uid))
		}
		return append(b, ')')
	}
	numbers := make([]uint32, 0, len(changes))
	for _, c := range changes {
		numbers = append(numbers, u.shown(c.uid))
	}
	slices.Sort(numbers)
	return append(imap.AppendNumbers(append(b, "0 "...), numbers), ')')
}

// shown is the number by which the client knows a message of the result.
func (u *update) shown(uid mail.UID) uint32 {
	if u.live.uid {
		return uint32(uid)
	}
	return u.number(uid)
}
