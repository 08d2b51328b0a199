package apart

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"tegami/wire/mime"
)

// openMail visits the leaf parts of a message: bodies, attachments, and messages in it, which are opened in turn.
func openMail(c *container) error {
	m, err := mime.Parse(c.stream(), mime.Limits{Parts: min(c.w.lim.Members, mime.DefaultParts)})
	if err != nil {
		return err
	}
	if err := c.parts(m.Root); err != nil {
		return err
	}
	if m.Limited {
		return trouble(TooDeep)
	}
	return nil
}

// parts visits the leaves below a part.
func (c *container) parts(p *mime.Part) error {
	if p.IsMultipart() && len(p.Children) > 0 {
		for _, child := range p.Children {
			if err := c.parts(child); err != nil {
				return err
			}
		}
		return nil
	}
	return c.add(entry{name: p.Filename(), claimed: p.Type + "/" + p.Subtype, size: -1, open: func() (io.Reader, error) {
		return p.Content(c.m.data), nil
	}})
}

// mboxSeparator begins the line before each message of a mailbox file.
const mboxSeparator = "From "

// openMbox visits the messages of a mailbox file (RFC 4155).
func openMbox(c *container) error {
	spans, err := c.mboxSpans()
	if err != nil {
		return err
	}
	for i, s := range spans {
		data, _ := c.section(s.from, s.to-s.from)
		if err := c.add(entry{name: fmt.Sprintf("%d.eml", i+1), claimed: "message/rfc822", size: s.to - s.from, at: data}); err != nil {
			return err
		}
	}
	return nil
}

// A span is a run of octets of a container.
type span struct{ from, to int64 }

// mboxSpans finds the messages between the separators.
func (c *container) mboxSpans() (spans []span, err error) {
	r := bufio.NewReaderSize(c.stream(), chunkSize)
	for at, begin := int64(0), true; ; {
		line, err := r.ReadSlice('\n')
		if begin && bytes.HasPrefix(line, []byte(mboxSeparator)) {
			if n := len(spans); n > 0 {
				spans[n-1].to = at
			}
			start := at + int64(len(line))
			spans = append(spans, span{start, c.m.length})
		}
		at += int64(len(line))
		switch begin = err == nil; {
		case err == io.EOF, len(spans) > c.w.lim.Members:
			return spans, nil
		case err != nil && err != bufio.ErrBufferFull:
			return nil, err
		}
	}
}
