package webd

import (
	"cmp"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tegami/wire/html"
	"tegami/wire/jmap"
)

// maxShown is how much of a message's text a page shows, in octets; all of it can be saved.
const maxShown = 512 << 10

// readProperties are those of a message that is read.
var readProperties = []string{
	"id", "blobId", "mailboxIds", "keywords", "size", "receivedAt", "sentAt", "from", "to", "cc", "bcc", "replyTo", "subject", "messageId", "inReplyTo", "references", "hasAttachment",
	"textBody", "htmlBody", "attachments", "bodyValues", "tegami:senderMarks",
}

var partProperties = []string{"partId", "blobId", "size", "name", "type", "disposition", "cid"}

// open reads a message; false, and a page that says so, where there is none.
func (v *visit) open(id string) (e email, ok bool) {
	var got listOf[email]
	err := v.talk(ask{"Email/get", args{
		"ids": []string{id}, "properties": readProperties, "bodyProperties": partProperties, "fetchTextBodyValues": true, "fetchHTMLBodyValues": true,
		"sanitizeHTMLBodyValues": true, "maxBodyValueBytes": maxShown,
	}, &got})
	if err != nil {
		v.fail(err)
		return e, false
	}
	if e, ok = got.first(); !ok {
		v.gone()
	}
	return e, ok
}

// readPage is what the page of a message shows.
type readPage struct {
	email
	Text           template.HTML // the body as text, safe
	HTML           bool          // there is a body in HTML
	Framed         bool          // and it is shown
	Pictures       bool          // with those from elsewhere
	Blocked        int           // of these, how many are not shown
	Cut            bool
	Files          []part
	Previous, Next jmap.Id
	Box            *box
	Trash, Junk    bool
}

// Mail is the message itself.
func (p readPage) Mail() email { return p.email }

// read shows a message, and marks it as read.
func (v *visit) read() {
	q := v.r.URL.Query()
	e, ok := v.open(q.Get("id"))
	if !ok {
		return
	}
	if e.Draft() && q.Get("view") == "" {
		v.leave("/standard/write", url.Values{"kind": {"draft"}, "id": {string(e.ID)}})
		return
	}
	if e.Unread() {
		if _, err := v.set("Email/set", args{"update": args{string(e.ID): args{"keywords/$seen": true}}}); err != nil {
			v.server.log.Debug("webmail", "seen", err) // it may be a folder that can only be read
		} else {
			v.countSeen(e)
		}
	}
	p := readPage{email: e, Pictures: q.Get("pictures") != "" || v.Settings.Pictures == "always"}
	for id := range e.Boxes {
		p.Box = v.boxOf(string(id))
	}
	if p.Box != nil {
		p.Trash, p.Junk = p.Box.Role == "trash", p.Box.Role == "junk"
	}
	v.fill(&p, q.Get("view"))
	if err := v.neighbours(&p); err != nil {
		v.fail(err)
		return
	}
	v.said()
	v.show("read", v.Subject(e), p)
}

// countSeen takes a message that was just opened out of the folders' numbers, which were read before.
func (v *visit) countSeen(e email) {
	for i := range v.Boxes {
		if e.Boxes[v.Boxes[i].ID] && v.Boxes[i].Unread > 0 {
			v.Boxes[i].Unread--
		}
	}
}

// fill chooses between the message's bodies: HTML stands in a frame of its own, text on the page.
func (v *visit) fill(p *readPage, view string) {
	for _, part := range p.HTMLBody {
		if part.Type == "text/html" {
			p.HTML = true
			p.Blocked += p.Values[part.PartID].Blocked
		}
	}
	p.Framed = p.HTML && view != "text"
	p.Cut = p.cut()
	if !p.Framed {
		p.Text = template.HTML(html.FromText(plainOf(p.email)).HTML) // made of text by escaping it
	}
	p.Files = p.files()
}

func (e email) cut() bool {
	for _, value := range e.Values {
		if value.Cut {
			return true
		}
	}
	return false
}

// files are the parts that are not the body: what only the body shows is not among them.
func (e email) files() (list []part) {
	for _, p := range e.Parts {
		if p.Disposition != "inline" || p.CID == "" || !strings.HasPrefix(p.Type, "image/") {
			list = append(list, p)
		}
	}
	for _, p := range slices.Concat(e.HTMLBody, e.TextBody) { // pictures between texts (RFC 8621 §4.1.4)
		if !strings.HasPrefix(p.Type, "text/") && !slices.ContainsFunc(list, func(have part) bool { return have.BlobID == p.BlobID }) {
			list = append(list, p)
		}
	}
	return list
}

// plainOf is a message's body as plain text.
func plainOf(e email) string {
	var b strings.Builder
	for _, p := range e.TextBody {
		value, ok := e.Values[p.PartID]
		if !ok {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		if p.Type == "text/html" {
			b.WriteString(html.Sanitise(value.Value, html.Options{}).Text)
		} else {
			b.WriteString(value.Value)
		}
	}
	return b.String()
}

// neighbours finds what stands before and behind a message in the list that the reader comes from.
func (v *visit) neighbours(p *readPage) error {
	if v.At.N == 0 {
		return nil
	}
	begin := max(0, v.At.N-2)
	var ids found
	err := v.talk(ask{"Email/query", args{"filter": v.having(v.At), "sort": newest, "position": begin, "limit": 3}, &ids})
	if at := slices.Index(ids.IDs, p.ID); err == nil && at >= 0 {
		if at > 0 {
			p.Previous = ids.IDs[at-1]
		}
		if at+1 < len(ids.IDs) {
			p.Next = ids.IDs[at+1]
		}
	}
	return err
}

// Step is the address of a neighbour's page.
func (v *visit) Step(id jmap.Id, by int) template.URL {
	at := v.At
	at.N += by
	at.Page = max(1, (at.N-1)/v.Settings.PageSize+1)
	return at.Query("id", string(id), "n", strconv.Itoa(at.N))
}

// File is where a part of a message is saved from.
func (v *visit) File(p part) string {
	return "/jmap/download/" + url.PathEscape(string(v.account)) + "/" + url.PathEscape(string(p.BlobID)) + "/" + url.PathEscape(cmp.Or(p.Name, v.T("webmail.unnamed"))) +
		"?" + url.Values{"accept": {cmp.Or(p.Type, "application/octet-stream")}}.Encode()
}

// Source is where the whole message is saved from.
func (v *visit) Source(e email) string {
	return v.File(part{BlobID: e.BlobID, Name: string([]rune(v.Subject(e))[:min(80, len([]rune(v.Subject(e))))]) + ".eml", Type: "message/rfc822"})
}

// bodyPage is the document in the frame: the message's body alone.
var bodyPage = template.Must(template.New("body").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><base target="_blank"><title>{{.Title}}</title>
<style>html{color-scheme:light;background:#fff;color:#1c1b1a}body{margin:12px;font:14px/1.6 system-ui,"Hiragino Sans","Yu Gothic UI","Noto Sans JP",sans-serif;overflow-wrap:anywhere}img{max-width:100%;height:auto}.tegami-blocked{border:1px dashed #aaa}.tegami-mismatch::after{content:" [" attr(data-host) "]";color:#a00000}blockquote{margin-inline:8px;padding-inline-start:8px;border-inline-start:2px solid #ccc}</style>
</head><body>{{.Body}}</body></html>`))

// body serves what the frame of a message shows. Its policy lets nothing run and nothing load but pictures through the door for untrusted content; the
// sandbox takes its origin away, also from who opens it by itself.
func (v *visit) body() {
	q := v.r.URL.Query()
	var got listOf[email]
	err := v.talk(ask{"Email/get", args{
		"ids": []string{q.Get("id")}, "properties": []string{"id", "subject", "htmlBody", "bodyValues"}, "bodyProperties": []string{"partId", "type"}, "fetchHTMLBodyValues": true,
		"sanitizeHTMLBodyValues": true, "remotePictures": q.Get("pictures") != "", "maxBodyValueBytes": html.MaxSource,
	}, &got})
	if err != nil {
		v.fail(err)
		return
	}
	e, ok := got.first()
	if !ok {
		http.NotFound(v.w, v.r)
		return
	}
	var body strings.Builder
	for _, p := range e.HTMLBody {
		switch value := e.Values[p.PartID]; p.Type {
		case "text/html":
			body.WriteString(value.Value)
		case "text/plain":
			body.WriteString(html.FromText(value.Value).HTML)
		}
	}
	h := v.w.Header()
	h.Set("Content-Security-Policy", framePolicy(v.server.config.Content))
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	err = bodyPage.Execute(v.w, map[string]any{"Lang": v.Lang, "Title": v.Subject(e), "Body": template.HTML(body.String())}) // the JMAP door has sanitised it
	if err != nil {
		v.server.log.Debug("webmail", "body", err)
	}
}

// framePolicy is the policy of a message's body. content is the origin that pictures come from, "" where there is none.
func framePolicy(content string) string {
	return strings.TrimSpace("default-src 'none'; style-src 'unsafe-inline'; img-src data: "+content) +
		"; form-action 'none'; frame-ancestors 'self'; base-uri 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
}

// carried gives a value as JSON, for fields of forms that carry it.
func carried(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}
