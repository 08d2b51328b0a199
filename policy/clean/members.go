package clean

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"strings"
)

// Scan tells whether a file is infected. Its name is the path from outside in, with "/".
type Scan func(name string, content []byte) (bool, error)

// Disinfect writes a file that is known to be infected without what is harmful in it: a document as Document does, an archive as Archive
// does, without those members that scan finds something in. The caller has the result scanned again. The error is ErrImpossible, scan's,
// ctx's or w's.
func Disinfect(ctx context.Context, content []byte, scan Scan, w io.Writer) (Removed, error) {
	r, size := bytes.NewReader(content), int64(len(content))
	if size > MaxFile {
		return nil, impossible("too large")
	}
	if isDocument(content) {
		return Document(ctx, r, size, w)
	}
	s := &search{c: &cleaner{ctx: ctx, work: MaxWork}, scan: scan}
	if _, err := s.into(content, nil, 0); err != nil {
		return nil, err
	}
	if len(s.found) == 0 {
		return nil, impossible("no member is infected by itself")
	}
	return Archive(ctx, r, size, s.found, w)
}

// search looks for the infected members of an archive.
type search struct {
	c     *cleaner
	scan  Scan
	found [][]string
}

// into looks at the members of an archive, and tells whether it is one. at is its own path.
func (s *search) into(b []byte, at []string, depth int) (known bool, err error) {
	if depth > MaxDepth {
		return false, impossible("too deep")
	}
	if err := s.c.spend(int64(len(b))); err != nil {
		return false, err
	}
	switch {
	case bytes.HasPrefix(b, []byte(zipMagic)):
		return true, s.zip(b, at, depth)
	case bytes.HasPrefix(b, []byte(gzipMagic)):
		return true, s.gzip(b, at, depth)
	case isTar(b):
		return true, s.tar(b, at, depth)
	}
	return false, nil
}

// member looks at one member: where something is found in an archive or a document, its own members are looked at.
func (s *search) member(name string, content []byte, at []string, depth int) error {
	here := append(at[:len(at):len(at)], name)
	bad, err := s.scan(strings.Join(here, "/"), content)
	if err != nil || !bad {
		return err
	}
	if isDocument(content) { // it is cleaned as a whole, or goes
		s.found = append(s.found, append(here, "*"))
		return nil
	}
	before := len(s.found)
	if known, err := s.into(content, here, depth+1); err != nil || known && len(s.found) > before {
		return err
	}
	s.found = append(s.found, here)
	return nil
}

func (s *search) zip(b []byte, at []string, depth int) error {
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(r.File) > MaxParts {
		return impossible("a zip file that cannot be read")
	}
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") || f.Flags&1 != 0 {
			continue // nobody sees what is encrypted
		}
		content, err := s.c.inflate(f, MaxPart)
		if err == nil {
			err = s.member(MemberName(f.Name, f.Flags&0x800 != 0), content, at, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *search) tar(b []byte, at []string, depth int) error {
	r := tar.NewReader(bytes.NewReader(b))
	for n := 0; ; n++ {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil || n >= MaxParts || h.Size > MaxPart {
			return impossible("a tar file that cannot be read")
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return impossible("a tar file that cannot be read")
		}
		if err := s.c.spend(int64(len(content))); err != nil {
			return err
		}
		if err := s.member(MemberName(h.Name, false), content, at, depth); err != nil {
			return err
		}
	}
}

// gzip looks into what a gzip file holds, which has no path element of its own.
func (s *search) gzip(b []byte, at []string, depth int) error {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return impossible("a gzip file that cannot be read")
	}
	content, err := io.ReadAll(io.LimitReader(r, min(MaxPart, s.c.work)+1))
	if err != nil || len(content) > MaxPart {
		return impossible("a gzip file that cannot be read")
	}
	if isDocument(content) {
		s.found = append(s.found, append(at[:len(at):len(at)], "*"))
		return s.c.spend(int64(len(content)))
	}
	_, err = s.into(content, at, depth+1)
	return err
}
