package imapd

import (
	"strings"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
	"tegami/wire/mime"
)

// need is how much of a message a condition must see; each costs about ten times the one before.
type need uint8

const (
	needMark     need = iota // UID, flags, ModSeq: in the view
	needRow                  // sizes, dates, ids: in the store
	needEnvelope             // in the message's index
	needHeader               // the octets of its header
	needText                 // all its text
)

// condition is a search key made ready. A leaf has a test, which may be called
// once the message shows what it needs.
type condition struct {
	op   imap.KeyOp // KeyAnd, KeyOr, KeyNot; any other is a leaf
	need need
	test func(*subject) bool
	keys []condition
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

// compiler makes conditions of keys.
type compiler struct {
	s        *session
	now      time.Time
	keywords []string
	needles  []needle // of the BODY and TEXT keys
	modseq   bool
}

func (c *compiler) usesKeywords(k *imap.Key) bool {
	if k.Op == imap.KeyKeyword || k.Op == imap.KeyUnkeyword {
		return true
	}
	for i := range k.Keys {
		if c.usesKeywords(&k.Keys[i]) {
			return true
		}
	}
	return false
}

// compile makes the condition of a key.
func (c *compiler) compile(k *imap.Key) (condition, error) {
	switch k.Op {
	case imap.KeyAnd, imap.KeyOr, imap.KeyNot:
		out := condition{op: k.Op}
		for i := range k.Keys {
			sub, err := c.compile(&k.Keys[i])
			if err != nil {
				return out, err
			}
			out.keys = append(out.keys, sub)
		}
		return out, nil
	case imap.KeySeq, imap.KeyUID:
		return c.inSet(k)
	}
	for _, group := range []func(*imap.Key) (need, func(*subject) bool){c.byMark, c.byRow, c.byEnvelope, c.byText} {
		if n, test := group(k); test != nil {
			return condition{op: k.Op, need: n, test: test}, nil
		}
	}
	return condition{}, mail.E("imapd.SEARCH", mail.Invalid, "imap.syntax", "search-key")
}

// inSet is for sequence numbers and UIDs.
func (c *compiler) inSet(k *imap.Key) (condition, error) {
	seqs, err := c.s.sequences(k.Set, k.Op == imap.KeyUID)
	if err != nil {
		return condition{}, err
	}
	var ranges []imap.Range
	for _, seq := range seqs {
		ranges = imap.AddTo(ranges, seq)
	}
	return condition{op: k.Op, test: func(m *subject) bool { return imap.InRanges(ranges, m.seq) }}, nil
}

// byMark makes the tests that the view can answer.
func (c *compiler) byMark(k *imap.Key) (need, func(*subject) bool) {
	flag := mail.Flags(k.Num)
	switch k.Op {
	case imap.KeyAll, imap.KeyOld, imap.KeySaveDateSupported: // nothing is \Recent here
		return needMark, func(*subject) bool { return true }
	case imap.KeyNew, imap.KeyRecent:
		return needMark, func(*subject) bool { return false }
	case imap.KeyFlag:
		return needMark, func(m *subject) bool { return m.mark.Flags.Has(flag) }
	case imap.KeyUnflag:
		return needMark, func(m *subject) bool { return !m.mark.Flags.Has(flag) }
	case imap.KeyKeyword:
		flag = c.keyword(k.Text)
		return needMark, func(m *subject) bool { return flag != 0 && m.mark.Flags.Has(flag) }
	case imap.KeyUnkeyword:
		flag = c.keyword(k.Text)
		return needMark, func(m *subject) bool { return flag == 0 || !m.mark.Flags.Has(flag) }
	case imap.KeyModSeq:
		c.modseq = true
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

// byRow makes the tests that the message's row can answer. Dates are days in UTC, as INTERNALDATE shows them.
func (c *compiler) byRow(k *imap.Key) (need, func(*subject) bool) {
	size := int64(k.Num)
	switch k.Op {
	case imap.KeyLarger:
		return needRow, func(m *subject) bool { return m.row.Blob.Size > size }
	case imap.KeySmaller:
		return needRow, func(m *subject) bool { return m.row.Blob.Size < size }
	case imap.KeyBefore, imap.KeyOn, imap.KeySince:
		return needRow, func(m *subject) bool { return onDay(k.Op-imap.KeyBefore, m.row.Received.UTC(), k.Date) }
	case imap.KeySavedBefore, imap.KeySavedOn, imap.KeySavedSince:
		return needRow, func(m *subject) bool {
			return !m.row.Saved.IsZero() && onDay(k.Op-imap.KeySavedBefore, m.row.Saved.UTC(), k.Date)
		}
	case imap.KeyOlder, imap.KeyYounger:
		edge := c.now.Add(-time.Duration(min(k.Num, maxInterval)) * time.Second)
		return needRow, func(m *subject) bool { return m.row.Received.Before(edge) == (k.Op == imap.KeyOlder) }
	case imap.KeyEmailID:
		return needRow, func(m *subject) bool { return m.row.ID.String() == k.Text }
	case imap.KeyThreadID:
		return needRow, func(m *subject) bool { return m.row.Thread.String() == k.Text }
	}
	return 0, nil
}

// maxInterval is the longest interval of OLDER and YOUNGER in seconds: about 100 years.
const maxInterval = 100 * 366 * 24 * 3600

// onDay compares the day of t, in its own zone, with another: before (0), on (1), since (2).
func onDay(how imap.KeyOp, t, day time.Time) bool {
	y, mo, d := t.Date()
	diff := time.Date(y, mo, d, 0, 0, 0, 0, time.UTC).Compare(day)
	switch how {
	case 0:
		return diff < 0
	case 1:
		return diff == 0
	}
	return diff >= 0
}

// byEnvelope makes the tests that the envelope can answer.
func (c *compiler) byEnvelope(k *imap.Key) (need, func(*subject) bool) {
	want := foldText(k.Text)
	in := func(list func(*mime.Envelope) []mime.Address) func(*subject) bool {
		return func(m *subject) bool {
			for _, a := range list(m.envelope()) {
				if strings.Contains(foldText(a.Name()+" <"+a.Local+"@"+a.Domain+">"), want) {
					return true
				}
			}
			return false
		}
	}
	switch k.Op {
	case imap.KeyFrom:
		return needEnvelope, in(func(e *mime.Envelope) []mime.Address { return e.From })
	case imap.KeyTo:
		return needEnvelope, in(func(e *mime.Envelope) []mime.Address { return e.To })
	case imap.KeyCc:
		return needEnvelope, in(func(e *mime.Envelope) []mime.Address { return e.Cc })
	case imap.KeyBcc:
		return needEnvelope, in(func(e *mime.Envelope) []mime.Address { return e.Bcc })
	case imap.KeySubject:
		return needEnvelope, func(m *subject) bool { return strings.Contains(foldText(m.envelope().SubjectText()), want) }
	case imap.KeySentBefore, imap.KeySentOn, imap.KeySentSince:
		return needEnvelope, func(m *subject) bool {
			at, err := m.envelope().Time()
			return err == nil && onDay(k.Op-imap.KeySentBefore, at, k.Date)
		}
	}
	return 0, nil
}

// byText makes the tests on the message's octets.
func (c *compiler) byText(k *imap.Key) (need, func(*subject) bool) {
	want := foldText(k.Text)
	switch k.Op {
	case imap.KeyHeader:
		return needHeader, func(m *subject) bool {
			for _, value := range mime.Header(m.header()).All(k.Name) {
				if strings.Contains(foldText(mime.DecodeHeader(value)), want) {
					return true
				}
			}
			return false
		}
	case imap.KeyBody, imap.KeyText:
		n := len(c.needles)
		c.needles = append(c.needles, needle{text: []byte(want), headers: k.Op == imap.KeyText})
		return needText, func(m *subject) bool { return m.found(n) }
	}
	return 0, nil
}

// subject is the message at hand, with as much of it as was shown so far.
type subject struct {
	shown     need
	seq       uint32
	mark      mailbox.Mark
	row       *mailbox.Message
	body      mailbox.Body
	structure *mime.Message
	raw       []byte // scratch: the header
	rawRead   bool
	scan      *scanner
	scanned   bool
	err       error // reading failed
}
