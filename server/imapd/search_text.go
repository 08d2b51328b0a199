package imapd

import (
	"bytes"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"tegami/mailbox"
	"tegami/wire/mime"
)

// Strings are compared folded: compatibility forms made one (full-width letters are letters, half-width
// kana are kana) and capitals made small. RFC 9051 §6.4.4 asks for a comparison without case.

// foldText folds a string.
func foldText(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return strings.Map(foldRune, norm.NFKC.String(s))
}

func foldRune(r rune) rune {
	if r < 0x80 {
		return rune(lower[byte(r)])
	}
	return unicode.ToLower(r)
}

// folder folds a stream.
func folder() transform.Transformer { return transform.Chain(norm.NFKC, runes.Map(foldRune)) }

// lower makes ASCII capitals small.
var lower = makeLower()

func makeLower() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if i >= 'A' && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}

func isASCII[S ~string | ~[]byte](s S) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// needle is a folded string to look for.
type needle struct {
	text    []byte
	headers bool // in header fields as well as in bodies
}

// scanner looks for all needles of a search in the text of messages. Its buffers are used again.
type scanner struct {
	needles []needle
	found   []bool
	open    int // needles not found yet
	longest int
	buf     []byte
	raw     []byte
}

const (
	// scanPortion is how much text is looked at at once, in octets.
	scanPortion = 32 << 10
	// maxPlain is the size up to which a part is read at once to see whether it is plain ASCII.
	maxPlain = 256 << 10
)

func newScanner(needles []needle) *scanner {
	sc := &scanner{needles: needles, found: make([]bool, len(needles))}
	for i := range needles {
		sc.longest = max(sc.longest, len(needles[i].text))
	}
	return sc
}

// message looks through a message: its header fields and those of its parts, and all parts of type text. The header of
// a message within the message belongs to the body.
func (sc *scanner) message(m *mime.Message, body mailbox.Body) (err error) {
	sc.open = len(sc.needles)
	for i := range sc.needles {
		sc.found[i] = false
		sc.see(i, len(sc.needles[i].text) == 0)
	}
	m.Root.Walk(func(p *mime.Part) bool {
		if err = sc.fields(p, body); err == nil && sc.open > 0 && p.IsText() {
			err = sc.part(p, body)
		}
		return err == nil && sc.open > 0
	})
	return err
}

func (sc *scanner) see(i int, found bool) {
	if found && !sc.found[i] {
		sc.found[i] = true
		sc.open--
	}
}

// fields looks through the header fields of a part, decoded.
func (sc *scanner) fields(p *mime.Part, body mailbox.Body) (err error) {
	within := p.Envelope != nil && p.HeaderStart > 0
	if !within && !sc.wantsHeaders() || p.BodyStart == p.HeaderStart {
		return nil
	}
	if sc.raw, err = readRange(body, sc.raw, p.HeaderStart, p.BodyStart); err != nil {
		return err
	}
	for f := range mime.Header(sc.raw).Fields() {
		text := []byte(foldText(string(f.Name) + ": " + mime.DecodeHeader(mime.Unfold(f.Value))))
		for i := range sc.needles {
			if n := &sc.needles[i]; (n.headers || within) && !sc.found[i] {
				sc.see(i, bytes.Contains(text, n.text))
			}
		}
	}
	return nil
}

func (sc *scanner) wantsHeaders() bool {
	for i := range sc.needles {
		if sc.needles[i].headers && !sc.found[i] {
			return true
		}
	}
	return false
}

// part looks through the text of one part.
func (sc *scanner) part(p *mime.Part, body mailbox.Body) error {
	if plain(p) && p.Size() <= maxPlain {
		var err error
		if sc.raw, err = readRange(body, sc.raw, p.BodyStart, p.BodyEnd); err != nil {
			return err
		}
		if plainText(sc.raw) {
			sc.look(sc.raw)
			return nil
		}
	}
	raw := io.NewSectionReader(body, p.BodyStart, p.Size())
	return sc.stream(mime.TextReader(p, mime.DecodedReader(p, raw)))
}

// plain tells that a part's octets are its text if they are ASCII.
func plain(p *mime.Part) bool {
	switch p.Encoding {
	case "7bit", "8bit", "binary", "":
	default:
		return false
	}
	switch p.Charset() {
	case "", "us-ascii", "utf-8", "iso-8859-1", "iso-2022-jp", "shift_jis", "euc-jp", "windows-1252":
		return true
	}
	return false
}

// plainText makes text small in place where it is ASCII without escapes; false where it is not.
func plainText(text []byte) bool {
	for i, c := range text {
		if c >= 0x80 || c == 0x1b {
			return false
		}
		text[i] = lower[c]
	}
	return true
}

// stream looks through text in portions that overlap, so that a needle on a border is found.
func (sc *scanner) stream(r io.Reader) error {
	r = transform.NewReader(r, folder())
	if size := scanPortion + sc.longest; cap(sc.buf) < size {
		sc.buf = make([]byte, size)
	}
	buf, kept := sc.buf[:cap(sc.buf)], 0
	for sc.open > 0 {
		n, err := io.ReadFull(r, buf[kept:])
		sc.look(buf[:kept+n])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
		end := kept + n
		kept = min(max(sc.longest-1, 0), end)
		copy(buf, buf[end-kept:end])
	}
	return nil
}

// look looks for the needles in folded text.
func (sc *scanner) look(text []byte) {
	for i := range sc.needles {
		if !sc.found[i] {
			sc.see(i, bytes.Contains(text, sc.needles[i].text))
		}
	}
}
