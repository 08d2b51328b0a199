package jmapd

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"tegami/wire/compose"
	"tegami/wire/jmap"
)

// wishedPart is an EmailBodyPart that a client wants (RFC 8621 §4.6).
type wishedPart struct {
	PartID      string            `json:"partId"`
	BlobID      jmap.Id           `json:"blobId"`
	Size        *int64            `json:"size"`
	Name        string            `json:"name"`
	Type        string            `json:"type"`
	Charset     string            `json:"charset"`
	Disposition string            `json:"disposition"`
	CID         string            `json:"cid"`
	Language    []string          `json:"language"`
	Location    string            `json:"location"`
	SubParts    []json.RawMessage `json:"subParts"`
}

// bodyProblem is what is wrong with the bodies: all of it has one name.
func bodyProblem(property string) *jmap.SetError { return jmap.BadProperties(property) }

// body makes the message's body: of bodyStructure, or of texts and attachments (RFC 8621 §4.6).
func (d *draft) body(ctx context.Context) error {
	var err error
	if whole, ok := d.bodies["bodyStructure"]; ok {
		if len(d.bodies) > 1 {
			return bodyProblem("bodyStructure")
		}
		d.message.Body, err = d.part(ctx, "bodyStructure", whole, 0)
	} else {
		d.message.Body, err = d.assembled(ctx)
	}
	if err == nil && len(d.missing) > 0 {
		err = &jmap.SetError{Type: "blobNotFound", Extra: map[string]any{"notFound": d.missing}} // RFC 8621 §4.6
	}
	return err
}

// assembled makes a body of texts and attachments: alternatives, the pictures HTML shows beside it, and the attachments behind.
func (d *draft) assembled(ctx context.Context) (*compose.Part, error) {
	text, err := d.onlyPart(ctx, "textBody", "text/plain")
	if err != nil {
		return nil, err
	}
	html, err := d.onlyPart(ctx, "htmlBody", "text/html")
	if err != nil {
		return nil, err
	}
	attachments, err := d.parts(ctx, "attachments")
	if err != nil {
		return nil, err
	}
	var beside []*compose.Part
	if html != nil {
		html, attachments = withPictures(html, attachments)
	}
	for _, p := range []*compose.Part{text, html} {
		if p != nil {
			beside = append(beside, p)
		}
	}
	body := multipart("multipart/alternative", beside)
	for _, p := range attachments {
		if p.Disposition == "" {
			p.Disposition = "attachment"
		}
	}
	if len(attachments) == 0 {
		return body, nil
	}
	if body == nil {
		return multipart("multipart/mixed", attachments), nil
	}
	return multipart("multipart/mixed", append([]*compose.Part{body}, attachments...)), nil
}

// multipart puts parts together; one alone stays what it is, and of none nothing is made.
func multipart(typ string, parts []*compose.Part) *compose.Part {
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) == 1:
		return parts[0]
	}
	return &compose.Part{Type: typ, Parts: parts}
}

// withPictures puts what HTML can name by a Content-ID beside it, and gives the attachments that are left.
func withPictures(html *compose.Part, attachments []*compose.Part) (*compose.Part, []*compose.Part) {
	related, left := []*compose.Part{html}, []*compose.Part{}
	for _, p := range attachments {
		if p.CID == "" || p.Disposition == "attachment" {
			left = append(left, p)
			continue
		}
		p.Disposition = "inline"
		related = append(related, p)
	}
	return multipart("multipart/related", related), left
}

// onlyPart makes the one part that a text may have, of the type it must have.
func (d *draft) onlyPart(ctx context.Context, property, typ string) (*compose.Part, error) {
	list, err := d.parts(ctx, property)
	if err != nil || list == nil {
		return nil, err
	}
	if len(list) != 1 || list[0].Type != "" && !strings.EqualFold(list[0].Type, typ) {
		return nil, bodyProblem(property)
	}
	list[0].Type = typ
	return list[0], nil
}

// parts makes the parts of a list.
func (d *draft) parts(ctx context.Context, property string) (list []*compose.Part, err error) {
	text, ok := d.bodies[property]
	if !ok {
		return nil, nil
	}
	var wishes []json.RawMessage
	if json.Unmarshal(text, &wishes) != nil || len(wishes) > compose.MaxParts {
		return nil, bodyProblem(property)
	}
	for _, wish := range wishes {
		p, err := d.part(ctx, property, wish, 0)
		if err != nil {
			return nil, err
		}
		if len(p.Parts) > 0 {
			return nil, bodyProblem(property)
		}
		list = append(list, p)
	}
	return list, nil
}

// part makes one part and those below it.
func (d *draft) part(ctx context.Context, property string, wish json.RawMessage, depth int) (*compose.Part, error) {
	w, header, ok := readPart(wish)
	if !ok || depth > compose.MaxDepth {
		return nil, bodyProblem(property)
	}
	p := &compose.Part{Type: w.Type, Disposition: w.Disposition, Name: w.Name, CID: w.CID, Language: w.Language, Header: header, Charset: w.Charset}
	if w.Location != "" {
		p.Header = append(p.Header, compose.Field{Name: "Content-Location", Value: compose.AsText(w.Location)})
	}
	switch {
	case strings.HasPrefix(strings.ToLower(w.Type), "multipart/"):
		return p, d.below(ctx, property, p, w, depth)
	case w.SubParts != nil || (w.PartID == "") == (w.BlobID == ""):
		return nil, bodyProblem(property)
	case w.PartID != "":
		return p, d.words(p, w)
	}
	return p, d.octets(ctx, p, w)
}

// readPart reads a part's properties, and its header fields among them; false for what is none.
func readPart(wish json.RawMessage) (w wishedPart, header []compose.Field, ok bool) {
	members, ok := jmap.Members(wish)
	if !ok {
		return w, nil, false
	}
	plain := map[string]json.RawMessage{}
	for _, m := range members {
		if !strings.HasPrefix(m.Name, "header:") {
			plain[m.Name] = m.Value
			continue
		}
		h, ok := parseHeaderProperty(m.Name)
		if !ok || strings.EqualFold(h.field, "Content-Transfer-Encoding") {
			return w, nil, false
		}
		fields, ok := h.fields(m.Value)
		if !ok {
			return w, nil, false
		}
		header = append(header, fields...)
	}
	text, err := json.Marshal(plain)
	return w, header, err == nil && jmap.Exact(text, &w) == nil
}

// below makes the parts of a multipart.
func (d *draft) below(ctx context.Context, property string, p *compose.Part, w wishedPart, depth int) error {
	if w.PartID != "" || w.BlobID != "" || len(w.SubParts) == 0 {
		return bodyProblem(property)
	}
	for _, wish := range w.SubParts {
		c, err := d.part(ctx, property, wish, depth+1)
		if err != nil {
			return err
		}
		p.Parts = append(p.Parts, c)
	}
	return nil
}

// words gives a part its text out of bodyValues.
func (d *draft) words(p *compose.Part, w wishedPart) error {
	if w.Charset != "" || w.Size != nil { // both follow from the text
		return bodyProblem("bodyValues")
	}
	var v struct {
		Value             string `json:"value"`
		IsEncodingProblem bool   `json:"isEncodingProblem"`
		IsTruncated       bool   `json:"isTruncated"`
	}
	text, ok := d.values[w.PartID]
	if !ok || jmap.Exact(text, &v) != nil || v.IsEncodingProblem || v.IsTruncated {
		return bodyProblem("bodyValues")
	}
	if p.Type != "" && !strings.HasPrefix(strings.ToLower(p.Type), "text/") {
		return bodyProblem("bodyValues")
	}
	p.Text = v.Value
	return nil
}

// octets has a part take its octets from a blob.
func (d *draft) octets(ctx context.Context, p *compose.Part, w wishedPart) error {
	size, ok, err := d.c.blobSize(ctx, d.c.at, w.BlobID)
	if err != nil {
		return err
	}
	if !ok {
		if !slices.Contains(d.missing, w.BlobID) {
			d.missing = append(d.missing, w.BlobID)
		}
		return nil
	}
	if p.Type == "" {
		p.Type = "application/octet-stream"
	}
	p.Open, p.Size = d.c.opener(ctx, d.c.at, w.BlobID), size
	return nil
}
