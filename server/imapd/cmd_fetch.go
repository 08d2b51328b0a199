package imapd

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
	"tegami/wire/mime"
)

// cmdFetch is FETCH (RFC 9051 §6.4.5).
func cmdFetch(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.fetch(ctx, d, false)
}

// cmdUIDFetch is UID FETCH (RFC 9051 §6.4.9).
func cmdUIDFetch(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.fetch(ctx, d, true)
}

func (s *session) fetch(ctx context.Context, d *imap.Decoder, uid bool) (reply, error) {
	var set imap.NumSet
	w := fetching{s: s}
	if !takeSet(d, &set) || !d.SP() || !d.Fetch(&w.Fetch) || !d.End() {
		return reply{}, d.Err()
	}
	if w.HasPartial && !uid { // RFC 9394 §3.2
		return reply{}, uidRequired()
	}
	seqs, err := s.sequences(set, uid)
	if err != nil {
		return reply{}, err
	}
	if err := s.mayFetch(&w.Fetch, uid); err != nil {
		return reply{}, err
	}
	if w.Vanished {
		if err := s.tellEarlier(ctx, mail.ModSeq(w.ChangedSince), s.uidRanges(set)); err != nil {
			return reply{}, err
		}
	}
	if uid && !s.uidOnly {
		w.Items |= imap.FetchUID
	}
	if w.HasChanged {
		w.Items |= imap.FetchModSeq
		seqs = s.changedSince(seqs, mail.ModSeq(w.ChangedSince))
	}
	if w.HasPartial { // of what would be answered
		from, to := w.Partial.Of(len(seqs))
		seqs = seqs[from:to]
	}
	if w.Items&imap.FetchModSeq != 0 {
		s.useCondstore()
	}
	return reply{}, w.run(ctx, seqs)
}

// run answers for messages.
func (w *fetching) run(ctx context.Context, seqs []uint32) error {
	w.plan()
	if w.Items&^markItems == 0 && len(w.Sections) == 0 {
		return w.marks(ctx, seqs)
	}
	return w.messages(ctx, seqs)
}

// mayFetch tells whether the client may use the modifier VANISHED: with UID FETCH, once it enabled QRESYNC (RFC 7162 §3.2.6).
func (s *session) mayFetch(f *imap.Fetch, uid bool) error {
	switch {
	case !f.Vanished || uid && s.qresync:
		return nil
	case !uid:
		return uidRequired()
	}
	return mail.E("imapd.FETCH", mail.Invalid, "imap.qresync_first")
}

// changedSince leaves the messages that changed after a ModSeq (RFC 7162 §3.1.4).
func (s *session) changedSince(seqs []uint32, since mail.ModSeq) []uint32 {
	left := seqs[:0]
	for _, seq := range seqs {
		if m, ok := s.view.Mark(seq); ok && m.ModSeq > since {
			left = append(left, seq)
		}
	}
	return left
}

const (
	// markItems are what the view knows without asking the store.
	markItems = imap.FetchFlags | imap.FetchUID | imap.FetchModSeq
	// indexItems are copied from the message's index.
	indexItems = imap.FetchEnvelope | imap.FetchBody | imap.FetchBodyStructure
)

// fetching is a FETCH at work.
type fetching struct {
	imap.Fetch
	s      *session
	with   mailbox.With // of the messages
	seeing bool         // sections set \Seen
	names  [][]byte     // of the sections, as they are answered

	// Of the message at hand.
	octets    mailbox.Body
	structure *mime.Message
	header    []byte // scratch
	fields    []byte // scratch
	failed    error  // the first message that could not be read
}

// plan finds what the items need.
func (w *fetching) plan() {
	if w.Items&indexItems != 0 {
		w.with |= mailbox.WithIndex
	}
	if w.Items&imap.FetchPreview != 0 {
		w.with |= mailbox.WithIndex
	}
	for i := range w.Sections {
		sec := &w.Sections[i]
		w.with |= mailbox.WithOctets
		w.seeing = w.seeing || !sec.Peek
		if len(sec.Part) > 0 || sec.Kind != imap.SectionAll || sec.Name == imap.NameBinary {
			w.with |= mailbox.WithIndex
		}
		w.names = append(w.names, append(sec.AppendTo([]byte(" ")), ' '))
	}
}

// marks answers from what the view knows.
func (w *fetching) marks(ctx context.Context, seqs []uint32) error {
	for _, seq := range seqs {
		m, ok := w.s.view.Mark(seq)
		if !ok {
			continue
		}
		if err := w.s.knowFlags(ctx, m.Flags); err != nil {
			return err
		}
		b := w.s.beginFetch(seq, m.UID)
		start := len(b)
		w.s.out.End(append(w.markText(b, start, &m, false), ")\r\n"...))
		if w.s.out.Err() != nil {
			return nil // the connection is gone; the session ends after this command
		}
	}
	return nil
}

// markText writes the items that the view knows; flags are said if asked for or new.
func (w *fetching) markText(b []byte, start int, m *mailbox.Mark, newFlags bool) []byte {
	if w.Items&imap.FetchUID != 0 || newFlags && w.s.condstore && !w.s.uidOnly { // RFC 7162 §3.2.4
		b = imap.AppendUint(append(b, "UID "...), uint32(m.UID))
	}
	if newFlags || w.Items&imap.FetchFlags != 0 {
		b = append(append(space(b, start), "FLAGS "...), w.s.flags.text(m.Flags)...)
	}
	if newFlags && w.s.condstore || w.Items&imap.FetchModSeq != 0 {
		b = append(imap.AppendUint(append(space(b, start), "MODSEQ ("...), uint64(m.ModSeq)), ')')
	}
	return b
}

// space separates items.
func space(b []byte, start int) []byte {
	if len(b) > start {
		return append(b, ' ')
	}
	return b
}

// messages answers with what the store has to tell. What is read is marked as seen before, and its new flags are answered.
func (w *fetching) messages(ctx context.Context, seqs []uint32) error {
	var err error
	if w.Items&imap.FetchThreadID != 0 {
		if err = w.s.view.GiveThreads(ctx, seqs); err != nil {
			return err
		}
	}
	if w.seeing && !w.s.readOnly {
		err = w.s.view.FetchSeen(ctx, seqs, w.with,
			func(seq uint32, m *mailbox.Message, marked bool) error { return w.answer(ctx, seq, m, marked) },
			func(err error) { w.s.log.Error("marking as seen failed", "error", err) })
	} else {
		err = w.s.view.Fetch(ctx, seqs, w.with,
			func(seq uint32, m *mailbox.Message) error { return w.answer(ctx, seq, m, false) })
	}
	if w.s.ended || w.s.out.Err() != nil {
		return nil
	}
	if err == nil {
		err = w.failed
	}
	return err
}

// answer writes the response for one message, unless the connection is gone.
func (w *fetching) answer(ctx context.Context, seq uint32, m *mailbox.Message, newFlags bool) error {
	if err := w.message(ctx, seq, m, newFlags); err != nil {
		return err
	}
	return w.s.out.Err()
}

// message writes the response for one message. One that can't be read is left out; the
// command fails in the end. An error in the midst of a response ends the session.
func (w *fetching) message(ctx context.Context, seq uint32, m *mailbox.Message, newFlags bool) error {
	mark, ok := w.s.view.Mark(seq)
	if !ok {
		return nil
	}
	if err := w.s.knowFlags(ctx, mark.Flags); err != nil {
		return err
	}
	w.structure, w.header = nil, w.header[:0]
	if w.needsOctets(m) {
		body, err := w.s.account.OpenBody(ctx, m)
		if err != nil {
			w.fail(m, err)
			if newFlags {
				w.s.tellFlags(ctx, seq, mark, true)
			}
			return nil
		}
		w.octets = body
		defer body.Close()
	}
	b := w.s.beginFetch(seq, mark.UID)
	start := len(b)
	b = w.markText(b, start, &mark, newFlags)
	b = w.itemText(b, start, m)
	w.s.out.End(b)
	for i := range w.Sections {
		if err := w.section(m, i, i == 0 && len(b) == start); err != nil {
			w.fail(m, err)
			w.s.ended = true
			return err
		}
	}
	w.s.out.WriteString(")\r\n")
	return nil
}

// needsOctets tells whether the message's octets have to be opened: a section is asked for, or a preview that its index does not have.
func (w *fetching) needsOctets(m *mailbox.Message) bool {
	if w.with&mailbox.WithOctets != 0 || w.Items&imap.FetchPreview == 0 {
		return w.with&mailbox.WithOctets != 0
	}
	_, kept := mime.Index(m.Index).Row()
	return !kept
}

func (w *fetching) fail(m *mailbox.Message, err error) {
	w.s.log.Error("message cannot be read", "email", m.ID, "uid", m.UID, "error", err)
	if w.failed == nil {
		w.failed = err
	}
}

// itemText writes the items that the message's row has.
func (w *fetching) itemText(b []byte, start int, m *mailbox.Message) []byte {
	if w.Items&imap.FetchInternalDate != 0 {
		b = imap.AppendDateTime(append(space(b, start), "INTERNALDATE "...), m.Received.UTC())
	}
	if w.Items&imap.FetchSize != 0 {
		b = imap.AppendUint(append(space(b, start), "RFC822.SIZE "...), uint64(m.Blob.Size))
	}
	if w.Items&indexItems != 0 {
		b = w.indexText(b, start, mime.Index(m.Index))
	}
	if w.Items&imap.FetchEmailID != 0 {
		b = appendID(append(space(b, start), "EMAILID "...), m.ID.String())
	}
	if w.Items&imap.FetchThreadID != 0 {
		b = appendID(append(space(b, start), "THREADID "...), m.Thread.String())
	}
	if w.Items&imap.FetchSaveDate != 0 {
		b = appendSaved(append(space(b, start), "SAVEDATE "...), m.Saved)
	}
	if w.Items&imap.FetchPreview != 0 {
		b = w.previewText(append(space(b, start), "PREVIEW "...), m)
	}
	return b
}

// previewText writes the beginning of the message's text (RFC 8970). NIL says that there is none now: the octets could not be read.
func (w *fetching) previewText(b []byte, m *mailbox.Message) []byte {
	if row, kept := mime.Index(m.Index).Row(); kept {
		return imap.AppendString(b, row.Preview, w.s.wide())
	}
	text, err := mime.Preview(w.parsed(m), w.octets)
	if err != nil {
		w.fail(m, err)
		return append(b, "NIL"...)
	}
	return imap.AppendString(b, text, w.s.wide())
}

// indexText copies what the index has.
func (w *fetching) indexText(b []byte, start int, x mime.Index) []byte {
	if w.Items&imap.FetchEnvelope != 0 {
		b = x.AppendEnvelope(append(space(b, start), "ENVELOPE "...))
	}
	if w.Items&imap.FetchBody != 0 {
		b = x.AppendBody(append(space(b, start), "BODY "...))
	}
	if w.Items&imap.FetchBodyStructure != 0 {
		b = x.AppendBodyStructure(append(space(b, start), "BODYSTRUCTURE "...))
	}
	return b
}

// appendID writes an object id (RFC 8474 §5), NIL where there is none.
func appendID(b []byte, id string) []byte {
	if id == "" {
		return append(b, "NIL"...)
	}
	return append(append(append(b, '('), id...), ')')
}

// appendSaved writes when a message came into its mailbox (RFC 8514 §4.2).
func appendSaved(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "NIL"...)
	}
	return imap.AppendDateTime(b, t.UTC())
}
