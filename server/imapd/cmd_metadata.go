package imapd

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"tegami/mailbox"
	"tegami/wire/imap"
)

// metadataQuery is what a GETMETADATA, or a LIST that returns METADATA, asks for.
type metadataQuery struct {
	query   mailbox.AnnotationQuery
	limited bool
	max     uint64 // size in octets of the largest value to be sent, if limited
	longest int    // size of the largest value that was left out
}

// maxMetadataEntries is how many entries one command asks for or sets.
const maxMetadataEntries = 200

// cmdGetMetadata is GETMETADATA (RFC 5464 §4.2). Options stand before the mailbox, as its grammar says, or behind it, as its
// examples do.
func cmdGetMetadata(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var q metadataQuery
	var path string
	if !d.SP() || d.IsNext('(') && (!q.takeList(d) || !d.SP()) || !d.Mailbox(&path) || !d.SP() || !q.takeEntries(d) || !d.End() {
		return reply{}, d.Err()
	}
	found, err := s.account.Metadata(ctx, path, q.query)
	if err != nil {
		return reply{}, err
	}
	s.metadata(path, found, &q)
	return reply{code: q.longEntries()}, nil
}

// takeEntries takes the entries that are asked for: one, or a list, or a list of options and then one of these.
func (q *metadataQuery) takeEntries(d *imap.Decoder) bool {
	if !d.IsNext('(') {
		return q.takeItem(d) && (len(q.query.Entries) > 0 || d.Expected("entry"))
	}
	if !q.takeList(d) {
		return false
	}
	if len(q.query.Entries) > 0 {
		return true
	}
	if !d.SP() {
		return false
	}
	if d.IsNext('(') {
		return q.takeList(d) && (len(q.query.Entries) > 0 || d.Expected("entry"))
	}
	return q.takeItem(d) && (len(q.query.Entries) > 0 || d.Expected("entry"))
}

func (q *metadataQuery) takeList(d *imap.Decoder) bool {
	return d.List(func() bool { return q.takeItem(d) })
}

// takeItem takes an entry or an option.
func (q *metadataQuery) takeItem(d *imap.Decoder) bool {
	var word string
	if !d.AString(&word) {
		return false
	}
	switch {
	case strings.HasPrefix(word, "/"):
		q.query.Entries = append(q.query.Entries, word)
		return len(q.query.Entries) <= maxMetadataEntries || d.Expected(")")
	case strings.EqualFold(word, "MAXSIZE"):
		q.limited = true
		return d.SP() && d.Number64(&q.max)
	case strings.EqualFold(word, "DEPTH"):
		return d.SP() && q.takeDepth(d)
	}
	return d.Expected("entry")
}

func (q *metadataQuery) takeDepth(d *imap.Decoder) bool {
	var word string
	if !d.Keyword(&word) {
		return false
	}
	depth, ok := map[string]int{"0": 0, "1": 1, "INFINITY": mailbox.Deep}[word]
	q.query.Depth = depth
	return ok || d.Expected("depth")
}

// longEntries is the response code that tells what was too long to be sent (RFC 5464 §4.2.1).
func (q *metadataQuery) longEntries() string {
	if q.longest == 0 {
		return ""
	}
	return "METADATA LONGENTRIES " + strconv.Itoa(q.longest)
}

// metadata writes one METADATA response, if there is something to say.
func (s *session) metadata(path string, found []mailbox.Annotation, q *metadataQuery) {
	if found = q.short(found); len(found) == 0 {
		return
	}
	b := append(imap.AppendMailbox(append(s.out.Begin(), "* METADATA "...), path, s.wide()), " ("...)
	for i, a := range found {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(imap.AppendAString(b, a.Entry, false), ' ')
		b = imap.AppendNValue(b, a.Value, s.wide())
	}
	s.out.End(append(b, ")\r\n"...))
}

// short leaves the entries whose values are not too long to be sent (RFC 5464 §4.2.1).
func (q *metadataQuery) short(found []mailbox.Annotation) []mailbox.Annotation {
	if !q.limited {
		return found
	}
	return slices.DeleteFunc(found, func(a mailbox.Annotation) bool {
		long := uint64(len(a.Value)) > q.max
		if long {
			q.longest = max(q.longest, len(a.Value))
		}
		return long
	})
}

// cmdSetMetadata is SETMETADATA (RFC 5464 §4.3).
func cmdSetMetadata(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path string
	var changes []mailbox.Annotation
	if !d.SP() || !d.Mailbox(&path) || !d.SP() || !d.List(func() bool { return takeAnnotation(d, &changes) }) || !d.End() {
		return reply{}, d.Err()
	}
	s.caused(path)
	return reply{}, s.account.SetMetadata(ctx, path, changes)
}

// takeAnnotation takes an entry and its value, NIL for none.
func takeAnnotation(d *imap.Decoder, dst *[]mailbox.Annotation) bool {
	var a mailbox.Annotation
	var value string
	var absent bool
	if !d.AString(&a.Entry) || !d.SP() || !d.NString(&value, &absent) {
		return false
	}
	if len(*dst) == maxMetadataEntries {
		return d.Expected(")")
	}
	if !absent {
		a.Value = []byte(value)
	}
	*dst = append(*dst, a)
	return true
}
