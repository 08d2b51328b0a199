package webd

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"

	"tegami/directory"
	"tegami/i18n"
)

//go:embed login.html digest.html gate.html
var gateText embed.FS

// loginPage is the sign-in page with all its steps.
var loginPage = template.Must(template.ParseFS(gateText, "login.html", "gate.html"))

// page is what the template sees.
type page struct {
	words     *i18n.Catalogue
	assets    *assets
	Lang      i18n.Lang
	Service   string
	Host      string
	View      string // which step's form
	Title     string // key of the catalogue
	Form      string // token of forms
	Next      string // where to go on to, "" for home
	Version   string // of the webmail, as proposed or chosen
	Name      string // that was typed
	Wrong     string // what was wrong, in words
	Out       bool   // somebody has just signed out
	Passkeys  bool   // can be used here
	Step      *directory.WebStep
	Enrolment directory.Enrolment
}

// newPage begins the page of a request.
func (s *Server) newPage(w http.ResponseWriter, r *http.Request) *page {
	q := r.URL.Query()
	p := &page{words: s.config.Words, assets: s.assets, Lang: readerLang(r), Service: s.config.Service, Host: s.config.Hostname, Passkeys: s.dir.OffersPasskeys(), Step: &directory.WebStep{}}
	if l, ok := i18n.ParseLang(q.Get("lang")); ok {
		rememberLang(w, string(l))
	}
	p.Form, p.Next, p.Out = ensureForm(w, r), ownPath(q.Get("next")), q.Has("out")
	p.Version = versionOf(r, p.Next)
	return p
}

// T gives a text in the page's language.
func (p *page) T(key string, args ...any) string { return p.words.Text(p.Lang, key, args...) }

// Asset is where a file of the page is.
func (p *page) Asset(name string) string { return p.assets.path(name) }

// Self is the page's own address, with where to go on to.
func (p *page) Self() string {
	if p.Next == "" {
		return "/login"
	}
	return "/login?" + url.Values{"next": {p.Next}}.Encode()
}

// Other is the page in another language.
func (p *page) Other(lang string) string {
	q := url.Values{"lang": {lang}}
	if p.Next != "" {
		q.Set("next", p.Next)
	}
	return "/login?" + q.Encode()
}

// Has tells whether a factor can be shown.
func (p *page) Has(kind string) bool {
	for _, f := range p.Step.Factors {
		if string(f) == kind {
			return true
		}
	}
	return false
}

// Grouped is a secret in groups of four, as it is typed from one screen into another.
func (p *page) Grouped(secret string) string {
	var b strings.Builder
	for i, c := range secret {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// GraceDay is until when a second factor may be put off, "" when it may not.
func (p *page) GraceDay() string {
	if p.Step.Grace.IsZero() {
		return ""
	}
	if p.Lang == i18n.Japanese {
		return p.Step.Grace.Format("2006年1月2日")
	}
	return p.Step.Grace.Format("2 Jan 2006")
}

// render writes the page.
func (s *Server) render(w http.ResponseWriter, status int, p *page) {
	var text bytes.Buffer
	if err := loginPage.ExecuteTemplate(&text, "login.html", p); err != nil {
		s.log.Error("page", "view", p.View, "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(p.Lang))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}

// readerLang is the language somebody chose, else the first of Accept-Language that we have, else Japanese.
func readerLang(r *http.Request) i18n.Lang {
	for _, chosen := range []string{r.URL.Query().Get("lang"), cookie(r, langCookie)} {
		if l, ok := i18n.ParseLang(chosen); ok {
			return l
		}
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err == nil {
		for _, tag := range tags {
			if l, ok := i18n.ParseLang(tag.String()); ok {
				return l
			}
		}
	}
	return i18n.Japanese
}

// QR is the code that an authenticator app reads, as an image in the page's text; "" where there is none.
func (p *page) QR() template.URL { return template.URL(p.Enrolment.QR()) } // made here, of nothing but squares
