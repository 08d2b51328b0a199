package imapd

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/wire/imap"
	"tegami/wire/mime"
)

// cmdSearch is SEARCH (RFC 9051 §6.4.4).
func cmdSearch(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.search(ctx, d, false)
}

// cmdUIDSearch is UID SEARCH (RFC 9051 §6.4.9).
func cmdUIDSearch(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.search(ctx, d, true)
}

func (s *session) search(ctx context.Context, d *imap.Decoder, uid bool) (reply, error) {
	var q imap.Search
	if !d.SP() || !d.Search(&q) || !d.End() {
		return reply{}, d.Err()
	}
	saving := q.Return&imap.ReturnSave != 0
	if saving {
		s.saved = nil // whatever comes of this one (RFC 5182 §2.1)
	}
	if err := s.decodeKeys(&q); err != nil {
		return reply{}, err
	}
	found, err := s.find(ctx, &q.Key)
	if err != nil {
		return reply{}, err
	}
	if saving {
		s.save(found, q.Return)
	}
	s.tellFound(&q, found, uid)
	return reply{}, nil
}

// searchCharsets are the charsets of search strings, by the names mime has for them.
var searchCharsets = map[string]bool{
	"us-ascii": true, "utf-8": true, "iso-2022-jp": true, "shift_jis": true, "euc-jp": true,
}

// decodeKeys puts the strings of a search into UTF-8.
func (s *session) decodeKeys(q *imap.Search) error {
	const op = "imapd.SEARCH"
	if q.Charset == "" {
		return nil
	}
	if s.utf8 {
		return mail.E(op, mail.Invalid, "imap.charset_with_utf8") // RFC 6855 §3
	}
	if name := mime.CharsetName(q.Charset); !searchCharsets[name] {
		return mail.E(op, mail.Invalid, "imap.charset", q.Charset)
	}
	decodeKey(&q.Key, q.Charset)
	return nil
}

func decodeKey(k *imap.Key, charset string) {
	if k.Text != "" && k.Op != imap.KeyKeyword && k.Op != imap.KeyUnkeyword {
		k.Text, _, _ = mime.DecodeCharset(charset, []byte(k.Text))
	}
	for i := range k.Keys {
		decodeKey(&k.Keys[i], charset)
	}
}

// find gives the sequence numbers of the messages that a key fits, ascending.
func (s *session) find(ctx context.Context, k *imap.Key) ([]uint32, error) {
	c := compiler{s: s, now: time.Now()}
	if c.usesKeywords(k) {
		keywords, err := s.view.Keywords(ctx)
		if err != nil {
			return nil, err
		}
		c.keywords = keywords
	}
	cond, err := c.compile(k)
	if err != nil {
		return nil, err
	}
	if c.modseq {
		s.useCondstore()
	}
	return s.match(ctx, &cond, c.needles)
}

// save keeps the result for "$". With MIN or MAX and neither ALL nor COUNT, it is those messages alone (RFC 5182 §2.4).
func (s *session) save(found []uint32, r imap.SearchReturn) {
	only := r & (imap.ReturnMin | imap.ReturnMax)
	if only != 0 && r&(imap.ReturnAll|imap.ReturnCount) == 0 && len(found) > 0 {
		ends := []uint32{found[0], found[len(found)-1]}
		switch {
		case only == imap.ReturnMin || len(found) == 1:
			ends = ends[:1]
		case only == imap.ReturnMax:
			ends = ends[1:]
		}
		found = ends
	}
	s.saved = make([]mail.UID, 0, len(found))
	for _, seq := range found {
		s.saved = append(s.saved, s.view.UID(seq))
	}
}

// tellFound writes the result: ESEARCH where it was asked for or the client speaks rev2, else SEARCH.
func (s *session) tellFound(q *imap.Search, found []uint32, uid bool) {
	var modseq mail.ModSeq
	if usesModSeq(&q.Key) {
		modseq = s.highest(found)
	}
	if uid {
		for i, seq := range found {
			found[i] = uint32(s.view.UID(seq))
		}
	}
	if q.HasReturn || s.rev2 {
		s.tellESearch(q, found, uid, modseq)
		return
	}
	b := append(s.out.Begin(), "* SEARCH"...)
	for _, n := range found {
		b = imap.AppendUint(append(b, ' '), n)
	}
	if modseq > 0 {
		b = append(imap.AppendUint(append(b, " (MODSEQ "...), uint64(modseq)), ')')
	}
	s.out.End(append(b, '\r', '\n'))
}

// tellESearch writes an ESEARCH response (RFC 9051 §7.3.4, RFC 4731 §3).
func (s *session) tellESearch(q *imap.Search, found []uint32, uid bool, modseq mail.ModSeq) {
	want := q.Return
	if want == 0 {
		want = imap.ReturnAll
	}
	if want == imap.ReturnSave {
		return // RFC 5182 §2.1: nothing is said of a result that is only saved
	}
	b := append(s.out.Begin(), "* ESEARCH (TAG "...)
	b = append(imap.AppendString(b, s.tag, false), ')')
	if uid {
		b = append(b, " UID"...)
	}
	if n := len(found); n > 0 {
		if want&imap.ReturnMin != 0 {
			b = imap.AppendUint(append(b, " MIN "...), found[0])
		}
		if want&imap.ReturnMax != 0 {
			b = imap.AppendUint(append(b, " MAX "...), found[n-1])
		}
		if want&imap.ReturnAll != 0 {
			b = imap.AppendNumbers(append(b, " ALL "...), found)
		}
	}
	if want&imap.ReturnCount != 0 {
		b = imap.AppendUint(append(b, " COUNT "...), len(found))
	}
	if modseq > 0 {
		b = imap.AppendUint(append(b, " MODSEQ "...), uint64(modseq))
	}
	s.out.End(append(b, '\r', '\n'))
}

func usesModSeq(k *imap.Key) bool {
	if k.Op == imap.KeyModSeq {
		return true
	}
	for i := range k.Keys {
		if usesModSeq(&k.Keys[i]) {
			return true
		}
	}
	return false
}

// highest is the largest ModSeq of messages (RFC 7162 §3.1.5).
func (s *session) highest(seqs []uint32) (top mail.ModSeq) {
	for _, seq := range seqs {
		if m, ok := s.view.Mark(seq); ok {
			top = max(top, m.ModSeq)
		}
	}
	return top
}
