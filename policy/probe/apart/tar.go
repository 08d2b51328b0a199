package apart

import (
	"archive/tar"
	"errors"
	"io"
)

// openTar visits the files of an archive of tar. Links and devices have no octets: they are counted.
func openTar(c *container) error {
	r := tar.NewReader(c.stream())
	for {
		h, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, tar.ErrInsecurePath): // a name is never a path here
		case err != nil:
			return trouble(Damaged)
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
			if err := c.count(); err != nil {
				return err
			}
			continue
		}
		if err := c.add(entry{name: japanese([]byte(h.Name)), size: h.Size, open: func() (io.Reader, error) { return r, nil }}); err != nil {
			return err
		}
	}
}
