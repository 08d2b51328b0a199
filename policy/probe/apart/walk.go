package apart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"tegami/mail"
)

const opWalk mail.Op = "apart.walk"

// ErrSkipMembers may be returned by a visit: the member is not opened. It is no problem.
var ErrSkipMembers = errors.New("members are skipped")

// maxName is how much of a name is kept, in octets.
const maxName = 1024

// Walk visits a file and every member in it, depth first, a container before its members. name and declared are what the file
// was said to be called and to be ("" for unknown); r must give the same octets at each reading.
//
// What is wrong with the file is no error but in Outcome and Member.Problem. The limits end a walk early, and so does the end of
// ctx; visit was then called for what had been found, and Outcome says which limit it was. The error is that of visit, or of
// reading r.
func Walk(ctx context.Context, lim Limits, name, declared string, r io.ReaderAt, size int64, visit func(*Member) error) (Outcome, error) {
	lim = lim.filled()
	ctx, cancel := context.WithTimeout(ctx, lim.Time)
	defer cancel()
	w := &walk{ctx: ctx, lim: lim, visit: visit}
	src := &source{ctx: ctx, r: r}
	w.out.Members = 1
	top := &Member{Path: []string{cleanName(name)}, Name: cleanName(name), Claimed: claim(declared), Size: size, data: src, length: max(size, 0)}
	w.enter(top)
	if ctx.Err() != nil {
		w.out.note(nil, TimeOut)
	}
	switch {
	case w.failed != nil:
		return w.out, w.failed
	case src.err != nil && ctx.Err() == nil:
		return w.out, mail.Wrap(opWalk, src.err)
	}
	return w.out, nil
}

// List walks and gives all members in short; problems that showed late stand at their files.
func List(ctx context.Context, lim Limits, name, declared string, r io.ReaderAt, size int64) ([]File, Outcome, error) {
	var files []File
	out, err := Walk(ctx, lim, name, declared, r, size, func(m *Member) error {
		files = append(files, m.File())
		return nil
	})
	Settle(files, &out)
	return files, out, err
}

// Settle writes the problems of an outcome to the files they belong to.
func Settle(files []File, out *Outcome) {
	at := make(map[string]string, len(out.Troubles))
	for _, t := range out.Troubles {
		key := strings.Join(t.Path, "\x00")
		at[key] = worse(at[key], t.Problem)
	}
	for i := range files {
		files[i].Problem = worse(files[i].Problem, at[strings.Join(files[i].Path, "\x00")])
	}
}

// A walk is one call of Walk: the budget and what came of it.
type walk struct {
	ctx   context.Context
	lim   Limits
	visit func(*Member) error
	out   Outcome

	work   int64 // octets decoders gave, kept or not
	failed error // of visit
	ended  bool  // a limit over all was reached
}

// trouble is a problem as an error, on its way to the member it belongs to.
type trouble string

func (t trouble) Error() string { return string(t) }

// errStop ends the walk: a limit over all was reached, the time is up, or visit failed. What there is to tell was noted.
var errStop = errors.New("the walk ends")

// problemOf is what an error of a decoder means.
func problemOf(err error) string {
	var t trouble
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, errStop):
		return ""
	case errors.As(err, &t):
		return string(t)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return TimeOut
	}
	return Damaged
}

// alive is nil while the walk may go on.
func (w *walk) alive() error {
	if w.failed != nil || w.ended || w.ctx.Err() != nil {
		return errStop
	}
	return nil
}

// end ends the walk for a limit over all.
func (w *walk) end(path []string, problem string) error {
	w.ended = true
	w.out.note(path, problem)
	return errStop
}

// enter tells what a member is, visits it and opens it. The error is errStop or nil.
func (w *walk) enter(m *Member) error {
	if err := w.alive(); err != nil {
		return err
	}
	w.guard(func() error { identify(w, m); return nil })
	open := openerOf(m.Kind)
	if open != nil && m.Problem == "" && m.Depth >= w.lim.Depth {
		m.Problem = TooDeep
	}
	if foreign[m.Kind] && m.Problem == "" {
		m.Problem = Unsupported
	}
	w.out.Depth = max(w.out.Depth, m.Depth)
	if m.Problem != "" {
		w.out.note(m.Path, m.Problem)
	}
	switch err := w.visit(m); {
	case errors.Is(err, ErrSkipMembers):
		return nil
	case err != nil:
		w.failed = err
		return errStop
	}
	if m.Problem == TooDeep || m.Problem == Encrypted || m.data == nil {
		return w.alive()
	}
	if open != nil {
		w.members(m, open)
	}
	if m.Depth < w.lim.Depth && w.alive() == nil {
		w.appended(m)
	}
	return w.alive()
}

// members opens a container with its opener; what went wrong becomes the container's problem.
func (w *walk) members(m *Member, open opener) {
	c := &container{w: w, m: m}
	problem := problemOf(w.guard(func() error { return open(c) }))
	if m.Problem == "" && problem != TimeOut { // the end of the time is noted once, at the end
		m.Problem = problem
		w.out.note(m.Path, problem)
	}
	if c.encrypted {
		m.Encrypted = true
	}
}

// guard runs a decoder. Decoders of others panic over hostile octets now and then: that is damage.
func (w *walk) guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s: %w", p, debug.Stack(), trouble(Damaged))
		}
	}()
	return do()
}

// An opener finds the members of one kind of container.
type opener func(*container) error

// A container is a member while it is opened.
type container struct {
	w         *walk
	m         *Member
	given     int64 // octets its members unpacked to
	encrypted bool  // one of its members is under a password
}

// stream reads the container from its beginning.
func (c *container) stream() io.Reader { return io.NewSectionReader(c.m.data, 0, c.m.length) }

// An entry is what a container says of a member.
type entry struct {
	name    string
	claimed string
	size    int64       // as the container tells; < 0 for unknown
	problem string      // why there are no octets
	at      io.ReaderAt // its octets where they stand in the container as they are, size of them
	open    func() (io.Reader, error)
}

// count takes one member from the budget: a folder, or what entry will count.
func (c *container) count() error {
	if err := c.w.alive(); err != nil {
		return err
	}
	if c.w.out.Members >= c.w.lim.Members {
		return c.w.end(c.m.Path, TooMany)
	}
	c.w.out.Members++
	return nil
}

// add visits a member. The error is errStop when the walk is over, the trouble of the container where it has to be left, or nil.
func (c *container) add(e entry) error {
	if err := c.count(); err != nil {
		return err
	}
	name := cleanName(e.name)
	m := &Member{
		Path: append(c.m.Path[:len(c.m.Path):len(c.m.Path)], name), Name: name, Claimed: claim(e.claimed),
		Size: max(e.size, 0), Depth: c.m.Depth + 1, Problem: e.problem, Encrypted: e.problem == Encrypted,
	}
	c.encrypted = c.encrypted || m.Encrypted
	stop := c.fill(m, e)
	if err := c.w.enter(m); err != nil {
		return err
	}
	return stop
}

// fill unpacks a member. The error is for the container.
func (c *container) fill(m *Member, e entry) error {
	switch {
	case e.problem != "":
		return nil
	case e.at != nil:
		return c.place(m, e)
	case e.size > c.w.lim.Each:
		m.Problem = TooLarge
		return nil
	}
	var r io.Reader
	err := c.w.guard(func() (err error) { r, err = e.open(); return err })
	if err != nil {
		m.Problem = problemOf(err)
		return nil
	}
	var data *chunks
	var stop error
	err = c.w.guard(func() (err error) { data, stop, err = c.unpack(r); return err })
	if data == nil { // a panic in the midst of it
		data = &chunks{}
	}
	m.data, m.length = data, data.size
	if err == nil && stop == nil {
		m.Size = data.size
		return nil
	}
	m.Problem = problemOf(err)
	if stop != nil && m.Problem == "" {
		m.Problem = problemOf(stop)
	}
	m.Size = max(m.Size, data.size)
	return stop
}

// place takes a member that needs no unpacking. It counts as if it were.
func (c *container) place(m *Member, e entry) error {
	stop := c.spend(e.size)
	if stop != nil {
		m.Problem = problemOf(stop)
		if m.Problem == "" {
			m.Problem = TooLarge
		}
		return stop
	}
	m.data, m.length = e.at, e.size
	return nil
}

// spend takes unpacked octets from the budget. The error is errStop or the trouble of the container.
func (c *container) spend(n int64) error {
	w := c.w
	if err := w.alive(); err != nil {
		return err
	}
	c.given += n
	w.out.Octets += n
	w.work += n
	switch {
	case w.out.Octets > w.lim.Total, w.work > workFactor*w.lim.Total:
		return w.end(c.m.Path, TooLarge)
	case c.given > ratioFree && c.given/int64(w.lim.Ratio) > c.m.length:
		return trouble(Ratio)
	}
	return nil
}

// unpack reads a member into memory. stop is for the container, err for the member.
func (c *container) unpack(r io.Reader) (data *chunks, stop, err error) {
	data = &chunks{}
	for idle := 0; ; {
		room := data.room()
		n, err := r.Read(room)
		if n < 0 || n > len(room) {
			return data, nil, trouble(Damaged)
		}
		data.took(n)
		if stop := c.spend(int64(n)); stop != nil {
			return data, stop, nil
		}
		switch {
		case data.size > c.w.lim.Each:
			return data, nil, trouble(TooLarge)
		case err == io.EOF:
			return data, nil, nil
		case err != nil:
			return data, nil, err
		}
		if idle++; n > 0 {
			idle = 0
		} else if idle > maxIdle {
			return data, nil, io.ErrNoProgress
		}
	}
}

// maxIdle is how often a decoder may give nothing before it is given up.
const maxIdle = 100

// skip reads past octets nobody wants. They cost work, not memory.
func (c *container) skip(r io.Reader, n int64) error {
	for n > 0 {
		k, err := io.CopyN(io.Discard, r, min(n, chunkSize))
		n -= k
		c.w.work += k
		switch {
		case c.w.work > workFactor*c.w.lim.Total:
			return c.w.end(c.m.Path, TooLarge)
		case c.w.alive() != nil:
			return errStop
		case err != nil:
			return err
		}
	}
	return nil
}

// section gives n octets of the container from an offset on; false where it has none.
func (c *container) section(at, n int64) (*io.SectionReader, bool) {
	if at < 0 || n < 0 || at > c.m.length || n > c.m.length-at {
		return nil, false
	}
	return io.NewSectionReader(c.m.data, at, n), true
}

// bytes reads n octets of the container.
func (c *container) bytes(at, n int64) ([]byte, error) {
	if _, ok := c.section(at, n); !ok {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	if k, err := c.m.data.ReadAt(b, at); k < len(b) {
		return nil, err
	}
	return b, nil
}

// source is the file itself: it ends with the context, and keeps the error of reading, which is not the file's fault.
type source struct {
	ctx context.Context
	r   io.ReaderAt
	err error
}

// ReadAt reads as io.ReaderAt.
func (s *source) ReadAt(p []byte, at int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.ReadAt(p, at)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// cleanName makes a name one line of UTF-8 of bounded length.
func cleanName(name string) string {
	name = strings.ToValidUTF8(name, "\ufffd")
	name = strings.TrimRight(name, "\x00")
	if len(name) <= maxName {
		return name
	}
	cut := maxName
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut]
}

// claim is a media type without its parameters.
func claim(declared string) string {
	main, _, _ := strings.Cut(declared, ";")
	return cleanName(strings.ToLower(strings.TrimSpace(main)))
}
