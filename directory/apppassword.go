package directory

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tegami/mail"
	"tegami/store"
)

// Scope is a kind of mail software that an app password is for, whatever the ports and the TLS.
type Scope string

// Scopes of app passwords. An app password is never for the web.
const (
	ScopeIMAP  Scope = "imap"
	ScopePOP3  Scope = "pop3"
	ScopeSMTP  Scope = "smtp"
	ScopeSieve Scope = "sieve"
	ScopeJMAP  Scope = "jmap"
	ScopeDAV   Scope = "dav" // CardDAV
)

// Scopes lists all of them.
func Scopes() []Scope {
	return []Scope{ScopeIMAP, ScopePOP3, ScopeSMTP, ScopeSieve, ScopeJMAP, ScopeDAV}
}

// scopes says what belongs to each.
var scopes = map[Protocol]Scope{
	"imap": ScopeIMAP, "imaps": ScopeIMAP, "pop3": ScopePOP3, "pop3s": ScopePOP3,
	"smtp": ScopeSMTP, "smtps": ScopeSMTP, "submission": ScopeSMTP, "sieve": ScopeSieve, "sieves": ScopeSieve,
	"jmap": ScopeJMAP, "dav": ScopeDAV,
}

// Limits of app passwords.
const (
	// MaxAppPasswords is how many an account may have.
	MaxAppPasswords = 25
	// MaxAppPasswordName is how long a name may be, in characters.
	MaxAppPasswordName = 100
	// appPasswordSize is how many random octets are in one.
	appPasswordSize = 16
	// appPasswordGroup is how many letters stand together where it is shown.
	appPasswordGroup = 6
)

// AppPassword is a password for one program or device of an account's owner, made here at random. It opens
// the doors of its scopes and nothing else.
type AppPassword struct {
	ID      mail.ObjectID
	Account mail.AccountID
	Name    string
	Scopes  []Scope // all where empty
	Created time.Time
	Used    time.Time // to the hour; zero: never, or too long ago
}

// appDoc is an app password as stored for people: it stands in the operation log.
type appDoc struct {
	Account mail.AccountID `json:"account"`
	Name    string         `json:"name"`
	Scopes  []Scope        `json:"scopes,omitempty"`
}

// appSecret is what an app password is checked against, as stored in the account's credential. A plain hash is
// enough: nobody guesses 128 random bits.
type appSecret struct {
	ID        mail.ObjectID `json:"id"`
	Scopes    []Scope       `json:"scopes,omitempty"`
	Hash      []byte        `json:"hash"` // SHA-256
	StoredKey []byte        `json:"storedKey"`
	ServerKey []byte        `json:"serverKey"`
}

// isFor tells whether the app password opens a protocol's door.
func (s *appSecret) isFor(p Protocol) bool {
	scope, ok := scopes[p]
	return ok && (len(s.Scopes) == 0 || slices.Contains(s.Scopes, scope))
}

// app finds the app password that a password is; nil for none.
func (d *credentialDoc) app(prepared string) (found *appSecret) {
	sum := sha256.Sum256([]byte(prepared))
	for i := range d.Apps {
		if subtle.ConstantTimeCompare(sum[:], d.Apps[i].Hash) == 1 {
			found = &d.Apps[i]
		}
	}
	return found
}

// appByID finds an app password; nil where it is gone.
func (d *credentialDoc) appByID(id mail.ObjectID) *appSecret {
	i := slices.IndexFunc(d.Apps, func(s appSecret) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &d.Apps[i]
}

// AppPasswordSpec asks for an app password.
type AppPasswordSpec struct {
	Name   string  // for its owner, to know it by
	Scopes []Scope // empty: all
}

// AddAppPassword makes an app password for an account: users their own, administrators and operators anybody's. The
// password is given once and kept nowhere. Full "app_password.too_many"; Invalid "app_password.name", "app_password.scope".
func (c *Company) AddAppPassword(ctx context.Context, by mail.Actor, id mail.AccountID, spec AppPasswordSpec) (AppPassword, string, error) {
	const op = "directory.AddAppPassword"
	doc := appDoc{id, strings.TrimSpace(spec.Name), spec.Scopes}
	if err := doc.check(op); err != nil {
		return AppPassword{}, "", err
	}
	made := AppPassword{Account: id, Name: doc.Name, Scopes: doc.Scopes}
	password := newAppPassword()
	err := c.changeApps(ctx, by, op, id, func(tx store.Tx, cred *credentialDoc) error {
		if len(cred.Apps) >= MaxAppPasswords {
			return mail.E(op, mail.Full, "app_password.too_many", MaxAppPasswords)
		}
		made.ID = mail.ObjectID(tx.NextID())
		made.Created = made.ID.Time()
		if err := cred.addApp(made, password); err != nil {
			return err
		}
		return put(tx, store.Object{Kind: kindApp, ID: made.ID, Marks: []store.Key{OfAccount(id)}}, doc)
	})
	if err != nil {
		return AppPassword{}, "", err
	}
	return made, password, nil
}

func (d *appDoc) check(op mail.Op) error {
	if n := utf8.RuneCountInString(d.Name); n == 0 || n > MaxAppPasswordName || !utf8.ValidString(d.Name) {
		return mail.E(op, mail.Invalid, "app_password.name", MaxAppPasswordName)
	}
	for _, s := range d.Scopes {
		if !slices.Contains(Scopes(), s) {
			return mail.E(op, mail.Invalid, "app_password.scope", string(s))
		}
	}
	return nil
}

// addApp takes a new app password into the credential.
func (d *credentialDoc) addApp(made AppPassword, password string) error {
	if d.Scram == nil {
		d.Scram = newSalt()
	}
	keys, err := d.Scram.derive(password)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(password))
	d.Apps = append(slices.Clone(d.Apps), appSecret{made.ID, made.Scopes, sum[:], keys.Stored, keys.Server})
	return nil
}

// newAppPassword makes 128 random bits as text, in groups that can be read from a screen and typed.
func newAppPassword() string {
	var b [appPasswordSize]byte
	rand.Read(b[:])
	text := tagText.EncodeToString(b[:])
	var groups []string
	for part := range slices.Chunk([]byte(text), appPasswordGroup) {
		groups = append(groups, string(part))
	}
	return strings.Join(groups, "-")
}

// changeApps lets fn change an account's credential, in one transaction with what else it writes.
func (c *Company) changeApps(ctx context.Context, by mail.Actor, op mail.Op, id mail.AccountID, fn func(store.Tx, *credentialDoc) error) error {
	return c.update(ctx, by, op, ownOr(by, id), func(tx store.Tx) error {
		if _, _, err := readAccount(tx, id); err != nil {
			return err
		}
		if err := c.permitOwn(tx, by, op, RightPasswords, id); err != nil {
			return err
		}
		have, err := readCredential(tx, id)
		if err != nil {
			return err
		}
		doc := have.docOrNone()
		if err := fn(tx, &doc); err != nil {
			return err
		}
		return putCredential(tx, id, have, &doc)
	})
}

// RevokeAppPassword takes an app password back. Sessions that signed in with it end. NotFound "app_password.unknown".
func (c *Company) RevokeAppPassword(ctx context.Context, by mail.Actor, id mail.AccountID, app mail.ObjectID) error {
	const op = "directory.RevokeAppPassword"
	return c.changeApps(ctx, by, op, id, func(tx store.Tx, cred *credentialDoc) error {
		if cred.appByID(app) == nil {
			return mail.E(op, mail.NotFound, "app_password.unknown", app.String())
		}
		cred.Apps = slices.DeleteFunc(slices.Clone(cred.Apps), func(s appSecret) bool { return s.ID == app })
		o, err := tx.Object(kindApp, app)
		if err != nil {
			return err
		}
		return tx.DeleteObject(kindApp, app, o.Version)
	})
}

// AppPasswords lists an account's app passwords, the oldest first.
func (c *Company) AppPasswords(ctx context.Context, id mail.AccountID) (list []AppPassword, err error) {
	err = c.view(ctx, "directory.AppPasswords", func(r store.Reader) error {
		list = nil
		if _, _, err := readAccount(r, id); err != nil {
			return err
		}
		err := eachMarked(r, kindApp, OfAccount(id), func(o store.Object) error {
			var doc appDoc
			err := read(o, &doc)
			list = append(list, AppPassword{ID: o.ID, Account: id, Name: doc.Name, Scopes: doc.Scopes, Created: o.ID.Time()})
			return err
		})
		for i := range list {
			if err == nil {
				list[i].Used, err = lastUse(r, id, list[i].ID)
			}
		}
		return err
	})
	return list, err
}

const (
	// noteUseEvery is how exactly the last use of an app password is known.
	noteUseEvery = time.Hour
	// keepUse is how long it is.
	keepUse = 2 * 365 * 24 * time.Hour
	// maxUsedApps bounds for how many app passwords a process knows when it noted their use.
	maxUsedApps = 100_000
)

// useMemo is the name under which an account remembers the last use of an app password.
func useMemo(app mail.ObjectID) string { return "app-password " + app.String() }

// noteUse notes that an app password was used, if that was not noted lately. A failure is no reason to keep its owner
// out: the next sign-in notes it.
func (d *Directory) noteUse(ctx context.Context, in store.Tenant, id mail.AccountID, app mail.ObjectID) {
	now := time.Now()
	if last, ok := d.used.get(app); ok && now.Sub(last) < noteUseEvery {
		return
	}
	d.used.put(app, now)
	err := in.Update(ctx, atWork(), "directory.noteUse", func(tx store.Tx) error {
		return tx.PutMemo(id, useMemo(app), now.Add(keepUse))
	})
	if err != nil {
		d.used.put(app, time.Time{})
	}
}

// lastUse is when an app password was used last; zero where nobody knows.
func lastUse(r store.Reader, id mail.AccountID, app mail.ObjectID) (time.Time, error) {
	until, err := r.Memo(id, useMemo(app))
	if err != nil || until.IsZero() {
		return time.Time{}, err
	}
	return until.Add(-keepUse), nil
}
