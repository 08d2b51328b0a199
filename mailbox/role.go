package mailbox

import "strings"

// uses are the special uses of RFC 6154 §2 by the role they have here (RFC 8621 §2). \All and \Flagged are views and no
// mailboxes here.
var uses = [...]struct{ role, use string }{
	{"archive", `\Archive`},
	{"drafts", `\Drafts`},
	{"junk", `\Junk`},
	{"sent", `\Sent`},
	{"trash", `\Trash`},
}

// RoleOf gives the role of a special use, such as `\Sent` in any case; "" for a use no mailbox here has.
func RoleOf(use string) string {
	for _, u := range uses {
		if strings.EqualFold(u.use, use) {
			return u.role
		}
	}
	return ""
}

// UseOf gives the special use of a role; "" for a role that is none, as that of the inbox.
func UseOf(role string) string {
	for _, u := range uses {
		if u.role == role {
			return u.use
		}
	}
	return ""
}
