package quarantine

import (
	"cmp"
	"encoding/json"
	"time"
	"unicode/utf8"

	"tegami/mail"
	"tegami/store"
)

// Kind is the kind of the store's entries that are mail in quarantine; who follows changes of an account names it (mailbox.Moved).
const Kind = "quarantined"

// Limits of a quarantine box.
const (
	// MaxEntries is how many messages an account has in quarantine. With more the oldest go.
	MaxEntries = 10_000
	// MinDays and MaxDays bound for how long a message is kept (SF-4); MaxDays is what is taken where nobody said.
	MinDays, MaxDays = 1, 14
	// MaxReasons is how many reasons are kept of a message: the first.
	MaxReasons = 24
	// maxText is how much is kept of a subject or a name, in octets.
	maxText = 500
	// maxFacts is how large facts are that are kept, in octets.
	maxFacts = 16 << 10
)

// Reason is one thing that spoke for or against a message, as the spam filter says it.
type Reason struct {
	Key    string   `json:"key"`    // of the catalogue: "spam.reason.…"
	Weight float64  `json:"weight"` // below zero speaks for the message
	Args   []string `json:"args,omitempty"`
}

// Entry is a message in quarantine.
type Entry struct {
	ID      mail.ObjectID  `json:"-"` // made by Keep
	Account mail.AccountID `json:"-"`
	ModSeq  mail.ModSeq    `json:"-"` // of its last change
	Blob    mail.BlobRef   `json:"-"` // the octets, as they were received; its Size is that of the message
	Ends    time.Time      `json:"-"` // when it is deleted, to the second; zero for Keep: MaxDays after Received

	Received   time.Time    `json:"received"`
	Recipient  mail.Address `json:"recipient"`           // the address of the account that it came for: its own or an alias
	From       mail.Address `json:"from,omitzero"`       // of the envelope; null for a bounce
	HeaderFrom mail.Address `json:"headerFrom,omitzero"` // the first address of the header's From; zero where it names none
	Author     string       `json:"author,omitempty"`    // the name beside that address, decoded; cut
	Subject    string       `json:"subject,omitempty"`   // decoded; cut
	MessageID  string       `json:"messageId,omitempty"` // with angle brackets
	Percent    float64      `json:"percent"`             // how likely it is unwanted, 0 to 100 with two decimals
	Reasons    []Reason     `json:"reasons,omitempty"`   // the weightiest first
	// Rule is what decided, a stable name: "score", "deny", or that of a rule of the company's.
	Rule string `json:"rule,omitempty"`
	// Facts are those of the message, as policy.Facts encodes them. Larger ones than 16 KiB are left out: the queue's item has them.
	Facts json.RawMessage `json:"facts,omitempty"`
	Item  mail.ItemID     `json:"item,omitzero"` // of the queue, and of the trace
	// Said is what its reader said of it, "" where nothing: "ham".
	Said string `json:"said,omitempty"`
}

// Sender is the address that people take for the sender's: the header's, or the envelope's where it names none.
func (e *Entry) Sender() mail.Address {
	if e.HeaderFrom.IsNull() {
		return e.From
	}
	return e.HeaderFrom
}

// Keep puts a message into an account's quarantine, inside the commit that accepts it; e.Blob is from Tx.Keep in the same Update. Who keeps a message
// of the same item for the same recipient again gets the id of the first, so that doing it twice does it once. The errors are the store's:
// Invalid for an account that can't be, NotFound "blob.unknown".
func Keep(tx store.Tx, e Entry) (mail.ObjectID, error) {
	const op mail.Op = "quarantine.Keep"
	doc, err := e.encode()
	if err != nil {
		return 0, err
	}
	key := ""
	if !e.Item.IsZero() {
		key = e.Item.String() + " " + e.Recipient.Key()
	}
	put, err := tx.PutEntry(store.Entry{Kind: Kind, Account: e.Account, Key: key, Doc: doc, Blob: e.Blob, Ends: e.end()})
	if mail.Is(err, mail.Conflict) {
		there, err := tx.EntryByKey(e.Account, Kind, key)
		return there.ID, mail.Wrap(op, err)
	}
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	return put.ID, mail.Wrap(op, bound(tx, put.Account, put.ID))
}

// end is when the message is deleted.
func (e *Entry) end() time.Time {
	if e.Ends.IsZero() {
		return End(cmp.Or(e.Received, time.Now()), MaxDays)
	}
	return e.Ends
}

// End is when a message ends that was received at a time and is kept for a number of days (SF-4), which is brought between MinDays and MaxDays.
func End(received time.Time, days int) time.Time {
	return received.Add(time.Duration(min(max(days, MinDays), MaxDays)) * 24 * time.Hour)
}

// trimEvery is at every how manyth message, about, the oldest past MaxEntries are looked for: to count costs more than to keep one.
const trimEvery = 64

// bound deletes the oldest messages past MaxEntries, now and then.
func bound(tx store.Tx, a mail.AccountID, id mail.ObjectID) error {
	if id.Time().UnixMilli()%trimEvery != 0 {
		return nil
	}
	return trim(tx, a)
}

// trim deletes the oldest messages past MaxEntries, at most store.MaxPage of them.
func trim(tx store.Tx, a mail.AccountID) error {
	have, err := tx.CountEntries(a, Kind)
	if err != nil || have <= MaxEntries {
		return err
	}
	old, err := tx.Entries(a, Kind, 0, store.Page{Limit: min(have-MaxEntries, store.MaxPage)})
	for i := range old {
		if err == nil {
			err = tx.DeleteEntry(a, Kind, old[i].ID)
		}
	}
	return err
}

// encode writes what is kept of the message beside its octets, within limits.
func (e *Entry) encode() ([]byte, error) {
	e.Author, e.Subject, e.MessageID = cut(e.Author), cut(e.Subject), cut(e.MessageID)
	e.Reasons = e.Reasons[:min(len(e.Reasons), MaxReasons)]
	if len(e.Facts) > maxFacts {
		e.Facts = nil
	}
	doc, err := json.Marshal(e)
	if err != nil {
		return nil, mail.Because("quarantine.encode", mail.Other, "", err)
	}
	return doc, nil
}

// decode reads a message in quarantine. The error's kind is Other.
func decode(from *store.Entry) (e Entry, err error) {
	if err := json.Unmarshal(from.Doc, &e); err != nil {
		return e, mail.Because("quarantine.decode", mail.Other, "", err)
	}
	e.ID, e.Account, e.ModSeq, e.Blob, e.Ends = from.ID, from.Account, from.ModSeq, from.Blob, from.Ends
	return e, nil
}

// cut cuts a text to maxText octets, between characters.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
