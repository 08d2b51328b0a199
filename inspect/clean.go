package inspect

import (
	"bytes"
	"context"
	"errors"
	"io"

	"tegami/mail"
	"tegami/policy"
	"tegami/policy/clean"
	"tegami/policy/virus"
	"tegami/wire/mime"
)

// Clean writes the message without what was found in its attachments (VC-3): one that can be disinfected, and is clean then for all engines, stays
// without what was harmful; in the place of any other a note stands. What was done is noted in Virus.
func (l *Look) Clean(ctx context.Context, tenant mail.TenantID, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, l.service.cfg.Time)
	defer cancel()
	var list []mime.Replacement
	done := map[*mime.Part]policy.ThreatAction{}
	for _, found := range l.infected {
		threat := &l.virus.Threats[found.threat]
		if did, again := done[found.part]; again {
			threat.Action = did
			continue
		}
		r, did, err := l.cleaned(ctx, tenant, found.part, threat)
		if err != nil {
			return mail.Wrap("inspect.Clean", err)
		}
		threat.Action, done[found.part] = did, did
		list = append(list, r)
	}
	return mail.Wrap("inspect.Clean", mime.Replace(w, l.octets, l.message.Parsed, list))
}

// cleaned is what takes the place of an infected part.
func (l *Look) cleaned(ctx context.Context, tenant mail.TenantID, p *mime.Part, found *policy.Threat) (mime.Replacement, policy.ThreatAction, error) {
	safe, err := l.disinfected(ctx, p)
	switch {
	case err == nil:
		return mime.Replacement{Part: p, Body: bytes.NewReader(safe)}, policy.ThreatDisinfected, nil
	case !errors.Is(err, clean.ErrImpossible):
		return mime.Replacement{}, "", err
	}
	header, text := l.service.cfg.Note(ctx, tenant, found)
	return mime.Replacement{Part: p, Header: header, Body: bytes.NewReader([]byte(text))}, policy.ThreatRemoved, nil
}

// disinfected gives the content of a part without what is harmful in it; clean.ErrImpossible where that can't be, or where an engine still finds
// something then, or does not answer.
func (l *Look) disinfected(ctx context.Context, p *mime.Part) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(p.Content(l.octets), clean.MaxFile+1))
	if err != nil {
		return nil, err
	}
	var safe bytes.Buffer
	_, err = clean.Disinfect(ctx, content, func(name string, content []byte) (bool, error) {
		return l.service.file(ctx, name, content) != virus.Clean, nil
	}, &safe)
	if err != nil {
		return nil, err
	}
	if l.service.file(ctx, p.Filename(), safe.Bytes()) != virus.Clean {
		return nil, clean.ErrImpossible
	}
	return safe.Bytes(), nil
}

// file asks the engines about one file, and looks into it.
func (s *Service) file(ctx context.Context, name string, content []byte) virus.Verdict {
	if !s.harmless(ctx, name, content) {
		return virus.Infected
	}
	open := func() io.Reader { return bytes.NewReader(content) }
	m := &virus.Message{Raw: open, Size: int64(len(content)), Parts: []virus.Part{{Name: name, Open: open, Size: int64(len(content))}}}
	return s.cfg.Virus.Scan(ctx, m).Verdict
}
