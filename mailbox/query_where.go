package mailbox

import (
	"cmp"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/mailbox/match"
	"tegami/wire/mime"
)

// showing is how much of a message a condition must see; each costs about ten times the one before.
type showing uint8

const (
	showRow      showing = iota // in the picture
	showEnvelope                // in the message's index
	showHeader                  // the octets of its header
	showText                    // all its text
)

// verdict is what is known of a message.
type verdict uint8

const (
	no verdict = iota
	unknown
	yes
)

// condition is a Where made ready. A leaf has a test, which may be called once the message shows what it needs.
type condition struct {
	op   WhereOp // zero: a leaf
	need showing
	test func(*candidate) bool
	of   []condition // the cheapest first
}

// candidate is the message at hand, with as much of it as was shown so far.
type candidate struct {
	row   *row
	shown showing
	text  *match.Text
}

// eval judges by what the candidate shows so far.
func (c *condition) eval(m *candidate) verdict {
	switch c.op {
	case WhereAnd:
		v := yes
		for i := range c.of {
			if v = min(v, c.of[i].eval(m)); v == no {
				break
			}
		}
		return v
	case WhereOr, WhereNot:
		v := no
		for i := range c.of {
			if v = max(v, c.of[i].eval(m)); v == yes {
				break
			}
		}
		if c.op == WhereNot {
			v = yes - v
		}
		return v
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
func (c *condition) deepest() showing {
	n := c.need
	for i := range c.of {
		n = max(n, c.of[i].deepest())
	}
	return n
}

// compiler makes the conditions of one query.
type compiler struct {
	reg     *Register
	needles []match.Needle // of Text and Body
	filters int
	// What of messages, beside what never changes, the result depends on.
	usesFlags, usesThreads bool
}

// opQuery names the operation in errors.
const opQuery mail.Op = "mailbox.Query"

func badFilter() error { return mail.E(opQuery, mail.Invalid, "query.filter") }

// maxNeedles is how many strings are looked for in the text of a message at once.
const maxNeedles = 64

// compile makes the condition of a filter. Invalid "query.filter" for one that is too large, too deep, or makes no sense.
func (c *compiler) compile(w *Where, depth int) (condition, error) {
	if c.filters++; c.filters > MaxWhere || depth > MaxWhereDepth || w.Op > WhereNot {
		return condition{}, badFilter()
	}
	if w.Op == 0 {
		return c.leaf(w)
	}
	out := condition{op: w.Op}
	for i := range w.Of {
		sub, err := c.compile(&w.Of[i], depth+1)
		if err != nil {
			return out, err
		}
		out.of = append(out.of, sub)
	}
	return out.sorted(), nil
}

// sorted puts what costs least first.
func (c condition) sorted() condition {
	slices.SortStableFunc(c.of, func(a, b condition) int { return cmp.Compare(a.deepest(), b.deepest()) })
	return c
}

// leaf makes the condition of a filter without an operator.
func (c *compiler) leaf(w *Where) (condition, error) {
	out := condition{op: WhereAnd}
	add := func(need showing, test func(*candidate) bool) {
		if test != nil {
			out.of = append(out.of, condition{need: need, test: test})
		}
	}
	for _, test := range c.byRow(w) {
		add(showRow, test)
	}
	for _, test := range c.byThread(w) {
		add(showRow, test)
	}
	for _, test := range c.byEnvelope(w) {
		add(showEnvelope, test)
	}
	header, err := c.byHeader(w.Header)
	if err != nil {
		return out, err
	}
	add(showHeader, header)
	for _, test := range c.byText(w) {
		add(showText, test)
	}
	if len(c.needles) > maxNeedles {
		return out, badFilter()
	}
	if len(out.of) == 1 {
		return out.of[0], nil
	}
	return out, nil
}

// byRow makes the tests that a row can answer.
func (c *compiler) byRow(w *Where) (tests []func(*candidate) bool) {
	add := func(on bool, test func(*candidate) bool) {
		if on {
			tests = append(tests, test)
		}
	}
	in := c.boxes(w)
	add(in != nil, func(m *candidate) bool { return in[m.row.box] })
	before, after := w.Before.Unix(), w.After.Unix()
	if w.Before.Nanosecond() > 0 {
		before++
	}
	if w.After.Nanosecond() > 0 {
		after++
	}
	add(!w.Before.IsZero(), func(m *candidate) bool { return m.row.received < before })
	add(!w.After.IsZero(), func(m *candidate) bool { return m.row.received >= after })
	add(w.MinSize > 0, func(m *candidate) bool { return int64(m.row.size) >= w.MinSize })
	add(w.MaxSize > 0, func(m *candidate) bool { return int64(m.row.size) < w.MaxSize })
	has, not := c.flag(w.HasKeyword), c.flag(w.NotKeyword)
	add(w.HasKeyword != "", func(m *candidate) bool { return has != 0 && m.row.flags.Has(has) })
	add(w.NotKeyword != "", func(m *candidate) bool { return not == 0 || !m.row.flags.Has(not) })
	return tests
}

// boxes gives the mailboxes that a filter lets through, by number; nil for all.
func (c *compiler) boxes(w *Where) []bool {
	if w.InMailbox == 0 && w.InMailboxOtherThan == nil {
		return nil
	}
	in := make([]bool, len(c.reg.pic.boxIDs))
	for i := range c.reg.pic.boxes {
		b := &c.reg.pic.boxes[i]
		in[b.number] = (w.InMailbox == 0 || b.ID == w.InMailbox) && !slices.Contains(w.InMailboxOtherThan, b.ID)
	}
	return in
}

// flag gives the flag of a keyword; 0 where no message has it.
func (c *compiler) flag(keyword string) mail.Flags {
	if keyword == "" {
		return 0
	}
	c.usesFlags = true
	flag, _ := c.reg.pic.flag(keyword)
	return flag
}

// byThread makes the tests on the keywords of a message's thread.
func (c *compiler) byThread(w *Where) (tests []func(*candidate) bool) {
	add := func(keyword string, test func(all, some bool) bool) {
		if keyword == "" {
			return
		}
		all, some := c.threadsWith(keyword)
		tests = append(tests, func(m *candidate) bool { return test(all[m.row.thread], some[m.row.thread]) })
	}
	add(w.AllInThread, func(all, _ bool) bool { return all })
	add(w.SomeInThread, func(_, some bool) bool { return some })
	add(w.NoneInThread, func(_, some bool) bool { return !some })
	return tests
}

// threadsWith tells of which threads all messages, and of which some, have a keyword; by number.
func (c *compiler) threadsWith(keyword string) (all, some []bool) {
	flag := c.flag(keyword)
	c.usesThreads = true
	n := len(c.reg.pic.threads)
	all, some = make([]bool, n), make([]bool, n)
	for i := range all {
		all[i] = true
	}
	for _, m := range c.reg.pic.rows.all() {
		if m.seenBy(c.reg.sees) {
			has := flag != 0 && m.flags.Has(flag)
			all[m.thread] = all[m.thread] && has
			some[m.thread] = some[m.thread] || has
		}
	}
	return all, some
}

// byEnvelope makes the tests that the index can answer.
func (c *compiler) byEnvelope(w *Where) (tests []func(*candidate) bool) {
	for _, f := range []struct {
		want  string
		field mime.EnvelopeField
	}{{w.From, mime.FieldFrom}, {w.To, mime.FieldTo}, {w.Cc, mime.FieldCc}, {w.Bcc, mime.FieldBcc}} {
		if f.want != "" {
			want := match.Want(f.want, false)
			tests = append(tests, func(m *candidate) bool { return m.text.InAddresses(f.field, &want) })
		}
	}
	if w.Subject != "" {
		want := match.Want(w.Subject, w.Words)
		tests = append(tests, func(m *candidate) bool { return m.text.InText(mime.FieldSubject, &want) })
	}
	if w.HasAttachment != nil {
		tests = append(tests, func(m *candidate) bool { return hasAttachment(m.text.Index()) == *w.HasAttachment })
	}
	return tests
}

// hasAttachment tells what mime.Message.HasAttachment does.
func hasAttachment(x mime.Index) bool {
	if row, ok := x.Row(); ok {
		return row.HasAttachment
	}
	m, err := mime.Decode(x)
	return err == nil && m.HasAttachment()
}

// byHeader makes the test on a header field.
func (c *compiler) byHeader(header []string) (func(*candidate) bool, error) {
	if header == nil {
		return nil, nil
	}
	if len(header) > 2 || len(header) == 0 || header[0] == "" {
		return nil, badFilter()
	}
	want := match.Want("", false)
	if len(header) == 2 {
		want = match.Want(header[1], false)
	}
	return func(m *candidate) bool { return m.text.InField(header[0], &want) }, nil
}

// byText makes the tests on all text.
func (c *compiler) byText(w *Where) (tests []func(*candidate) bool) {
	for _, t := range []struct {
		text    string
		headers bool
	}{{w.Text, true}, {w.Body, false}} {
		if t.text == "" {
			continue
		}
		want := match.Want(t.text, w.Words)
		phrase := c.needle(want.Phrase, t.headers)
		first, words := len(c.needles), len(want.Words)
		for _, word := range want.Words[:min(words, maxNeedles+1)] {
			c.needle(word, t.headers)
		}
		tests = append(tests, func(m *candidate) bool { return m.text.InBody(phrase, first, words) })
	}
	return tests
}

// needle adds a string to those that are looked for in the text.
func (c *compiler) needle(n match.Needle, headers bool) int {
	n.Headers = headers
	c.needles = append(c.needles, n)
	return len(c.needles) - 1
}

// sureStrings collects the strings that every message found must contain, for the full-text index: those that are joined at the top.
func (w *Where) sureStrings(dst []string) []string {
	if w.Op == WhereAnd {
		for i := range w.Of {
			dst = w.Of[i].sureStrings(dst)
		}
	}
	if w.Op != 0 {
		return dst
	}
	for _, text := range []string{w.Text, w.Body, w.Subject} {
		form := mime.Searchable(text)
		switch {
		case form == "":
		case w.Words:
			dst = append(dst, strings.Fields(form)...)
		default:
			dst = append(dst, form)
		}
	}
	for _, address := range []string{w.From, w.To, w.Cc, w.Bcc} {
		if form := mime.Searchable(address); form != "" && !strings.ContainsAny(form, "<>\"\\(),:;") { // the form of an address is ours, not the header's
			dst = append(dst, form)
		}
	}
	if len(w.Header) == 2 {
		if form := mime.Searchable(w.Header[1]); form != "" {
			dst = append(dst, form)
		}
	}
	return dst
}
