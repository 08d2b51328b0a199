package dmarc

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"tegami/mail"
)

// ReadReport reads an aggregate report: XML, gzip or zip, whatever its name and media type claim. Reports of RFC
// 7489 are read too. each is called with every row in order and may keep it; nil: the rows are gathered in Report.Rows.
// A row without a source or a count is passed over.
//
// Errors: Invalid "dmarc.report_malformed" for what is no report; Full "dmarc.report_large" past the limits. Rows seen before may
// have been given to each.
func ReadReport(r io.Reader, each func(*Row)) (*Report, error) {
	const op = "dmarc.ReadReport"
	octets, err := io.ReadAll(io.LimitReader(r, MaxReport+1))
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if len(octets) > MaxReport {
		return nil, mail.E(op, mail.Full, "dmarc.report_large")
	}
	plain, err := inflate(octets)
	if err == nil {
		limited := &bounded{from: plain, left: min(MaxInflated, max(1<<20, MaxRatio*int64(len(octets))))}
		reader := reader{decoder: xml.NewDecoder(limited), limit: limited, each: each}
		if err = reader.read(); err == nil {
			return &reader.report, nil
		}
	}
	if errors.Is(err, errTooLarge) {
		return nil, mail.Because(op, mail.Full, "dmarc.report_large", err)
	}
	return nil, mail.Because(op, mail.Invalid, "dmarc.report_malformed", err)
}

// errTooLarge is the cause where a limit was passed.
var errTooLarge = errors.New("more than the limit")

// errNoReport is the cause where there is XML, but no report.
var errNoReport = errors.New("no feedback element with a domain")

// bounded reads up to a number of octets, and up to maxElement from begin on; it fails past either.
type bounded struct {
	from    io.Reader
	left    int64
	element int64 // left of maxElement
}

// begin says that what was read so far is in memory no more.
func (b *bounded) begin() { b.element = maxElement }

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		n, err := b.from.Read(one[:])
		if n > 0 {
			err = errTooLarge
		}
		return 0, err
	}
	if b.element <= 0 {
		return 0, errTooLarge
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left, b.element)])
	b.left -= int64(n)
	b.element -= int64(n)
	return n, err
}

// inflate opens what a report is packed in, by its first octets.
func inflate(octets []byte) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(octets, []byte{0x1f, 0x8b}):
		return gzip.NewReader(bytes.NewReader(octets))
	case bytes.HasPrefix(octets, []byte("PK\x03\x04")):
		return unzip(octets)
	}
	return bytes.NewReader(octets), nil
}

// unzip opens the first XML of an archive, or its first file.
func unzip(octets []byte) (io.Reader, error) {
	z, err := zip.NewReader(bytes.NewReader(octets), int64(len(octets)))
	if err != nil {
		return nil, err
	}
	var pick *zip.File
	for _, f := range z.File[:min(len(z.File), MaxZipEntries)] {
		if strings.HasSuffix(strings.ToLower(f.Name), ".xml") {
			pick = f
			break
		}
		if pick == nil && !f.FileInfo().IsDir() {
			pick = f
		}
	}
	if pick == nil {
		return nil, errNoReport
	}
	return pick.Open()
}

// reader takes a report apart element by element, so that the rows need not be in memory together. The decoder of
// encoding/xml knows no entities but the five of XML, fetches nothing, and bounds its depth.
type reader struct {
	decoder *xml.Decoder
	limit   *bounded // what decoder reads
	each    func(*Row)
	report  Report
	rows    int
}

func (r *reader) read() error {
	r.decoder.CharsetReader = charset
	if r.each == nil {
		r.each = func(row *Row) { r.report.Rows = append(r.report.Rows, *row) }
	}
	root, err := r.next()
	if err != nil {
		return err
	}
	if root.Name.Local != "feedback" {
		return errNoReport
	}
	for {
		e, err := r.next()
		if errors.Is(err, errEnd) {
			break
		}
		if err == nil {
			err = r.element(e)
		}
		if err != nil {
			return err
		}
	}
	if r.report.Domain == "" {
		return errNoReport
	}
	return nil
}

// errEnd says that an element ended.
var errEnd = errors.New("end of the element")

// next gives the next element that begins.
func (r *reader) next() (*xml.StartElement, error) {
	for {
		r.limit.begin()
		t, err := r.decoder.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return &t, nil
		case xml.EndElement:
			return nil, errEnd
		}
	}
}

// element reads an element below the root. Unknown ones are passed over: they are extensions (RFC 9990 §5).
func (r *reader) element(e *xml.StartElement) error {
	r.limit.begin()
	switch e.Name.Local {
	case "report_metadata":
		var x xmlMetadata
		err := r.decoder.DecodeElement(&x, e)
		r.report.metadata(&x)
		return err
	case "policy_published":
		var x xmlPublished
		err := r.decoder.DecodeElement(&x, e)
		r.report.published(&x)
		return err
	case "record":
		if r.rows++; r.rows > MaxRows {
			return errTooLarge
		}
		var x xmlRecord
		if err := r.decoder.DecodeElement(&x, e); err != nil {
			return err
		}
		if row, ok := x.row(); ok {
			r.each(&row)
		}
		return nil
	}
	return r.decoder.Skip()
}

// charset reads the few encodings reports are seen in beside UTF-8.
func charset(label string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return input, nil
	case "iso-8859-1", "latin1", "windows-1252", "cp1252":
		return charmap.Windows1252.NewDecoder().Reader(input), nil
	}
	return nil, errors.New("the encoding is not known")
}
