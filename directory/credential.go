package directory

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
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
	Password string      `json:"password,omitempty"` // PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$hash; "" = none
	Serial   uint64      `json:"serial,omitempty"`   // grows with each password: who signed in with an older one is out
	Scram    *scramDoc   `json:"scram,omitempty"`
	Apps     []appSecret `json:"apps,omitempty"`
	Changed  time.Time   `json:"changed,omitzero"`
	History  []string    `json:"history,omitempty"` // former passwords as PHC strings, the newest first
	Factors  bool        `json:"factors,omitempty"` // there is a second factor
}

// scramDoc is what SCRAM-SHA-256 keeps of the password (RFC 5802 §3), and the salt that the account's app passwords share
// with it: a client hears one salt before it shows which password it has.
type scramDoc struct {
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	StoredKey  []byte `json:"storedKey,omitempty"` // empty: the password itself has none
	ServerKey  []byte `json:"serverKey,omitempty"`
}

// newCredential makes the credential of a password, which takes a slot of the hasher. have is what the account had: its app
// passwords stay, with the salt they share.
func (d *Directory) newCredential(ctx context.Context, by mail.Actor, password string, noScram bool, have credentialDoc) (*credentialDoc, error) {
	prepared, err := checkPassword(by, password)
	if err != nil {
		return nil, err
	}
	doc := credentialDoc{Serial: have.Serial + 1, History: have.formerly(), Apps: have.Apps, Factors: have.Factors, Changed: time.Now().Truncate(time.Second)}
	if len(have.Apps) > 0 && have.Scram != nil {
		doc.Scram = &scramDoc{Salt: have.Scram.Salt, Iterations: have.Scram.Iterations}
	}
	return &doc, d.hashing.do(ctx, func() error {
		doc.Password = hashPassword(prepared)
		if noScram {
			return nil
		}
		if doc.Scram == nil {
			doc.Scram = newSalt()
		}
		k, err := doc.Scram.derive(prepared)
		doc.Scram.StoredKey, doc.Scram.ServerKey = k.Stored, k.Server
		return err
	})
}

// checkPassword prepares a new password (RFC 4013). What it must be like beside that says the policy: judgePassword. Invalid
// "password.malformed" or "password.too_short"; Full "password.too_long".
func checkPassword(by mail.Actor, password string) (string, error) {
	const op = "directory.checkPassword"
	prepared, err := sasl.Prepare(password)
	switch {
	case err != nil || prepared == "":
		return "", mail.E(op, mail.Invalid, "password.malformed")
	case len(prepared) > MaxPassword:
		return "", mail.E(op, mail.Full, "password.too_long", MaxPassword)
	case utf8.RuneCountInString(prepared) < leastPassword && by.Role() != mail.Operator:
		return "", mail.E(op, mail.Invalid, "password.too_short", leastPassword)
	}
	return prepared, nil
}

// newSalt is a scramDoc without a password.
func newSalt() *scramDoc {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	return &scramDoc{Salt: salt, Iterations: scramIterations}
}

// derive gives the keys of a password.
func (s *scramDoc) derive(prepared string) (sasl.ScramKeys, error) {
	made, err := sasl.NewScramSecret(prepared, s.Salt, s.Iterations)
	if err != nil {
		return sasl.ScramKeys{}, mail.Wrap("directory.derive", err)
	}
	return made.Keys[0], nil
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
	if h.memory < argonMemory || h.time < argonTime { // a password we made (ADR 13): the clock must not tell that an account still has it
		argon2.IDKey([]byte(prepared), h.salt, argonTime, argonMemory, argonThreads, argonKey)
	}
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

// credential is a credential as it stands in the store.
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
func putCredential(tx store.Tx, id mail.AccountID, have *credential, doc *credentialDoc) error {
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
// operators anybody's. It ends the validity of remembered sign-ins, and of sessions that
// were signed in with the one before, at once; app passwords stay. Invalid
// "password.too_short" or "password.malformed"; Full "password.too_long"; Conflict "object.changed" where an
// app password was made meanwhile.
func (c *Company) SetPassword(ctx context.Context, by mail.Actor, id mail.AccountID, password string) error {
	const op = "directory.SetPassword"
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return mail.Wrap(op, err)
	}
	need := ownOr(by, id)
	if need == own {
		err = c.may(ctx, by, op, own)
	} else {
		err = c.check(ctx, by, op, RightPasswords)
	}
	if err != nil {
		return err
	}
	have, err := c.credentialOf(ctx, op, id)
	if err != nil {
		return err
	}
	if err := c.judgeFor(ctx, by, t, id, password, have); err != nil {
		return mail.Wrap(op, err)
	}
	doc, err := c.dir.newCredential(ctx, by, password, t.NoScram, have.docOrNone())
	if err != nil {
		return mail.Wrap(op, err)
	}
	return c.update(ctx, by, op, need, func(tx store.Tx) error {
		account, version, err := readAccount(tx, id)
		if err != nil {
			return err
		}
		if err := c.permitOwn(tx, by, op, RightPasswords, id); err != nil {
			return err
		}
		if account.MustChange {
			account.MustChange = false
			if err := putAccount(tx, id, account, version); err != nil {
				return err
			}
		}
		return putCredential(tx, id, have, doc)
	})
}

// judgeFor holds an account's new password to the company's policy. Only its owner is told that he had it before.
func (c *Company) judgeFor(ctx context.Context, by mail.Actor, t *contract, id mail.AccountID, password string, have *credential) error {
	var account accountDoc
	err := c.view(ctx, "directory.judgeFor", func(r store.Reader) (err error) {
		account, _, err = readAccount(r, id)
		return err
	})
	if err != nil {
		return err
	}
	var former *credentialDoc
	if by.Account() == id && have != nil {
		former = &have.credentialDoc
	}
	return c.dir.judgePassword(ctx, by, c.id, password, former, t.namesOf(&account)...)
}

// credentialOf reads an account's credential, nil where it has none.
func (c *Company) credentialOf(ctx context.Context, op mail.Op, id mail.AccountID) (have *credential, err error) {
	err = c.view(ctx, op, func(r store.Reader) error {
		have, err = readCredential(r, id)
		return err
	})
	return have, err
}

// docOrNone is the document of a credential; the zero one of none.
func (c *credential) docOrNone() credentialDoc {
	if c == nil {
		return credentialDoc{}
	}
	return c.credentialDoc
}
