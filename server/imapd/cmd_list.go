package imapd

import (
	"context"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// listing is a LIST command (RFC 9051 §6.3.9).
type listing struct {
	extended   bool
	subscribed bool // select: subscribed ones only
	recursive  bool // select: parents of what is selected, too
	special    bool // select: those with a special use
	reference  string
	root       bool // the pattern was empty: only the delimiter is asked for
	patterns   []string
	status     imap.StatusItems // return
	wantStatus bool
	saySubs    bool // return: \Subscribed
}

// maxPatterns is how many patterns one LIST may have.
const maxPatterns = 32

// cmdList is LIST, with LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC 5819) and SPECIAL-USE (RFC 6154).
func cmdList(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var l listing
	if !l.take(d) || !d.End() {
		return reply{}, d.Err()
	}
	if l.recursive && !l.subscribed && !l.special {
		return reply{}, mail.E("imapd.LIST", mail.Invalid, "imap.syntax", "list-select-base-opt")
	}
	if !l.extended && l.root {
		s.out.WriteString("* LIST (\\Noselect) \"/\" \"\"\r\n")
		return reply{}, nil
	}
	folders, err := s.account.Folders(ctx)
	if err != nil {
		return reply{}, err
	}
	for i := range folders {
		if err := s.listOne(ctx, &l, folders, i); err != nil {
			return reply{}, err
		}
	}
	return reply{}, nil
}

// take reads the arguments of LIST.
func (l *listing) take(d *imap.Decoder) bool {
	if !d.SP() {
		return false
	}
	if d.IsNext('(') {
		l.extended = true
		if !d.List(func() bool { return l.selectOption(d) }) || !d.SP() {
			return false
		}
	}
	if !d.Mailbox(&l.reference) || !d.SP() || !l.takePatterns(d) {
		return false
	}
	if d.AtEnd() {
		return true
	}
	var word string
	if !d.SP() || !d.Keyword(&word) || word != "RETURN" {
		return d.Expected("RETURN")
	}
	l.extended = true
	return d.SP() && d.List(func() bool { return l.returnOption(d) })
}

func (l *listing) takePatterns(d *imap.Decoder) bool {
	one := func() bool {
		var p string
		if !d.ListMailbox(&p) {
			return false
		}
		if len(l.patterns) == maxPatterns {
			return d.Expected(")")
		}
		l.root = p == ""
		l.patterns = append(l.patterns, l.reference+p)
		return true
	}
	if !d.IsNext('(') {
		return one()
	}
	l.extended = true
	return d.List(one)
}

func (l *listing) selectOption(d *imap.Decoder) bool {
	var word string
	if !d.Keyword(&word) {
		return false
	}
	switch word {
	case "SUBSCRIBED":
		l.subscribed, l.saySubs = true, true
	case "RECURSIVEMATCH":
		l.recursive = true
	case "SPECIAL-USE":
		l.special = true
	case "REMOTE": // there are none
	default:
		return d.Expected("list-select-opt")
	}
	return true
}

func (l *listing) returnOption(d *imap.Decoder) bool {
	var word string
	if !d.Keyword(&word) {
		return false
	}
	switch word {
	case "SUBSCRIBED":
		l.saySubs = true
	case "CHILDREN", "SPECIAL-USE": // always said
	case "STATUS":
		l.wantStatus = true
		return d.SP() && d.StatusList(&l.status)
	default:
		return d.Expected("return-option")
	}
	return true
}

func (l *listing) selects(f *mailbox.Folder) bool {
	return (!l.subscribed || f.Subscribed) && (!l.special || useOf(f.Role) != "")
}

func (l *listing) matches(path string) bool {
	for _, p := range l.patterns {
		if imap.Match(p, path) {
			return true
		}
	}
	return false
}

// listOne writes the response for one folder, if it has one.
func (s *session) listOne(ctx context.Context, l *listing, all []mailbox.Folder, i int) error {
	f := &all[i]
	if !l.matches(f.Path) {
		return nil
	}
	chosen := l.selects(f)
	below := l.recursive && l.selectsBelow(all, f.Path)
	if !chosen && !below {
		return nil
	}
	b := append(s.out.Begin(), "* LIST ("...)
	b = appendAttributes(b, f, l.saySubs)
	b = append(b, ") \"/\" "...)
	b = imap.AppendMailbox(b, f.Path, s.wide())
	if below {
		b = l.appendChildInfo(b)
	}
	s.out.End(append(b, '\r', '\n'))
	if l.wantStatus && chosen {
		return s.status(ctx, f, l.status)
	}
	return nil
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

// selectsBelow tells whether a folder below path is selected and has no line of its own (RFC 5258 §3.5).
func (l *listing) selectsBelow(all []mailbox.Folder, path string) bool {
	for i := range all {
		f := &all[i]
		if strings.HasPrefix(f.Path, path+"/") && l.selects(f) && !l.matches(f.Path) {
			return true
		}
	}
	return false
}

func appendAttributes(b []byte, f *mailbox.Folder, subscribed bool) []byte {
	if f.HasChildren {
		b = append(b, `\HasChildren`...)
	} else {
		b = append(b, `\HasNoChildren`...)
	}
	if subscribed && f.Subscribed {
		b = append(b, ` \Subscribed`...)
	}
	if use := useOf(f.Role); use != "" {
		b = append(append(b, ' '), use...)
	}
	return b
}

// cmdLSub is LSUB (RFC 3501 §6.3.9).
func cmdLSub(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var reference, pattern string
	if !d.SP() || !d.Mailbox(&reference) || !d.SP() || !d.ListMailbox(&pattern) || !d.End() {
		return reply{}, d.Err()
	}
	folders, err := s.account.Folders(ctx)
	if err != nil {
		return reply{}, err
	}
	for i := range folders {
		f := &folders[i]
		if !imap.Match(reference+pattern, f.Path) {
			continue
		}
		switch {
		case f.Subscribed:
			s.lsub("", f.Path)
		case strings.HasSuffix(pattern, "%") && subscribedBelow(folders, f.Path):
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

func subscribedBelow(all []mailbox.Folder, path string) bool {
	for i := range all {
		if all[i].Subscribed && strings.HasPrefix(all[i].Path, path+"/") {
			return true
		}
	}
	return false
}
