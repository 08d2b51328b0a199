package inspect

import (
	"cmp"
	"context"
	"io"

	"tegami/policy"
	"tegami/policy/probe/cell"
	"tegami/policy/virus"
	"tegami/wire/mime"
)

// maxLeaves is how many parts of a message engines see by themselves. They see all of it as a whole.
const maxLeaves = 1000

// leavesOf gives the leaf parts of a message, also of messages in it.
func leavesOf(m *mime.Message) (list []*mime.Part) {
	m.Root.Walk(func(p *mime.Part) bool {
		if len(p.Children) == 0 && len(list) < maxLeaves {
			list = append(list, p)
		}
		return true
	})
	return list
}

// isBody tells whether a part is text of the message and no file.
func isBody(p *mime.Part) bool {
	return p.IsText() && p.Disposition != "attachment" && p.Filename() == "" && (p.Subtype == "plain" || p.Subtype == "html")
}

// forEngines is the message as engines see it.
func (l *Look) forEngines() *virus.Message {
	m := &virus.Message{Raw: func() io.Reader { return io.NewSectionReader(l.octets, 0, l.message.Parsed.Size) }, Size: l.message.Parsed.Size, Parts: make([]virus.Part, len(l.leaves))}
	for i, p := range l.leaves {
		m.Parts[i] = virus.Part{
			Name: p.Filename(), Type: p.Type + "/" + p.Subtype, Body: isBody(p), Size: p.BodyEnd - p.BodyStart, Open: func() io.Reader { return p.Content(l.octets) },
		}
	}
	return m
}

// scan asks the engines, while the attachments are taken apart.
func (l *Look) scan(ctx context.Context) (*attachments, error) {
	s := l.service
	if s.cfg.Virus == nil {
		return &attachments{report: &cell.Report{}}, nil
	}
	l.leaves = leavesOf(l.message.Parsed)
	m := l.forEngines()
	told := make(chan virus.Result, 1)
	go func() { told <- s.cfg.Virus.Scan(ctx, m) }()
	inside, err := l.takeApart(ctx)
	r := <-told // ends with ctx
	if err != nil {
		return nil, err
	}
	more, paths := inside.threats(r.Threats)
	l.virus = &policy.Virus{}
	verdict := virus.Worse(r.Verdict, inside.verdict(l.virus))
	if len(more) > 0 {
		verdict = virus.Infected
	}
	l.virus.Result = string(verdict)
	l.noteEngines(r.Engines)
	for i, t := range more {
		l.noteThreat(m, t, paths[i])
	}
	for _, t := range r.Threats {
		l.noteThreat(m, t, "")
	}
	l.body = l.body || verdict == virus.Infected && len(l.infected) == 0
	return inside, nil
}

// noteEngines notes who looked, and who did not answer.
func (l *Look) noteEngines(engines []virus.Said) {
	for _, e := range engines {
		if e.Err != nil {
			l.service.cfg.Log.Warn("a virus engine did not answer", "engine", e.Name, "session", l.message.Origin.Session, "took", e.Took, "err", e.Err)
			l.virus.Down = append(l.virus.Down, e.Name)
			continue
		}
		l.virus.Engines = append(l.virus.Engines, e.Name+" "+e.Version)
	}
}

// noteThreat notes a threat and where it is; file is its name, if it is known better than by its part's.
func (l *Look) noteThreat(m *virus.Message, t virus.Threat, file string) {
	if len(l.virus.Threats) >= policy.MaxThreats {
		return
	}
	found := policy.Threat{Name: t.Name, Engine: t.Engine}
	if t.Part == virus.Whole || m.Parts[t.Part].Body {
		l.body = true
	} else {
		found.File = cmp.Or(file, m.Parts[t.Part].Name, m.Parts[t.Part].Type)
		l.infected = append(l.infected, infectedPart{l.leaves[t.Part], len(l.virus.Threats)})
	}
	l.virus.Threats = append(l.virus.Threats, found)
}

// infectedPart is a part with a virus, and the place of its threat.
type infectedPart struct {
	part   *mime.Part
	threat int
}

// Virus is what was found; nil where nobody looked.
func (l *Look) Virus() *policy.Virus { return l.virus }

// BodyInfected tells whether a virus stands in the text of the message or outside of its parts: then it can't be made clean (VC-3).
func (l *Look) BodyInfected() bool { return l.body }

// Done notes what was done about all that was found.
func (l *Look) Done(what policy.ThreatAction) {
	for i := range l.virus.Threats {
		l.virus.Threats[i].Action = what
	}
}
