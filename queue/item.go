package queue

import (
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Routes say what kind of carrier takes an item next.
const (
	// RouteLocal is for recipients in this house. What was put away in the accepting commit is settled on
	// it; what waits on it is resolved again when it is carried: to boxes, a list, a forward, a returned bounce.
	RouteLocal = "local"
	// RouteNotice waits for a delivery status notification to its sender (RFC 3464).
	RouteNotice = "notice"
	// RouteForward goes on to the targets in To, which an account's forwarding names (ML-5).
	RouteForward = "forward"
	// RouteFilter goes through the filters of the accounts in To, and then into their boxes or where the filters say (ML-12).
	RouteFilter = "filter"
	// RouteRefused is for the trace of what was refused in a session: items on it are settled from birth.
	RouteRefused = "refused"
	// listPrefix stands before the id of a list whose members get the message (LI-1).
	listPrefix = "list "
	// remotePrefix stands before the domain that is delivered to by SMTP.
	remotePrefix = "remote "
)

// Limits of what an item keeps, in octets.
const (
	// MaxAnswer is how much of another host's answer is kept of each recipient.
	MaxAnswer = 512
	// MaxPrefix is the most that Doc.Prefix may have.
	MaxPrefix = 256 << 10
	// MaxSubject is how much of a subject is kept.
	MaxSubject = 256
	// MaxFacts is the most that Doc.Facts may have.
	MaxFacts = 256 << 10
)

// RouteList is the route to the members of a list.
func RouteList(list mail.ObjectID) string { return listPrefix + list.String() }

// ListOf is the list of a route to one; not ok for another route.
func ListOf(route string) (list mail.ObjectID, ok bool) {
	text, ok := strings.CutPrefix(route, listPrefix)
	return list, ok && list.UnmarshalText([]byte(text)) == nil
}

// RouteRemote is the route to another host's domain, in its canonical form.
func RouteRemote(domain string) string { return remotePrefix + domain }

// RemoteDomain is the domain of a route to other hosts; not ok for another route.
func RemoteDomain(route string) (domain string, ok bool) {
	return strings.CutPrefix(route, remotePrefix)
}

// stateNames are the names of states for programs.
var stateNames = [...]string{store.ItemWaiting: "waiting", store.ItemHeld: "held", store.ItemSettled: "settled"}

// StateName names a state for programs: waiting, held, settled.
func StateName(s store.ItemState) string {
	if int(s) >= len(stateNames) {
		return ""
	}
	return stateNames[s]
}

// StateNamed is the state of a name; 0, which asks for all, for any other.
func StateNamed(name string) store.ItemState {
	return store.ItemState(max(slices.Index(stateNames[:], name), 0))
}

// Item is one message on one route.
type Item struct {
	ID    mail.ItemID
	State store.ItemState
	Due   time.Time // when it is taken next, to the millisecond
	Route string
	Blob  mail.BlobRef
	Fence uint64    // of the lease it was claimed under; 0 = not leased
	Until time.Time // the end of that lease; as in store.Item
	Tries int       // how often it was claimed, or born leased
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
	Sign       string         // the domain under which the message is signed when it leaves (DKIM); "" = not
	Prefix     []byte         // header fields that go before the blob's octets when it leaves: an ARC set, Received
	Filtered   bool           // on RouteForward: the account's filter sends it on, not what its administrator set
	Service    bool           // the platform's own word: goes into a full box too
	Auto       bool           // written by the platform (RFC 3834): no notice, no answer to it
	Spam       bool           // judged to be spam: not forwarded, no notice
	Attempts   int            // how often a carrier tried, without success for all
	Warned     bool           // the sender was told of the delay (RFC 3461 §4.3 c)
	Hold       string         // of a held item: why, a key of the catalogue
	Subject    string         // of the header, decoded, at most MaxSubject octets; for who may see it
	Size       int64          // octets of the message as it came; 0 = not noted
	Repeats    int            // of a refusal: how many more like it there were (RouteRefused)
	Facts      []byte         // what was known of the message when it came, as package policy writes it
	Submission mail.ObjectID  // what Sender knows it by, of mail that was not sent by SMTP; zero = none
	Deferrals  []Deferral     // tries that brought some recipient no further, the oldest first
	To         []Recipient
}

// Outcome is how far a recipient's delivery has come.
type Outcome uint8

// Outcomes of a recipient.
const (
	Waiting   Outcome = iota // not yet, or to be tried again
	Delivered                // at rest in a box, or taken by another host that tells the sender itself
	Failed                   // for good; Reason says why
	Relayed                  // taken by another host that does not know RFC 3461
	Expanded                 // became other recipients: of a list, of a forward
)

// outcomeNames are for figures and the log.
var outcomeNames = [...]string{"waiting", "delivered", "failed", "relayed", "expanded"}

func (o Outcome) String() string {
	if int(o) >= len(outcomeNames) {
		return "unknown"
	}
	return outcomeNames[o]
}

// Recipient is one recipient with what became of it.
type Recipient struct {
	mail.Recipient
	Outcome Outcome
	Reason  string         // of a failure or the last try: a key of the catalogue, such as "box.full"
	Status  string         // enhanced status code of it (RFC 3463), such as "5.2.2"
	Host    string         // the other host that said so; "" = we
	Answer  string         // its words, such as "552 5.2.2 mailbox full", at most MaxAnswer octets
	At      time.Time      // of the outcome, to the millisecond
	Account mail.AccountID // whose box, when it is here
	Email   mail.EmailID   // the message in that box
	Into    Into           // where it went, of what is Delivered here or Expanded
	TLS     string         // of the connection to Host, as in mail.Origin; "" = in the clear, or not noted
}

// A Deferral is a try after which somebody still waited, with what was said. Tries with the same words are one.
type Deferral struct {
	At, Last time.Time // of the first try and the last, to the millisecond
	Times    int
	Reason   string // as in Recipient, of the first who waits
	Status   string
	Host     string
	Answer   string
}

// MaxDeferrals is how many an item keeps: the first, and the last ones.
const MaxDeferrals = 8

// deferred notes that a carrier tried and somebody still waits.
func deferred(it *Item, now time.Time) {
	i := slices.IndexFunc(it.To, func(r Recipient) bool { return r.Outcome == Waiting && r.Reason != "" })
	if i < 0 {
		return
	}
	r := &it.To[i]
	next := Deferral{now, now, 1, r.Reason, r.Status, r.Host, clip(r.Answer, MaxAnswer)}
	list := slices.Clone(it.Deferrals)
	if n := len(list); n > 0 {
		if last := &list[n-1]; last.Reason == next.Reason && last.Host == next.Host && last.Answer == next.Answer {
			last.Last, last.Times, last.Status = now, last.Times+1, next.Status
			it.Deferrals = list
			return
		}
		if n >= MaxDeferrals {
			list = slices.Delete(list, 1, 2)
		}
	}
	it.Deferrals = append(list, next)
}

// Into is where a message went that was put away here, or handed on.
type Into uint8

// Places a message goes to.
const (
	IntoUnknown    Into = iota
	IntoInbox           // a box's inbox
	IntoJunk            // a box's folder for unwanted mail
	IntoFolder          // another folder, as the account's filter says
	IntoNothing         // the account's filter threw it away
	IntoFilter          // the account's filter has it: another item says what became of it
	IntoForward         // it was sent on, for an account that forwards
	IntoList            // the members of a list
	IntoCompany         // another company of this house
	IntoRemote          // another host, after all
	IntoOwners          // the owners of a list
	IntoReturn          // who sent the message it is a bounce of
	IntoReader          // who reads reports, or the platform itself
	IntoQuarantine      // the recipient's quarantine box (SF-1)
	IntoDenied          // nowhere: its sender is on a list of those who are denied (SF-2)
	IntoVirus           // nowhere: it held a virus (VC-3)
	endOfInto
)

// Put writes an item, new or changed, and gives it an id where it has none, and the time of its coming. Its
// errors are those of store.Tx.PutItem, and Invalid "item.too_big" past MaxPrefix or MaxFacts. As there, a waiting item
// that was claimed keeps its lease unless Until is zero.
func Put(tx store.Tx, it *Item) error {
	if len(it.Prefix) > MaxPrefix || len(it.Facts) > MaxFacts {
		return mail.E("queue.Put", mail.Invalid, "item.too_big")
	}
	if it.Origin.Received.IsZero() {
		it.Origin.Received = time.Now()
	}
	if it.ID.IsZero() {
		it.ID = mail.ItemID(tx.NextID())
	}
	if it.Of.IsZero() {
		it.Of = it.ID
	}
	err := tx.PutItem(store.Item{
		ID: it.ID, State: it.State, Due: it.Due, Route: it.Route, Blob: it.Blob,
		Doc: appendDoc(nil, &it.Doc), Fence: it.Fence, Until: it.Until, Tries: it.Tries,
	})
	return mail.Wrap("queue.Put", err)
}

// Open reads an item as the store gives it. An error is of kind Other: the
// document is damaged or from a newer version.
func Open(s store.Item) (Item, error) {
	it := Item{ID: s.ID, State: s.State, Due: s.Due, Route: s.Route, Blob: s.Blob, Fence: s.Fence, Until: s.Until, Tries: s.Tries}
	var err error
	it.Doc, err = parseDoc(s.Doc)
	return it, mail.Wrap("queue.Open", err)
}
