package deliver

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tegami/directory"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/mime"
)

// listHeader is what stands before a post's copies. The post itself stays as it is, so that its signatures hold,
// unless the list numbers its posts or shows its name in the subject (LI-4).
type listHeader struct {
	list   *directory.List
	fields []byte // the same for all: List-Id and so on (RFC 2919, RFC 2369)
	posted []byte // the post's own header
}

// header makes the header of the copies of a post.
func (e *expansionJob) header(ctx context.Context, m *message) (*listHeader, error) {
	l := &e.list
	b := field(nil, "X-Loop", l.Address.String())
	b = field(b, "List-Id", listName(l), "<", listID(l), ">")
	b = field(b, "List-Post", "<mailto:", l.Address.String(), ">")
	b = field(b, "List-Owner", "<mailto:", l.OwnerAddress().String(), ">")
	b = field(b, "Precedence", "list")
	h := &listHeader{list: l, fields: b, posted: m.header}
	if !l.Rewrites() {
		return h, nil
	}
	number := 0
	if l.Number {
		var err error
		if number, err = e.cfg.Directory.NextPost(ctx, l); err != nil {
			return nil, err
		}
	}
	h.posted = rewriteSubject(h.posted, tagOf(l), number)
	if e.mustNotForge(ctx) {
		h.posted = rewriteFrom(h.posted, l)
	}
	return h, nil
}

// listID is the identifier of a list (RFC 2919 §2): it does not change with its name.
func listID(l *directory.List) string { return l.Address.Local + "." + l.Address.Domain }

// listName is the list's name as the phrase before its identifier, with a space behind; "" without one.
func listName(l *directory.List) string {
	if l.Name == "" {
		return ""
	}
	name := mime.EncodeHeader(l.Name, mime.UTF8)
	if !strings.Contains(name, "=?") {
		name = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return name + "\r\n "
}

// forHere is what stands first in members' boxes here.
func (h *listHeader) forHere() []byte {
	b := field(nil, "Return-Path", "<", h.list.BouncesAddress().String(), ">")
	b = append(b, h.fields...)
	return field(b, "List-Unsubscribe", "<mailto:", h.list.UnsubscribeAddress().String(), ">")
}

// forOutside is what stands first in copies that leave: sealed, since a list's domain is not the poster's (RFC 8617).
// Each member's own fields come before it.
func (e *expansionJob) forOutside(ctx context.Context, m *message, h *listHeader) []byte {
	return e.sealer(ctx, e.job.Tenant, e.list.Address.Domain, m).before(h.fields, h.posted)
}

// leaving are the fields with which a member leaves the list: by mail, and by one click (RFC 2369 §3.2, RFC 8058).
func (e *expansionJob) leaving(t *directory.Tokens, at place) []byte {
	addr, token := t.Unsubscribe(at.list, &at.member)
	if e.cfg.UnsubscribeURL == "" {
		return field(nil, "List-Unsubscribe", "<mailto:", addr.String(), ">")
	}
	b := field(nil, "List-Unsubscribe", "<mailto:", addr.String(), ">,\r\n <", e.cfg.UnsubscribeURL, token, ">")
	return field(b, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
}

// mustNotForge tells whether a post whose signature breaks would be refused under its author's name: his domain is none of
// the tenant's, which we sign for, and asks to reject or set apart what is not authenticated (LI-7).
func (e *expansionJob) mustNotForge(ctx context.Context) bool {
	from, _ := author(&e.it.Doc)
	if e.it.Sign == from.Domain || e.cfg.Lookup == nil || from.Domain == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, sealTimeout)
	defer cancel()
	d := dmarc.Discover(ctx, e.cfg.Lookup, from.Domain)
	return d.Status == dmarc.Pass && d.Record.Policy != dmarc.PolicyNone || d.Status == dmarc.TempError
}

// subjectTag is what goes before subjects: "[team]", or with a number "[team 12]".
type subjectTag struct{ head, tail string }

func tagOf(l *directory.List) subjectTag {
	prefix := strings.TrimSpace(l.Prefix) // a space at its beginning would match that of a folded line
	if prefix == "" {
		prefix = "[" + l.Address.Local + "]"
	}
	if head, ok := strings.CutSuffix(prefix, "]"); ok {
		return subjectTag{head, "]"}
	}
	return subjectTag{prefix, ""}
}

func (t subjectTag) text(number int) string {
	if number == 0 {
		return t.head + t.tail
	}
	return fmt.Sprintf("%s %d%s", t.head, number, t.tail)
}

// older matches the tag of an earlier post in a reply's subject.
func (t subjectTag) older() (*regexp.Regexp, error) {
	number := `(?: [0-9]+)?`
	if t.head == "" { // its space would be that of a folded line
		number = ""
	}
	return regexp.Compile(regexp.QuoteMeta(t.head) + number + regexp.QuoteMeta(t.tail) + ` *`)
}

// rewriteSubject puts the list's tag before the subject, once: the tag of the post that is answered goes. What was written
// in encoded words stays as it was, in its charset.
func rewriteSubject(header []byte, t subjectTag, number int) []byte {
	for f := range mime.Header(header).Fields() {
		if strings.EqualFold(string(f.Name), "Subject") {
			line := field(nil, "Subject", taggedSubject(string(f.Value), t, number))
			return slices.Concat(header[:f.Start], line, header[f.End:])
		}
	}
	return append(field(nil, "Subject", mime.EncodeHeader(t.text(number), mime.UTF8)), header...)
}

func taggedSubject(raw string, t subjectTag, number int) string {
	old := strings.Trim(raw, " \t\r\n")
	if re, err := t.older(); err == nil {
		old = re.ReplaceAllString(old, "")
	}
	charset := mime.UTF8
	if strings.Contains(strings.ToLower(old), "=?iso-2022-jp?") {
		charset = mime.ISO2022JP
	}
	tag := mime.EncodeHeader(t.text(number), charset)
	if tag != t.text(number) && strings.HasPrefix(old, "=?") { // the space between two encoded words is not shown (RFC 2047 §6.2)
		tag = mime.EncodeHeader(t.text(number)+" ", charset)
	}
	const short = 50 // of both together, in octets, for one line
	if len(tag)+len(old) > short {
		return tag + "\r\n " + old
	}
	return tag + " " + old
}

// rewriteFrom says that the list sends for the author, and lets answers go to the author.
func rewriteFrom(header []byte, l *directory.List) []byte {
	h := mime.Header(header)
	var out []byte
	at := 0
	for f := range h.Fields() {
		if !strings.EqualFold(string(f.Name), "From") {
			continue
		}
		raw := mime.Unfold(f.Value)
		out = append(out, header[at:f.Start]...)
		out = field(out, "From", listAuthor(raw, l).Format(mime.UTF8))
		if _, have := h.Lookup("Reply-To"); !have {
			out = field(out, "Reply-To", strings.Trim(string(f.Value), " \t\r\n"))
		}
		out = field(out, "X-Original-From", strings.Trim(string(f.Value), " \t\r\n"))
		at = f.End
		break
	}
	return append(out, header[at:]...)
}

// listAuthor is the list's address under the author's name.
func listAuthor(raw string, l *directory.List) mime.Address {
	name := ""
	if all := mime.ParseAddressList(raw); len(all) > 0 {
		name = all[0].Name()
		if a, err := all[0].Mail(); err == nil && name == "" {
			name = a.Local
		}
	}
	title := l.Name
	if title == "" {
		title = l.Address.Local
	}
	return mime.Address{Display: strings.TrimSpace(name + " via " + title), Local: l.Address.Local, Domain: l.Address.Domain}
}
