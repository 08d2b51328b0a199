package mailbox_test

import (
	"errors"
	"slices"
	"testing"

	"tegami/mail"
	"tegami/mailbox"
)

// TestFetchSeen: messages are marked before they are handed over, each once, however many there are.
func TestFetchSeen(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	const n = 1200
	h.fill(a, "INBOX", n)
	v, other := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
	_, _, err := other.Store(ctx, seqs(10, 20), mailbox.Add, mail.Seen, 0)
	h.must(err)
	h.poll(v, true)
	handed, marked := 0, 0
	fetch := func() error {
		handed, marked = 0, 0
		return v.FetchSeen(ctx, seqs(1, n), mailbox.WithIndex|mailbox.WithOctets, func(seq uint32, m *mailbox.Message, newly bool) error {
			handed++
			if newly {
				marked++
			}
			mark, ok := v.Mark(seq)
			if !ok || !mark.Flags.Has(mail.Seen) || mark.UID != m.UID {
				t.Fatalf("message %d (%d): %+v, newly %v", seq, m.UID, mark, newly)
			}
			return nil
		}, func(err error) { t.Error(err) })
	}
	h.must(fetch())
	h.equal("handed over and marked", []int{handed, marked}, []int{n, n - 11})
	h.equal("unseen", v.Folder().Unseen, uint32(0))
	h.must(fetch())
	h.equal("handed over and marked again", []int{handed, marked}, []int{n, 0})
	h.equal("nothing to tell", h.poll(v, true), "")
}

// TestFetchSeenEnds: who stops early leaves nothing at work, and what he did not get may be marked or not: he is told.
func TestFetchSeenEnds(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 1200)
	v := h.selectBox(a, "INBOX")
	stop := errors.New("stop")
	err := v.FetchSeen(ctx, seqs(1, 1200), 0, func(seq uint32, _ *mailbox.Message, newly bool) error {
		if seq == 3 {
			return stop
		}
		return nil
	}, func(err error) { t.Error(err) })
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	events, err := v.Poll(ctx, true)
	h.must(err)
	for seq, m := range v.All() {
		told := slices.ContainsFunc(events, func(e mailbox.Event) bool { return e.Kind == mailbox.Changed && e.Seq == seq })
		switch seen := m.Flags.Has(mail.Seen); {
		case seq <= 3 && !seen:
			t.Errorf("message %d is not seen", seq)
		case told != (seen && seq >= 3):
			t.Errorf("message %d: seen %v, told %v", seq, seen, told)
		}
	}
}
