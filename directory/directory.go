package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Config is what the directory needs beside its store. The zero value is usable.
type Config struct {
	// Provision makes the mailboxes of a new account inside the commit that makes the
	// account (mailbox.Provision). Without it accounts have no boxes.
	Provision func(tx store.Tx, account mail.AccountID, lang string) error
	// Share gives an account a right on all mailboxes of a shared one, in place of the one it had, inside the commit that
	// notes it (mailbox.Share); "" takes it away. Without it seats give no rights.
	Share func(tx store.Tx, shared, member mail.AccountID, right SeatRight) error
	// Hashes is how many passwords are hashed at once; each takes 19 MiB and about 20 ms
	// of one core. 0 = one for each core.
	Hashes int
	// CachedAddresses bounds the addresses kept in memory, about 1 KiB each. 0 = 100,000.
	CachedAddresses int
	// CachedSignIns bounds the sign-ins that are cheap the second time, about 100 octets
	// each. 0 = 100,000.
	CachedSignIns int
	// Bearer checks the access tokens of an identity provider (SS-4). nil: none are taken, and no door offers it.
	Bearer BearerVerifier
	// KeepLog is how long lines of the operation logs are kept. 0 = two years; never less than store.KeepActs.
	KeepLog time.Duration
	// Passkeys does the ceremonies of passkeys. nil: none are taken.
	Passkeys PasskeyVerifier
	// Locked hears that an account can't sign in from a network for an hour, since that failed too often. nil: nobody does.
	Locked func(context.Context, Account)
	// LockLoopback counts failed sign-ins from the loopback network too. A demo on one
	// machine leaves it off, because there all clients share one address.
	LockLoopback bool
}

// Defaults of Config's bounds.
const (
	defaultCachedAddresses = 100_000
	defaultCachedSignIns   = 100_000
)

// A Directory is the whole directory of an installation. Its methods may be called
// from many goroutines.
type Directory struct {
	store    store.Store
	platform store.Tenant
	cfg      Config

	contracts  atomic.Pointer[contracts] // as of an epoch of the platform
	loading    sync.Mutex                // one goroutine reads contracts anew
	addresses  *generations[string, *entry]
	verified   *generations[proofKey, expiry]
	drifts     drifts  // what changed lately in companies
	books      library // what is searched and listed of companies
	hashing    *hasher
	sessions   *generations[tokenHash, *liveSession]       // of the pages
	policies   *generations[mail.TenantID, *knownSecurity] // as of an epoch of the tenant
	signIns    *generations[signInKey, signInNote]         // lines of the sign-in log written lately
	failures   failures                                    // of signing in, lately
	keys       *generations[keyRef, *knownKey]
	noted      *generations[notedKey, time.Time]          // views and refusals that stand in an operation log already
	filters    *generations[mail.AccountID, *knownFilter] // what holds for accounts' mail
	rulebooks  *generations[mail.TenantID, *knownRules]   // what companies set about mail
	used       *generations[mail.ObjectID, time.Time]     // when the use of an app password was noted last
	processKey [32]byte                                   // makes cache keys; new in each process
}

// New makes the directory over a store.
func New(st store.Store, cfg Config) *Directory {
	d := &Directory{
		store:     st,
		platform:  st.Platform(),
		cfg:       cfg,
		addresses: newGenerations[string, *entry](cmp.Or(cfg.CachedAddresses, defaultCachedAddresses)),
		verified:  newGenerations[proofKey, expiry](cmp.Or(cfg.CachedSignIns, defaultCachedSignIns)),
		keys:      newGenerations[keyRef, *knownKey](maxKnownKeys),
		noted:     newGenerations[notedKey, time.Time](maxNoted),
		filters:   newGenerations[mail.AccountID, *knownFilter](maxKnownFilters),
		rulebooks: newGenerations[mail.TenantID, *knownRules](maxKnownRules),
		used:      newGenerations[mail.ObjectID, time.Time](maxUsedApps),
		sessions:  newGenerations[tokenHash, *liveSession](maxLiveSessions),
		policies:  newGenerations[mail.TenantID, *knownSecurity](maxPolicies),
		signIns:   newGenerations[signInKey, signInNote](maxSignInNotes),
		hashing:   newHasher(cmp.Or(cfg.Hashes, runtime.GOMAXPROCS(0))),
	}
	rand.Read(d.processKey[:])
	return d
}

// Operator is the actor for somebody who runs the platform, at the command line or
// behind an operator's own sign-in. Remote is where from, "" for this machine.
func Operator(name, remote string) mail.Actor {
	o := mail.Origin{Door: "platform"}
	if ip, err := netip.ParseAddr(remote); err == nil {
		o.Remote = ip
	}
	return mail.MintActor(mail.Operator, 0, 0, "operator:"+name, o).For(MachineReason)
}
