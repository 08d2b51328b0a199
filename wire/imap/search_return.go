package imap

import "strconv"

// SearchReturn are result options (RFC 9051 §6.4.4), one bit each.
type SearchReturn uint16

// Result options.
const (
	ReturnMin SearchReturn = 1 << iota
	ReturnMax
	ReturnAll
	ReturnCount
	ReturnSave
	ReturnPartial   // with Search.Partial (RFC 9394 §3.1, RFC 5267 §4.4)
	ReturnUpdate    // RFC 5267 §4.3
	ReturnContext   // RFC 5267 §4.2
	ReturnRelevancy // RFC 6203 §4
)

var returnNames = [...]struct {
	name string
	opt  SearchReturn
}{
	{"MIN", ReturnMin}, {"MAX", ReturnMax}, {"ALL", ReturnAll}, {"COUNT", ReturnCount}, {"SAVE", ReturnSave},
	{"PARTIAL", ReturnPartial}, {"UPDATE", ReturnUpdate}, {"CONTEXT", ReturnContext}, {"RELEVANCY", ReturnRelevancy},
}

// searchReturn takes one result option. One PARTIAL or one ALL may stand, not both (RFC 9394 §3.1).
func (d *Decoder) searchReturn(s *Search) bool {
	var word string
	if !d.Keyword(&word) {
		return false
	}
	for _, r := range returnNames {
		if r.name != word {
			continue
		}
		if r.opt&(ReturnPartial|ReturnAll) != 0 && s.Return&(ReturnPartial|ReturnAll)&^(r.opt&ReturnAll) != 0 {
			return d.Expected("search-return-opt")
		}
		s.Return |= r.opt
		return r.opt != ReturnPartial || d.SP() && d.Partial(&s.Partial)
	}
	return d.Expected("search-return-opt")
}

// A Partial is a range of places in a list of results, from 1 on; with FromEnd from its end backwards
// (RFC 9394 §5 partial-range). Lo is not above Hi.
type Partial struct {
	Lo, Hi  uint32
	FromEnd bool
}

// Partial takes a partial-range: 1:500 or -1:-500.
func (d *Decoder) Partial(p *Partial) bool {
	p.FromEnd = d.Accept('-')
	if !d.place(&p.Lo) || !d.Special(':') || p.FromEnd && !d.Special('-') || !d.place(&p.Hi) {
		return false
	}
	if p.Lo > p.Hi {
		p.Lo, p.Hi = p.Hi, p.Lo
	}
	return true
}

// place takes a nz-number.
func (d *Decoder) place(n *uint32) bool { return d.Number(n) && *n > 0 || d.Expected("nz-number") }

// AppendTo writes the range.
func (p Partial) AppendTo(dst []byte) []byte {
	sign := func() {
		if p.FromEnd {
			dst = append(dst, '-')
		}
	}
	sign()
	dst = append(strconv.AppendUint(dst, uint64(p.Lo), 10), ':')
	sign()
	return strconv.AppendUint(dst, uint64(p.Hi), 10)
}

// Of gives the part of a list of n results that the range names, as [from, to).
func (p Partial) Of(n int) (from, to int) {
	from, to = int(min(int64(p.Lo)-1, int64(n))), int(min(int64(p.Hi), int64(n)))
	if p.FromEnd {
		from, to = n-to, n-from
	}
	return from, to
}

// appendReturn writes the result options.
func (s *Search) appendReturn(dst []byte) []byte {
	dst = append(dst, "RETURN ("...)
	start := len(dst)
	for _, r := range returnNames {
		if s.Return&r.opt == 0 {
			continue
		}
		dst = append(sep(dst, start), r.name...)
		if r.opt == ReturnPartial {
			dst = s.Partial.AppendTo(append(dst, ' '))
		}
	}
	return append(dst, ')')
}
