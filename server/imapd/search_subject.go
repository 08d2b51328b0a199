package imapd

import (
	"bytes"
	"io"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
	"tegami/wire/mime"
)

// subject is the message at hand, with as much of it as was shown so far.
type subject struct {
	shown   need
	seq     uint32
	mark    mailbox.Mark
	arrived int64 // INTERNALDATE in seconds
	size    int64
	now     int64 // when the search began, in seconds

	row       *mailbox.Message
	index     mime.Index // of the row, or made of the octets where that is damaged
	octets    octets
	structure *mime.Message
	scan      *scanner
	scanned   bool
	score     uint8 // relevancy, 1 to 100
	err       error // reading failed

	fold mime.Folder // scratch, as the next two
	text []byte
	form []byte
}

// Relevancy of a message (RFC 6203 §4).
const (
	scorePhrase = 100 // the words stand there as they were given
	scoreWords  = 50  // all are there
)

// newSubject makes what messages are shown in, one by one.
func newSubject(needles []needle, now int64) *subject {
	return &subject{scan: newScanner(needles), now: now, score: scorePhrase}
}

// glance takes another message of which the view tells.
func (m *subject) glance(seq uint32, mark mailbox.Mark) {
	m.shown, m.seq, m.mark, m.score = needMark, seq, mark, scorePhrase
}

// take takes another message with its row. It shows the envelope where the index is whole.
func (m *subject) take(seq uint32, mark mailbox.Mark, row *mailbox.Message) {
	m.glance(seq, mark)
	m.row, m.index, m.structure, m.scanned, m.err = row, mime.Index(row.Index), nil, false, nil
	m.arrived, m.size = row.Received.Unix(), row.Blob.Size
	if m.shown = needRow; m.index.HeaderSize() > 0 {
		m.shown = needEnvelope
	}
}

// open takes the message's octets.
func (m *subject) open(body mailbox.Body) {
	m.octets.open(body)
	if m.shown < needEnvelope {
		m.structure = structureOf(m.row, body)
		m.index = m.structure.Encode(nil)
	}
}

// message is the structure of the message, whose octets are at hand.
func (m *subject) message() *mime.Message {
	if m.structure == nil {
		m.structure = structureOf(m.row, m.octets.body)
	}
	return m.structure
}

// in tells whether a decoded text has what is wanted, and notes how well.
func (m *subject) in(text string, w *wanted) bool {
	m.text = append(m.text[:0], text...)
	m.form = m.fold.Append(m.form[:0], m.text, true)
	if bytes.Contains(m.form, w.phrase.text) {
		return true
	}
	for i := range w.words {
		if !bytes.Contains(m.form, w.words[i].text) {
			return false
		}
	}
	if len(w.words) == 0 {
		return false
	}
	m.score = min(m.score, scoreWords)
	return true
}

// inText looks at a field of the envelope that is text.
func (m *subject) inText(f mime.EnvelopeField, w *wanted) bool {
	if len(w.phrase.text) == 0 {
		return true
	}
	return w.mayBeIn(m.index.EnvelopeField(f)) && m.in(mime.DecodeHeader(m.index.EnvelopeText(f)), w)
}

// inAddresses looks at a field of the envelope that is a list of addresses, each as "name <local@domain>".
func (m *subject) inAddresses(f mime.EnvelopeField, w *wanted) bool {
	if !w.mayBeIn(m.index.EnvelopeField(f)) {
		return false
	}
	for _, a := range m.index.EnvelopeAddresses(f) {
		if m.in(a.Name()+" <"+a.Local+"@"+a.Domain+">", w) {
			return true
		}
	}
	return false
}

// sentOn compares the day of the Date field, in its own zone (RFC 9051 §6.4.4), with another.
func (m *subject) sentOn(how imap.KeyOp, day int64) bool {
	at, err := mime.ParseDate(m.index.EnvelopeText(mime.FieldDate))
	if err != nil {
		return false
	}
	_, zone := at.Zone()
	return onDay(how, at.Unix()+int64(zone), day)
}

// inField looks at the header fields of a name. An empty string asks only whether there is one.
func (m *subject) inField(name string, w *wanted) bool {
	header, err := m.octets.read(0, m.index.HeaderSize())
	if err != nil {
		m.err = err
		return false
	}
	for _, value := range mime.Header(header).All(name) {
		if m.in(mime.DecodeHeader(value), w) {
			return true
		}
	}
	return false
}

// inBody tells whether the needle of a phrase, or those of all its words, are in the message. All needles of a search are looked for in one pass.
func (m *subject) inBody(phrase, first, words int) bool {
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
	m.score = min(m.score, scoreWords)
	return true
}

// octets are a message's octets as far as a search reads them. Its buffer is used again.
type octets struct {
	body  mailbox.Body
	buf   []byte
	whole bool // buf holds the message
}

// maxWhole is the size up to which a message is read at once, in octets.
const maxWhole = 128 << 10

func (o *octets) open(body mailbox.Body) { o.body, o.whole = body, false }

func (o *octets) close() {
	if o.body != nil {
		o.body.Close()
	}
	o.body, o.whole = nil, false
}

// load reads the message at once, if it is not large: its parts are asked for next.
func (o *octets) load() error {
	size := o.body.Size()
	if o.whole || size > maxWhole {
		return nil
	}
	buf, err := readRange(o.body, o.buf, 0, size)
	o.buf, o.whole = buf, err == nil
	return err
}

// read gives octets [start, end), valid until the next call.
func (o *octets) read(start, end int64) ([]byte, error) {
	if start < 0 || end < start || end > o.body.Size() {
		return nil, mail.E("imapd.read", mail.Unavailable, "")
	}
	if o.whole {
		return o.buf[start:end], nil
	}
	buf, err := readRange(o.body, o.buf, start, end)
	o.buf = buf
	return buf, err
}

// readRange reads octets [start, end) into buf, which it makes larger if need be.
func readRange(body io.ReaderAt, buf []byte, start, end int64) ([]byte, error) {
	n := int(end - start)
	if cap(buf) < n {
		buf = make([]byte, n+n/4)
	}
	buf = buf[:n]
	got, err := body.ReadAt(buf, start)
	if got < n {
		return buf[:got], mail.Because("imapd.readRange", mail.Unavailable, "", err)
	}
	return buf, nil
}
