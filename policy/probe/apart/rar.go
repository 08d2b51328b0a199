package apart

import (
	"bufio"
	"errors"
	"io"

	"github.com/nwaples/rardecode/v2"
)

// openRAR visits the members of an archive of RAR, versions 1.5 to 7.
func openRAR(c *container) error {
	r, err := rardecode.NewReader(bufio.NewReader(c.stream()), rardecode.MaxDictionarySize(maxDictionary))
	if err != nil {
		return rarProblem(err)
	}
	for {
		h, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return rarProblem(err)
		}
		if h.IsDir || h.LinkType != 0 {
			if err := c.count(); err != nil {
				return err
			}
			continue
		}
		if err := c.rarMember(r, h); err != nil {
			return err
		}
	}
}

// rarMember visits one member.
func (c *container) rarMember(r *rardecode.Reader, h *rardecode.FileHeader) error {
	e := entry{name: h.Name, size: h.UnPackedSize, open: func() (io.Reader, error) { return rarReader{r}, nil }}
	if h.UnKnownSize {
		e.size = -1
	}
	if h.Encrypted || h.HeaderEncrypted {
		e.problem = Encrypted
	}
	return c.add(e)
}

// A rarReader tells troubles.
type rarReader struct{ r *rardecode.Reader }

// Read reads as io.Reader.
func (r rarReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		err = rarProblem(err)
	}
	return n, err
}

// rarProblem is what an error of the decoder means.
func rarProblem(err error) error {
	for _, e := range []struct {
		err     error
		problem trouble
	}{
		{rardecode.ErrArchiveEncrypted, Encrypted}, {rardecode.ErrArchivedFileEncrypted, Encrypted}, {rardecode.ErrBadPassword, Encrypted},
		{rardecode.ErrMultiVolume, Unsupported}, {rardecode.ErrFileNameRequired, Unsupported}, {rardecode.ErrUnknownVersion, Unsupported}, {rardecode.ErrUnsupportedDecoder, Unsupported},
		{rardecode.ErrUnknownDecoder, Unsupported}, {rardecode.ErrUnknownEncryptMethod, Encrypted}, {rardecode.ErrDictionaryTooLarge, TooLarge}, {rardecode.ErrPlatformIntSize, TooLarge},
		{rardecode.ErrMultipleDecoders, Unsupported},
	} {
		if errors.Is(err, e.err) {
			return e.problem
		}
	}
	if problemOf(err) == TimeOut {
		return trouble(TimeOut)
	}
	return trouble(Damaged)
}
