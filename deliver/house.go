package deliver

import (
	"context"
	"log/slog"
	"strings"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/dns"
	"tegami/wire/mailauth/dkim"
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
	// "https://mail.example.jp/list/leave/"; "" = lists offer to leave by mail only.
	UnsubscribeURL string
	Log            *slog.Logger
	Metrics        *obs.Metrics

	// Wake says that something due was written (queue.Runner.Wake).
	Wake func()
	// Filled says that a box is over 90 % of its quota, or was found full (SV-5); with every message that finds it so.
	Filled func(tenant mail.TenantID, account directory.Account, used, quota int64)
	// Moderate says that a post waits for an owner of its list, who ends that with House.Moderate.
	Moderate func(tenant mail.TenantID, list directory.List, item queue.Item)
	// SwitchedOff says that a member gets no more of a list, because of its bounces (LI-7).
	SwitchedOff func(tenant mail.TenantID, list directory.List, member mail.Address)
	// Report reads an aggregate report about the domain of to. The item's octets are open meanwhile. An error of kind
	// Busy or Unavailable puts it off; with any other the report is dropped.
	Report func(ctx context.Context, tenant mail.TenantID, to mail.Address, item *queue.Item, octets store.Blob) error
	// Proved tells from the facts of a message whether its header's From is proved (SPF or DKIM, aligned).
	// What was submitted here is; nil = nothing else is.
	Proved func(*queue.Doc) bool
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

// Mail is a message as it is put away: octets and what its item says.
type Mail struct {
	mailbox.NewMail
	Doc *queue.Doc // envelope and origin, for what goes on; To is not read
}

// Letter is mail that the platform writes itself.
type Letter struct {
	Tenant mail.TenantID    // whose store and queue it goes through
	From   mail.Address     // null for notices
	To     []mail.Recipient // at least one
	Octets []byte           // the whole message, with CRLF
	Sign   string           // the domain that signs it when it leaves; "" = none
	// Service mail goes into a full box too, up to ServiceRoom over its quota.
	Service bool
}

// ServiceRoom is how many octets of Service mail a box takes over its quota (SV-5).
const ServiceRoom int64 = 1 << 20

// Post accepts a letter: it is in the boxes of those here and in the queue for all others when Post
// returns. with, which may be nil, writes in the same transaction, and may run more than once. The item is
// marked Auto: nobody gets a notice about it, and lists don't take it.
func (h *House) Post(ctx context.Context, l Letter, with func(store.Tx) error) (mail.ItemID, error) {
	return 0, mail.E("deliver.Post", mail.Unavailable, "")
}

// Committed is called after the commit of what Local did, with what Local was given and gave. It wakes the
// queue for what goes on, and says which boxes are nearly full.
func (h *House) Committed(ctx context.Context, to []Addressee, done []queue.Recipient) {}

// Local puts a message into the box of each addressee, writes an item for each account that forwards, and
// says what became of each addressee, in the same order. Rules and errors are those of the function Local;
// who forwards and keeps no copy is Expanded. Committed is called after the commit.
func (h *House) Local(tx store.Tx, m Mail, to []Addressee) ([]queue.Recipient, error) {
	return Local(tx, h.cfg.Mailbox, m.NewMail, to)
}

// Decision is what an owner says about a post that waits.
type Decision uint8

// Decisions.
const (
	Accept  Decision = iota + 1 // it goes to the members
	Refuse                      // it goes back to the poster with a notice
	Discard                     // it vanishes, and nobody hears of it
)

// Moderate ends the waiting of a post on a moderated list (LI-7). For the list's owners with an account
// here, the tenant's administrators and operators. NotFound "item.unknown" where no post waits under this id.
func (h *House) Moderate(ctx context.Context, by mail.Actor, tenant mail.TenantID, id mail.ItemID, d Decision) error {
	return mail.E("deliver.Moderate", mail.Unavailable, "")
}

// Carrier carries what stays in the house: give it to the Runner for queue.RouteLocal, queue.RouteForward
// and the routes of queue.RouteList.
func (h *House) Carrier() queue.Carrier { return h }

// Destination names what an item waits for: all local work of a tenant, a list.
func (h *House) Destination(tenant mail.TenantID, it *queue.Item) string {
	kind, rest, _ := strings.Cut(it.Route, " ")
	if rest == "" {
		rest = tenant.String()
	}
	return kind + " " + rest
}

// Carry serves a destination.
func (h *House) Carry(ctx context.Context, _ string, next func(context.Context) *queue.Job) error {
	return nil
}
