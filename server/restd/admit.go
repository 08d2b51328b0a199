package restd

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
)

// SessionCookie holds the token of a signed-in browser. Its prefix binds it to this host and to TLS.
const SessionCookie = "__Host-tegami"

// PageHeader must be on every request that a browser's session makes and that changes something: a foreign page can't set it.
const PageHeader = "Tegami-Page"

// admit finds out who calls and whether he may, and puts the Call before the operation.
func (s *Server) admit(o operation) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		call, err := s.call(r, o)
		if call == nil {
			call = &Call{Lang: langOf(r)}
		}
		if err != nil {
			s.refuse(w, call.Lang, err)
			return
		}
		next(huma.WithValue(hc, callKey{}, call))
	}
}

// call makes the Call of a request.
func (s *Server) call(r *http.Request, o operation) (*Call, error) {
	const op = "restd.call"
	call := &Call{Lang: langOf(r)}
	if o.Public {
		return call, nil
	}
	var err error
	if call.Caller, err = s.whoCalls(r); err != nil {
		return call, err
	}
	if call.Caller.Lang() != "" && r.Header.Get("Accept-Language") == "" {
		call.Lang = call.Caller.Lang()
	}
	if ref := r.PathValue("tenant"); ref != "" {
		unknown := mail.E(op, mail.NotFound, "tenant.unknown", ref)
		if call.TenantID.UnmarshalText([]byte(ref)) != nil || !call.Operator() && call.TenantID != call.Tenant() {
			return call, unknown
		}
		if _, err := s.dir.Tenant(r.Context(), call.TenantID); err != nil {
			return call, err
		}
		call.Company = s.dir.Company(call.TenantID)
	}
	if !call.May(o.Right) {
		return call, mail.E(op, mail.Denied, "actor.denied")
	}
	return call, nil
}

// whoCalls knows the caller by an API key or a browser's session.
func (s *Server) whoCalls(r *http.Request) (*directory.Caller, error) {
	const op = "restd.whoCalls"
	origin := s.origin(r)
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.dir.CallerByKey(r.Context(), origin, key)
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
func (s *Server) origin(r *http.Request) mail.Origin {
	o := mail.Origin{Door: "web", Zone: s.config.Zone}
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		o.Remote = at.Addr().Unmap()
	}
	return o
}

// langOf is the language a request asks for: Japanese unless it asks for English.
func langOf(r *http.Request) string {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(part, ";")
		if lang, ok := i18n.ParseLang(strings.TrimSpace(tag)); ok {
			return string(lang)
		}
	}
	return string(i18n.Japanese)
}
