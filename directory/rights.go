package directory

import "slices"

// Role is what an account or an API key may do beside using its own mail (CP-6). Any account can have any (CP-4).
type Role string

// The roles.
const (
	RoleOwner        Role = "owner"           // everything the company may do, and only owners appoint (CP-3)
	RoleAccountAdmin Role = "account-admin"   // accounts, groups, address book, passwords
	RolePolicyAdmin  Role = "policy-admin"    // rules of mail, forwarding, networks, security
	RoleListAdmin    Role = "list-admin"      // mailing lists
	RoleAudit        Role = "audit-officer"   // held mail (AU-4), and nothing else
	RoleArchive      Role = "archive-officer" // the archive (AR-3), and nothing else
	RoleHelpDesk     Role = "help-desk"       // passwords and second factors, looking up accounts and where mail went
	RoleReadOnly     Role = "read-only"       // sees what administrators see, changes nothing
)

// Roles lists the roles there are.
func Roles() []Role {
	return []Role{RoleOwner, RoleAccountAdmin, RolePolicyAdmin, RoleListAdmin, RoleAudit, RoleArchive, RoleHelpDesk, RoleReadOnly}
}

// Right is one thing somebody may do. Operations name the right they need; roles are sets of rights.
type Right string

// Rights. Those with "read" in their name only look.
const (
	// RightAny is what every caller has, keys and operators too.
	RightAny Right = "any"
	// RightSelf is what everybody has who is signed in: the own password, factors, sessions, mail.
	RightSelf Right = "self"
	// RightOrder is what operators have alone: contracts, plans, numbers of IDs, the platform.
	RightOrder Right = "order"
	// RightOrderRead is what operators have alone who only look.
	RightOrderRead Right = "order.read"

	RightOverview     Right = "overview.read"
	RightAccountsRead Right = "accounts.read"
	RightAccounts     Right = "accounts"  // make, change, suspend, delete; groups, address book, bulk
	RightPasswords    Right = "passwords" // set a password, take a lost second factor away, end sessions
	RightListsRead    Right = "lists.read"
	RightLists        Right = "lists"
	RightPolicyRead   Right = "policy.read"
	RightPolicy       Right = "policy" // settings of mail, forwarding, networks, security, branding
	RightContractRead Right = "contract.read"
	RightRolesRead    Right = "roles.read"
	RightRoles        Right = "roles" // appoint and dismiss; API keys, webhooks
	RightLogRead      Right = "log.read"
	RightTraceRead    Right = "trace.read"
	RightSubjects     Right = "trace.subjects.read" // see the subjects of others' mail in the trace
	RightAudit        Right = "audit"
	RightArchive      Right = "archive"
	// RightQuarantine is to open the quarantine of others, which is to read mail: operators don't have it.
	RightQuarantine Right = "quarantine"
)

// reading are the rights to look that every role has that administers.
var reading = []Right{
	RightOverview, RightAccountsRead, RightListsRead, RightPolicyRead, RightContractRead, RightRolesRead, RightLogRead, RightTraceRead,
}

// rightsOf says what each role may do, beside what everybody may.
var rightsOf = map[Role][]Right{
	RoleOwner: append(slices.Clone(reading),
		RightAccounts, RightPasswords, RightLists, RightPolicy, RightRoles, RightSubjects, RightQuarantine),
	RoleAccountAdmin: {RightOverview, RightAccountsRead, RightAccounts, RightPasswords, RightListsRead, RightContractRead, RightTraceRead},
	RolePolicyAdmin:  {RightOverview, RightAccountsRead, RightPolicyRead, RightPolicy, RightContractRead, RightTraceRead, RightQuarantine},
	RoleListAdmin:    {RightOverview, RightAccountsRead, RightListsRead, RightLists},
	RoleAudit:        {RightAudit},
	RoleArchive:      {RightArchive},
	RoleHelpDesk:     {RightOverview, RightAccountsRead, RightPasswords, RightListsRead, RightTraceRead},
	RoleReadOnly:     reading,
}

// Gives tells whether a role has a right.
func (r Role) Gives(right Right) bool {
	return slices.Contains(rightsOf[r], right)
}

// Rights lists all rights there are, in the order they are declared.
func Rights() []Right {
	return []Right{
		RightAny, RightSelf, RightOrder, RightOrderRead, RightOverview, RightAccountsRead, RightAccounts, RightPasswords, RightListsRead, RightLists,
		RightPolicyRead, RightPolicy, RightContractRead, RightRolesRead, RightRoles, RightLogRead, RightTraceRead, RightSubjects,
		RightAudit, RightArchive, RightQuarantine,
	}
}
