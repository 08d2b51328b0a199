package trace

import (
	"context"
	"log/slog"
	"time"

	"tegami/mail"
	"tegami/obs"
	"tegami/store"
)

// DefaultKeep is for how long settled items stay.
const DefaultKeep = 90 * 24 * time.Hour

// Config is what a Service stands on. Store must be set.
type Config struct {
	Store store.Store
	Keep  time.Duration // for how long settled items are kept; 0 = DefaultKeep
	// IndexAfter is how old an item is before it is put into the index. 0 = 10 s; negative: at once, for tests.
	IndexAfter time.Duration
	// Zone tells where a company's days begin, for Days; nil, or a nil zone: Japan's.
	Zone    func(context.Context, mail.TenantID) *time.Location
	Metrics *obs.Metrics // what Days counts, of all companies; nil = none
	Log     *slog.Logger // nil = silent
}

// Service searches and keeps the trace. Its methods may be called from many goroutines.
type Service struct {
	cfg       Config
	work      work
	notesWait notes
}

// New makes the service. Run keeps its index.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.IndexAfter == 0 {
		cfg.IndexAfter = indexAfter
	}
	if cfg.Keep <= 0 {
		cfg.Keep = DefaultKeep
	}
	return &Service{cfg: cfg}
}

// Keep is for how long settled items are kept.
func (s *Service) Keep() time.Duration { return s.cfg.Keep }

// oldest is the beginning of a search: what is asked for, but not before the trace begins.
func (s *Service) oldest(since time.Time) time.Time {
	if begin := time.Now().Add(-s.cfg.Keep); since.Before(begin) {
		return begin
	}
	return since
}
