package restd

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tegami/directory"
	"tegami/mail"
	"tegami/server/door"
)

// SessionCookie holds the token of a signed-in browser. Its prefix binds it to this host and to TLS.
const SessionCookie = "__Host-tegami"

// PageHeader must be on every request that a browser's session makes and that changes something: a foreign page can't set it.
const PageHeader = "Tegami-Page"

// ReasonHeader says why an operator changes something of a company: its operation log shows it (CP-7). Text that is not ASCII is written
// as UTF-8”%E5%95%8F… (RFC 8187 §3.2), since browsers send nothing else in a header; raw UTF-8 is taken as well.
const ReasonHeader = "Tegami-Reason"

// admit finds out who calls and whether he may, and puts the Call before the operation.
func (s *Server) admit(o operation) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		a := w.(*answer) // serve made it
		call, err := s.call(a, r, o)
		if err != nil {
			s.refuse(a, err)
			return
		}
		ctx, cancel := o.deadline(hc.Context())
		defer cancel()
		o.bounded(w, r)
		s.once(a, call, o, func() {
			next(huma.WithContext(hc, context.WithValue(ctx, callKey{}, call)))
		})
	}
}

// call makes the Call of a request.
func (s *Server) call(a *answer, r *http.Request, o operation) (*Call, error) {
	const op = "restd.call"
	call := &Call{Lang: a.lang, answer: a}
	if o.Public {
		return call, s.countStranger(a, s.origin(a).Remote)
	}
	var err error
	if call.Caller, err = s.caller(a, r); err != nil {
		return call, err
	}
	a.who = call.Caller.Actor().Name()
	if call.Caller.Lang() != "" && r.Header.Get("Accept-Language") == "" {
		call.Lang, a.lang = call.Caller.Lang(), call.Caller.Lang()
	}
	if err := s.enter(call, r); err != nil {
		return call, err
	}
	if !call.May(o.Right) {
		return call, mail.E(op, mail.Denied, "actor.denied")
	}
	if a.reading() {
		return call, nil
	}
	if err := s.mayWrite(call, r); err != nil {
		return call, err
	}
	if o.Fresh && call.InBrowser() {
		return call, s.dir.Confirmed(r.Context(), call.Caller)
	}
	return call, nil
}

// enter finds the company of the path. For somebody else's it is as if there were none.
func (s *Server) enter(call *Call, r *http.Request) error {
	ref := r.PathValue("tenant")
	if ref == "" {
		return nil
	}
	if call.TenantID.UnmarshalText([]byte(ref)) != nil || !call.Operator() && call.TenantID != call.Tenant() {
		return mail.E("restd.enter", mail.NotFound, "tenant.unknown", ref)
	}
	if _, err := s.dir.Tenant(r.Context(), call.TenantID); err != nil {
		return err
	}
	call.Company = s.dir.Company(call.TenantID)
	return nil
}

// mayWrite holds back what is not to be changed yet, or not without a word: a company's people and keys change nothing before
// its service start date (CP-2), and operators say why they change something there (CP-6).
func (s *Server) mayWrite(call *Call, r *http.Request) error {
	const op = "restd.mayWrite"
	if !call.Operator() {
		t, err := s.dir.Tenant(r.Context(), call.Tenant())
		if err != nil {
			return err
		}
		return t.Usable(op, time.Now())
	}
	if call.Company == nil {
		return nil
	}
	var err error
	call.Reason, err = reasonOf(r.Header.Get(ReasonHeader))
	if err == nil && call.Reason == "" && call.answer.caller == nil {
		err = mail.E(op, mail.Invalid, "reason.required")
	}
	return err
}

// reasonOf reads why an operator acts. Invalid "reason.malformed", "reason.too_long".
func reasonOf(text string) (string, error) {
	const op = "restd.reasonOf"
	if coded, ok := strings.CutPrefix(text, "UTF-8''"); ok {
		plain, err := url.PathUnescape(coded)
		if err != nil {
			return "", mail.Because(op, mail.Invalid, "reason.malformed", err)
		}
		text = plain
	}
	text = strings.TrimSpace(text)
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "", mail.E(op, mail.Invalid, "reason.malformed")
	case len(text) > mail.MaxReason:
		return "", mail.E(op, mail.Invalid, "reason.too_long", mail.MaxReason)
	}
	return text, nil
}

// caller knows who calls, and counts the request: to him, or to his network if he can't prove it.
func (s *Server) caller(a *answer, r *http.Request) (*directory.Caller, error) {
	if a.caller != nil {
		return a.caller, nil
	}
	origin := s.origin(a)
	if err := s.strange(a, origin.Remote); err != nil {
		return nil, err
	}
	c, err := s.whoCalls(r, origin)
	if mail.Is(err, mail.Denied) {
		if limited := s.countStranger(a, origin.Remote); limited != nil {
			return nil, limited
		}
	}
	if err != nil {
		return nil, err
	}
	by := c.Actor()
	return c, s.count(a, rate{"caller", s.limits.Calls}, by.Tenant().String()+"/"+by.Name())
}

// whoCalls knows the caller by an API key or a browser's session.
func (s *Server) whoCalls(r *http.Request, origin mail.Origin) (*directory.Caller, error) {
	const op = "restd.whoCalls"
	if kind, key, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "Bearer") {
		return s.dir.CallerByKey(r.Context(), origin, strings.TrimSpace(key))
	}
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return nil, mail.E(op, mail.Denied, "auth.required")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get(PageHeader) == "" {
		return nil, mail.E(op, mail.Denied, "auth.foreign_page")
	}
	return s.dir.CallerBySession(r.Context(), origin, cookie.Value)
}

// origin is where a request comes from.
func (s *Server) origin(a *answer) mail.Origin {
	return door.OriginOf(a.request, "web", s.config.Zone, a.id)
}
