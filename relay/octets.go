package relay

import (
	"bytes"
	"context"
	"io"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
)

const (
	// firstRead is how much of a message is read at once at first: all of most.
	firstRead = 16 << 10
	// maxHeader is how long a header can be that is signed or looked at, in octets.
	maxHeader = 256 << 10
)

// octets are a message as it leaves: what the item puts in front, the signature, and the blob. It is
// read from the beginning after each call of rewind.
type octets struct {
	blob   store.Blob
	front  []byte // Item.Prefix and the signature
	first  []byte // the first octets of the blob, with all of its header, without our Return-Path
	header int    // how much of first is header, with the blank line; 0: no header ends within maxHeader
	rest   int64  // where in the blob first ends

	segment int // what is read next: front, first, blob
	done    int64
	failed  error // the blob can't be read
}

// open reads what is needed to send a message: the beginning of its octets, and its signature. buf is used for the
// beginning when it is large enough.
func (r *Relay) open(ctx context.Context, p *parcel, buf []byte) (*octets, error) {
	blob, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	o := &octets{blob: blob, front: p.item.Prefix}
	if err := o.begin(buf); err != nil {
		blob.Close()
		return nil, err
	}
	if err := r.sign(ctx, p, o); err != nil {
		blob.Close()
		return nil, err
	}
	return o, nil
}

// begin reads the beginning of the blob, as far as its header goes.
func (o *octets) begin(buf []byte) error {
	size := o.blob.Size()
	for n := min(size, firstRead); ; n = min(size, 8*n, maxHeader) {
		if int64(cap(buf)) < n {
			buf = make([]byte, n)
		}
		o.first = buf[:n]
		if _, err := o.blob.ReadAt(o.first, 0); err != nil && err != io.EOF {
			return err
		}
		o.rest = n
		if o.header = mime.HeaderEnd(o.first); o.header > 0 || n == size || n == maxHeader {
			break
		}
	}
	if n := returnPath(o.first); n > 0 && n <= o.header {
		o.first, o.header = o.first[n:], o.header-n
	}
	return nil
}

// returnPath is the length of a Return-Path field at the very top. The intake stamps it on what is delivered here, and
// what is delivered here may be forwarded: it must not leave (RFC 5321 §4.4).
func returnPath(b []byte) int {
	const name = "Return-Path:"
	if len(b) < len(name) || !bytes.EqualFold(b[:len(name)], []byte(name)) {
		return 0
	}
	for i := 0; ; {
		n := bytes.Index(b[i:], []byte("\r\n"))
		if n < 0 {
			return 0
		}
		if i += n + 2; i == len(b) || b[i] != ' ' && b[i] != '\t' {
			return i
		}
	}
}

// sign puts the signature in front. A failure that may pass is an error: unsigned, the message would be refused where DMARC
// is enforced. One that will not pass lets it go unsigned, which is better than never.
func (r *Relay) sign(ctx context.Context, p *parcel, o *octets) error {
	if p.item.Sign == "" || r.cfg.Domains == nil {
		return nil
	}
	if o.header == 0 {
		r.log.Warn("not signed: the header has no end", "item", p.item.ID.String(), "domain", p.item.Sign)
		return nil
	}
	body := io.MultiReader(bytes.NewReader(o.first[o.header:]), io.NewSectionReader(o.blob, o.rest, o.blob.Size()-o.rest))
	blob, header := p.item.Blob, o.first[:o.header]
	if oneClick(p.item.Prefix) {
		// The signature must cover the member's own link (RFC 8058 §4), so each copy has its own.
		blob, header = mail.BlobRef{}, append(bytes.Clone(p.item.Prefix), header...)
	}
	fields, err := r.cfg.Domains.Sign(ctx, p.tenant, p.item.Sign, blob, header, body)
	switch mail.KindOf(err) {
	case mail.Unavailable, mail.Busy, mail.Full:
		return err
	}
	if err != nil {
		r.log.Warn("not signed", "item", p.item.ID.String(), "domain", p.item.Sign, "error", err)
		return nil
	}
	front := make([]byte, 0, len(p.item.Prefix)+len(fields))
	o.front = append(append(front, p.item.Prefix...), fields...)
	return nil
}

// oneClick tells whether what goes in front of a message lets its reader leave a list with one click.
func oneClick(prefix []byte) bool {
	const field = "List-Unsubscribe-Post:"
	return bytes.HasPrefix(prefix, []byte(field)) || bytes.Contains(prefix, []byte("\n"+field))
}

// size is how many octets there are in all.
func (o *octets) size() int64 {
	return int64(len(o.front)+len(o.first)) + o.blob.Size() - o.rest
}

// eightBitHeader tells whether the header needs SMTPUTF8 (RFC 6532).
func (o *octets) eightBitHeader() bool {
	header := o.first[:o.header]
	if o.header == 0 {
		header = o.first
	}
	return bytes.ContainsFunc(header, func(r rune) bool { return r >= 0x80 })
}

// rewind begins from the start again.
func (o *octets) rewind() { o.segment, o.done = 0, 0 }

// Read implements io.Reader.
func (o *octets) Read(p []byte) (n int, err error) {
	for o.segment < 2 {
		from := o.front
		if o.segment == 1 {
			from = o.first
		}
		n = copy(p, from[o.done:])
		if o.done += int64(n); o.done == int64(len(from)) {
			o.segment, o.done = o.segment+1, 0
		}
		if n > 0 {
			return n, nil
		}
	}
	left := o.blob.Size() - o.rest - o.done
	if left <= 0 {
		return 0, io.EOF
	}
	n, err = o.blob.ReadAt(p[:min(int64(len(p)), left)], o.rest+o.done)
	o.done += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	if n == 0 && err == io.EOF {
		err = io.ErrUnexpectedEOF // the blob is shorter than it says
	}
	o.failed = err
	return n, err
}

func (o *octets) close() { o.blob.Close() }

// parcel is a job as the sending sees it.
type parcel struct {
	tenant mail.TenantID
	item   *queue.Item
	open   func(context.Context) (store.Blob, error)
}
