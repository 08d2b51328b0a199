package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Actor is who acts: a signed-in person, an API key, an operator, or the platform at
// work. Every write names one. Nobody can make one up: only directory and queue
// may call MintActor and MintKey (a test of the house checks it), and the fields can't be set
// from outside.
type Actor struct {
	role    ActorRole
	tenant  TenantID
	account AccountID
	key     ObjectID
	name    string
	reason  string
	origin  Origin
}

// ActorRole is in what capacity an actor acts.
type ActorRole uint8

// Roles of actors. The zero role may do nothing.
const (
	NoActor  ActorRole = iota
	User               // the owner of an account
	Admin              // somebody with a role in a company (CP-3), or an API key of one
	Operator           // runs the platform
	Platform           // the platform at work: delivery, queue, sweepers
	Observer           // an operator who only looks: nothing takes a write of his
)

// MaxReason is the length of an actor's reason, in octets.
const MaxReason = 500

// MintActor makes an actor. For directory (a signed-in identity, an operator)
// and queue (the platform at work) only.
func MintActor(role ActorRole, t TenantID, a AccountID, name string, o Origin) Actor {
	return Actor{role: role, tenant: t, account: a, name: name, origin: o}
}

// MintKey makes the actor of an API key. For directory only.
func MintKey(role ActorRole, t TenantID, key ObjectID, name string, o Origin) Actor {
	return Actor{role: role, tenant: t, key: key, name: name, origin: o}
}

// Role tells in what capacity the actor acts.
func (a Actor) Role() ActorRole { return a.role }

// Tenant is the tenant the actor belongs to; zero for operators and the platform.
func (a Actor) Tenant() TenantID { return a.tenant }

// Account is the actor's own account; zero where it has none. An operator's is that of the platform, which is no
// company's account.
func (a Actor) Account() AccountID { return a.account }

// Key is the API key that acts; zero for all others.
func (a Actor) Key() ObjectID { return a.key }

// Name is for logs and people: an address, "operator:root", "key:payroll", "platform:deliver".
func (a Actor) Name() string { return a.name }

// Origin is where the actor's session came from.
func (a Actor) Origin() Origin { return a.origin }

// For is the same actor, with why it acts. The operation log keeps that (CP-7). What is longer than MaxReason is cut; control
// characters are spaces.
func (a Actor) For(reason string) Actor {
	reason = strings.ToValidUTF8(strings.Map(spaced, reason), "?")
	if len(reason) > MaxReason {
		end := MaxReason
		for end > 0 && !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end]
	}
	a.reason = reason
	return a
}

func spaced(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// Reason is why the actor acts; "" where it need not say.
func (a Actor) Reason() string { return a.reason }

// Valid tells whether the actor may act at all.
func (a Actor) Valid() bool { return a.role != NoActor }
