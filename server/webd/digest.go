package webd

import (
	"bytes"
	"context"
	"html/template"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"tegami/digest"
	"tegami/i18n"
	"tegami/mail"
	"tegami/server/door"
)

// digestPath is where the links of the quarantine digest lead; a token follows.
const digestPath = "/digest/"

// digestTimeout is how long a page of it may take.
const digestTimeout = 20 * time.Second

// Digest is what the links of the quarantine digest ask (SF-6); digest.Service is.
type Digest interface {
	Open(ctx context.Context, token string, from netip.Addr) (*digest.Link, error)
	Do(ctx context.Context, token string, do digest.Deed, from netip.Addr) (*digest.Link, error)
}

// digestTemplate is the page of a link.
var digestTemplate = template.Must(template.ParseFS(gateText, "digest.html", "gate.html"))

// digestView is what the template sees.
type digestView struct {
	words   *i18n.Catalogue
	assets  *assets
	self    url.URL
	Lang    i18n.Lang
	Service string
	Title   string // key of the catalogue
	Wrong   string // what was wrong, in words
	Done    string // what was done, in words
	Action  string // where the form leads
	Message *digestMessage
	Deeds   []digestDeed // buttons; none: there is nothing to do
}

// digestMessage is the message in quarantine.
type digestMessage struct{ To, At, Machine, From, Subject, Percent string }

// digestDeed is a button.
type digestDeed struct {
	Do, Text string // Text is a key
	Main     bool   // it is what the link was for
}

// digestDeeds and digestDone are what can be done and what was, as keys of the catalogue.
var (
	digestDeeds = map[digest.Deed]string{digest.Receive: "digest.do.receive", digest.Allow: "digest.do.allow", digest.Delete: "digest.do.delete"}
	digestDone  = map[digest.Deed]string{digest.Receive: "digest.done.receive", digest.Allow: "digest.done.allow", digest.Delete: "digest.done.delete"}
)

// T gives a text in the page's language.
func (v *digestView) T(key string, args ...any) string { return v.words.Text(v.Lang, key, args...) }

// Asset is where a file of the page is.
func (v *digestView) Asset(name string) string { return v.assets.path(name) }

// Other is the page in another language.
func (v *digestView) Other(lang string) string {
	q := v.self.Query()
	q.Set("lang", lang)
	return v.self.Path + "?" + q.Encode()
}

func (s *Server) newDigestView(r *http.Request) *digestView {
	v := &digestView{words: s.config.Words, assets: s.assets, self: *r.URL, Lang: readerLang(r), Service: s.config.Service, Title: "digest.title"}
	v.Action = r.URL.Path + "?" + url.Values{"lang": {string(v.Lang)}}.Encode()
	return v
}

// askDigest shows the message that a link is about, with buttons. It changes nothing: programs that look for harmful links open all there are.
func (s *Server) askDigest(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), digestTimeout)
	defer cancel()
	v := s.newDigestView(r)
	link, err := s.config.Digest.Open(ctx, r.PathValue("token"), door.RemoteOf(r))
	if err != nil {
		s.digestFailed(w, v, err)
		return
	}
	v.show(link)
	do, _ := digest.ParseDeed(r.URL.Query().Get("do"))
	v.offer(link, do)
	s.renderDigest(w, http.StatusOK, v)
}

// doDigest does what a button asks for.
func (s *Server) doDigest(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), digestTimeout)
	defer cancel()
	v := s.newDigestView(r)
	if err := r.ParseForm(); err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	do, ok := digest.ParseDeed(r.PostForm.Get("do"))
	if !ok {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	link, err := s.config.Digest.Do(ctx, r.PathValue("token"), do, door.RemoteOf(r))
	if err != nil {
		s.digestFailed(w, v, err)
		return
	}
	v.show(link)
	v.Done = v.T(digestDone[do])
	s.renderDigest(w, http.StatusOK, v)
}

// show fills in the message.
func (v *digestView) show(l *digest.Link) {
	e := &l.Entry
	from := e.Sender().String()
	if e.Author != "" {
		from = e.Author + " <" + from + ">"
	}
	subject := e.Subject
	if subject == "" {
		subject = v.T("digest.no_subject")
	}
	v.Message = &digestMessage{
		To: e.Recipient.String(), At: v.date(e.Received, l.Zone), Machine: e.Received.UTC().Format(time.RFC3339),
		From: from, Subject: subject, Percent: strconv.FormatFloat(e.Percent, 'f', 2, 64) + "%",
	}
}

// date writes a time as the company's people read it.
func (v *digestView) date(t time.Time, zone *time.Location) string {
	t = t.In(zone)
	if v.Lang != i18n.Japanese {
		return t.Format("Mon, 2 Jan 2006, 15:04 -0700")
	}
	return t.Format("2006年1月2日(") + weekdays[t.Weekday()] + t.Format(") 15:04")
}

// offer adds the buttons: the one that the link was for first.
func (v *digestView) offer(l *digest.Link, do digest.Deed) {
	if do == "" || do == digest.Allow && !l.Allow {
		do = digest.Receive
	}
	v.Deeds = []digestDeed{{string(do), digestDeeds[do], true}}
	for _, other := range []digest.Deed{digest.Receive, digest.Allow, digest.Delete} {
		if other != do && (other != digest.Allow || l.Allow) {
			v.Deeds = append(v.Deeds, digestDeed{string(other), digestDeeds[other], false})
		}
	}
}

// digestFailed says what was wrong.
func (s *Server) digestFailed(w http.ResponseWriter, v *digestView, err error) {
	status := http.StatusServiceUnavailable
	switch mail.KindOf(err) {
	case mail.NotFound:
		status = http.StatusNotFound
	case mail.Denied, mail.Invalid:
		status = http.StatusForbidden
	case mail.Full, mail.Conflict:
		status = http.StatusConflict
	case mail.Other:
		s.log.Error("digest", "err", err)
		status = http.StatusInternalServerError
	}
	v.Wrong = s.config.Words.Error(v.Lang, err)
	s.renderDigest(w, status, v)
}

func (s *Server) renderDigest(w http.ResponseWriter, status int, v *digestView) {
	var text bytes.Buffer
	if err := digestTemplate.Execute(&text, v); err != nil {
		s.log.Error("page", "view", "digest", "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(v.Lang))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address is the key
	h.Set("X-Robots-Tag", "noindex")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}
