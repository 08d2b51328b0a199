package imap

import (
	"strings"

	"tegami/mail"
)

// Flags are the flags a client named: system flags as bits, keywords by name.
type Flags struct {
	System   mail.Flags
	Keywords []string
}

// systemFlags are the flags of RFC 9051 §2.3.2 in the order they are written.
var systemFlags = [...]struct {
	name string
	flag mail.Flags
}{
	{`\Answered`, mail.Answered},
	{`\Flagged`, mail.Flagged},
	{`\Deleted`, mail.Deleted},
	{`\Seen`, mail.Seen},
	{`\Draft`, mail.Draft},
}

// FlagList takes a parenthesized list of flags (RFC 9051 §9 flag-list).
func (d *Decoder) FlagList(dst *Flags) bool {
	return d.List(func() bool { return d.flag(dst) })
}

// Flags takes flags with or without parentheses, as STORE allows (RFC 9051 §9 store-att-flags).
func (d *Decoder) Flags(dst *Flags) bool {
	if d.IsNext('(') {
		return d.FlagList(dst)
	}
	for {
		if !d.flag(dst) {
			return false
		}
		if !d.Accept(' ') {
			return d.err == nil
		}
	}
}

// flag takes one flag. \Recent cannot be set and is ignored, as old clients copy it along.
func (d *Decoder) flag(dst *Flags) bool {
	var name string
	if !d.Accept('\\') {
		if !d.Atom(&name) {
			return false
		}
		if len(dst.Keywords) == MaxKeywords {
			return d.fail(mail.E(opDecode, mail.Full, "keywords.too_many", MaxKeywords))
		}
		dst.Keywords = append(dst.Keywords, name)
		return true
	}
	if !d.Atom(&name) {
		return false
	}
	for _, f := range systemFlags {
		if strings.EqualFold(name, f.name[1:]) {
			dst.System |= f.flag
			return true
		}
	}
	return strings.EqualFold(name, "Recent") || d.Expected("flag")
}

// AppendFlags writes flags without parentheses; keywords are the account's, the n-th for mail.Keyword(n).
func AppendFlags(dst []byte, flags mail.Flags, keywords []string) []byte {
	start := len(dst)
	for _, f := range systemFlags {
		if flags.Has(f.flag) {
			dst = append(sep(dst, start), f.name...)
		}
	}
	if flags>>mail.FirstKeyword == 0 {
		return dst
	}
	for n, name := range keywords {
		if flags.Has(mail.Keyword(n)) {
			dst = append(sep(dst, start), name...)
		}
	}
	return dst
}

// sep adds a space unless dst still ends at start.
func sep(dst []byte, start int) []byte {
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	return dst
}
