package imapd

import (
	"context"
	"time"

	"tegami/wire/imap"
)

// cmdUnauthenticate is UNAUTHENTICATE (RFC 8437): everything about who was signed in is forgotten, and the connection is as it was
// before, but for TLS.
func cmdUnauthenticate(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	s.signOut()
	s.out.WriteString(s.tag + " OK UNAUTHENTICATE completed\r\n")
	if s.out.Flush() == nil && s.link.in != nil { // RFC 8437 §4.1: compression ends behind the OK, on both sides
		d.Unread()
		rest, err := s.link.decompress()
		s.ended = err != nil // nobody knows what comes next
		d.Feed(rest)
	}
	return reply{none: true}, nil
}

// signOut gives back what belongs to the account, and forgets what its client enabled.
func (s *session) signOut() {
	s.endNotify()
	s.unselect()
	s.account.Close()
	s.conn.SignedOut()
	s.account, s.state, s.flags = nil, notAuthenticated, flagTexts{}
	s.rev2, s.utf8, s.condstore, s.qresync, s.uidOnly = false, false, false, false, false
	s.expunged, s.dec.UTF8, s.dec.Stranger = false, false, true
	s.entered, s.log = time.Now(), s.conn.Log
}
