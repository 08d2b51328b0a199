package directory

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/sasl"
)

// Lock-out: so many failures of one login name from one network within the window
// close the door for both together until the oldest is forgotten.
const (
	lockFailures = 10
	lockWindow   = time.Hour
	// lockBits4 and lockBits6 are the size of a network for that: who has one address of
	// it can have all.
	lockBits4 = 24
	lockBits6 = 64
)

// rememberFor is how long a right password is remembered, so that mail clients that
// sign in every minute cost a microsecond instead of a hash.
const rememberFor = time.Hour

// proofKey names a credential together with the password that fits it: an HMAC under
// a key of this process, so that memory holds no password and nothing to guess one from
// without that key. With a new password the credential has another name.
type proofKey [sha256.Size]byte

// expiry is until when a proof is remembered.
type expiry time.Time

// login is one attempt to sign in.
type login struct {
	dir      *Directory
	origin   mail.Origin
	protocol Protocol
	name     string    // in one spelling
	counter  string    // of failures
	contract *contract // nil where the name is nobody's
	entry    *entry    // nil where the name is nobody's
	holder   holder    // zero where the name is nobody's
	agent    string    // the name a browser gave itself
}

// SignIn checks a name, which is the full address, and a password. Aliases don't sign in.
//
// Denied "auth.failed" for a wrong name or password, which take the same time; Busy
// "auth.locked" after 10 failures from that network within an hour, "auth.busy"
// when too many sign in. To those who know the password it says more, all Denied:
// "option.imaps_not_contracted" (SV-7), "account.suspended", "tenant.not_started",
// "tenant.suspended", "tenant.closed", "auth.scope" for an app password that is not for the
// protocol, "zone.other_network" in the VPN zone from where another company is (SV-9).
func (d *Directory) SignIn(ctx context.Context, o mail.Origin, to Protocol, user, password string) (*Identity, error) {
	const op = "directory.SignIn"
	l, err := d.begin(ctx, o, to, user)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	p, err := d.verify(ctx, l.entry, password)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return l.end(ctx, p)
}

// begin looks a name up. An unknown name is no error; a locked one is.
func (d *Directory) begin(ctx context.Context, o mail.Origin, p Protocol, user string) (*login, error) {
	addr, malformed := mail.ParseAddress(user)
	name := strings.ToLower(user)
	if malformed == nil {
		name = addr.Key() // one account has one counter, in whatever spelling it is named
	}
	l := &login{dir: d, origin: o, protocol: p, name: name, counter: d.lockCounter(o.Remote, name)}
	if err := d.checkLock(ctx, l.counter); err != nil {
		return nil, err
	}
	if malformed != nil {
		return l, nil
	}
	all, err := d.known(ctx)
	if err != nil {
		return nil, err
	}
	c := all.domains[addr.Domain]
	if c == nil {
		return l, nil
	}
	e, err := d.entry(ctx, c, addr)
	switch {
	case mail.Is(err, mail.NotFound):
	case err != nil:
		return nil, err
	case e.target.Kind == TargetAccount:
		l.contract, l.entry = c, e
		l.holder = holder{c.ID, mail.ObjectID(e.target.Account.ID)}
	}
	return l, nil
}

// end gives the identity after a right proof, and counts a wrong one, which is nil. The lock is asked for again: of
// many guesses made at once, those behind the tenth failure must not get an answer.
func (l *login) end(ctx context.Context, p *proof) (*Identity, error) {
	if err := l.checkLock(ctx); err != nil {
		return nil, err
	}
	if p == nil || l.entry == nil {
		return nil, l.failed(ctx)
	}
	who, err := l.identity(ctx, p)
	switch {
	case mail.Is(err, mail.Denied):
		reason, _ := mail.TextOf(err)
		l.note(ctx, signInLine{Reason: reason})
	case err == nil && l.protocol != "web": // pages go on to the second factor
		l.note(ctx, signInLine{OK: true})
	}
	return who, err
}

// note writes a line of the sign-in log.
func (l *login) note(ctx context.Context, line signInLine) {
	line.Protocol, line.Remote, line.Agent = string(l.protocol), l.origin.Remote, l.agent
	l.dir.noteSignIn(ctx, l.holder, line)
}

// failed counts a wrong proof.
func (l *login) failed(ctx context.Context) error {
	failed := mail.E("directory.SignIn", mail.Denied, "auth.failed")
	n, err := l.dir.countFailure(ctx, l.counter)
	failed.Err = err
	if n == lockFailures && l.entry != nil && l.dir.cfg.Locked != nil {
		l.dir.cfg.Locked(ctx, l.entry.target.Account)
	}
	l.note(ctx, signInLine{Reason: failed.Text})
	return failed
}

// countFailure counts a wrong proof on a counter of lockCounter, and gives how many that were lately; 0 where none are counted.
func (d *Directory) countFailure(ctx context.Context, counter string) (int64, error) {
	if counter == "" {
		return 0, nil
	}
	return d.store.Tally(ctx, counter, 1, lockWindow)
}

// checkLock is Directory.checkLock for this name and network.
func (l *login) checkLock(ctx context.Context) error { return l.dir.checkLock(ctx, l.counter) }

// checkLock refuses a name that failed too often from this network, by its counter.
func (d *Directory) checkLock(ctx context.Context, counter string) error {
	const op = "directory.SignIn"
	if counter == "" {
		return nil
	}
	n, err := d.store.Tally(ctx, counter, 0, lockWindow)
	if err == nil && n >= lockFailures {
		err = mail.E(op, mail.Busy, "auth.locked", int(lockWindow/time.Minute))
	}
	return err
}

// lockCounter names the counter of failures of a name from a network; "" where none
// are counted. The name is hashed: it is as long as the client likes.
func (d *Directory) lockCounter(ip netip.Addr, name string) string {
	if ip.Unmap().IsLoopback() && !d.cfg.LockLoopback {
		return ""
	}
	network := "nowhere"
	if p, ok := mail.Network(ip, lockBits4, lockBits6); ok {
		network = p.String()
	}
	sum := sha256.Sum256([]byte(name))
	return "signin " + base64.RawStdEncoding.EncodeToString(sum[:12]) + " " + network
}

// verify checks a password against an address's credential: as an app password, by memory where
// this password was right lately, else by its hash. It gives nil for a wrong one. An unknown address takes the time of a hash.
func (d *Directory) verify(ctx context.Context, e *entry, password string) (*proof, error) {
	prepared, err := sasl.Prepare(password)
	if err != nil || len(prepared) > MaxPassword {
		e, prepared = nil, ""
	}
	if e == nil || e.credential == nil {
		return nil, d.hashing.do(ctx, func() error { matches("", prepared); return nil })
	}
	if app := e.credential.app(prepared); app != nil {
		return &proof{app: app}, nil
	}
	right := &proof{serial: e.credential.Serial}
	key := d.proofKey(e, prepared)
	if d.remembered(key) {
		return right, nil
	}
	ok := false
	err = d.hashing.do(ctx, func() error {
		ok = d.remembered(key) // many connections of one client wait for the first one's hash
		if !ok {
			ok = matches(e.credential.Password, prepared)
		}
		if ok {
			d.verified.put(key, expiry(time.Now().Add(rememberFor)))
		}
		return nil
	})
	if err != nil || !ok {
		return nil, err
	}
	return right, nil
}

func (d *Directory) remembered(key proofKey) bool {
	until, ok := d.verified.get(key)
	return ok && time.Now().Before(time.Time(until))
}

func (d *Directory) proofKey(e *entry, prepared string) (key proofKey) {
	var names [4 * 8]byte
	binary.BigEndian.PutUint64(names[0:], uint64(e.tenant))
	binary.BigEndian.PutUint64(names[8:], uint64(e.target.Account.ID))
	binary.BigEndian.PutUint64(names[16:], uint64(e.credential.id))
	binary.BigEndian.PutUint64(names[24:], e.credential.Serial)
	h := hmac.New(sha256.New, d.processKey[:])
	h.Write(names[:])
	h.Write([]byte(prepared))
	h.Sum(key[:0])
	return key
}
