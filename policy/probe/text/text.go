package text

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"tegami/mail"
)

// Limits bound what one extraction takes and gives, and say what it may use.
type Limits struct {
	Text     int   // octets of text that are kept
	URLs     int   // hyperlinks that are kept, each once
	Inflated int64 // octets a packed document may grow to while it is read, all its parts together
	Parts    int   // parts of a packed document that are read
	Whole    int64 // octets of a document that can't be read in pieces: PDF, and streams of OLE documents
	Pages    int   // pages of a PDF

	PDF *PDF // what reads PDF; nil: PDF is an unsupported format here
}

// Default are the limits of the shipped service profile. They suit mail: the largest message is a few times smaller than what
// they allow a document to unfold to.
func Default() Limits {
	return Limits{Text: 1 << 20, URLs: 500, Inflated: 64 << 20, Parts: 5000, Whole: 64 << 20, Pages: 300}
}

// maxURL is the longest hyperlink that is kept, in octets. Browsers take about as much.
const maxURL = 2048

// maxTitle is how much of a title is kept, in octets.
const maxTitle = 1000

// Text is what stands in a document.
type Text struct {
	Body  string   // UTF-8, in the order of reading as far as the format tells it
	Cut   bool     // a limit was reached: there is more
	Title string   // what the document says its title is; "" for none
	URLs  []string // where its hyperlinks lead, and addresses of the web that stand in the text; each once
}

// Reasons why there is no text, or not all of it. Extract's errors wrap one of them, or the error of the context or of reading.
var (
	ErrEncrypted   = errors.New("the document can't be read without a password")
	ErrUnsupported = errors.New("no reader for this format")
	ErrDamaged     = errors.New("the document is damaged")
)

// Problem is the reason of an error of Extract in one word, the words package apart uses: "encrypted", "unsupported",
// "damaged", "time"; "" without an error.
func Problem(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrEncrypted):
		return "encrypted"
	case errors.Is(err, ErrUnsupported):
		return "unsupported"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "time"
	case mail.KindOf(err) == mail.Unavailable:
		return "unsupported"
	}
	return "damaged"
}

// opExtract is the operation in Extract's errors.
const opExtract mail.Op = "text.extract"

// Extract reads the text of a document of size octets. kind is what the document is by its content ("docx", "ole", "html"; "" for
// unknown) and name its file's name: both are hints, since the first octets decide where they can. Text that was read before an
// error is given beside it.
//
// Errors are Invalid "text.encrypted", "text.unsupported" or "text.damaged", Unavailable "text.time" when ctx ended and "text.pdf_start", and
// Other for a reader's bug; see Problem.
func Extract(ctx context.Context, lim Limits, kind, name string, r io.ReaderAt, size int64) (found Text, err error) {
	d := newDocument(ctx, lim, kind, name, r, size)
	defer func() {
		if p := recover(); p != nil { // a bug that one document shows shall not keep the others from being read
			found, err = d.out.finish(), mail.Because(opExtract, mail.Other, "text.damaged", fmt.Errorf("%w: panic: %v", ErrDamaged, p))
		}
	}()
	err = d.read()
	return d.out.finish(), d.explain(err)
}

// explain makes an error of the house of what a reader met.
func (d *document) explain(err error) error {
	if ended := d.ctx.Err(); ended != nil {
		return mail.Because(opExtract, mail.Unavailable, "text.time", ended)
	}
	var house *mail.Error
	switch {
	case err == nil || errors.Is(err, errFull):
		return nil
	case errors.As(err, &house): // the reader of PDF could not be started
		return mail.Wrap(opExtract, err)
	case errors.Is(err, ErrEncrypted):
		return mail.Because(opExtract, mail.Invalid, "text.encrypted", err)
	case errors.Is(err, ErrUnsupported):
		return mail.Because(opExtract, mail.Invalid, "text.unsupported", err)
	}
	if !errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return mail.Because(opExtract, mail.Invalid, "text.damaged", err)
}

// A document is one document while it is read.
type document struct {
	ctx  context.Context
	lim  Limits
	kind string // lower case
	ext  string // of the name, lower case, with its dot
	r    io.ReaderAt
	size int64
	head []byte // its first octets
	out  *sink

	depth    int   // documents within documents
	inflated int64 // octets that were inflated up to now
	parts    int   // parts that were opened up to now
}

// headSize is how much of a document is looked at to tell its format, in octets.
const headSize = 4 << 10

func newDocument(ctx context.Context, lim Limits, kind, name string, r io.ReaderAt, size int64) *document {
	return &document{
		ctx: ctx, lim: lim, kind: strings.ToLower(kind), ext: strings.ToLower(path.Ext(name)),
		r: heeding{ctx, r}, size: size, out: newSink(lim),
	}
}

// heeding is a ReaderAt that ends with its context.
type heeding struct {
	ctx context.Context
	r   io.ReaderAt
}

func (h heeding) ReadAt(p []byte, at int64) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	return h.r.ReadAt(p, at)
}

// read finds the reader of the document's format and lets it read.
func (d *document) read() error {
	d.head = make([]byte, min(headSize, max(d.size, 0)))
	n, err := d.r.ReadAt(d.head, 0)
	d.head = d.head[:n]
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case starts(d.head, "PK\x03\x04"), starts(d.head, "PK\x05\x06"):
		return d.packed()
	case starts(d.head, oleMagic):
		return d.ole()
	case starts(d.head, "{\\rtf"):
		return d.rtf()
	case isBIFF(d.head):
		return d.bareWorkbook()
	case starts(d.head, "\xdb\xa5"), starts(d.head, "\x31\xbe\x00\x00"):
		return d.bareWord()
	case starts(d.head, "\xffWPC"):
		return fmt.Errorf("%w: WordPerfect", ErrUnsupported)
	}
	if i := bytes.Index(d.head[:min(len(d.head), maxPDFPreamble)], []byte("%PDF-")); i >= 0 && d.kind != "eml" {
		return d.pdf()
	}
	return d.readNamed()
}

func starts(head []byte, magic string) bool {
	return len(head) >= len(magic) && string(head[:len(magic)]) == magic
}

// maxPDFPreamble is how far into a file a PDF may begin, as its readers agree.
const maxPDFPreamble = 1024

// readNamed reads what has no magic octets, by what it is said to be.
func (d *document) readNamed() error {
	switch d.kind {
	case "html", "xhtml", "mht":
		return d.html()
	case "eml", "message", "mbox":
		return d.message()
	}
	switch d.ext {
	case ".eml", ".mht", ".mhtml", ".mbox":
		return d.message()
	}
	switch head := bytes.TrimLeft(bytes.TrimPrefix(d.head, []byte("\xef\xbb\xbf")), " \t\r\n"); {
	case looksHTML(head):
		return d.html()
	case hasFold(string(head), "MIME-Version:"): // a web archive of Word, whatever its name
		return d.message()
	case looksXML(head):
		return d.xml()
	case looksBinary(d.head):
		return ErrUnsupported
	}
	return d.plain()
}

// stream reads the document from its beginning.
func (d *document) stream() io.Reader { return io.NewSectionReader(d.r, 0, d.size) }

// whole reads the document into memory.
func (d *document) whole() ([]byte, error) {
	if d.size > d.lim.Whole {
		return nil, d.out.cutShort()
	}
	b := make([]byte, d.size)
	n, err := d.r.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return b[:n], nil
}
