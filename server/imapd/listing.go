package imapd

import (
	"strings"

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

	// What is to be returned.
	saySubs      bool // \Subscribed
	wantStatus   bool
	status       imap.StatusItems
	wantRights   bool
	wantMetadata bool
	metadata     metadataQuery

	all []mailbox.Folder // what there is; mailboxes below one stand behind it
}

// maxPatterns is how many patterns one LIST may have.
const maxPatterns = 32

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
	if !d.Mailbox(&l.reference) || !d.SP() {
		return false
	}
	if d.IsNext('(') {
		l.extended = true
		if !d.List(func() bool { return l.takePatterns(d) }) {
			return false
		}
	} else if !l.takePatterns(d) {
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

// takePatterns takes one more pattern.
func (l *listing) takePatterns(d *imap.Decoder) bool {
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
	case "MYRIGHTS":
		l.wantRights = true
	case "METADATA":
		l.wantMetadata = true
		return d.SP() && l.metadata.takeEntries(d)
	default:
		return d.Expected("return-option")
	}
	return true
}

// selects tells whether a folder is among those that are asked for. One that is missing is so by its subscription only.
func (l *listing) selects(f *mailbox.Folder) bool {
	if f.Missing && !l.subscribed {
		return false
	}
	return (!l.subscribed || f.Subscribed) && (!l.special || mailbox.UseOf(f.Role) != "")
}

// isLevel tells whether a folder is no mailbox, but a level above one that a "%" asks for (RFC 9051 §6.3.9).
func (l *listing) isLevel(f *mailbox.Folder) bool {
	return f.Missing && f.HasChildren && !l.subscribed && !l.special && l.matchesLevel(f.Path)
}

func (l *listing) matches(path string) bool {
	for _, p := range l.patterns {
		if imap.Match(p, path) {
			return true
		}
	}
	return false
}

// matchesLevel is matches for patterns that end in "%".
func (l *listing) matchesLevel(path string) bool {
	for _, p := range l.patterns {
		if strings.HasSuffix(p, "%") && imap.Match(p, path) {
			return true
		}
	}
	return false
}

// selectsBelow tells whether a folder below one is selected and has no line of its own (RFC 5258 §3.5).
func (l *listing) selectsBelow(i int) bool {
	above := l.all[i].Path + mailbox.Delimiter
	for i++; i < len(l.all) && strings.HasPrefix(l.all[i].Path, above); i++ {
		if f := &l.all[i]; l.selects(f) && !l.matches(f.Path) {
			return true
		}
	}
	return false
}
