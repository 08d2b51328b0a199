package imap

// A Source says in which mailboxes an ESEARCH looks (RFC 7377 §2.2).
type Source struct {
	Scope     Scope
	Mailboxes []string // of ScopeSubtree, ScopeSubtreeOne and ScopeMailboxes, at least one; in UTF-8
}

// Scope is a filter of mailboxes (RFC 5465 §6, RFC 7377 §2.2).
type Scope uint8

// Scopes.
const (
	ScopeSelected Scope = iota + 1
	ScopeInboxes
	ScopePersonal
	ScopeSubscribed
	ScopeSubtree
	ScopeSubtreeOne
	ScopeMailboxes
)

var scopeNames = [...]string{
	ScopeSelected: "SELECTED", ScopeInboxes: "INBOXES", ScopePersonal: "PERSONAL", ScopeSubscribed: "SUBSCRIBED",
	ScopeSubtree: "SUBTREE", ScopeSubtreeOne: "SUBTREE-ONE", ScopeMailboxes: "MAILBOXES",
}

// ESearch takes what stands behind "ESEARCH ", without the end of the command.
func (d *Decoder) ESearch(s *Search) bool {
	p := keyParser{d: d}
	word, ok := p.word()
	if ok && word == "IN" {
		ok = d.SP() && d.sources(s) && d.SP()
		word, ok = p.wordIf(ok)
	}
	s.HasReturn = true
	if word, ok = p.returns(s, word, ok); ok && word == "CHARSET" {
		ok = d.SP() && d.AString(&s.Charset) && d.SP()
		word, ok = p.wordIf(ok)
	}
	return p.keys(s, word, ok)
}

// sources takes the list behind IN. The grammar has room for options of scopes, of which there are none.
func (d *Decoder) sources(s *Search) bool {
	ok := d.List(func() bool { return d.source(s) })
	return ok && (len(s.In) > 0 || d.Expected("source-mbox"))
}

func (d *Decoder) source(s *Search) bool {
	var word string
	if !d.Keyword(&word) {
		return false
	}
	src := Source{}
	for scope, name := range scopeNames {
		if name == word {
			src.Scope = Scope(scope)
		}
	}
	switch {
	case src.Scope == 0 || len(s.In) == MaxSources:
		return d.Expected("filter-mailboxes")
	case src.Scope >= ScopeSubtree && (!d.SP() || !d.mailboxes(&src)):
		return false
	}
	s.In = append(s.In, src)
	return true
}

// mailboxes takes one-or-more-mailbox.
func (d *Decoder) mailboxes(src *Source) bool {
	one := func() bool {
		var name string
		if len(src.Mailboxes) == MaxSources || !d.Mailbox(&name) {
			return d.Expected("mailbox")
		}
		src.Mailboxes = append(src.Mailboxes, name)
		return true
	}
	if !d.IsNext('(') {
		return one()
	}
	return d.List(one) && (len(src.Mailboxes) > 0 || d.Expected("mailbox"))
}

// AppendESearch writes what follows "ESEARCH " in the command.
func (s *Search) AppendESearch(dst []byte) []byte {
	if len(s.In) > 0 {
		dst = append(dst, "IN ("...)
		start := len(dst)
		for _, src := range s.In {
			dst = src.appendTo(sep(dst, start))
		}
		dst = append(dst, ") "...)
	}
	return s.AppendTo(dst)
}

func (src *Source) appendTo(dst []byte) []byte {
	dst = append(dst, scopeNames[src.Scope]...)
	if len(src.Mailboxes) == 0 {
		return dst
	}
	dst = append(dst, " ("...)
	start := len(dst)
	for _, name := range src.Mailboxes {
		dst = AppendMailbox(sep(dst, start), name, true)
	}
	return append(dst, ')')
}
