package text

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klippa-app/go-pdfium"
	pdferr "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"tegami/mail"
)

// PDFConfig says how PDF is read.
type PDFConfig struct {
	// Cache is the folder in which compiled code is kept, so that only the first start of a release takes seconds; "" for none.
	// About 20 MB. Whoever can write there can run code here.
	Cache string
	// Memory is the most one document may take, in octets; 0 for DefaultPDFMemory. It does not count what Go itself needs.
	Memory int64
	// Workers is how many documents are read at once; 0 for one.
	Workers int
}

// DefaultPDFMemory is the most one PDF may take while it is read, in octets.
const DefaultPDFMemory = 256 << 20

// wasmPage is the size of a page of WebAssembly's memory, in octets.
const wasmPage = 64 << 10

// A PDF reads PDF documents with PDFium, the reader of Chromium, as WebAssembly: whatever goes wrong there stays within its
// memory, it sees no file and no network. It costs nothing until the first document, or Start.
type PDF struct {
	config PDFConfig
	start  sync.Once
	pool   pdfium.Pool
	err    error // of starting
	closed func() error
}

// NewPDF makes a reader of PDF that is not started yet.
func NewPDF(c PDFConfig) *PDF {
	if c.Memory <= 0 {
		c.Memory = DefaultPDFMemory
	}
	c.Workers = max(c.Workers, 1)
	return &PDF{config: c}
}

// opPDF is the operation in errors of the reader itself.
const opPDF mail.Op = "text.pdf"

// Start compiles PDFium, or loads it from the cache: 10 s of one processor, or 0.3 s. Extract does it with the first PDF; a process that gives
// up the right to open files must do it before. Unavailable "text.pdf_start".
func (x *PDF) Start() error {
	x.start.Do(func() { x.err = x.compile() })
	if x.err != nil {
		return mail.Because(opPDF, mail.Unavailable, "text.pdf_start", x.err)
	}
	return nil
}

func (x *PDF) compile() error {
	rc := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling). // PDFium's setjmp
		WithMemoryLimitPages(uint32(x.config.Memory / wasmPage)).
		WithCloseOnContextDone(true)
	if x.config.Cache != "" {
		cache, err := wazero.NewCompilationCacheWithDir(x.config.Cache)
		if err != nil {
			return err
		}
		x.closed = func() error { return cache.Close(context.Background()) }
		rc = rc.WithCompilationCache(cache)
	}
	pool, err := webassembly.Init(webassembly.Config{
		MaxTotal:      x.config.Workers,
		FSConfig:      wazero.NewFSConfig(), // no files: the default would be all of them
		RuntimeConfig: rc,
		Stdout:        io.Discard,
		Stderr:        io.Discard,
	})
	x.pool = pool
	return err
}

// Close gives the memory back. A reader that was not started has nothing to give.
func (x *PDF) Close() error {
	x.start.Do(func() { x.err = errors.New("closed") })
	var errs []error
	if x.pool != nil {
		errs = append(errs, x.pool.Close())
	}
	if x.closed != nil {
		errs = append(errs, x.closed())
	}
	if err := errors.Join(errs...); err != nil {
		return mail.Because(opPDF, mail.Other, "text.pdf_start", err)
	}
	return nil
}

// with gives fn an instance of PDFium that no document was read with before, and ends it with ctx.
func (x *PDF) with(ctx context.Context, fn func(pdfium.Pdfium) error) error {
	if err := x.Start(); err != nil {
		return err
	}
	instance, err := x.pool.GetInstanceWithContext(ctx)
	if err != nil {
		return err
	}
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		_ = instance.Kill() // ends what runs; its own error is that it was closed meanwhile
	})
	err = fn(instance)
	if !stop() {
		<-killed
		return errors.Join(ctx.Err(), err)
	}
	return errors.Join(err, instance.Close())
}

// pdf reads a PDF document.
func (d *document) pdf() error {
	if d.lim.PDF == nil {
		return fmt.Errorf("%w: PDF is not read here", ErrUnsupported)
	}
	b, err := d.whole()
	if err != nil {
		return err
	}
	return d.lim.PDF.with(d.ctx, func(instance pdfium.Pdfium) error {
		return d.pdfPages(&paper{pdf: instance, out: d.out}, b)
	})
}

// pdfPages reads the pages of a document one by one. A page that can't be read is left out.
func (d *document) pdfPages(p *paper, b []byte) error {
	opened, err := p.pdf.OpenDocument(&requests.OpenDocument{File: &b})
	switch {
	case errors.Is(err, pdferr.ErrPassword), errors.Is(err, pdferr.ErrSecurity):
		return fmt.Errorf("%w: %w", ErrEncrypted, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	p.doc = opened.Document
	p.title()
	count, err := p.pdf.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: p.doc})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	var bad error
	for i := range min(count.PageCount, d.lim.Pages) {
		if err := p.page(i); err != nil {
			bad = fmt.Errorf("%w: page %d: %w", ErrDamaged, i+1, err)
		}
		if d.out.full() || d.ctx.Err() != nil {
			return errFull
		}
	}
	if count.PageCount > d.lim.Pages {
		return d.out.cutShort()
	}
	return bad
}

// A paper is one PDF document while it is read.
type paper struct {
	pdf pdfium.Pdfium
	doc references.FPDF_DOCUMENT
	out *sink
}

func (p *paper) title() {
	if meta, err := p.pdf.FPDF_GetMetaText(&requests.FPDF_GetMetaText{Document: p.doc, Tag: "Title"}); err == nil {
		p.out.name(meta.Value)
	}
}

// page reads one page: its text, its links, and what was written on it.
func (p *paper) page(i int) error {
	loaded, err := p.pdf.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: p.doc, Index: i})
	if err != nil {
		return err
	}
	page := requests.Page{ByReference: &loaded.Page}
	text, err := p.pdf.GetPageText(&requests.GetPageText{Page: page})
	if err == nil {
		p.out.str(pdfText.Replace(text.Text))
		p.out.line()
	}
	p.links(page)
	p.notes(page)
	_, closing := p.pdf.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: loaded.Page})
	return errors.Join(err, closing)
}

// pdfText makes text of PDFium's: U+0002 and U+FFFE stand for the hyphen of a word that goes on in the next line.
var pdfText = strings.NewReplacer("\x02\r\n", "", "\ufffe\r\n", "", "\x02", "", "\ufffe", "", "\r\n", "\n", "\r", "\n", "\x00", "")

// maxLinks is how many links, and how many notes, of a page are looked at.
const maxLinks = 1000

// links keeps where the links of a page lead.
func (p *paper) links(page requests.Page) {
	at := 0
	for range maxLinks {
		found, err := p.pdf.FPDFLink_Enumerate(&requests.FPDFLink_Enumerate{Page: page, StartPos: at})
		if err != nil || found.Link == nil || found.NextStartPos == nil {
			return
		}
		at = *found.NextStartPos
		action, err := p.pdf.FPDFLink_GetAction(&requests.FPDFLink_GetAction{Link: *found.Link})
		if err != nil || action.Action == nil {
			continue // a link within the document
		}
		p.action(*action.Action)
	}
}

// action keeps where an action leads: to an address, or to a file that it opens.
func (p *paper) action(action references.FPDF_ACTION) {
	if uri, err := p.pdf.FPDFAction_GetURIPath(&requests.FPDFAction_GetURIPath{Document: p.doc, Action: action}); err == nil && uri.URIPath != nil {
		p.out.url(*uri.URIPath)
		return
	}
	if file, err := p.pdf.FPDFAction_GetFilePath(&requests.FPDFAction_GetFilePath{Action: action}); err == nil && file.FilePath != nil {
		p.out.url(*file.FilePath)
	}
}

// notes reads what was written on a page: comments, and what was filled into a form.
func (p *paper) notes(page requests.Page) {
	count, err := p.pdf.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: page})
	if err != nil {
		return
	}
	for i := range min(count.Count, maxLinks) {
		note, err := p.pdf.FPDFPage_GetAnnot(&requests.FPDFPage_GetAnnot{Page: page, Index: i})
		if err != nil {
			continue
		}
		keys := []string{"T", "Contents", "V"} // a note's author or a field's name, what a note says, what a field holds
		for _, key := range keys {
			value, err := p.pdf.FPDFAnnot_GetStringValue(&requests.FPDFAnnot_GetStringValue{Annotation: note.Annotation, Key: key})
			if err == nil && value.Value != "" && value.Value != "Off" {
				p.out.str(pdfText.Replace(value.Value))
				p.out.line()
			}
		}
		_, _ = p.pdf.FPDFPage_CloseAnnot(&requests.FPDFPage_CloseAnnot{Annotation: note.Annotation})
	}
}
