package directory

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Bounds of the sign-in log.
const (
	// maxSignIns is how many lines of one month a holder has; past it the oldest of the month go, failures first.
	maxSignIns = 500
	// signInMonths is for how many months lines are kept, the running one among them: 92 days at least.
	signInMonths = 5
	// coalesce is how long repeats are counted in memory alone.
	coalesce = time.Hour
	// maxSignInNotes bounds what is known in memory of lines noted lately, about 200 octets each.
	maxSignInNotes = 200_000
)

// SignInEvent is a line of the sign-in log: one day's sign-ins of the same kind from the same address.
type SignInEvent struct {
	First, Last time.Time
	Count       int    // to the hour: repeats within one are counted late
	Protocol    string // "web", "imaps" …
	Remote      netip.Addr
	Agent       string // the name a browser gives itself
	OK          bool
	Method      FactorKind // of the pages: the last that was shown
	Reason      string     // key of the catalogue, where it failed
}

// signInLine is a line as stored.
type signInLine struct {
	First    time.Time  `json:"first"`
	Last     time.Time  `json:"last"`
	Count    int        `json:"count"`
	Protocol string     `json:"protocol"`
	Remote   netip.Addr `json:"remote"`
	Agent    string     `json:"agent,omitempty"`
	OK       bool       `json:"ok,omitempty"`
	Method   FactorKind `json:"method,omitempty"`
	Reason   string     `json:"reason,omitempty"`
}

// signInsDoc are the lines of one month.
type signInsDoc struct {
	Month string       `json:"month"` // 2026-11
	Lines []signInLine `json:"lines"`
}

// signInKey names lines that are counted together within coalesce.
type signInKey struct {
	holder
	protocol string
	remote   netip.Addr
	agent    string
	reason   string
	method   FactorKind
}

// signInNote is what memory knows of a line.
type signInNote struct {
	at    time.Time
	count int // since then, which the store doesn't know
}

// signInSlot is under what the lines of a month are found. Slots are used again, so that nothing has to be removed.
func signInSlot(h holder, at time.Time) store.Key {
	k := holderKey(kindSignIns, h)
	k.Value += "/" + string(rune('0'+(at.Year()*12+int(at.Month()))%signInMonths))
	return k
}

// noteSignIn writes a line of the sign-in log, unless one of its kind was written within the hour; that one's next counts this one
// too. A failure of the store is no reason to keep somebody out.
func (d *Directory) noteSignIn(ctx context.Context, h holder, line signInLine) {
	if h.id.IsZero() {
		return
	}
	now := time.Now()
	if !line.OK {
		d.failures.note(h, now)
	}
	line.Agent = cut(line.Agent, maxAgent)
	key := signInKey{h, line.Protocol, line.Remote, line.Agent, line.Reason, line.Method}
	line.Count = 1
	if have, ok := d.signIns.get(key); ok {
		if line.Protocol != "web" && now.Sub(have.at) < coalesce {
			have.count++
			d.signIns.put(key, have)
			return
		}
		line.Count += have.count
	}
	d.signIns.put(key, signInNote{at: now})
	line.First, line.Last = now, now
	err := d.writeSignIn(ctx, h, line)
	if err != nil {
		d.signIns.put(key, signInNote{count: line.Count})
	} else if line.OK {
		d.books.signedIn(h.tenant, mail.AccountID(h.id), line.Last)
	}
}

func (d *Directory) writeSignIn(ctx context.Context, h holder, line signInLine) error {
	return d.storeOf(h).Update(ctx, atWork(), "directory.noteSignIn", func(tx store.Tx) error {
		var doc signInsDoc
		o, err := readKept(tx, h, kindSignIns, signInSlot(h, line.Last), &doc)
		if err != nil {
			return err
		}
		if month := line.Last.Format("2006-01"); doc.Month != month {
			doc = signInsDoc{Month: month}
		}
		doc.add(line)
		if err := putHeld(tx, o, doc, true); err != nil {
			return err
		}
		if line.OK && !h.tenant.IsZero() {
			return noteLastSignIn(tx, mail.AccountID(h.id), line.Last)
		}
		return nil
	})
}

// add brings a line in: into that of its day and kind, if there is one.
func (d *signInsDoc) add(line signInLine) {
	i := slices.IndexFunc(d.Lines, func(have signInLine) bool {
		have.First, have.Last, have.Count = line.First, line.Last, line.Count
		return have == line
	})
	if i >= 0 && sameDay(d.Lines[i].First, line.Last) {
		d.Lines[i].Last = line.Last
		d.Lines[i].Count += line.Count
		return
	}
	if len(d.Lines) >= maxSignIns {
		d.forget()
	}
	d.Lines = append([]signInLine{line}, d.Lines...)
}

// forget removes the oldest failure, or where there is none the oldest line: whoever fails often enough must not hide that he got in.
func (d *signInsDoc) forget() {
	at := len(d.Lines) - 1
	for i, l := range slices.Backward(d.Lines) {
		if !l.OK {
			at = i
			break
		}
	}
	d.Lines = slices.Delete(d.Lines, at, at+1)
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// noteLastSignIn notes in the account itself when it signed in last, at most once a day.
func noteLastSignIn(tx store.Tx, id mail.AccountID, at time.Time) error {
	o, err := tx.Object(kindAccount, mail.ObjectID(id))
	if mail.Is(err, mail.NotFound) {
		return nil
	}
	var doc accountDoc
	if err == nil {
		err = read(o, &doc)
	}
	if err != nil || sameDay(doc.LastSignIn, at) {
		return err
	}
	doc.LastSignIn = at.Truncate(time.Second)
	o.Quiet = true
	return put(tx, o, doc)
}

// signInsOf lists a holder's lines, the newest first.
func (d *Directory) signInsOf(ctx context.Context, op mail.Op, h holder) ([]SignInEvent, error) {
	var all []signInLine
	now := time.Now()
	oldest := now.AddDate(0, -signInMonths, 0)
	err := d.storeOf(h).View(ctx, func(r store.Reader) error {
		all = nil
		for month := range signInMonths {
			var doc signInsDoc
			if _, err := readKept(r, h, kindSignIns, signInSlot(h, firstOfMonth(now).AddDate(0, -month, 0)), &doc); err != nil {
				return err
			}
			all = append(all, doc.Lines...)
		}
		return nil
	})
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	list := make([]SignInEvent, 0, len(all))
	for _, l := range all {
		if l.Last.After(oldest) {
			list = append(list, SignInEvent(l))
		}
	}
	slices.SortStableFunc(list, func(a, b SignInEvent) int { return b.Last.Compare(a.Last) })
	return list, nil
}

func firstOfMonth(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
}
