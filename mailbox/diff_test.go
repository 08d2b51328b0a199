package mailbox

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tegami/mail"
)

func TestDiff(t *testing.T) {
	flagged := func(l marks, uid mail.UID) marks {
		return l.apply([]Mark{{UID: uid, Flags: mail.Flagged, ModSeq: 99}}, nil)
	}
	changed := func(seq uint32, uid mail.UID) Event {
		return Event{Kind: Changed, Seq: seq, Mark: Mark{UID: uid, Flags: mail.Flagged, ModSeq: 99}}
	}
	expunged := func(seq uint32, uid mail.UID) Event {
		return Event{Kind: Expunged, Seq: seq, Mark: Mark{UID: uid, ModSeq: mail.ModSeq(uid)}}
	}
	exists := func(n uint32) Event { return Event{Kind: Exists, N: n} }
	for _, c := range []struct {
		name       string
		shown, now marks
		expunge    bool
		events     []Event
		after      []mail.UID
	}{
		{"nothing", listOf(1, 2), listOf(1, 2), true, nil, []mail.UID{1, 2}},
		{"the first messages", marks{}, listOf(1, 2), false, []Event{exists(2)}, []mail.UID{1, 2}},
		{"one new", listOf(1), listOf(1, 5), true, []Event{exists(2)}, []mail.UID{1, 5}},
		{"a flag", listOf(1, 3), flagged(listOf(1, 3), 3), true, []Event{changed(2, 3)}, []mail.UID{1, 3}},
		{"two gone, from above", listOf(1, 3, 4, 8), listOf(3, 8), true, []Event{expunged(3, 4), expunged(1, 1)}, []mail.UID{3, 8}},
		{"gone, but must stay", listOf(1, 3, 4), listOf(3, 4), false, nil, []mail.UID{1, 3, 4}},
		{"a flag behind a ghost keeps its number", listOf(1, 3), flagged(listOf(3), 3), false, []Event{changed(2, 3)}, []mail.UID{1, 3}},
		{"a flag behind a removed one moves down", listOf(1, 3), flagged(listOf(3), 3), true, []Event{expunged(1, 1), changed(1, 3)}, []mail.UID{3}},
		{"as many new as gone", listOf(1, 2), listOf(2, 3), true, []Event{expunged(1, 1), exists(2)}, []mail.UID{2, 3}},
		{"as many new as gone, with a ghost", listOf(1, 2), listOf(2, 3), false, []Event{exists(3)}, []mail.UID{1, 2, 3}},
		{"all gone", listOf(1, 2), marks{}, true, []Event{expunged(2, 2), expunged(1, 1)}, nil},
		{"the last is a ghost and one is new", listOf(1, 2), listOf(1, 3), false, []Event{exists(3)}, []mail.UID{1, 2, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, after := diff(c.shown, c.now, c.expunge)
			if !slices.Equal(events, c.events) {
				t.Errorf("events %+v\nwant   %+v", events, c.events)
			}
			if !slices.Equal(uidsOf(after), c.after) {
				t.Errorf("shown %v, want %v", uidsOf(after), c.after)
			}
		})
	}
}

// client is an IMAP client: it knows what it was told, and asks for the marks of new messages.
type client struct{ known []Mark }

// hear takes events as RFC 9051 §7.5.1 says, failing on a number that isn't valid when it is told.
func (c *client) hear(t *rapid.T, events []Event, expunge bool, fetch func(seq int) Mark) {
	kind := Expunged
	for _, e := range events {
		if e.Kind < kind {
			t.Fatalf("event %+v comes too late", e)
		}
		kind = e.Kind
		if e.Kind != Exists && (e.Seq < 1 || int(e.Seq) > len(c.known) || c.known[e.Seq-1].UID != e.Mark.UID) {
			t.Fatalf("event %+v: the client knows %d messages", e, len(c.known))
		}
		switch e.Kind {
		case Expunged:
			if !expunge {
				t.Fatalf("expunge not allowed: %+v", e)
			}
			c.known = slices.Delete(c.known, int(e.Seq-1), int(e.Seq))
		case Exists:
			if int(e.N) <= len(c.known) {
				t.Fatalf("EXISTS %d, but the client knows %d messages", e.N, len(c.known))
			}
			for n := len(c.known); n < int(e.N); n++ {
				c.known = append(c.known, fetch(n))
			}
		case Changed:
			c.known[e.Seq-1] = e.Mark
		}
	}
}

// A client that hears all events knows what the view shows, after any history, with expunges
// allowed now and then; and when they are, it knows what is in the mailbox.
func TestDiffTellsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := upTo(rapid.IntRange(0, 2*pieceLen).Draw(t, "n"))
		shown, c, next := now, client{now.flat()}, now.last()+1
		for step := range rapid.IntRange(1, 12).Draw(t, "steps") {
			now = now.apply(genChanges(t, now, &next, mail.ModSeq(1e6+step)))
			if rapid.IntRange(0, 3).Draw(t, "poll") == 0 {
				continue
			}
			expunge := rapid.Bool().Draw(t, "expunge")
			events, after := diff(shown, now, expunge)
			c.hear(t, events, expunge, after.at)
			checkShape(t, after)
			if !slices.Equal(c.known, after.flat()) {
				t.Fatalf("the client knows %v\nshown     %v", c.known, after.flat())
			}
			if expunge && !slices.Equal(c.known, now.flat()) {
				t.Fatalf("the client knows %v\nthere are %v", c.known, now.flat())
			}
			shown = after
		}
	})
}
