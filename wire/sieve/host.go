package sieve

import (
	"context"
	"time"
)

// Host is what a script may ask. Each answer has ctx's deadline; an error ends the run with that error.
type Host interface {
	// MailboxExists tells whether the mailbox is there and the owner may put messages into it (RFC 5490 §3.1).
	MailboxExists(ctx context.Context, name string) (bool, error)
	// MailboxID tells whether the owner has a mailbox with an id (RFC 9042 §5).
	MailboxID(ctx context.Context, id string) (bool, error)
	// SpecialUse gives the mailbox with an attribute, as `\Junk` (RFC 8579); ok is false when there is none.
	SpecialUse(ctx context.Context, use string) (mailbox string, ok bool, err error)
	// Metadata gives an annotation of a mailbox, or with "" of the server (RFC 5490 §3.3, §4).
	Metadata(ctx context.Context, mailbox, annotation string) (value string, ok bool, err error)
	// ListExists tells whether a list of this name is known (RFC 6134 §2.7).
	ListExists(ctx context.Context, list string) (bool, error)
	// InList tells whether a value is on a list (RFC 6134 §2.4).
	InList(ctx context.Context, list, value string) (bool, error)
	// Include gives a script of the owner, or of everybody (RFC 6609 §3.1); nil when there is none of the name. One that
	// does not compile gives its *SyntaxError.
	Include(ctx context.Context, global bool, name string) (*Script, error)
	// Seen tells whether an id is remembered (RFC 7352); see Track.
	Seen(ctx context.Context, id string) (bool, error)
}

// nobody is a Host that knows nothing.
type nobody struct{}

func (nobody) MailboxExists(context.Context, string) (bool, error)            { return false, nil }
func (nobody) MailboxID(context.Context, string) (bool, error)                { return false, nil }
func (nobody) SpecialUse(context.Context, string) (string, bool, error)       { return "", false, nil }
func (nobody) Metadata(context.Context, string, string) (string, bool, error) { return "", false, nil }
func (nobody) ListExists(context.Context, string) (bool, error)               { return false, nil }
func (nobody) InList(context.Context, string, string) (bool, error)           { return false, nil }
func (nobody) Include(context.Context, bool, string) (*Script, error)         { return nil, nil }
func (nobody) Seen(context.Context, string) (bool, error)                     { return false, nil }

// patient asks a Host and puts off the end of the run by the time that took: a slow answer is no fault of the script.
type patient struct {
	host Host
	run  *run
}

// putOff adds the time since an instant to the run's.
func (p patient) putOff(since time.Time) { p.run.deadline = p.run.deadline.Add(time.Since(since)) }

func (p patient) MailboxExists(ctx context.Context, name string) (bool, error) {
	defer p.putOff(time.Now())
	return p.host.MailboxExists(ctx, name)
}

func (p patient) MailboxID(ctx context.Context, id string) (bool, error) {
	defer p.putOff(time.Now())
	return p.host.MailboxID(ctx, id)
}

func (p patient) SpecialUse(ctx context.Context, use string) (string, bool, error) {
	defer p.putOff(time.Now())
	return p.host.SpecialUse(ctx, use)
}

func (p patient) Metadata(ctx context.Context, mailbox, annotation string) (string, bool, error) {
	defer p.putOff(time.Now())
	return p.host.Metadata(ctx, mailbox, annotation)
}

func (p patient) ListExists(ctx context.Context, list string) (bool, error) {
	defer p.putOff(time.Now())
	return p.host.ListExists(ctx, list)
}

func (p patient) InList(ctx context.Context, list, value string) (bool, error) {
	defer p.putOff(time.Now())
	return p.host.InList(ctx, list, value)
}

func (p patient) Include(ctx context.Context, global bool, name string) (*Script, error) {
	defer p.putOff(time.Now())
	return p.host.Include(ctx, global, name)
}

func (p patient) Seen(ctx context.Context, id string) (bool, error) {
	defer p.putOff(time.Now())
	return p.host.Seen(ctx, id)
}
