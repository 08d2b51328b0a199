package clean

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrImpossible tells that a file cannot be cleaned: it is of a kind that is not known here, damaged, encrypted, too large, or there is
// nothing in it that could be taken out.
var ErrImpossible = errors.New("the file cannot be cleaned")

// Limits of one file.
const (
	// MaxFile is the largest file, and MaxPart the largest of its parts that is read into memory, in octets, decoded.
	MaxFile = 64 << 20
	MaxPart = 64 << 20
	// MaxWork is how many octets are decoded of one file altogether.
	MaxWork = 256 << 20
	// MaxParts is how many parts, members or streams a file may have.
	MaxParts = 10_000
	// MaxDepth is how deep files are cleaned within files.
	MaxDepth = 4
	// MaxRemoved is how many things that were removed are told of.
	MaxRemoved = 1000
)

// What says what a removed thing is.
type What string

// Things that are removed.
const (
	VBA      What = "vba"      // a project of Visual Basic, and what belongs to it
	XLM      What = "xlm"      // a macro sheet of Excel 4, or a name by which one starts by itself
	ActiveX  What = "activex"  // a control
	Template What = "template" // what is fetched from elsewhere when the document is opened
	DDE      What = "dde"      // a link that starts a program
	Package  What = "package"  // an embedded file that runs
	Script   What = "script"   // Basic and other scripts of OpenDocument, and events and buttons that run something
	Member   What = "member"   // a member of an archive
)

// Item is one removed thing. Name is where it was: the name of a part, a storage or a sheet, or the path of a member.
type Item struct {
	What What
	Name string
}

// Removed are the things that were removed, at most MaxRemoved.
type Removed []Item

func (r *Removed) add(what What, name string) {
	if item := (Item{what, name}); len(*r) < MaxRemoved && !slices.Contains(*r, item) {
		*r = append(*r, item)
	}
}

// Has tells whether something of a kind was removed.
func (r Removed) Has(what What) bool {
	return slices.ContainsFunc(r, func(i Item) bool { return i.What == what })
}

// Document writes a document of Office or OpenDocument without what runs in it. Its kind is known by its content, and stays: a docm
// is a docm without macros, which its programs open like any other. Nothing is written unless the whole document was cleaned. The error
// is ErrImpossible, ctx's, r's or w's.
func Document(ctx context.Context, r io.ReaderAt, size int64, w io.Writer) (Removed, error) {
	b, err := readAll(r, size)
	if err != nil {
		return nil, err
	}
	c := &cleaner{ctx: ctx, work: MaxWork}
	out, err := c.document(b, 0)
	if err != nil {
		return nil, err
	}
	if len(c.removed) == 0 {
		return nil, impossible("nothing to take out")
	}
	if err := recheck(ctx, out); err != nil {
		return nil, err
	}
	_, err = w.Write(out)
	return c.removed, err
}

// recheck cleans what was cleaned: nothing must be left.
func recheck(ctx context.Context, b []byte) error {
	again := &cleaner{ctx: ctx, work: MaxWork}
	if _, err := again.document(b, 0); err != nil {
		return err
	}
	if len(again.removed) > 0 {
		return impossible("something is left: " + again.removed[0].Name)
	}
	return nil
}

// readAll reads a whole file into memory.
func readAll(r io.ReaderAt, size int64) ([]byte, error) {
	if size > MaxFile {
		return nil, impossible("too large")
	}
	b := make([]byte, max(size, 0))
	if n, err := r.ReadAt(b, 0); n < len(b) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// impossible is ErrImpossible with its reason, for the log.
func impossible(why string) error { return fmt.Errorf("%w: %s", ErrImpossible, why) }

// cleaner cleans one file with all that is in it.
type cleaner struct {
	ctx     context.Context
	work    int64 // octets that may still be decoded
	removed Removed
}

// spend takes n octets off what may be decoded, and looks whether there is still time.
func (c *cleaner) spend(n int64) error {
	if c.work -= n; c.work < 0 {
		return impossible("too much work")
	}
	return c.ctx.Err()
}

// The first octets of formats.
const (
	oleMagic  = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
	zipMagic  = "PK\x03\x04"
	gzipMagic = "\x1f\x8b"
)

// document gives a document without what runs in it: b itself where there is nothing.
func (c *cleaner) document(b []byte, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return nil, impossible("too deep")
	}
	if err := c.spend(int64(len(b))); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(b, []byte(oleMagic)):
		return c.ole(b, depth)
	case bytes.HasPrefix(b, []byte(zipMagic)):
		return c.packed(b, depth)
	case isFlatODF(b):
		return c.flatODF(b)
	}
	return nil, impossible("no document that is known")
}

// within cleans what a document has embedded, where that is a document; anything else stays as it is.
func (c *cleaner) within(b []byte, depth int) ([]byte, error) {
	if !isDocument(b) {
		return b, nil
	}
	return c.document(b, depth+1)
}

func isDocument(b []byte) bool {
	return bytes.HasPrefix(b, []byte(oleMagic)) || bytes.HasPrefix(b, []byte(zipMagic)) && isPackage(b) || isFlatODF(b)
}
