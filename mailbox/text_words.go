package mailbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tegami/mail"
	"tegami/mailbox/gram"
	"tegami/store"
	"tegami/wire/mime"
)

// Limits of what is read of one message for the full-text index. A message that passes one is proposed by every search.
const (
	// maxIndexedText is how much text is read, in octets.
	maxIndexedText = 8 << 20
	// maxIndexedGrams is how many grams a message may have.
	maxIndexedGrams = 1 << 18
	// maxIndexTime is how long reading it may take.
	maxIndexTime = 10 * time.Second
	// maxIndexedAtOnce is the size up to which a message, or a part of it, is read at once, in octets.
	maxIndexedAtOnce = 1 << 20
)

// wordReader reads messages as grams. What it looks at is what a search looks at: all header fields, the text of parts as their
// reader sees it, names of attachments, and the same in messages within. Its buffers are used again. Use from one goroutine.
type wordReader struct {
	set     gram.Set
	octets  []byte // of the message, where it is small
	raw     []byte
	content []byte
	text    []byte
	left    int // octets of text that may still be read
	late    time.Time
}

// large tells that the buffers have grown to more than an ordinary message needs.
func (w *wordReader) large() bool {
	return w.set.Len() > maxIndexedGrams/8 || cap(w.octets)+cap(w.raw)+cap(w.content)+cap(w.text) > 4*maxIndexedAtOnce
}

// doc reads a message. One that cannot be read to its end, or not at all, may contain anything: err says why.
func (w *wordReader) doc(ctx context.Context, tenant store.Tenant, m *Message) (doc store.TextDoc, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxIndexTime)
	defer cancel()
	w.set.Reset()
	w.left, w.late = maxIndexedText, time.Now().Add(maxIndexTime)
	err = w.read(ctx, tenant, m)
	doc = store.TextDoc{UID: m.UID, Any: err != nil, Grams: make([]store.Gram, w.set.Len())}
	for i, k := range w.set.Keys() {
		doc.Grams[i] = store.Gram(k)
	}
	return doc, err
}

func (w *wordReader) read(ctx context.Context, tenant store.Tenant, m *Message) (err error) {
	const op = "mailbox.Index"
	defer func() {
		if p := recover(); p != nil { // a bug that one message shows shall not keep the others from the index
			err = mail.Because(op, mail.Other, "", fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	body, err := tenant.Blobs().OpenAt(ctx, m.Blob, m.Place)
	if err != nil {
		return mail.Wrap(op, err)
	}
	defer body.Close()
	var from io.ReaderAt = body
	if body.Size() <= maxIndexedAtOnce {
		w.octets = slices.Grow(w.octets[:0], int(body.Size()))[:body.Size()]
		if _, err := body.ReadAt(w.octets, 0); err != nil && err != io.EOF {
			return mail.Wrap(op, err)
		}
		from = bytes.NewReader(w.octets)
	}
	structure, err := mime.Decode(m.Index)
	if err != nil {
		if structure, err = mime.Parse(io.NewSectionReader(from, 0, body.Size()), mime.Limits{}); err != nil {
			return mail.Wrap(op, err)
		}
	}
	return mail.Wrap(op, w.message(structure, from))
}

// errTooMuch is a message that passes a limit.
var errTooMuch = mail.E("mailbox.Index", mail.Full, "text.too_much")

func (w *wordReader) message(m *mime.Message, from io.ReaderAt) (err error) {
	m.Root.Walk(func(p *mime.Part) bool {
		if err = w.header(p, from); err == nil && p.IsText() {
			err = w.part(p, from)
		}
		if err == nil && (w.set.Len() > maxIndexedGrams || time.Now().After(w.late)) {
			err = errTooMuch
		}
		return err == nil
	})
	return err
}

// header reads the header fields of a part.
func (w *wordReader) header(p *mime.Part, from io.ReaderAt) (err error) {
	if w.raw, err = w.octetsAt(w.raw, from, p.HeaderStart, p.BodyStart); err != nil {
		return err
	}
	for f := range mime.Header(w.raw).Fields() {
		line := mime.Unfold(w.raw[f.Start:f.End])
		if !asItIs(line) {
			w.stretch(mime.DecodeHeader(mime.Unfold(f.Value))) // once alone: what stands before may change what it is taken for
			line = mime.DecodeHeader(line)
		}
		w.stretch(line)
	}
	for _, name := range p.Filenames() {
		w.stretch(name)
	}
	if e := p.Envelope; e != nil {
		for _, list := range [][]mime.Address{e.From, e.Sender, e.ReplyTo, e.To, e.Cc, e.Bcc} {
			w.addresses(list)
		}
	}
	return nil
}

// asItIs tells of header text that needs no decoding.
func asItIs(line string) bool {
	for i := range len(line) {
		if line[i] >= utf8.RuneSelf || line[i] == 0x1b {
			return false
		}
	}
	return !strings.Contains(line, "=?")
}

// addresses reads addresses as people see them: quotes are gone, and words that are encoded where they should not be are decoded.
func (w *wordReader) addresses(list []mime.Address) {
	for i := range list {
		a := &list[i]
		w.stretch(a.Name() + " " + a.Local + "@" + a.Domain)
	}
}

func (w *wordReader) stretch(text string) {
	w.set.Cut()
	w.set.WriteString(text)
}

// part reads the text of a part.
func (w *wordReader) part(p *mime.Part, from io.ReaderAt) (err error) {
	w.set.Cut()
	if p.Size() > maxIndexedAtOnce {
		raw := io.NewSectionReader(from, p.BodyStart, p.Size())
		return w.stream(seen(p, mime.TextReader(p, mime.DecodedReader(p, raw))))
	}
	if w.raw, err = w.octetsAt(w.raw, from, p.BodyStart, p.BodyEnd); err != nil {
		return err
	}
	w.content = mime.AppendDecoded(w.content[:0], p, w.raw)
	w.text = mime.AppendText(w.text[:0], p, w.content)
	if p.Subtype == "html" {
		return w.stream(mime.HTMLText(bytes.NewReader(w.text)))
	}
	return w.take(w.text)
}

// seen gives what a reader sees of a part's text.
func seen(p *mime.Part, text io.Reader) io.Reader {
	if p.Subtype == "html" {
		return mime.HTMLText(text)
	}
	return text
}

func (w *wordReader) stream(text io.Reader) error {
	if cap(w.raw) < 32<<10 {
		w.raw = make([]byte, 32<<10)
	}
	buf := w.raw[:cap(w.raw)]
	for {
		n, err := text.Read(buf)
		if e := w.take(buf[:n]); e != nil {
			return e
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take reads text, as far as the limits allow.
func (w *wordReader) take(text []byte) error {
	if w.left -= len(text); w.left < 0 || w.set.Len() > maxIndexedGrams || time.Now().After(w.late) {
		return errTooMuch
	}
	_, err := w.set.Write(text)
	return err
}

// octetsAt reads octets [start, end).
func (w *wordReader) octetsAt(dst []byte, from io.ReaderAt, start, end int64) ([]byte, error) {
	if end-start > maxIndexedText {
		return dst, errTooMuch
	}
	dst = slices.Grow(dst[:0], int(end-start))[:end-start]
	if _, err := from.ReadAt(dst, start); err != nil && err != io.EOF {
		return dst, err
	}
	return dst, nil
}
