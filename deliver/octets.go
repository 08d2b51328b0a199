package deliver

import (
	"context"
	"io"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

const (
	// maxHeader is how many octets of a header block are read; a longer one ends there.
	maxHeader = mime.DefaultHeaderBytes
	// headerStep is how many octets are read at once, looking for the end of a header.
	headerStep = 16 << 10
)

// message are the octets of an item that a carrier looks into.
type message struct {
	blob   store.Blob
	header mime.Header // up to and including the blank line, without the Return-Path that the intake put first
	body   int64       // where the body begins
}

// openMessage opens the octets of a job. Close it.
func openMessage(ctx context.Context, job *queue.Job) (*message, error) {
	blob, err := job.Open(ctx)
	if err != nil {
		return nil, err
	}
	m := &message{blob: blob}
	if m.header, err = readHeader(blob); err != nil {
		blob.Close()
		return nil, mail.Because("deliver.openMessage", mail.Unavailable, "", err)
	}
	m.body = int64(len(m.header))
	m.header = m.header[returnPath(m.header):]
	return m, nil
}

func (m *message) Close() { m.blob.Close() }

// bodyReader reads the body from its beginning.
func (m *message) bodyReader() io.Reader {
	return io.NewSectionReader(m.blob, m.body, m.blob.Size()-m.body)
}

// readHeader reads the header block with the blank line that ends it.
func readHeader(blob store.Blob) ([]byte, error) {
	size := int(min(blob.Size(), maxHeader))
	var b []byte
	for len(b) < size {
		from := len(b)
		b = append(b, make([]byte, min(headerStep, size-from))...)
		if n, err := blob.ReadAt(b[from:], int64(from)); err != nil && (err != io.EOF || n < len(b)-from) {
			return nil, err
		}
		if end := mime.HeaderEnd(b); end > 0 {
			return b[:end], nil
		}
	}
	return b, nil
}

// returnPath is the length of a Return-Path field at the very top, which was put there for those here.
func returnPath(header mime.Header) int {
	for f := range header.Fields() {
		if strings.EqualFold(string(f.Name), "Return-Path") {
			return f.End
		}
		break
	}
	return 0
}

// copyInto stages the message for a tenant under a header of its own: first, then header, then the body as
// it is. It is sealed; index is its structure. Release it.
func (m *message) copyInto(ctx context.Context, into store.Blobs, first, header []byte) (staged store.Staged, index []byte, err error) {
	body := m.blob.Size() - m.body
	return stageCopy(ctx, into, int64(len(first)+len(header))+body, func(w io.Writer) error {
		for _, b := range [][]byte{first, header} {
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
		_, err := m.blob.WriteRange(w, m.body, body)
		return err
	})
}

// stageCopy stages what write writes, about size octets, for a tenant. It is sealed; index is its structure. Release it.
func stageCopy(ctx context.Context, into store.Blobs, size int64, write func(io.Writer) error) (staged store.Staged, index []byte, err error) {
	if staged, err = into.Stage(ctx, size); err != nil {
		return nil, nil, err
	}
	if err = write(staged); err == nil {
		index = mime.ParseChunks(staged.Chunks(), mime.Limits{}).Encode(nil)
		err = staged.Seal(ctx)
	}
	if err != nil {
		staged.Release()
		return nil, nil, err
	}
	return staged, index, nil
}

// copyEdited writes a message as a script edited it. Return-Path goes first again: a script adds its fields before all
// others, and what goes on must not have that one.
func copyEdited(to io.Writer, from io.Reader) error {
	begin, err := io.ReadAll(io.LimitReader(from, maxHeader))
	if err != nil {
		return err
	}
	header := mime.Header(begin[:mime.HeaderEnd(begin)])
	for f := range header.Fields() {
		if strings.EqualFold(string(f.Name), "Return-Path") {
			begin = slices.Concat(begin[f.Start:f.End], begin[:f.Start], begin[f.End:])
			break
		}
	}
	if _, err := to.Write(begin); err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return err
}

// field appends a header field of ASCII text.
func field(b []byte, name string, value ...string) []byte {
	b = append(append(b, name...), ": "...)
	for _, v := range value {
		b = append(b, v...)
	}
	return append(b, "\r\n"...)
}

// maxStations is how many lists and forwarding accounts a message may pass: where they all name each other, the paths between
// them are many more than they are.
const maxStations = 10

// looping tells whether a message has been at an address before, at too many stations like it, or at too many hosts
// (RFC 5321 §6.3).
func (m *message) looping(at func(mail.Address) bool) bool {
	received, stations := 0, 0
	for f := range m.header.Fields() {
		switch name := string(f.Name); {
		case strings.EqualFold(name, "Received"):
			if received++; received > mail.MaxReceived {
				return true
			}
		case strings.EqualFold(name, "Delivered-To"), strings.EqualFold(name, "X-Loop"):
			if stations++; stations > maxStations {
				return true
			}
			if a, err := mail.ParseAddress(mime.Unfold(f.Value)); err == nil && at(a) {
				return true
			}
		}
	}
	return false
}

// automatic tells whether a program wrote the message by itself (RFC 3834 §5).
func (m *message) automatic() bool {
	value, ok := m.header.Lookup("Auto-Submitted")
	word, _, _ := strings.Cut(value, ";")
	return ok && !strings.EqualFold(strings.TrimSpace(word), "no")
}
