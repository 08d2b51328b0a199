package imapd

import (
	"context"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// storing is a STORE command (RFC 9051 §6.4.6, RFC 7162 §3.1.3).
type storing struct {
	set         imap.NumSet
	conditional bool
	unchanged   uint64
	op          mailbox.FlagOp
	silent      bool
	flags       imap.Flags
}

// cmdStore is STORE.
func cmdStore(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.store(ctx, d, false)
}

// cmdUIDStore is UID STORE.
func cmdUIDStore(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.store(ctx, d, true)
}

func (s *session) store(ctx context.Context, d *imap.Decoder, uid bool) (reply, error) {
	var c storing
	if !c.take(d) || !d.End() {
		return reply{}, d.Err()
	}
	seqs, err := s.sequences(c.set, uid)
	if err != nil {
		return reply{}, err
	}
	if err := s.writable(); err != nil {
		return reply{}, err
	}
	if c.conditional {
		s.useCondstore()
	}
	flags, err := s.flagsOf(ctx, c.flags)
	if err != nil {
		return reply{}, err
	}
	changed, modified, err := s.change(ctx, seqs, &c, flags)
	if err != nil {
		c.silent = false // what was changed before it failed is no more what the client takes a NO for
		s.tellStored(ctx, changed, &c, uid)
		return reply{}, err
	}
	s.tellStored(ctx, without(changed, modified), &c, uid)
	s.tellModified(ctx, modified, mail.ModSeq(c.unchanged))
	if len(modified) == 0 {
		return reply{}, nil
	}
	return reply{code: s.modifiedCode(modified, uid)}, nil
}

// change asks mailbox for the change. With UNCHANGEDSINCE 0 all messages fail, as each has a ModSeq above.
func (s *session) change(ctx context.Context, seqs []uint32, c *storing, flags mail.Flags) ([]mailbox.Mark, []uint32, error) {
	if !c.conditional || c.unchanged > 0 {
		return s.view.Store(ctx, seqs, c.op, flags, mail.ModSeq(c.unchanged))
	}
	all := make([]uint32, 0, len(seqs))
	for _, seq := range seqs {
		all = append(all, uint32(s.view.UID(seq)))
	}
	return nil, all, nil
}

// take reads the arguments of STORE.
func (c *storing) take(d *imap.Decoder) bool {
	if !takeSet(d, &c.set) || !d.SP() {
		return false
	}
	if d.IsNext('(') && (!d.List(func() bool { return c.modifier(d) }) || !d.SP()) {
		return false
	}
	var word string
	if !d.Keyword(&word) {
		return false
	}
	word, c.silent = strings.CutSuffix(word, ".SILENT")
	switch word {
	case "FLAGS":
		c.op = mailbox.Set
	case "+FLAGS":
		c.op = mailbox.Add
	case "-FLAGS":
		c.op = mailbox.Remove
	default:
		return d.Expected("store-att-flags")
	}
	return d.SP() && d.Flags(&c.flags)
}

func (c *storing) modifier(d *imap.Decoder) bool {
	var word string
	if !d.Keyword(&word) || word != "UNCHANGEDSINCE" {
		return d.Expected("UNCHANGEDSINCE")
	}
	c.conditional = true
	return d.SP() && d.Number64(&c.unchanged)
}

// without leaves the marks of messages that were not refused as modified.
func without(marks []mailbox.Mark, modified []uint32) []mailbox.Mark {
	if len(modified) == 0 {
		return marks
	}
	refused := make(map[mail.UID]bool, len(modified))
	for _, uid := range modified {
		refused[mail.UID(uid)] = true
	}
	return slices.DeleteFunc(marks, func(m mailbox.Mark) bool { return refused[m.UID] })
}

// tellStored writes the new flags of the messages. A silent STORE tells the ModSeqs alone, where
// the client knows them (RFC 7162 §3.1.3).
func (s *session) tellStored(ctx context.Context, marks []mailbox.Mark, c *storing, uid bool) {
	if !c.silent {
		defer s.view.Heard(marks)
	}
	for _, m := range marks {
		seq, ok := s.view.Seq(m.UID)
		switch {
		case !ok:
		case !c.silent:
			s.tellFlags(ctx, uint32(seq), m, uid || s.rev2 || s.condstore)
		case s.condstore:
			s.tellModSeqOf(uint32(seq), m)
		}
	}
}

// tellModified tells the client of messages that were refused although it was told of their change already: it asked with
// an older ModSeq. Of the others it hears behind the command, as of all that others do (RFC 7162 §3.1.3).
func (s *session) tellModified(ctx context.Context, modified []uint32, since mail.ModSeq) {
	for _, uid := range modified {
		seq, ok := s.view.Seq(mail.UID(uid))
		if m, known := s.view.Mark(uint32(seq)); ok && known && m.ModSeq > since {
			s.tellFlags(ctx, uint32(seq), m, true)
		}
	}
}

func (s *session) tellModSeqOf(seq uint32, m mailbox.Mark) {
	b := s.beginFetch(seq, m.UID)
	if !s.uidOnly {
		b = append(imap.AppendUint(append(b, "UID "...), uint32(m.UID)), ' ')
	}
	b = imap.AppendUint(append(b, "MODSEQ ("...), uint64(m.ModSeq))
	s.out.End(append(b, "))\r\n"...))
}

// modifiedCode names the messages that were changed meanwhile and so were left alone (RFC 7162 §3.1.3).
func (s *session) modifiedCode(uids []uint32, uid bool) string {
	numbers := slices.Clone(uids)
	if !uid {
		for i, u := range uids {
			seq, _ := s.view.Seq(mail.UID(u))
			numbers[i] = uint32(seq)
		}
	}
	slices.Sort(numbers)
	return string(imap.AppendNumbers([]byte("MODIFIED "), numbers))
}
