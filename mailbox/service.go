package mailbox

import (
	"context"
	"log/slog"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/sieve"
)

// Config are the limits of the service. The zero value is the shipped profile.
type Config struct {
	// MaxMessage is the size of a message in octets that may be appended (ML-9). 0 = mail.MaxMessageSize.
	MaxMessage int64
	// MaxMailboxes is how many mailboxes an account may have. 0 = MaxMailboxes.
	MaxMailboxes int
	// Admin is where users reach the operator, as a URI such as "mailto:postmaster@example.jp", and Comment what the operator
	// says of the server; mail software shows them (RFC 5464 §6.2.1). "" = nothing.
	Admin, Comment string
	// NoTextIndex lets searches do without the full-text index, and none is kept.
	NoTextIndex bool
	// Log takes what goes wrong beside sessions, such as a message that cannot be indexed; nil for nowhere.
	Log *slog.Logger
	// Judged is told what somebody says of mail by moving it into or out of the folder for unwanted mail. It returns at once; nil = nobody is.
	Judged func(Lesson)
	// Sieve bounds the scripts of accounts' filters.
	Sieve sieve.Limits
}

// Service opens accounts and holds what their sessions share.
type Service struct {
	store store.Store
	dir   *directory.Directory
	cfg   Config
	boxes registry
	paths pathCache
	drops dropLocks
	facts factCache
	texts textWork

	filters filterCache
	uploads uploads

	pictures pictures
}

// New makes the service over a store. The directory tells what an account may hold at the moment it matters.
func New(st store.Store, dir *directory.Directory, cfg Config) *Service {
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = mail.MaxMessageSize
	}
	if cfg.MaxMailboxes == 0 {
		cfg.MaxMailboxes = MaxMailboxes
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{store: st, dir: dir, cfg: cfg}
	s.boxes.boxes = map[boxKey]*shared{}
	s.paths.known = map[pathKey]mail.MailboxID{}
	s.drops.held = map[dropKey]bool{}
	s.facts.init()
	s.uploads.init()
	s.pictures.known = map[textAccount]*sharedPicture{}
	s.texts.init()
	return s
}

// Open gives an identity its own account. It reads nothing. Denied without an identity.
func (s *Service) Open(_ context.Context, id *directory.Identity) (*Account, error) {
	if id == nil || !id.Actor().Valid() {
		return nil, mail.E("mailbox.Open", mail.Denied, "auth.failed")
	}
	acc := id.Account()
	return &Account{service: s, id: id, account: acc, tenant: s.store.Tenant(id.Tenant())}, nil
}
