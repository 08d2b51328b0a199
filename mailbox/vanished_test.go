package mailbox

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tegami/mail"
	"tegami/store"
)

// What is missing of ranges is told by them, up to the last UID ever given, and nothing that is there.
func TestMissing(t *testing.T) {
	view := func(next mail.UID, uids ...mail.UID) *View {
		return &View{base: &snapshot{box: store.Mailbox{UIDNext: next}}, shown: listOf(uids...)}
	}
	const top = mail.UID(1<<32 - 1)
	for _, c := range []struct {
		name string
		view *View
		in   []UIDRange
		want string
	}{
		{"nothing was ever there", view(1), []UIDRange{{1, top}}, "[]"},
		{"all are gone", view(9), []UIDRange{{1, top}}, "[{1 8}]"},
		{"none is", view(4, 1, 2, 3), []UIDRange{{1, top}}, "[]"},
		{"holes", view(10, 2, 5, 6), []UIDRange{{1, top}}, "[{1 1} {3 4} {7 9}]"},
		{"some asked for", view(10, 2, 5, 6), []UIDRange{{2, 3}, {5, 7}, {9, 9}}, "[{3 3} {7 7} {9 9}]"},
		{"beyond the last", view(3), []UIDRange{{3, 5}, {7, top}}, "[]"},
		{"the last UID there can be", view(top, top-1), []UIDRange{{top - 2, top}}, fmt.Sprint([]UIDRange{{top - 2, top - 2}})},
	} {
		if got := fmt.Sprint(c.view.missing(c.view.clip(c.in))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestInUIDs(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var in []UIDRange
		want := map[mail.UID]bool{}
		for uid := mail.UID(1); uid < 100; uid++ {
			if rnd.IntN(2) == 0 {
				in, want[uid] = addUID(in, uid), true
			}
		}
		for uid := range mail.UID(101) {
			if inUIDs(in, uid) != want[uid] {
				t.Fatalf("%d in %v: %v", uid, in, !want[uid])
			}
		}
	}
}
