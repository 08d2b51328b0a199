package imapd

import (
	"crypto/x509"
	"strconv"
	"strings"

	"tegami/wire/sasl"
)

// capabilitiesBefore and capabilitiesAfter are announced before and after sign-in.
// Each name stands here because it is implemented, and nothing is that is not here.
const (
	capabilitiesBefore = "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE"
	capabilitiesAfter  = "IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE " +
		"APPENDLIMIT= CHILDREN CONDSTORE ESEARCH IDLE LIST-EXTENDED LIST-STATUS MOVE MULTIAPPEND " +
		"NAMESPACE OBJECTID QUOTA QUOTA=RES-STORAGE SAVEDATE SEARCHRES SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE " +
		"UIDPLUS UNSELECT UTF8=ACCEPT WITHIN"
)

// capabilities lists what the server can do in the session's state (RFC 9051 §6.1.1).
func (s *session) capabilities() string {
	if s.state != notAuthenticated {
		limit := "APPENDLIMIT=" + strconv.FormatInt(s.srv.cfg.Limits.Message, 10)
		return strings.Replace(capabilitiesAfter, "APPENDLIMIT=", limit, 1)
	}
	var b strings.Builder
	b.WriteString(capabilitiesBefore)
	if s.canStartTLS() {
		b.WriteString(" STARTTLS")
	}
	if !s.secure() {
		b.WriteString(" LOGINDISABLED")
		return b.String()
	}
	for _, m := range sasl.Mechanisms(s.channel()) {
		b.WriteString(" AUTH=" + m)
	}
	return b.String()
}

func (s *session) canStartTLS() bool { return s.srv.cfg.TLS != nil && s.origin.TLS == "" }

// leaf is the certificate the server shows, where it has just one.
func (s *Server) leaf() *x509.Certificate {
	if s.cfg.TLS == nil || len(s.cfg.TLS.Certificates) != 1 {
		return nil
	}
	return s.cfg.TLS.Certificates[0].Leaf
}
