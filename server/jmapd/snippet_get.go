package jmapd

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// getSnippetsIn are the arguments of SearchSnippet/get (RFC 8621 §5.1).
type getSnippetsIn struct {
	jmap.OfAccount
	Filter   *jmap.Filter[emailCondition] `json:"filter"`
	EmailIDs []jmap.Id                    `json:"emailIds"`
}

// getSnippetsOut is the answer to SearchSnippet/get (RFC 8621 §5.1).
type getSnippetsOut struct {
	AccountID jmap.Id           `json:"accountId"`
	List      []json.RawMessage `json:"list"`
	NotFound  []jmap.Id         `json:"notFound"`
}

const (
	// maxSnippets is how many emails one SearchSnippet/get looks at: each may have its text read.
	maxSnippets = 256
	// maxSnippetText is how much of an email's text is looked through for what was searched, in octets.
	maxSnippetText = 256 << 10
	// maxSnippet is the length of a preview in octets, marks and escapes included (RFC 8621 §5).
	maxSnippet = 255
)

// sought is what a filter looks for, in the fields that snippets show.
type sought struct{ subject, body []string }

// looksFor gathers what a filter looks for. What a NOT excludes is not among it.
func (s *sought) looksFor(w *mailbox.Where) {
	if w.Op == mailbox.WhereNot {
		return
	}
	for i := range w.Of {
		s.looksFor(&w.Of[i])
	}
	add := func(to *[]string, text string) {
		if text == "" {
			return
		}
		if !w.Words {
			*to = append(*to, text)
			return
		}
		*to = append(*to, strings.Fields(text)...)
	}
	for _, text := range []string{w.Text, w.Subject} {
		add(&s.subject, text)
	}
	for _, text := range []string{w.Text, w.Body} {
		add(&s.body, text)
	}
}

// getSnippets is SearchSnippet/get (RFC 8621 §5.1).
func getSnippets(ctx context.Context, c *call, in *getSnippetsIn) (*getSnippetsOut, error) {
	if len(in.EmailIDs) > maxSnippets {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	where, err := c.where(in.Filter)
	if err != nil {
		return nil, err
	}
	var want sought
	want.looksFor(&where)
	reg, err := c.register(ctx, c.at)
	if err != nil {
		return nil, err
	}
	var wanted []mail.EmailID
	for _, ref := range in.EmailIDs {
		if id, ok := parseEmail(ref); ok {
			wanted = append(wanted, id)
		}
	}
	s := &snipping{reg: reg, subject: mime.NewMarker(want.subject), body: mime.NewMarker(want.body)}
	out := &getSnippetsOut{AccountID: in.AccountID, List: []json.RawMessage{}}
	found := map[jmap.Id]bool{}
	with := mailbox.WithIndex
	if len(want.body) > 0 {
		with |= mailbox.WithOctets
	}
	err = reg.Messages(ctx, wanted, with, func(m *mailbox.Message) error {
		text, err := s.email(ctx, m, len(want.body) > 0)
		found[emailRef(m.ID)] = true
		out.List = append(out.List, text)
		return err
	})
	out.NotFound = notAmong(in.EmailIDs, found)
	return out, err
}

// snipping is a SearchSnippet/get at work.
type snipping struct {
	reg           *mailbox.Register
	subject, body *mime.Marker
}

// email writes the snippets of one email: null for what has nothing of what was searched in it (RFC 8621 §5).
func (s *snipping) email(ctx context.Context, m *mailbox.Message, inBody bool) (json.RawMessage, error) {
	b := appendID([]byte(`{"emailId":`), emailRef(m.ID))
	subject := mime.DecodedText(mime.Index(m.Index).EnvelopeText(mime.FieldSubject))
	b = append(b, `,"subject":`...)
	b = appendTextOrNull(b, s.subject.Mark(subject))
	preview := ""
	if inBody {
		body, err := s.reg.OpenBody(ctx, m)
		if err != nil {
			return nil, err
		}
		defer body.Close()
		if preview, err = s.preview(m, body); err != nil {
			return nil, err
		}
	}
	return append(appendTextOrNull(append(b, `,"preview":`...), preview), '}'), nil
}

// preview finds what was searched in the texts of an email, the first that has it.
func (s *snipping) preview(m *mailbox.Message, octets mailbox.Body) (string, error) {
	structure, err := mime.Decode(m.Index)
	if err != nil {
		return "", nil // no structure, no snippet
	}
	for _, p := range structure.Bodies().Text {
		if !p.IsText() {
			continue
		}
		v, err := mime.ReadValue(p, octets, maxSnippetText)
		if err != nil {
			return "", err
		}
		text := v.Text
		if p.Subtype == "html" {
			shown, err := io.ReadAll(mime.ShownText(strings.NewReader(text)))
			if err != nil {
				return "", err
			}
			text = string(shown)
		}
		if found := s.body.Around(text, maxSnippet); found != "" {
			return found, nil
		}
	}
	return "", nil
}
