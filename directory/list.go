package directory

import (
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
)

// PostingPolicy says who may write to a list (LI-7).
type PostingPolicy string

// Posting policies. Owners may write to their list under each of them.
const (
	PostAnyone  PostingPolicy = "anyone"
	PostTenant  PostingPolicy = "tenant"  // addresses in the tenant's domains
	PostDomain  PostingPolicy = "domain"  // addresses in the list's domain
	PostMembers PostingPolicy = "members" // members that are not switched off
	PostListed  PostingPolicy = "listed"  // the addresses in Posters
)

// Limits of lists.
const (
	// MaxMembers is how many members a list has (LI-3).
	MaxMembers = 1000
	// MaxListOwners is how many owners a list has.
	MaxListOwners = 10
	// MaxPosters is how many addresses a list names that may post (LI-7).
	MaxPosters = 100
	// MaxLists is how many lists a domain has.
	MaxLists = 1000
	// MaxListLocal is the length of a list's local part in octets: with it, the address at which a member
	// leaves is no longer than mail.MaxLocalPart.
	MaxListLocal = 31
	// MaxPrefix is the length of a subject prefix in octets (LI-4).
	MaxPrefix = 64
	// MaxBounces is how many hard bounces in BounceWindow switch a member off (LI-7).
	MaxBounces = 5
	// BounceWindow is how long a hard bounce counts.
	BounceWindow = 7 * 24 * time.Hour
)

// List is a mailing list of a tenant. Its slices are shared: don't change them.
type List struct {
	ID      mail.ObjectID
	Tenant  mail.TenantID
	Domain  mail.DomainID
	Address mail.Address
	Members int // how many; only from Company.List, FindList, Lists and SearchLists
	Version uint64
	ListSpec
}

// ListSpec is what can be said about a list beside its address.
type ListSpec struct {
	Name      string         `json:"name,omitempty"`      // for people, in List-Id; "" = the local part
	Posting   PostingPolicy  `json:"posting"`             // "" = PostDomain
	Posters   []mail.Address `json:"posters,omitempty"`   // who may post under PostListed
	Owners    []mail.Address `json:"owners,omitempty"`    // who moderate, and get the mail for list-owner@
	Moderated bool           `json:"moderated,omitempty"` // posts of others than the owners wait for one of them
	Prefix    string         `json:"prefix,omitempty"`    // put before the subject (LI-4); "" = the subject is untouched
	Number    bool           `json:"number,omitempty"`    // count the posts in the subject (LI-4)
	Hidden    bool           `json:"hidden,omitempty"`    // not shown in the address book of the domain
	Lang      string         `json:"lang,omitempty"`      // of notices to owners and members; "" = the tenant's
}

// Rewrites tells whether the list changes the subject of what it sends on, which breaks
// the poster's DKIM signature (LI-4).
func (l *List) Rewrites() bool { return l.Prefix != "" || l.Number }

// Owns tells whether an address is an owner's.
func (l *List) Owns(a mail.Address) bool { return containsAddress(l.Owners, a) }

func containsAddress(list []mail.Address, a mail.Address) bool {
	return slices.ContainsFunc(list, func(b mail.Address) bool { return sameAddress(a, b) })
}

// Suffixes of the addresses that belong to a list (RFC 2142 §6).
const (
	ownerSuffix       = "-owner"
	requestSuffix     = "-request"
	bouncesSuffix     = "-bounces"
	unsubscribeSuffix = "-unsubscribe"
)

// OwnerAddress leads to the owners.
func (l *List) OwnerAddress() mail.Address { return l.beside(ownerSuffix) }

// BouncesAddress is the return path of what the list itself sends. Tokens.Bounce gives that of a
// member's copy.
func (l *List) BouncesAddress() mail.Address { return l.beside(bouncesSuffix) }

// UnsubscribeAddress removes the member that writes to it and proved who it is. Tokens.Unsubscribe
// gives one that proves itself.
func (l *List) UnsubscribeAddress() mail.Address { return l.beside(unsubscribeSuffix) }

func (l *List) beside(suffix string) mail.Address {
	return mail.Address{Local: l.Address.Local + suffix, Domain: l.Address.Domain}
}

// Member is an address on a list.
type Member struct {
	ID      mail.ObjectID // made by AddMembers
	Address mail.Address
	Name    string
	CanPost bool // may post under PostMembers
	// Off: gets nothing, because of too many hard bounces. Company.ResumeMember takes it up again.
	Off     bool
	Bounces []time.Time // hard bounces within BounceWindow, oldest first, at most MaxBounces
}

// memberDoc is a member as stored.
type memberDoc struct {
	List    mail.ObjectID `json:"list"`
	Address mail.Address  `json:"address"`
	Name    string        `json:"name,omitempty"`
	Mute    bool          `json:"mute,omitempty"` // may not post
	Off     bool          `json:"off,omitempty"`
	Away    bool          `json:"away,omitempty"` // its account is deleted, and may be restored
	Bounces []time.Time   `json:"bounces,omitempty"`
}

func (d *memberDoc) member(id mail.ObjectID) Member {
	return Member{ID: id, Address: d.Address, Name: d.Name, CanPost: !d.Mute, Off: d.Off || d.Away, Bounces: d.Bounces}
}

// listDoc is a list as stored.
type listDoc struct {
	Domain  mail.DomainID `json:"domain"`
	Address mail.Address  `json:"address"`
	ListSpec
}

func listOf(o store.Object, tenant mail.TenantID) (List, error) {
	var doc listDoc
	err := read(o, &doc)
	return List{ID: o.ID, Version: o.Version, Tenant: tenant, Domain: doc.Domain, Address: doc.Address, ListSpec: doc.ListSpec}, err
}

func putList(tx store.Tx, l *List, version uint64) error {
	o := store.Object{
		Kind: kindList, ID: l.ID, Version: version,
		Unique: []store.Key{addressKey(l.Address)}, Marks: []store.Key{inDomain(l.Domain)},
	}
	return taken(put(tx, o, listDoc{l.Domain, l.Address, l.ListSpec}), "address.taken")
}

// checkSpec judges what a list shall be, and gives it in its stored form.
func checkSpec(op mail.Op, s ListSpec) (ListSpec, error) {
	s.Name, s.Prefix = strings.TrimSpace(s.Name), strings.TrimSpace(s.Prefix)
	if s.Posting == "" {
		s.Posting = PostDomain
	}
	switch {
	case !slices.Contains([]PostingPolicy{PostAnyone, PostTenant, PostDomain, PostMembers, PostListed}, s.Posting):
		return s, mail.E(op, mail.Invalid, "list.posting_unknown", string(s.Posting))
	case len(s.Name) > MaxName || hasControls(s.Name):
		return s, mail.E(op, mail.Invalid, "name.malformed", MaxName)
	case len(s.Prefix) > MaxPrefix || hasControls(s.Prefix):
		return s, mail.E(op, mail.Invalid, "list.prefix", MaxPrefix)
	case len(s.Owners) > MaxListOwners:
		return s, mail.E(op, mail.Full, "list.owners_full", MaxListOwners)
	case len(s.Posters) > MaxPosters:
		return s, mail.E(op, mail.Full, "list.posters_full", MaxPosters)
	case s.Moderated && len(s.Owners) == 0:
		return s, mail.E(op, mail.Invalid, "list.moderator_missing")
	}
	if s.Lang == "" {
		return s, nil
	}
	return s, checkLang(op, s.Lang)
}

// hasControls tells whether s has characters that would begin a line of their own in a header.
func hasControls(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
