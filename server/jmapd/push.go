package jmapd

import (
	"context"
	"maps"
	"slices"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// followed is what of an account a type's state hangs on.
type followed struct {
	mail    bool   // messages and mailboxes
	arrived bool   // messages that come
	entry   string // a kind of entries
}

// types are those whose changes are pushed (RFC 8620 §7.1, RFC 8621 §1.5).
var types = map[string]followed{
	"Mailbox": {mail: true}, "Thread": {mail: true}, "Email": {mail: true}, "Quota": {mail: true}, "EmailDelivery": {arrived: true},
	"Identity": {entry: "identity"}, "EmailSubmission": {entry: "submission"},
	"AddressBook": {entry: "book"}, "ContactCard": {entry: "card"}, "Settings": {entry: "settings"},
}

// kinds are the kinds of entries that types hang on.
var kinds = func() (list []string) {
	for _, f := range types {
		if f.entry != "" {
			list = append(list, f.entry)
		}
	}
	slices.Sort(list)
	return list
}()

// changedTypes are the types with another state after a change, of those wanted (nil: all).
func (m moved) changedTypes(wanted []string) map[string]string {
	out := map[string]string{}
	for name, f := range types {
		changed := f.mail && m.Mail || f.arrived && m.Arrived || f.entry != "" && slices.Contains(m.Entries, f.entry)
		if changed && (wanted == nil || slices.Contains(wanted, name)) {
			out[name] = m.state
		}
	}
	return out
}

const (
	// maxFollowed is how many accounts one connection follows: the caller's own, and those that share mailboxes with him.
	maxFollowed = 32
	// maxListeners is how many connections of an account are told of changes at a time.
	maxListeners = 32
	// lookEvery is how often somebody who only listens is asked for whether he still may.
	lookEvery = 30 * time.Second
)

// moved is a change of an account.
type moved struct {
	account jmap.Id
	state   string // of all types
	mailbox.Moved
}

// follow tells of the changes of all accounts that an identity reaches, until ctx ends. What nobody takes in time comes later as one. since are ModSeqs
// from which on changes of an account are told; for others only what comes.
func (s *Server) follow(ctx context.Context, who *directory.Identity, since map[jmap.Id]mail.ModSeq) (<-chan moved, error) {
	box, err := s.config.Mailboxes.Open(ctx, who)
	if err != nil {
		return nil, err
	}
	out := make(chan moved)
	posts := s.posts(ctx, box)
	for _, p := range posts {
		id := jmap.Of(jmap.LetterAccount, p.Owner().ID)
		wake := p.Watch(ctx) // before reading: what changes meanwhile is told
		from, known := since[id]
		if !known {
			now, err := p.Moved(ctx, 0)
			if err != nil {
				return nil, err
			}
			from = now.ModSeq
		}
		go s.followOne(ctx, p, id, from, wake, out)
	}
	return out, nil
}

// posts are the mail that an account reaches: its own, and what others share with it.
func (s *Server) posts(ctx context.Context, box *mailbox.Account) []*mailbox.Post {
	posts := []*mailbox.Post{box.Post()}
	sharers, err := box.Sharers(ctx)
	if err != nil {
		s.log.Warn("shared accounts", "err", err)
	}
	for _, owner := range sharers[:min(len(sharers), maxFollowed-1)] {
		if p, err := box.OpenShared(ctx, owner.Account); err == nil { // who shares nothing any more is not followed
			posts = append(posts, p)
		}
	}
	return posts
}

// followOne tells of the changes of one account.
func (s *Server) followOne(ctx context.Context, p *mailbox.Post, id jmap.Id, from mail.ModSeq, wake <-chan mail.ModSeq, out chan<- moved) {
	for {
		m, err := p.Moved(ctx, from, kinds...)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.Warn("push", "account", id, "err", err)
			return
		case m.ModSeq > from:
			from = m.ModSeq
			state, err := movedState(ctx, p, m.ModSeq)
			if err != nil {
				return // nothing is shared any more
			}
			select {
			case out <- moved{id, state, m}:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case _, ok := <-wake:
			if !ok {
				return
			}
		}
	}
}

// movedState is the state of an account's records: of a colleague's it tells as well what may be seen of it.
func movedState(ctx context.Context, p *mailbox.Post, n mail.ModSeq) (string, error) {
	if !p.Foreign() {
		return jmap.State(n), nil
	}
	reg, err := p.Register(ctx)
	if err != nil {
		return "", err
	}
	return reg.State().String(), nil
}

// stands tells whether a client may still listen.
func (s *Server) stands(ctx context.Context, c *client) error {
	if c.session != "" {
		return s.dir.SessionStands(ctx, c.origin, c.session)
	}
	return s.dir.StillValid(ctx, c.identity)
}

// change is the StateChange for a change; false where none of the types is wanted.
func (m moved) change(wanted []string) (jmap.StateChange, bool) {
	states := m.changedTypes(wanted)
	return jmap.StateChange{Type: "StateChange", Changed: map[jmap.Id]map[string]string{m.account: states}}, len(states) > 0
}

// positions are the ModSeqs that a client was told last, by account, in a text of ours: the id of an event, and the pushState of a WebSocket.
type positions map[jmap.Id]mail.ModSeq

// String writes the positions: "aID=12,aID=7".
func (p positions) String() string {
	text := ""
	for _, id := range slices.Sorted(maps.Keys(p)) {
		if text != "" {
			text += ","
		}
		text += string(id) + "=" + jmap.State(p[id])
	}
	return text
}
