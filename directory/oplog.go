package directory

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// MachineReason is why an operator acts whom the machine itself proved, if he says nothing else.
const MachineReason = "command line"

// Bounds of the operation log.
const (
	// MaxLogPage is how many lines one LogPage has.
	MaxLogPage = 1000
	// maxLogScan is how many lines one search looks at before it says what it has.
	maxLogScan = 50_000
	// MaxLogText is the length of LogQuery.Text in octets.
	MaxLogText = 200
	// maxNoted bounds what a process knows to stand in operation logs, about 200 octets each.
	maxNoted = 20_000
	// noteAgain is after how long the same look, or the same refused attempt, is noted again.
	noteAgain = 10 * time.Minute
)

// Kinds of lines that are no writes: what was looked at, and what was refused. The kind of what was looked at stands behind it.
const (
	kindSeen    = "seen."
	kindRefused = "refused"
	kindLog     = "log"
)

// notedKey is what was noted of whom.
type notedKey struct {
	tenant mail.TenantID
	actor  string
	op     mail.Op
	kind   string
	id     mail.ObjectID
}

// again tells whether something is to be noted, since it was not lately.
func (d *Directory) again(key notedKey) bool {
	now := time.Now()
	if last, ok := d.noted.get(key); ok && now.Sub(last) < noteAgain {
		return false
	}
	d.noted.put(key, now)
	return true
}

// NoteView writes into the company's operation log that somebody looked at personal data: at a thing of a kind, or at a list of
// them where id is zero. A look of the same person at the same is one line in ten minutes, so that paging through a thousand
// accounts is one as well. Who gets an error must not show what was looked at.
func (c *Company) NoteView(ctx context.Context, by mail.Actor, op mail.Op, kind string, id mail.ObjectID) error {
	return c.note(ctx, by, op, kindSeen+kind, id)
}

// NoteExport is NoteView for what leaves as a file: each time.
func (c *Company) NoteExport(ctx context.Context, by mail.Actor, op mail.Op, kind string) error {
	return c.write(ctx, by, op, func(tx store.Tx) error { return tx.Note(kindSeen+kind, 0, nil) })
}

func (c *Company) note(ctx context.Context, by mail.Actor, op mail.Op, kind string, id mail.ObjectID) error {
	key := notedKey{c.id, by.Name(), op, kind, id}
	if !c.dir.again(key) {
		return nil
	}
	err := c.write(ctx, by, op, func(tx store.Tx) error { return tx.Note(kind, id, nil) })
	if err != nil {
		c.dir.noted.put(key, time.Time{})
	}
	return err
}

// write is update for lines of the log, which need no right of their own.
func (c *Company) write(ctx context.Context, by mail.Actor, op mail.Op, fn func(store.Tx) error) error {
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return mail.Wrap(op, err)
	}
	if outside := by.Role() != mail.Operator && by.Role() != mail.Observer; outside && by.Tenant() != c.id {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return mail.Wrap(op, t.store.Update(ctx, by, op, fn))
}

// refusedDoc is what a line says of an attempt that was refused.
type refusedDoc struct {
	Because string `json:"because"`
}

// noteRefused notes that somebody of the company tried what he may not. The attempt is refused whether that can be noted or not.
func (c *Company) noteRefused(ctx context.Context, by mail.Actor, op mail.Op, err error) {
	key, _ := mail.TextOf(err)
	if !slices.Contains([]string{"actor.denied", "actor.outranked", "role.beyond"}, key) || by.Tenant() != c.id {
		return
	}
	if !c.dir.again(notedKey{c.id, by.Name(), op, kindRefused, 0}) {
		return
	}
	doc, failed := json.Marshal(refusedDoc{key})
	if failed == nil {
		failed = c.write(ctx, by, op, func(tx store.Tx) error { return tx.Note(kindRefused, 0, doc) })
	}
	if failed != nil {
		c.dir.noted.put(notedKey{c.id, by.Name(), op, kindRefused, 0}, time.Time{})
	}
}

// LogQuery asks for lines of the operation log, the newest first. The zero value of a field asks for nothing.
type LogQuery struct {
	Before uint64 // lines before this one: LogPage.Next
	Since  time.Time
	Until  time.Time // before this time
	Actor  string    // as LogLine.Actor
	Op     mail.Op
	Kind   string        // also where it was only looked at
	ID     mail.ObjectID // of what was changed or looked at
	Text   string        // stands in actor, address, reason, or in what was before or after; no capitals are told apart
	Within []Grant       // the roles of who asks: only what stands where one of them reaches; nil = all
	Limit  int           // 1 to MaxLogPage; 0 = MaxLogPage
}

// LogLine is a line of the operation log as people read it (CP-7). Secrets are masked.
type LogLine struct {
	Seq     uint64
	At      time.Time
	Actor   string
	Role    mail.ActorRole
	Remote  string
	Session string
	Agent   string
	Op      mail.Op
	Reason  string
	Kind    string
	ID      mail.ObjectID
	Name    string // of what it is about, as far as the line tells: an address, a name
	Seen    bool   // nothing was changed: it was looked at
	Refused string // why the attempt was refused, as a key of the catalogue
	Changes []Change
	Hash    []byte
}

// LogPage is a part of the log.
type LogPage struct {
	Lines []LogLine
	Next  uint64 // LogQuery.Before of what follows; 0 at the end
}

// Log searches the company's operation log. A search for what is rare may give few lines, or none, and a Next: it goes on there.
// Invalid "log.text".
func (c *Company) Log(ctx context.Context, q LogQuery) (LogPage, error) {
	return logOf(ctx, "directory.Log", c.view, q)
}

// Log searches the operation log of the platform.
func (d *Directory) Log(ctx context.Context, q LogQuery) (LogPage, error) {
	view := func(ctx context.Context, op mail.Op, fn func(store.Reader) error) error {
		return mail.Wrap(op, d.platform.View(ctx, fn))
	}
	return logOf(ctx, "directory.PlatformLog", view, q)
}

// viewer reads a tenant, or the platform.
type viewer func(context.Context, mail.Op, func(store.Reader) error) error

func logOf(ctx context.Context, op mail.Op, view viewer, q LogQuery) (p LogPage, err error) {
	if len(q.Text) > MaxLogText {
		return p, mail.E(op, mail.Invalid, "log.text", MaxLogText)
	}
	if q.Limit <= 0 || q.Limit > MaxLogPage {
		q.Limit = MaxLogPage
	}
	q.Text = strings.ToLower(q.Text)
	ask := store.ActQuery{Before: q.Before, Since: q.Since, Until: q.Until, Actor: q.Actor, Why: q.Op, ID: q.ID}
	for looked := 0; looked < maxLogScan; {
		var acts []store.Act
		err := view(ctx, op, func(r store.Reader) (err error) {
			acts, err = r.ActsBack(ask)
			return err
		})
		if err != nil {
			return p, err
		}
		for i := range acts {
			if ask.Before = acts[i].Seq; !q.wants(&acts[i]) {
				continue
			}
			line := lineOf(&acts[i])
			if q.Text != "" && !line.says(q.Text) {
				continue
			}
			if p.Lines = append(p.Lines, line); len(p.Lines) == q.Limit {
				p.Next = ask.Before
				return p, nil
			}
		}
		if len(acts) < store.MaxPage {
			return p, nil
		}
		looked += len(acts)
	}
	p.Next = ask.Before
	return p, nil
}

// wants tells whether a line is asked for, as far as that is seen without taking it apart. The text is looked for in the raw
// documents first; says looks again, in what is shown: nobody finds out by searching what is masked.
func (q *LogQuery) wants(a *store.Act) bool {
	if q.Kind != "" && a.Kind != q.Kind && a.Kind != kindSeen+q.Kind {
		return false
	}
	if q.Within != nil && !reachedBy(q.Within, a) {
		return false
	}
	if q.Text == "" || contains(a.Actor, q.Text) || contains(a.Reason, q.Text) || contains(a.Remote, q.Text) {
		return true
	}
	text := q.Text
	if local, domain, ok := strings.Cut(text, "@"); ok { // documents have addresses in two parts
		text = cmp.Or(local, domain)
	}
	part, _ := json.Marshal(text) // a string always marshals
	part = bytes.ToLower(part[1 : len(part)-1])
	return bytes.Contains(bytes.ToLower(a.Before), part) || bytes.Contains(bytes.ToLower(a.After), part)
}

func contains(text, lower string) bool { return strings.Contains(strings.ToLower(text), lower) }

// says tells whether a text, in small letters, stands in what the line shows.
func (l *LogLine) says(text string) bool {
	return contains(l.Actor, text) || contains(l.Reason, text) || contains(l.Remote, text) ||
		slices.ContainsFunc(l.Changes, func(c Change) bool { return contains(c.Before, text) || contains(c.After, text) })
}

// docPlace is where something stands, as its document says.
type docPlace struct {
	Domain mail.DomainID   `json:"domain"`
	Groups []mail.ObjectID `json:"groups"`
}

// reachedBy tells whether a line is about something that grants reach which let read the log, as it stood before or stands after. What
// stands nowhere is the whole company's.
func reachedBy(grants []Grant, a *store.Act) bool {
	for _, doc := range [][]byte{a.Before, a.After} {
		var at docPlace
		if doc != nil && json.Unmarshal(doc, &at) != nil {
			at = docPlace{}
		}
		if (&Caller{grants: grants}).MayIn(RightLogRead, Place(at)) {
			return true
		}
	}
	return false
}

// lineOf makes a line of an act.
func lineOf(a *store.Act) LogLine {
	l := LogLine{
		Seq: a.Seq, At: a.At, Actor: a.Actor, Role: a.Role, Remote: a.Remote, Session: a.Session, Agent: a.Agent,
		Op: a.Why, Reason: a.Reason, Kind: a.Kind, ID: a.ID, Hash: a.Hash,
	}
	if kind, seen := strings.CutPrefix(a.Kind, kindSeen); seen {
		l.Kind, l.Seen = kind, true
		return l
	}
	if a.Kind == kindRefused {
		var doc refusedDoc
		if json.Unmarshal(a.After, &doc) == nil {
			l.Refused = doc.Because
		}
		return l
	}
	l.Name = nameIn(a.After)
	if l.Name == "" {
		l.Name = nameIn(a.Before)
	}
	l.Changes = Diff(a.Before, a.After)
	return l
}

// nameIn is what a document calls its thing.
func nameIn(doc []byte) string {
	var named struct {
		Address mail.Address `json:"address"`
		Name    string       `json:"name"`
	}
	if doc == nil || json.Unmarshal(doc, &named) != nil {
		return ""
	}
	if named.Address.Domain != "" {
		return named.Address.String()
	}
	return named.Name
}

// LogState is what a verification found.
type LogState struct {
	First, Last uint64 // the lines that are there
	Head        []byte // hash of the last: who keeps it can prove later that nothing before it was changed
	Lines       int
	Unchained   int    // lines from before the log was chained
	Broken      uint64 // the first line that is not as it was written; 0 = none
}

// VerifyLog reads the whole operation log and holds every line against the chain (CP-7).
func (c *Company) VerifyLog(ctx context.Context) (LogState, error) {
	return verifyLog(ctx, "directory.VerifyLog", c.view, c.id)
}

// VerifyLog is that of Company for the log of the platform.
func (d *Directory) VerifyLog(ctx context.Context) (LogState, error) {
	view := func(ctx context.Context, op mail.Op, fn func(store.Reader) error) error {
		return mail.Wrap(op, d.platform.View(ctx, fn))
	}
	return verifyLog(ctx, "directory.VerifyPlatformLog", view, 0)
}

// verifyLog reads in portions, since a view must be short. The chain grows meanwhile, and old lines may go: then it begins anew.
func verifyLog(ctx context.Context, op mail.Op, view viewer, tenant mail.TenantID) (s LogState, err error) {
	var book *store.Ledger
	var chain store.Chain
	for {
		var acts []store.Act
		err := view(ctx, op, func(r store.Reader) (err error) {
			now, err := r.Chain()
			if err != nil {
				return err
			}
			if book == nil || now.Anchor.Seq != chain.Anchor.Seq {
				book, s = store.NewLedger(tenant, now.Anchor), LogState{}
			}
			chain = now
			acts, err = r.Acts(book.Last().Seq, 0)
			return err
		})
		if err != nil {
			return s, err
		}
		for i := range acts {
			if s.First == 0 {
				s.First = acts[i].Seq
			}
			if book.Add(&acts[i]) != nil {
				s.Broken = acts[i].Seq
				break
			}
		}
		last := book.Last()
		s.Last, s.Head, s.Lines, s.Unchained = last.Seq, last.Hash, book.Lines, book.Unchained
		switch {
		case s.Broken != 0:
			return s, nil
		case len(acts) == store.MaxPage:
			continue
		case last.Seq != chain.Head.Seq: // lines are missing at the end
			s.Broken = last.Seq + 1
		}
		return s, nil
	}
}
