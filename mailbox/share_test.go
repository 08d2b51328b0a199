package mailbox

import (
	"slices"
	"testing"

	"tegami/mail"
	"tegami/store"
)

// What nobody uses is remembered within limits, the latest longest; what somebody uses is never forgotten.
func TestRegistryLimits(t *testing.T) {
	key := func(n int) boxKey { return boxKey{1, mail.MailboxID(n)} }
	heavy := upTo(maxRestingMarks / 4)
	for _, c := range []struct {
		name       string
		marks      marks
		boxes, min int // used and given back; of these the newest min must still be known, and no more
	}{
		{"many small", upTo(1), maxRestingBoxes + 100, maxRestingBoxes},
		{"some large", heavy, 10, 4},
		{"one too large", upTo(maxRestingMarks + 1), 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := registry{boxes: map[boxKey]*shared{}}
			used := r.take(nil, key(0))
			used.offer(&snapshot{marks: heavy})
			for n := 1; n <= c.boxes; n++ {
				s := r.take(nil, key(n))
				s.offer(&snapshot{marks: c.marks})
				r.give(s)
			}
			if len(r.boxes) != c.min+1 || r.resting.Len() != c.min || r.marks != c.min*c.marks.len() {
				t.Errorf("%d boxes known, %d resting with %d marks; want %d resting", len(r.boxes), r.resting.Len(), r.marks, c.min)
			}
			for n := c.boxes - c.min + 1; n <= c.boxes; n++ {
				if r.boxes[key(n)] == nil {
					t.Fatalf("box %d of %d was forgotten", n, c.boxes)
				}
			}
			if r.take(nil, key(0)) != used {
				t.Error("a box in use was forgotten")
			}
		})
	}
}

func TestRegistryCountsUsers(t *testing.T) {
	r := registry{boxes: map[boxKey]*shared{}}
	k := boxKey{1, 1}
	a := r.take(nil, k)
	a.offer(&snapshot{box: store.Mailbox{ModSeq: 5}, marks: upTo(3)})
	b := r.take(nil, k)
	r.give(a)
	if a != b || r.resting.Len() != 0 {
		t.Fatal("two users of one mailbox share it until both have left")
	}
	r.give(b)
	if r.resting.Len() != 1 || r.marks != 3 {
		t.Fatalf("%d resting, %d marks", r.resting.Len(), r.marks)
	}
	if c := r.take(nil, k); c != a || r.resting.Len() != 0 || r.marks != 0 {
		t.Fatal("a mailbox used again is the same and rests no more")
	}
	if older := (&snapshot{box: store.Mailbox{ModSeq: 4}}); a.offer(older) == older {
		t.Fatal("an older snapshot replaced a newer one")
	}
}

// forgetful is a store that gave up what it knew of messages that left.
type forgetful struct {
	store.Reader
	box store.Mailbox
	all marks
}

func (f forgetful) Mailbox(mail.MailboxID) (store.Mailbox, error) { return f.box, nil }

func (f forgetful) Gone(mail.MailboxID, mail.ModSeq, func(store.Gone) bool) error { return nil }

func (f forgetful) Marks(_ mail.MailboxID, since mail.ModSeq, fn func(Mark) bool) error {
	for _, m := range f.all.all() {
		if m.ModSeq > since && !fn(m) {
			break
		}
	}
	return nil
}

func TestCatchUpBeginsAnew(t *testing.T) {
	old := &snapshot{box: store.Mailbox{ModSeq: 3, Messages: 3}, marks: upTo(3)}
	r := forgetful{box: store.Mailbox{ModSeq: 9, Messages: 2}, all: listOf(1, 3)}
	now, err := catchUp(r, 1, old)
	if err != nil || !slices.Equal(uidsOf(now.marks), []mail.UID{1, 3}) {
		t.Fatalf("%v, %v", uidsOf(now.marks), err)
	}
}
