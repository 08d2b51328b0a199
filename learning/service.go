package learning

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"sync"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Limits of what a company learns.
const (
	MaxTokens      = 500_000 // words, as numbers
	MaxReputations = 100_000 // networks and domains
	MaxContacts    = 200_000 // people written with
	// MaxLessonTokens is how many words of one message count: the first.
	MaxLessonTokens = 2000
	// MaxLessons is how many lessons of an account can be taken back. With one more the oldest counts for good.
	MaxLessons = 2000
	// LessonDays is for how long a lesson can be taken back.
	LessonDays = 90
	// LessonsADay is how many lessons an account gives in 24 hours.
	LessonsADay = 300
	// MaxName is the length of a message's name in octets.
	MaxName = 128
	// MaxWaiting is how many lessons wait to be read. One more is left out, and a log line says so.
	MaxWaiting = 1000
	// MaxKeys is how many networks and domains are looked at for one message.
	MaxKeys = 32
)

// Kinds of counts in the store.
const (
	kindTokens      store.CountKind = iota + 1 // A: lessons of spam that had the word; B: of other mail
	kindReputations                            // A: good, B: bad, in thousandths that fade
	kindContacts                               // A: messages
	kindLessons                                // A: lessons of spam; B: of other mail; all under allLessons
)

// allLessons is the key under which lessons are counted.
const allLessons = 0

// Message is a message that is to be learned from, before its words are known.
type Message struct {
	Tenant  mail.TenantID
	Account mail.AccountID // who taught it, or whose it is
	Blob    mail.BlobRef   // its octets, which also name it: the same octets are the same message
	Spam    bool           // what it was said to be
}

// Words are what there is to learn from a message.
type Words struct {
	Tokens []uint64 // as the spam filter makes them
	Keys   []string // networks and domains that brought it, as Memory.Reputation asks for them
	Digest uint64   // by which near-duplicates are found; 0 = none
}

// Config is what a Service stands on. Store and By must be set.
type Config struct {
	Store store.Store
	By    mail.Actor // the platform at work
	// Read reads a message of a tenant and gives its words, for lessons that come by Later. NotFound where it is gone. nil: Later takes nothing.
	Read func(context.Context, mail.TenantID, mail.BlobRef) (Words, error)
	Log  *slog.Logger // nil = silent
}

// Service learns. Its methods may be called from many goroutines.
type Service struct {
	cfg     Config
	waiting chan Message
	full    chan struct{} // experience is to be written soon

	mu      sync.Mutex
	tenants map[mail.TenantID]*recent
}

// New makes the service. Run must run for what Later and Saw note.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: cfg, waiting: make(chan Message, MaxWaiting), full: make(chan struct{}, 1), tenants: map[mail.TenantID]*recent{}}
}

// hashed makes a number of a text, which nobody can find another text for.
func hashed(text string) int64 {
	sum := sha256.Sum256([]byte(text))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// day is the number of a day.
func day(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// update writes for a tenant in the platform's name.
func (s *Service) update(ctx context.Context, tenant mail.TenantID, op mail.Op, fn func(store.Tx) error) error {
	return mail.Wrap(op, s.cfg.Store.Tenant(tenant).Update(ctx, s.cfg.By, op, fn))
}
