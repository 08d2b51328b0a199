package imap

import (
	"slices"
	"strconv"

	"tegami/mail"
)

// A Section says which octets of a message are wanted (RFC 9051 §6.4.5 BODY[<section>]<<partial>>).
type Section struct {
	Kind    SectionKind
	Name    SectionName // how it was asked for, and is answered
	Peek    bool        // do not set \Seen
	Part    []int       // of the body part, from 1; empty: the message itself
	Fields  []string    // of HEADER.FIELDS and HEADER.FIELDS.NOT, as written
	Partial bool
	Offset  uint64
	Count   uint64
}

// SectionKind is which part of the part.
type SectionKind uint8

// Kinds of sections.
const (
	SectionAll SectionKind = iota
	SectionHeader
	SectionFields
	SectionFieldsNot
	SectionText
	SectionMIME
)

var sectionKinds = [...]string{"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"}

// SectionName is the item by which a section was asked for.
type SectionName uint8

// Names of section items. The RFC822 ones are of RFC 3501 §6.4.5 and have no brackets.
const (
	NameBody SectionName = iota
	NameBinary
	NameBinarySize
	NameRFC822
	NameRFC822Header
	NameRFC822Text
)

var sectionNames = [...]string{"BODY", "BINARY", "BINARY.SIZE", "RFC822", "RFC822.HEADER", "RFC822.TEXT"}

// section takes what stands behind BODY or BINARY: [spec] and perhaps <offset.count>.
func (d *Decoder) section(s *Section) bool {
	if !d.Special('[') || !d.sectionSpec(s) || !d.Special(']') {
		return false
	}
	if s.Name == NameBinarySize || !d.Accept('<') {
		return d.err == nil
	}
	s.Partial = true
	return d.Number64(&s.Offset) && d.Special('.') && d.Number64(&s.Count) &&
		(s.Count > 0 || d.Expected("nz-number")) && d.Special('>')
}

func (d *Decoder) sectionSpec(s *Section) bool {
	for !d.IsNext(']') {
		if c, ok := d.peek(); !ok || c < '0' || c > '9' {
			return d.sectionText(s)
		}
		var n uint32
		if !d.Number(&n) || n == 0 || n > 1<<30 || len(s.Part) == MaxPartDepth {
			return d.Expected("section-part")
		}
		s.Part = append(s.Part, int(n))
		if !d.Accept('.') {
			return true
		}
		if d.IsNext(']') {
			return d.Expected("section-text")
		}
	}
	return true
}

// sectionText takes HEADER, TEXT, MIME and their kin.
func (d *Decoder) sectionText(s *Section) bool {
	var word string
	if !d.Keyword(&word) {
		return false
	}
	i := slices.Index(sectionKinds[1:], word)
	s.Kind = SectionKind(i + 1)
	if i < 0 || s.Name != NameBody || s.Kind == SectionMIME && len(s.Part) == 0 {
		return d.Expected("section-text")
	}
	if s.Kind != SectionFields && s.Kind != SectionFieldsNot {
		return true
	}
	ok := d.SP() && d.List(func() bool {
		var f string
		if !d.AString(&f) {
			return false
		}
		s.Fields = append(s.Fields, f)
		return true
	})
	return ok && (len(s.Fields) > 0 || d.Expected("header-list"))
}

// AppendTo writes the section as an item of a response: without PEEK and with only the
// origin of a partial (RFC 9051 §7.5.2).
func (s *Section) AppendTo(dst []byte) []byte {
	dst = append(dst, sectionNames[s.Name]...)
	if s.Name >= NameRFC822 {
		return dst
	}
	dst = append(s.appendSpec(append(dst, '[')), ']')
	if s.Partial {
		dst = append(dst, '<')
		dst = strconv.AppendUint(dst, s.Offset, 10)
		dst = append(dst, '>')
	}
	return dst
}

// AppendRequest writes the section as an item of a FETCH command.
func (s *Section) AppendRequest(dst []byte) []byte {
	dst = append(dst, sectionNames[s.Name]...)
	if s.Name >= NameRFC822 {
		return dst
	}
	if s.Peek && s.Name != NameBinarySize {
		dst = append(dst, ".PEEK"...)
	}
	dst = append(s.appendSpec(append(dst, '[')), ']')
	if s.Partial {
		dst = append(dst, '<')
		dst = strconv.AppendUint(dst, s.Offset, 10)
		dst = append(dst, '.')
		dst = strconv.AppendUint(dst, s.Count, 10)
		dst = append(dst, '>')
	}
	return dst
}

func (s *Section) appendSpec(dst []byte) []byte {
	for i, n := range s.Part {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = strconv.AppendInt(dst, int64(n), 10)
	}
	if s.Kind == SectionAll {
		return dst
	}
	if len(s.Part) > 0 {
		dst = append(dst, '.')
	}
	dst = append(dst, sectionKinds[s.Kind]...)
	if len(s.Fields) == 0 {
		return dst
	}
	dst = append(dst, " ("...)
	for i, f := range s.Fields {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = AppendAString(dst, f, false)
	}
	return append(dst, ')')
}

// Cut gives which octets of size a partial leaves: it may begin behind the end.
func (s *Section) Cut(size int64) (from, n int64) {
	if !s.Partial {
		return 0, size
	}
	from = min(int64(s.Offset), size)
	return from, min(int64(s.Count), size-from)
}

// tooManySections refuses a FETCH with more than MaxSections sections.
func (d *Decoder) tooManySections(n int) bool {
	return n >= MaxSections && !d.fail(mail.E(opDecode, mail.Full, "imap.command_too_long"))
}
