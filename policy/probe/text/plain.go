package text

import (
	"bytes"
	"io"

	"tegami/wire/mime"
)

// readUpTo reads all of r, at most max octets.
func readUpTo(r io.Reader, max int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, max))
}

// decoded gives text in UTF-8. label is what it is said to be in; the text itself is asked first, for the charsets of Japan and
// for byte order marks (wire/mime).
func decoded(label string, r io.Reader) io.Reader {
	p := &mime.Part{Type: "text", Subtype: "plain"}
	if label != "" {
		p.Params = []mime.Param{{Name: "charset", Value: label}}
	}
	return mime.TextReader(p, r)
}

// plain reads text without a format: UTF-8, UTF-16, ISO-2022-JP, EUC-JP, Shift_JIS.
func (d *document) plain() error {
	return d.copyText(decoded(utf16Label(d.head), d.stream()))
}

// copyText copies UTF-8 into the sink; CR LF becomes LF.
func (d *document) copyText(r io.Reader) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		piece := buf[:n]
		if bytes.IndexByte(piece, '\r') >= 0 {
			piece = bytes.ReplaceAll(piece, []byte("\r"), nil)
		}
		d.out.add(piece)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case d.out.cut:
			return errFull
		}
	}
}

// utf16Label tells UTF-16 without a byte order mark: it is text when it is read so, and some of that is ASCII.
func utf16Label(head []byte) string {
	if bytes.IndexByte(head, 0) < 0 {
		return ""
	}
	le, be := plainUTF16(head, 0), plainUTF16(head, 1)
	switch {
	case le > 0 && le > be:
		return "utf-16le"
	case be > 0 && be > le:
		return "utf-16be"
	}
	return ""
}

// plainUTF16 counts the ASCII characters of text in UTF-16, whose lower octets are at offsets of a parity. It is 0 for what is no text.
func plainUTF16(head []byte, low int) (plain int) {
	bad, all := 0, 0
	for i := 0; i+1 < len(head); i += 2 {
		r := rune(head[i+low]) | rune(head[i+1-low])<<8
		all++
		switch {
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', 0xd800 <= r && r < 0xf900, 0x0600 <= r && r < 0x1e00, r > 0xfff0:
			bad++ // controls, surrogates, private use, and scripts that mail here seldom has
		case r < 0x7f:
			plain++
		}
	}
	if bad*20 > all {
		return 0
	}
	return plain
}

// looksBinary tells that octets are no text in any charset.
func looksBinary(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return false
	}
	zeros, controls := 0, 0
	for _, c := range head {
		switch {
		case c == 0:
			zeros++
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b && c != 0x0e && c != 0x0f && c != 0x1a:
			controls++
		}
	}
	if zeros > 0 {
		return utf16Label(head) == ""
	}
	return controls > len(head)/20
}
