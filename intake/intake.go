package intake

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/inspect"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
	"tegami/policy/probe"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/dns"
	"tegami/wire/mime"
)

// Config is what the intake stands on. Store, Directory, Mailbox and Hostname must be set.
type Config struct {
	Store     store.Store
	Directory *directory.Directory
	Mailbox   *mailbox.Service
	House     *deliver.House // puts mail into boxes; nil: one without forwarding's seals and hooks is made
	Runner    *queue.Runner  // carries what waits at once; nil: it waits to be claimed
	Hostname  string         // ours, for the Received field, message ids and Authentication-Results
	// Lookup is asked when mail from outside is authenticated (SPF, DKIM, DMARC, ARC). nil: it is not, and no
	// Authentication-Results is written.
	Lookup dns.Lookup
	// TrustedSealers are domains whose ARC seals are believed; see policy.Rules.
	TrustedSealers []string
	// Authenticated is told what was found out about each message from outside; it returns at once.
	Authenticated func(o mail.Origin, from mail.Address, found *probe.Found, refused bool)
	// Inspect looks into messages for viruses and spam; nil: nobody does.
	Inspect *inspect.Service
	// Greylist: senders of mail from outside that may be spam or not, and of whom nothing good is known, are asked to come again, once.
	Greylist bool
	// Infected is told of each message with a virus. It returns at once.
	Infected func(tenant mail.TenantID, found Infection)
	// OverLimit is told of each submission that is held (ML-10). It returns at once.
	OverLimit func(tenant mail.TenantID, account mail.AccountID, limit Overrun)
	// Full is told of a box that could not take a message, or whose owner could not send (SV-5). It returns at once.
	Full func(directory.Account)
	// Hijacked is told that an account's sending was stopped (ML-10). It returns at once.
	Hijacked func(tenant mail.TenantID, account directory.Account)
	// Accepted is told of each company that a message was accepted for, after the commit. It returns at once.
	Accepted func(mail.TenantID)
	// Refused is told what was refused for good, for the trace of the company it was for or from: what was known of the message,
	// the recipients it concerns, the catalogue's key and the enhanced status. It returns at once and keeps nothing of doc.
	Refused func(tenant mail.TenantID, doc *queue.Doc, to []mail.Recipient, reason, status string)
	// Postmaster is who gets mail for the postmaster of Hostname (RFC 5321 §4.5.1): an address of a company
	// here. Without one, the house has no postmaster and such mail is refused.
	Postmaster mail.Address
	Log        *slog.Logger // nil = silent
	Metrics    *obs.Metrics // nil = none
	Limits     Limits
}

// Limits of one message. The zero value is the shipped profile.
type Limits struct {
	MaxMessage    int64       // octets as sent (ML-9); 0 = mail.MaxMessageSize
	MaxRecipients int         // different ones (ML-8); 0 = mail.MaxRecipients
	MaxReceived   int         // Received fields (RFC 5321 §6.3); 0 = mail.MaxReceived
	MIME          mime.Limits // how much structure is read
	Sending       SendingLimits
}

// An Intake accepts messages. Its methods may be called from many goroutines.
type Intake struct {
	cfg    Config
	serial atomic.Uint64 // of transactions, for their traces
}

// New makes an intake.
func New(cfg Config) *Intake {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Limits.MaxMessage == 0 {
		cfg.Limits.MaxMessage = mail.MaxMessageSize
	}
	if cfg.Limits.MaxRecipients == 0 {
		cfg.Limits.MaxRecipients = mail.MaxRecipients
	}
	if cfg.Limits.MaxReceived == 0 {
		cfg.Limits.MaxReceived = mail.MaxReceived
	}
	cfg.Limits.Sending.complete()
	if cfg.House == nil {
		cfg.House = deliver.New(deliver.Config{Store: cfg.Store, Directory: cfg.Directory, Mailbox: cfg.Mailbox, Hostname: cfg.Hostname, Log: cfg.Log})
	}
	return &Intake{cfg: cfg}
}

// Connect judges a peer before it said anything. Denied "zone.unknown_network" in the VPN
// zone for a peer in no tenant's networks (SV-9).
func (in *Intake) Connect(ctx context.Context, o mail.Origin) error {
	return mail.Wrap("intake.Connect", in.cfg.Directory.Reachable(ctx, o))
}

// Current is Denied when somebody who signed in at a door may not act any more.
func (in *Intake) Current(ctx context.Context, who *directory.Identity) error {
	return mail.Wrap("intake.Current", in.cfg.Directory.StillValid(ctx, who))
}

// Verifier checks the credentials of a session at a door.
func (in *Intake) Verifier(o mail.Origin) *directory.Verifier {
	return in.cfg.Directory.Verifier(o, directory.Protocol(o.Door))
}

// Begin opens a transaction for a message of from, the null reverse-path included. Abort or Commit
// ends it.
//
// With who it is a submission: from must be the account's own address or alias
// (Denied "sender.not_owned"), and its box must not be full (Full "sender.box_full", SV-5).
// Without, from the VPN zone, it is a submission of the tenant whose network the peer
// is in, and from must be in one of that tenant's domains. Anybody else can write to people
// here only. A door for submissions needs who in the internet zone: Denied "auth.required" (ML-7).
//
// Full "message.too_big" for a declared size past ML-9; Invalid "message.hold" for a release too far ahead (RFC 4865).
func (in *Intake) Begin(ctx context.Context, o mail.Origin, who *directory.Identity, from mail.Address, opts mail.Options) (*Transaction, error) {
	const op = "intake.Begin"
	if opts.Size > in.cfg.Limits.MaxMessage {
		return nil, in.tooBig(op)
	}
	if opts.HoldUntil.After(time.Now().Add(mail.MaxHold)) {
		return nil, mail.E(op, mail.Invalid, "message.hold", int(mail.MaxHold/(24*time.Hour)))
	}
	tx := &Transaction{in: in, origin: o, from: from, opts: opts}
	var err error
	switch {
	case who != nil:
		tx.submission, err = in.submit(ctx, who, from)
	case o.Zone == mail.ZoneVPN && !from.IsNull():
		tx.submission, err = in.submitVPN(ctx, o, from)
	case o.Zone != mail.ZoneVPN && (o.Door == "smtps" || o.Door == "submission"):
		err = mail.E(op, mail.Denied, "auth.required")
	}
	if err != nil {
		in.refusedSender(o, who, from, err)
		return nil, mail.Wrap(op, err)
	}
	tx.trace = o.Session + "-" + strconv.FormatUint(in.serial.Add(1), 36)
	return tx, nil
}

func (in *Intake) tooBig(op mail.Op) error {
	return mail.E(op, mail.Full, "message.too_big", in.cfg.Limits.MaxMessage>>20)
}

func (in *Intake) foundFull(a directory.Account) {
	if in.cfg.Full != nil {
		in.cfg.Full(a)
	}
}
