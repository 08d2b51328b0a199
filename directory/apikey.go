package directory

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tegami/mail"
	"tegami/store"
)

// An API key as text is KeyPrefix and 84 characters: tenant, id, secret and checksum in base32. The prefix and the checksum
// let scanners that look for leaked secrets know one without asking anybody.
const (
	// KeyPrefix begins every API key.
	KeyPrefix = "tgm_"
	keySecret = 32 // random octets in a key
	keyHead   = 16 // octets of tenant and id
	keySize   = keyHead + keySecret + crc32.Size
)

// Limits of API keys.
const (
	// MaxKeys is how many keys a company, or the platform, has.
	MaxKeys = 100
	// MaxKeyName is the length of a key's name in characters.
	MaxKeyName = 100
	// MaxKeyNetworks is how many networks a key is bound to.
	MaxKeyNetworks = 32
	// maxKnownKeys bounds the keys in memory, about 500 octets each.
	maxKnownKeys = 10_000
)

const kindKey = "key"

// Key is an API key: a program that acts for a company, or for the operators. It belongs to the company and not to who made it,
// whose leaving must not stop the payroll; what it may do is seen in the list of keys.
type Key struct {
	ID       mail.ObjectID
	Version  uint64
	Name     string
	Grants   []Grant        // of a company's key
	Operator OperatorRole   // of the platform's
	Networks []netip.Prefix // from where it may be used; none = from everywhere
	Expires  time.Time      // zero = never
	Maker    string         // who made it
	Created  time.Time
	Used     time.Time // to the hour; zero: never, or too long ago
}

// KeySpec asks for an API key.
type KeySpec struct {
	Name     string
	Grants   []Grant
	Operator OperatorRole
	Networks []netip.Prefix
	Expires  time.Time
}

// keyDoc is a key as stored. A plain hash of the secret is right: it has 256 random bits, which nobody guesses, so that a
// slow hash would only slow down every request. Whoever reads the hash, also in the operation log, can't make the secret of it.
type keyDoc struct {
	Name     string         `json:"name"`
	Grants   []Grant        `json:"grants,omitempty"`
	Operator OperatorRole   `json:"operator,omitempty"`
	Networks []netip.Prefix `json:"networks,omitempty"`
	Expires  time.Time      `json:"expires,omitzero"`
	Maker    string         `json:"maker"`
	Hash     []byte         `json:"hash"` // SHA-256
}

// over tells whether the key's time is over.
func (d *keyDoc) over(now time.Time) bool { return !d.Expires.IsZero() && !now.Before(d.Expires) }

// from tells whether the key may be used from an address.
func (d *keyDoc) from(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return len(d.Networks) == 0 || slices.ContainsFunc(d.Networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}

func (d *keyDoc) key(o store.Object) Key {
	return Key{
		ID: o.ID, Version: o.Version, Name: d.Name, Grants: d.Grants, Operator: d.Operator, Networks: d.Networks,
		Expires: d.Expires, Maker: d.Maker, Created: o.ID.Time(),
	}
}

// readKey gives a key's document. NotFound "key.unknown".
func readKey(r store.Reader, id mail.ObjectID) (doc keyDoc, o store.Object, err error) {
	o, err = r.Object(kindKey, id)
	if mail.Is(err, mail.NotFound) {
		return doc, o, mail.E("directory.readKey", mail.NotFound, "key.unknown", id.String())
	}
	if err == nil {
		err = read(o, &doc)
	}
	return doc, o, err
}

// newKey checks what was asked for, but for the grants.
func newKey(op mail.Op, by mail.Actor, spec KeySpec) (doc keyDoc, secret []byte, err error) {
	doc = keyDoc{Name: strings.TrimSpace(spec.Name), Expires: spec.Expires.UTC().Truncate(time.Second), Maker: by.Name()}
	for _, n := range spec.Networks {
		if !n.IsValid() {
			return doc, nil, mail.E(op, mail.Invalid, "network.malformed", n.String())
		}
		doc.Networks = append(doc.Networks, n.Masked())
	}
	switch n := utf8.RuneCountInString(doc.Name); {
	case n == 0 || n > MaxKeyName || !utf8.ValidString(doc.Name) || hasControls(doc.Name):
		return doc, nil, mail.E(op, mail.Invalid, "key.name", MaxKeyName)
	case len(doc.Networks) > MaxKeyNetworks:
		return doc, nil, mail.E(op, mail.Full, "networks.too_many", MaxKeyNetworks)
	case doc.over(time.Now()):
		return doc, nil, mail.E(op, mail.Invalid, "key.expires")
	}
	secret = make([]byte, keySecret)
	rand.Read(secret)
	sum := sha256.Sum256(secret)
	doc.Hash = sum[:]
	return doc, secret, nil
}

// addKey writes a new key.
func addKey(tx store.Tx, op mail.Op, doc keyDoc) (store.Object, error) {
	o := store.Object{Kind: kindKey, ID: mail.ObjectID(tx.NextID()), Marks: []store.Key{allKeys}}
	n, err := tx.CountMarked(kindKey, allKeys)
	if err == nil && n >= MaxKeys {
		err = mail.E(op, mail.Full, "key.too_many", MaxKeys)
	}
	if err != nil {
		return o, err
	}
	err = put(tx, o, doc)
	o.Version = 1
	return o, err
}

// allKeys marks every key, to count them.
var allKeys = store.Key{Name: "key", Value: "all"}

// AddKey makes an API key of the company. For owners; it can do no more than who makes it. The text is given once and kept nowhere.
// Denied "role.beyond"; Full "key.too_many"; Invalid "key.name", "key.expires", "key.grants", "network.malformed", "role.unknown".
func (c *Company) AddKey(ctx context.Context, by mail.Actor, spec KeySpec) (Key, string, error) {
	const op = "directory.AddKey"
	doc, secret, err := newKey(op, by, spec)
	if err == nil {
		err = checkGrants(op, spec.Grants)
	}
	if err == nil && len(spec.Grants) == 0 {
		err = mail.E(op, mail.Invalid, "key.grants")
	}
	if err != nil {
		return Key{}, "", err
	}
	doc.Grants = slices.Clone(spec.Grants)
	var o store.Object
	err = c.change(ctx, by, op, RightRoles, func(tx store.Tx) error {
		if err := c.mayGive(tx, by, op, doc.Grants); err != nil {
			return err
		}
		if err := scopesExist(tx, op, doc.Grants); err != nil {
			return err
		}
		o, err = addKey(tx, op, doc)
		return err
	})
	if err != nil {
		return Key{}, "", err
	}
	return doc.key(o), keyText(c.id, o.ID, secret), nil
}

// RevokeKey takes an API key back: from the next request on it opens nothing. NotFound "key.unknown".
func (c *Company) RevokeKey(ctx context.Context, by mail.Actor, id mail.ObjectID) error {
	const op = "directory.RevokeKey"
	return c.change(ctx, by, op, RightRoles, func(tx store.Tx) error {
		doc, o, err := readKey(tx, id)
		if err == nil {
			err = c.mayGive(tx, by, op, doc.Grants)
		}
		if err != nil {
			return err
		}
		return dropKey(tx, o)
	})
}

func dropKey(tx store.Tx, o store.Object) error {
	if err := tx.DropMemos(mail.AccountID(o.ID)); err != nil {
		return err
	}
	return tx.DeleteObject(kindKey, o.ID, o.Version)
}

// Keys lists the company's API keys, the oldest first.
func (c *Company) Keys(ctx context.Context) (list []Key, err error) {
	err = c.view(ctx, "directory.Keys", func(r store.Reader) error {
		list, err = keysIn(r)
		return err
	})
	return list, err
}

func keysIn(r store.Reader) (list []Key, err error) {
	err = each(r, kindKey, func(o store.Object) error {
		var doc keyDoc
		err := read(o, &doc)
		list = append(list, doc.key(o))
		return err
	})
	for i := range list {
		if err == nil {
			list[i].Used, err = lastUse(r, mail.AccountID(list[i].ID), list[i].ID)
		}
	}
	return list, err
}

// keyText is a key as its user holds it.
func keyText(tenant mail.TenantID, id mail.ObjectID, secret []byte) string {
	b := make([]byte, 0, keySize)
	b = binary.BigEndian.AppendUint64(b, uint64(tenant))
	b = binary.BigEndian.AppendUint64(b, uint64(id))
	b = append(b, secret...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return KeyPrefix + tagText.EncodeToString(b)
}

// keyRef names a key; tenant zero is the platform.
type keyRef struct {
	tenant mail.TenantID
	id     mail.ObjectID
}

// parseKey takes a key's text apart; false for what is none.
func parseKey(text string) (ref keyRef, secret []byte, ok bool) {
	body, ok := strings.CutPrefix(text, KeyPrefix)
	if !ok || len(body) != tagText.EncodedLen(keySize) {
		return ref, nil, false
	}
	b, err := tagText.DecodeString(body)
	if err != nil || len(b) != keySize || crc32.ChecksumIEEE(b[:keySize-crc32.Size]) != binary.BigEndian.Uint32(b[keySize-crc32.Size:]) {
		return ref, nil, false
	}
	ref = keyRef{mail.TenantID(binary.BigEndian.Uint64(b)), mail.ObjectID(binary.BigEndian.Uint64(b[8:]))}
	return ref, b[keyHead : keyHead+keySecret], ref.id > 0 && ref.tenant >= 0
}

// knownKey is a key in memory, as of an epoch of its tenant; unknown where there is none.
type knownKey struct {
	doc     keyDoc
	unknown bool
	epoch   uint64
}

// CallerByKey tells whose an API key is. Denied "auth.failed" for a key that is none, or was revoked; Busy "auth.locked" after 10
// such failures of a key from a network within an hour. To who holds the key it says more, all Denied: "auth.expired",
// "key.network", "access.network", "tenant.not_started", "tenant.suspended", "tenant.closed", "zone.other_network".
func (d *Directory) CallerByKey(ctx context.Context, o mail.Origin, key string) (*Caller, error) {
	const op = "directory.CallerByKey"
	ref, secret, ok := parseKey(key)
	l := &login{dir: d, origin: o, counter: d.lockCounter(o.Remote, "key "+ref.id.String())}
	if err := l.checkLock(ctx); err != nil {
		return nil, mail.Wrap(op, err)
	}
	var known *knownKey
	var handle store.Tenant
	if ok {
		var err error
		if handle, err = d.keysOf(ctx, l, ref.tenant); err == nil && handle != nil {
			known, err = d.knownKey(ctx, handle, ref)
		}
		if err != nil {
			return nil, mail.Wrap(op, err)
		}
	}
	if known == nil || known.unknown || !known.doc.is(secret) {
		return nil, mail.Wrap(op, l.failed(ctx))
	}
	if err := d.keyHolds(ctx, l, &known.doc); err != nil {
		return nil, mail.Wrap(op, err)
	}
	d.noteUse(ctx, handle, mail.AccountID(ref.id), ref.id)
	return known.doc.caller(ref, o), nil
}

// is tells in constant time whether a secret is the key's.
func (d *keyDoc) is(secret []byte) bool {
	sum := sha256.Sum256(secret)
	return subtle.ConstantTimeCompare(sum[:], d.Hash) == 1
}

// keysOf gives where the keys of a tenant, or of the platform, stand; nil for a tenant there is not.
func (d *Directory) keysOf(ctx context.Context, l *login, tenant mail.TenantID) (store.Tenant, error) {
	if tenant.IsZero() {
		return d.platform, nil
	}
	c, err := d.contract(ctx, tenant)
	switch {
	case mail.Is(err, mail.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case c.State == TenantOrdered: // its store is not made yet
		return nil, nil
	}
	l.contract = c
	return c.store, nil
}

// knownKey gives a key from memory, read anew where the tenant changed since.
func (d *Directory) knownKey(ctx context.Context, in store.Tenant, ref keyRef) (*knownKey, error) {
	epoch := in.Epoch() // before reading: what changes meanwhile makes it stale
	if k, ok := d.keys.get(ref); ok && k.epoch == epoch {
		return k, nil
	}
	k := &knownKey{epoch: epoch}
	err := in.View(ctx, func(r store.Reader) (err error) {
		k.doc, _, err = readKey(r, ref.id)
		if k.unknown = mail.Is(err, mail.NotFound); k.unknown {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	d.keys.put(ref, k)
	return k, nil
}

// keyHolds refuses a right key that may not be used now, or not from here.
func (d *Directory) keyHolds(ctx context.Context, l *login, doc *keyDoc) error {
	const op = "directory.CallerByKey"
	switch {
	case doc.over(time.Now()):
		return mail.E(op, mail.Denied, "auth.expired")
	case !doc.from(l.origin.Remote):
		return mail.E(op, mail.Denied, "key.network", l.origin.Remote.String())
	case l.contract == nil:
		return d.admitted(ctx, l.origin, 0, DoorPanel)
	}
	if err := l.contract.Usable(op, time.Now()); err != nil {
		return err
	}
	if err := d.onOwnNetwork(ctx, l.origin, l.contract); err != nil {
		return err
	}
	return d.admitted(ctx, l.origin, l.contract.ID, DoorPanel)
}

// caller is who calls with the key.
func (d *keyDoc) caller(ref keyRef, o mail.Origin) *Caller {
	if ref.tenant.IsZero() {
		return &Caller{actor: mail.MintKey(d.Operator.actor(), 0, ref.id, "operator-key:"+d.Name, o)}
	}
	role := mail.User
	if owns(d.Grants) {
		role = mail.Admin
	}
	return &Caller{actor: mail.MintKey(role, ref.tenant, ref.id, "key:"+d.Name, o), tenant: ref.tenant, grants: d.Grants}
}
