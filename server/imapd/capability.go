package imapd

import (
	"strconv"
	"strings"

	"tegami/wire/sasl"
)

// What is announced before and after sign-in. Each name stands here because it is implemented, and nothing is that
// is not here.
var (
	capabilitiesBefore = []string{
		"ENABLE",
		"ID",
		"LITERAL+",
		"SASL-IR",
	}
	capabilitiesAfter = []string{
		"ACL",
		"BINARY",
		"CATENATE",
		"CHILDREN",
		"COMPRESS=DEFLATE",
		"CONDSTORE",
		"CONTEXT=SEARCH",
		"CONTEXT=SORT",
		"CREATE-SPECIAL-USE",
		"ENABLE",
		"ESEARCH",
		"ESORT",
		"I18NLEVEL=1",
		"ID",
		"IDLE",
		"INPROGRESS",
		"LIST-EXTENDED",
		"LIST-METADATA",
		"LIST-MYRIGHTS",
		"LIST-STATUS",
		"LITERAL+",
		"METADATA",
		"MOVE",
		"MULTIAPPEND",
		"MULTISEARCH",
		"NAMESPACE",
		"NOTIFY",
		"OBJECTID",
		"PARTIAL",
		"PREVIEW",
		"QRESYNC",
		"QUOTA",
		"QUOTA=RES-STORAGE",
		"REPLACE",
		"RIGHTS=texk",
		"SAVEDATE",
		"SEARCH=FUZZY",
		"SEARCHRES",
		"SORT",
		"SORT=DISPLAY",
		"SPECIAL-USE",
		"STATUS=SIZE",
		"THREAD=ORDEREDSUBJECT",
		"THREAD=REFERENCES",
		"UIDONLY",
		"UIDPLUS",
		"UNAUTHENTICATE",
		"UNSELECT",
		"UTF8=ACCEPT",
		"WITHIN",
	}
)

// versions stand first: some clients look no further.
const versions = "IMAP4rev1 IMAP4rev2"

// capabilities lists what the server can do in the session's state (RFC 9051 §6.1.1).
func (s *session) capabilities() string {
	var b strings.Builder
	b.WriteString(versions)
	if s.state != notAuthenticated {
		b.WriteString(" APPENDLIMIT=" + strconv.FormatInt(s.srv.cfg.Limits.Message, 10))
		for _, name := range capabilitiesAfter {
			b.WriteString(" " + name)
		}
		return b.String()
	}
	for _, name := range capabilitiesBefore {
		b.WriteString(" " + name)
	}
	if s.canStartTLS() {
		b.WriteString(" STARTTLS")
	}
	if !s.secure() {
		b.WriteString(" LOGINDISABLED")
		return b.String()
	}
	for _, m := range sasl.Mechanisms(s.verifier(), s.conn.Channel()) {
		b.WriteString(" AUTH=" + m)
	}
	return b.String()
}

func (s *session) canStartTLS() bool { return s.conn.CanStartTLS() }
