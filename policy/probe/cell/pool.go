package cell

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"tegami/mail"
)

// Config is what a Pool is made of. Command must be set.
type Config struct {
	// Command is a program that calls Serve, with its arguments.
	Command []string
	// Children is how many there are at most, each at about 100 MB; 0 for as many as processors, 4 at most.
	Children int
	Limits   Limits // the zero value for Default
	// Uses is how many questions a child answers before another takes its place; 0 for 500. What a file left behind in one is gone then.
	Uses int
	Log  *slog.Logger
}

const (
	mostChildren = 4
	defaultUses  = 500
	// startTime is how long a child may take until it is ready. The first one of a release compiles PDFium: 10 s of a processor.
	startTime = 2 * time.Minute
	// grace is what a child may take beyond its time before it is killed.
	grace = 2 * time.Second
	// firstWait and lastWait bound how long is waited before a child is started again that could not be.
	firstWait = time.Second
	lastWait  = time.Minute
)

// A Pool is an Inspector over children. Its methods may be called from many goroutines.
type Pool struct {
	cfg  Config
	ctx  context.Context
	end  context.CancelFunc
	kept sync.WaitGroup // keepers of children

	idle     chan *child   // who waits for a question; some may be gone
	starting chan struct{} // holds one: children start one after another, so that one of them compiles for all
	bare     bool          // namespaces are refused here; under starting

	mu    sync.Mutex
	slots int // keepers
	ready int // children that live
	state State
	told  bool          // of a child that is not confined
	news  chan struct{} // closed, and made anew, when a start failed
}

// State is how a pool is.
type State struct {
	Children int         // that live
	Confined Confinement // of the youngest
	Lost     int         // children that were killed or ended by themselves in the midst of a question
	Err      error       // why none could be started; nil while there are some, or before the first
}

// NewPool makes a pool. Children are started when there is work for them, or one before by Start.
func NewPool(cfg Config) *Pool {
	if cfg.Children <= 0 {
		cfg.Children = min(runtime.GOMAXPROCS(0), mostChildren)
	}
	if cfg.Limits == (Limits{}) {
		cfg.Limits = Default()
	}
	if cfg.Uses <= 0 {
		cfg.Uses = defaultUses
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pool{cfg: cfg, idle: make(chan *child, 2*cfg.Children), starting: make(chan struct{}, 1), news: make(chan struct{})}
	p.ctx, p.end = context.WithCancel(context.Background())
	return p
}

// Start has the first child started, so that the first message does not wait for it. It returns at once.
func (p *Pool) Start() { p.grow() }

// Close ends all children. What they were asked is reported as not looked into.
func (p *Pool) Close() {
	p.end()
	p.kept.Wait()
}

// State tells how the pool is.
func (p *Pool) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.Children = p.ready
	return s
}

// grow has one more child kept, if there may be one more.
func (p *Pool) grow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.slots >= p.cfg.Children || p.ctx.Err() != nil {
		return
	}
	p.slots++
	p.kept.Go(p.keep)
}

// keep sees to it that there is a child: when one ends, it starts another.
func (p *Pool) keep() {
	wait := firstWait
	for p.ctx.Err() == nil {
		c, err := p.start()
		p.note(c, err)
		if err != nil {
			p.pause(wait)
			wait = min(2*wait, lastWait)
			continue
		}
		wait = firstWait
		select {
		case p.idle <- c:
		case <-p.ctx.Done():
		}
		select {
		case <-c.gone:
		case <-p.ctx.Done():
		}
		c.kill()
		<-c.gone
		p.mu.Lock()
		p.ready--
		p.mu.Unlock()
	}
}

// note keeps what became of a start.
func (p *Pool) note(c *child, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.ready++
		if !c.confined.Whole() && !p.told {
			p.told = true
			p.cfg.Log.Warn("what takes attachments apart could not give up files and connections", "problem", c.confined.Problem)
		}
		p.state.Confined, p.state.Err = c.confined, nil
		return
	}
	if p.ctx.Err() == nil {
		p.cfg.Log.Error("what takes attachments apart does not start", "err", err)
	}
	if p.ready == 0 {
		p.state.Err = err
		close(p.news)
		p.news = make(chan struct{})
	}
}

// pause waits, at most until the pool ends.
func (p *Pool) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.ctx.Done():
	}
}

// start starts a child and waits until it is ready.
func (p *Pool) start() (*child, error) {
	select {
	case p.starting <- struct{}{}:
		defer func() { <-p.starting }()
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
	ctx, cancel := context.WithTimeout(p.ctx, startTime)
	defer cancel()
	if p.bare {
		return startChild(ctx, p.cfg.Command, false)
	}
	c, err := startChild(ctx, p.cfg.Command, true)
	if err == nil || ctx.Err() != nil {
		return c, err
	}
	c, again := startChild(ctx, p.cfg.Command, false)
	if p.bare = again == nil; p.bare {
		p.cfg.Log.Info("what takes attachments apart gets no namespaces here; it gives up files and connections all the same", "err", err)
	}
	return c, again
}

// errNone says that there is no child and that none could be started.
var errNone = errors.New("no child")

// take gives a child that waits.
func (p *Pool) take(ctx context.Context) (*child, error) {
	for {
		select {
		case c := <-p.idle:
			if c.alive() {
				return c, nil
			}
			continue
		default:
		}
		p.grow()
		broken, news := p.broken()
		if broken {
			return nil, errNone
		}
		select {
		case c := <-p.idle:
			if c.alive() {
				return c, nil
			}
		case <-news:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.ctx.Done():
			return nil, errNone
		}
	}
}

// broken tells whether there is no child and none can be started, and gives what is closed when that is so.
func (p *Pool) broken() (bool, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready == 0 && p.state.Err != nil, p.news
}

// give puts a child back, or ends it after its uses.
func (p *Pool) give(c *child) {
	if c.uses++; c.uses < p.cfg.Uses {
		select {
		case p.idle <- c:
			return
		default: // full of such as are gone
		}
	}
	c.kill()
}

// Problems beside those of package apart: why a part could not be looked into at all.
const (
	Lost = "lost" // the child ended in the midst of it
	Down = "down" // there is no child, or none was free in time
)

// Inspect implements Inspector.
func (p *Pool) Inspect(ctx context.Context, parts []Part) (*Report, error) {
	if len(parts) > maxParts {
		return blind(parts, Lost), nil
	}
	c, err := p.take(ctx)
	if err != nil {
		p.cfg.Log.Warn("nobody is there to take attachments apart", "err", err)
		return blind(parts, Down), nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Limits.Time+grace)
	defer cancel()
	report, err := c.ask(ctx, p.cfg.Limits, parts)
	if err == nil {
		p.give(c)
		return report, nil
	}
	c.kill()
	if source, ok := errors.AsType[sourceError](err); ok {
		return nil, mail.Wrap("cell.Inspect", source.error)
	}
	<-c.gone // killed: soon
	p.mu.Lock()
	p.state.Lost++
	p.mu.Unlock()
	p.cfg.Log.Warn("a file was too much for what takes attachments apart", "err", err, "said", c.said.String())
	if ctx.Err() != nil {
		return blind(parts, timeOut), nil
	}
	return blind(parts, Lost), nil
}
