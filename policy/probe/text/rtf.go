package text

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of reading RTF.
const (
	maxGroups   = 2000 // groups within groups; RTF of programs has some dozens
	maxFonts    = 4096
	maxWord     = 32      // octets of a control word's name, as the specification says
	maxRun      = 4 << 10 // octets that are decoded together
	rtfBuffered = 32 << 10
)

// rtf reads Rich Text Format 1.9: text in code pages of its fonts and as \u, in the order it stands.
func (d *document) rtf() error {
	p := &rtfReader{in: bufio.NewReaderSize(d.stream(), rtfBuffered), out: d.out, fonts: make(map[int]int)}
	p.now = rtfState{page: latin, skip: 1}
	p.ansi = latin
	err := p.read()
	p.flush()
	d.out.line()
	d.out.name(string(p.title))
	if err == io.EOF {
		return nil
	}
	return err
}

// A destination is where a group's text goes.
type destination uint8

const (
	toBody destination = iota
	toNowhere
	toFonts
	toTitle
	toField
	toInfo // its groups go nowhere but for the title
)

// An rtfState is what a group changes and its end takes back.
type rtfState struct {
	to   destination
	page int // the font's code page
	skip int // characters behind \u that say the same in a code page
	font int // in the font table: the one that is defined
}

// An rtfReader reads RTF. Text goes to pending first, since characters of two octets come octet by octet.
type rtfReader struct {
	in      *bufio.Reader
	out     *sink
	now     rtfState
	stack   []rtfState
	ansi    int // the code page of the document
	deff    int // the font of text that names none
	fonts   map[int]int
	pending []byte
	dec     decoder
	high    rune // the first half of a surrogate pair
	drop    int  // characters to skip behind \u
	fresh   bool // the group just began
	star    bool // \* stood at the group's beginning
	field   []byte
	title   []byte
	name    [maxWord]byte
}

// errRTF ends the reading where a limit is reached.
var errRTF = errors.New("rtf: groups too deep")

func (p *rtfReader) read() error {
	for !p.out.full() {
		c, err := p.in.ReadByte()
		if err != nil {
			return err
		}
		switch c {
		case '{':
			err = p.open()
		case '}':
			p.close()
		case '\\':
			err = p.control()
		case '\r', '\n', 0:
		default:
			p.octet(c)
		}
		if err != nil {
			return err
		}
	}
	if _, err := p.in.ReadByte(); err == nil {
		return p.out.cutShort()
	}
	return nil
}

func (p *rtfReader) open() error {
	p.flush()
	p.drop, p.star, p.fresh = 0, false, true
	if len(p.stack) >= maxGroups {
		return errRTF
	}
	p.stack = append(p.stack, p.now)
	if p.now.to == toInfo {
		p.now.to = toNowhere
	}
	return nil
}

func (p *rtfReader) close() {
	p.flush()
	p.drop, p.star = 0, false
	if len(p.stack) == 0 {
		return
	}
	was := p.now
	p.now = p.stack[len(p.stack)-1]
	p.stack = p.stack[:len(p.stack)-1]
	if was.to == toField && p.now.to != toField {
		fieldAddress(p.out, string(p.field))
		p.field = p.field[:0]
	}
}

// octet takes one octet of text.
func (p *rtfReader) octet(c byte) {
	if p.drop > 0 {
		p.drop--
		return
	}
	p.star, p.fresh = false, false
	if c < 0x80 && len(p.pending) > 0 && !isLead(p.now.page, p.pending[len(p.pending)-1]) {
		p.flush() // pending is of complete characters: ASCII needs no decoding, but keeps the order
	}
	p.pending = append(p.pending, c)
	if len(p.pending) >= maxRun && !isLead(p.now.page, c) {
		p.flush()
	}
}

// flush decodes what is pending.
func (p *rtfReader) flush() {
	if len(p.pending) == 0 {
		return
	}
	text := p.pending
	if !ascii(text) {
		text = p.dec.decode(p.now.page, text)
	}
	p.put(text)
	p.pending = p.pending[:0]
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// put adds text to where the group's text goes.
func (p *rtfReader) put(text []byte) {
	switch p.now.to {
	case toBody:
		p.out.add(text)
	case toTitle:
		p.title = append(p.title, text[:min(len(text), maxTitle-len(p.title))]...)
	case toField:
		if len(p.field)+len(text) <= maxField {
			p.field = append(p.field, text...)
		}
	}
}

// char adds one character.
func (p *rtfReader) char(r rune) {
	p.flush()
	var b [utf8.UTFMax]byte
	p.put(b[:utf8.EncodeRune(b[:], r)])
}

// control reads what stands behind a backslash.
func (p *rtfReader) control() error {
	c, err := p.in.ReadByte()
	if err != nil {
		return err
	}
	if isLetter(c) {
		return p.word(c)
	}
	switch c {
	case '\'':
		return p.hex()
	case '*':
		p.star = p.fresh // elsewhere it means nothing
		return nil
	}
	if p.drop > 0 {
		p.drop--
		return nil
	}
	switch c {
	case '\\', '{', '}':
		p.octet(c)
	case '~':
		p.char(' ')
	case '_':
		p.char('-')
	case '\r', '\n':
		p.line()
	}
	return nil
}

// hex reads \'xx.
func (p *rtfReader) hex() error {
	digits, err := p.in.Peek(2)
	if err != nil {
		return err
	}
	n, bad := strconv.ParseUint(string(digits), 16, 8)
	if bad != nil {
		return nil // not a number: what follows is text
	}
	_, err = p.in.Discard(2)
	p.octet(byte(n))
	return err
}

// word reads a control word, its number, and the blank that ends it.
func (p *rtfReader) word(c byte) error {
	name := append(p.name[:0], c)
	var err error
	for c, err = p.in.ReadByte(); err == nil && isLetter(c); c, err = p.in.ReadByte() {
		if len(name) < maxWord {
			name = append(name, c)
		}
	}
	if err != nil {
		return err
	}
	n, has, negative := 0, false, c == '-'
	if negative {
		if c, err = p.in.ReadByte(); err != nil {
			return err
		}
	}
	for ; '0' <= c && c <= '9'; c, err = p.in.ReadByte() {
		if err != nil {
			return err
		}
		has = true
		n = min(n*10+int(c-'0'), 1<<30)
	}
	if err != nil {
		return err
	}
	if c != ' ' {
		_ = p.in.UnreadByte() // of what was read just now
	}
	if negative {
		n = -n
	}
	return p.do(string(name), n, has)
}

// do follows a control word. n is its number, if it has one.
func (p *rtfReader) do(name string, n int, has bool) error {
	if p.drop > 0 && name != "bin" && name != "u" {
		p.drop--
		return nil
	}
	star := p.star
	p.star, p.fresh = false, false
	switch name {
	case "u":
		p.unicode(n)
		return nil
	case "bin":
		p.flush()
		_, err := p.in.Discard(max(n, 0))
		return err
	}
	p.flush()
	if to, ok := rtfDestinations[name]; ok {
		if p.now.to != toNowhere || name == "ud" {
			p.now.to = to
		}
		return nil
	}
	if star && !rtfKnownStars[name] {
		p.now.to = toNowhere
		return nil
	}
	p.setting(name, n, has)
	return nil
}

// rtfDestinations are where text of groups goes that is not the document's.
var rtfDestinations = map[string]destination{
	"fonttbl": toFonts, "colortbl": toNowhere, "stylesheet": toNowhere, "info": toInfo, "title": toTitle, "pict": toNowhere, "objdata": toNowhere,
	"fldinst": toField, "listtable": toNowhere, "revtbl": toNowhere, "rsidtbl": toNowhere, "themedata": toNowhere, "colorschememapping": toNowhere,
	"datastore": toNowhere, "latentstyles": toNowhere, "xmlnstbl": toNowhere, "generator": toNowhere, "filetbl": toNowhere, "upr": toNowhere, "ud": toBody,
	"mmathPr": toNowhere, "datafield": toNowhere, "blipuid": toNowhere, "falt": toNowhere, "panose": toNowhere, "shpinst": toBody, "sp": toNowhere,
	"listoverridetable": toNowhere, "pgdsctbl": toNowhere, "wgrffmtfilter": toNowhere, "nonshppict": toNowhere, "bkmkstart": toNowhere, "bkmkend": toNowhere,
	"xe": toNowhere, "tc": toNowhere, "atnid": toNowhere, "atnref": toNowhere, "atndate": toNowhere, "atntime": toNowhere, "objclass": toNowhere, "objname": toNowhere,
}

// rtfKnownStars are the words behind \* whose text is the document's.
var rtfKnownStars = map[string]bool{
	"annotation": true, "atnauthor": true, "shptxt": true, "footnote": true, "ftnsep": false, "pn": true, "shppict": false, "nesttableprops": false, "background": false,
	"do": true, "dptxbxtext": true, "txe": true,
}

// setting follows a word that says how text is, or that is text.
func (p *rtfReader) setting(name string, n int, has bool) {
	switch name {
	case "ansicpg":
		p.ansi = n
		p.now.page = p.pageOf(p.deff)
	case "mac":
		p.ansi = 10000
	case "pc":
		p.ansi = 437
	case "pca":
		p.ansi = 850
	case "deff":
		p.deff = n
	case "uc":
		p.now.skip = min(max(n, 0), 100)
	case "f":
		if p.now.to == toFonts {
			p.now.font = n
		} else {
			p.now.page = p.pageOf(n)
		}
	case "fcharset":
		p.define(fontPages[n])
	case "cpg":
		p.define(n)
	case "plain":
		p.now.page = p.pageOf(p.deff)
	case "par", "line", "row", "sect", "page", "nestrow", "column", "softline":
		if !has || n != 0 {
			p.line()
		}
	case "cell", "tab", "nestcell":
		if p.now.to == toBody {
			p.out.tab()
		}
	default:
		if r, ok := rtfChars[name]; ok {
			p.char(r)
		}
	}
}

// rtfChars are the words that are characters.
var rtfChars = map[string]rune{
	"emdash": '—', "endash": '–', "emspace": ' ', "enspace": ' ', "qmspace": ' ', "bullet": '•', "lquote": '‘', "rquote": '’', "ldblquote": '“', "rdblquote": '”',
}

func (p *rtfReader) line() {
	if p.now.to == toBody {
		p.flush()
		p.out.line()
	}
}

// define says in which code page a font's text is.
func (p *rtfReader) define(page int) {
	if p.now.to == toFonts && page != 0 && len(p.fonts) < maxFonts {
		p.fonts[p.now.font] = page
	}
}

// pageOf is the code page of a font's text.
func (p *rtfReader) pageOf(font int) int {
	if page := p.fonts[font]; page != 0 && page != latin {
		return page
	}
	return p.ansi
}

// unicode adds a character given by its number, a signed one of 16 bits, and skips what says the same in a code page.
func (p *rtfReader) unicode(n int) {
	r := rune(n)
	if n < 0 {
		r = rune(n + 1<<16)
	}
	p.drop = p.now.skip
	switch {
	case p.high != 0:
		if both := utf16.DecodeRune(p.high, r); both != utf8.RuneError {
			r = both
		}
		p.high = 0
		p.char(r)
	case 0xd800 <= r && r < 0xdc00:
		p.high = r
	case 0xf000 <= r && r <= 0xf0ff: // of a symbol font
		p.char(r - 0xf000)
	default:
		p.char(r)
	}
}
