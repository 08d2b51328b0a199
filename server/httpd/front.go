package httpd

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"slices"

	"golang.org/x/text/language"

	"tegami/i18n"
)

//go:embed *.html
var pageTexts embed.FS

// pages are the pages people read, by the names of their files.
var pages = template.Must(template.ParseFS(pageTexts, "*.html"))

// front serves the front page in the reader's language.
func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	lang := readerLang(r)
	s.show(w, http.StatusOK, lang, "front.html", view{s.config.Words, lang, s.config})
}

// inReadingOrder puts first what every reader can use: sending and POP3 work for all, IMAP where it is
// contracted, and STARTTLS is for software that can't speak TLS from the first octet. What is alike keeps its order.
func inReadingOrder(services []Service) []Service {
	rank := func(s Service) int {
		switch {
		case s.Security == StartTLS:
			return 3
		case s.Protocol == "IMAPS":
			return 2
		case s.Protocol == "POP3S":
			return 1
		}
		return 0
	}
	list := slices.Clone(services)
	slices.SortStableFunc(list, func(a, b Service) int { return rank(a) - rank(b) })
	return list
}

// readerLang is the language the reader chose by ?lang=, else the first of Accept-Language that we have, else Japanese.
func readerLang(r *http.Request) i18n.Lang {
	if l, ok := i18n.ParseLang(r.URL.Query().Get("lang")); ok {
		return l
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

// view is what the page's template sees.
type view struct {
	words *i18n.Catalogue
	Lang  i18n.Lang
	Config
}

// T gives a text in the page's language.
func (v view) T(key string, args ...any) string { return v.words.Text(v.Lang, key, args...) }

// How gives the text for a kind of security.
func (v view) How(s Security) string { return v.T(string(s)) }

// show writes a page.
func (s *Server) show(w http.ResponseWriter, status int, lang i18n.Lang, page string, data any) {
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, page, data); err != nil {
		s.log.Error("page", "name", page, "err", err)
		http.Error(w, s.config.Words.Text(lang, "kind.other"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(lang))
	w.Header().Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}
