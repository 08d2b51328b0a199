package match

import (
	"bytes"
	"io"

	"tegami/wire/mime"
)

// scanner looks for all needles of a search in the text of messages. Its buffers are used again.
type scanner struct {
	needles []Needle
	found   []bool
	open    int // needles not found yet
	longest int

	fold    mime.Folder
	content []byte // of a part, with its transfer encoding undone
	text    []byte // of a part, in UTF-8
	chunk   []byte // of a stream
	form    []byte // in which it is compared
}

const (
	// scanPortion is how much text is looked at at once, in octets.
	scanPortion = 32 << 10
	// maxInMemory is the size up to which a part is decoded at once, in octets.
	maxInMemory = 1 << 20
)

func newScanner(needles []Needle) *scanner {
	sc := &scanner{needles: needles, found: make([]bool, len(needles))}
	for i := range needles {
		sc.longest = max(sc.longest, len(needles[i].text))
	}
	return sc
}

// message looks through a message: its header fields and those of its parts with the names of attachments, and all parts of type
// text; of HTML what its reader sees. The header of a message within the message belongs to the body.
func (sc *scanner) message(m *mime.Message, o *octets) (err error) {
	sc.open = len(sc.needles)
	for i := range sc.needles {
		sc.found[i] = false
		sc.see(i, len(sc.needles[i].text) == 0)
	}
	if err := o.load(); err != nil {
		return err
	}
	m.Root.Walk(func(p *mime.Part) bool {
		if err = sc.fields(p, o); err == nil && sc.open > 0 && p.IsText() {
			err = sc.part(p, o)
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
func (sc *scanner) fields(p *mime.Part, o *octets) error {
	within := p.Envelope != nil && p.HeaderStart > 0
	if !within && !sc.wantsHeaders() || p.BodyStart == p.HeaderStart {
		return nil
	}
	raw, err := o.read(p.HeaderStart, p.BodyStart)
	if err != nil {
		return err
	}
	plain := plainHeader(raw)
	if plain && !sc.mayHave(raw, within) {
		return sc.names(p, within)
	}
	for f := range mime.Header(raw).Fields() {
		line := mime.Unfold(raw[f.Start:f.End])
		if !plain {
			line = mime.DecodeHeader(line)
		}
		sc.lookIn(line, within)
	}
	return sc.names(p, within)
}

// mayHave tells whether a header that is plain can have a needle that is not found yet.
func (sc *scanner) mayHave(raw []byte, within bool) bool {
	for i := range sc.needles {
		n := &sc.needles[i]
		if (n.Headers || within) && !sc.found[i] && n.ascii && containsFold(raw, n.probe, n.rare) {
			return true
		}
	}
	return false
}

// names looks at the names of an attachment, which may be written in ways that a header's decoding does not undo (RFC 2231).
func (sc *scanner) names(p *mime.Part, within bool) error {
	if len(p.DispositionParams) > 0 || len(p.Params) > 0 {
		for _, name := range p.Filenames() {
			sc.lookIn(name, within)
		}
	}
	return nil
}

// lookIn looks for the needles in a header's text.
func (sc *scanner) lookIn(text string, within bool) {
	sc.text = append(sc.text[:0], text...)
	sc.form = sc.fold.Append(sc.form[:0], sc.text, true)
	for i := range sc.needles {
		if n := &sc.needles[i]; (n.Headers || within) && !sc.found[i] {
			sc.see(i, bytes.Contains(sc.form, n.text))
		}
	}
}

func (sc *scanner) wantsHeaders() bool {
	for i := range sc.needles {
		if sc.needles[i].Headers && !sc.found[i] {
			return true
		}
	}
	return false
}

// part looks through the text of one part.
func (sc *scanner) part(p *mime.Part, o *octets) error {
	if p.Size() > maxInMemory {
		raw := io.NewSectionReader(o.body, p.BodyStart, p.Size())
		return sc.stream(shown(p, mime.TextReader(p, mime.DecodedReader(p, raw))))
	}
	content, err := o.read(p.BodyStart, p.BodyEnd)
	if err != nil {
		return err
	}
	if encoded(p) {
		sc.content = mime.AppendDecoded(sc.content[:0], p, content)
		content = sc.content
	}
	html := p.Subtype == "html"
	if hasASCII(p) && plainText(content) {
		if !html {
			sc.lookPlain(content)
			return nil
		}
	} else {
		sc.text = mime.AppendText(sc.text[:0], p, content)
		content = sc.text
	}
	if html {
		return sc.stream(mime.HTMLText(bytes.NewReader(content)))
	}
	sc.form = sc.fold.Append(sc.form[:0], content, true)
	sc.look(sc.form)
	return nil
}

// shown gives what a reader sees of a part's text.
func shown(p *mime.Part, text io.Reader) io.Reader {
	if p.Subtype == "html" {
		return mime.HTMLText(text)
	}
	return text
}

// encoded tells that a part's octets are not its content.
func encoded(p *mime.Part) bool {
	switch p.Encoding {
	case "base64", "quoted-printable", "x-uuencode":
		return true
	}
	return false
}

// hasASCII tells that ASCII without escapes stands for itself in a part's charset.
func hasASCII(p *mime.Part) bool {
	switch p.Charset() {
	case "", "us-ascii", "utf-8", "iso-8859-1", "iso-2022-jp", "shift_jis", "euc-jp", "windows-31j", "cp932", "windows-1252":
		return true
	}
	return false
}

// lookPlain looks for the needles in text that is ASCII. It is brought into the form of comparison only where its white space or
// punctuation may matter.
func (sc *scanner) lookPlain(text []byte) {
	formed := false
	for i := range sc.needles {
		n := &sc.needles[i]
		if sc.found[i] || !n.ascii || !containsFold(text, n.probe, n.rare) {
			continue
		}
		if len(n.probe) == len(n.text) {
			sc.see(i, true)
			continue
		}
		if !formed {
			sc.form, formed = sc.fold.Append(sc.form[:0], text, true), true
		}
		sc.see(i, bytes.Contains(sc.form, n.text))
	}
}

// stream looks through text in portions that overlap, so that a needle on a border is found.
func (sc *scanner) stream(r io.Reader) error {
	if sc.chunk == nil {
		sc.chunk = make([]byte, scanPortion)
	}
	sc.fold.Reset()
	sc.form = sc.form[:0]
	for sc.open > 0 {
		n, err := r.Read(sc.chunk)
		last := err != nil
		sc.form = sc.fold.Append(sc.form, sc.chunk[:n], last)
		if !last && len(sc.form) < scanPortion {
			continue
		}
		sc.look(sc.form)
		kept := min(max(sc.longest-1, 0), len(sc.form))
		sc.form = append(sc.form[:0], sc.form[len(sc.form)-kept:]...)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	sc.fold.Reset()
	return nil
}

// look looks for the needles in text of the form of comparison.
func (sc *scanner) look(form []byte) {
	for i := range sc.needles {
		if !sc.found[i] {
			sc.see(i, bytes.Contains(form, sc.needles[i].text))
		}
	}
}
