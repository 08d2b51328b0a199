package bulk

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// maxTries is how often an import is judged anew because something changed between judging and doing.
const maxTries = 3

// errTrial takes a trial back.
var errTrial = errors.New("only a trial")

// effect is what a line did.
type effect uint8

const (
	added effect = iota
	updated
	deleted
	same
)

// line is a line of a file that could be read.
type line[C any] struct {
	number int
	action Action
	change C
}

// engine imports files of one kind: all are judged and done the same way.
type engine[C any] struct {
	Kind
	table Table
	// parse reads a row.
	parse func(r *reading) (Action, C)
	// apply does a line inside directory.Company.Together.
	apply func(ctx context.Context, c *directory.Company, by mail.Actor, l *line[C]) (effect, error)
	// before judges the lines as a whole before they are tried, and leaves those that can be tried; nil: nothing to judge.
	before func(ctx context.Context, in *Import, lines []line[C], out *Outcome) ([]line[C], error)
	// after adds what is to be said of all that was found; nil: nothing.
	after func(out *Outcome)
	// prepare does what is costly for the lines that are good, after the trial and before they are done; nil: nothing to do.
	prepare func(ctx context.Context, in *Import, lines []line[C], out *Outcome) error
	// blame says which column an error of apply is about, by what its key begins with.
	blame map[string]int
	// write writes what there is, for an export.
	write func(context.Context, *directory.Company, directory.Selected, *Writer) error
}

func (e *engine[C]) kind() Kind     { return e.Kind }
func (e *engine[C]) layout() *Table { return &e.table }

func (e *engine[C]) export(ctx context.Context, c *directory.Company, in directory.Selected, w *Writer) error {
	return e.write(ctx, c, in, w)
}

// run judges a file, and does it unless it was only to be judged.
func (e *engine[C]) run(ctx context.Context, in *Import, f *File) (*Outcome, error) {
	lines, wrong := e.read(in, f)
	for try := 1; ; try++ {
		out := &Outcome{Charset: f.Charset, Findings: slices.Clone(wrong)}
		good, err := e.judge(ctx, in, lines, out)
		if err != nil {
			return nil, err
		}
		if err := in.refusal(out); err != nil || in.DryRun || len(good) == 0 {
			return out, dry(in, err)
		}
		if e.prepare != nil {
			in.Watch.Phase(PhaseHashing, len(good))
			if err := e.prepare(ctx, in, good, out); err != nil {
				return nil, err
			}
		}
		err = e.do(ctx, in, good, out)
		if err == nil || !errors.Is(err, errChanged) || try == maxTries {
			return out, err
		}
	}
}

// dry is the error of a file that was not done. A dry run is no failure: what it finds is what was asked for.
func dry(in *Import, err error) error {
	if in.DryRun {
		return nil
	}
	return err
}

// errChanged: a line that was good in the trial was not when it was done.
var errChanged = errors.New("changed since it was judged")

// read reads all rows, and puts deletions before changes before additions: what is given up is free for who comes.
func (e *engine[C]) read(in *Import, f *File) (lines []line[C], wrong []Finding) {
	in.Watch.Phase(PhaseReading, len(f.Rows))
	wrong = f.Findings
	for _, row := range f.Rows {
		r := reading{table: &e.table, row: row}
		action, change := e.parse(&r)
		if len(r.wrong) > 0 {
			wrong = append(wrong, r.wrong...)
		} else {
			lines = append(lines, line[C]{row.Line, action, change})
		}
	}
	in.Watch.Step(len(f.Rows))
	order := map[Action]int{Delete: 0, Update: 1, Add: 2}
	slices.SortStableFunc(lines, func(a, b line[C]) int { return cmp.Compare(order[a.action], order[b.action]) })
	return lines, wrong
}

// judge tries every line in a transaction that is taken back, and gives those that are good.
func (e *engine[C]) judge(ctx context.Context, in *Import, lines []line[C], out *Outcome) ([]line[C], error) {
	in.Watch.Phase(PhaseJudging, len(lines))
	before := out.Findings
	tried := lines
	if e.before != nil {
		var err error
		if tried, err = e.before(ctx, in, lines, out); err != nil {
			return nil, err
		}
		before = out.Findings
	}
	var good []line[C]
	err := in.Company.Together(ctx, in.By, "bulk.judge", e.Right, func(c *directory.Company, _ store.Tx) error {
		good = make([]line[C], 0, len(tried))
		out.Added, out.Updated, out.Deleted, out.Same, out.Findings = 0, 0, 0, 0, slices.Clone(before)
		for i := range tried {
			if err := ctx.Err(); err != nil {
				return mail.Wrap("bulk.judge", err)
			}
			what, err := e.apply(ctx, c, in.By, &tried[i])
			if !isFinding(err) {
				return err
			}
			if err != nil {
				out.Findings = append(out.Findings, Finding{Line: tried[i].number, Column: e.column(err), Err: err})
				continue
			}
			out.count(what)
			good = append(good, tried[i])
		}
		return errTrial
	})
	if !errors.Is(err, errTrial) {
		return nil, err
	}
	in.Watch.Step(len(lines))
	if e.after != nil {
		e.after(out)
	}
	out.settle(len(good))
	in.Watch.Found(out.Good, out.Bad)
	return good, nil
}

// isFinding tells whether an error is about a line, and not about the whole. nil is.
func isFinding(err error) bool {
	switch mail.KindOf(err) {
	case mail.Invalid, mail.NotFound, mail.Full, mail.Conflict, mail.Denied:
		return true
	}
	return err == nil
}

// column is the column that an error of apply is about, "" where that is not known.
func (e *engine[C]) column(err error) string {
	key, _ := mail.TextOf(err)
	for prefix, at := range e.blame {
		if strings.HasPrefix(key, prefix) {
			return e.table.Columns[at].Name
		}
	}
	return ""
}

// do does the good lines in one commit.
func (e *engine[C]) do(ctx context.Context, in *Import, good []line[C], out *Outcome) error {
	return in.Company.Together(ctx, in.By, "bulk.import", e.Right, func(c *directory.Company, tx store.Tx) error {
		in.Watch.Phase(PhaseWriting, len(good)) // from the beginning each time
		out.Added, out.Updated, out.Deleted, out.Same = 0, 0, 0, 0
		for i := range good {
			if err := ctx.Err(); err != nil {
				return mail.Wrap("bulk.do", err)
			}
			what, err := e.apply(ctx, c, in.By, &good[i])
			if err != nil {
				return errors.Join(errChanged, err)
			}
			out.count(what)
			in.Watch.Step(1)
		}
		if in.Also == nil {
			return nil
		}
		return in.Also(tx, out)
	})
}

// count counts what a line did.
func (o *Outcome) count(what effect) {
	switch what {
	case added:
		o.Added++
	case updated:
		o.Updated++
	case deleted:
		o.Deleted++
	case same:
		o.Same++
	}
}

// settle counts the lines, and puts the findings into their order.
func (o *Outcome) settle(good int) {
	slices.SortStableFunc(o.Findings, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
	last := 0
	o.Good, o.Bad = good, 0
	for _, f := range o.Findings {
		if f.Line != last && !f.Remark {
			o.Bad++
			last = f.Line
		}
	}
	o.Findings = o.Findings[:min(len(o.Findings), MaxLines)]
}
