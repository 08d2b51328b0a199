package mime

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"io"
	"slices"
	"strings"

	"tegami/mail"
)

// Replacement says what becomes of one part of a message.
type Replacement struct {
	Part *Part // of the message's structure
	// Header has the part's new content fields, as ContentHeader writes them. They take the place of all its Content-* fields; other
	// fields stay. nil keeps the fields there are, but for those that speak of the old octets: Content-Transfer-Encoding and Content-MD5.
	Header Header
	// Body gives the new content, not encoded: it is written in base64 (RFC 2045 §6.8), which any content and any way allow. nil
	// removes the part. A part that its multipart or its message cannot be without becomes an empty text.
	Body io.Reader
}

// Replace writes a message with some of its parts replaced or removed. All other octets are as they were, also around and beside
// parts of messages within the message. r reads the message and m is its structure. What stands within a replaced part is gone with it.
//
// Part may be any but a multipart; a message/rfc822 part, which must not be in base64 (RFC 2046 §5.2.1), needs a Header
// of another type. An error is of kind Invalid for such a list, else r's, w's or a Body's.
func Replace(w io.Writer, r io.ReaderAt, m *Message, list []Replacement) error {
	const op = "mime.Replace"
	edits, err := planEdits(m, list)
	if err != nil {
		return err
	}
	out := &splicer{w: w, r: r}
	at := int64(0)
	for _, e := range edits {
		if e.start < at {
			continue // within a part that is gone
		}
		out.copy(at, e.start)
		out.edit(e)
		at = e.end
	}
	out.copy(at, m.Size)
	out.endLine()
	return mail.Wrap(op, out.err)
}

// ContentHeader writes the content fields of a part: its media type with parameters but the name, its disposition, and its file name.
func ContentHeader(typ, disposition, filename string) Header {
	t, d := AttachmentFields(typ, disposition, filename, NamesStandard)
	return Header("Content-Type: " + t + "\r\nContent-Disposition: " + d + "\r\n")
}

// edit is one stretch of a message that changes.
type edit struct {
	start, end int64 // of the old octets
	put        *Replacement
	message    bool // the part is a whole message, whose header says MIME-Version
	ends       bool // what stays before it ends here, so a line end has to follow
}

// planEdits gives the stretches that change, in their order.
func planEdits(m *Message, list []Replacement) ([]edit, error) {
	removed := make(map[*Part]bool)
	for i := range list {
		p := list[i].Part
		if p == nil || p.IsMultipart() || p.IsMessage() && list[i].Body != nil && list[i].Header == nil {
			return nil, mail.E("mime.Replace", mail.Invalid, "structure.malformed")
		}
		if list[i].Body == nil {
			removed[p] = true
		}
	}
	var edits []edit
	m.Root.Walk(func(p *Part) bool {
		edits = appendRemovals(edits, p, removed)
		return true
	})
	if removed[m.Root] {
		edits = append(edits, emptied(m.Root))
	}
	for i := range list {
		if list[i].Body != nil {
			edits = append(edits, put(&list[i]))
		}
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end)) })
	return edits, nil
}

// put is the stretch of a part that is replaced.
func put(r *Replacement) edit {
	p := r.Part
	return edit{start: p.HeaderStart, end: p.BodyEnd, put: r, message: p.Envelope != nil, ends: true}
}

// appendRemovals adds the stretches of those children of a part that are removed.
func appendRemovals(edits []edit, p *Part, removed map[*Part]bool) []edit {
	last := -1 // of those that stay
	for i, c := range p.Children {
		if !removed[c] {
			last = i
		}
	}
	if last < 0 && len(p.Children) > 0 {
		edits, last = append(edits, emptied(p.Children[0])), 0
	}
	for i, c := range p.Children {
		switch {
		case !removed[c] || i == 0 && last == 0:
		case i < last: // with the delimiter behind it
			edits = append(edits, edit{start: c.HeaderStart, end: p.Children[i+1].HeaderStart})
		default: // with the delimiter before it
			edits = append(edits, edit{start: p.Children[i-1].BodyEnd, end: c.BodyEnd, ends: true})
		}
	}
	return edits
}

// emptied makes an empty text of a part.
func emptied(p *Part) edit {
	return put(&Replacement{Part: p, Header: Header("Content-Type: text/plain\r\n"), Body: strings.NewReader("")})
}

// splicer writes a message out of stretches of another and new parts. After an error it does nothing.
type splicer struct {
	w     io.Writer
	r     io.ReaderAt
	owing bool // a line end, unless what follows begins with one
	err   error
}

// copy writes the octets [start, end) of the message.
func (s *splicer) copy(start, end int64) {
	if s.err != nil || start >= end {
		return
	}
	if s.owing {
		var first [1]byte
		if _, err := s.r.ReadAt(first[:], start); err != nil && err != io.EOF {
			s.err = err
			return
		}
		if first[0] == '\r' || first[0] == '\n' {
			s.owing = false
		}
		s.endLine()
	}
	n, err := io.Copy(s.w, io.NewSectionReader(s.r, start, end-start))
	if err == nil && n < end-start {
		err = io.ErrUnexpectedEOF
	}
	s.err = err
}

// endLine writes the line end that is owed.
func (s *splicer) endLine() {
	if s.owing && s.err == nil {
		_, s.err = io.WriteString(s.w, "\r\n")
	}
	s.owing = false
}

// edit writes what takes the place of a stretch.
func (s *splicer) edit(e edit) {
	if e.put != nil {
		s.endLine()
		s.part(e)
	}
	s.owing = s.owing || e.ends
}

// part writes a new part, without the line end behind it.
func (s *splicer) part(e edit) {
	if s.err != nil {
		return
	}
	p := e.put.Part
	before := min(p.HeaderStart, 3)
	block := make([]byte, before+p.BodyStart-p.HeaderStart)
	if n, err := s.r.ReadAt(block, p.HeaderStart-before); n < len(block) {
		s.err = cmp.Or(err, io.ErrUnexpectedEOF)
		return
	}
	header := newHeader(block[before:], e.put.Header, e.message)
	if _, s.err = io.WriteString(s.w, missingEnds(block[:before], e.message)); s.err != nil {
		return
	}
	if _, s.err = s.w.Write(header); s.err != nil {
		return
	}
	lines := &base64Lines{w: s.w}
	enc := base64.NewEncoder(base64.StdEncoding, lines)
	if _, s.err = io.Copy(enc, e.put.Body); s.err == nil {
		s.err = enc.Close()
	}
}

// missingEnds gives the line ends that lack before a header: behind a delimiter that was the message's last line, and, before the
// header of a message within the message, behind the header of its part. before are up to three octets that stand there.
func missingEnds(before []byte, message bool) (ends string) {
	if len(before) == 0 {
		return ""
	}
	if !bytes.HasSuffix(before, lineFeed) {
		ends = "\r\n"
	}
	if message && !bytes.HasSuffix(before, []byte("\n\n")) && !bytes.HasSuffix(before, []byte("\n\r\n")) {
		ends += "\r\n"
	}
	return ends
}

// newHeader writes the header block of a new part: the fields of the old one that stay, the new ones, and the encoding.
func newHeader(old []byte, fields Header, message bool) []byte {
	out := make([]byte, 0, len(old)+len(fields)+64)
	version := false
	for f := range Header(old).Fields() {
		junk := len(out) == 0 && f.Name == nil && headerBegin(old[f.Start:f.End]) != yes // would be a body if it came first
		if staysWith(f.Name, fields) && !junk {
			out = append(out, old[f.Start:f.End]...)
		}
		version = version || foldEqual(f.Name, "mime-version")
	}
	if n := len(out); n > 0 && out[n-1] != '\n' {
		out = append(out, "\r\n"...)
	}
	if message && !version {
		out = append(out, "MIME-Version: 1.0\r\n"...)
	}
	out = append(out, fields...)
	return append(out, "Content-Transfer-Encoding: base64\r\n\r\n"...)
}

// staysWith tells whether a field of a part stays when its content changes, with new content fields or none.
func staysWith(name []byte, fields Header) bool {
	const content = "content-"
	if fields != nil {
		return len(name) < len(content) || !foldEqual(name[:len(content)], content)
	}
	return !foldEqual(name, "content-transfer-encoding") && !foldEqual(name, "content-md5")
}

// base64Lines breaks base64 into lines, without an end behind the last.
type base64Lines struct {
	w    io.Writer
	used int // of the line
	buf  []byte
}

func (l *base64Lines) Write(b []byte) (int, error) {
	l.buf = l.buf[:0]
	for rest := b; len(rest) > 0; {
		if l.used == base64Line {
			l.buf, l.used = append(l.buf, "\r\n"...), 0
		}
		n := min(len(rest), base64Line-l.used)
		l.buf, rest = append(l.buf, rest[:n]...), rest[n:]
		l.used += n
	}
	_, err := l.w.Write(l.buf)
	return len(b), err
}

// Chunks reads a message that lies in memory in pieces, for Replace.
type Chunks [][]byte

// ReadAt implements io.ReaderAt. It takes time in the number of pieces.
func (c Chunks) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, mail.E("mime.Chunks", mail.Invalid, "structure.malformed")
	}
	for _, b := range c {
		if n == len(p) {
			return n, nil
		}
		if at >= int64(len(b)) {
			at -= int64(len(b))
			continue
		}
		n += copy(p[n:], b[at:])
		at = 0
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Size is the octets of all pieces.
func (c Chunks) Size() (n int64) {
	for _, b := range c {
		n += int64(len(b))
	}
	return n
}
