package jobs

import (
	"context"
	"time"
)

// SetClock gives the service another clock.
func (s *Service) SetClock(now func() time.Time) { s.now = now }

// Tidy does what is due now.
func (s *Service) Tidy(ctx context.Context) error { return newLeader(s, 1).tidy(ctx, s.now()) }

// Shelved is how many jobs ended and are to be looked at again.
func (s *Service) Shelved(ctx context.Context) (int, error) {
	entries, err := newLeader(s, 1).entries(ctx, dueLater)
	return len(entries), err
}
