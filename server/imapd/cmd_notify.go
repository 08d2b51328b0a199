package imapd

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// notifiable are the events a client may ask for; there are no annotations of messages here.
const notifiable = imap.NotifyMessageNew | imap.NotifyMessageExpunge | imap.NotifyFlagChange | imap.NotifyMailboxName |
	imap.NotifySubscriptionChange | imap.NotifyMailboxMetadata | imap.NotifyServerMetadata

// maxWatched is how many accounts a session watches beside its own, those whose mailboxes it was asked to tell of. More is
// too much to be told (RFC 5465 §5.8).
const maxWatched = 16

// notifying is what a NOTIFY command asked for, from then on (RFC 5465). The zero value tells nothing.
type notifying struct {
	groups   []imap.NotifyGroup // for mailboxes other than the selected one, and what is not about messages
	selected imap.NotifyEvents  // of the selected mailbox
	delayed  bool               // no EXPUNGE outside of commands that may have one
	fetch    *imap.Fetch        // what to tell of new messages in the selected mailbox; nil = nothing

	known   map[mail.MailboxID]*knownFolder // what the client was told, or knew when it asked
	server  map[string]uint64               // digests of the server's annotations
	watched map[mail.AccountID]context.CancelFunc
	changed atomic.Bool // something in a watched account did
	seed    maphash.Seed
	own     []string // paths of mailboxes that this command changed by itself
}

// cmdNotify is NOTIFY (RFC 5465 §3.1).
func cmdNotify(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var n imap.Notify
	if !d.Notify(&n) || !d.End() {
		return reply{}, d.Err()
	}
	const op = "imapd.NOTIFY"
	for i := range n.Groups {
		if g := &n.Groups[i]; g.Unknown != "" || g.Events&^notifiable != 0 {
			return reply{}, mail.E(op, mail.Invalid, "imap.bad_event", notifiable.String())
		}
	}
	next := newNotifying(&n)
	folders, err := next.folders(ctx, s)
	if err != nil {
		return reply{}, err
	}
	if len(next.others(folders)) > maxWatched {
		return reply{}, mail.E(op, mail.Full, "imap.notify_too_much")
	}
	s.endNotify()
	if !s.tell(ctx, tellAll) { // what was held back until now (RFC 5465 §3.1)
		s.bye("", "mailbox.deleted")
		return reply{none: true}, nil
	}
	s.notify = next
	s.watch(ctx, folders)
	return reply{}, s.beginNotify(ctx, folders, n.Status)
}

// newNotifying sorts groups out.
func newNotifying(n *imap.Notify) *notifying {
	next := &notifying{known: map[mail.MailboxID]*knownFolder{}, watched: map[mail.AccountID]context.CancelFunc{}, seed: maphash.MakeSeed()}
	for i := range n.Groups {
		g := n.Groups[i]
		if g.Filter > imap.NotifySelectedDelayed {
			for i, name := range g.Mailboxes {
				if path, err := mailbox.CanonicalPath(name); err == nil { // what can be no path matches none
					g.Mailboxes[i] = path
				}
			}
			next.groups = append(next.groups, g)
			continue
		}
		next.selected, next.delayed = g.Events, g.Filter == imap.NotifySelectedDelayed
		if g.Fetch.Items != 0 || len(g.Fetch.Sections) > 0 {
			for i := range g.Fetch.Sections {
				g.Fetch.Sections[i].Peek = true // to be told of a message is not to have read it
			}
			next.fetch = &g.Fetch
		}
	}
	return next
}

// beginNotify notes what the client knows, and tells the state of what it asked for (RFC 5465 §3.1).
func (s *session) beginNotify(ctx context.Context, folders []mailbox.Folder, status bool) error {
	n := s.notify
	for i := range folders {
		f := &folders[i]
		events := n.eventsOf(f) & imap.NotifyMessageEvents
		if events != 0 && !f.Missing && !f.Rights.Has(mailbox.RightRead) && n.named(f) {
			s.listFolder(f, `\NoAccess`, "")
		}
		if status && events != 0 && f.Rights.Has(mailbox.RightRead) && !s.looksAt(f) {
			s.writeStatus(f, statusFor(events), 0)
		}
	}
	return n.learn(ctx, s, folders)
}

// statusFor are the items that tell where a mailbox stands, for a client that wants to hear of some events.
func statusFor(events imap.NotifyEvents) (items imap.StatusItems) {
	if events&imap.NotifyMessageNew != 0 {
		items |= imap.StatusMessages | imap.StatusUIDNext | imap.StatusUIDValidity
	}
	if events&imap.NotifyFlagChange != 0 {
		items |= imap.StatusUIDValidity | imap.StatusHighestModSeq
	}
	return items
}

// folders gives the mailboxes there are, if the client asked about others than the selected one.
func (n *notifying) folders(ctx context.Context, s *session) ([]mailbox.Folder, error) {
	if len(n.groups) == 0 {
		return nil, nil
	}
	return s.account.List(ctx)
}

// eventsOf gives the events of a mailbox that the client asked for by any group (RFC 5465 §6).
func (n *notifying) eventsOf(f *mailbox.Folder) (events imap.NotifyEvents) {
	for i := range n.groups {
		if matchesGroup(&n.groups[i], f) {
			events |= n.groups[i].Events
		}
	}
	return events
}

// matchesGroup tells whether a group is about a mailbox. Mail can be filed into any mailbox of one's own, so that each is one of
// the inboxes (RFC 5465 §6.3).
func matchesGroup(g *imap.NotifyGroup, f *mailbox.Folder) bool {
	switch g.Filter {
	case imap.NotifyInboxes, imap.NotifyPersonal:
		return !f.Foreign && !f.Missing
	case imap.NotifySubscribed:
		return f.Subscribed
	case imap.NotifySubtree:
		return slices.ContainsFunc(g.Mailboxes, func(name string) bool {
			return f.Path == name || strings.HasPrefix(f.Path, name+mailbox.Delimiter)
		})
	case imap.NotifyMailboxes:
		return slices.Contains(g.Mailboxes, f.Path)
	}
	return false
}

// named tells whether the client asked for a mailbox by its name.
func (n *notifying) named(f *mailbox.Folder) bool {
	return slices.ContainsFunc(n.groups, func(g imap.NotifyGroup) bool { return g.Filter >= imap.NotifySubtree && matchesGroup(&g, f) })
}

// wantsServer tells whether the client asked for changes of the server's annotations.
func (n *notifying) wantsServer() bool {
	return slices.ContainsFunc(n.groups, func(g imap.NotifyGroup) bool { return g.Events&imap.NotifyServerMetadata != 0 })
}

// others gives one folder of each other account whose mailboxes the client asked for.
func (n *notifying) others(folders []mailbox.Folder) map[mail.AccountID]*mailbox.Folder {
	others := map[mail.AccountID]*mailbox.Folder{}
	for i := range folders {
		if f := &folders[i]; f.Foreign && !f.Missing && n.eventsOf(f) != 0 {
			others[f.Account] = f
		}
	}
	return others
}

// watch watches the accounts that the client wants to hear of: its own, those of folders, and that of the selected mailbox.
// It is false when these are too many.
func (s *session) watch(ctx context.Context, folders []mailbox.Folder) bool {
	n := s.notify
	wanted := n.others(folders)
	if len(wanted) > maxWatched {
		return false
	}
	wanted[s.account.Identity().Account().ID] = nil
	if s.view != nil && n.selected != 0 {
		f := s.view.Folder()
		wanted[f.Account] = &f
	}
	for id, end := range n.watched {
		if _, ok := wanted[id]; !ok {
			end()
			delete(n.watched, id)
		}
	}
	for id, f := range wanted {
		if n.watched[id] == nil {
			n.watched[id] = s.watchOne(ctx, n, f)
		}
	}
	return true
}

// watchOne wakes the session at each change of the account a folder belongs to, nil: its own, until the function it gives is called. It
// wakes it once at the beginning, for what changed between the look that led here and the watching.
func (s *session) watchOne(ctx context.Context, n *notifying, f *mailbox.Folder) (end context.CancelFunc) {
	ctx, end = context.WithCancel(ctx)
	changes := s.account.Watch
	if f != nil {
		changes = func(ctx context.Context) <-chan mail.ModSeq { return s.account.WatchOf(ctx, f) }
	}
	go func(changes <-chan mail.ModSeq) {
		for range changes {
			n.changed.Store(true)
			s.poke()
		}
	}(changes(ctx))
	n.changed.Store(true)
	s.poke()
	return end
}

// endNotify forgets what NOTIFY asked for, and ends its watchers.
func (s *session) endNotify() {
	if s.notify == nil {
		return
	}
	for _, end := range s.notify.watched {
		end()
	}
	s.notify = nil
}

// overflow tells the client that it hears no more (RFC 5465 §5.8).
func (s *session) overflow() {
	s.endNotify()
	s.notify = newNotifying(&imap.Notify{})
	s.out.WriteString("* OK [NOTIFICATIONOVERFLOW] too much to be told\r\n")
}

// caused notes that this client itself changed a mailbox's name or subscription, of which it need not be told (RFC 5465 §5).
func (s *session) caused(path string) {
	if s.notify != nil {
		s.notify.own = append(s.notify.own, path)
	}
}
