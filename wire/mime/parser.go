package mime

import (
	"bytes"
	"io"
	"strings"
)

// Limits of one parse. A zero field means the default.
type Limits struct {
	Depth        int // how deep parts may stand in each other; default DefaultDepth
	Parts        int // parts of one message, all levels together; default DefaultParts
	HeaderBytes  int // octets of one header block that are read; default DefaultHeaderBytes
	HeaderFields int // fields of one header block that are read; default DefaultHeaderFields
}

// Defaults of Limits.
const (
	DefaultDepth        = 50
	DefaultParts        = 5000
	DefaultHeaderBytes  = 1 << 20
	DefaultHeaderFields = 5000
)

// maxBoundary is the longest boundary that is heeded, in octets. RFC 2046 §5.1.1 allows
// 70; a header line has 998.
const maxBoundary = 998

// maxHeldLine is how many octets of a line are kept while it is not known whether it is a
// delimiter: the boundary, four hyphens, and white space behind it.
const maxHeldLine = maxBoundary + 64

// readSize is how much Parse reads at a time, in octets.
const readSize = 64 << 10

func (l Limits) orDefaults() Limits {
	def := func(n *int, d int) {
		if *n <= 0 {
			*n = d
		}
	}
	def(&l.Depth, DefaultDepth)
	def(&l.Parts, DefaultParts)
	def(&l.HeaderBytes, DefaultHeaderBytes)
	def(&l.HeaderFields, DefaultHeaderFields)
	return l
}

// Parse reads a message to its end. The error is the reader's; the message is then what was read.
func Parse(r io.Reader, lim Limits) (*Message, error) {
	p := NewParser(lim)
	buf := make([]byte, readSize)
	for {
		n, err := r.Read(buf)
		p.feed(buf[:n])
		if err == io.EOF {
			return p.Finish(), nil
		}
		if err != nil {
			return p.Finish(), err
		}
	}
}

// ParseBytes parses a message that lies in memory. It keeps nothing of b.
func ParseBytes(b []byte, lim Limits) *Message { return ParseChunks([][]byte{b}, lim) }

// ParseChunks parses a message that lies in memory in pieces. It keeps nothing of them. As all of it is at hand, the
// structure has the preview too.
func ParseChunks(chunks [][]byte, lim Limits) *Message {
	p := NewParser(lim)
	for _, b := range chunks {
		p.feed(b)
	}
	m := p.Finish()
	m.preview(chunks)
	return m
}

// A Parser takes the octets of one message as they come. Write them all, then Finish.
// It holds the structure, at most one header block, and one line.
type Parser struct {
	lim   Limits
	msg   *Message
	pos   int64 // offset of the octet that is read next
	lines int64 // line feeds before pos
	parts int

	open    []frame // the parts that are not at their end, the root first
	bounded int     // how many of them have a boundary to look for
	header  bool    // reading the header block of the innermost
	fresh   bool    // at the begin of that block
	block   []byte  // what of that block came in earlier writes
	held    []byte  // begin of a line that may prove to be a delimiter or blank
	inside  bool    // pos is inside a line that is neither
	last    [2]byte // the two octets before pos
}

// frame is one part that is not at its end.
type frame struct {
	part     *Part
	boundary string // to look for; "" when there is none, or it was closed
	first    int64  // Parser.lines at the body's start
	digest   bool   // parts without a type are messages (RFC 2046 §5.1.5)
	message  bool   // the part is a whole message
}

// NewParser makes a Parser for one message.
func NewParser(lim Limits) *Parser {
	p := &Parser{lim: lim.orDefaults()}
	p.open = make([]frame, 0, 4)
	p.msg = &Message{Root: p.push(true)}
	return p
}

// Write takes the next octets. It never fails and keeps nothing of b.
func (p *Parser) Write(b []byte) (int, error) {
	p.feed(b)
	return len(b), nil
}

// Finish ends the message and gives its structure. The Parser must not be used after.
func (p *Parser) Finish() *Message {
	if len(p.held) > 0 {
		line := p.held
		p.held = nil
		p.lastLine(line)
	}
	p.dropEmpty()
	for p.header { // a part may hold a message whose header is missing too
		p.descend(p.endHeader(nil))
	}
	p.popTo(0, p.pos, 0)
	p.end(&p.open[0], p.pos, 0)
	p.msg.Size, p.msg.Lines = p.pos, p.lines
	return p.msg
}

func (p *Parser) feed(b []byte) {
	if len(p.held) > 0 {
		b = p.resume(b)
	}
	p.scan(b)
}

// scan reads octets that begin where the Parser is.
func (p *Parser) scan(b []byte) {
	for len(b) > 0 {
		if p.header {
			b = p.scanHeader(b)
		} else {
			b = p.scanBody(b)
		}
	}
}

// resume completes the held line from b and gives what is behind it.
func (p *Parser) resume(b []byte) []byte {
	i := bytes.IndexByte(b, '\n')
	n := i + 1
	if i < 0 {
		n = len(b)
	}
	line := p.held
	if len(line)+n > maxHeldLine {
		p.held = nil
		p.force(line)
		p.held = line[:0]
		return b
	}
	line = append(line, b[:n]...)
	if i < 0 && len(line) < maxHeldLine && p.undecided(line) {
		p.held = line
		return nil
	}
	p.held = nil
	p.scan(line) // holds nothing: the line is whole, decided, or too long
	p.held = line[:0]
	return b[n:]
}

// force reads the begin of a line whose end is not waited for any more.
func (p *Parser) force(line []byte) {
	for p.header && p.fresh && headerBegin(line) != yes {
		p.descend(p.endHeader(nil))
	}
	p.fresh = false
	p.take(line)
}

// hold keeps the begin of a line whose end is not there yet, if it matters.
func (p *Parser) hold(b []byte) bool {
	if p.inside || len(b) >= maxHeldLine || !p.undecided(b) {
		return false
	}
	p.held = append(p.held[:0], b...)
	return true
}

// undecided tells whether a line that begins so may be blank or a delimiter, or, as the
// first of a header block, whether it is a field is not known yet.
func (p *Parser) undecided(b []byte) bool {
	switch {
	case len(b) == 0:
		return false
	case len(b) == 1 && (b[0] == '\r' || b[0] == '-'), b[0] == '-' && b[1] == '-':
		return true
	}
	return p.header && p.fresh && headerBegin(b) == notKnown
}

// answer is yes, no, or not known before more is read.
type answer uint8

const (
	no answer = iota
	yes
	notKnown
)

// headerBegin tells whether a header block can begin with b: a field, a line of an mbox
// between messages, or, for leniency, white space or a byte order mark.
func headerBegin(b []byte) answer {
	for _, prefix := range [...]string{"From ", ">From ", " ", "\t", "\xef\xbb\xbf"} {
		n := min(len(prefix), len(b))
		switch {
		case string(b[:n]) != prefix[:n]:
		case n == len(prefix):
			return yes
		case bytes.IndexByte(b, '\n') < 0:
			return notKnown
		}
	}
	for i, c := range b {
		switch {
		case i >= maxFieldName:
			return no
		case c == ':' && i > 0:
			return yes
		case c == ' ' || c == '\t':
			return afterName(bytes.TrimLeft(b[i:min(len(b), maxFieldName)], " \t"), len(b))
		case c <= ' ' || c >= 0x7f || c == ':':
			return no
		}
	}
	return notKnown
}

// maxFieldName is the longest name, with white space behind it, that a first field may have, in octets.
const maxFieldName = 512

// afterName tells whether what follows a name and white space is the colon. The line has seen octets so far.
func afterName(rest []byte, seen int) answer {
	switch {
	case len(rest) == 0 && seen < maxFieldName:
		return notKnown
	case len(rest) == 0:
		return no
	case rest[0] == ':':
		return yes
	}
	return no
}

// take passes over octets without a look for lines that matter.
func (p *Parser) take(b []byte) {
	if p.header {
		p.keep(b)
	}
	p.skip(b)
}

// skip moves on by b.
func (p *Parser) skip(b []byte) {
	n := len(b)
	if n == 0 {
		return
	}
	p.pos += int64(n)
	p.lines += int64(bytes.Count(b, lineFeed))
	p.inside = b[n-1] != '\n'
	if n == 1 {
		p.last[0], p.last[1] = p.last[1], b[0]
		return
	}
	p.last[0], p.last[1] = b[n-2], b[n-1]
}

var lineFeed = []byte{'\n'}

// keep adds octets to the header block, up to the limit.
func (p *Parser) keep(b []byte) {
	if room := p.lim.HeaderBytes - len(p.block); len(b) > room {
		b = b[:max(room, 0)]
		p.msg.Limited = true
	}
	p.block = append(p.block, b...)
}

// lastLine reads a held line that has no end.
func (p *Parser) lastLine(line []byte) {
	if p.bounded > 0 {
		if i, closing, ok := p.delimiter(line); ok {
			if p.header {
				p.endHeader(nil)
			}
			p.atDelimiter(i, closing, line)
			return
		}
	}
	p.force(line)
}

// dropEmpty forgets a part behind a delimiter at the very end of the message: that it
// lacks the hyphens that close is an old mistake.
func (p *Parser) dropEmpty() {
	i := len(p.open) - 1
	if i == 0 || !p.header || !p.fresh || p.open[i].message {
		return
	}
	if parent := p.open[i-1].part; len(parent.Children) > 1 {
		parent.Children = parent.Children[:len(parent.Children)-1]
		p.open = p.open[:i]
		p.header = false
	}
}

// scanHeader reads on in a header block and gives what is behind it, nil when all is read.
func (p *Parser) scanHeader(b []byte) []byte {
	at := 0
	for {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			break
		}
		line, next := b[at:at+i+1], at+i+1
		if !p.inside {
			if blankLine(line) {
				p.skip(b[:next])
				p.descend(p.endHeader(b[:next]))
				return b[next:]
			}
			if line[0] == '-' && p.bounded > 0 {
				if j, closing, ok := p.delimiter(line); ok {
					p.skip(b[:at])
					p.endHeader(b[:at])
					p.atDelimiter(j, closing, line)
					return b[next:]
				}
			}
		}
		if p.fresh && headerBegin(line) != yes {
			p.descend(p.endHeader(nil))
			return b
		}
		p.fresh, p.inside = false, false
		at = next
	}
	if p.hold(b[at:]) {
		b = b[:at]
	} else if p.fresh && headerBegin(b) != yes {
		p.descend(p.endHeader(nil))
		return b
	}
	p.fresh = p.fresh && len(b) == 0
	p.take(b)
	return nil
}

// scanBody reads on in a body and gives what is behind the next delimiter, nil when all is read.
func (p *Parser) scanBody(b []byte) []byte {
	if p.bounded == 0 {
		p.skip(b)
		return nil
	}
	at := 0
	if p.inside {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			p.skip(b)
			return nil
		}
		at = i + 1
	}
	for at < len(b) {
		if at = hyphenLine(b, at); at == len(b) {
			break
		}
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			p.inside = false
			if p.hold(b[at:]) {
				b = b[:at]
			}
			break
		}
		line := b[at : at+i+1]
		if j, closing, ok := p.delimiter(line); ok {
			p.skip(b[:at])
			p.atDelimiter(j, closing, line)
			return b[at+i+1:]
		}
		at += i + 1
	}
	p.skip(b)
	return nil
}

// hyphenLine is the offset of the next line that may be a delimiter, from the line start
// at, or len(b). Base64 has no hyphen, so that large bodies are passed over at the speed
// of memory.
func hyphenLine(b []byte, at int) int {
	for at < len(b) {
		i := bytes.IndexByte(b[at:], '-')
		if i < 0 {
			return len(b)
		}
		at += i
		if (at == 0 || b[at-1] == '\n') && (at+1 == len(b) || b[at+1] == '-') {
			return at
		}
		if i = bytes.IndexByte(b[at:], '\n'); i < 0 {
			return len(b)
		}
		at += i + 1
	}
	return len(b)
}

// delimiter tells which open multipart a line delimits, the innermost first, and whether
// it closes it (RFC 2046 §5.1.1). The whole line has to fit, so that a boundary may be
// the begin of another one.
func (p *Parser) delimiter(line []byte) (i int, closing, ok bool) {
	if len(line) > maxHeldLine {
		return 0, false, false // nor would it be held if it came in pieces
	}
	line = bytes.TrimRight(line, "\r\n\t ")
	if len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return 0, false, false
	}
	line = line[2:]
	for i = len(p.open) - 1; i >= 0; i-- {
		b := p.open[i].boundary
		if b == "" || len(line) < len(b) || string(line[:len(b)]) != b {
			continue
		}
		switch string(line[len(b):]) {
		case "":
			return i, false, true
		case "--":
			return i, true, true
		}
	}
	return 0, false, false
}

// atDelimiter ends what stands inside multipart i and begins its next part, or its epilogue.
func (p *Parser) atDelimiter(i int, closing bool, line []byte) {
	if !closing && p.parts >= p.lim.Parts {
		p.limitParts()
		p.skip(line)
		return
	}
	p.popTo(i, p.pos, p.lineEnd())
	p.skip(line)
	p.inside = false
	if closing {
		p.open[i].boundary = ""
		p.bounded--
		return
	}
	part := p.push(false)
	p.open[i].part.Children = append(p.open[i].part.Children, part)
}

// limitParts lets the rest of the message stay in the part at hand.
func (p *Parser) limitParts() {
	p.msg.Limited = true
	for i := range p.open {
		p.open[i].boundary = ""
	}
	p.bounded = 0
}

// lineEnd is the number of octets of the line end before pos.
func (p *Parser) lineEnd() int64 {
	switch {
	case p.last[1] != '\n' || p.pos == 0:
		return 0
	case p.last[0] == '\r':
		return 2
	}
	return 1
}

// push opens a part whose header block begins here.
func (p *Parser) push(message bool) *Part {
	part := &Part{HeaderStart: p.pos, Encoding: "7bit"}
	p.open = append(p.open, frame{part: part, message: message})
	p.parts++
	p.header, p.fresh, p.block = true, true, p.block[:0]
	return part
}

// popTo ends all parts inside open part i. The line end of br octets before pos is not theirs.
func (p *Parser) popTo(i int, pos, br int64) {
	for j := len(p.open) - 1; j > i; j-- {
		p.end(&p.open[j], pos, br)
		if p.open[j].boundary != "" {
			p.bounded--
		}
	}
	p.open = p.open[:i+1]
}

// end sets the end of a part's body. The parts in it have theirs.
func (p *Parser) end(f *frame, pos, br int64) {
	part, lines := f.part, p.lines
	part.BodyEnd = pos
	least := part.BodyStart
	if n := len(part.Children); n > 0 {
		least = part.Children[n-1].BodyEnd
	}
	if br > 0 && pos-br >= least {
		part.BodyEnd = pos - br
		lines--
	}
	part.Lines = lines - f.first
	if part.IsMultipart() && len(part.Children) == 0 {
		p.demote(part)
	}
}

// demote makes text of a multipart in which no part was found.
func (p *Parser) demote(part *Part) {
	part.Type, part.Subtype, part.Params = "text", "plain", nil
}

// endHeader ends the header block of the innermost part and begins its body; b is what of
// the block is not kept yet.
func (p *Parser) endHeader(b []byte) *frame {
	p.header, p.inside = false, false
	if len(p.block) > 0 || len(b) > p.lim.HeaderBytes {
		p.keep(b)
		b = p.block
	}
	i := len(p.open) - 1
	f := &p.open[i]
	f.part.BodyStart, f.first = p.pos, p.lines
	p.readHeader(f, b, i > 0 && p.open[i-1].digest)
	p.block = p.block[:0]
	return f
}

// descend opens what a part contains. A part that ends with its header contains nothing.
func (p *Parser) descend(f *frame) {
	part, deep := f.part, len(p.open) >= p.lim.Depth
	switch {
	case part.IsMultipart():
		b := strings.TrimRight(paramRaw(part.Params, "boundary"), " \t")
		if b == "" || len(b) > maxBoundary {
			return
		}
		if deep {
			p.msg.Limited = true
			return
		}
		f.boundary, f.digest = b, part.Subtype == "digest"
		p.bounded++
	case holdsMessage(part):
		if deep || p.parts >= p.lim.Parts {
			p.msg.Limited = true
			return
		}
		part.Children = []*Part{p.push(true)}
	}
}

// holdsMessage tells whether a part's body is a message as it stands. An encoded one
// (against RFC 2046 §5.2.1) is a leaf.
func holdsMessage(p *Part) bool {
	if p.Type != "message" || p.Subtype != "rfc822" && p.Subtype != "global" {
		return false
	}
	return p.Encoding != "base64" && p.Encoding != "quoted-printable" && p.Encoding != "x-uuencode"
}
