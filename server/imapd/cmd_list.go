package imapd

import (
	"context"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// cmdList is LIST (RFC 9051 §6.3.9) with LIST-EXTENDED (RFC 5258), SPECIAL-USE (RFC 6154), and what may come along:
// LIST-STATUS (RFC 5819), LIST-MYRIGHTS (RFC 8440), LIST-METADATA (RFC 9590).
func cmdList(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var l listing
	if !l.take(d) || !d.End() {
		return reply{}, d.Err()
	}
	if l.recursive && !l.subscribed && !l.special {
		return reply{}, mail.E("imapd.LIST", mail.Invalid, "imap.syntax", "list-select-base-opt")
	}
	if !l.extended && l.root {
		s.listRoot(l.reference)
		return reply{}, nil
	}
	var err error
	if l.all, err = s.account.List(ctx); err != nil {
		return reply{}, err
	}
	for i := range l.all {
		if err := s.listOne(ctx, &l, i); err != nil {
			return reply{}, err
		}
	}
	return reply{code: l.metadata.longEntries()}, nil
}

// listRoot answers to an empty pattern with the delimiter and the root of the name space the reference is in.
func (s *session) listRoot(reference string) {
	root := ""
	if strings.HasPrefix(reference, othersPrefix) {
		root = othersPrefix
	}
	b := imap.AppendMailbox(append(s.out.Begin(), "* LIST (\\Noselect) \"/\" "...), root, s.wide())
	s.out.End(append(b, '\r', '\n'))
}

// listName tells IMAP4rev2 clients how a mailbox is called that they asked for by another name, or by this one
// (RFC 9051 §6.3.9.7 OLDNAME): names are put into Unicode NFC, and a colleague's alias leads to the main address.
func (s *session) listName(path, asked string) {
	b := imap.AppendMailbox(append(s.out.Begin(), "* LIST () \"/\" "...), path, s.wide())
	if path != asked {
		b = append(imap.AppendMailbox(append(b, " (\"OLDNAME\" ("...), asked, s.wide()), "))"...)
	}
	s.out.End(append(b, '\r', '\n'))
}

// othersPrefix begins the name space of other users (RFC 2342 §4).
const othersPrefix = mailbox.Others + mailbox.Delimiter

// listOne writes the responses for one folder, if it has some.
func (s *session) listOne(ctx context.Context, l *listing, i int) error {
	f := &l.all[i]
	if !l.matches(f.Path) {
		return nil
	}
	chosen := l.selects(f)
	below := l.recursive && l.selectsBelow(i)
	if !chosen && !below && !l.isLevel(f) {
		return nil
	}
	b := append(s.out.Begin(), "* LIST ("...)
	b = l.appendAttributes(b, f)
	b = append(b, ") \"/\" "...)
	b = imap.AppendMailbox(b, f.Path, s.wide())
	if below {
		b = l.appendChildInfo(b)
	}
	s.out.End(append(b, '\r', '\n'))
	if !chosen || f.Missing {
		return nil
	}
	return s.listAlong(ctx, l, f)
}

// listAlong writes what else was asked for about a folder. What its rights do not allow is left out (RFC 5819 §2).
func (s *session) listAlong(ctx context.Context, l *listing, f *mailbox.Folder) error {
	if l.wantStatus && f.Rights.Has(mailbox.RightRead) {
		if err := s.status(ctx, f, l.status); err != nil {
			return err
		}
	}
	if l.wantRights {
		s.myRights(f.Path, f.Rights)
	}
	if !l.wantMetadata {
		return nil
	}
	found, err := s.account.FolderMetadata(ctx, f, l.metadata.query)
	if mail.Is(err, mail.Denied) || mail.Is(err, mail.NotFound) { // or gone meanwhile
		return nil
	}
	if err == nil {
		s.metadata(f.Path, found, &l.metadata)
	}
	return err
}

// appendAttributes writes what kind of mailbox it is (RFC 9051 §7.3.1; RFC 3348 §3 for those below it). Old clients know \Noselect only.
func (l *listing) appendAttributes(b []byte, f *mailbox.Folder) []byte {
	if f.HasChildren {
		b = append(b, `\HasChildren`...)
	} else {
		b = append(b, `\HasNoChildren`...)
	}
	switch {
	case f.Missing:
		b = append(b, ` \NonExistent \Noselect`...)
	case !f.Rights.Has(mailbox.RightRead):
		b = append(b, ` \Noselect`...)
	}
	if l.saySubs && f.Subscribed {
		b = append(b, ` \Subscribed`...)
	}
	if use := mailbox.UseOf(f.Role); use != "" {
		b = append(append(b, ' '), use...)
	}
	return b
}

// appendChildInfo says by which options something below is selected (RFC 5258 §4).
func (l *listing) appendChildInfo(b []byte) []byte {
	switch {
	case l.subscribed && l.special:
		return append(b, ` ("CHILDINFO" ("SUBSCRIBED" "SPECIAL-USE"))`...)
	case l.special:
		return append(b, ` ("CHILDINFO" ("SPECIAL-USE"))`...)
	}
	return append(b, ` ("CHILDINFO" ("SUBSCRIBED"))`...)
}

// cmdLSub is LSUB (RFC 3501 §6.3.9).
func cmdLSub(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	l := listing{subscribed: true}
	if !d.SP() || !d.Mailbox(&l.reference) || !d.SP() || !l.takePatterns(d) || !d.End() {
		return reply{}, d.Err()
	}
	var err error
	if l.all, err = s.account.List(ctx); err != nil {
		return reply{}, err
	}
	for i := range l.all {
		f := &l.all[i]
		switch {
		case !l.matches(f.Path):
		case f.Subscribed && f.Missing:
			s.lsub(`\Noselect`, f.Path)
		case f.Subscribed:
			s.lsub("", f.Path)
		case l.matchesLevel(f.Path) && l.selectsBelow(i):
			s.lsub(`\Noselect`, f.Path)
		}
	}
	return reply{}, nil
}

func (s *session) lsub(attribute, path string) {
	b := append(append(s.out.Begin(), "* LSUB ("...), attribute...)
	b = imap.AppendMailbox(append(b, ") \"/\" "...), path, s.wide())
	s.out.End(append(b, '\r', '\n'))
}
