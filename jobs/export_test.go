package jobs

import (
	"context"
	"time"
)

// SetClock gives the service another clock.
func (s *Service) SetClock(now func() time.Time) { s.now = now }

// Tidy does what is due now.
func (s *Service) Tidy(ctx context.Context) error { return newLeader(s, 1).tidy(ctx, s.now()) }
