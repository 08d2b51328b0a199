package mime

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Param is one parameter of Content-Type or Content-Disposition. A value in
// RFC 2231 continuations is one Param.
type Param struct {
	Name     string // lower case, without the asterisks of RFC 2231
	Value    string // decoded: RFC 2231 in any charset, RFC 2047 words, raw 8-bit; UTF-8
	Raw      string // as written, without quotes, continuations joined; what IMAP clients get
	Extended bool   // Raw is an RFC 2231 §4 value: charset'language'percent-encoded
}

// maxParams is how many parameters of one field are read.
const maxParams = 1000

// ParseParams reads a field value such as that of Content-Type: what stands before the
// first semicolon, trimmed, in lower case, and the parameters. It takes whatever real
// programs write: missing quotes, stray semicolons, duplicates, encoded words and raw
// 8-bit or ISO-2022-JP text in values (T7, T8).
func ParseParams(value string) (main string, params []Param) {
	s := paramScanner{s: value, dbcs: !utf8.ValidString(value)}
	main = s.main()
	extended := false
	for len(params) < maxParams {
		p, star, ok := s.param()
		if !ok {
			break
		}
		extended = extended || star
		params = append(params, p)
	}
	if extended {
		params = joinContinuations(params)
	}
	for i := range params {
		params[i].Value = decodeParam(params[i])
	}
	return main, params
}

// decodeParam gives the text of a parameter from its raw value.
func decodeParam(p Param) string {
	if p.Extended {
		return decodeExtended(p.Raw)
	}
	return DecodeHeader(p.Raw)
}

// paramScanner reads parameters off a field value.
type paramScanner struct {
	s    string
	at   int
	dbcs bool // not UTF-8: octets may be pairs of Shift_JIS, whose second may be a backslash
}

// main reads up to the first semicolon, space or comment; "text / plain" is read as well.
func (s *paramScanner) main() string {
	main := s.mainWord()
	if s.at < len(s.s) && s.s[s.at] == '/' {
		s.at++
		main += "/" + s.mainWord()
	}
	return strings.Trim(main, `"'`)
}

// mainWord reads a word of the main value and what separates it from the next.
func (s *paramScanner) mainWord() string {
	s.skip(" \t")
	start := s.at
	for s.at < len(s.s) && strings.IndexByte("; \t(", s.s[s.at]) < 0 {
		s.at++
	}
	word := strings.ToLower(s.s[start:s.at])
	s.skip(" \t")
	for s.at < len(s.s) && s.s[s.at] == '(' {
		s.comment()
		s.skip(" \t")
	}
	return word
}

func (s *paramScanner) skip(set string) {
	for s.at < len(s.s) && strings.IndexByte(set, s.s[s.at]) >= 0 {
		s.at++
	}
}

// comment passes over one comment, or to the end when it is not closed.
func (s *paramScanner) comment() {
	for depth := 0; s.at < len(s.s); s.at++ {
		switch s.s[s.at] {
		case '\\':
			s.at++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				s.at++
				return
			}
		}
	}
	s.at = min(s.at, len(s.s))
}

// param reads the next parameter; star tells that its name has RFC 2231's asterisk.
func (s *paramScanner) param() (p Param, star, ok bool) {
	for {
		s.skip("; \t")
		if s.at >= len(s.s) {
			return p, false, false
		}
		start := s.at
		for s.at < len(s.s) && s.s[s.at] != '=' && s.s[s.at] != ';' {
			s.at++
		}
		name := strings.ToLower(strings.TrimSpace(s.s[start:s.at]))
		if s.at >= len(s.s) || s.s[s.at] == ';' || name == "" {
			if s.at < len(s.s) && s.s[s.at] == '=' {
				s.at++
			}
			continue
		}
		s.at++
		s.skip(" \t")
		p.Name = name
		if s.at < len(s.s) && s.s[s.at] == '"' {
			p.Raw = s.quoted()
		} else {
			p.Raw = s.token(name)
		}
		return p, strings.IndexByte(name, '*') >= 0, true
	}
}

// quoted reads a quoted string; one without end goes to the next semicolon.
func (s *paramScanner) quoted() string {
	start := s.at + 1
	plain := true
	for i := start; i < len(s.s); {
		switch c := s.s[i]; {
		case c == '"':
			s.at = i + 1
			if plain {
				return s.s[start:i]
			}
			return s.unescape(s.s[start:i])
		case c == '\\':
			plain = false
			i += 2
		default:
			i += s.step(i)
		}
	}
	s.at = start
	for s.at < len(s.s) && s.s[s.at] != ';' {
		s.at++
	}
	return s.unescape(strings.TrimRight(s.s[start:s.at], " \t"))
}

func (s *paramScanner) unescape(q string) string {
	in := paramScanner{s: q, dbcs: s.dbcs}
	var b strings.Builder
	for i := 0; i < len(q); {
		if q[i] == '\\' && i+1 < len(q) {
			b.WriteByte(q[i+1])
			i += 2
			continue
		}
		n := in.step(i)
		b.WriteString(q[i : i+n])
		i += n
	}
	return b.String()
}

// step is the number of octets at i that are one thing: a run of ISO-2022-JP, a pair of Shift_JIS, or one octet.
func (s *paramScanner) step(i int) int { return textStep(s.s, i, s.dbcs) }

// textStep is the number of octets at s[i] in which no octet has its ASCII meaning, or 1.
func textStep(s string, i int, dbcs bool) int {
	switch c := s[i]; {
	case c == esc && strings.HasPrefix(s[i+1:], "$"):
		if end := strings.Index(s[i+1:], "\x1b("); end >= 0 {
			return min(end+4, len(s)-i)
		}
		return len(s) - i
	case dbcs && i+1 < len(s) && shiftLead(c) && s[i+1] >= 0x40:
		return 2
	}
	return 1
}

// esc begins the sequences of ISO/IEC 2022.
const esc = 0x1b

// shiftLead tells whether c begins a pair of Shift_JIS.
func shiftLead(c byte) bool { return 0x81 <= c && c <= 0x9f || 0xe0 <= c && c <= 0xfc }

// token reads an unquoted value. A file name may have spaces, others end there.
func (s *paramScanner) token(name string) string {
	spaces := strings.HasPrefix(name, "name") || strings.HasPrefix(name, "filename")
	start := s.at
	for s.at < len(s.s) && s.s[s.at] != ';' {
		switch c := s.s[s.at]; {
		case !spaces && (c == ' ' || c == '\t' || c == '('):
			v := s.s[start:s.at]
			if s.skip(" \t"); s.at < len(s.s) && s.s[s.at] == '(' {
				s.comment()
			}
			return v
		case c == '=' && strings.HasPrefix(s.s[s.at:], "=?"):
			s.at += encodedWordLen(s.s[s.at:])
		default:
			s.at += s.step(s.at)
		}
	}
	return strings.TrimRight(s.s[start:s.at], " \t")
}

// piece is one section of a continued parameter (RFC 2231 §3).
type piece struct {
	index    int
	extended bool
	raw      string
}

// joinContinuations makes one parameter of each set of sections, where its first stands.
func joinContinuations(in []Param) []Param {
	var out []Param
	sections := map[string][]piece{}
	place := map[string]int{}
	for _, p := range in {
		base, pc, ok := splitSection(p)
		switch {
		case !ok:
			if p.Name = strings.TrimRight(p.Name, "*"); p.Name != "" {
				out = append(out, p)
			}
		case pc.index < 0:
			out = append(out, Param{Name: base, Raw: pc.raw, Extended: true})
		default:
			if _, seen := place[base]; !seen {
				place[base] = len(out)
				out = append(out, Param{Name: base})
			}
			sections[base] = append(sections[base], pc)
		}
	}
	for base, pieces := range sections {
		p := &out[place[base]]
		p.Raw, p.Extended = joinPieces(pieces)
	}
	return out
}

// splitSection reads the asterisks of a name: "name*", "name*1", "name*1*". An index of -1 is none.
func splitSection(p Param) (base string, pc piece, ok bool) {
	base, rest, found := strings.Cut(p.Name, "*")
	if !found || base == "" {
		return "", pc, false
	}
	pc.raw = p.Raw
	if rest == "" {
		pc.index, pc.extended = -1, true
		return base, pc, true
	}
	rest, pc.extended = strings.CutSuffix(rest, "*")
	n, err := strconv.ParseUint(rest, 10, 16)
	if err != nil {
		return "", pc, false
	}
	pc.index = int(n)
	return base, pc, true
}

// joinPieces joins sections in the order of their numbers; of two with one number the first counts.
func joinPieces(pieces []piece) (raw string, extended bool) {
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Compare(a.index, b.index) })
	pieces = slices.CompactFunc(pieces, func(a, b piece) bool { return a.index == b.index })
	for _, pc := range pieces {
		extended = extended || pc.extended
	}
	var b strings.Builder
	if extended && !pieces[0].extended {
		b.WriteString("''")
	}
	for _, pc := range pieces {
		if extended && !pc.extended {
			b.WriteString(percentEncode(pc.raw))
		} else {
			b.WriteString(pc.raw)
		}
	}
	return b.String(), extended
}

const upperHex = "0123456789ABCDEF"

// attributeChar tells whether c may stand for itself in an extended value (RFC 2231 §7).
func attributeChar(c byte) bool {
	return c > ' ' && c < 0x7f && strings.IndexByte(`*'%()<>@,;:\"/[]?=`, c) < 0
}

func percentEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; attributeChar(c) {
			b.WriteByte(c)
		} else {
			b.WriteString(string([]byte{'%', upperHex[c>>4], upperHex[c&15]}))
		}
	}
	return b.String()
}

func percentDecode(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi >= 0 && lo >= 0 {
				b = append(b, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// unhex is the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// decodeExtended decodes charset'language'text. A value without the quotes is text of unknown charset.
func decodeExtended(raw string) string {
	charset, rest, ok := strings.Cut(raw, "'")
	if ok {
		_, rest, ok = strings.Cut(rest, "'")
	}
	if !ok {
		charset, rest = "", raw
	}
	text := percentDecode(rest)
	if strings.Contains(text, "=?") {
		if word := DecodeHeader(text); word != text {
			return word
		}
	}
	s, _, _ := DecodeCharset(charset, []byte(text))
	return cleanText(s)
}

// paramRaw gives the first parameter of a name as written, or "".
func paramRaw(params []Param, name string) string {
	for i := range params {
		if params[i].Name == name {
			return params[i].Raw
		}
	}
	return ""
}

// paramValue gives the first parameter of a name, decoded, or "".
func paramValue(params []Param, name string) string {
	for i := range params {
		if params[i].Name == name {
			return params[i].Value
		}
	}
	return ""
}

// bestParam prefers an extended value (RFC 6266 §4.3 says so of HTTP; mail programs do the same).
func bestParam(params []Param, name string) string {
	best := ""
	for i := range params {
		p := &params[i]
		if p.Name != name || p.Value == "" {
			continue
		}
		if p.Extended {
			return p.Value
		}
		if best == "" {
			best = p.Value
		}
	}
	return best
}
