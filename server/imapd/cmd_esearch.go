package imapd

import (
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// cmdESearch is ESEARCH (RFC 7377 §2): a search in several mailboxes, answered by one ESEARCH for each that has a message that fits.
func cmdESearch(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	a := asked{uid: true, word: "ESEARCH"}
	if !d.SP() || !d.ESearch(&a.Search) || !d.End() {
		return reply{}, d.Err()
	}
	if err := s.mayESearch(&a.Search); err != nil {
		return reply{}, err
	}
	if err := s.searchAll(ctx, &a); err != nil {
		if a.Return&imap.ReturnSave != 0 {
			s.unsave(err)
		}
		return reply{}, err
	}
	return reply{}, nil
}

// searchAll searches all mailboxes that are asked for.
func (s *session) searchAll(ctx context.Context, a *asked) error {
	if err := s.decodeKeys(&a.Search); err != nil {
		return err
	}
	paths, err := s.sources(ctx, a.In)
	if err != nil {
		return err
	}
	saved := s.saved
	return inTime(ctx, func(ctx context.Context) error {
		for _, path := range paths {
			if err := s.searchIn(ctx, a, path, saved); err != nil {
				return err
			}
		}
		return nil
	})
}

// mayESearch refuses what only holds in the selected mailbox where others are searched: "$", sequence numbers, SAVE (RFC 7377 §2.1),
// and updates.
func (s *session) mayESearch(a *imap.Search) error {
	here := s.view != nil && (len(a.In) == 0 || len(a.In) == 1 && s.isSelected(a.In[0]))
	switch {
	case len(a.In) == 0 && s.view == nil:
		return mail.E(opCommand, mail.Invalid, "imap.wrong_state", "ESEARCH")
	case a.Return&imap.ReturnUpdate != 0:
		return mail.E(opSearch, mail.Invalid, "imap.syntax", "UPDATE")
	case here:
		return nil
	case a.Return&imap.ReturnSave != 0 && s.view == nil:
		return mail.E(opCommand, mail.Invalid, "imap.wrong_state", "SAVE")
	case a.Return&imap.ReturnSave != 0 || usesNumbers(&a.Key):
		return mail.E(opSearch, mail.Invalid, "imap.only_selected")
	}
	return nil
}

// isSelected tells whether a source is the selected mailbox and nothing else.
func (s *session) isSelected(src imap.Source) bool {
	return src.Scope == imap.ScopeSelected || src.Scope == imap.ScopeMailboxes && len(src.Mailboxes) == 1 && src.Mailboxes[0] == s.view.Folder().Path
}

// usesNumbers tells whether a key names messages by sequence numbers or by "$".
func usesNumbers(k *imap.Key) bool {
	return k.Op == imap.KeySeq || k.Op == imap.KeyUID && k.Set.Saved || slices.ContainsFunc(k.Keys, func(k imap.Key) bool { return usesNumbers(&k) })
}

// sources lists the mailboxes to look in, each once. One that is not there is passed over (RFC 7377 §2.2).
func (s *session) sources(ctx context.Context, in []imap.Source) ([]string, error) {
	if len(in) == 0 {
		in = []imap.Source{{Scope: imap.ScopeSelected}}
	}
	folders, err := s.account.List(ctx)
	if err != nil {
		return nil, err
	}
	var paths []string
	known := map[string]bool{}
	add := func(path string) {
		if !known[path] {
			known[path] = true
			paths = append(paths, path)
		}
	}
	for i := range in {
		if in[i].Scope == imap.ScopeMailboxes {
			for _, path := range in[i].Mailboxes {
				add(path)
			}
			continue
		}
		if in[i].Scope == imap.ScopeSelected && s.view != nil {
			add(s.view.Folder().Path)
		}
		for f := range folders {
			if inScope(&in[i], &folders[f]) {
				add(folders[f].Path)
			}
		}
	}
	return paths, nil
}

// inScope tells whether a folder is meant. New mail comes into the inbox, so that is what INBOXES means.
func inScope(src *imap.Source, f *mailbox.Folder) bool {
	if f.Missing || f.Foreign && (src.Scope == imap.ScopeInboxes || src.Scope == imap.ScopePersonal) {
		return false
	}
	switch src.Scope {
	case imap.ScopeInboxes:
		return f.Role == "inbox" || f.Path == imap.Inbox
	case imap.ScopePersonal:
		return true
	case imap.ScopeSubscribed:
		return f.Subscribed
	case imap.ScopeSubtree, imap.ScopeSubtreeOne:
		return slices.ContainsFunc(src.Mailboxes, func(top string) bool {
			below, ok := strings.CutPrefix(f.Path, top+string(imap.Delimiter))
			return f.Path == top || ok && (src.Scope == imap.ScopeSubtree || !strings.ContainsRune(below, imap.Delimiter))
		})
	}
	return false
}

// searchIn searches one mailbox and tells what it found, if anything. A mailbox that is not there, or not to be read, has nothing.
func (s *session) searchIn(ctx context.Context, a *asked, path string, saved []mail.UID) error {
	view, selected := s.view, s.view != nil && s.view.Folder().Path == path
	if !selected {
		var err error
		view, err = s.account.Select(ctx, path)
		if passedOver(err) {
			return nil
		}
		if err != nil {
			return err
		}
		defer view.Close()
		saved = nil
	}
	q, err := s.prepareAsked(ctx, view, &a.Search, saved)
	if err != nil {
		return err
	}
	r, err := q.results(ctx, &a.Search)
	if passedOver(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if a.Return&imap.ReturnSave != 0 && selected {
		s.save(r, &a.Search)
	}
	if len(r.seqs) > 0 {
		name := imap.AppendMailbox([]byte(" MAILBOX "), path, s.wide())
		name = imap.AppendUint(append(name, " UIDVALIDITY "...), view.Folder().UIDValidity)
		s.tellESearch(a, r, string(name))
	}
	return nil
}

// passedOver tells of a mailbox that is not there, cannot be, or must not be read.
func passedOver(err error) bool {
	key, _ := mail.TextOf(err)
	return mail.Is(err, mail.NotFound) || mail.Is(err, mail.Denied) && key == "mailbox.no_right" || key == "mailbox.name"
}
