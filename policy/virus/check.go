package virus

import (
	"context"
	"io"
	"time"
)

// Verdict is what is known of a message, or of one part.
type Verdict string

// The verdicts, from the best to the worst for who has to decide.
const (
	Clean       Verdict = "clean"
	Encrypted   Verdict = "encrypted"   // it can't be read without a password
	Unscannable Verdict = "unscannable" // it is larger or deeper than is looked at, or damaged
	Failed      Verdict = "failed"      // an engine that should have looked did not answer
	Infected    Verdict = "infected"
)

// rank orders verdicts.
var rank = map[Verdict]int{Clean: 0, Encrypted: 1, Unscannable: 2, Failed: 3, Infected: 4}

// Worse gives the worse of two verdicts.
func Worse(a, b Verdict) Verdict {
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Message is a message as engines see it: as it is, and its leaf parts, decoded. What Open and Raw give may be read several times at once.
type Message struct {
	Raw   func() io.Reader // the octets as they came
	Size  int64
	Parts []Part
}

// Part is a leaf of the message's structure.
type Part struct {
	Name string // of the file, decoded; "" = none
	Type string // as the message says, such as "application/zip"
	Body bool   // it is text of the message, not a file
	Open func() io.Reader
	Size int64 // in the message, before decoding
}

// Whole is Threat.Part of what was found in the message outside of its parts (VC-3: "mail body").
const Whole = -1

// Threat is something harmful.
type Threat struct {
	Engine string
	Name   string // as the engine calls it
	Part   int    // of Message.Parts, or Whole
}

// Answer is what an engine says.
type Answer struct {
	Verdict Verdict
	Threats []Threat
	Version string // of the engine and of what it knows
}

// Engine looks for viruses. Scan ends with ctx; its error says that the engine did not answer.
type Engine interface {
	Name() string
	Scan(ctx context.Context, m *Message) (Answer, error)
}

// Said is what became of one engine.
type Said struct {
	Name    string
	Verdict Verdict // Failed where Err is not nil
	Version string
	Err     error
	Took    time.Duration
}

// Result is what all engines say together.
type Result struct {
	Verdict Verdict // the worst
	Threats []Threat
	Engines []Said // in the order of Check.Engines
}

// Check asks engines.
type Check struct {
	Engines []Engine
	Time    time.Duration // they have together; 0 = DefaultTime
}

// DefaultTime is how long engines have.
const DefaultTime = 20 * time.Second

// Scan asks all engines at once.
func (c *Check) Scan(ctx context.Context, m *Message) Result {
	limit := c.Time
	if limit == 0 {
		limit = DefaultTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type told struct {
		at     int
		said   Said
		answer Answer
	}
	answers := make(chan told, len(c.Engines)) // room for all: none waits for a reader that is gone
	for i, e := range c.Engines {
		go func() {
			begun := time.Now()
			a, err := e.Scan(ctx, m)
			s := Said{Name: e.Name(), Verdict: a.Verdict, Version: a.Version, Err: err, Took: time.Since(begun)}
			if err != nil {
				s.Verdict = Failed
			}
			answers <- told{i, s, a}
		}()
	}
	r := Result{Verdict: Clean, Engines: make([]Said, len(c.Engines))}
	threats := make([][]Threat, len(c.Engines))
	for range c.Engines { // each ends with ctx
		t := <-answers
		r.Engines[t.at] = t.said
		r.Verdict = Worse(r.Verdict, t.said.Verdict)
		threats[t.at] = t.answer.Threats
	}
	for _, list := range threats {
		r.Threats = append(r.Threats, list...)
	}
	return r
}
