package deliver

import (
	"context"
	"log/slog"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/dns"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/sieve"
)

// Keys gives the keys with which a tenant signs for a domain; none is no error. domains.Service is
// the one there is.
type Keys interface {
	Signers(ctx context.Context, tenant mail.TenantID, domain string) ([]dkim.Key, error)
}

// Config is what a House needs. Store, Directory and Mailbox must be set; hooks may be nil. Hooks are
// called after the commit, from a carrier or a door: they return at once.
type Config struct {
	Store     store.Store
	Directory *directory.Directory
	Mailbox   *mailbox.Service
	Keys      Keys       // for ARC seals; nil = nothing is sealed
	Lookup    dns.Lookup // for ARC; nil = nothing is sealed
	Hostname  string     // of this platform, as in Authentication-Results
	// Postmaster gets the mail for postmaster@Hostname (RFC 5321 §4.5.1); null = nobody.
	Postmaster mail.Address
	// UnsubscribeURL is where one-click links of lists lead, the token behind it (RFC 8058), such as
	// "https://mail.example.jp/unsubscribe?t="; "" = lists offer to leave by mail only.
	UnsubscribeURL string
	Log            *slog.Logger
	Metrics        *obs.Metrics

	// Filter gives what an account's company, and it itself, want done with unwanted mail, and for how many days mail is in quarantine (SF-1 to SF-5).
	// It answers from memory. nil: all mail is delivered as it is.
	Filter func(context.Context, *directory.Account) (f *policy.Filter, days int, err error)
	// TrustedSealers are as in intake.Config.
	TrustedSealers []string
	// Wake says that something due was written (queue.Runner.Wake).
	Wake func()
	// Filled says that a box is over 90 % of its quota, or was found full (SV-5); with every message that finds it so.
	Filled func(tenant mail.TenantID, account directory.Account, used, quota int64)
	// Moderate says that a post waits for an owner of its list, who ends that with House.Moderate.
	Moderate func(tenant mail.TenantID, list directory.List, item queue.Item)
	// SwitchedOff says that a member gets no more of a list, because of its bounces (LI-7).
	SwitchedOff func(tenant mail.TenantID, list directory.List, member mail.Address)
	// ForwardRefused says that a filter wanted to send mail on, and the company does not allow it (ML-5). The box has it.
	ForwardRefused func(tenant mail.TenantID, account directory.Account, target mail.Address)
	// FilterFailed says that a filter could not be run to its end; once for each version of its script. The box has the mail.
	FilterFailed func(tenant mail.TenantID, account directory.Account, script string, fault sieve.Fault)
	// Released is called in the transaction that settles what became of recipients of an item with a Submission: next are the items that
	// take some of them on.
	Released func(tx store.Tx, it *queue.Item, next []queue.Item) error
	// Report reads an aggregate report about the domain of to. The item's octets are open meanwhile. An error of kind
	// Busy or Unavailable puts it off; with any other the report is dropped.
	Report func(ctx context.Context, tenant mail.TenantID, to mail.Address, item *queue.Item, octets store.Blob) error
}

// House are the carriers that stay in the house, and what puts mail away in the accepting commit.
type House struct{ cfg Config }

// New makes the house.
func New(cfg Config) *House {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &House{cfg: cfg}
}
