package directory

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Limits of sessions of the pages.
const (
	// MaxWebSessions is how many one account may have; one more, and the one that was unused longest ends.
	MaxWebSessions = 20
	// maxAgent is what is kept of the name a browser gives itself, in octets.
	maxAgent = 256
	// maxLiveSessions bounds the sessions in memory, about 500 octets each.
	maxLiveSessions = 100_000
	// noteSessionEvery is how exactly the store knows when a session was used last.
	noteSessionEvery = 5 * time.Minute
)

// secretOctets is the length of a session's secret.
const secretOctets = 32

// A WebSession is a browser that is signed in.
type WebSession struct {
	ID      mail.ObjectID
	Started time.Time
	Used    time.Time // to some minutes
	Until   time.Time // it ends then, if it isn't unused too long before
	Remote  netip.Addr
	Agent   string     // the name the browser gave itself
	Method  FactorKind // the last that was shown: FactorPassword, FactorTOTP …
	Current bool       // the one that asks
}

// sessionDoc is a session as stored. A plain hash is enough: nobody guesses 256 random bits.
type sessionDoc struct {
	ID      mail.ObjectID `json:"id"`
	Hash    []byte        `json:"hash"` // SHA-256 of the token
	Name    string        `json:"name"` // the holder's, when it signed in
	Serial  uint64        `json:"serial"`
	Method  FactorKind    `json:"method"`
	Started time.Time     `json:"started"`
	Proved  time.Time     `json:"proved"` // when its holder showed last that it is him
	Used    time.Time     `json:"used"`
	Remote  netip.Addr    `json:"remote"`
	Agent   string        `json:"agent,omitempty"`
}

// sessionsDoc are the sessions of one holder.
type sessionsDoc struct {
	List []sessionDoc `json:"list"`
}

// tokenHash names a session in memory.
type tokenHash [sha256.Size]byte

// newToken makes a token that names its holder, so that its session can be found, and the hash by which it is.
func newToken(h holder) (token string, hash tokenHash) {
	var b [16 + secretOctets]byte
	binary.BigEndian.PutUint64(b[0:], uint64(h.tenant))
	binary.BigEndian.PutUint64(b[8:], uint64(h.id))
	rand.Read(b[16:])
	return base64.RawURLEncoding.EncodeToString(b[:]), sha256.Sum256(b[:])
}

// readToken takes a token apart.
func readToken(token string) (h holder, hash tokenHash, ok bool) {
	var b [16 + secretOctets]byte
	if len(token) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return h, hash, false
	}
	if n, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(token)); err != nil || n != len(b) {
		return h, hash, false
	}
	h = holder{mail.TenantID(binary.BigEndian.Uint64(b[0:])), mail.ObjectID(binary.BigEndian.Uint64(b[8:]))}
	return h, sha256.Sum256(b[:]), h.tenant >= 0 && h.id > 0
}

// liveSession is a session in memory, as of an epoch of its store.
type liveSession struct {
	holder
	doc   sessionDoc
	epoch uint64
	used  atomic.Int64 // Unix time in ms
	noted atomic.Int64 // of used that the store knows
}

func (l *liveSession) lastUse() time.Time { return time.UnixMilli(l.used.Load()) }

// noSession says that a token is none, or none any more.
func noSession(op mail.Op) error { return mail.E(op, mail.Denied, "auth.failed") }

// CallerBySession tells who is signed in with a session of the web pages, by its token, with the roles of the moment. Denied
// "auth.failed" for a token that is none, or no longer; "auth.expired" when the session was unused too long or is over; "auth.changed" when
// the password was changed since; "account.suspended" and why the tenant can't be used; "access.network" from where the company
// lets nobody in.
func (d *Directory) CallerBySession(ctx context.Context, o mail.Origin, token string) (*Caller, error) {
	const op = "directory.CallerBySession"
	h, hash, ok := readToken(token)
	if !ok {
		return nil, noSession(op)
	}
	live, err := d.liveSession(ctx, h, hash)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	p, err := d.person(ctx, h, live.doc.Name)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if err := d.sessionHolds(ctx, o, live, p); err != nil {
		return nil, mail.Wrap(op, err)
	}
	d.touch(ctx, live, time.Now())
	return p.caller(o, live.doc.ID), nil
}

// liveSession finds a session in memory, or in the store where memory is not up to date.
func (d *Directory) liveSession(ctx context.Context, h holder, hash tokenHash) (*liveSession, error) {
	const op = "directory.liveSession"
	if !h.tenant.IsZero() { // what anybody writes into a cookie must not reach the store, which remembers who was asked for
		_, err := d.contract(ctx, h.tenant)
		if mail.Is(err, mail.NotFound) {
			return nil, noSession(op)
		}
		if err != nil {
			return nil, err
		}
	}
	epoch := d.storeOf(h).Epoch() // before reading
	have, ok := d.sessions.get(hash)
	if ok && have.epoch == epoch {
		return have, nil
	}
	return d.readSession(ctx, h, hash, epoch, have)
}

// readSession reads a session anew. have is what memory knew of it, nil for nothing.
func (d *Directory) readSession(ctx context.Context, h holder, hash tokenHash, epoch uint64, have *liveSession) (*liveSession, error) {
	const op = "directory.readSession"
	var doc sessionsDoc
	err := d.viewHeld(ctx, op, h, kindSessions, &doc)
	if mail.Is(err, mail.NotFound) { // no such tenant
		return nil, noSession(op)
	}
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(doc.List, func(s sessionDoc) bool { return tokenHash(s.Hash) == hash })
	if i < 0 {
		return nil, noSession(op)
	}
	live := &liveSession{holder: h, doc: doc.List[i], epoch: epoch}
	live.noted.Store(live.doc.Used.UnixMilli())
	live.used.Store(live.doc.Used.UnixMilli())
	if have != nil {
		live.used.Store(max(have.used.Load(), live.used.Load()))
	}
	d.sessions.put(hash, live)
	return live, nil
}

// sessionHolds tells whether a session is still one.
func (d *Directory) sessionHolds(ctx context.Context, o mail.Origin, live *liveSession, p *person) error {
	const op = "directory.sessionHolds"
	s, err := d.security(ctx, live.tenant)
	if err != nil {
		return err
	}
	now := time.Now()
	last := live.lastUse()
	if now.Sub(last) > s.Sessions.idle() { // another process may know better
		var doc sessionsDoc
		if err := d.viewHeld(ctx, op, live.holder, kindSessions, &doc); err != nil {
			return err
		}
		if i := doc.find(live.doc.ID); i >= 0 {
			last = doc.List[i].Used
		}
	}
	switch {
	case live.doc.Serial != p.serial:
		return mail.E(op, mail.Denied, "auth.changed")
	case s.Sessions.over(live.doc.Started, last, now, p.administers()):
		return mail.E(op, mail.Denied, "auth.expired")
	case s.Factors.needed(p.administers()) && s.Factors.GraceDays == 0 && live.doc.Method == FactorPassword:
		return mail.E(op, mail.Denied, "auth.expired") // begun before it was mandatory for him
	case !s.Access.admits(webDoor(o), o):
		return mail.E(op, mail.Denied, "access.network", o.Remote.String())
	case p.contract != nil:
		return d.onOwnNetwork(ctx, o, p.contract)
	}
	return nil
}

// webDoor is the door that a request of the pages goes through.
func webDoor(o mail.Origin) Door {
	if o.Door == string(webmail) {
		return DoorWeb
	}
	return DoorPanel
}

// over tells whether a session's time is over.
func (s *SessionPolicy) over(started, used, now time.Time, administers bool) bool {
	return now.Sub(used) > s.idle() || now.Sub(started) > s.limit(administers)
}

// touch notes that a session was used: in memory always, in the store now and then. A failure is no reason to keep its holder
// out: the next request notes it.
func (d *Directory) touch(ctx context.Context, live *liveSession, now time.Time) {
	live.used.Store(now.UnixMilli())
	noted := live.noted.Load()
	if now.UnixMilli()-noted < noteSessionEvery.Milliseconds() || !live.noted.CompareAndSwap(noted, now.UnixMilli()) {
		return
	}
	err := d.changeSessions(ctx, atWork(), "directory.touch", live.holder, true, func(_ store.Tx, doc *sessionsDoc) error {
		if i := doc.find(live.doc.ID); i >= 0 {
			doc.List[i].Used = now
		}
		return nil
	})
	if err != nil {
		live.noted.Store(noted)
	}
}

func (s *sessionsDoc) find(id mail.ObjectID) int {
	return slices.IndexFunc(s.List, func(x sessionDoc) bool { return x.ID == id })
}

// changeSessions lets fn change the sessions of a holder. Quietly for what memory need not hear of.
func (d *Directory) changeSessions(ctx context.Context, by mail.Actor, op mail.Op, h holder, quiet bool, fn func(store.Tx, *sessionsDoc) error) error {
	err := d.storeOf(h).Update(ctx, by, op, func(tx store.Tx) error {
		var doc sessionsDoc
		o, err := readHeld(tx, h, kindSessions, &doc)
		if err != nil {
			return err
		}
		if err := fn(tx, &doc); err != nil {
			return err
		}
		return putHeld(tx, o, doc, quiet)
	})
	return mail.Wrap(op, err)
}

// openSession makes a session for who has shown everything he has to. It stands in the sign-in log, not in the operation log: nobody's
// right changes by it.
func (d *Directory) openSession(ctx context.Context, o mail.Origin, agent string, p *person, how FactorKind) (token string, until time.Time, err error) {
	const op = "directory.openSession"
	s, err := d.security(ctx, p.tenant)
	if err != nil {
		return "", until, err
	}
	token, hash := newToken(p.holder)
	now := time.Now().Truncate(time.Millisecond)
	err = d.changeSessions(ctx, atWork(), op, p.holder, true, func(tx store.Tx, doc *sessionsDoc) error {
		doc.List = slices.DeleteFunc(doc.List, func(x sessionDoc) bool {
			return x.Serial != p.serial || s.Sessions.over(x.Started, x.Used, now, p.administers())
		})
		slices.SortStableFunc(doc.List, func(a, b sessionDoc) int { return a.Used.Compare(b.Used) })
		doc.List = doc.List[max(0, len(doc.List)-MaxWebSessions+1):]
		doc.List = append(doc.List, sessionDoc{
			mail.ObjectID(tx.NextID()), hash[:], p.name, p.serial, how, now, now, now, o.Remote, cut(agent, maxAgent),
		})
		return nil
	})
	return token, now.Add(s.Sessions.limit(p.administers())), err
}

// cut shortens a text to so many octets of valid UTF-8.
func cut(text string, most int) string {
	return validUTF8(text[:min(len(text), most)])
}

// EndSession ends the session of a token, as its holder asks for. One that is over already is no error.
func (d *Directory) EndSession(ctx context.Context, o mail.Origin, token string) error {
	const op = "directory.EndSession"
	h, hash, ok := readToken(token)
	if !ok {
		return nil
	}
	live, err := d.liveSession(ctx, h, hash)
	if mail.Is(err, mail.Denied) {
		return nil
	}
	if err != nil {
		return mail.Wrap(op, err)
	}
	by := atWork() // who may not act here now still leaves
	if caller, err := d.CallerBySession(ctx, o, token); err == nil {
		by = caller.Actor()
	}
	err = d.endSessions(ctx, by, op, h, live.doc.ID)
	if mail.Is(err, mail.NotFound) {
		return nil
	}
	return err
}

// endSessions ends one session of a holder, or all but keep for id zero. NotFound "session.unknown".
func (d *Directory) endSessions(ctx context.Context, by mail.Actor, op mail.Op, h holder, id mail.ObjectID) error {
	return d.changeSessions(ctx, by, op, h, false, func(_ store.Tx, doc *sessionsDoc) error {
		i := doc.find(id)
		if i < 0 {
			return mail.E(op, mail.NotFound, "session.unknown", id.String())
		}
		doc.List = slices.Delete(doc.List, i, i+1)
		return nil
	})
}

// sessionsOf lists a holder's sessions, the last used first.
func (d *Directory) sessionsOf(ctx context.Context, op mail.Op, p *person, current mail.ObjectID) ([]WebSession, error) {
	s, err := d.security(ctx, p.tenant)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	var doc sessionsDoc
	if err := d.viewHeld(ctx, op, p.holder, kindSessions, &doc); err != nil {
		return nil, err
	}
	now := time.Now()
	list := make([]WebSession, 0, len(doc.List))
	for _, x := range doc.List {
		if live, ok := d.sessions.get(tokenHash(x.Hash)); ok && live.lastUse().After(x.Used) {
			x.Used = live.lastUse()
		}
		if x.Serial != p.serial || s.Sessions.over(x.Started, x.Used, now, p.administers()) {
			continue
		}
		until := x.Started.Add(s.Sessions.limit(p.administers()))
		list = append(list, WebSession{x.ID, x.Started, x.Used, until, x.Remote, x.Agent, x.Method, x.ID == current})
	}
	slices.SortStableFunc(list, func(a, b WebSession) int { return b.Used.Compare(a.Used) })
	return list, nil
}
