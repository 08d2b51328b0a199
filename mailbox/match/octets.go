package match

import (
	"io"

	"tegami/mail"
)

// octets are a message's octets as far as a search reads them. Its buffer is used again.
type octets struct {
	body  Body
	buf   []byte
	whole bool // buf holds the message
}

// maxWhole is the size up to which a message is read at once, in octets.
const maxWhole = 128 << 10

func (o *octets) open(body Body) { o.body, o.whole = body, false }

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
		return nil, mail.E("match.read", mail.Unavailable, "")
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
		return buf[:got], mail.Because("match.readRange", mail.Unavailable, "", err)
	}
	return buf, nil
}
