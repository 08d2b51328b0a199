package imapd

import (
	"context"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// knownFolder is a mailbox as the client was told of it.
type knownFolder struct {
	mailbox.Folder
	notes map[string]uint64 // digests of its annotations, where the client wants to hear of them
}

// digestOf gives a digest of each annotation's value, which is all that is remembered of it.
func (n *notifying) digestOf(found []mailbox.Annotation) map[string]uint64 {
	notes := make(map[string]uint64, len(found))
	for _, a := range found {
		notes[a.Entry] = maphash.Bytes(n.seed, a.Value)
	}
	return notes
}

// allAnnotations asks for all entries.
var allAnnotations = mailbox.AnnotationQuery{Entries: []string{"/private", "/shared"}, Depth: mailbox.Deep}

// learn notes the state of folders as what the client knows.
func (n *notifying) learn(ctx context.Context, s *session, folders []mailbox.Folder) error {
	for i := range folders {
		f := &folders[i]
		if f.Missing {
			continue
		}
		k := &knownFolder{Folder: *f}
		if n.eventsOf(f)&imap.NotifyMailboxMetadata != 0 {
			found, err := s.annotations(ctx, f)
			if err != nil {
				return err
			}
			k.notes = n.digestOf(found)
		}
		n.known[f.ID] = k
	}
	if !n.wantsServer() {
		return nil
	}
	found, err := s.annotations(ctx, &mailbox.Folder{})
	n.server = n.digestOf(found)
	return err
}

// annotations gives all annotations of a folder, none where they may not be seen.
func (s *session) annotations(ctx context.Context, f *mailbox.Folder) ([]mailbox.Annotation, error) {
	found, err := s.account.FolderMetadata(ctx, f, allAnnotations)
	if mail.Is(err, mail.Denied) {
		return nil, nil
	}
	return found, err
}

// tellNotified tells what the client asked for by NOTIFY while no command runs, or in IDLE. It is false when the
// selected mailbox was deleted.
func (s *session) tellNotified(ctx context.Context, idle bool) (there bool) {
	n := s.notify
	if n == nil {
		return true
	}
	what := tellAll
	if n.delayed && !idle {
		what = tellChanges
	}
	if !s.tell(ctx, what) {
		return false
	}
	if n.changed.Swap(false) {
		s.tellOthers(ctx)
	}
	return true
}

// tellOthers tells what happened to mailboxes other than the selected one, and to all of them but for their messages.
func (s *session) tellOthers(ctx context.Context) {
	n := s.notify
	folders, err := n.folders(ctx, s)
	if err != nil {
		s.log.Error("listing for NOTIFY failed", "error", err)
		n.changed.Store(true) // the next time tries again
		return
	}
	if !s.watch(ctx, folders) {
		s.overflow()
		return
	}
	there := make(map[mail.MailboxID]bool, len(folders))
	for i := range folders {
		if f := &folders[i]; !f.Missing {
			there[f.ID] = true
			s.tellFolder(ctx, folders, f)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(n.known)) {
		if !there[id] {
			s.tellGone(folders, n.known[id])
			delete(n.known, id)
		}
	}
	if n.wantsServer() {
		s.tellServerNotes(ctx)
	}
	n.own = n.own[:0]
}

// tellFolder tells what became of one folder since the client was told last.
func (s *session) tellFolder(ctx context.Context, folders []mailbox.Folder, f *mailbox.Folder) {
	n := s.notify
	events := n.eventsOf(f)
	k := n.known[f.ID]
	if k == nil {
		k = &knownFolder{Folder: *f, notes: map[string]uint64{}}
		k.Messages, k.UIDNext, k.Unseen = 0, 1, 0
		n.known[f.ID] = k
		s.tellName(folders, f, events, "")
	} else if k.Name != f.Name || k.Parent != f.Parent {
		s.tellName(folders, f, events|n.eventsOf(&k.Folder), k.Path)
	}
	if k.Subscribed != f.Subscribed && events&imap.NotifySubscriptionChange != 0 && !n.isOwn(f.Path) {
		s.listFolder(f, "", "")
	}
	if events&imap.NotifyMailboxMetadata != 0 && k.ModSeq != f.ModSeq {
		s.tellNotes(ctx, f, k)
	}
	if !s.looksAt(f) && f.Rights.Has(mailbox.RightRead) {
		if items := s.newsOf(events, k, f); items != 0 {
			s.writeStatus(f, items, 0)
		}
	}
	k.Folder = *f
}

// newsOf gives the items that tell a change of a mailbox's messages (RFC 5465 §5.1, §5.2, §5.3).
func (s *session) newsOf(events imap.NotifyEvents, k *knownFolder, f *mailbox.Folder) (items imap.StatusItems) {
	switch {
	case events&imap.NotifyMessageNew != 0 && (k.UIDNext != f.UIDNext || k.Messages != f.Messages):
		items = imap.StatusMessages | imap.StatusUIDNext
	case events&imap.NotifyFlagChange == 0 || k.ModSeq == f.ModSeq:
		return 0
	}
	if events&imap.NotifyFlagChange != 0 && k.Unseen != f.Unseen {
		items |= imap.StatusUnseen | imap.StatusUIDValidity
	}
	if s.condstore {
		items |= imap.StatusHighestModSeq | imap.StatusUIDValidity
	}
	return items
}

// tellName tells that a folder has a name it did not have: it is new, or had another (RFC 5465 §5.4).
func (s *session) tellName(folders []mailbox.Folder, f *mailbox.Folder, events imap.NotifyEvents, old string) {
	if events&imap.NotifyMailboxName == 0 || s.notify.isOwn(f.Path) {
		return
	}
	s.listFolder(f, "", old)
	if old == "" {
		s.tellParent(folders, f.Path)
	}
}

// tellGone tells that a folder is no more, or may not be known of any more.
func (s *session) tellGone(folders []mailbox.Folder, k *knownFolder) {
	if s.notify.eventsOf(&k.Folder)&imap.NotifyMailboxName == 0 || s.notify.isOwn(k.Path) {
		return
	}
	b := append(s.out.Begin(), "* LIST (\\NonExistent) \"/\" "...)
	s.out.End(append(imap.AppendMailbox(b, k.Path, s.wide()), '\r', '\n'))
	s.tellParent(folders, k.Path)
}

// tellParent tells of the mailbox above one that came or went: whether it has children may be otherwise now (RFC 5465 §5.4).
func (s *session) tellParent(folders []mailbox.Folder, path string) {
	end := strings.LastIndex(path, mailbox.Delimiter)
	if end < 0 {
		return
	}
	for i := range folders {
		f := &folders[i]
		if f.Path == path[:end] && s.notify.eventsOf(f)&imap.NotifyMailboxName != 0 {
			s.listFolder(f, "", "")
		}
	}
}

// tellNotes tells which annotations of a mailbox changed (RFC 5465 §5.6).
func (s *session) tellNotes(ctx context.Context, f *mailbox.Folder, k *knownFolder) {
	found, err := s.annotations(ctx, f)
	if err != nil {
		s.log.Error("reading annotations for NOTIFY failed", "error", err)
		return
	}
	now := s.notify.digestOf(found)
	if !s.notify.isOwn(f.Path) {
		s.tellEntries(f.Path, k.notes, now)
	}
	k.notes = now
}

// tellServerNotes is tellNotes for the server's (RFC 5465 §5.7).
func (s *session) tellServerNotes(ctx context.Context) {
	found, err := s.annotations(ctx, &mailbox.Folder{})
	if err != nil {
		s.log.Error("reading annotations for NOTIFY failed", "error", err)
		return
	}
	now := s.notify.digestOf(found)
	if !s.notify.isOwn("") {
		s.tellEntries("", s.notify.server, now)
	}
	s.notify.server = now
}

// tellEntries writes the names of entries that are otherwise now, in a METADATA response without values (RFC 5464 §4.4.2).
func (s *session) tellEntries(path string, was, now map[string]uint64) {
	var names []string
	for name, digest := range now {
		if old, had := was[name]; !had || old != digest {
			names = append(names, name)
		}
	}
	for name := range was {
		if _, has := now[name]; !has {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	b := imap.AppendMailbox(append(s.out.Begin(), "* METADATA "...), path, s.wide())
	for _, name := range slices.Sorted(slices.Values(names)) {
		b = imap.AppendAString(append(b, ' '), name, false)
	}
	s.out.End(append(b, '\r', '\n'))
}

// isOwn tells whether this client itself just changed what a path names.
func (n *notifying) isOwn(path string) bool { return slices.Contains(n.own, path) }

// looksAt tells whether a folder is the selected mailbox.
func (s *session) looksAt(f *mailbox.Folder) bool { return s.view != nil && s.view.Folder().ID == f.ID }

// listFolder writes a LIST response for a folder, with an attribute more, and with the name it had before.
func (s *session) listFolder(f *mailbox.Folder, attribute, old string) {
	l := listing{saySubs: true}
	b := l.appendAttributes(append(s.out.Begin(), "* LIST ("...), f)
	if attribute != "" {
		b = append(append(b, ' '), attribute...)
	}
	b = imap.AppendMailbox(append(b, ") \"/\" "...), f.Path, s.wide())
	if old != "" {
		b = append(imap.AppendMailbox(append(b, " (\"OLDNAME\" ("...), old, s.wide()), "))"...)
	}
	s.out.End(append(b, '\r', '\n'))
}

// tellNew tells of new messages what the client asked for (RFC 5465 §5.2): those behind the first so many, but not those it
// put there itself.
func (s *session) tellNew(ctx context.Context, known uint32) {
	own := s.added
	s.added = nil
	if s.notify == nil || s.notify.fetch == nil {
		return
	}
	var seqs []uint32
	for seq := known + 1; seq <= s.exists; seq++ {
		if !slices.Contains(own, s.view.UID(seq)) {
			seqs = append(seqs, seq)
		}
	}
	w := fetching{s: s, Fetch: *s.notify.fetch}
	if err := w.run(ctx, seqs); err != nil {
		s.log.Error("new messages could not be told of", "error", err)
	}
}

// addedHere notes messages that this client put into a mailbox itself: it need not be told of them.
func (s *session) addedHere(path string, uids []mail.UID) {
	if s.notify != nil && s.notify.fetch != nil && s.view != nil && s.view.Folder().Path == path {
		s.added = append(s.added, uids...)
	}
}
