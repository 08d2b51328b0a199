package mail

// An Actor is who acts: a signed-in person, an operator, or the platform at
// work. Every write names one. Nobody can make one up: only directory and queue
// may call MintActor (a test of the house checks it), and the fields can't be set
// from outside.
type Actor struct {
	role    ActorRole
	tenant  TenantID
	account AccountID
	name    string
	origin  Origin
}

// ActorRole is in what capacity an actor acts.
type ActorRole uint8

// Roles of actors. The zero role may do nothing.
const (
	NoActor  ActorRole = iota
	User               // the owner of an account
	Admin              // a tenant administrator (CP-3)
	Operator           // runs the platform
	Platform           // the platform at work: delivery, queue, sweepers
)

// MintActor makes an actor. For directory (a signed-in identity, an operator)
// and queue (the platform at work) only.
func MintActor(role ActorRole, t TenantID, a AccountID, name string, o Origin) Actor {
	return Actor{role: role, tenant: t, account: a, name: name, origin: o}
}

// Role tells in what capacity the actor acts.
func (a Actor) Role() ActorRole { return a.role }

// Tenant is the tenant the actor belongs to; zero for operators and the platform.
func (a Actor) Tenant() TenantID { return a.tenant }

// Account is the actor's own account; zero where it has none.
func (a Actor) Account() AccountID { return a.account }

// Name is for logs and people: an address, "operator:root", "platform:deliver".
func (a Actor) Name() string { return a.name }

// Origin is where the actor's session came from.
func (a Actor) Origin() Origin { return a.origin }

// Valid tells whether the actor may act at all.
func (a Actor) Valid() bool { return a.role != NoActor }
