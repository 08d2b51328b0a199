package imapd

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/mailbox/match"
	"tegami/wire/imap"
	"tegami/wire/mime"
)

// need is how much of a message a condition must see; each costs about ten times the one before.
type need uint8

const (
	needMark     need = iota // UID, flags, ModSeq: in the view
	needFact                 // arrival and size: remembered of the mailbox
	needRow                  // ids, save date: in the store
	needEnvelope             // in the message's index
	needHeader               // the octets of its header
	needText                 // all its text
)

// condition is a search key made ready. A leaf has a test, which may be called once the message shows what it needs;
// tests change nothing but the subject.
type condition struct {
	op   imap.KeyOp // KeyAnd, KeyOr, KeyNot; any other is a leaf
	need need       // of a leaf
	test func(*subject) bool
	keys []condition // of KeyAnd and KeyOr the cheapest first

	// Of a leaf that asks for flags only: those of mask must be as in want.
	mask, want mail.Flags
	// Of a leaf that is a set: the UIDs in it.
	uids []imap.Range
}

// verdict is what is known of a message.
type verdict uint8

const (
	no verdict = iota
	unknown
	yes
)

// eval judges by what the subject shows so far.
func (c *condition) eval(m *subject) verdict {
	switch c.op {
	case imap.KeyAnd:
		v := yes
		for i := range c.keys {
			if v = min(v, c.keys[i].eval(m)); v == no {
				break
			}
		}
		return v
	case imap.KeyOr:
		v := no
		for i := range c.keys {
			if v = max(v, c.keys[i].eval(m)); v == yes {
				break
			}
		}
		return v
	case imap.KeyNot:
		return yes - c.keys[0].eval(m)
	}
	switch {
	case c.need > m.shown:
		return unknown
	case c.test(m):
		return yes
	}
	return no
}

// deepest is the most that any part of c may need.
func (c *condition) deepest() need {
	n := c.need
	for i := range c.keys {
		n = max(n, c.keys[i].deepest())
	}
	return n
}

// asksFacts tells whether any part of c needs facts.
func (c *condition) asksFacts() bool {
	return c.need == needFact || slices.ContainsFunc(c.keys, func(k condition) bool { return k.asksFacts() })
}

// compiler makes the conditions of one search.
type compiler struct {
	view     *mailbox.View
	saved    []mail.UID // what "$" stands for
	uidOnly  bool       // sequence numbers may not be used (RFC 9586)
	keywords []string
	needles  []match.Needle // of the BODY and TEXT keys
	fuzzy    bool           // inside of FUZZY (RFC 6203 §3)

	usesModSeq, usesFuzzy, usesThread bool
}

// usesKeywords tells whether a key asks for keywords.
func usesKeywords(k *imap.Key) bool {
	return k.Op == imap.KeyKeyword || k.Op == imap.KeyUnkeyword ||
		slices.ContainsFunc(k.Keys, func(k imap.Key) bool { return usesKeywords(&k) })
}

// learnKeywords reads what keywords stand for, where the search asks for any.
func (c *compiler) learnKeywords(ctx context.Context, k *imap.Key) (err error) {
	if usesKeywords(k) {
		c.keywords, err = c.view.Keywords(ctx)
	}
	return err
}

// compile makes the condition of a key. Conjunctions and disjunctions begin with what costs least.
func (c *compiler) compile(k *imap.Key) (condition, error) {
	switch k.Op {
	case imap.KeyAnd, imap.KeyOr, imap.KeyNot:
		return c.several(k)
	case imap.KeyFuzzy:
		outer := c.fuzzy
		c.fuzzy, c.usesFuzzy = true, true
		out, err := c.compile(&k.Keys[0])
		c.fuzzy = outer
		return out, err
	case imap.KeySeq, imap.KeyUID:
		return c.inSet(k)
	case imap.KeyFlag:
		return flagCondition(mail.Flags(k.Num), mail.Flags(k.Num)), nil
	case imap.KeyUnflag:
		return flagCondition(mail.Flags(k.Num), 0), nil
	}
	for _, group := range []func(*imap.Key) (need, func(*subject) bool){c.byMark, c.byFact, c.byRow, c.byEnvelope, c.byHeader, c.byText} {
		if n, test := group(k); test != nil {
			return condition{op: k.Op, need: n, test: test}, nil
		}
	}
	return condition{}, mail.E(opSearch, mail.Invalid, "imap.syntax", "search-key")
}

const opSearch = mail.Op("imapd.SEARCH")

func (c *compiler) several(k *imap.Key) (condition, error) {
	if k.Op == imap.KeyAnd && len(k.Keys) == 1 {
		return c.compile(&k.Keys[0])
	}
	out := condition{op: k.Op, keys: make([]condition, 0, len(k.Keys))}
	for i := range k.Keys {
		sub, err := c.compile(&k.Keys[i])
		if err != nil {
			return out, err
		}
		if k.Op == imap.KeyAnd && out.joinFlags(&sub) {
			continue
		}
		out.keys = append(out.keys, sub)
	}
	if k.Op == imap.KeyAnd && len(out.keys) == 1 {
		return out.keys[0], nil
	}
	slices.SortStableFunc(out.keys, func(a, b condition) int { return cmp.Compare(a.deepest(), b.deepest()) })
	return out, nil
}

// flagCondition asks for flags.
func flagCondition(mask, want mail.Flags) condition {
	return condition{op: imap.KeyFlag, mask: mask, want: want, test: func(m *subject) bool { return m.mark.Flags&mask == want }}
}

// joinFlags makes one condition of two that ask for flags, both of which must hold; false where c has none to join with.
func (c *condition) joinFlags(more *condition) bool {
	for i := range c.keys {
		have := &c.keys[i]
		if both := have.mask & more.mask; have.op == imap.KeyFlag && more.op == imap.KeyFlag && have.want&both == more.want&both {
			*have = flagCondition(have.mask|more.mask, have.want|more.want)
			return true
		}
	}
	return false
}

// inSet is for sequence numbers and UIDs. Which messages numbers stand for is settled now (RFC 5267 §4.3).
func (c *compiler) inSet(k *imap.Key) (condition, error) {
	ranges, err := c.uidRanges(k)
	return condition{op: k.Op, uids: ranges, test: func(m *subject) bool { return imap.InRanges(ranges, uint32(m.mark.UID)) }}, err
}

// span gives bounds outside of which no UID fits.
func (c *condition) span() (lo, hi uint32) {
	switch {
	case c.op == imap.KeyAnd:
		lo, hi = 0, math.MaxUint32
		for i := range c.keys {
			l, h := c.keys[i].span()
			lo, hi = max(lo, l), min(hi, h)
		}
		return lo, hi
	case c.op != imap.KeySeq && c.op != imap.KeyUID:
		return 0, math.MaxUint32
	case len(c.uids) == 0:
		return 1, 0
	}
	return c.uids[0].Lo, c.uids[len(c.uids)-1].Hi
}

// uidRanges gives the UIDs of a set. A sequence number that is not there is an error, except in an empty mailbox.
func (c *compiler) uidRanges(k *imap.Key) (ranges []imap.Range, err error) {
	n := uint32(c.view.Len())
	switch {
	case k.Set.Saved:
		for _, uid := range c.saved {
			ranges = imap.AddTo(ranges, uint32(uid))
		}
		return ranges, nil
	case k.Op == imap.KeySeq && c.uidOnly:
		return nil, uidRequired()
	case n == 0:
		return nil, nil
	case k.Op == imap.KeyUID:
		return k.Set.Resolve(uint32(c.view.UID(n))), nil
	}
	for _, r := range k.Set.Resolve(n) {
		if r.Hi > n {
			return nil, mail.E("imapd.sequences", mail.Invalid, "imap.message_number", r.Hi)
		}
		ranges = append(ranges, imap.Range{Lo: uint32(c.view.UID(r.Lo)), Hi: uint32(c.view.UID(r.Hi))})
	}
	return ranges, nil
}

// byMark makes the tests that the view can answer.
func (c *compiler) byMark(k *imap.Key) (need, func(*subject) bool) {
	switch k.Op {
	case imap.KeyAll, imap.KeyOld, imap.KeySaveDateSupported: // nothing is \Recent here
		return needMark, func(*subject) bool { return true }
	case imap.KeyNew, imap.KeyRecent:
		return needMark, func(*subject) bool { return false }
	case imap.KeyKeyword:
		flag := c.keyword(k.Text)
		return needMark, func(m *subject) bool { return flag != 0 && m.mark.Flags.Has(flag) }
	case imap.KeyUnkeyword:
		flag := c.keyword(k.Text)
		return needMark, func(m *subject) bool { return flag == 0 || !m.mark.Flags.Has(flag) }
	case imap.KeyModSeq:
		c.usesModSeq = true
		return needMark, func(m *subject) bool { return uint64(m.mark.ModSeq) >= k.Num }
	}
	return 0, nil
}

// keyword gives the flag of a keyword, 0 where no message can have it.
func (c *compiler) keyword(name string) mail.Flags {
	for n, known := range c.keywords {
		if strings.EqualFold(known, name) {
			return mail.Keyword(n)
		}
	}
	return 0
}

// secondsADay is the length of a day in UTC.
const secondsADay = 24 * 3600

// maxInterval is the longest interval of OLDER and YOUNGER in seconds: about 100 years.
const maxInterval = 100 * 366 * secondsADay

// byFact makes the tests on size and arrival. Dates are days in UTC, as INTERNALDATE shows them.
func (c *compiler) byFact(k *imap.Key) (need, func(*subject) bool) {
	size := int64(min(k.Num, 1<<62))
	switch k.Op {
	case imap.KeyLarger:
		return needFact, func(m *subject) bool { return m.size > size }
	case imap.KeySmaller:
		return needFact, func(m *subject) bool { return m.size < size }
	case imap.KeyBefore, imap.KeyOn, imap.KeySince:
		day, how := k.Date.Unix(), k.Op-imap.KeyBefore
		return needFact, func(m *subject) bool { return onDay(how, m.arrived, day) }
	case imap.KeyOlder, imap.KeyYounger: // RFC 5032 §3
		interval, older := int64(min(k.Num, maxInterval)), k.Op == imap.KeyOlder
		return needFact, func(m *subject) bool { return m.arrived < m.now-interval == older }
	}
	return 0, nil
}

// onDay compares the day of t in UTC with one that begins at day: before (0), on (1), since (2).
func onDay(how imap.KeyOp, t, day int64) bool {
	switch how {
	case 0:
		return t < day
	case 1:
		return t >= day && t < day+secondsADay
	}
	return t >= day
}

// byRow makes the tests that the message's row can answer.
func (c *compiler) byRow(k *imap.Key) (need, func(*subject) bool) {
	switch k.Op {
	case imap.KeySavedBefore, imap.KeySavedOn, imap.KeySavedSince: // RFC 8514 §4.3
		day, how := k.Date.Unix(), k.Op-imap.KeySavedBefore
		return needRow, func(m *subject) bool { return !m.row.Saved.IsZero() && onDay(how, m.row.Saved.Unix(), day) }
	case imap.KeyEmailID: // RFC 8474 §6
		return needRow, func(m *subject) bool { return m.row.ID.String() == k.Text }
	case imap.KeyThreadID: // RFC 8474 §6
		c.usesThread = true
		return needRow, func(m *subject) bool { return m.row.Thread.String() == k.Text }
	}
	return 0, nil
}

// byEnvelope makes the tests that the envelope can answer.
func (c *compiler) byEnvelope(k *imap.Key) (need, func(*subject) bool) {
	addresses := func(f mime.EnvelopeField) (need, func(*subject) bool) {
		w := match.Want(k.Text, c.fuzzy)
		return needEnvelope, func(m *subject) bool { return m.text.InAddresses(f, &w) }
	}
	switch k.Op {
	case imap.KeyFrom:
		return addresses(mime.FieldFrom)
	case imap.KeyTo:
		return addresses(mime.FieldTo)
	case imap.KeyCc:
		return addresses(mime.FieldCc)
	case imap.KeyBcc:
		return addresses(mime.FieldBcc)
	case imap.KeySubject:
		w := match.Want(k.Text, c.fuzzy)
		return needEnvelope, func(m *subject) bool { return m.text.InText(mime.FieldSubject, &w) }
	case imap.KeySentBefore, imap.KeySentOn, imap.KeySentSince:
		day, how := k.Date.Unix(), k.Op-imap.KeySentBefore
		return needEnvelope, func(m *subject) bool { return m.sentOn(how, day) }
	}
	return 0, nil
}

// inEnvelope are the fields of HEADER that the envelope has: those that a message has once.
var inEnvelope = map[string]mime.EnvelopeField{"message-id": mime.FieldMessageID, "in-reply-to": mime.FieldInReplyTo}

// byHeader makes the tests on header fields.
func (c *compiler) byHeader(k *imap.Key) (need, func(*subject) bool) {
	if k.Op != imap.KeyHeader {
		return 0, nil
	}
	w := match.Want(k.Text, c.fuzzy)
	if f, ok := inEnvelope[strings.ToLower(k.Name)]; ok {
		return needEnvelope, func(m *subject) bool {
			return !bytes.Equal(m.text.Index().EnvelopeField(f), nilText) && m.text.InText(f, &w)
		}
	}
	return needHeader, func(m *subject) bool { return m.text.InField(k.Name, &w) }
}

var nilText = []byte("NIL")

// byText makes the tests on all text.
func (c *compiler) byText(k *imap.Key) (need, func(*subject) bool) {
	if k.Op != imap.KeyBody && k.Op != imap.KeyText {
		return 0, nil
	}
	w, headers := match.Want(k.Text, c.fuzzy), k.Op == imap.KeyText
	phrase := c.needle(w.Phrase, headers)
	first := len(c.needles)
	for _, word := range w.Words[:min(len(w.Words), maxNeedles+1)] {
		c.needle(word, headers)
	}
	words := len(w.Words)
	return needText, func(m *subject) bool { return m.text.InBody(phrase, first, words) }
}

// needle adds a string to those that are looked for in the text.
func (c *compiler) needle(n match.Needle, headers bool) int {
	n.Headers = headers
	c.needles = append(c.needles, n)
	return len(c.needles) - 1
}

// sure collects the strings that every message found must contain, for View.Candidates: those of the text keys that are joined
// at the top.
func sure(k *imap.Key, fuzzy bool, dst []string) []string {
	switch k.Op {
	case imap.KeyAnd, imap.KeyFuzzy:
		for i := range k.Keys {
			dst = sure(&k.Keys[i], fuzzy || k.Op == imap.KeyFuzzy, dst)
		}
	case imap.KeyFrom, imap.KeyTo, imap.KeyCc, imap.KeyBcc, imap.KeySubject, imap.KeyHeader, imap.KeyBody, imap.KeyText:
		text := mime.Searchable(k.Text)
		switch address := k.Op == imap.KeyFrom || k.Op == imap.KeyTo || k.Op == imap.KeyCc || k.Op == imap.KeyBcc; {
		case text == "" || address && strings.ContainsAny(text, "<>\"\\(),:;"): // the form of an address is ours, not the header's
		case fuzzy:
			dst = append(dst, strings.Fields(text)...)
		default:
			dst = append(dst, text)
		}
	}
	return dst
}

// today is the moment against which OLDER and YOUNGER are held, in seconds.
func today() int64 { return time.Now().Unix() }
