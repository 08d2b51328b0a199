package mailbox

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tegami/mail"
)

// listOf makes a list of marks with these UIDs.
func listOf(uids ...mail.UID) marks {
	ms := make([]Mark, len(uids))
	for i, uid := range uids {
		ms[i] = Mark{UID: uid, ModSeq: mail.ModSeq(uid)}
	}
	return newMarks(ms)
}

// upTo makes a list of the UIDs 1 to n.
func upTo(n int) marks {
	uids := make([]mail.UID, n)
	for i := range uids {
		uids[i] = mail.UID(i + 1)
	}
	return listOf(uids...)
}

func uidsOf(l marks) []mail.UID {
	uids := make([]mail.UID, 0, l.len())
	for _, m := range l.all() {
		uids = append(uids, m.UID)
	}
	return uids
}

func TestFind(t *testing.T) {
	three := listOf(2, 4, 7)
	for _, c := range []struct {
		list marks
		uid  mail.UID
		at   int
		ok   bool
	}{
		{marks{}, 1, 0, false},
		{three, 1, 0, false}, {three, 2, 0, true}, {three, 3, 1, false},
		{three, 7, 2, true}, {three, 8, 3, false},
		{upTo(pieceLen), pieceLen, pieceLen - 1, true},
		{upTo(pieceLen), pieceLen + 1, pieceLen, false},
		{upTo(pieceLen + 1), pieceLen + 1, pieceLen, true},
		{upTo(3 * pieceLen), 2*pieceLen + 5, 2*pieceLen + 4, true},
	} {
		if at, ok := c.list.find(c.uid); at != c.at || ok != c.ok {
			t.Errorf("find(%d) in %d marks = %d, %v; want %d, %v", c.uid, c.list.len(), at, ok, c.at, c.ok)
		}
	}
}

// What apply does not touch is the same memory afterwards: that is what makes lists cheap.
func TestApplySharesPieces(t *testing.T) {
	old := upTo(4*pieceLen - 10)
	same := func(a, b marks) (n int) {
		for p := range min(len(a.pieces), len(b.pieces)) {
			if &a.pieces[p].ms[0] == &b.pieces[p].ms[0] {
				n++
			}
		}
		return n
	}
	last := mail.UID(old.len())
	for _, c := range []struct {
		name    string
		changed []Mark
		gone    []mail.UID
		shared  int
	}{
		{"nothing", nil, nil, 4},
		{"a flag in the second piece", []Mark{{UID: pieceLen + 3, ModSeq: 9e6}}, nil, 3},
		{"a flag in the last piece", []Mark{{UID: last, ModSeq: 9e6}}, nil, 3},
		{"one added", []Mark{{UID: last + 1}}, nil, 3},
		{"a flag in the first, one added", []Mark{{UID: 1, ModSeq: 9e6}, {UID: last + 1}}, nil, 2},
		{"one gone from the third piece", nil, []mail.UID{2*pieceLen + 7}, 3},
		{"the first gone", nil, []mail.UID{1}, 3},
		{"one gone that was not there", nil, []mail.UID{last + 7}, 4},
	} {
		if n := same(old, old.apply(c.changed, c.gone)); n != c.shared {
			t.Errorf("%s: %d pieces shared, want %d", c.name, n, c.shared)
		}
	}
}

// genChanges draws changed marks, some in l and some behind it from *next on, and UIDs of l that go; both ascend.
func genChanges(t *rapid.T, l marks, next *mail.UID, modseq mail.ModSeq) (changed []Mark, gone []mail.UID) {
	some := rapid.SliceOfNDistinct(rapid.IntRange(0, max(l.len()-1, 0)), 0, min(l.len(), 20), rapid.ID)
	for _, i := range slices.Sorted(slices.Values(some.Draw(t, "changed"))) {
		changed = append(changed, Mark{UID: l.at(i).UID, Flags: mail.Flags(rapid.Uint8().Draw(t, "flags")), ModSeq: modseq})
	}
	*next += mail.UID(rapid.IntRange(0, 2).Draw(t, "hole"))
	for range rapid.SampledFrom([]int{0, 0, 1, 2, pieceLen, 2*pieceLen + 1}).Draw(t, "added") {
		changed = append(changed, Mark{UID: *next, ModSeq: modseq})
		*next++
	}
	for _, i := range slices.Sorted(slices.Values(some.Draw(t, "gone"))) {
		gone = append(gone, l.at(i).UID)
	}
	return changed, gone
}

// apply is what replacing, adding and removing in a map would be, keeps the shape of lists, and
// leaves the old list alone.
func TestApplyIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := upTo(rapid.IntRange(0, 3*pieceLen).Draw(t, "n"))
		before := old.flat()
		next := old.last() + 1
		changed, gone := genChanges(t, old, &next, 9e6)
		if n := len(changed); n > 0 && rapid.Bool().Draw(t, "gone wins") {
			gone = append(gone, changed[n-1].UID)
			slices.Sort(gone)
		}
		want := map[mail.UID]Mark{}
		for _, m := range slices.Concat(before, changed) {
			want[m.UID] = m
		}
		for _, uid := range gone {
			delete(want, uid)
		}
		got := old.apply(changed, gone)
		checkShape(t, got)
		uids := slices.Sorted(maps.Keys(want))
		if !slices.Equal(uidsOf(got), uids) {
			t.Fatalf("UIDs %v, want %v", uidsOf(got), uids)
		}
		for i, m := range got.all() {
			if m != want[m.UID] || got.at(i) != m {
				t.Fatalf("mark %v at %d, want %v", m, i, want[m.UID])
			}
		}
		if !slices.Equal(old.flat(), before) {
			t.Fatal("the old list changed")
		}
	})
}

// checkShape tells whether pieces are where they say, none is empty or too long, and no two neighbours should be one.
func checkShape(t *rapid.T, l marks) {
	n := 0
	for i, p := range l.pieces {
		if len(p.ms) == 0 || len(p.ms) > pieceLen || int(p.first) != n || p.last != p.ms[len(p.ms)-1].UID {
			t.Fatalf("piece %d of %d holds %d marks from %d (said %d) up to %d", i, len(l.pieces), len(p.ms), n, p.first, p.last)
		}
		if i > 0 {
			before := len(l.pieces[i-1].ms)
			if before+len(p.ms) <= pieceLen && min(before, len(p.ms)) < minPiece {
				t.Fatalf("pieces of %d and %d marks are not joined", before, len(p.ms))
			}
		}
		n += len(p.ms)
	}
	if n != l.len() {
		t.Fatalf("len %d, but %d marks", l.len(), n)
	}
}

// Expunging all but a few leaves few pieces, and every number is right.
func TestListDoesNotCrumble(t *testing.T) {
	l := upTo(40 * pieceLen)
	var gone []mail.UID
	for uid := range mail.UID(40 * pieceLen) {
		if uid%100 != 0 {
			gone = append(gone, uid)
		}
	}
	for part := range slices.Chunk(gone, 77) {
		l = l.apply(nil, part)
	}
	if len(l.pieces) > 2+l.len()/minPiece {
		t.Errorf("%d marks in %d pieces", l.len(), len(l.pieces))
	}
	for i, m := range l.all() {
		if at, ok := l.find(m.UID); !ok || at != i || l.at(i) != m {
			t.Fatalf("UID %d stands at %d, found at %d", m.UID, i, at)
		}
	}
}
