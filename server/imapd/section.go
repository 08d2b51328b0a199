package imapd

import (
	"bytes"
	"io"
	"math"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
	"tegami/wire/mime"
)

// section writes one BODY[…], BINARY[…] or RFC822… item.
func (w *fetching) section(m *mailbox.Message, i int, first bool) error {
	sec, name := &w.Sections[i], w.names[i]
	if first {
		name = name[1:]
	}
	w.s.out.End(append(w.s.out.Begin(), name...))
	switch {
	case sec.Name == imap.NameBinary || sec.Name == imap.NameBinarySize:
		return w.binary(m, sec)
	case sec.Kind == imap.SectionFields || sec.Kind == imap.SectionFieldsNot:
		return w.headerFields(m, sec)
	}
	start, end, ok := w.locate(m, sec)
	if !ok {
		w.s.out.WriteString("NIL")
		return nil
	}
	from, n := sec.Cut(end - start)
	return w.octetsFrom(start+from, n)
}

// kinds are the sections as mime knows them.
var kinds = [...]mime.SectionKind{
	imap.SectionAll: mime.SectionAll, imap.SectionHeader: mime.SectionHeader, imap.SectionFields: mime.SectionHeader,
	imap.SectionFieldsNot: mime.SectionHeader, imap.SectionText: mime.SectionText, imap.SectionMIME: mime.SectionMIME,
}

// locate finds the octets of a section. Those of the message itself stand in the head of its index.
func (w *fetching) locate(m *mailbox.Message, sec *imap.Section) (start, end int64, ok bool) {
	if len(sec.Part) == 0 {
		if sec.Kind == imap.SectionAll {
			return 0, w.octets.Size(), true
		}
		if h := mime.Index(m.Index).HeaderSize(); h > 0 {
			if sec.Kind == imap.SectionText {
				return h, w.octets.Size(), true
			}
			return 0, h, true
		}
	}
	return w.parsed(m).Section(sec.Part, kinds[sec.Kind])
}

// parsed is the structure of the message at hand. Where the index is damaged, the octets are parsed again.
func (w *fetching) parsed(m *mailbox.Message) *mime.Message {
	if w.structure == nil {
		w.structure = structureOf(m, w.octets)
	}
	return w.structure
}

func structureOf(m *mailbox.Message, body mailbox.Body) *mime.Message {
	if st, err := mime.Decode(m.Index); err == nil {
		return st
	}
	st, err := mime.Parse(io.NewSectionReader(body, 0, body.Size()), mime.Limits{})
	if err != nil {
		return mime.ParseBytes(nil, mime.Limits{}) // reading the octets fails again, and is told then
	}
	return st
}

// octetsFrom writes a literal out of the message's octets. Small ones gather with what else is
// said; large ones go to the connection directly.
func (w *fetching) octetsFrom(from, n int64) error {
	out := w.s.out
	b := imap.AppendLiteralHead(out.Begin(), n)
	if n > imap.MaxRoom {
		out.End(b)
		to, err := out.Direct()
		if err != nil {
			return err
		}
		w.s.link.expect(n)
		_, err = w.octets.WriteRange(to, from, n)
		return err
	}
	b = out.Room(b, int(n))
	at := len(b)
	b = b[:at+int(n)]
	if got, err := w.octets.ReadAt(b[at:], from); got < int(n) {
		return mail.Because("imapd.FETCH", mail.Unavailable, "", err)
	}
	out.End(b)
	return nil
}

// headerFields writes the chosen fields of a header (RFC 9051 §6.4.5.1 HEADER.FIELDS).
func (w *fetching) headerFields(m *mailbox.Message, sec *imap.Section) error {
	start, end, ok := w.locate(m, sec)
	if !ok {
		w.s.out.WriteString("NIL")
		return nil
	}
	raw, err := w.read(start, end)
	if err != nil {
		return err
	}
	w.fields = mime.AppendHeaderFields(w.fields[:0], raw, sec.Fields, sec.Kind == imap.SectionFieldsNot)
	from, n := sec.Cut(int64(len(w.fields)))
	w.s.out.End(append(imap.AppendLiteralHead(w.s.out.Begin(), n), w.fields[from:from+n]...))
	return nil
}

// copySection writes the octets of a section to somebody else than the client; found is false where there is no such part.
func (w *fetching) copySection(m *mailbox.Message, sec *imap.Section, to io.Writer) (found bool, err error) {
	start, end, ok := w.locate(m, sec)
	if !ok {
		return false, nil
	}
	part := *sec
	if part.Partial && part.Count == 0 { // RFC 5092 §5: all that follows
		part.Count = math.MaxInt64
	}
	if sec.Kind != imap.SectionFields && sec.Kind != imap.SectionFieldsNot {
		from, n := part.Cut(end - start)
		_, err = w.octets.WriteRange(to, start+from, n)
		return true, err
	}
	raw, err := w.read(start, end)
	if err != nil {
		return true, err
	}
	fields := mime.AppendHeaderFields(nil, raw, sec.Fields, sec.Kind == imap.SectionFieldsNot)
	from, n := part.Cut(int64(len(fields)))
	_, err = to.Write(fields[from : from+n])
	return true, err
}

// read gives octets of the message in a buffer that is used again.
func (w *fetching) read(start, end int64) ([]byte, error) {
	n := int(end - start)
	if cap(w.header) < n {
		w.header = make([]byte, n)
	}
	w.header = w.header[:n]
	if got, err := w.octets.ReadAt(w.header, start); got < n {
		return nil, mail.Because("imapd.FETCH", mail.Unavailable, "", err)
	}
	return w.header, nil
}

// binary writes a part's content with its transfer encoding undone (RFC 9051 §6.4.5.2). It is read twice: for
// its size first, which comes first on the wire.
func (w *fetching) binary(m *mailbox.Message, sec *imap.Section) error {
	st := w.parsed(m)
	part := st.Part(sec.Part)
	start, end, ok := st.Section(sec.Part, mime.SectionAll)
	if !ok || part == nil {
		w.s.out.WriteString(map[bool]string{true: "0", false: "NIL"}[sec.Name == imap.NameBinarySize])
		return nil
	}
	open := func() io.Reader {
		raw := io.NewSectionReader(w.octets, start, end-start)
		if len(sec.Part) == 0 || part.IsMultipart() || part.IsMessage() {
			return raw
		}
		return mime.DecodedReader(part, raw)
	}
	if len(sec.Part) > 0 && !knownEncoding(part.Encoding) {
		if w.failed == nil {
			w.failed = mail.E("imapd.FETCH", mail.Invalid, "imap.unknown_cte", part.Encoding)
		}
		open = func() io.Reader { return bytes.NewReader(nil) }
	}
	var c contentCounter
	if _, err := io.Copy(&c, open()); err != nil {
		return err
	}
	if sec.Name == imap.NameBinarySize {
		w.s.out.End(imap.AppendUint(w.s.out.Begin(), uint64(c.size)))
		return nil
	}
	from, n := sec.Cut(c.size)
	b := w.s.out.Begin()
	if c.nul {
		b = append(b, '~') // RFC 9051 §4.3: literal8
	}
	w.s.out.End(imap.AppendLiteralHead(b, n))
	r := open()
	if _, err := io.CopyN(io.Discard, r, from); err != nil {
		return err
	}
	_, err := io.CopyN(w.s.out, r, n)
	return err
}

// contentCounter finds the size of a content, and whether NUL is in it.
type contentCounter struct {
	size int64
	nul  bool
}

func (c *contentCounter) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	c.nul = c.nul || bytes.IndexByte(p, 0) >= 0
	return len(p), nil
}

// knownEncoding tells whether a Content-Transfer-Encoding can be undone.
func knownEncoding(name string) bool {
	switch name {
	case "", "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "uuencode", "x-uue", "uue":
		return true
	}
	return false
}
