package contacts

import (
	"cmp"
	"context"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/store"
)

// Limits of address books.
const (
	// MaxBooks is how many an account has, the two it always has among them.
	MaxBooks = 100
	// MaxCards is how many cards an account has in all books.
	MaxCards = 10_000
	// MaxBookName is the length of a book's name in octets (RFC 9610 §2).
	MaxBookName = 255
	// MaxDescription is the length of what is said of a book, in octets.
	MaxDescription = 1000
	// MaxUID is the length of a card's uid in octets.
	MaxUID = 255
	// MaxPath is the length of the name under which CardDAV finds a card or a book, in octets.
	MaxPath = 255
)

// Config is what the service needs beside a store.
type Config struct {
	// Words names the two books that everybody has.
	Words *i18n.Catalogue
	// Collects tells whether an account's owner wants those he writes to in [メールを送信した連絡先]; nil: everybody does.
	Collects func(context.Context, *directory.Identity) (bool, error)
	// MaxCards is how many cards an account has; 0 = MaxCards.
	MaxCards int
}

// Service opens accounts' address books and holds what their sessions share.
type Service struct {
	store   store.Store
	dir     *directory.Directory
	cfg     Config
	shelves memory[shelfKey, *shelf]
	gals    memory[galleryKey, *gallery] // companies' address books as the users of their domains see them
}

// New makes the service over a store.
func New(st store.Store, dir *directory.Directory, cfg Config) *Service {
	cfg.MaxCards = cmp.Or(cfg.MaxCards, MaxCards)
	return &Service{
		store: st, dir: dir, cfg: cfg,
		shelves: memory[shelfKey, *shelf]{most: maxRows, fresh: newShelf},
		gals:    memory[galleryKey, *gallery]{most: maxPainted, fresh: func() *gallery { return new(gallery) }},
	}
}

// Account is one account's address books, opened for its owner. Its methods may be called from several goroutines.
type Account struct {
	service *Service
	id      *directory.Identity
	account directory.Account
	tenant  store.Tenant
	shelf   *shelf
}

// Open gives an identity its own address books. It reads nothing. Denied without an identity.
func (s *Service) Open(_ context.Context, id *directory.Identity) (*Account, error) {
	if id == nil || !id.Actor().Valid() {
		return nil, mail.E("contacts.Open", mail.Denied, "auth.failed")
	}
	acc := id.Account()
	return &Account{s, id, acc, s.store.Tenant(id.Tenant()), s.shelves.open(shelfKey{id.Tenant(), acc.ID})}, nil
}

// Identity is who opened the account.
func (a *Account) Identity() *directory.Identity { return a.id }

// MaxCards is how many cards the account may have.
func (a *Account) MaxCards() int { return a.service.cfg.MaxCards }

// Watch sends the account's ModSeq after something in it changed, until ctx ends.
func (a *Account) Watch(ctx context.Context) <-chan mail.ModSeq {
	return a.tenant.Watch(ctx, a.account.ID)
}

// company is the account's company.
func (a *Account) company() *directory.Company { return a.service.dir.Company(a.account.Tenant) }
