package domains

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/mailauth/dkim"
)

// KeyState is where a key stands in its life.
type KeyState string

// States of a key, in their order.
const (
	KeyNext    KeyState = "next"    // published, signs nothing yet
	KeyActive  KeyState = "active"  // signs
	KeyRetired KeyState = "retired" // published for mail under way; its private half is gone
)

// Algorithm is how a key signs, as in the tag a= (RFC 6376 §3.3, RFC 8463 §3).
type Algorithm string

// The algorithms of a generation.
const (
	RSA     Algorithm = "rsa-sha256"
	Ed25519 Algorithm = "ed25519-sha256"
)

// rsaBits is the size of our RSA keys: what RFC 8301 §3.2 recommends, and a TXT record carries well.
const rsaBits = 2048

// Key is the public side of a signing key.
type Key struct {
	Domain     string
	Selector   string
	Algorithm  Algorithm
	Generation int // 1 and up
	State      KeyState
	Since      time.Time // when it came into its state
	Record     string    // the TXT record, as one string
}

// keysDoc are a domain's keys as stored, in a secret object.
type keysDoc struct {
	Domain      string       `json:"domain"`
	Generations []generation `json:"generations"` // ascending by number
}

// generation are the keys that are made, used and retired together.
type generation struct {
	Number int       `json:"number"`
	State  KeyState  `json:"state"`
	Since  time.Time `json:"since"`
	Keys   []pair    `json:"keys"`
}

// pair is a key with both halves.
type pair struct {
	Selector  string    `json:"selector"`
	Algorithm Algorithm `json:"algorithm"`
	Private   []byte    `json:"private,omitempty"` // PKCS #8; nil once it is retired
	Public    []byte    `json:"public"`            // PKIX
}

// newGeneration makes the keys of a generation. It takes some tenths of a second.
func newGeneration(at place, number int, state KeyState, now time.Time) (generation, error) {
	const op = "domains.newGeneration"
	g := generation{Number: number, State: state, Since: now.UTC().Truncate(time.Second)}
	big, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return g, mail.Because(op, mail.Other, "", err)
	}
	_, small, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return g, mail.Because(op, mail.Other, "", err)
	}
	for _, k := range []struct {
		crypto.Signer
		Algorithm
		letter string
	}{{big, RSA, "r"}, {small, Ed25519, "e"}} {
		p, err := newPair(selector(at, number, k.letter), k.Algorithm, k.Signer)
		if err != nil {
			return g, err
		}
		g.Keys = append(g.Keys, p)
	}
	return g, nil
}

// selector names a key: tg1r and tg1e are the first generation's. The platform's own begin with tgp, since its host name may be a
// tenant's domain too.
func selector(at place, number int, letter string) string {
	prefix := "tg"
	if at.tenant.IsZero() {
		prefix = "tgp"
	}
	return fmt.Sprintf("%s%d%s", prefix, number, letter)
}

func newPair(selector string, a Algorithm, key crypto.Signer) (p pair, err error) {
	p = pair{Selector: selector, Algorithm: a}
	if p.Private, err = x509.MarshalPKCS8PrivateKey(key); err == nil {
		p.Public, err = x509.MarshalPKIXPublicKey(key.Public())
	}
	if err != nil {
		return p, mail.Because("domains.newPair", mail.Other, "", err)
	}
	return p, nil
}

// signer gives the key that signs.
func (p pair) signer(domain string) (dkim.Key, error) {
	const op = "domains.signer"
	key, err := x509.ParsePKCS8PrivateKey(p.Private)
	if err != nil {
		return dkim.Key{}, mail.Because(op, mail.Other, "directory.document", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return dkim.Key{}, mail.E(op, mail.Other, "directory.document")
	}
	return dkim.Key{Domain: domain, Selector: p.Selector, Signer: signer}, nil
}

// record gives the TXT record of the key.
func (p pair) record() (string, error) {
	public, err := x509.ParsePKIXPublicKey(p.Public)
	if err != nil {
		return "", mail.Because("domains.record", mail.Other, "directory.document", err)
	}
	return dkim.FormatRecord(public), nil
}

// public lists the public side of all keys.
func (d *keysDoc) public() ([]Key, error) {
	var list []Key
	for _, g := range d.Generations {
		for _, p := range g.Keys {
			record, err := p.record()
			if err != nil {
				return nil, err
			}
			list = append(list, Key{d.Domain, p.Selector, p.Algorithm, g.Number, g.State, g.Since, record})
		}
	}
	return list, nil
}

// in gives the generation that is in a state; nil where none is.
func (d *keysDoc) in(state KeyState) *generation {
	for i := range d.Generations {
		if d.Generations[i].State == state {
			return &d.Generations[i]
		}
	}
	return nil
}

// newest is the number of the last generation.
func (d *keysDoc) newest() int {
	if len(d.Generations) == 0 {
		return 0
	}
	return d.Generations[len(d.Generations)-1].Number
}

// add makes a generation the next one. Conflict "dkim.next_waits", Full "dkim.too_many".
func (d *keysDoc) add(g generation) error {
	const op = "domains.Rotate"
	switch {
	case d.in(KeyNext) != nil || g.Number != d.newest()+1:
		return mail.E(op, mail.Conflict, "dkim.next_waits", d.Domain)
	case len(d.Generations) >= MaxGenerations:
		return mail.E(op, mail.Full, "dkim.too_many", d.Domain, MaxGenerations)
	}
	d.Generations = append(d.Generations, g)
	return nil
}

// activate lets the next generation sign, and retires the one that did. Conflict "dkim.no_next".
func (d *keysDoc) activate(now time.Time) error {
	next, before := d.in(KeyNext), d.in(KeyActive)
	if next == nil {
		return mail.E("domains.Activate", mail.Conflict, "dkim.no_next", d.Domain)
	}
	now = now.UTC().Truncate(time.Second)
	next.State, next.Since = KeyActive, now
	if before != nil {
		before.State, before.Since = KeyRetired, now
		for i := range before.Keys {
			before.Keys[i].Private = nil
		}
	}
	return nil
}

// forget removes the generations that were retired long enough ago, and tells whether there were any.
func (d *keysDoc) forget(now time.Time) bool {
	n := len(d.Generations)
	d.Generations = slices.DeleteFunc(d.Generations, func(g generation) bool {
		return g.State == KeyRetired && now.Sub(g.Since) >= RetiredFor
	})
	return len(d.Generations) < n
}

// putKeys writes a domain's keys.
func putKeys(tx store.Tx, d *keysDoc) (uint64, error) { return save(tx, kindKeys, d.Domain, true, d) }
