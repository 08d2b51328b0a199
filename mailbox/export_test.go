package mailbox

import (
	"context"
	"time"

	"tegami/mail"
)

// Shares tells whether two views hold the same list, not only an equal one.
func Shares(v, w *View) bool {
	return v.Len() == w.Len() && &v.shown.pieces[0].ms[0] == &w.shown.pieces[0].ms[0]
}

// IndexNow indexes what came into an account, without waiting for more.
func (s *Service) IndexNow(ctx context.Context, t mail.TenantID, a mail.AccountID) (Indexed, error) {
	return s.index(ctx, textAccount{t, a}, time.Now(), nil)
}

// LimitFacts sets how many octets of facts are remembered.
func LimitFacts(s *Service, octets int) { s.facts.limit = octets }

// FactsHeld tells how many octets of facts are remembered, and of how many mailboxes.
func FactsHeld(s *Service) (octets, boxes int) {
	s.facts.mu.Lock()
	defer s.facts.mu.Unlock()
	sum := 0
	for _, b := range s.facts.boxes {
		sum += b.octets
	}
	if sum != s.facts.octets || len(s.facts.boxes) != s.facts.order.Len() {
		return -1, len(s.facts.boxes)
	}
	return sum, len(s.facts.boxes)
}

// Walk looks at all accounts once.
func (s *Service) Walk(ctx context.Context) error { return s.walk(ctx) }

// SharesPicture tells whether two registers hold one picture.
func SharesPicture(r, s *Register) bool { return r.pic == s.pic }

// PicturesHeld tells of how many accounts pictures are remembered, and how many messages they have.
func PicturesHeld(s *Service) [2]int {
	p := &s.pictures
	p.mu.Lock()
	defer p.mu.Unlock()
	return [2]int{p.order.Len(), p.rows}
}

// AgePictures lets time pass for the pictures.
func AgePictures(s *Service, d time.Duration) {
	p := &s.pictures
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, known := range p.known {
		known.asked = known.asked.Add(-d)
	}
}
