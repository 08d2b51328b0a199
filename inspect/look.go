package inspect

import (
	"context"
	"io"

	"tegami/learning"
	"tegami/mail"
	"tegami/policy"
	"tegami/policy/spam"
	"tegami/policy/spam/rspamd"
	"tegami/store"
	"tegami/wire/mime"
)

// Look looks into a message. An error is the message's end for now: nothing of what others did not answer is one.
func (s *Service) Look(ctx context.Context, m *Message) (*Look, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Time)
	defer cancel()
	l := &Look{service: s, message: m, octets: mime.Chunks(m.Chunks)}
	inside, err := l.scan(ctx)
	if err != nil {
		return nil, mail.Wrap("inspect.Look", err)
	}
	q := &spam.Inquiry{Octets: l.octets, Message: m.Parsed, Facts: m.Facts, Origin: m.Origin, From: m.From, Recipients: m.Recipients}
	inside.inquire(q)
	if s.cfg.Rspamd != nil && !m.Internal {
		l.askRspamd(ctx, q)
	}
	l.features = spam.Look(q)
	if s.cfg.Lists != nil && !m.Internal {
		found, late := s.cfg.Lists.Ask(ctx, m.Origin.Remote, l.features.Domains())
		l.features, l.late = l.features.Listed(found), append(l.late, late...)
	}
	return l, nil
}

// askRspamd asks for its opinion.
func (l *Look) askRspamd(ctx context.Context, q *spam.Inquiry) {
	m, s := l.message, l.service
	var err error
	q.Opinion, err = s.cfg.Rspamd.Ask(ctx, rspamd.Question{
		Octets: io.NewSectionReader(l.octets, 0, m.Parsed.Size), Size: m.Parsed.Size, Origin: m.Origin, From: m.From,
	})
	if err != nil {
		s.cfg.Log.Warn("an Rspamd did not answer", "session", m.Origin.Session, "err", err)
		l.late = append(l.late, "rspamd")
	}
}

// Late names who was asked about the message and did not answer in time.
func (l *Look) Late() []string { return l.late }

// Doubtful tells whether the sender of a message with a score should be asked to come again: it may be spam or not, and nothing good is known of who
// brought it. What can't be found out is no reason to.
func (l *Look) Doubtful(ctx context.Context, tenant mail.TenantID, score *policy.Spam) bool {
	found, err := memory{l.service.cfg.Learning.Memory(tenant)}.Reputation(ctx, l.features.Keys())
	if err != nil {
		return false
	}
	var best spam.Rep
	for _, r := range found {
		if r.Good-r.Bad > best.Good-best.Bad {
			best = r
		}
	}
	return spam.Doubtful(*score, best)
}

// Score says how likely the message is spam for a company (SF-1, SF-3).
func (l *Look) Score(ctx context.Context, tenant mail.TenantID) *policy.Spam {
	s := l.service
	found := spam.Score(ctx, l.features, memory{s.cfg.Learning.Memory(tenant)}, spam.Config{Own: s.crews.of(ctx, tenant), Internal: l.message.Internal})
	return &found
}

// Bounds of what speaks for or against those who brought a message, in percent.
const (
	goodBelow = 20.0
	metBelow  = 50.0 // its author is known from then on
)

// Saw has a company remember the message: who brought it, and what it was like. To be called after the commit; to are the recipients of one that
// the company's people sent.
func (l *Look) Saw(tenant mail.TenantID, percent float64, to []mail.Address) {
	seen := learning.Seen{Tenant: tenant, Digest: uint64(l.features.Digest), Met: to, Spam: percent >= policy.DefaultThreshold}
	if !l.message.Internal {
		seen.Keys = l.features.Keys()
	}
	switch {
	case seen.Spam:
		seen.Bad = 1
	case percent < goodBelow:
		seen.Good = 1
	}
	if author := l.features.Author(); percent < metBelow && !author.IsNull() && !l.message.Internal {
		seen.Met = append(seen.Met, author)
	}
	l.service.cfg.Learning.Saw(seen)
}

// Words reads a message again for what there is to learn from it.
func Words(ctx context.Context, tenant store.Tenant, ref mail.BlobRef) (w learning.Words, err error) {
	blob, err := tenant.Blobs().Open(ctx, ref)
	if err != nil {
		return w, mail.Wrap("inspect.Words", err)
	}
	defer blob.Close()
	parsed, err := mime.Parse(io.NewSectionReader(blob, 0, blob.Size()), mime.Limits{})
	if err != nil {
		return w, mail.Because("inspect.Words", mail.Unavailable, "", err)
	}
	f := spam.Look(&spam.Inquiry{Octets: blob, Message: parsed})
	return learning.Words{Tokens: spam.Tokens(f), Keys: f.Keys(), Digest: uint64(f.Digest)}, nil
}
