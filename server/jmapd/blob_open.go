package jmapd

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// A blob id names octets that belong to an account, and says where they are:
//
//	b<email>              a message
//	b<email>-2            its part 2 (RFC 9051 §6.4.5.1), with its transfer encoding undone
//	b<email>-2_1          the part 2.1
//	b<email>-2-1_3        the part 1.3 of the message that is part 2
//	u<upload>…            the same of octets that were uploaded
//	s<script>             a filter's script, as it is now
//
// So who reaches a message reaches its blobs and nothing else, and no table is kept.

// partBlob is the blob of a part, by its number.
func partBlob(of jmap.Id, number string) jmap.Id {
	return of + "-" + jmap.Id(strings.ReplaceAll(number, ".", "_"))
}

// maxNested is how many messages within messages a blob id goes through.
const maxNested = 8

// blob are the octets that a blob id names.
type blob struct {
	whole mailbox.Body // of the message, or of what was uploaded
	part  *mime.Part   // nil: all of it
	inner io.ReaderAt  // what part lies in; whole itself or a message within it
}

// Close ends the use of the octets.
func (b *blob) Close() error { return b.whole.Close() }

// Reader reads the octets, from their begin.
func (b *blob) Reader() io.Reader {
	if b.part == nil {
		return io.NewSectionReader(b.whole, 0, b.whole.Size())
	}
	return b.part.Content(b.inner)
}

// Size is how many they are.
func (b *blob) Size() (int64, error) {
	if b.part == nil {
		return b.whole.Size(), nil
	}
	return mime.ContentSize(b.part, b.inner)
}

// At gives the octets for reading at any place, and their size. A part in base64 is decoded into memory: it is less than a message
// may have (ML-9).
func (b *blob) At() (io.ReaderAt, int64, error) {
	switch {
	case b.part == nil:
		return b.whole, b.whole.Size(), nil
	case !b.part.IsEncoded():
		return io.NewSectionReader(b.inner, b.part.BodyStart, b.part.Size()), b.part.Size(), nil
	}
	text, err := io.ReadAll(b.part.Content(b.inner))
	return bytes.NewReader(text), int64(len(text)), err
}

// openBlob opens the octets a blob id names in an account. NotFound "blob.unknown" where there are none, or none of this account.
func (c *call) openBlob(ctx context.Context, at *target, id jmap.Id) (*blob, error) {
	root, path, _ := strings.Cut(string(id), "-")
	whole, index, err := c.openRoot(ctx, at, jmap.Id(root))
	if err != nil {
		return nil, err
	}
	b := &blob{whole: whole, inner: whole}
	if path == "" {
		return b, nil
	}
	if err := b.descend(index, strings.Split(path, "-")); err != nil {
		whole.Close()
		return nil, err
	}
	return b, nil
}

func unknownBlob() error { return mail.E("jmapd.openBlob", mail.NotFound, "blob.unknown") }

// openRoot opens a message with the structure that is kept of it, or what was uploaded.
func (c *call) openRoot(ctx context.Context, at *target, id jmap.Id) (mailbox.Body, mime.Index, error) {
	var email mail.EmailID
	if jmap.Read(jmap.LetterBlob, id, &email) {
		return c.openEmail(ctx, at, email)
	}
	if strings.HasPrefix(string(id), string(letterScript)) {
		return c.openScript(ctx, at, id)
	}
	return c.openUpload(ctx, at, id)
}

// openEmail opens the octets of a message.
func (c *call) openEmail(ctx context.Context, at *target, id mail.EmailID) (mailbox.Body, mime.Index, error) {
	reg, err := c.register(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	var found mailbox.Message
	err = reg.Messages(ctx, []mail.EmailID{id}, mailbox.WithIndex, func(m *mailbox.Message) error {
		found = *m
		found.Index = bytes.Clone(m.Index)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if found.ID.IsZero() {
		return nil, nil, unknownBlob()
	}
	body, err := reg.OpenBody(ctx, &found)
	return body, found.Index, err
}

// descend finds a part of the octets, through the messages within them.
func (b *blob) descend(index mime.Index, paths []string) error {
	if len(paths) > maxNested {
		return unknownBlob()
	}
	for i, path := range paths {
		inner, size, err := b.At()
		if err != nil {
			return err
		}
		structure, err := mime.Decode(index)
		if i > 0 || err != nil {
			if structure, err = mime.Parse(io.NewSectionReader(inner, 0, size), mime.Limits{}); err != nil {
				return err
			}
		}
		p := structure.Part(partPath(path))
		if p == nil || p.IsMultipart() {
			return unknownBlob()
		}
		b.inner, b.part = inner, p
	}
	return nil
}

// partPath reads "2_1"; a path that leads nowhere for what is none.
func partPath(text string) []int {
	var path []int
	for step := range strings.SplitSeq(text, "_") {
		n, err := strconv.Atoi(step)
		if err != nil || n < 1 || strconv.Itoa(n) != step {
			return []int{0}
		}
		path = append(path, n)
	}
	return path
}

// openUpload opens octets that the caller uploaded.
func (c *call) openUpload(ctx context.Context, at *target, id jmap.Id) (mailbox.Body, mime.Index, error) {
	name, ok := strings.CutPrefix(string(id), string(jmap.LetterUpload))
	if !ok {
		return nil, nil, unknownBlob()
	}
	a, err := at.open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	body, err := a.OpenOctets(ctx, name)
	return body, nil, err
}
