package match

import (
	"bytes"
	"io"

	"tegami/wire/mime"
)

// Body are the octets of a message.
type Body interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Text is a message in which something is looked for. It is used for one message after the other, from one goroutine: Take, and where
// more than the envelope is asked for Open, the questions, Close.
type Text struct {
	index     mime.Index // as it was given, or made of the octets where that is damaged
	octets    octets
	structure *mime.Message
	scan      *scanner
	scanned   bool
	loose     bool
	err       error // reading failed

	fold mime.Folder // scratch, as the next two
	text []byte
	form []byte
}

// New makes a Text for a search. needles are those of InBody, all of which are looked for in one pass.
func New(needles []Needle) *Text { return &Text{scan: newScanner(needles)} }

// Take takes another message, with its index. False where that is damaged: then the envelope is known after Open.
func (m *Text) Take(index []byte) bool {
	m.index, m.structure, m.scanned, m.loose, m.err = mime.Index(index), nil, false, false, nil
	return m.index.HeaderSize() > 0
}

// Index is the index of the message.
func (m *Text) Index() mime.Index { return m.index }

// Err is the first failure to read the message. What was found before it stands.
func (m *Text) Err() error { return m.err }

// Loose tells that something was found by its words, not as it was asked for.
func (m *Text) Loose() bool { return m.loose }

// Open takes the message's octets; they are its own until Close.
func (m *Text) Open(body Body) {
	m.octets.open(body)
	if m.index.HeaderSize() <= 0 {
		m.structure = structureOf(m.index, body)
		m.index = m.structure.Encode(nil)
	}
}

// Close closes the message's octets.
func (m *Text) Close() { m.octets.close() }

// structureOf gives a message's structure: as it is kept, or by reading the octets.
func structureOf(index []byte, body Body) *mime.Message {
	if st, err := mime.Decode(index); err == nil {
		return st
	}
	st, err := mime.Parse(io.NewSectionReader(body, 0, body.Size()), mime.Limits{})
	if err != nil {
		return mime.ParseBytes(nil, mime.Limits{}) // reading the octets fails again, and is told then
	}
	return st
}

// message is the structure of the message, whose octets are at hand.
func (m *Text) message() *mime.Message {
	if m.structure == nil {
		m.structure = structureOf(m.index, m.octets.body)
	}
	return m.structure
}

// In tells whether a decoded text has what is wanted, and notes how well.
func (m *Text) In(text string, w *Wanted) bool {
	m.text = append(m.text[:0], text...)
	m.form = m.fold.Append(m.form[:0], m.text, true)
	if bytes.Contains(m.form, w.Phrase.text) {
		return true
	}
	for i := range w.Words {
		if !bytes.Contains(m.form, w.Words[i].text) {
			return false
		}
	}
	if len(w.Words) == 0 {
		return false
	}
	m.loose = true
	return true
}

// InText looks at a field of the envelope that is text.
func (m *Text) InText(f mime.EnvelopeField, w *Wanted) bool {
	if len(w.Phrase.text) == 0 {
		return true
	}
	return w.mayBeIn(m.index.EnvelopeField(f)) && m.In(mime.DecodeHeader(m.index.EnvelopeText(f)), w)
}

// InAddresses looks at a field of the envelope that is a list of addresses, each as "name <local@domain>".
func (m *Text) InAddresses(f mime.EnvelopeField, w *Wanted) bool {
	if !w.mayBeIn(m.index.EnvelopeField(f)) {
		return false
	}
	for _, a := range m.index.EnvelopeAddresses(f) {
		if m.In(a.Name()+" <"+a.Local+"@"+a.Domain+">", w) {
			return true
		}
	}
	return false
}

// InField looks at the header fields of a name. An empty string asks only whether there is one.
func (m *Text) InField(name string, w *Wanted) bool {
	header, err := m.octets.read(0, m.index.HeaderSize())
	if err != nil {
		m.err = err
		return false
	}
	for _, value := range mime.Header(header).All(name) {
		if m.In(mime.DecodeHeader(value), w) {
			return true
		}
	}
	return false
}

// InBody tells whether the needle of a phrase, or those of all its words, are in the message. All needles of a search are looked for in one pass.
func (m *Text) InBody(phrase, first, words int) bool {
	if !m.scanned {
		m.scanned = true
		if err := m.scan.message(m.message(), &m.octets); err != nil && m.err == nil {
			m.err = err
		}
	}
	if m.scan.found[phrase] || words == 0 {
		return m.scan.found[phrase]
	}
	for _, found := range m.scan.found[first : first+words] {
		if !found {
			return false
		}
	}
	m.loose = true
	return true
}
