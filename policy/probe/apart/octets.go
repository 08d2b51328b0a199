package apart

import "io"

// chunkSize is the size of a piece of unpacked octets, in octets.
const chunkSize = 256 << 10

// chunks are octets in memory in pieces of chunkSize, so that growing moves nothing.
type chunks struct {
	list [][]byte
	size int64
}

// room gives space for more octets behind the last one, at least one octet.
func (c *chunks) room() []byte {
	if n := len(c.list); n > 0 && len(c.list[n-1]) < cap(c.list[n-1]) {
		last := c.list[n-1]
		return last[len(last):cap(last)]
	}
	if len(c.list) == 1 && cap(c.list[0]) < chunkSize { // the first one grows: most members are short
		first := make([]byte, len(c.list[0]), min(4*cap(c.list[0]), chunkSize))
		copy(first, c.list[0])
		c.list[0] = first
		return first[len(first):cap(first)]
	}
	size := chunkSize
	if len(c.list) == 0 {
		size = 4 << 10
	}
	c.list = append(c.list, make([]byte, 0, size))
	return c.list[len(c.list)-1][:size]
}

// took tells that n octets of room were filled.
func (c *chunks) took(n int) {
	last := &c.list[len(c.list)-1]
	*last = (*last)[:len(*last)+n]
	c.size += int64(n)
}

// ReadAt reads as io.ReaderAt.
func (c *chunks) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, io.EOF
	}
	for n < len(p) {
		if at >= c.size {
			return n, io.EOF
		}
		piece := c.list[at/chunkSize]
		k := copy(p[n:], piece[at%chunkSize:])
		n, at = n+k, at+int64(k)
	}
	return n, nil
}

// readAll reads a member whole, at most limit octets of it.
func readAll(r io.ReaderAt, size, limit int64) ([]byte, error) {
	b := make([]byte, max(0, min(size, limit)))
	n, err := r.ReadAt(b, 0)
	if err == io.EOF {
		err = nil
	}
	return b[:n], err
}
