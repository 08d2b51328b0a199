package imapd

import (
	"context"
	"slices"

	"tegami/mail"
	"tegami/mailbox"
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
	q := asked{uid: uid, word: "SEARCH"}
	if !d.SP() || !d.Search(&q.Search) || !d.End() {
		return reply{}, d.Err()
	}
	return s.answerSearch(ctx, &q)
}

// asked is a searching command: SEARCH or SORT.
type asked struct {
	imap.Search
	uid  bool
	word string // of the answer where no ESEARCH was asked for
}

// results are what a searching command found.
type results struct {
	view   *mailbox.View
	seqs   []uint32 // in the order of the answer
	scores []uint8  // relevancy of each, where asked for
	modseq bool     // whether the answer tells the ModSeq (RFC 7162 §3.1.5)
}

// answerSearch runs a searching command in the selected mailbox and answers it.
func (s *session) answerSearch(ctx context.Context, a *asked) (reply, error) {
	if a.Return&imap.ReturnUpdate != 0 && s.updating(s.tag) {
		return reply{}, mail.E(opSearch, mail.Invalid, "imap.tag_in_use", s.tag)
	}
	r, q, err := s.runAsked(ctx, &a.Search)
	if err != nil {
		if a.Return&imap.ReturnSave != 0 {
			s.unsave(err)
		}
		return reply{}, err
	}
	if a.Return&imap.ReturnSave != 0 {
		s.save(r, &a.Search)
	}
	s.tellResults(a, r)
	if a.Return&imap.ReturnUpdate != 0 {
		s.keepUpdating(a, q, r)
	}
	return reply{}, nil
}

// runAsked runs a searching command in the selected mailbox.
func (s *session) runAsked(ctx context.Context, a *imap.Search) (*results, *query, error) {
	q, err := s.prepareAsked(ctx, s.view, a, s.saved)
	if err != nil {
		return nil, nil, err
	}
	if q.modseq {
		s.useCondstore()
	}
	r, err := q.results(ctx, a)
	return r, q, err
}

// unsave empties "$" after a command that should have saved its result and is answered by NO (RFC 5182 §2.1).
func (s *session) unsave(err error) {
	if r, _ := refusalOf(err); r.status == "NO" {
		s.saved = nil
	}
}

// prepareAsked is prepare for a command: its strings are decoded, and what it asks for must go together.
func (s *session) prepareAsked(ctx context.Context, view *mailbox.View, a *imap.Search, saved []mail.UID) (*query, error) {
	if err := s.decodeKeys(a); err != nil {
		return nil, err
	}
	s.numbered = s.numbered || usesNumbers(&a.Key)
	q, err := s.prepare(ctx, view, &a.Key, saved)
	if err == nil && !q.fuzzy && asksRelevancy(a) {
		err = mail.E(opSearch, mail.Invalid, "imap.relevancy") // RFC 6203 §4 and §5
	}
	return q, err
}

func asksRelevancy(a *imap.Search) bool {
	for _, k := range a.Sort {
		if k.By == imap.SortRelevancy {
			return true
		}
	}
	return a.Return&imap.ReturnRelevancy != 0
}

// results finds the messages and puts them in order.
func (q *query) results(ctx context.Context, a *imap.Search) (*results, error) {
	r := &results{view: q.view, modseq: q.modseq}
	err := inTime(ctx, func(ctx context.Context) (err error) {
		if r.seqs, err = q.find(ctx); err == nil && len(a.Sort) > 0 {
			r.seqs, err = q.sort(ctx, a.Sort, r.seqs)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.Return&imap.ReturnRelevancy != 0 {
		for _, seq := range r.seqs {
			r.scores = append(r.scores, q.score(seq))
		}
	}
	return r, nil
}

// searchCharsets are the charsets of search strings, by the names mime has for them.
var searchCharsets = map[string]bool{
	"us-ascii": true, "utf-8": true, "iso-2022-jp": true, "shift_jis": true, "euc-jp": true,
}

// decodeKeys puts the strings of a search into UTF-8. Once, so that an ESEARCH of many mailboxes does not do it again.
func (s *session) decodeKeys(a *imap.Search) error {
	if a.Charset == "" {
		return nil
	}
	if s.utf8 && len(a.Sort) == 0 && a.Algorithm == 0 {
		return mail.E(opSearch, mail.Invalid, "imap.charset_with_utf8") // RFC 6855 §3
	}
	if name := mime.CharsetName(a.Charset); !searchCharsets[name] {
		return mail.E(opSearch, mail.Invalid, "imap.charset", a.Charset)
	}
	decodeKey(&a.Key, a.Charset)
	a.Charset = ""
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

// save keeps a result for "$": all of it where ALL or COUNT is asked for too, or nothing else; else what is told of it, the ends or
// a part (RFC 5182 §2.4, RFC 9394 §3.2).
func (s *session) save(r *results, a *imap.Search) {
	only := a.Return & (imap.ReturnMin | imap.ReturnMax | imap.ReturnPartial)
	seqs := r.seqs
	if only != 0 && a.Return&(imap.ReturnAll|imap.ReturnCount) == 0 {
		seqs = r.told(a)
	}
	saved := make([]mail.UID, 0, len(seqs))
	for _, seq := range seqs {
		saved = append(saved, r.view.UID(seq))
	}
	slices.Sort(saved)
	s.saved = slices.Compact(saved)
}

// told gives the messages that the answer names one by one, where it names not all: the ends and the part asked for.
func (r *results) told(a *imap.Search) (seqs []uint32) {
	if len(r.seqs) == 0 {
		return nil
	}
	if a.Return&imap.ReturnMin != 0 {
		seqs = append(seqs, r.seqs[0])
	}
	if a.Return&imap.ReturnPartial != 0 {
		from, to := a.Partial.Of(len(r.seqs))
		seqs = append(seqs, r.seqs[from:to]...)
	}
	if a.Return&imap.ReturnMax != 0 {
		seqs = append(seqs, r.seqs[len(r.seqs)-1])
	}
	return seqs
}

// tellResults writes the answer: ESEARCH where it was asked for, or for a SEARCH of a client that speaks rev2.
func (s *session) tellResults(a *asked, r *results) {
	if a.HasReturn || s.rev2 && a.word == "SEARCH" {
		s.tellESearch(a, r, "")
		return
	}
	b := append(append(s.out.Begin(), "* "...), a.word...)
	var w numberWriter
	for seqs := range slices.Chunk(r.seqs, numbersAtOnce) {
		b = s.out.Room(b, maxNumberText*len(seqs))
		for _, n := range r.numbers(a.uid, seqs) {
			b = w.append(b, n)
		}
	}
	if r.modseq && len(r.seqs) > 0 {
		b = append(imap.AppendUint(append(b, " (MODSEQ "...), uint64(r.highest(r.seqs))), ')')
	}
	s.out.End(append(b, '\r', '\n'))
}

// tellESearch writes an ESEARCH response (RFC 9051 §7.3.4, RFC 4731 §3). correlator is what names the mailbox beside the tag, if
// anything.
func (s *session) tellESearch(a *asked, r *results, correlator string) {
	want := a.Return &^ (imap.ReturnUpdate | imap.ReturnContext)
	if a.Return == 0 {
		want = imap.ReturnAll
	}
	if want&^imap.ReturnSave == 0 {
		return // nothing is said of a result that is only saved (RFC 5182 §2.1), or only kept up to date
	}
	b := imap.AppendString(append(s.out.Begin(), "* ESEARCH (TAG "...), s.tag, false)
	b = append(append(b, correlator...), ')')
	if a.uid {
		b = append(b, " UID"...)
	}
	b = r.appendItems(b, a, want)
	if r.modseq && len(r.seqs) > 0 {
		seqs := r.seqs
		if want&(imap.ReturnAll|imap.ReturnCount) == 0 {
			seqs = r.told(&a.Search) // RFC 4731 §3.2
		}
		b = imap.AppendUint(append(b, " MODSEQ "...), uint64(r.highest(seqs)))
	}
	s.out.End(append(b, '\r', '\n'))
}

// appendItems writes what was asked for.
func (r *results) appendItems(b []byte, a *asked, want imap.SearchReturn) []byte {
	n := len(r.seqs)
	if n > 0 {
		if want&imap.ReturnMin != 0 {
			b = imap.AppendUint(append(b, " MIN "...), r.numbers(a.uid, r.seqs[:1])[0])
		}
		if want&imap.ReturnMax != 0 {
			b = imap.AppendUint(append(b, " MAX "...), r.numbers(a.uid, r.seqs[n-1:])[0])
		}
		if want&imap.ReturnAll != 0 {
			b = imap.AppendNumbers(append(b, " ALL "...), r.numbers(a.uid, r.seqs))
		}
	}
	if want&imap.ReturnCount != 0 {
		b = imap.AppendUint(append(b, " COUNT "...), n)
	}
	if want&imap.ReturnPartial != 0 {
		b = append(a.Partial.AppendTo(append(b, " PARTIAL ("...)), ' ')
		if from, to := a.Partial.Of(n); from < to {
			b = imap.AppendNumbers(b, r.numbers(a.uid, r.seqs[from:to]))
		} else {
			b = append(b, "NIL"...)
		}
		b = append(b, ')')
	}
	if want&imap.ReturnRelevancy != 0 && n > 0 {
		b = append(b, " RELEVANCY ("...)
		for i, score := range r.scores {
			if i > 0 {
				b = append(b, ' ')
			}
			b = imap.AppendUint(b, uint32(score))
		}
		b = append(b, ')')
	}
	return b
}

// numbers gives sequence numbers, or the UIDs that go with them.
func (r *results) numbers(uid bool, seqs []uint32) []uint32 {
	if !uid {
		return seqs
	}
	uids := make([]uint32, len(seqs))
	for i, seq := range seqs {
		uids[i] = uint32(r.view.UID(seq))
	}
	return uids
}

// highest is the largest ModSeq of messages (RFC 7162 §3.1.5).
func (r *results) highest(seqs []uint32) (top mail.ModSeq) {
	for _, seq := range seqs {
		if m, ok := r.view.Mark(seq); ok {
			top = max(top, m.ModSeq)
		}
	}
	return top
}

// numberWriter writes numbers with a space before each; those that follow each other by counting on.
type numberWriter struct {
	last uint32
	text [maxNumberText]byte // the space and the digits
	n    int                 // how much of it
}

const (
	// maxNumberText is more than a number takes with its space.
	maxNumberText = 16
	// numbersAtOnce is how many numbers are written between two looks at the room there is.
	numbersAtOnce = 1000
)

// append writes a number. There must be room for maxNumberText octets.
func (w *numberWriter) append(dst []byte, n uint32) []byte {
	if n != w.last+1 || w.n == 0 || !w.count() {
		w.text[0] = ' '
		w.n = len(imap.AppendUint(w.text[:1], n))
	}
	w.last = n
	at := len(dst)
	dst = dst[:at+maxNumberText]
	*(*[maxNumberText]byte)(dst[at:]) = w.text
	return dst[:at+w.n]
}

// count adds one to the text, unless it gets longer.
func (w *numberWriter) count() bool {
	for i := w.n - 1; i > 0; i-- {
		if w.text[i] != '9' {
			w.text[i]++
			return true
		}
		w.text[i] = '0'
	}
	return false
}
