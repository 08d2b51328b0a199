package imapd

import (
	"tegami/mail"
	"tegami/wire/imap"
)

// sequences gives the sequence numbers a set names, ascending. UIDs that are not there
// are left out (RFC 9051 §6.4.9); a sequence number that is not is an error, except in an empty
// mailbox, where clients ask for 1:* all the same.
func (s *session) sequences(set imap.NumSet, uid bool) ([]uint32, error) {
	n := uint32(s.view.Len())
	if set.Saved {
		return s.savedSequences(), nil
	}
	if s.uidOnly && !uid {
		return nil, uidRequired()
	}
	if n == 0 {
		return nil, nil
	}
	largest := n
	if uid {
		largest = uint32(s.view.UID(n))
	}
	var out []uint32
	for _, r := range set.Resolve(largest) {
		if uid {
			r = s.ofUIDs(r)
		} else if r.Hi > n {
			return nil, mail.E("imapd.sequences", mail.Invalid, "imap.message_number", r.Hi)
		}
		if out == nil && r.Lo <= r.Hi {
			out = make([]uint32, 0, r.Hi-r.Lo+1)
		}
		for seq := r.Lo; seq <= r.Hi; seq++ {
			out = append(out, seq)
		}
	}
	return out, nil
}

// ofUIDs gives the sequence numbers of a range of UIDs; an empty range where there are none.
func (s *session) ofUIDs(r imap.Range) imap.Range {
	lo, _ := s.view.Seq(mail.UID(r.Lo))
	hi, ok := s.view.Seq(mail.UID(r.Hi))
	if !ok {
		hi--
	}
	return imap.Range{Lo: uint32(lo), Hi: uint32(hi)}
}

// uidRanges gives the UIDs a set names, whether there are messages or not. "*" is the last UID ever given: who asks what vanished
// wants to hear of the last message too.
func (s *session) uidRanges(set imap.NumSet) (out []imap.Range) {
	if !set.Saved {
		return set.Resolve(uint32(s.view.Folder().UIDNext - 1))
	}
	for _, uid := range s.saved {
		out = imap.AddTo(out, uint32(uid))
	}
	return out
}

// savedSequences are the numbers of the messages of "$" that are still there.
func (s *session) savedSequences() []uint32 {
	out := make([]uint32, 0, len(s.saved))
	for _, uid := range s.saved {
		if seq, ok := s.view.Seq(uid); ok {
			out = append(out, uint32(seq))
		}
	}
	return out
}

// takeSet takes a set and gives its sequence numbers later: they hold once the line is complete.
func takeSet(d *imap.Decoder, set *imap.NumSet) bool { return d.SP() && d.NumSet(set) }
