package queue

import (
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Routes say what kind of carrier takes an item next.
const (
	// RouteLocal is put away in this house.
	RouteLocal = "local"
	// RouteNotice waits for a delivery status notification to its sender (RFC 3464).
	RouteNotice = "notice"
	// remotePrefix stands before the domain that is delivered to by SMTP.
	remotePrefix = "remote "
)

// RouteRemote is the route to another host's domain, in its canonical form.
func RouteRemote(domain string) string { return remotePrefix + domain }

// RemoteDomain is the domain of a route to other hosts; not ok for another route.
func RemoteDomain(route string) (domain string, ok bool) {
	return strings.CutPrefix(route, remotePrefix)
}

// Item is one message on one route.
type Item struct {
	ID    mail.ItemID
	State store.ItemState
	Due   time.Time // when it is taken next, to the millisecond
	Route string
	Blob  mail.BlobRef
	Fence uint64 // of the lease it was claimed under; 0 = not leased
	Tries int    // how often it was claimed
	Doc
}

// Doc is what an item knows beside where it stands.
type Doc struct {
	Of         mail.ItemID // the first item of the same message; an item may be its own
	Trace      string      // the id in the Received field we added, also in the refusals of the session
	From       mail.Address
	Opts       mail.Options
	Origin     mail.Origin
	Sender     mail.AccountID // who submitted it; zero for mail from outside
	MessageID  string         // of the header, with its angle brackets; "" when there is none
	HeaderFrom string         // the address in the header's From, as in mail.Address.String
	To         []Recipient
}

// Outcome is how far a recipient's delivery has come.
type Outcome uint8

// Outcomes of a recipient.
const (
	Waiting   Outcome = iota // not yet, or to be tried again
	Delivered                // at rest in a box, or taken by another host
	Failed                   // for good; Reason says why
)

// Recipient is one recipient with what became of it.
type Recipient struct {
	mail.Recipient
	Outcome Outcome
	Reason  string         // of a failure: a key of the catalogue, such as "box.full"
	At      time.Time      // of the outcome, to the millisecond
	Account mail.AccountID // whose box, when it is here
	Email   mail.EmailID   // the message in that box
}

// Put writes an item, new or changed, and gives it an id where it has none. Its
// errors are those of store.Tx.PutItem.
func Put(tx store.Tx, it *Item) error {
	if it.ID.IsZero() {
		it.ID = mail.ItemID(tx.NextID())
	}
	if it.Of.IsZero() {
		it.Of = it.ID
	}
	err := tx.PutItem(store.Item{
		ID: it.ID, State: it.State, Due: it.Due, Route: it.Route, Blob: it.Blob,
		Doc: appendDoc(nil, &it.Doc), Fence: it.Fence, Tries: it.Tries,
	})
	return mail.Wrap("queue.Put", err)
}

// Open reads an item as the store gives it. An error is of kind Other: the
// document is damaged or from a newer version.
func Open(s store.Item) (Item, error) {
	it := Item{ID: s.ID, State: s.State, Due: s.Due, Route: s.Route, Blob: s.Blob, Fence: s.Fence, Tries: s.Tries}
	var err error
	it.Doc, err = parseDoc(s.Doc)
	return it, mail.Wrap("queue.Open", err)
}
