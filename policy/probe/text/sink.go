package text

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"
)

// errFull tells a reader that a limit is reached, and that what follows would not be kept.
var errFull = errors.New("a limit is reached")

// A sink takes the text of a document up to the limits.
type sink struct {
	max     int
	maxURLs int
	b       []byte
	cut     bool
	title   string
	urls    []string
	known   map[string]bool // of urls
}

// firstText is how much room for text there is at once, in octets.
const firstText = 4 << 10

func newSink(lim Limits) *sink {
	return &sink{max: lim.Text, maxURLs: lim.URLs, b: make([]byte, 0, min(firstText, max(lim.Text, 0)))}
}

// full tells that nothing more is kept.
func (s *sink) full() bool { return len(s.b) >= s.max }

// cutShort notes that there is more than a limit allows.
func (s *sink) cutShort() error {
	s.cut = true
	return errFull
}

// add adds text.
func (s *sink) add(text []byte) {
	if room := s.max - len(s.b); len(text) > room {
		text, s.cut = text[:max(room, 0)], true
	}
	s.b = append(s.b, text...)
}

// str is add.
func (s *sink) str(text string) {
	if room := s.max - len(s.b); len(text) > room {
		text, s.cut = text[:max(room, 0)], true
	}
	s.b = append(s.b, text...)
}

// char adds one character.
func (s *sink) char(r rune) {
	if s.max-len(s.b) < utf8.UTFMax {
		s.cut = true
		s.max = len(s.b)
		return
	}
	s.b = utf8.AppendRune(s.b, r)
}

// Write makes a sink an io.Writer: it fails when it is full.
func (s *sink) Write(p []byte) (int, error) {
	s.add(p)
	if s.cut {
		return len(p), errFull
	}
	return len(p), nil
}

// line ends the line, unless it is empty: text never holds two line ends in a row that a reader made.
func (s *sink) line() {
	if n := len(s.b); n > 0 && s.b[n-1] != '\n' && n < s.max {
		if s.b[n-1] == '\t' {
			s.b[n-1] = '\n'
		} else {
			s.b = append(s.b, '\n')
		}
	}
}

// tab parts cells.
func (s *sink) tab() {
	if n := len(s.b); n > 0 && n < s.max {
		s.b = append(s.b, '\t')
	}
}

// endCell parts the cell that began at an offset from the next. An empty cell leaves nothing.
func (s *sink) endCell(start int) {
	if n := len(s.b); n > start && n < s.max {
		if s.b[n-1] == '\n' { // of the cell's last paragraph
			s.b[n-1] = '\t'
		} else {
			s.b = append(s.b, '\t')
		}
	}
}

// space parts words.
func (s *sink) space() {
	if n := len(s.b); n > 0 && n < s.max && s.b[n-1] > ' ' {
		s.b = append(s.b, ' ')
	}
}

// url keeps where a hyperlink leads. An anchor within the document leads nowhere.
func (s *sink) url(address string) {
	address = strings.TrimSpace(address)
	if address == "" || address[0] == '#' || len(address) > maxURL || s.known[address] {
		return
	}
	if len(s.urls) >= s.maxURLs {
		s.cut = true
		return
	}
	if s.known == nil {
		s.known = make(map[string]bool)
	}
	s.known[address] = true
	s.urls = append(s.urls, strings.ToValidUTF8(address, string(utf8.RuneError)))
}

// name keeps the document's title, the first that is said.
func (s *sink) name(title string) {
	if title = strings.TrimSpace(strings.ToValidUTF8(title, string(utf8.RuneError))); s.title == "" {
		s.title = clip(title, maxTitle)
	}
}

// clip cuts UTF-8 to at most n octets, at the end of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// finish gives what was taken.
func (s *sink) finish() Text {
	for n := len(s.b); s.cut && n > 0 && n > len(s.b)-utf8.UTFMax; n-- { // a character that a limit went through
		if utf8.RuneStart(s.b[n-1]) {
			if !utf8.FullRune(s.b[n-1:]) {
				s.b = s.b[:n-1]
			}
			break
		}
	}
	body := bytes.TrimRight(s.b, " \t\n")
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		body = bytes.ToValidUTF8(bytes.ReplaceAll(body, []byte{0}, []byte{' '}), []byte(string(utf8.RuneError)))
	}
	s.addresses(body)
	return Text{Body: string(body), Cut: s.cut, Title: s.title, URLs: s.urls}
}

// addresses keeps the addresses of the web that stand in the text.
func (s *sink) addresses(body []byte) {
	for len(s.urls) < s.maxURLs {
		i := bytes.Index(body, []byte("://"))
		if i < 0 {
			return
		}
		start := i
		for start > 0 && i-start < maxScheme && isLetter(body[start-1]) {
			start--
		}
		end := i + len("://")
		for end < len(body) && inAddress(body[end]) && end-start < maxURL {
			end++
		}
		if scheme := strings.ToLower(string(body[start:i])); end > i+3 && (scheme == "http" || scheme == "https" || scheme == "ftp") {
			s.url(strings.TrimRight(string(body[start:end]), ".,;:!?)]}'\""))
		}
		body = body[end:]
	}
}

// maxScheme is the longest scheme of an address that is looked for, in octets.
const maxScheme = 8

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// inAddress tells what an address in running text may be made of: Japanese text around one is not set off by blanks.
func inAddress(c byte) bool {
	switch c {
	case '"', '<', '>', '\\', '^', '`', '{', '|', '}':
		return false
	}
	return c > ' ' && c < 0x7f
}
