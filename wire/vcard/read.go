package vcard

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime/quotedprintable"
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/mail"
	"tegami/wire/mime"
)

// Reader reads cards that stand one behind the other.
type Reader struct {
	in     *bufio.Reader
	line   int    // of what was read last
	start  int    // of the card in hand
	ahead  []byte // a line that was read too early
	has    bool   // there is one
	failed error  // of the octets below
}

// NewReader begins to read. Octets that are UTF-16 with a byte order mark, as old address books export them, are read too, up to limit of them.
func NewReader(r io.Reader, limit int64) *Reader {
	in := bufio.NewReaderSize(r, 4096)
	mark, _ := in.Peek(3) // too few octets have no mark
	switch {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		in.Discard(3) // they are in the buffer
	case bytes.HasPrefix(mark, []byte("\xfe\xff")), bytes.HasPrefix(mark, []byte("\xff\xfe")):
		all, err := io.ReadAll(io.LimitReader(in, limit))
		text, _, _ := mime.DecodeCharset("utf-16", all)
		in = bufio.NewReader(strings.NewReader(text))
		return &Reader{in: in, failed: err}
	}
	return &Reader{in: in}
}

// Line is the line, from 1, where the card begins that Next gave last.
func (r *Reader) Line() int { return r.start }

// Parse reads one card. Invalid "vcard.malformed", Full "vcard.too_big".
func Parse(b []byte) (*VCard, error) {
	r := NewReader(bytes.NewReader(b), MaxCard)
	v, err := r.Next()
	if err == io.EOF {
		err = mail.E("vcard.Parse", mail.Invalid, "vcard.malformed")
	}
	return v, err
}

// Next gives the next card, io.EOF behind the last. What is wrong with a card does not hinder those behind it: Invalid
// "vcard.malformed" for one without an end, Full "vcard.too_big" past MaxCard or MaxProperties.
func (r *Reader) Next() (*VCard, error) {
	const op = "vcard.Next"
	if err := r.begin(); err != nil {
		return nil, err
	}
	var lines [][]byte
	size, depth := 0, 0
	for {
		line, err := r.logical()
		if err == io.EOF {
			return nil, mail.E(op, mail.Invalid, "vcard.malformed")
		}
		if err != nil {
			return nil, err
		}
		switch {
		case keyword(line, "END:VCARD") && depth == 0:
			if size > MaxCard || len(lines) > MaxProperties {
				return nil, mail.E(op, mail.Full, "vcard.too_big", MaxCard>>10)
			}
			return newCard(lines), nil
		case keyword(line, "END:VCARD"):
			depth--
		case keyword(line, "BEGIN:VCARD"): // a card within AGENT (RFC 2426 §3.5.4): left out
			depth++
		case depth > 0 || len(line) == 0:
		default:
			if size += len(line); size <= MaxCard && len(lines) <= MaxProperties {
				lines = append(lines, line)
			}
		}
	}
}

// begin goes to the line behind the next BEGIN:VCARD.
func (r *Reader) begin() error {
	for {
		line, err := r.logical()
		if err != nil {
			return err
		}
		if keyword(line, "BEGIN:VCARD") {
			r.start = r.line
			return nil
		}
	}
}

// keyword tells whether a line says one word, in whatever case and with spaces around.
func keyword(line []byte, word string) bool {
	return len(line) < 2*len(word)+8 && strings.EqualFold(strings.ReplaceAll(string(bytes.TrimSpace(line)), " ", ""), word)
}

// physical reads one line without its end. What is longer than MaxCard is read and cut off just behind it.
func (r *Reader) physical() ([]byte, error) {
	if r.has {
		r.has = false
		r.line++
		return r.ahead, nil
	}
	if r.failed != nil {
		return nil, r.failed
	}
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if room := MaxCard + 1 - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == io.EOF && len(line) > 0 {
			err = nil
		}
		if err == io.EOF {
			return nil, err
		}
		if err != nil {
			return nil, mail.Because("vcard.read", mail.Unavailable, "", err)
		}
		r.line++
		return bytes.TrimRight(line, "\r\n"), nil
	}
}

// logical reads a line with those it was folded into (RFC 6350 §3.2), and with those that belong to it because quoted-printable text of
// version 2.1 goes on there.
func (r *Reader) logical() ([]byte, error) {
	line, err := r.physical()
	if err != nil {
		return nil, err
	}
	quoted := isQuoted(line)
	for {
		next, err := r.physical()
		if err == io.EOF {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
		soft := quoted && bytes.HasSuffix(line, []byte("="))
		folded := len(next) > 0 && (next[0] == ' ' || next[0] == '\t')
		if !soft && !folded {
			r.ahead, r.has = next, true
			r.line--
			return line, nil
		}
		if soft {
			line = line[:len(line)-1]
		}
		if folded {
			next = next[1:]
		}
		if len(line) <= MaxCard {
			line = append(line, next...)
		}
	}
}

// isQuoted tells whether a line's value is quoted-printable.
func isQuoted(line []byte) bool {
	head, _, ok := bytes.Cut(line, []byte(":"))
	return ok && bytes.Contains(bytes.ToUpper(head), []byte("QUOTED-PRINTABLE"))
}

// newCard takes the lines of a card apart. Lines that are none are left out.
func newCard(lines [][]byte) *VCard {
	v := &VCard{Version: V3}
	guess := charsetOf(lines)
	for _, line := range lines {
		p, ok := parseLine(line, guess)
		switch {
		case !ok:
		case p.Name == "VERSION":
			v.Version = strings.TrimSpace(p.Value)
		default:
			v.Properties = append(v.Properties, p)
		}
	}
	if v.Version != V21 && v.Version != V4 {
		v.Version = V3
	}
	return v
}

// charsetOf guesses in what charset the octets of a card are that is not UTF-8 throughout, from all of its lines that are not: one name is
// too short to tell. "" where all is UTF-8.
func charsetOf(lines [][]byte) string {
	var other []byte
	for _, line := range lines {
		if !utf8.Valid(line) {
			other = append(append(other, line...), '\n')
		}
	}
	if other == nil {
		return ""
	}
	_, charset, _ := mime.DecodeCharset("", other)
	return charset
}

// parseLine reads one line (RFC 6350 §3.3).
func parseLine(line []byte, guess string) (p Property, ok bool) {
	text := string(line)
	charset := paramCharset(line)
	if !utf8.Valid(line) { // before anything is looked for: the second octet of a Japanese letter may be a backslash
		text, _, _ = mime.DecodeCharset(firstOf(charset, guess), line)
	}
	head, rest, ok := cutName(text)
	if !ok {
		return p, false
	}
	if group, name, grouped := strings.Cut(head, "."); grouped {
		p.Group, head = token(group), name
	}
	if p.Name = token(strings.ToUpper(head)); p.Name == "" {
		return p, false
	}
	p.Params, p.Value, ok = parseParams(rest)
	if !ok {
		return p, false
	}
	p.decode(charset)
	p.Value = printable(p.Value)
	return p, true
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// cutName takes the name of a property off its line. rest begins with ";" or ":".
func cutName(s string) (name, rest string, ok bool) {
	i := strings.IndexAny(s, ";:")
	if i <= 0 {
		return "", "", false
	}
	return s[:i], s[i:], true
}

// paramCharset is what CHARSET says in the head of a line of version 2.1.
func paramCharset(line []byte) string {
	head, _, _ := bytes.Cut(line, []byte(":"))
	_, rest, ok := bytes.Cut(bytes.ToUpper(head), []byte(";CHARSET="))
	if !ok {
		return ""
	}
	name, _, _ := bytes.Cut(rest, []byte(";"))
	return strings.Trim(string(name), `" `)
}

// parseParams reads the parameters, and gives the value behind them.
func parseParams(s string) (params []Param, value string, ok bool) {
	for strings.HasPrefix(s, ";") {
		s = s[1:]
		end := strings.IndexAny(s, "=;:")
		if end < 0 || len(params) >= maxParams {
			return nil, "", false
		}
		name := token(strings.ToUpper(s[:end]))
		if s[end] != '=' { // of version 2.1: a value of TYPE or ENCODING alone
			if name != "" {
				params = append(params, bare(name))
			}
			s = s[end:]
			continue
		}
		var values []string
		if values, s, ok = parseValues(s[end+1:]); !ok {
			return nil, "", false
		}
		if name != "" {
			params = append(params, Param{name, values})
		}
	}
	if !strings.HasPrefix(s, ":") {
		return nil, "", false
	}
	return params, s[1:], true
}

// bare is what a parameter without a name means.
func bare(word string) Param {
	switch word {
	case "QUOTED-PRINTABLE", "BASE64", "B", "7BIT", "8BIT":
		return Param{"ENCODING", []string{word}}
	case "INLINE", "URL", "CONTENT-ID", "CID":
		return Param{"VALUE", []string{strings.ToLower(word)}}
	}
	return Param{"TYPE", []string{strings.ToLower(word)}}
}

// parseValues reads the values of a parameter, with their quotes.
func parseValues(s string) (values []string, rest string, ok bool) {
	for {
		var one string
		if strings.HasPrefix(s, `"`) {
			end := strings.IndexByte(s[1:], '"')
			if end < 0 {
				return nil, "", false
			}
			one, s = s[1:1+end], s[end+2:]
			for _, part := range strings.Split(one, ",") { // "work,voice" in one pair of quotes is met too
				values = append(values, caretDecoder.Replace(printable(part)))
			}
		} else {
			end := strings.IndexAny(s, ",;:")
			if end < 0 {
				return nil, "", false
			}
			one, s = s[:end], s[end:]
			values = append(values, caretDecoder.Replace(printable(one)))
		}
		if s == "" {
			return nil, "", false
		}
		if s[0] != ',' {
			return values, s, s[0] == ';' || s[0] == ':'
		}
		s = s[1:]
	}
}

// caretDecoder takes back what RFC 6868 writes for what can't stand in a parameter.
var caretDecoder = strings.NewReplacer("^^", "^", "^n", "\n", "^'", `"`)

// decode takes quoted-printable and CHARSET off: the value is then text as in the other versions.
func (p *Property) decode(charset string) {
	encoding := p.Param("ENCODING")
	p.Params = slices.DeleteFunc(p.Params, func(q Param) bool {
		return q.Name == "CHARSET" || q.Name == "ENCODING" && !strings.EqualFold(encoding, "b") && !strings.EqualFold(encoding, "base64")
	})
	if strings.EqualFold(encoding, "b") || strings.EqualFold(encoding, "base64") {
		p.Value = strings.Map(func(r rune) rune {
			if r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, p.Value)
		return
	}
	if !strings.EqualFold(encoding, "quoted-printable") {
		return
	}
	b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(p.Value)))
	if err != nil {
		b = []byte(p.Value) // not what it says: shown as it is
	}
	text, _, _ := mime.DecodeCharset(charset, b)
	p.Value = lineEnds.Replace(text)
}

// lineEnds writes line ends as they stand in a value.
var lineEnds = strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`)
