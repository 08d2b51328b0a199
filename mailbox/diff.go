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
// they are now. Pieces the lists share at the same place are skipped.
func compare(old, now marks) (gone, changed []Mark) {
	for i, j := 0, 0; i < old.len(); {
		if n := sharedAt(old, now, i); n > 0 && i == j {
			i, j = i+n, j+n
			continue
		}
		a := old.at(i)
		switch {
		case j == now.len() || now.at(j).UID > a.UID:
			gone = append(gone, a)
			i++
		case now.at(j).UID < a.UID:
			j++
		default:
			if b := now.at(j); a != b {
				changed = append(changed, b)
			}
			i, j = i+1, j+1
		}
	}
	return gone, changed
}

// sharedAt tells how many marks two lists share as one piece that begins at place i in both.
func sharedAt(a, b marks, i int) int {
	p := i / pieceLen
	if i%pieceLen != 0 || p >= len(b.pieces) || &a.pieces[p][0] != &b.pieces[p][0] {
		return 0
	}
	return len(a.pieces[p]) // no two pieces begin at the same address
}
