package clean

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
)

// Archive writes an archive without its infected members. infected are their paths: the names from outside in, without the archive's own,
// as in "inner.zip", "document.doc", decoded like MemberName does; a path may go on into a document. What gzip holds has the name in its header, or
// none: then its path element is left out or anything.
//
// A member that holds infected ones is cleaned itself: an archive loses them, a document its macros; where that is impossible, the
// member goes as a whole. Others stay octet for octet, under their names as they are written. The archive is one of zip, tar or gzip.
// The error is ErrImpossible, also where a path was not found or nothing is left, ctx's, r's or w's.
//
// What a scanner found in a document need not be a macro: the caller has the result scanned again.
func Archive(ctx context.Context, r io.ReaderAt, size int64, infected [][]string, w io.Writer) (Removed, error) {
	b, err := readAll(r, size)
	if err != nil {
		return nil, err
	}
	c := &cleaner{ctx: ctx, work: MaxWork}
	var paths []*target
	for _, p := range infected {
		paths = append(paths, &target{names: p})
	}
	out, err := (&archive{c}).clean(b, paths, nil, 0)
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		if !p.met {
			return nil, impossible("no such member: " + strings.Join(p.names, "/"))
		}
	}
	if len(c.removed) == 0 || out == nil {
		return nil, impossible("nothing to take out, or nothing left")
	}
	_, err = w.Write(out)
	return c.removed, err
}

// MemberName decodes the name of a member of a zip file: UTF-8 where it says so or is so, else the code page of Japanese Windows.
func MemberName(name string, sayUTF8 bool) string {
	if sayUTF8 || utf8.ValidString(name) {
		return name
	}
	if s, err := japanese.ShiftJIS.NewDecoder().String(name); err == nil {
		return s
	}
	return strings.ToValidUTF8(name, string(utf8.RuneError))
}

// target is the path of an infected member, or what is left of it further in.
type target struct {
	names []string
	met   bool
	whole *target // which it is the rest of; nil for itself
}

// meet notes that a target was found and dealt with.
func (t *target) meet() {
	for ; t != nil; t = t.whole {
		t.met = true
	}
}

// found tells whether a target was dealt with, here or by another way to the same member.
func (t *target) found() bool {
	for t.whole != nil {
		t = t.whole
	}
	return t.met
}

// archive cleans one archive with those within.
type archive struct{ c *cleaner }

// clean gives an archive without the members that paths lead to; nil where none is left. at is its own path.
func (a *archive) clean(b []byte, paths []*target, at []string, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return nil, impossible("too deep")
	}
	if err := a.c.spend(int64(len(b))); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(string(b[:min(len(b), 4)]), zipMagic):
		return a.zip(b, paths, at, depth)
	case bytes.HasPrefix(b, []byte(gzipMagic)):
		return a.gzip(b, paths, at, depth)
	case isTar(b):
		return a.tar(b, paths, at, depth)
	}
	return nil, impossible("no archive that is known")
}

// member decides about one member: its new content, nil where it goes, or b itself.
func (a *archive) member(name string, read func() ([]byte, error), paths []*target, at []string, depth int) (content []byte, stays bool, err error) {
	var inner []*target
	here := append(at[:len(at):len(at)], name)
	goes := false
	for _, t := range paths {
		switch {
		case len(t.names) == 0 || t.names[0] != name:
		case len(t.names) == 1:
			goes = true
			t.meet()
		default:
			inner = append(inner, &target{names: t.names[1:], whole: t})
		}
	}
	if !goes && len(inner) == 0 {
		return nil, true, nil
	}
	if !goes {
		b, err := read()
		if err != nil {
			return nil, false, err
		}
		content, err = a.inside(b, inner, here, depth+1)
		if err != nil {
			return nil, false, err
		}
	}
	if content == nil {
		for _, t := range inner {
			t.meet()
		}
		a.c.removed.add(Member, strings.Join(here, "/"))
	}
	return content, content != nil, nil
}

// inside cleans a member that holds infected ones; nil where that is impossible.
func (a *archive) inside(b []byte, inner []*target, at []string, depth int) ([]byte, error) {
	before := slices.Clone(a.c.removed)
	var out []byte
	var err error
	if isDocument(b) {
		if out, err = a.c.document(b, depth); err == nil && (same(out, b) || recheck(a.c.ctx, out) != nil) {
			out = nil
		}
	} else {
		out, err = a.clean(b, inner, at, depth)
		if err == nil && slices.ContainsFunc(inner, func(t *target) bool { return !t.found() }) {
			out = nil
		}
	}
	if err != nil && !errors.Is(err, ErrImpossible) {
		return nil, err
	}
	if err != nil || out == nil {
		a.c.removed = before
		return nil, a.c.ctx.Err()
	}
	for _, t := range inner {
		t.meet()
	}
	return out, nil
}

// zip cleans a zip file.
func (a *archive) zip(b []byte, paths []*target, at []string, depth int) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(r.File) > MaxParts {
		return nil, impossible("a zip file that cannot be read")
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	if err := w.SetComment(r.Comment); err != nil {
		return nil, impossible("a zip file that cannot be read")
	}
	left := 0
	for _, f := range r.File {
		name := MemberName(f.Name, f.Flags&0x800 != 0)
		read := func() ([]byte, error) { return a.c.inflate(f, MaxPart) }
		if f.Flags&1 != 0 { // encrypted: what is in it cannot be cleaned, so it goes as a whole
			read = func() ([]byte, error) { return nil, nil }
		}
		content, stays, err := a.member(name, read, paths, at, depth)
		if err != nil {
			return nil, err
		}
		if !stays {
			continue
		}
		if err := putMember(w, f, content, content != nil); err != nil {
			return nil, err
		}
		if !strings.HasSuffix(f.Name, "/") {
			left++
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if left == 0 {
		return nil, nil
	}
	return out.Bytes(), nil
}

// isTar tells whether octets begin with the header of a tar file's member: its checksum fits.
func isTar(b []byte) bool {
	if len(b) < 512 {
		return false
	}
	_, err := tar.NewReader(bytes.NewReader(b)).Next()
	return err == nil
}

// tar cleans a tar file. Members that stay are written anew under the headers they had.
func (a *archive) tar(b []byte, paths []*target, at []string, depth int) ([]byte, error) {
	var out bytes.Buffer
	r, w := tar.NewReader(bytes.NewReader(b)), tar.NewWriter(&out)
	left := 0
	for n := 0; ; n++ {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil || n >= MaxParts || h.Size > MaxPart {
			return nil, impossible("a tar file that cannot be read")
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return nil, impossible("a tar file that cannot be read")
		}
		content, stays, err := a.member(MemberName(h.Name, false), func() ([]byte, error) { return body, nil }, paths, at, depth)
		if err != nil {
			return nil, err
		}
		if !stays {
			continue
		}
		if content != nil {
			body, h.Size = content, int64(len(content))
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, impossible("a tar file that cannot be written: " + err.Error())
		}
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
		left++
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if left == 0 {
		return nil, nil
	}
	return out.Bytes(), nil
}

// gzip cleans what a gzip file holds.
func (a *archive) gzip(b []byte, paths []*target, at []string, depth int) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, impossible("a gzip file that cannot be read")
	}
	h := r.Header
	content, err := io.ReadAll(io.LimitReader(r, min(MaxPart, a.c.work)+1))
	if err != nil || len(content) > MaxPart {
		return nil, impossible("a gzip file that cannot be read")
	}
	if err := a.c.spend(int64(len(content))); err != nil {
		return nil, err
	}
	inner := within(paths, content)
	if len(inner) == 0 {
		return nil, nil // what it holds is infected itself
	}
	out, err := a.inside(content, inner, at, depth+1)
	if err != nil || out == nil {
		return nil, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Header = h
	if _, err = w.Write(out); err == nil {
		err = w.Close()
	}
	return packed.Bytes(), err
}

// within gives the paths that lead on into what gzip holds, without the element that names it; none where one ends there.
func within(paths []*target, content []byte) (inner []*target) {
	if !isTar(content) && !isDocument(content) && !bytes.HasPrefix(content, []byte(zipMagic)) {
		return nil
	}
	for _, t := range paths {
		if names := t.names; len(names) > 0 {
			inner = append(inner, &target{names: names, whole: t})
			if len(names) > 1 {
				inner = append(inner, &target{names: names[1:], whole: t})
			}
		}
	}
	return inner
}
