package imap

// Fetch is what a FETCH command asks for (RFC 9051 §6.4.5).
type Fetch struct {
	Items        FetchItems
	Sections     []Section // in the order asked for
	ChangedSince uint64    // RFC 7162 §3.1.4; HasChanged tells whether it was given
	HasChanged   bool
	Vanished     bool // RFC 7162 §3.2.6; with HasChanged only
	HasPartial   bool
	Partial      Partial // RFC 9394 §3.2: of the messages the set names
}

// FetchItems are data items without an argument, one bit each.
type FetchItems uint16

// Data items.
const (
	FetchFlags FetchItems = 1 << iota
	FetchUID
	FetchInternalDate
	FetchSize
	FetchEnvelope
	FetchBody
	FetchBodyStructure
	FetchModSeq
	FetchEmailID
	FetchThreadID
	FetchSaveDate
	FetchPreview // RFC 8970; LAZY changes nothing where a preview is made at once
)

// fetchItems are the items by name, in the order in which AppendTo writes them.
var fetchItems = [...]struct {
	name string
	item FetchItems
}{
	{"FLAGS", FetchFlags},
	{"UID", FetchUID},
	{"INTERNALDATE", FetchInternalDate},
	{"RFC822.SIZE", FetchSize},
	{"ENVELOPE", FetchEnvelope},
	{"BODY", FetchBody},
	{"BODYSTRUCTURE", FetchBodyStructure},
	{"MODSEQ", FetchModSeq},
	{"EMAILID", FetchEmailID},
	{"THREADID", FetchThreadID},
	{"SAVEDATE", FetchSaveDate},
	{"PREVIEW", FetchPreview},
}

// fetchMacros stand for several items (RFC 9051 §6.4.5).
var fetchMacros = map[string]FetchItems{
	"FAST": FetchFlags | FetchInternalDate | FetchSize,
	"ALL":  FetchFlags | FetchInternalDate | FetchSize | FetchEnvelope,
	"FULL": FetchFlags | FetchInternalDate | FetchSize | FetchEnvelope | FetchBody,
}

// Fetch takes what stands behind the set of a FETCH command, without its end.
func (d *Decoder) Fetch(f *Fetch) bool {
	if d.IsNext('(') {
		if !d.fetchList(f) {
			return false
		}
		if f.Items == 0 && len(f.Sections) == 0 {
			return d.Expected("fetch-att")
		}
	} else if !d.fetchItem(f) {
		return false
	}
	lazy := f.Items == FetchPreview && len(f.Sections) == 0
	for !d.AtEnd() {
		if !d.SP() {
			return false
		}
		if !d.AtEnd() && !d.List(func() bool { return d.fetchModifier(f, &lazy) }) {
			return false
		}
	}
	return d.err == nil && (f.HasChanged || !f.Vanished || d.Expected("CHANGEDSINCE"))
}

// fetchList takes items in parentheses. The space behind PREVIEW may be followed by its own list, and is taken to find out.
func (d *Decoder) fetchList(f *Fetch) bool {
	d.Special('(')
	for d.skipSpaces(); !d.Accept(')'); d.skipSpaces() {
		had := f.Items
		if !d.fetchItem(f) {
			return false
		}
		spaced := d.Accept(' ')
		if spaced && f.Items&^had == FetchPreview && d.IsNext('(') {
			if !d.List(d.previewModifier) {
				return false
			}
			spaced = d.Accept(' ')
		}
		if !spaced && !d.IsNext(')') {
			return d.Expected("list")
		}
	}
	return d.err == nil
}

// previewModifier takes LAZY (RFC 8970 §4.1).
func (d *Decoder) previewModifier() bool {
	var word string
	return d.Keyword(&word) && (word == "LAZY" || d.Expected("LAZY"))
}

// fetchItem takes one item, or a macro, which some clients put into a list.
func (d *Decoder) fetchItem(f *Fetch) bool {
	word := string(d.run(func(c byte) bool { return isAtomChar(c) && c != '[' }))
	word = upper(word)
	if items, ok := fetchMacros[word]; ok {
		f.Items |= items
		return d.err == nil
	}
	if d.IsNext('[') {
		return d.fetchSection(f, word)
	}
	for _, it := range fetchItems {
		if it.name == word {
			f.Items |= it.item
			return d.err == nil
		}
	}
	return d.fetchRFC822(f, word)
}

// fetchSection takes BODY[…], BINARY[…] and their kin.
func (d *Decoder) fetchSection(f *Fetch, word string) bool {
	var s Section
	switch word {
	case "BODY":
	case "BODY.PEEK":
		s.Peek = true
	case "BINARY":
		s.Name = NameBinary
	case "BINARY.PEEK":
		s.Name, s.Peek = NameBinary, true
	case "BINARY.SIZE":
		s.Name, s.Peek = NameBinarySize, true
	default:
		return d.Expected("fetch-att")
	}
	if d.tooManySections(len(f.Sections)) || !d.section(&s) {
		return false
	}
	f.Sections = append(f.Sections, s)
	return true
}

// fetchRFC822 takes the section items of RFC 3501.
func (d *Decoder) fetchRFC822(f *Fetch, word string) bool {
	var s Section
	switch word {
	case "RFC822":
		s.Name = NameRFC822
	case "RFC822.HEADER":
		s.Name, s.Kind, s.Peek = NameRFC822Header, SectionHeader, true
	case "RFC822.TEXT":
		s.Name, s.Kind = NameRFC822Text, SectionText
	default:
		return d.Expected("fetch-att")
	}
	if d.tooManySections(len(f.Sections)) {
		return false
	}
	f.Sections = append(f.Sections, s)
	return true
}

// fetchModifier takes a modifier. Behind PREVIEW that stands alone LAZY looks like one.
func (d *Decoder) fetchModifier(f *Fetch, lazy *bool) bool {
	var word string
	if !d.Keyword(&word) {
		return false
	}
	if word == "LAZY" && *lazy {
		*lazy = false
		return true
	}
	switch word {
	case "PARTIAL":
		if f.HasPartial {
			return d.Expected("one PARTIAL")
		}
		f.HasPartial = true
		return d.SP() && d.Partial(&f.Partial)
	case "CHANGEDSINCE":
		f.HasChanged = true
		return d.SP() && d.Number64(&f.ChangedSince)
	case "VANISHED":
		f.Vanished = true
		return true
	}
	return d.Expected("fetch-modifier")
}

// AppendTo writes what follows the set in a FETCH command.
func (f *Fetch) AppendTo(dst []byte) []byte {
	dst = append(dst, '(')
	start := len(dst)
	for _, it := range fetchItems {
		if f.Items&it.item != 0 {
			dst = append(sep(dst, start), it.name...)
		}
	}
	for i := range f.Sections {
		dst = f.Sections[i].AppendRequest(sep(dst, start))
	}
	return f.appendModifiers(append(dst, ')'))
}

func (f *Fetch) appendModifiers(dst []byte) []byte {
	if !f.HasChanged && !f.HasPartial {
		return dst
	}
	dst = append(dst, " ("...)
	start := len(dst)
	if f.HasChanged {
		dst = AppendUint(append(dst, "CHANGEDSINCE "...), f.ChangedSince)
		if f.Vanished {
			dst = append(dst, " VANISHED"...)
		}
	}
	if f.HasPartial {
		dst = f.Partial.AppendTo(append(sep(dst, start), "PARTIAL "...))
	}
	return append(dst, ')')
}

func upper(s string) string {
	for i := range len(s) {
		if s[i] >= 'a' && s[i] <= 'z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'a' && b[i] <= 'z' {
					b[i] -= 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
