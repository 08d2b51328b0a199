package sieve

import (
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"tegami/wire/mime"
)

// bodyTags say what of the body is looked at (RFC 5173 §5).
var bodyTags = []tagSpec{
	{name: "raw", group: "transform"},
	{name: "content", group: "transform", value: listArg},
	{name: "text", group: "transform"},
}

// checkBody checks the test body. It sets no match variables (RFC 5173 §6).
func checkBody(k *compiler, c *call) {
	checkMatch(k, c)
	if c.match != nil {
		c.match.mute = true
	}
}

func testBody(r *run, c *call) (bool, error) {
	var values []string
	var err error
	switch {
	case !r.message.hasBody():
		return false, nil
	case c.has("raw"):
		values, err = r.rawBody()
	case c.has("content"):
		values, err = r.contents(c, r.strings(c.tag("content")))
	default:
		values, err = r.contents(c, []string{"text"})
	}
	if err != nil {
		return false, err
	}
	return r.compare(c, values)
}

// hasBody tells whether an empty line ends the header (RFC 5173 §3).
func (m *message) hasBody() bool {
	h, err := m.head(m.root)
	return err != nil || h.tail > 0 || m.root.BodyStart < m.size
}

// rawBody is the body as it is, as far as the limit goes (RFC 5173 §5.3).
func (r *run) rawBody() ([]string, error) {
	start := r.message.root.BodyStart
	n := min(r.message.size-start, int64(r.limits.Body))
	b, err := r.message.read(start, start+n)
	r.cost(len(b))
	return []string{string(b)}, err
}

// contents are the decoded bodies of the parts of given types (RFC 5173 §5.2).
func (r *run) contents(c *call, types []string) ([]string, error) {
	var values []string
	var err error
	left := r.limits.Body
	r.message.root.Walk(func(p *mime.Part) bool {
		if !wanted(p, types) {
			return true
		}
		var s string
		if s, err = r.bodyText(p, !c.has("content")); err != nil {
			return false
		}
		s = truncate(s, left)
		left -= len(s)
		values = append(values, s)
		return left > 0
	})
	return values, err
}

// wanted tells whether a part is of one of the types: "" is all, "text" a main type, "text/html" one type.
func wanted(p *mime.Part, types []string) bool {
	return slices.ContainsFunc(types, func(t string) bool {
		main, sub, whole := strings.Cut(strings.ToLower(t), "/")
		switch {
		case t == "":
			return true
		case main == "" || whole && sub == "" || strings.Contains(sub, "/"):
			return false // such types fit nothing
		}
		return main == p.Type && (!whole || sub == p.Subtype)
	})
}

// bodyText is what a part itself holds, decoded: text as UTF-8; of a multipart what stands around its parts; of a
// message its header (RFC 5173 §5.2). With plain, markup is left out (RFC 5173 §5.3).
func (r *run) bodyText(p *mime.Part, plain bool) (string, error) {
	key := bodyKey{p, plain}
	if s, ok := r.bodies[key]; ok {
		return s, nil
	}
	s, err := r.readBody(p, plain)
	if err != nil {
		return "", err
	}
	if r.bodies == nil {
		r.bodies = map[bodyKey]string{}
	}
	r.bodies[key] = s
	r.cost(decodeCost * len(s))
	return s, nil
}

// bodyKey names a text that was read already.
type bodyKey struct {
	part  *mime.Part
	plain bool
}

// decodeCost is what decoding an octet costs, in octets compared.
const decodeCost = 32

// readBody reads what bodyText gives.
func (r *run) readBody(p *mime.Part, plain bool) (string, error) {
	m, longest := r.message, r.limits.Body
	switch {
	case p.IsMultipart():
		return m.around(p, longest)
	case p.IsMessage():
		inner := p.Children[0]
		b, err := m.read(inner.HeaderStart, min(inner.BodyStart, inner.HeaderStart+int64(longest)))
		return string(b), err
	}
	s, err := m.decoded(p, longest)
	if plain && p.Subtype == "html" {
		s = withoutMarkup(s)
	}
	return s, err
}

// around is what stands before, between and behind the parts of a multipart.
func (m *message) around(p *mime.Part, longest int) (string, error) {
	var b strings.Builder
	at := p.BodyStart
	add := func(end int64) error {
		end = min(end, at+int64(longest-b.Len()))
		piece, err := m.read(at, end)
		b.Write(piece)
		return err
	}
	for _, child := range p.Children {
		if err := add(child.HeaderStart); err != nil {
			return "", err
		}
		at = child.BodyEnd
	}
	err := add(p.BodyEnd)
	return b.String(), err
}

// decoded is the content of a leaf, of a text as UTF-8.
func (m *message) decoded(p *mime.Part, longest int) (string, error) {
	var in io.Reader = io.NewSectionReader(m.octets, p.BodyStart, p.Size())
	in = mime.DecodedReader(p, in)
	if p.IsText() {
		in = mime.TextReader(p, in)
	}
	b, err := io.ReadAll(io.LimitReader(in, int64(longest)))
	return string(b), hostError(err)
}

// withoutMarkup is the text of an HTML document. What is cut off at its end does no harm.
func withoutMarkup(s string) string {
	z := html.NewTokenizer(strings.NewReader(s))
	var b strings.Builder
	hidden := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimLeft(b.String(), "\r\n")
		case html.TextToken:
			if hidden == "" {
				b.Write(z.Text())
			}
		case html.StartTagToken:
			name, _ := z.TagName()
			if n := string(name); n == "style" || n == "script" {
				hidden = n
			} else if slices.Contains(breaking, n) {
				b.WriteString("\r\n")
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == hidden {
				hidden = ""
			}
		case html.SelfClosingTagToken:
			b.WriteByte(' ')
		}
	}
}

// breaking are the elements that begin on a new line.
var breaking = []string{"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr", "td", "th", "blockquote", "pre"}
