package mailbox

import (
	"context"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// UIDRange are the UIDs from Lo to Hi, both included.
type UIDRange struct{ Lo, Hi mail.UID }

// maxVanished is how many messages that left are told one by one. Past it the answer is what is not there,
// which needs no memory.
const maxVanished = 100_000

// Vanished gives which UIDs of in belong to messages that left the mailbox after since, ascending and joined.
// in must ascend without overlap. What the client still knows as a message is not among them: Poll tells it.
//
// There may be UIDs that left before, or never were: all that are missing where more left than can be told one by one,
// or where the store does not know any more what left so long ago (RFC 7162 §3.2.6).
func (v *View) Vanished(ctx context.Context, since mail.ModSeq, in []UIDRange) ([]UIDRange, error) {
	in = v.clip(in)
	if len(in) == 0 || since >= v.base.box.ModSeq {
		return nil, nil
	}
	gone, known, err := v.goneSince(ctx, since, in)
	if err != nil {
		return nil, err
	}
	if !known {
		return v.missing(in), nil
	}
	slices.Sort(gone)
	var out []UIDRange
	for _, uid := range gone {
		out = addUID(out, uid)
	}
	return out, nil
}

// clip leaves of ranges what was ever given to a message.
func (v *View) clip(in []UIDRange) (out []UIDRange) {
	last := v.base.box.UIDNext - 1
	for _, r := range in {
		if r.Lo = max(r.Lo, 1); r.Lo <= min(r.Hi, last) {
			out = append(out, UIDRange{r.Lo, min(r.Hi, last)})
		}
	}
	return out
}

// goneSince gives the UIDs of in that left, as the store knows them. known is false where it can't be told so.
func (v *View) goneSince(ctx context.Context, since mail.ModSeq, in []UIDRange) (gone []mail.UID, known bool, err error) {
	err = v.account.view(ctx, "mailbox.Vanished", func(r store.Reader) error {
		gone, known = nil, true
		return r.Gone(v.shared.key.box, since, func(g store.Gone) bool {
			if _, shown := v.shown.find(g.UID); !shown && inUIDs(in, g.UID) {
				gone = append(gone, g.UID)
			}
			known = len(gone) <= maxVanished
			return known
		})
	})
	return gone, known, err
}

// missing gives the UIDs of ranges that the client does not know as messages.
func (v *View) missing(in []UIDRange) (out []UIDRange) {
	for _, r := range in {
		at, _ := v.shown.find(r.Lo)
		lo := uint64(r.Lo) // of what is missing next; past the largest UID there is none
		for ; at < v.shown.len(); at++ {
			uid := v.shown.at(at).UID
			if uid > r.Hi {
				break
			}
			if lo < uint64(uid) {
				out = append(out, UIDRange{mail.UID(lo), uid - 1})
			}
			lo = uint64(uid) + 1
		}
		if lo <= uint64(r.Hi) {
			out = append(out, UIDRange{mail.UID(lo), r.Hi})
		}
	}
	return out
}

// inUIDs tells whether a UID is in ascending ranges.
func inUIDs(in []UIDRange, uid mail.UID) bool {
	i, _ := slices.BinarySearchFunc(in, uid, func(r UIDRange, uid mail.UID) int {
		if r.Hi < uid {
			return -1
		}
		return 1
	})
	return i < len(in) && in[i].Lo <= uid
}

// addUID adds a UID above all in ascending ranges.
func addUID(rs []UIDRange, uid mail.UID) []UIDRange {
	if n := len(rs); n > 0 && rs[n-1].Hi+1 >= uid {
		rs[n-1].Hi = uid
		return rs
	}
	return append(rs, UIDRange{uid, uid})
}
