package sieve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegami/mail"
)

// Costs of a run, in steps.
const (
	// octetsPerStep is how many octets may be compared or copied for one step. Either takes about a microsecond.
	octetsPerStep = 4096
	// askCost is what a question to the Host costs.
	askCost = 50
	// comparisonCost is what a comparison costs beside what is compared, in octets: a list of empty strings is work too.
	comparisonCost = 64
	// gatheredSize is what a value costs that a test looks at, in octets held.
	gatheredSize = 16
	// clockSteps is how often the clock is looked at.
	clockSteps = 64
)

// run is one run of a script.
type run struct {
	ctx    context.Context
	in     *Input
	host   Host
	limits Limits

	message *message
	frame   *frame
	globals map[string]string
	matches []string // of the last match with wildcards or groups: ${0}, ${1}, ...
	flags   []string // the internal variable of flags (RFC 5232 §2)
	result  result

	steps    int // left
	octets   int // compared since a step was last taken for them
	memory   int // octets held
	scratch  int // of these, what the test or command at hand holds until it is done
	overflow bool
	clock    int // steps until the clock is looked at
	deadline time.Time
	includes int
	included map[string]bool // scripts that were included, for :once
	loops    []*loop
	last     *call // the implicit keep
	bodies   map[bodyKey]string
}

// implicitKeep stands in for a command behind the script's end.
var implicitKeep = spec{name: "keep"}

// frame is a script at work: the first, or an included one.
type frame struct {
	script    *Script
	name      string // "" of the first
	key       string // of an included one
	variables []string
	caller    *frame
}

// The ways in which a block ends early. They are no faults.
var (
	errStop   = errors.New("stop")
	errReturn = errors.New("return")
)

func newRun(ctx context.Context, s *Script, in *Input) *run {
	r := &run{ctx: ctx, in: in, limits: s.limits, steps: s.limits.Steps, globals: map[string]string{}, included: map[string]bool{}}
	r.host = patient{in.Host, r}
	if in.Host == nil {
		r.host = nobody{}
	}
	r.deadline = time.Now().Add(s.limits.Time)
	r.message = newMessage(in)
	r.last = &call{spec: &implicitKeep, line: s.lines}
	r.frame = newFrame(s)
	return r
}

func newFrame(s *Script) *frame { return &frame{script: s, variables: make([]string, s.slots)} }

// script runs the script to its end.
func (r *run) script(s *Script) (*Result, error) {
	if err := r.block(s.calls); err != nil && err != errStop && err != errReturn {
		return nil, err
	}
	return r.finish()
}

// block runs the commands of a block.
func (r *run) block(calls []*call) error {
	for _, c := range calls {
		if err := r.spend(c, 1); err != nil {
			return err
		}
		before := r.scratch
		err := c.run(r, c)
		r.forget(before)
		if err != nil {
			return err
		}
		if err := r.spend(c, 0); err != nil {
			return err
		}
	}
	return nil
}

// test evaluates a test.
func (r *run) evaluate(c *call) (bool, error) {
	if err := r.spend(c, 1); err != nil {
		return false, err
	}
	before := r.scratch
	ok, err := c.test(r, c)
	r.forget(before)
	return ok, err
}

// cost counts octets that are compared or copied. The limit is told by the next spend.
func (r *run) cost(octets int) { r.octets += octets }

// affords tells whether there are steps left for so many octets, and counts them.
func (r *run) affords(octets int) bool {
	r.cost(octets)
	return r.octets/octetsPerStep <= r.steps
}

// spend takes steps, and tells which limit is passed.
func (r *run) spend(c *call, steps int) error {
	steps += r.octets / octetsPerStep
	r.octets %= octetsPerStep
	r.steps -= steps
	r.clock -= steps
	switch {
	case r.steps < 0:
		return r.fault(c, "sieve.limit_steps", r.limits.Steps)
	case r.overflow:
		return r.fault(c, "sieve.limit_memory", r.limits.Memory)
	case r.clock > 0:
		return nil
	}
	r.clock = clockSteps
	if time.Now().After(r.deadline) {
		r.steps = 0 // it took as long as more than all of them would
		return r.fault(c, "sieve.limit_time")
	}
	return hostError(r.ctx.Err())
}

// hold counts octets that are kept until the run ends, or with a negative number are not kept any more.
func (r *run) hold(octets int) {
	r.memory += octets
	r.overflow = r.overflow || r.memory > r.limits.Memory
}

// borrow counts octets that are held until the test or command at hand is done. It is false when there is no room for them;
// the limit is told by the next spend.
func (r *run) borrow(octets int) bool {
	r.scratch += octets
	r.hold(octets)
	return !r.overflow
}

// forget gives back what was borrowed since there was so much of it.
func (r *run) forget(before int) {
	r.hold(before - r.scratch)
	r.scratch = before
}

// fault ends the run.
func (r *run) fault(c *call, key string, args ...any) error {
	return &RunError{newFault(r.frame.name, c.line, key, args), r.taken()}
}

// taken is how many steps were taken.
func (r *run) taken() int { return r.limits.Steps - max(r.steps, 0) }

// warn notes what is wrong but ends nothing.
func (r *run) warn(c *call, key string, args ...any) {
	if len(r.result.warnings) < MaxFaults {
		r.result.warnings = append(r.result.warnings, newFault(r.frame.name, c.line, key, args))
	}
}

// hostError marks an error that is not the script's.
func hostError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sieve.Run: %w", mail.Wrap("sieve.Run", err))
}

// content gives the message as it stands, nil when it is as it came.
func (r *run) content() *Content {
	if r.message.edited && r.message.kept == nil {
		defer func() {
			n := len(r.message.kept.pieces[0].octets)
			r.cost(n)
			r.hold(n)
		}()
	}
	return r.message.content()
}

// total is the size of the message as it stands (RFC 5228 §5.9).
func (r *run) total() int64 {
	if c := r.content(); c != nil {
		return c.size
	}
	return r.message.size
}

// now is the time of the run.
func (r *run) now() time.Time {
	if r.in.Now.IsZero() {
		return time.Now()
	}
	return r.in.Now
}
