package jmapd

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tegami/mailbox"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// importEmailsIn are the arguments of Email/import (RFC 8621 §4.8).
type importEmailsIn struct {
	jmap.OfAccount
	IfInState *string                     `json:"ifInState"`
	Emails    map[jmap.Id]json.RawMessage `json:"emails"`
}

// importEmailsOut is the answer to Email/import (RFC 8621 §4.8).
type importEmailsOut struct {
	AccountID  jmap.Id                    `json:"accountId"`
	OldState   string                     `json:"oldState"`
	NewState   string                     `json:"newState"`
	Created    map[jmap.Id]any            `json:"created"`
	NotCreated map[jmap.Id]*jmap.SetError `json:"notCreated"`
}

// importEmails is Email/import (RFC 8621 §4.8).
func importEmails(ctx context.Context, c *call, in *importEmailsIn) (*importEmailsOut, error) {
	p, err := c.post(ctx, c.at)
	if err != nil {
		return nil, err
	}
	state := func(ctx context.Context) (string, error) { return postState(ctx, p) }
	out, err := c.beginSet(ctx, &jmap.SetIn{OfAccount: in.OfAccount, IfInState: in.IfInState, Create: in.Emails}, state)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Emails)) {
		id, made, err := c.importEmail(ctx, p, in.Emails[name])
		if err != nil {
			notCreated(out, name, c.setError(err))
			continue
		}
		c.created(out, name, id, made)
	}
	if out.NewState, err = state(ctx); err != nil {
		return nil, err
	}
	return &importEmailsOut{in.AccountID, out.OldState, out.NewState, out.Created, out.NotCreated}, nil
}

// importEmail puts the message in a blob into a mailbox.
func (c *call) importEmail(ctx context.Context, p *mailbox.Post, record json.RawMessage) (jmap.Id, any, error) {
	var to emailPlace
	var from jmap.Id
	members, ok := jmap.Members(record)
	if !ok {
		return "", nil, &jmap.SetError{Type: jmap.InvalidProperties}
	}
	for _, m := range members {
		if mine, failed := c.place(&to, m.Name, m.Value); failed != nil {
			return "", nil, failed
		} else if !mine && (m.Name != "blobId" || json.Unmarshal(m.Value, &from) != nil) {
			return "", nil, jmap.BadProperties(m.Name)
		}
	}
	b, err := c.openBlob(ctx, c.at, from)
	if isKey(err, "blob.unknown") {
		return "", nil, jmap.BadProperties("blobId")
	}
	if err != nil {
		return "", nil, err
	}
	defer b.Close()
	return c.storeImport(ctx, p, b, &to)
}

// storeImport stages the message in a blob and adds it.
func (c *call) storeImport(ctx context.Context, p *mailbox.Post, b *blob, to *emailPlace) (jmap.Id, any, error) {
	octets, size, err := b.At()
	if err != nil {
		return "", nil, err
	}
	head := make([]byte, min(size, mime.DefaultHeaderBytes))
	if n, err := octets.ReadAt(head, 0); n < len(head) {
		return "", nil, err
	}
	if !isMessage(head) {
		return "", nil, &jmap.SetError{Type: "invalidEmail"} // RFC 8621 §4.8
	}
	if to.received.IsZero() {
		to.received.Time = receivedAt(head)
	}
	return c.stage(ctx, p, io.NewSectionReader(octets, 0, size), size, bareLines(head), to)
}

// stage copies octets into the account's staging, with CRLF for each LF where bare, and adds them.
func (c *call) stage(ctx context.Context, p *mailbox.Post, from io.Reader, size int64, bare bool, to *emailPlace) (jmap.Id, any, error) {
	a, err := c.box(ctx)
	if err != nil {
		return "", nil, err
	}
	u, err := a.Stage(ctx, size)
	if err != nil {
		return "", nil, err
	}
	defer u.Release()
	var w io.Writer = u
	if bare {
		w = &crlf{to: u}
	}
	if _, err := io.Copy(w, from); err != nil {
		return "", nil, err
	}
	return c.add(ctx, p, u, to)
}

// isMessage tells whether octets begin with a header: a field at least.
func isMessage(head []byte) bool {
	for f := range mime.Header(head).Fields() {
		if f.Name != nil {
			return true
		}
	}
	return false
}

// receivedAt is when a message was received last, by its topmost Received field (RFC 8621 §4.8); zero where it has none.
func receivedAt(head mime.Header) time.Time {
	trace := head.Get("received")
	i := strings.LastIndexByte(trace, ';')
	if i < 0 {
		return time.Time{}
	}
	at, _ := mime.DateForm([]byte(trace[i+1:])) // zero where it is none
	return at
}

// bareLines tells whether the first line ends in LF alone: a file of a system whose lines do.
func bareLines(head []byte) bool {
	i := bytes.IndexByte(head, '\n')
	return i >= 0 && (i == 0 || head[i-1] != '\r')
}

// crlf writes CRLF for each LF that has no CR before it.
type crlf struct {
	to   io.Writer
	last byte
	buf  []byte
}

// Write implements io.Writer.
func (w *crlf) Write(p []byte) (int, error) {
	w.buf = w.buf[:0]
	for _, c := range p {
		if c == '\n' && w.last != '\r' {
			w.buf = append(w.buf, '\r')
		}
		w.buf = append(w.buf, c)
		w.last = c
	}
	_, err := w.to.Write(w.buf)
	return len(p), err
}
