package imapd

import (
	"context"
	"math/bits"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// flagTexts writes flags as "(\Seen Junk)". The few combinations that a mailbox has are kept as text.
type flagTexts struct {
	keywords []string // of the account the mailbox belongs to, as far as this session knows
	rights   mailbox.Rights
	texts    map[mail.Flags]string
	last     mail.Flags
	lastText string
}

// maxFlagTexts bounds the combinations that are kept.
const maxFlagTexts = 256

// knows tells whether all keywords among flags have a name here.
func (f *flagTexts) knows(flags mail.Flags) bool {
	return bits.Len64(uint64(flags>>mail.FirstKeyword)) <= len(f.keywords)
}

// text gives flags in parentheses.
func (f *flagTexts) text(flags mail.Flags) string {
	if flags == f.last && f.lastText != "" {
		return f.lastText
	}
	t, ok := f.texts[flags]
	if !ok {
		t = string(append(imap.AppendFlags([]byte{'('}, flags, f.keywords), ')'))
		if f.texts == nil || len(f.texts) >= maxFlagTexts {
			f.texts = map[mail.Flags]string{}
		}
		f.texts[flags] = t
	}
	f.last, f.lastText = flags, t
	return t
}

// learn takes the account's keywords.
func (f *flagTexts) learn(keywords []string) {
	*f = flagTexts{keywords: keywords}
}

// knowFlags learns the account's keywords anew where flags has one without a name, and tells the
// client of the mailbox's new FLAGS (RFC 9051 §7.3.5).
func (s *session) knowFlags(ctx context.Context, flags mail.Flags) error {
	if s.flags.knows(flags) {
		return nil
	}
	return s.learnFlags(ctx)
}

// learnFlags reads the keywords and writes FLAGS and PERMANENTFLAGS, which are those that the session may
// change (RFC 4314 §5.1.1). Every mailbox of an account has the same.
func (s *session) learnFlags(ctx context.Context) error {
	keywords, err := s.view.Keywords(ctx)
	if err != nil {
		return err
	}
	s.flags.learn(keywords)
	s.flags.rights = s.view.Rights()
	all := mail.Answered | mail.Flagged | mail.Deleted | mail.Seen | mail.Draft
	b := append(s.out.Begin(), "* FLAGS ("...)
	b = append(imap.AppendFlags(b, all|keywordBits(len(keywords)), keywords), ")\r\n* OK [PERMANENTFLAGS ("...)
	if !s.readOnly {
		b = imap.AppendFlags(b, (all|keywordBits(len(keywords)))&s.flags.rights.Flags(), keywords)
		if s.flags.rights.Has(mailbox.RightWrite) {
			b = append(b, ` \*`...)
		}
	}
	s.out.End(append(b, ")] these can be set\r\n"...))
	return nil
}

// keywordBits are the flags of the first n keywords.
func keywordBits(n int) mail.Flags {
	n = min(n, mail.MaxKeywords)
	return (mail.Flags(1)<<n - 1) << mail.FirstKeyword
}

// flagsOf turns flags a client named into bits, making keywords known.
func (s *session) flagsOf(ctx context.Context, f imap.Flags) (mail.Flags, error) {
	if len(f.Keywords) == 0 {
		return f.System, nil
	}
	bits, err := s.view.FlagsOf(ctx, f.Keywords)
	return bits | f.System, err
}
