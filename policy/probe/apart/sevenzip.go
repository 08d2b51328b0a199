package apart

import (
	"bytes"
	"errors"
	"io"

	"github.com/bodgit/sevenzip"
)

// maxSevenZipHeader is the longest header of a 7z that is read, in octets.
const maxSevenZipHeader = 8 << 20

// Methods as a 7z's header has them: octets of flags and length, the method's number, the length of its properties.
var (
	sevenZipAES   = []byte{0x06, 0xf1, 0x07, 0x01}
	sevenZipLZMA  = []byte{0x23, 0x03, 0x01, 0x01, 0x05}
	sevenZipLZMA2 = []byte{0x21, 0x21, 0x01}
)

// openSevenZip visits the members of a 7z. Its header is read before the archive is opened, so that neither a key that takes long to
// compute nor a dictionary of gigabytes comes to be.
func openSevenZip(c *container) error {
	header, err := c.sevenZipHeader()
	if err != nil {
		return err
	}
	if tooLargeDictionary(header) {
		return trouble(TooLarge)
	}
	encrypted := bytes.Contains(header, sevenZipAES)
	r, err := sevenzip.NewReader(io.NewSectionReader(c.m.data, 0, c.m.length), c.m.length)
	if err != nil {
		return trouble(Damaged)
	}
	for _, f := range r.File {
		var err error
		switch e := (entry{name: f.Name, size: int64(f.UncompressedSize)}); {
		case f.FileInfo().IsDir():
			err = c.count()
		case encrypted && f.UncompressedSize > 0:
			e.problem = Encrypted
			err = c.add(e)
		default:
			err = c.sevenZipMember(f, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sevenZipMember visits one member.
func (c *container) sevenZipMember(f *sevenzip.File, e entry) error {
	var opened io.Closer
	defer func() {
		if opened != nil {
			_ = opened.Close() // it was read to where it was wanted
		}
	}()
	e.open = func() (io.Reader, error) {
		r, err := f.Open()
		if err != nil {
			return nil, sevenZipProblem(err)
		}
		opened = r
		return r, nil
	}
	return c.add(e)
}

// sevenZipProblem tells methods that are not known from damage.
func sevenZipProblem(err error) error {
	var read *sevenzip.ReadError
	switch {
	case errors.As(err, &read) && read.Encrypted:
		return trouble(Encrypted)
	case bytes.Contains([]byte(err.Error()), []byte("unsupported")):
		return trouble(Unsupported)
	}
	return trouble(Damaged)
}

// sevenZipHeader reads an archive's header (7zFormat.txt, "SignatureHeader" and "Header"). A header that is packed is unpacked where
// it is packed with LZMA, as 7-Zip does it; one under a password is a trouble.
func (c *container) sevenZipHeader() ([]byte, error) {
	start, err := c.bytes(0, 32)
	if err != nil {
		return nil, trouble(Damaged)
	}
	at, size := int64(little.Uint64(start[12:])), int64(little.Uint64(start[20:]))
	if size > maxSevenZipHeader {
		return nil, trouble(TooLarge)
	}
	if at < 0 || at > c.m.length-32 {
		return nil, trouble(Damaged)
	}
	header, err := c.bytes(32+at, size)
	switch {
	case err != nil:
		return nil, trouble(Damaged)
	case len(header) == 0 || header[0] != 0x17:
		return header, nil
	case bytes.Contains(header, sevenZipAES):
		return nil, trouble(Encrypted)
	case tooLargeDictionary(header):
		return nil, trouble(TooLarge)
	}
	return c.packedHeader(header)
}

// packedHeader unpacks a header.
func (c *container) packedHeader(header []byte) ([]byte, error) {
	p := &sevenZipParser{b: header[1:]}
	p.want(6)
	at, _ := p.number(), p.number()
	p.want(9)
	packed := p.number()
	if p.skipDigests(); p.failed {
		return nil, trouble(Damaged)
	}
	i := bytes.Index(p.b, sevenZipLZMA)
	if i < 0 || i+10 > len(p.b) {
		return nil, trouble(Unsupported)
	}
	properties := p.b[i+5 : i+10]
	p.b = p.b[i+10:]
	p.want(0x0c)
	size := p.number()
	if p.failed || at < 0 || packed < 0 || at > c.m.length-32 {
		return nil, trouble(Damaged)
	}
	if size < 0 || size > maxSevenZipHeader {
		return nil, trouble(TooLarge)
	}
	data, ok := c.section(32+at, packed)
	if !ok {
		return nil, trouble(Damaged)
	}
	r, err := newLZMA(properties, size, data)
	if err != nil {
		return nil, trouble(Damaged)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSevenZipHeader))
	if err != nil || len(plain) > 0 && plain[0] == 0x17 { // packed twice: nobody writes that
		return nil, trouble(Damaged)
	}
	return plain, nil
}

// tooLargeDictionary finds properties of LZMA and LZMA2 that ask for more memory than there is.
func tooLargeDictionary(header []byte) bool {
	for b := header; ; {
		i := bytes.Index(b, sevenZipLZMA)
		if i < 0 || i+10 > len(b) {
			break
		}
		if little.Uint32(b[i+6:]) > maxDictionary {
			return true
		}
		b = b[i+10:]
	}
	for b := header; ; {
		i := bytes.Index(b, sevenZipLZMA2)
		if i < 0 || i+4 > len(b) {
			return false
		}
		if bits := b[i+3]; bits <= 40 && int64(2|bits&1)<<(bits/2+11) > maxDictionary {
			return true
		}
		b = b[i+4:]
	}
}

// A sevenZipParser reads numbers as 7z has them.
type sevenZipParser struct {
	b      []byte
	failed bool
}

func (p *sevenZipParser) octet() byte {
	if len(p.b) == 0 {
		p.failed = true
		return 0
	}
	v := p.b[0]
	p.b = p.b[1:]
	return v
}

// want takes one octet, which has to be this one.
func (p *sevenZipParser) want(id byte) {
	if p.octet() != id {
		p.failed = true
	}
}

// number reads a number of up to eight octets: the bits set in the first one tell how many follow.
func (p *sevenZipParser) number() int64 {
	first, mask, value := p.octet(), byte(0x80), uint64(0)
	for i := range 8 {
		if first&mask == 0 {
			return int64(value | uint64(first&(mask-1))<<(8*i))
		}
		value |= uint64(p.octet()) << (8 * i)
		mask >>= 1
	}
	return int64(value)
}

// skipDigests passes over checksums up to the end of the packed streams' description.
func (p *sevenZipParser) skipDigests() {
	if p.octet() == 0x0a {
		p.octet()
		for range 4 {
			p.octet()
		}
		p.want(0)
	}
}
