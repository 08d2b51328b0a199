package inspect

import (
	"context"
	"log/slog"
	"time"

	"tegami/directory"
	"tegami/learning"
	"tegami/mail"
	"tegami/policy"
	"tegami/policy/probe/cell"
	"tegami/policy/spam"
	"tegami/policy/spam/lists"
	"tegami/policy/spam/rspamd"
	"tegami/policy/virus"
	"tegami/wire/mime"
)

// DefaultTime is how long looking into a message may take. The other side waits ten minutes for an answer (RFC 5321 §4.5.3.2.6).
const DefaultTime = 25 * time.Second

// Config is what a Service asks. Directory and Learning must be set.
type Config struct {
	Directory *directory.Directory
	Learning  *learning.Service // what companies remember
	Virus     *virus.Check      // nil: nobody looks for viruses
	Apart     cell.Inspector    // takes attachments apart; nil: nobody does
	// Note writes what stands in the place of an attachment that was removed (VC-3): the header of its part, and its text.
	Note   func(ctx context.Context, tenant mail.TenantID, found *policy.Threat) (mime.Header, string)
	Lists  *lists.Prober  // DNS lists that are asked about mail from outside; nil: none
	Rspamd *rspamd.Client // asked about mail from outside; nil: nobody
	Time   time.Duration
	Log    *slog.Logger
}

// Service looks into messages. Its methods may be called from many goroutines.
type Service struct {
	cfg   Config
	crews crews
}

// New makes the service.
func New(cfg Config) *Service {
	if cfg.Time == 0 {
		cfg.Time = DefaultTime
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg, crews{dir: cfg.Directory, log: cfg.Log, held: map[mail.TenantID]*crew{}}}
}

// Message is a message that is looked into.
type Message struct {
	Origin     mail.Origin
	From       mail.Address // of the envelope
	Recipients int
	Internal   bool          // from somebody of ours
	Chunks     [][]byte      // its octets, which do not change until Look's end
	Parsed     *mime.Message // their structure
	Facts      *policy.Facts // who sent it; Look does not write there
}

// Look is what was found in a message. Use from one goroutine.
type Look struct {
	service  *Service
	message  *Message
	octets   mime.Chunks
	leaves   []*mime.Part
	virus    *policy.Virus
	infected []infectedPart
	late     []string // who did not answer in time
	body     bool     // a virus stands in no attachment
	features *spam.Features
}
