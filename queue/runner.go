package queue

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Runner takes what is due out of the store and gives it to carriers: fairly across
// tenants and destinations, with a limit of concurrency for each destination that learns.
type Runner struct{}

// Settle makes what the carrier wrote into Item.To durable, in one transaction with what
// with writes (nil: nothing more). Who is still Waiting is tried again after a time that grows
// with Attempts, until the message is too old: then he is Failed with "delivery.expired".
// What the sender must hear of becomes an item on RouteNotice in the same transaction.
// With nobody Waiting the item is settled. An error means that nothing was written: the
// lease ends by itself and the item is carried again.
func (j *Job) Settle(ctx context.Context, op mail.Op, with With) error { panic("not yet") }

// Progress makes a part durable and keeps the item in the carrier's hands.
func (j *Job) Progress(ctx context.Context, op mail.Op, with With) error { panic("not yet") }

// Return gives the item back untried, to be carried again at a time (zero: when the destination can be served again).
func (j *Job) Return(ctx context.Context, again time.Time) error { panic("not yet") }

// Open gives the octets, without Item.Prefix.
func (j *Job) Open(ctx context.Context) (store.Blob, error) { panic("not yet") }

// Store is the tenant's store, for what a carrier reads.
func (j *Job) Store() store.Tenant { panic("not yet") }
