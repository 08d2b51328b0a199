package queue

import (
	"context"

	"tegami/mail"
)

// A Carrier brings the items of one kind of route further: to other hosts, into
// boxes, to the members of a list, as a notice to the sender.
type Carrier interface {
	// Destination names where an item goes. What has the same name shares connections, a limit
	// of concurrency and the waiting after a failure: "example.org", "smarthost mx.example:25".
	Destination(tenant mail.TenantID, it *Item) string

	// Carry serves a destination. It takes jobs from next and ends each, with Job.Settle or
	// Job.Return, before it takes another; next gives nil when there is nothing more for now. It
	// may keep open what the destination needs, such as a connection, from job to job.
	//
	// An error says that the destination can't be served at present, a *Failure why. The Runner puts off what
	// waits for it, and tries again after a time that grows.
	Carry(ctx context.Context, destination string, next func(context.Context) *Job) error
}
