package imapd

import (
	"cmp"
	"context"
	"slices"

	"tegami/mailbox"
	"tegami/wire/imap"
)

// cmdSort is SORT (RFC 5256 §3), with what RFC 5267 §3 and RFC 5957 add to it.
func cmdSort(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.sort(ctx, d, false)
}

// cmdUIDSort is UID SORT.
func cmdUIDSort(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.sort(ctx, d, true)
}

func (s *session) sort(ctx context.Context, d *imap.Decoder, uid bool) (reply, error) {
	q := asked{uid: uid, word: "SORT"}
	if !d.SP() || !d.Sort(&q.Search) || !d.End() {
		return reply{}, d.Err()
	}
	return s.answerSearch(ctx, &q)
}

// sortFacts are what messages are sorted by. Relevancy is not a fact.
var sortFacts = [...]mailbox.Fact{
	imap.SortArrival: mailbox.FactArrival, imap.SortCc: mailbox.FactCc, imap.SortDate: mailbox.FactSent, imap.SortFrom: mailbox.FactFrom,
	imap.SortSize: mailbox.FactSize, imap.SortSubject: mailbox.FactSubject, imap.SortTo: mailbox.FactTo,
	imap.SortDisplayFrom: mailbox.FactDisplayFrom, imap.SortDisplayTo: mailbox.FactDisplayTo,
}

// sort puts messages, ascending by number, in order. What is equal stays as it is in the mailbox.
func (q *query) sort(ctx context.Context, keys []imap.SortKey, seqs []uint32) ([]uint32, error) {
	var want []mailbox.Fact
	for _, k := range keys {
		if k.By != imap.SortRelevancy {
			want = append(want, sortFacts[k.By])
		}
	}
	facts, err := q.view.Facts(ctx, seqs, true, want...)
	if err != nil {
		return nil, err
	}
	order := make([]sorted, len(seqs))
	place := func(i, key int) uint32 {
		if key >= len(keys) {
			return 0
		}
		return q.place(keys[key], facts, seqs, i)
	}
	for i := range order {
		order[i] = sorted{uint64(place(i, 0))<<32 | uint64(place(i, 1)), uint32(i)}
	}
	slices.SortFunc(order, func(a, b sorted) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		for key := 2; key < len(keys); key++ {
			if pa, pb := place(int(a.at), key), place(int(b.at), key); pa != pb {
				return cmp.Compare(pa, pb)
			}
		}
		return cmp.Compare(a.at, b.at)
	})
	out := make([]uint32, len(seqs))
	for i, o := range order {
		out[i] = seqs[o.at]
	}
	return out, ctx.Err()
}

// sorted is a message in a list that is sorted: its places by the first two keys, and where it stood.
type sorted struct {
	head uint64
	at   uint32
}

// place gives a number that stands as the n-th message does by a key: its rank, or for REVERSE the opposite. The most relevant
// come first (RFC 6203 §5).
func (q *query) place(k imap.SortKey, facts *mailbox.Facts, seqs []uint32, n int) uint32 {
	var p uint32
	if k.By == imap.SortRelevancy {
		p = scorePhrase - uint32(q.score(seqs[n]))
	} else {
		p = facts.Rank(sortFacts[k.By], n)
	}
	if k.Reverse {
		return ^p
	}
	return p
}
