package httpd

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"time"

	"tegami/i18n"
	"tegami/mail"
)

// Unsubscriber ends what a token of a List-Unsubscribe field is for. The token is signed by who wrote the field.
type Unsubscriber interface {
	// Subscription gives the address of the list a token is for. NotFound for a token that is none, or is for what is no more.
	Subscription(ctx context.Context, token string) (list string, err error)
	// Unsubscribe takes the token's member off its list. Once more is no error. NotFound as above.
	Unsubscribe(ctx context.Context, token string) error
}

// Limits of unsubscribing.
const (
	maxToken           = 1024 // octets
	unsubscribeTimeout = 20 * time.Second
	oneClick           = "List-Unsubscribe" // RFC 8058 §3.1: the name, and
	oneClickValue      = "One-Click"        // the value a request must carry
)

// unsubscribePage is what the page's template sees.
type unsubscribePage struct {
	view
	List   string // whose members; "" where it is not known
	Action string // where the form leads; "": there is none
	Title  string // keys of the catalogue
	What   string
	Other  string // address of this page in the other language
}

// askUnsubscribe shows what a click would do. It changes nothing: programs follow links (RFC 8058 §3.1).
func (s *Server) askUnsubscribe(w http.ResponseWriter, r *http.Request, _ string) {
	token := r.URL.Query().Get("t")
	list, err := s.subscription(r, token)
	if err != nil {
		s.unsubscribeFailed(w, r, err)
		return
	}
	lang := readerLang(r)
	action := unsubscribePath + "?" + url.Values{"t": {token}, "lang": {string(lang)}}.Encode()
	s.showUnsubscribe(w, r, http.StatusOK, unsubscribePage{List: list, Action: action, Title: "unsubscribe.title", What: "unsubscribe.ask"})
}

// unsubscribe does it: for a mail program's one click (RFC 8058), or the button of the page.
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request, _ string) {
	if !isOneClick(r) {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	token := r.URL.Query().Get("t")
	list, err := s.subscription(r, token)
	if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), unsubscribeTimeout)
		defer cancel()
		err = s.config.Unsubscribe.Unsubscribe(ctx, token)
	}
	if err != nil {
		s.unsubscribeFailed(w, r, err)
		return
	}
	s.showUnsubscribe(w, r, http.StatusOK, unsubscribePage{List: list, Title: "unsubscribe.done_title", What: "unsubscribe.done"})
}

// isOneClick tells whether the body of a POST says what it must, in either form of HTML (RFC 8058 §3.2).
func isOneClick(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return false
	case kind == "multipart/form-data":
		err = r.ParseMultipartForm(maxBody)
	default:
		err = r.ParseForm()
	}
	return err == nil && r.PostForm.Get(oneClick) == oneClickValue
}

// subscription asks what a token is for.
func (s *Server) subscription(r *http.Request, token string) (string, error) {
	if s.config.Unsubscribe == nil || token == "" || len(token) > maxToken {
		return "", mail.E("httpd.subscription", mail.NotFound, "")
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookupTimeout)
	defer cancel()
	return s.config.Unsubscribe.Subscription(ctx, token)
}

// unsubscribeFailed says that the link leads nowhere, or that it shall be tried again.
func (s *Server) unsubscribeFailed(w http.ResponseWriter, r *http.Request, err error) {
	if mail.Is(err, mail.NotFound) || mail.Is(err, mail.Invalid) || mail.Is(err, mail.Denied) {
		s.showUnsubscribe(w, r, http.StatusNotFound, unsubscribePage{Title: "unsubscribe.title", What: "unsubscribe.unknown"})
		return
	}
	s.log.Error("unsubscribe", "err", err)
	w.Header().Set("Retry-After", "60")
	s.showUnsubscribe(w, r, http.StatusServiceUnavailable, unsubscribePage{Title: "unsubscribe.title", What: "unsubscribe.later"})
}

// showUnsubscribe writes the page in the reader's language.
func (s *Server) showUnsubscribe(w http.ResponseWriter, r *http.Request, status int, p unsubscribePage) {
	p.view = view{s.config.Words, readerLang(r), s.config}
	if token := r.URL.Query().Get("t"); p.Action != "" {
		other := i18n.English
		if p.Lang == i18n.English {
			other = i18n.Japanese
		}
		p.Other = unsubscribePath + "?" + url.Values{"t": {token}, "lang": {string(other)}}.Encode()
	}
	w.Header().Set("Cache-Control", "no-store")
	s.show(w, status, p.Lang, "unsubscribe.html", p)
}
