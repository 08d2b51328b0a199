package mailbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"tegami/mail"
	"tegami/mailbox"
)

func TestSelect(t *testing.T) {
	h, a := one(t)
	v := h.selectBox(a, "inbox")
	h.equal("an empty box", []any{v.Len(), len(v.Marks()), v.Folder().Path, v.Folder().UIDNext}, "[0 0 INBOX 1]")
	h.fill(a, "INBOX", 3)
	h.equal("before Poll", v.Len(), 0)
	h.equal("events", h.poll(v, false), "=3")
	h.equal("numbers", uids(v), "[1 2 3]")
	f := v.Folder()
	h.equal("counters", []any{f.Messages, f.Unseen, f.UIDNext}, "[3 3 4]")
	n, ok := v.Seq(2)
	h.equal("Seq", []any{n, ok, v.UID(3), v.UID(4), v.UID(0)}, "[2 true 3 0 0]")
	n, ok = v.Seq(9)
	h.equal("Seq past the end", []any{n, ok}, "[4 false]")
	_, err := a.Select(t.Context(), "Nothing")
	h.refused(err, mail.NotFound, "mailbox.unknown")
}

// Sessions of one mailbox hold one list, before and after changes: an idle one costs next to nothing.
func TestSessionsShare(t *testing.T) {
	h, a := one(t)
	h.fill(a, "INBOX", 20)
	mine, yours := h.selectBox(a, "INBOX"), h.selectBox(h.open("sato@alpha.example"), "INBOX")
	same := func(when string) {
		if !mailbox.Shares(mine, yours) {
			t.Errorf("%s: each has a list of its own", when)
		}
	}
	same("selected")
	_, _, err := mine.Store(t.Context(), seqs(1, 3), mailbox.Add, mail.Deleted, 0)
	h.must(err)
	h.poll(yours, false)
	same("after a Store")
	_, err = mine.Expunge(t.Context(), nil)
	h.must(err)
	h.poll(yours, false)
	if mailbox.Shares(mine, yours) {
		t.Error("a view with ghosts needs a list of its own: this test can't fail")
	}
	h.poll(yours, true)
	same("after an Expunge")
	mine.Close()
	mine = h.selectBox(a, "INBOX")
	same("selected again")
}

// What takes several commits, with a mailbox of several pieces.
func TestManyAtOnce(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	const n = 2345
	h.fill(a, "INBOX", n)
	mine, yours := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
	marks, _, err := mine.Store(ctx, seqs(2, n), mailbox.Add, mail.Deleted, 0)
	h.must(err)
	h.equal("marks", len(marks), n-1)
	h.equal("silent", h.poll(mine, false), "")
	events, err := yours.Poll(ctx, false)
	h.must(err)
	h.equal("told", []any{len(events), events[0].Seq, events[n-2].Seq}, []any{n - 1, 2, n})
	events, err = mine.Expunge(ctx, nil)
	h.must(err)
	h.equal("expunged", []any{len(events), events[0].Seq, events[n-2].Seq, mine.Len()}, []any{n - 1, n, 2, 1})
	events, err = yours.Poll(ctx, true)
	h.must(err)
	h.equal("told", []any{len(events), uids(yours)}, []any{n - 1, "[1]"})
}

// Two sessions of one mailbox: what one does the other learns by Poll, and numbers move only then.
func TestTwoSessions(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 4)
	mine, yours := h.selectBox(a, "INBOX"), h.selectBox(h.open("sato@alpha.example"), "INBOX")

	marks, _, err := mine.Store(ctx, seqs(2, 3), mailbox.Add, mail.Deleted|mail.Seen, 0)
	h.must(err)
	h.equal("marks", []any{len(marks), marks[0].UID, marks[1].Flags}, []any{2, 2, mail.Deleted | mail.Seen})
	h.equal("I know my own changes", h.poll(mine, true), "")
	h.equal("you learn them", h.poll(yours, false), "2*9 3*9")

	events, err := mine.Expunge(ctx, []mail.UID{3})
	h.must(err)
	h.equal("expunged", line(events), "-3")
	h.equal("you may not hear it yet", h.poll(yours, false), "")
	h.equal("your numbers stay", uids(yours), "[1 2 3 4]")
	h.equal("a ghost can't be read", h.fetched(yours, seqs(1, 4)), "[1 2 4]")
	marks, _, err = yours.Store(ctx, seqs(3, 4), mailbox.Set, mail.Flagged, 0)
	h.must(err)
	h.equal("a ghost can't be changed", []any{len(marks), marks[0].UID}, "[1 4]")
	h.fill(a, "INBOX", 1)
	h.equal("new mail behind a ghost", h.poll(yours, false), "=5")
	h.equal("now you may", h.poll(yours, true), "-3")
	h.equal("your numbers", uids(yours), "[1 2 4 5]")
	h.equal("mine", h.poll(mine, true), "=4 3*4")

	events, err = mine.Expunge(ctx, nil)
	h.must(err)
	h.equal("all Deleted", line(events), "-2")
	h.equal("you too", h.poll(yours, true), "-2")
	h.equal("the same", uids(yours), uids(mine))
}

// What an answer told does not go back, not even for a message that is gone before the next Poll, and is not told again.
func TestHeardStays(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 2)
	mine, yours := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
	_, _, err := yours.Store(ctx, seqs(1, 2), mailbox.Set, mail.Flagged|mail.Deleted, 0)
	h.must(err)
	marks, _, err := mine.Store(ctx, seqs(1, 2), mailbox.Add, mail.Flagged, 0) // changes nothing, and answers
	h.must(err)
	mine.Heard(marks)
	_, err = yours.Expunge(ctx, []mail.UID{2})
	h.must(err)
	h.equal("nothing new", h.poll(mine, false), "")
	for i, m := range marks {
		is, _ := mine.Mark(uint32(i + 1))
		h.equal("as it was told", is, m)
	}
	h.equal("gone", h.poll(mine, true), "-2")
}

// A change of somebody else between my Poll and my Store stays to be told, even where both changed
// the same message.
func TestStoreKeepsNewsOfOthers(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 2)
	mine, yours := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
	_, _, err := yours.Store(ctx, seqs(1, 2), mailbox.Add, mail.Flagged, 0)
	h.must(err)
	marks, _, err := mine.Store(ctx, seqs(1, 1), mailbox.Add, mail.Seen, 0)
	h.must(err)
	h.equal("flags", marks[0].Flags, mail.Flagged|mail.Seen)
	h.equal("news", h.poll(mine, false), "1*5 2*4")
	h.equal("news for you", h.poll(yours, false), "1*5")
}

// RFC 7162 §3.1.3.
func TestStoreUnchangedSince(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 3)
	v := h.selectBox(a, "INBOX")
	since := v.Folder().ModSeq
	_, _, err := h.selectBox(a, "INBOX").Store(ctx, seqs(2, 2), mailbox.Add, mail.Flagged, 0)
	h.must(err)
	marks, modified, err := v.Store(ctx, seqs(1, 3), mailbox.Set, mail.Seen, since)
	h.must(err)
	h.equal("changed", []any{marks[0].UID, marks[1].UID, len(marks)}, "[1 3 2]")
	h.equal("modified", modified, "[2]")
}

func TestStoreOps(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 1)
	v := h.selectBox(a, "INBOX")
	for _, c := range []struct {
		op          mailbox.FlagOp
		flags, want mail.Flags
	}{
		{mailbox.Set, mail.Seen | mail.Draft, mail.Seen | mail.Draft},
		{mailbox.Add, mail.Flagged, mail.Seen | mail.Draft | mail.Flagged},
		{mailbox.Add, mail.Flagged, mail.Seen | mail.Draft | mail.Flagged},
		{mailbox.Remove, mail.Draft | mail.Answered, mail.Seen | mail.Flagged},
		{mailbox.Set, 0, 0},
	} {
		marks, _, err := v.Store(ctx, seqs(1, 1), c.op, c.flags, 0)
		h.must(err)
		m, _ := v.Mark(1)
		if len(marks) != 1 || marks[0].Flags != c.want || m != marks[0] {
			t.Errorf("op %d %d: %+v, shown %+v; want flags %d", c.op, c.flags, marks, m, c.want)
		}
	}
	f, err := a.Folder(ctx, "INBOX")
	h.must(err)
	h.equal("unseen", f.Unseen, 1)
}

func TestCopyAndMove(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 4)
	v := h.selectBox(a, "INBOX")
	_, _, err := v.Store(ctx, seqs(2, 2), mailbox.Set, mail.Flagged, 0)
	h.must(err)
	ids := map[mail.UID]mail.EmailID{}
	h.must(v.Fetch(ctx, seqs(1, 4), 0, func(_ uint32, m *mailbox.Message) error {
		ids[m.UID] = m.ID
		return nil
	}))

	validity, src, dst, err := v.Copy(ctx, []uint32{2, 4, 9}, "Archive")
	h.must(err)
	archive := h.selectBox(a, "Archive")
	h.equal("copied", []any{validity, src, dst}, []any{archive.Folder().UIDValidity, "[2 4]", "[1 2]"})
	h.equal("not here", h.poll(v, true), "")

	_, src, dst, err = v.Move(ctx, []uint32{1, 2}, "Archive")
	h.must(err)
	h.equal("moved", []any{src, dst}, "[[1 2] [3 4]]")
	h.equal("they left", h.poll(v, true), "-2 -1")
	h.equal("they came", h.poll(archive, true), "=4")
	m, _ := archive.Mark(4)
	h.equal("flags", m.Flags, mail.Flagged)
	h.must(archive.Fetch(ctx, seqs(1, 4), 0, func(seq uint32, m *mailbox.Message) error {
		if known := m.ID == ids[src[(seq+1)%2]]; known != (seq > 2) {
			t.Errorf("message %d: EMAILID kept is %v; a copy has its own, a moved message keeps it", seq, known)
		}
		return nil
	}))

	_, _, _, err = v.Copy(ctx, seqs(1, 2), "Nothing")
	h.refused(err, mail.NotFound, "mailbox.unknown")
	_, src, dst, err = v.Move(ctx, seqs(1, 1), "INBOX")
	h.must(err)
	h.equal("moved to where it is", []any{src, dst}, "[[3] [5]]")
	h.equal("it left and came", h.poll(v, true), "-1 =2")
}

func TestFetchPortions(t *testing.T) {
	h, a := one(t)
	const n = 1203 // more than two portions
	h.fill(a, "INBOX", n)
	v := h.selectBox(a, "INBOX")
	h.equal("all", len(h.fetched(v, seqs(1, n))), n)
	sparse := []uint32{0, 1, 3, 4, 9, 14, 600, 601, 1200, n, n + 1, n + 2}
	h.equal("some", h.fetched(v, sparse), sparse[1:10])
	h.equal("none", h.fetched(v, nil), "[]")

	// The Index is the message's own, also behind the end of a portion.
	h.must(v.Fetch(t.Context(), seqs(1, n), mailbox.WithIndex, func(seq uint32, m *mailbox.Message) error {
		want := fmt.Sprintf("%q", fmt.Sprint(seq))
		if env := string(mimeEnvelope(m.Index)); !slices.Contains(quoted(env), want) {
			return fmt.Errorf("message %d has the envelope %s", seq, env)
		}
		return nil
	}))
	stop := errors.New("stop")
	calls := 0
	err := v.Fetch(t.Context(), seqs(1, n), 0, func(uint32, *mailbox.Message) error {
		calls++
		return stop
	})
	h.equal("an error of fn", []any{err == stop, calls}, "[true 1]")
}

// Ghosts in a full portion: what follows is neither left out nor given twice.
func TestFetchPortionsWithGhosts(t *testing.T) {
	h, a := one(t)
	h.fill(a, "INBOX", 620)
	v, other := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
	_, _, err := other.Store(t.Context(), seqs(11, 30), mailbox.Add, mail.Deleted, 0)
	h.must(err)
	_, err = other.Expunge(t.Context(), nil)
	h.must(err)
	h.equal("without ghosts", h.fetched(v, seqs(1, 620)), append(seqs(1, 10), seqs(31, 620)...))
}

// Fetch calls fn outside of transactions: fn may change the mailbox.
func TestFetchMayChange(t *testing.T) {
	h, a := one(t)
	h.fill(a, "INBOX", 600)
	v := h.selectBox(a, "INBOX")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := 0
	h.must(v.Fetch(ctx, seqs(1, 600), 0, func(seq uint32, _ *mailbox.Message) error {
		if n++; seq > 2 {
			return nil
		}
		_, _, err := v.Store(ctx, []uint32{seq, 599 + seq - 1}, mailbox.Add, mail.Deleted, 0)
		if err == nil && seq == 2 {
			_, err = h.selectBox(a, "INBOX").Expunge(ctx, nil)
		}
		return err
	}))
	h.equal("messages, without those expunged meanwhile", n, 598)
	h.equal("then", h.poll(v, true), "-600 -599 -2 -1")
}

func TestWatch(t *testing.T) {
	h, a := one(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	changes := a.Watch(ctx)
	h.fill(a, "INBOX", 1)
	if _, ok := <-changes; !ok {
		t.Fatal("nothing said")
	}
	cancel()
	for range changes {
	}
}

// reader is a session that believes what it is told, and nothing else.
type reader struct {
	h     *house
	a     *mailbox.Account
	v     *mailbox.View
	known []mailbox.Mark
	rand  *rand.Rand
}

// hear takes events as a client does.
func (r *reader) hear(events []mailbox.Event, err error) error {
	for _, e := range events {
		switch e.Kind {
		case mailbox.Expunged:
			if int(e.Seq) > len(r.known) || r.known[e.Seq-1].UID != e.Mark.UID {
				return fmt.Errorf("expunged %+v, the client knows %d messages", e, len(r.known))
			}
			r.known = slices.Delete(r.known, int(e.Seq-1), int(e.Seq))
		case mailbox.Exists:
			for seq := len(r.known) + 1; seq <= int(e.N); seq++ {
				m, _ := r.v.Mark(uint32(seq))
				r.known = append(r.known, m)
			}
		case mailbox.Changed:
			if r.known[e.Seq-1].UID != e.Mark.UID {
				return fmt.Errorf("changed %+v, the client knows %+v", e, r.known[e.Seq-1])
			}
			r.known[e.Seq-1] = e.Mark
		}
	}
	if err == nil && !slices.Equal(r.known, r.v.Marks()) {
		err = fmt.Errorf("the client knows %v\nthe view shows %v", r.known, r.v.Marks())
	}
	return err
}

// some draws a few of the sequence numbers the client knows.
func (r *reader) some() (list []uint32) {
	for n := range len(r.known) {
		if r.rand.IntN(len(r.known)) < 3 {
			list = append(list, uint32(n+1))
		}
	}
	return list
}

// step does one thing at random.
func (r *reader) step(ctx context.Context) error {
	switch r.rand.IntN(8) {
	case 0:
		return r.append(ctx)
	case 1, 2:
		flags := []mail.Flags{mail.Seen, mail.Flagged, mail.Deleted}[r.rand.IntN(3)]
		marks, _, err := r.v.Store(ctx, r.some(), mailbox.FlagOp(1+r.rand.IntN(3)), flags, 0)
		for _, m := range marks {
			n, _ := r.v.Seq(m.UID)
			if shown, _ := r.v.Mark(uint32(n)); shown == m {
				r.known[n-1] = m // else somebody else changed it too, and Poll tells
			}
		}
		return r.hear(nil, err)
	case 3:
		return r.hear(r.v.Expunge(ctx, nil))
	case 4:
		_, _, _, err := r.v.Copy(ctx, r.some(), "INBOX")
		return r.hear(nil, err)
	case 5:
		if _, _, _, err := r.v.Move(ctx, r.some(), "INBOX"); err != nil {
			return err
		}
		return r.hear(r.v.Poll(ctx, true))
	}
	return r.hear(r.v.Poll(ctx, r.rand.IntN(2) == 0))
}

func (r *reader) append(ctx context.Context) error {
	u, err := r.a.Stage(ctx, 0)
	if err != nil {
		return err
	}
	defer u.Release()
	if _, err := u.Write([]byte(letter("x"))); err != nil {
		return err
	}
	_, err = r.a.Append(ctx, "INBOX", []mailbox.Appended{{Upload: u}})
	return err
}

// Sessions that work on one mailbox at the same time, at random, each believing what it is told: in
// the end all know the same, and it is what the store has.
func TestSessionsAgree(t *testing.T) {
	const sessions, steps = 4, 150
	h, a := one(t)
	h.fill(a, "INBOX", 30)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	readers := make([]*reader, sessions)
	var all sync.WaitGroup
	for i := range readers {
		r := &reader{h: h, a: a, v: h.selectBox(a, "INBOX"), rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		r.known = r.v.Marks()
		readers[i] = r
		all.Go(func() {
			for n := range steps {
				if err := r.step(t.Context()); err != nil {
					t.Errorf("session %d, step %d: %v", i, n, err)
					return
				}
			}
		})
	}
	all.Wait()
	other := mailbox.New(h.store, h.dir, mailbox.Config{}) // shares nothing with the sessions
	fresh, err := other.Open(t.Context(), a.Identity())
	h.must(err)
	want := h.selectBox(fresh, "INBOX").Marks()
	for i, r := range readers {
		h.must(r.hear(r.v.Poll(t.Context(), true)))
		if !slices.Equal(r.known, want) {
			t.Errorf("session %d knows %v\nthe store has %v", i, r.known, want)
		}
	}
}

// What left is told by the number of its change, and never what the client still takes for a message (RFC 7162 §3.2.6).
func TestVanished(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 9)
	v, other := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
	all := []mailbox.UIDRange{{1, 1 << 31}}
	vanished := func(v *mailbox.View, since mail.ModSeq, in []mailbox.UIDRange) []mailbox.UIDRange {
		t.Helper()
		gone, err := v.Vanished(ctx, since, in)
		h.must(err)
		return gone
	}
	gone := func(v *mailbox.View, uids ...mail.UID) {
		t.Helper()
		for _, uid := range uids {
			seq, _ := v.Seq(uid)
			_, _, err := v.Store(ctx, seqs(uint32(seq), uint32(seq)), mailbox.Add, mail.Deleted, 0)
			h.must(err)
		}
		_, err := v.Expunge(ctx, uids)
		h.must(err)
	}
	first := v.Folder().ModSeq
	gone(v, 3, 4)
	second := v.Folder().ModSeq
	gone(v, 9, 1)
	_, _, _, err := v.Move(ctx, seqs(1, 1), "Trash") // UID 2
	h.must(err)
	h.poll(v, true)
	h.equal("since the first", vanished(v, first, all), "[{1 4} {9 9}]")
	h.equal("since the second", vanished(v, second, all), "[{1 2} {9 9}]")
	h.equal("of some", vanished(v, first, []mailbox.UIDRange{{2, 3}, {5, 8}}), "[{2 3}]")
	h.equal("since now", vanished(v, v.Folder().ModSeq, all), "[]")

	h.equal("one that was not told", []any{other.Told() == first, other.Hiding()}, "[true false]")
	h.equal("told without expunges", h.poll(other, false), "")
	h.equal("is hidden", []any{other.Told() == first, other.Hiding(), vanished(other, first, all)}, "[true true []]")
	h.equal("told", h.poll(other, true), "-9 -4 -3 -2 -1")
	h.equal("is known", []any{other.Told() == other.Folder().ModSeq, other.Hiding(), vanished(other, first, all)}, "[true false [{1 4} {9 9}]]")
}

// A conditional change of one flag is not refused because another flag changed that the client has not heard of yet, but it is
// where the client was told, or asks for all flags (RFC 7162 §3.1.12).
func TestStoreBesideAnotherFlag(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	h.fill(a, "INBOX", 1)
	for _, c := range []struct {
		name   string
		op     mailbox.FlagOp
		flags  mail.Flags
		told   bool // of the other change, before
		refuse bool
	}{
		{"another flag", mailbox.Add, mail.Seen, false, false},
		{"the same flag", mailbox.Add, mail.Flagged, false, true},
		{"one of two", mailbox.Remove, mail.Flagged | mail.Seen, false, true},
		{"all flags", mailbox.Set, mail.Seen, false, true},
		{"another flag, but the change was told", mailbox.Add, mail.Seen, true, true},
	} {
		v, other := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
		_, _, err := other.Store(ctx, seqs(1, 1), mailbox.Set, 0, 0)
		h.must(err)
		h.poll(v, true)
		since := v.Folder().ModSeq
		_, _, err = other.Store(ctx, seqs(1, 1), mailbox.Add, mail.Flagged, 0)
		h.must(err)
		if c.told {
			h.poll(v, true)
		}
		_, modified, err := v.Store(ctx, seqs(1, 1), c.op, c.flags, since)
		h.must(err)
		h.equal(c.name, len(modified) > 0, c.refuse)
		_, _, err = other.Store(ctx, seqs(1, 1), mailbox.Set, 0, 0)
		h.must(err)
		v.Close()
		other.Close()
	}
}
