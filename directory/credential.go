package directory

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/sasl"
)

// Limits of passwords after SASLprep. Operators, who bring passwords along from
// elsewhere, may set shorter ones.
const (
	MinPassword = 12  // characters
	MaxPassword = 256 // octets
)

// What new passwords are hashed with: argon2id as OWASP recommends it at the least
// memory. Stored hashes carry their own parameters, so these can grow.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16 // octets
	argonKey     = 32 // octets
)

// Bounds of parameters in stored hashes, which may come from elsewhere.
const (
	maxArgonMemory = 256 << 10 // KiB
	maxArgonTime   = 16
)

// scramIterations is how many rounds the client computes at each sign-in, since the
// server computes none: on a telephone 15,000 are some ten milliseconds. The hash that
// protects a stolen database is argon2id; a tenant for whom these rounds are
// too few a second hash chooses TenantSpec.NoScram.
const scramIterations = 15_000

// credentialDoc is what an account's password is checked against, as stored. It is a
// secret: it must never be shown, also not from the operation log.
type credentialDoc struct {
	Password string    `json:"password"` // PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$hash
	Scram    *scramDoc `json:"scram,omitempty"`
}

// scramDoc is a SCRAM-SHA-256 secret as stored (RFC 5802 §3).
type scramDoc struct {
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	StoredKey  []byte `json:"storedKey"`
	ServerKey  []byte `json:"serverKey"`
}

// newCredential makes the credential of a password, which takes a slot of the hasher.
func (d *Directory) newCredential(ctx context.Context, by mail.Actor, password string, noScram bool) (*credentialDoc, error) {
	prepared, err := checkPassword(by, password)
	if err != nil {
		return nil, err
	}
	var doc credentialDoc
	err = d.hashing.do(ctx, func() error {
		doc.Password = hashPassword(prepared)
		if !noScram {
			doc.Scram, err = newScram(prepared)
		}
		return err
	})
	return &doc, err
}

// checkPassword prepares a new password (RFC 4013). Invalid "password.malformed" or
// "password.too_short"; Full "password.too_long".
func checkPassword(by mail.Actor, password string) (string, error) {
	const op = "directory.checkPassword"
	prepared, err := sasl.Prepare(password)
	switch {
	case err != nil || prepared == "":
		return "", mail.E(op, mail.Invalid, "password.malformed")
	case len(prepared) > MaxPassword:
		return "", mail.E(op, mail.Full, "password.too_long", MaxPassword)
	case utf8.RuneCountInString(prepared) < MinPassword && by.Role() != mail.Operator:
		return "", mail.E(op, mail.Invalid, "password.too_short", MinPassword)
	}
	return prepared, nil
}

func newScram(prepared string) (*scramDoc, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	s, err := sasl.NewScramSecret(prepared, salt, scramIterations)
	if err != nil {
		return nil, mail.Wrap("directory.newScram", err)
	}
	return &scramDoc{s.Salt, s.Iterations, s.StoredKey, s.ServerKey}, nil
}

// hashPassword gives a PHC string with a new salt.
func hashPassword(prepared string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key := argon2.IDKey([]byte(prepared), salt, argonTime, argonMemory, argonThreads, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// matches tells whether a prepared password is the one a PHC string was made of, in
// constant time. An empty or unreadable string matches nothing and takes the time of any other.
func matches(phc, prepared string) bool {
	h, ok := parsePHC(phc)
	if !ok {
		h = phcHash{memory: argonMemory, time: argonTime, threads: argonThreads, salt: make([]byte, argonSalt), key: make([]byte, argonKey)}
	}
	key := argon2.IDKey([]byte(prepared), h.salt, h.time, h.memory, h.threads, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(key, h.key) == 1 && ok
}

// phcHash is a PHC string taken apart.
type phcHash struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func parsePHC(s string) (h phcHash, ok bool) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil || n != 3 {
		return h, false
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	ok = err1 == nil && err2 == nil && len(h.salt) >= 8 && len(h.key) >= 16 && len(h.key) <= 64 &&
		h.memory >= 8 && h.memory <= maxArgonMemory && h.time >= 1 && h.time <= maxArgonTime && h.threads >= 1
	return h, ok
}

// credential is a credential with what names this version of it.
type credential struct {
	credentialDoc
	id      mail.ObjectID
	version uint64
}

// readCredential gives an account's credential, nil where it has none.
func readCredential(r store.Reader, id mail.AccountID) (*credential, error) {
	o, err := r.ObjectByKey(credentialKey(id))
	if mail.Is(err, mail.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := credential{id: o.ID, version: o.Version}
	return &c, read(o, &c.credentialDoc)
}

// putCredential replaces an account's credential.
func putCredential(tx store.Tx, id mail.AccountID, doc *credentialDoc) error {
	have, err := readCredential(tx, id)
	if err != nil {
		return err
	}
	o := store.Object{Kind: kindCredential, Secret: true, Unique: []store.Key{credentialKey(id)}}
	if have != nil {
		o.ID, o.Version = have.id, have.version
	} else {
		o.ID = mail.ObjectID(tx.NextID())
	}
	return put(tx, o, doc)
}

func dropCredential(tx store.Tx, id mail.AccountID) error {
	have, err := readCredential(tx, id)
	if err != nil || have == nil {
		return err
	}
	return tx.DeleteObject(kindCredential, have.id, have.version)
}

// SetPassword changes an account's password: users their own, administrators and
// operators anybody's. It ends the validity of remembered sign-ins at once. Invalid
// "password.too_short" or "password.malformed"; Full "password.too_long".
func (c *Company) SetPassword(ctx context.Context, by mail.Actor, id mail.AccountID, password string) error {
	const op = "directory.SetPassword"
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return mail.Wrap(op, err)
	}
	need := manages
	if by.Account() == id && !id.IsZero() {
		need = own
	}
	if err := c.may(ctx, by, op, need); err != nil {
		return err
	}
	doc, err := c.dir.newCredential(ctx, by, password, t.NoScram)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return c.update(ctx, by, op, need, func(tx store.Tx) error {
		if _, _, err := readAccount(tx, id); err != nil {
			return err
		}
		return putCredential(tx, id, doc)
	})
}
