package queue

import (
	"context"
	"log/slog"
	"time"

	"tegami/mail"
	"tegami/obs"
	"tegami/store"
)

// Config is what a Runner works with. Zero fields of Schedule and Limits mean their defaults.
type Config struct {
	Queue    *Queue
	Log      *slog.Logger // nil = silent
	Metrics  *obs.Metrics // nil counts nothing
	Worker   string       // names this process in leases; "" = "queue"
	Schedule Schedule
	Limits   Limits
}

// Limits bound what a Runner holds. The zero value of a field means its default.
type Limits struct {
	// Jobs is how many items are in memory at most, waiting or in the hands of carriers. Default 4,000.
	Jobs int
	// Octets is how many octets their documents take in memory at most. Default 64 MiB.
	Octets int64
	// Share is how many of Jobs one destination may have. Default a quarter.
	Share int
	// Lease is how long an item is leased; it is renewed while it is in memory. Default 2 minutes.
	Lease time.Duration
	// Grace is for how long carriers may finish when the Runner stops, before their context ends. Default 10 s.
	Grace time.Duration
	// Poll is how often the store is asked for what is due when nobody calls Wake. Default 500 ms.
	Poll time.Duration
}

// CarrierLimits bound the work of one carrier. The zero value of a field means its default.
type CarrierLimits struct {
	// Concurrency is how many Carry run for one destination at most. Default 20.
	Concurrency int
	// Start is with how many a destination begins. It grows by one after as many successes, and halves on a failure. Default 5.
	Start int
	// Total is how many Carry run for all destinations together. Default 500.
	Total int
	// Linger is for how long next waits for another job before it gives nil, so that a connection is used again;
	// shorter when somebody else needs the place. Default 0: not at all.
	Linger time.Duration
}

// Runner takes what is due out of the store and gives it to carriers: fairly across
// tenants and destinations, with a limit of concurrency for each destination that learns.
type Runner struct{}

// NewRunner makes a runner. It does nothing before Run.
func NewRunner(c Config) *Runner { return &Runner{} }

// Handle names the carrier of all routes with a prefix: "remote ", "local", "list ". The longest that fits counts. Before Run only.
func (r *Runner) Handle(prefix string, c Carrier, l CarrierLimits) {}

// Run works until ctx ends and the carriers returned; what is left then is given back. Once only.
func (r *Runner) Run(ctx context.Context) {}

// Wake tells that something due was written. Nil-safe; it does not wait.
func (r *Runner) Wake() {}

// DestinationState is how a destination stands.
type DestinationState struct {
	Kind    string    // the prefix its carrier was named for, as "remote "
	Name    string    // as Carrier.Destination gave it
	Waiting int       // items in memory that no carrier has yet
	Active  int       // Carry that run
	Limit   int       // how many may run, as learned
	Until   time.Time // it is left alone until then; zero = it is served
	Last    string    // the last error's text, for operators; "" = none since a success
}

// Destinations lists what the Runner knows of, by kind and name.
func (r *Runner) Destinations() []DestinationState { return nil }

// Flush forgets the back-off of a destination, in every kind that has one of this name, and makes due what was put off because of it.
func (r *Runner) Flush(destination string) {}

// Settle makes what the carrier wrote into Item.To durable, in one transaction with what
// with writes (nil: nothing more). Who is still Waiting is tried again after a time that grows
// with Attempts, until the message is too old: then he is Failed with "delivery.expired".
// What the sender must hear of becomes an item on RouteNotice in the same transaction.
// With nobody Waiting the item is settled; one on RouteNotice is settled whatever its To says. An item
// whose State the carrier set to store.ItemHeld is held. An error means that nothing was written: the
// lease ends by itself and the item is carried again. The end of ctx does not keep it from writing.
func (j *Job) Settle(ctx context.Context, op mail.Op, with With) error { panic("not yet") }

// Within writes what Settle would, in a transaction of the carrier's own on the job's tenant. When that has committed, the
// carrier calls Committed; when not, Return, or it calls Within again in another.
func (j *Job) Within(tx store.Tx) error { panic("not yet") }

// Committed ends the job after a transaction with Within.
func (j *Job) Committed() { panic("not yet") }

// Progress makes a part durable and keeps the item in the carrier's hands.
func (j *Job) Progress(ctx context.Context, op mail.Op, with With) error { panic("not yet") }

// Return gives the item back untried, to be carried again at a time (zero: when the destination can be served again).
func (j *Job) Return(ctx context.Context, again time.Time) error { panic("not yet") }

// Open gives the octets, without Item.Prefix.
func (j *Job) Open(ctx context.Context) (store.Blob, error) { panic("not yet") }

// Store is the tenant's store, for what a carrier reads.
func (j *Job) Store() store.Tenant { panic("not yet") }
