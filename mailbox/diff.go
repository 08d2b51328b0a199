package mailbox

import "slices"

// EventKind is what an Event tells.
type EventKind uint8

// Kinds of events, in the order in which a Poll gives them.
const (
	Expunged EventKind = iota + 1 // the message numbered Seq is gone, those above move down by one (RFC 9051 §7.5.1)
	Exists                        // there are N messages now (RFC 9051 §7.4.1)
	Changed                       // the message numbered Seq has the flags and ModSeq of Mark (RFC 9051 §7.5.2)
)

// Event is one thing a client has to be told to keep its sequence numbers and flags right. Each Seq
// holds at the moment it is told: after all events before it.
type Event struct {
	Kind EventKind
	Seq  uint32 // of Expunged and Changed
	N    uint32 // of Exists
	Mark Mark   // of Changed: as it is now; of Expunged: as it was shown last
}

// diff tells what a client that was shown one list must hear to know of another, and gives the list
// it is shown then. Without expunge, messages that are gone stay in the list as ghosts, with their
// numbers (RFC 9051 §7.5.1: no EXPUNGE in reply to FETCH, STORE or SEARCH).
//
// Expunged comes first, from the highest number down, so that each number is the one the client was
// shown; then Exists, then Changed with ascending numbers.
//
// Lists of one mailbox only grow at their end: a UID is larger than all before it (RFC 9051 §2.3.1.1).
func diff(shown, now marks, expunge bool) ([]Event, marks) {
	gone, changed := compare(shown, now)
	left := shown.len()
	if expunge {
		left -= len(gone)
	} else {
		now, gone = now.apply(gone, nil), nil
	}
	events := make([]Event, 0, len(gone)+len(changed)+1)
	for _, m := range slices.Backward(gone) {
		i, _ := shown.find(m.UID)
		events = append(events, Event{Kind: Expunged, Seq: uint32(i + 1), Mark: m})
	}
	if now.len() > left {
		events = append(events, Event{Kind: Exists, N: uint32(now.len())})
	}
	for _, m := range changed {
		i, _ := now.find(m.UID)
		events = append(events, Event{Kind: Changed, Seq: uint32(i + 1), Mark: m})
	}
	return events, now
}

// compare gives the marks that are in old only, as they were, and those in both that differ, as
// they are now. Pieces the lists share are skipped.
func compare(old, now marks) (gone, changed []Mark) {
	a, b := cursor{l: old}, cursor{l: now}
	for a.more() {
		if a.sharesPiece(&b) {
			a.skipPiece()
			b.skipPiece()
			continue
		}
		was := a.mark()
		switch {
		case !b.more() || b.mark().UID > was.UID:
			gone = append(gone, was)
			a.next()
		case b.mark().UID < was.UID:
			b.next()
		default:
			if is := b.mark(); is != was {
				changed = append(changed, is)
			}
			a.next()
			b.next()
		}
	}
	return gone, changed
}

// cursor goes through a list, by marks or by whole pieces.
type cursor struct {
	l    marks
	p, i int
}

func (c *cursor) more() bool { return c.p < len(c.l.pieces) }
func (c *cursor) mark() Mark { return c.l.pieces[c.p].ms[c.i] }
func (c *cursor) skipPiece() { c.p, c.i = c.p+1, 0 }

func (c *cursor) next() {
	if c.i++; c.i == len(c.l.pieces[c.p].ms) {
		c.skipPiece()
	}
}

// sharesPiece tells whether both stand at the beginning of the same piece. No two pieces begin at one address
// with one length and differ.
func (c *cursor) sharesPiece(d *cursor) bool {
	if c.i != 0 || d.i != 0 || !d.more() {
		return false
	}
	x, y := c.l.pieces[c.p].ms, d.l.pieces[d.p].ms
	return &x[0] == &y[0] && len(x) == len(y)
}
