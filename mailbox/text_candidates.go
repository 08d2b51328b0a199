package mailbox

import (
	"context"

	"tegami/mail"
	"tegami/mailbox/gram"
	"tegami/store"
)

// Candidates are the messages of a view among which a search has to look.
type Candidates struct {
	Use  bool     // false: the index cannot help, every message has to be looked at
	Seqs []uint32 // indexed messages that may contain all needles, ascending
	Rest []uint32 // messages that are not indexed yet, ascending
}

// Candidates gives the messages that may contain all needles in header, body or the names of attachments. Needles are
// UTF-8 as the client wrote them. A mailbox whose messages are not all indexed is indexed soon.
func (v *View) Candidates(ctx context.Context, needles []string) (Candidates, error) {
	const op = "mailbox.Candidates"
	s, box := v.account.service, &v.base.box
	if s.cfg.NoTextIndex {
		return Candidates{}, nil
	}
	if err := v.allow(ctx, op, RightRead); err != nil {
		return Candidates{}, err
	}
	grams := gramsOf(needles)
	if len(grams) == 0 {
		return Candidates{}, nil
	}
	key := textAccount{v.account.id.Tenant(), box.Account}
	if err := s.trust(ctx, key, box.ID); err != nil {
		return Candidates{}, mail.Wrap(op, err)
	}
	found, upto, err := v.account.tenant.Texts().Find(ctx, box.Account, box.ID, grams)
	if err != nil {
		return Candidates{}, mail.Wrap(op, err)
	}
	c := Candidates{Use: upto > 0, Seqs: v.seqsOf(found), Rest: v.behind(upto)}
	if len(c.Rest) > 0 {
		s.texts.grew(key, len(c.Rest))
	}
	if !c.Use {
		return Candidates{}, nil
	}
	return c, nil
}

// maxNeedleGrams is how many grams of one needle are asked for: of a long one those at equal distances.
const maxNeedleGrams = 12

// gramsOf gives the grams by which messages with all needles are found; none if the needles are too short. One of
// each needle comes before the second of any.
func gramsOf(needles []string) []store.Gram {
	var lists [][]uint32
	for _, needle := range needles {
		if keys := gram.Needle(needle); len(keys) > 0 {
			lists = append(lists, spread(keys, maxNeedleGrams))
		}
	}
	var grams []store.Gram
	for n := range maxNeedleGrams {
		for _, keys := range lists {
			if n < len(keys) && len(grams) < store.MaxFindGrams {
				grams = append(grams, store.Gram(keys[n]))
			}
		}
	}
	return grams
}

// spread gives at most n of a list, at equal distances.
func spread[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	some := make([]T, n)
	for i := range some {
		some[i] = list[i*len(list)/n]
	}
	return some
}

// seqsOf gives the sequence numbers of UIDs, which ascend; those the client does not know are left out.
func (v *View) seqsOf(uids []mail.UID) []uint32 {
	const fewer = 16 // of so many messages in the view: then each UID is looked up
	seqs := make([]uint32, 0, len(uids))
	if len(uids)*fewer < v.Len() {
		for _, uid := range uids {
			if i, ok := v.shown.find(uid); ok {
				seqs = append(seqs, uint32(i+1))
			}
		}
		return seqs
	}
	for i, m := range v.shown.all() {
		for len(uids) > 0 && uids[0] < m.UID {
			uids = uids[1:]
		}
		if len(uids) == 0 {
			break
		}
		if uids[0] == m.UID {
			seqs = append(seqs, uint32(i+1))
		}
	}
	return seqs
}

// behind gives the sequence numbers of the messages with a UID above one.
func (v *View) behind(uid mail.UID) []uint32 {
	i, ok := v.shown.find(uid)
	if ok {
		i++
	}
	seqs := make([]uint32, 0, v.Len()-i)
	for ; i < v.Len(); i++ {
		seqs = append(seqs, uint32(i+1))
	}
	return seqs
}
