// Package standard uses the Standard webmail as a browser without any script does: it follows links and fills in forms, and sees nothing but what
// stands in the page.
package standard

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of a reader's patience.
const (
	patience  = 30 * time.Second
	maxAnswer = 32 << 20
)

// Reader is somebody at a browser.
type Reader struct {
	testing.TB
	http   *http.Client
	at     *url.URL
	Octets []byte // of the last answer
	Status int
	Header http.Header
	doc    *html.Node
}

// New is a reader at a site who is nobody yet.
func New(t testing.TB, site string) *Reader {
	t.Helper()
	at, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // a certificate of the demo's own
	t.Cleanup(transport.CloseIdleConnections)
	return &Reader{TB: t, http: &http.Client{Jar: jar, Timeout: patience, Transport: transport}, at: at}
}

// URL is where the reader is.
func (r *Reader) URL() *url.URL { return r.at }

// Go opens an address.
func (r *Reader) Go(ref string) {
	r.Helper()
	at, err := r.at.Parse(ref)
	if err != nil {
		r.Fatal(err)
	}
	q, err := http.NewRequest(http.MethodGet, at.String(), nil)
	if err != nil {
		r.Fatal(err)
	}
	r.do(q)
}

func (r *Reader) do(q *http.Request) {
	r.Helper()
	q.Header.Set("User-Agent", "lab/standard")
	answer, err := r.http.Do(q)
	if err != nil {
		r.Fatal(err)
	}
	defer answer.Body.Close()
	r.Octets, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		r.Fatal(err)
	}
	r.at, r.Status, r.Header = answer.Request.URL, answer.StatusCode, answer.Header
	if r.doc, err = html.ParseWithOptions(bytes.NewReader(r.Octets), html.ParseOptionEnableScripting(false)); err != nil {
		r.Fatal(err)
	}
}

// value gives an attribute.
func value(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// text is what an element says.
func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && c.Parent.DataAtom != atom.Style && c.Parent.DataAtom != atom.Title {
			b.WriteString(c.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Text is what stands on the page, and in its fields.
func (r *Reader) Text() string {
	var b strings.Builder
	b.WriteString(text(r.doc))
	for n := range r.doc.Descendants() {
		if n.DataAtom == atom.Input && value(n, "type") != "hidden" {
			b.WriteString(" " + value(n, "value"))
		}
	}
	return b.String()
}

// Main is what stands in the middle of the page.
func (r *Reader) Main() string {
	for n := range r.doc.Descendants() {
		if n.DataAtom == atom.Main {
			return text(n)
		}
	}
	return ""
}

// Shows wants texts on the page.
func (r *Reader) Shows(texts ...string) {
	r.Helper()
	for _, want := range texts {
		if !strings.Contains(r.Text(), want) {
			r.Fatalf("%s does not show %q:\n%d %s", r.at, want, r.Status, r.Text())
		}
	}
}

// Hides wants a text not on the middle of the page.
func (r *Reader) Hides(want string) {
	r.Helper()
	if strings.Contains(r.Main(), want) {
		r.Fatalf("%s shows %q:\n%s", r.at, want, r.Main())
	}
}

// Until opens the page again until it shows a text: mail takes a moment.
func (r *Reader) Until(ref, want string) {
	r.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		r.Go(ref)
		if strings.Contains(r.Text(), want) {
			return
		}
		if time.Now().After(end) {
			r.Fatalf("%s never shows %q:\n%s", ref, want, r.Text())
		}
	}
}

// find gives the first element that fits.
func (r *Reader) find(fits func(*html.Node) bool) *html.Node {
	for n := range r.doc.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			return n
		}
	}
	return nil
}

// All gives an attribute of all elements of a kind.
func (r *Reader) All(kind atom.Atom, key string) (list []string) {
	for n := range r.doc.Descendants() {
		if n.DataAtom == kind && has(n, key) {
			list = append(list, value(n, key))
		}
	}
	return list
}

// Follow follows the first link with a text, or whose text holds it.
func (r *Reader) Follow(words string) {
	r.Helper()
	link := r.find(func(n *html.Node) bool { return n.DataAtom == atom.A && text(n) == words })
	if link == nil {
		link = r.find(func(n *html.Node) bool { return n.DataAtom == atom.A && strings.Contains(text(n), words) })
	}
	if link == nil {
		r.Fatalf("%s has no link %q:\n%s", r.at, words, r.Text())
	}
	r.Go(value(link, "href"))
}

// File is something that is attached.
type File struct {
	Name   string
	Octets []byte
}

// Press fills in the form that has a button with a text or value, and presses it. fields are names and values: those of boxes that are ticked are
// their values, "" unticks; a name may stand several times. files go into the form's field for files.
func (r *Reader) Press(button string, fields []string, files ...File) {
	r.Helper()
	b := r.button(button)
	if b == nil {
		r.Fatalf("%s has no button %q:\n%s", r.at, button, r.Text())
	}
	form := b.Parent
	for form != nil && form.DataAtom != atom.Form {
		form = form.Parent
	}
	if form == nil {
		r.Fatalf("the button %q is in no form", button)
	}
	sent := r.filled(form, fields)
	if name := value(b, "name"); name != "" {
		sent = append(sent, field{name, value(b, "value")})
	}
	r.submit(form, sent, files)
}

// button finds a button, in the middle of the page first; nil where there is none.
func (r *Reader) button(name string) *html.Node {
	fits := func(n *html.Node) bool {
		return n.DataAtom == atom.Button && (text(n) == name || value(n, "value") == name || value(n, "aria-label") == name)
	}
	if middle := r.find(func(n *html.Node) bool { return n.DataAtom == atom.Main }); middle != nil {
		for n := range middle.Descendants() {
			if fits(n) {
				return n
			}
		}
	}
	return r.find(fits)
}

// field is a field as it is sent.
type field struct{ name, value string }

// filled are a form's fields in their order, with what was typed into them.
func (r *Reader) filled(form *html.Node, typed []string) (sent []field) {
	over := map[string][]string{}
	for i := 0; i+1 < len(typed); i += 2 {
		over[typed[i]] = append(over[typed[i]], typed[i+1])
	}
	seen := map[string]int{}
	for n := range form.Descendants() {
		name := value(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		kind := value(n, "type")
		list, typedHere := over[name]
		if kind == "checkbox" || kind == "radio" {
			switch ticked := slices.Contains(list, value(n, "value")); {
			case typedHere && ticked, !typedHere && has(n, "checked"):
				sent = append(sent, field{name, value(n, "value")})
			}
			continue
		}
		if n.DataAtom != atom.Input && n.DataAtom != atom.Select && n.DataAtom != atom.Textarea || kind == "file" {
			continue
		}
		at := seen[name]
		seen[name]++
		if at < len(list) {
			sent = append(sent, field{name, list[at]})
			continue
		}
		sent = append(sent, field{name, initial(n)})
	}
	for name := range over {
		if r.find(func(n *html.Node) bool { return value(n, "name") == name }) == nil {
			r.Fatalf("%s has no field %q", r.at, name)
		}
	}
	return sent
}

// initial is what stands in a field.
func initial(n *html.Node) string {
	switch n.DataAtom {
	case atom.Textarea:
		var b strings.Builder
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			b.WriteString(c.Data)
		}
		return strings.ReplaceAll(b.String(), "\n", "\r\n")
	case atom.Select:
		first, chosen, any := "", "", false
		for i := range n.Descendants() {
			if i.DataAtom != atom.Option {
				continue
			}
			v := value(i, "value")
			if !has(i, "value") {
				v = text(i)
			}
			if !any {
				first, any = v, true
			}
			if has(i, "selected") {
				chosen = v
			}
		}
		if chosen == "" {
			return first
		}
		return chosen
	}
	return value(n, "value")
}

// submit sends a form.
func (r *Reader) submit(form *html.Node, sent []field, files []File) {
	r.Helper()
	at, err := r.at.Parse(value(form, "action"))
	if err != nil {
		r.Fatal(err)
	}
	query := url.Values{}
	for _, f := range sent {
		query.Add(f.name, f.value)
	}
	if value(form, "method") != "post" {
		at.RawQuery = query.Encode()
		r.Go(at.String())
		return
	}
	body, kind := strings.NewReader(query.Encode()), "application/x-www-form-urlencoded"
	if value(form, "enctype") == "multipart/form-data" {
		var out bytes.Buffer
		kind = r.multipart(&out, sent, files)
		body = strings.NewReader(out.String())
	}
	q, err := http.NewRequest(http.MethodPost, at.String(), body)
	if err != nil {
		r.Fatal(err)
	}
	q.Header.Set("Content-Type", kind)
	q.Header.Set("Origin", "https://"+at.Host)
	r.do(q)
}

// multipart writes a form with files, as browsers do: without any an empty one stands there.
func (r *Reader) multipart(out *bytes.Buffer, sent []field, files []File) (kind string) {
	w := multipart.NewWriter(out)
	part := func(head, kind string, octets []byte) {
		h := textproto.MIMEHeader{"Content-Disposition": {head}}
		if kind != "" {
			h.Set("Content-Type", kind)
		}
		p, err := w.CreatePart(h)
		if err == nil {
			_, err = p.Write(octets)
		}
		if err != nil {
			r.Fatal(err)
		}
	}
	for _, f := range sent {
		part(fmt.Sprintf(`form-data; name="%s"`, f.name), "", []byte(f.value))
	}
	if len(files) == 0 {
		part(`form-data; name="new"; filename=""`, "application/octet-stream", nil)
	}
	for _, f := range files {
		part(fmt.Sprintf(`form-data; name="new"; filename="%s"`, strings.ReplaceAll(f.Name, `"`, "%22")), "application/octet-stream", f.Octets)
	}
	if err := w.Close(); err != nil {
		r.Fatal(err)
	}
	return w.FormDataContentType()
}
