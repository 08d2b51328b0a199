package imap

// SortKey is a sort-criterion (RFC 5256 §5).
type SortKey struct {
	By      SortBy
	Reverse bool
}

// SortBy is a sort-key.
type SortBy uint8

// Sort keys of RFC 5256 §3, RFC 5957 §3 (the two of the displayed names) and RFC 6203 §5 (relevancy).
const (
	SortArrival SortBy = iota
	SortCc
	SortDate
	SortFrom
	SortSize
	SortSubject
	SortTo
	SortDisplayFrom
	SortDisplayTo
	SortRelevancy
)

var sortNames = [...]string{
	SortArrival: "ARRIVAL", SortCc: "CC", SortDate: "DATE", SortFrom: "FROM", SortSize: "SIZE", SortSubject: "SUBJECT",
	SortTo: "TO", SortDisplayFrom: "DISPLAYFROM", SortDisplayTo: "DISPLAYTO", SortRelevancy: "RELEVANCY",
}

// Sort takes what stands behind "SORT ", without the end of the command.
func (d *Decoder) Sort(s *Search) bool {
	p := keyParser{d: d}
	if !d.IsNext('(') { // RFC 5267 §3
		word, ok := p.word()
		if ok && word != "RETURN" {
			return d.Expected("sort-criteria")
		}
		s.HasReturn = true
		if !ok || !d.SP() || !d.List(func() bool { return d.searchReturn(s) }) || !d.SP() {
			return false
		}
	}
	if !d.List(func() bool { return d.sortKey(s) }) {
		return false
	}
	if len(s.Sort) == 0 {
		return d.Expected("sort-key")
	}
	return d.SP() && p.criteria(s)
}

// criteria takes search-criteria: a charset, which must stand here, and search keys (RFC 5256 §5).
func (p *keyParser) criteria(s *Search) bool {
	if !p.d.AString(&s.Charset) || !p.d.SP() {
		return false
	}
	word, ok := p.word()
	return p.keys(s, word, ok)
}

// sortKey takes a sort-criterion. One more of a key that stands there already changes nothing, and is dropped.
func (d *Decoder) sortKey(s *Search) bool {
	var word string
	var k SortKey
	if !d.Keyword(&word) {
		return false
	}
	if word == "REVERSE" {
		k.Reverse = true
		if !d.SP() || !d.Keyword(&word) {
			return false
		}
	}
	for by, name := range sortNames {
		if name != word {
			continue
		}
		k.By = SortBy(by)
		for _, have := range s.Sort {
			if have.By == k.By {
				return true
			}
		}
		s.Sort = append(s.Sort, k)
		return true
	}
	return d.Expected("sort-key")
}

// AppendSort writes what follows "SORT " in the command.
func (s *Search) AppendSort(dst []byte) []byte {
	if s.HasReturn {
		dst = append(s.appendReturn(dst), ' ')
	}
	dst = append(dst, '(')
	start := len(dst)
	for _, k := range s.Sort {
		dst = sep(dst, start)
		if k.Reverse {
			dst = append(dst, "REVERSE "...)
		}
		dst = append(dst, sortNames[k.By]...)
	}
	return s.appendCriteria(append(dst, ") "...))
}

func (s *Search) appendCriteria(dst []byte) []byte {
	dst = append(AppendAString(dst, s.Charset, true), ' ')
	return appendKeys(dst, s.Key.Keys)
}

// Algorithm is a thread-alg (RFC 5256 §5).
type Algorithm uint8

// Threading algorithms.
const (
	OrderedSubject Algorithm = iota + 1
	References
)

var algorithmNames = [...]string{OrderedSubject: "ORDEREDSUBJECT", References: "REFERENCES"}

// Thread takes what stands behind "THREAD ", without the end of the command.
func (d *Decoder) Thread(s *Search) bool {
	var word string
	if !d.Keyword(&word) {
		return false
	}
	for a, name := range algorithmNames {
		if name == word {
			s.Algorithm = Algorithm(a)
		}
	}
	if s.Algorithm == 0 {
		return d.Expected("thread-alg")
	}
	p := keyParser{d: d}
	return d.SP() && p.criteria(s)
}

// AppendThread writes what follows "THREAD " in the command.
func (s *Search) AppendThread(dst []byte) []byte {
	return s.appendCriteria(append(append(dst, algorithmNames[s.Algorithm]...), ' '))
}

// CancelUpdate takes what stands behind "CANCELUPDATE ": tags, quoted, at most max (RFC 5267 §5).
func (d *Decoder) CancelUpdate(max int) (tags []string, ok bool) {
	for {
		var tag string
		if !d.String(&tag) {
			return nil, false
		}
		if tags = append(tags, tag); len(tags) > max {
			return nil, d.Expected("CRLF")
		}
		if d.AtEnd() {
			return tags, true
		}
		if !d.SP() {
			return nil, false
		}
	}
}
