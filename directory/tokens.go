package directory

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/mailauth/srs"
)

// Tokens makes addresses that prove themselves: return paths of forwarded mail (SRS), of members' copies
// (VERP), and links to leave a list. It holds the platform's secrets of the moment; get a new one
// for each piece of work. Its methods may be called from many goroutines.
type Tokens struct{ keys [][]byte } // the newest first

const (
	// MaxSecrets is how many secrets are kept: with the newest, tokens are made; all prove them.
	MaxSecrets = 3
	// secretSize is the length of a secret in octets.
	secretSize = 32
	// shortTag is the length of a proof within an address: 30 bits, which nobody guesses by sending mail.
	shortTag = 6
	// longTag is the length of a proof within a link: 100 bits.
	longTag = 20
)

// What a proof is for. One for one purpose says nothing for another.
const (
	forReturn      = "return"
	forBounce      = "bounce"
	forUnsubscribe = "unsubscribe"
	forLink        = "link"
	forContent     = "content"
	forOctets      = "octets"
)

// secretsKey is under what the platform's secrets are found.
var secretsKey = store.Key{Name: "secrets", Value: "tokens"}

// secretsDoc are the secrets as stored.
type secretsDoc struct {
	Keys  [][]byte `json:"keys"`            // the newest first
	Salts []byte   `json:"salts,omitempty"` // stays for ever, as salts do: see falseSecret
}

// readSecrets gives the platform's secrets; none before the first was made.
func readSecrets(r store.Reader) (doc secretsDoc, o store.Object, err error) {
	o, err = r.ObjectByKey(secretsKey)
	switch {
	case mail.Is(err, mail.NotFound):
		o, err = store.Object{Kind: kindSecrets, Unique: []store.Key{secretsKey}, Secret: true}, nil
	case err == nil:
		err = read(o, &doc)
	}
	return doc, o, err
}

// Tokens gives the tokens of the moment. The first call of an installation makes the secret.
func (d *Directory) Tokens(ctx context.Context) (*Tokens, error) {
	const op = "directory.Tokens"
	all, err := d.known(ctx)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if len(all.tokens.keys) > 0 {
		return &all.tokens, nil
	}
	if err := d.addSecret(ctx, atWork(), op, true); err != nil {
		return nil, mail.Wrap(op, err)
	}
	if all, err = d.known(ctx); err != nil {
		return nil, mail.Wrap(op, err)
	}
	return &all.tokens, nil
}

// atWork is the actor of what the directory does by itself.
func atWork() mail.Actor {
	return mail.MintActor(mail.Platform, 0, 0, "platform:directory", mail.Origin{Door: "platform"})
}

// Housekeeper is the actor of what the platform does by itself to mail at rest, such as telling which messages belong together.
func Housekeeper() mail.Actor {
	return mail.MintActor(mail.Platform, 0, 0, "platform:mailbox", mail.Origin{Door: "platform"})
}

// RotateTokens makes a new secret. What the last ones proved stays valid, until MaxSecrets newer ones were
// made. Operators only.
func (d *Directory) RotateTokens(ctx context.Context, by mail.Actor) error {
	const op = "directory.RotateTokens"
	if by.Role() != mail.Operator {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return mail.Wrap(op, d.addSecret(ctx, by, op, false))
}

// saltSecret gives the secret that false salts are derived from: one for the installation, so that all processes give the same.
func (d *Directory) saltSecret(ctx context.Context) ([]byte, error) {
	all, err := d.known(ctx)
	if err != nil || all.salts != nil {
		return all.saltsOrNone(), err
	}
	made := make([]byte, secretSize)
	rand.Read(made)
	err = d.platform.Update(ctx, atWork(), "directory.saltSecret", func(tx store.Tx) error {
		doc, o, err := readSecrets(tx)
		if err != nil || doc.Salts != nil {
			return err
		}
		doc.Salts = made
		return put(tx, o, doc)
	})
	if err != nil {
		return nil, err
	}
	all, err = d.known(ctx)
	return all.saltsOrNone(), err
}

// saltsOrNone is for who could not read the contracts.
func (c *contracts) saltsOrNone() []byte {
	if c == nil {
		return nil
	}
	return c.salts
}

// addSecret makes a secret; with first only where there is none.
func (d *Directory) addSecret(ctx context.Context, by mail.Actor, op mail.Op, first bool) error {
	secret := make([]byte, secretSize)
	rand.Read(secret)
	return d.platform.Update(ctx, by, op, func(tx store.Tx) error {
		doc, o, err := readSecrets(tx)
		if err != nil || first && len(doc.Keys) > 0 {
			return err
		}
		doc.Keys = append([][]byte{secret}, doc.Keys[:min(len(doc.Keys), MaxSecrets-1)]...)
		return put(tx, o, doc)
	})
}

// Content gives the secrets, of 32 octets each, with which the addresses of untrusted content are sealed, the newest first.
func (t *Tokens) Content() [][]byte { return t.derive(forContent) }

// derive gives the secrets for one purpose.
func (t *Tokens) derive(purpose string) [][]byte {
	keys := make([][]byte, len(t.keys))
	for i, k := range t.keys {
		h := hmac.New(sha256.New, k)
		h.Write([]byte(purpose))
		keys[i] = h.Sum(nil)
	}
	return keys
}

// tagText writes proofs: letters and digits that survive whoever changes the case of an address.
var tagText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// tag proves text under a key.
func tag(key []byte, n int, text ...string) string {
	h := hmac.New(sha256.New, key)
	for _, s := range text {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return tagText.EncodeToString(h.Sum(nil))[:n]
}

// proves tells whether a proof is right under any of the secrets.
func (t *Tokens) proves(purpose, proof string, text ...string) bool {
	ok := false
	for _, key := range t.derive(purpose) {
		ok = hmac.Equal([]byte(tag(key, len(proof), text...)), []byte(proof)) || ok
	}
	return ok
}

// newest is the secret with which proofs for a purpose are made.
func (t *Tokens) newest(purpose string) []byte {
	return (&Tokens{t.keys[:1]}).derive(purpose)[0]
}

// Return is the return path, in a domain of ours, of mail that is forwarded for from; null stays null.
func (t *Tokens) Return(from mail.Address, domain string, now time.Time) mail.Address {
	if from.IsNull() {
		return from
	}
	return srs.Forward(from, domain, t.derive(forReturn), now)
}

// original is the sender behind a return path that Return made. NotFound where it is forged or old.
func (t *Tokens) original(local string, now time.Time) (mail.Address, error) {
	return srs.Reverse(local, t.derive(forReturn), now)
}

// Bounce is the return path of a member's copy of a list's mail:
// list-bounces+user=example.org=proof, or the member's id where that is too long for an address.
func (t *Tokens) Bounce(l *List, m *Member) mail.Address {
	key := m.Address.Key()
	named := strings.ReplaceAll(key, "@", "=")
	local := l.Address.Local + bouncesSuffix + "+"
	if len(local)+len(named)+1+shortTag > mail.MaxLocalPart || !plainLocal(m.Address.Local) {
		named, key = m.ID.String(), m.ID.String()
	}
	proof := tag(t.newest(forBounce), shortTag, l.ID.String(), key)
	return mail.Address{Local: local + named + "=" + proof, Domain: l.Address.Domain}
}

// plainLocal tells whether a local part stands in another without quoting.
func plainLocal(local string) bool {
	_, err := ownLocal(local)
	return err == nil
}

// bounced is who a return path of Bounce names: an address, or a member's id.
func (t *Tokens) bounced(l *List, detail string) (addr mail.Address, id mail.ObjectID, ok bool) {
	detail = strings.ToLower(detail)
	i := strings.LastIndexByte(detail, '=')
	if i < 0 || len(detail)-i-1 != shortTag {
		return addr, 0, false
	}
	named, proof := detail[:i], detail[i+1:]
	if at := strings.LastIndexByte(named, '='); at >= 0 {
		addr = mail.Address{Local: named[:at], Domain: named[at+1:]}
		return addr, 0, t.proves(forBounce, proof, l.ID.String(), addr.Key())
	}
	if id.UnmarshalText([]byte(named)) != nil {
		return addr, 0, false
	}
	return addr, id, t.proves(forBounce, proof, l.ID.String(), named)
}

// Unsubscribe gives what takes a member off a list: an address to write to, and the token of a
// link (RFC 8058). Who has them may do it.
func (t *Tokens) Unsubscribe(l *List, m *Member) (addr mail.Address, token string) {
	member := m.ID.String()
	proof := tag(t.newest(forUnsubscribe), shortTag, l.ID.String(), member)
	addr = mail.Address{Local: l.UnsubscribeAddress().Local + "+" + member + "=" + proof, Domain: l.Address.Domain}
	link := l.Tenant.String() + l.ID.String() + member
	return addr, link + tag(t.newest(forLink), longTag, link)
}

// leaver is the member that an address of Unsubscribe names.
func (t *Tokens) leaver(l *List, detail string) (id mail.ObjectID, ok bool) {
	member, proof, _ := strings.Cut(strings.ToLower(detail), "=")
	if len(proof) != shortTag || id.UnmarshalText([]byte(member)) != nil {
		return 0, false
	}
	return id, t.proves(forUnsubscribe, proof, l.ID.String(), member)
}

// Octets proves that octets were brought by an account, so that nobody else asks for them. name is what the proof is part of.
func (t *Tokens) Octets(tenant mail.TenantID, account mail.AccountID, name string) string {
	return tag(t.newest(forOctets), longTag, tenant.String(), account.String(), name)
}

// ProvesOctets tells whether Octets made a proof.
func (t *Tokens) ProvesOctets(tenant mail.TenantID, account mail.AccountID, name, proof string) bool {
	return len(proof) == longTag && t.proves(forOctets, proof, tenant.String(), account.String(), name)
}

// idSize is the length of an id as text.
const idSize = 13

// link is what the token of a link names.
type link struct {
	company *Company
	list    mail.ObjectID
	member  mail.ObjectID
}

// readLink reads the token of a link. NotFound "list.token_invalid".
func (d *Directory) readLink(ctx context.Context, token string) (l link, err error) {
	const op = "directory.readLink"
	var tenant mail.TenantID
	if len(token) != 3*idSize+longTag || tenant.UnmarshalText([]byte(token[:idSize])) != nil ||
		l.list.UnmarshalText([]byte(token[idSize:2*idSize])) != nil || l.member.UnmarshalText([]byte(token[2*idSize:3*idSize])) != nil {
		return l, mail.E(op, mail.NotFound, "list.token_invalid")
	}
	t, err := d.Tokens(ctx)
	if err == nil && !t.proves(forLink, token[3*idSize:], token[:3*idSize]) {
		err = mail.E(op, mail.NotFound, "list.token_invalid")
	}
	l.company = d.Company(tenant)
	return l, err
}

// Subscription gives the address of the list that a link's token is for, whether or not the member has left
// it. NotFound "list.token_invalid", "list.unknown".
func (d *Directory) Subscription(ctx context.Context, token string) (string, error) {
	l, err := d.readLink(ctx, token)
	if err != nil {
		return "", mail.Wrap("directory.Subscription", err)
	}
	list, err := l.company.List(ctx, l.list)
	return list.Address.String(), mail.Wrap("directory.Subscription", err)
}

// Unsubscribe takes the member that a link's token names off its list; again is no error. It
// is what one click does (RFC 8058). NotFound "list.token_invalid".
func (d *Directory) Unsubscribe(ctx context.Context, token string) error {
	const op = "directory.Unsubscribe"
	l, err := d.readLink(ctx, token)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return l.company.update(ctx, atWork(), op, keeps, func(tx store.Tx) error { return leave(tx, l.list, l.member) })
}

// leave removes a member by its id; who has left already is nobody.
func leave(tx store.Tx, list, member mail.ObjectID) error {
	o, err := tx.Object(kindMember, member)
	if mail.Is(err, mail.NotFound) {
		return nil
	}
	var doc memberDoc
	if err == nil {
		err = read(o, &doc)
	}
	if err != nil || doc.List != list {
		return err
	}
	return tx.DeleteObject(kindMember, member, o.Version)
}

// Left takes a member off a list inside the transaction of a carrier that read a proof of it, such as mail to the
// address of Tokens.Unsubscribe; who has left already is no error.
func Left(tx store.Tx, list mail.ObjectID, member mail.Address) error {
	err := removeMember(tx, list, member)
	if mail.Is(err, mail.NotFound) {
		return nil
	}
	return mail.Wrap("directory.Left", err)
}
