package jmapd

import (
	"context"
	"maps"
	"slices"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/push"
	"tegami/wire/jmap"
)

const (
	// maxFollowed is how many accounts one connection follows: the caller's own, and those that share mailboxes with him.
	maxFollowed = 32
	// maxListeners is how many connections of an account are told of changes at a time.
	maxListeners = 32
	// lookEvery is how often somebody who only listens is asked for whether he still may.
	lookEvery = 30 * time.Second
)

// moved is a change of an account: the new states of the types it is about.
type moved struct {
	account jmap.Id
	at      mail.ModSeq
	states  map[string]string
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
	quota := ""
	for {
		m, err := p.Moved(ctx, from, push.Kinds()...)
		if err == nil && m.ModSeq > from {
			from = m.ModSeq
			change := moved{account: id, at: m.ModSeq}
			if change.states, err = states(ctx, p, m, &quota); err == nil {
				select {
				case out <- change:
				case <-ctx.Done():
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("push", "account", id, "err", err) // or nothing is shared any more
			return
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

// states are the new states of what changed. A colleague's tell as well what may be seen of his account. quota is the state of the quota that was told
// last.
func states(ctx context.Context, p *mailbox.Post, m mailbox.Moved, quota *string) (map[string]string, error) {
	state := jmap.State(m.ModSeq)
	if p.Foreign() {
		reg, err := p.Register(ctx)
		if err != nil {
			return nil, err
		}
		state = reg.State().String()
	}
	out := push.States(m, state)
	if p.Foreign() || !m.Mail {
		return out, nil
	}
	used, limit, err := p.Account().Quota(ctx)
	if now := push.QuotaState(used, limit); now != *quota {
		*quota, out["Quota"] = now, now
	}
	return out, err
}

// stands tells whether a client may still listen.
func (s *Server) stands(ctx context.Context, c *client) error {
	if c.session != "" {
		return s.dir.SessionStands(ctx, c.origin, c.session)
	}
	return s.dir.StillValid(ctx, c.identity)
}

// change is the StateChange for a change, with those of its types that are wanted (nil: all); false where there are none.
func (m moved) change(wanted []string) (jmap.StateChange, bool) {
	states := maps.Clone(m.states)
	maps.DeleteFunc(states, func(name, _ string) bool { return wanted != nil && !slices.Contains(wanted, name) })
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
