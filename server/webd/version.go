package webd

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegami/directory"
	"tegami/wire/jmap"
)

// The versions of the webmail (SV-1). Both have one address for all who sign in (SV-11); which one opens is chosen there and kept.
const (
	advanced = "advanced"
	standard = "standard"
)

// versionCookie keeps the version that was chosen in a browser.
const versionCookie = "__Host-tegami-version"

// versionOf is the version that the sign-in page proposes: that of the page somebody was led from, else the one chosen in this browser, the Advanced
// one where none was.
func versionOf(r *http.Request, next string) string {
	switch {
	case strings.HasPrefix(next, standardPath):
		return standard
	case strings.HasPrefix(next, mailPath), cookie(r, versionCookie) != standard:
		return advanced
	}
	return standard
}

// otherVersion is the one that was not chosen.
func otherVersion(version string) string {
	if version == standard {
		return advanced
	}
	return standard
}

func rememberVersion(w http.ResponseWriter, version string) {
	setCookie(w, versionCookie, version, time.Now().AddDate(1, 0, 0))
}

// versionPaths are where the versions are.
var versionPaths = map[string]string{advanced: mailPath, standard: standardPath}

// landing is where somebody goes who has signed in: to where he was led from, else to his webmail, else to the panel. Who chose a version is not led
// back to the other one.
func (s *Server) landing(r *http.Request, next, version, token string) string {
	if strings.HasPrefix(next, panelPath) || token == "" {
		return next
	}
	if _, err := s.dir.IdentityBySession(r.Context(), directory.Webmail(s.browser(r).Origin), token); err != nil {
		return panelPath // operators, and who may not read mail here
	}
	home := versionPaths[version]
	if next == "" || !strings.HasPrefix(next, home) {
		return home
	}
	return next
}

// changeVersion leads to the other version, and keeps that.
func (v *visit) changeVersion() {
	to := v.r.PostFormValue("version")
	path, ok := versionPaths[to]
	if !ok {
		to, path = standard, standardPath
	}
	if _, err := v.set("Settings/set", args{"update": args{"singleton": args{"client": to}}}); err != nil {
		v.fail(err)
		return
	}
	rememberVersion(v.w, to)
	v.leave(path, url.Values{})
}

// keepVersion notes in somebody's choices which version he signed in to. That it could not be noted keeps nobody out.
func (s *Server) keepVersion(w http.ResponseWriter, r *http.Request, version, token string) {
	rememberVersion(w, version)
	if s.config.JMAP == nil {
		return
	}
	who, err := s.dir.IdentityBySession(r.Context(), directory.Webmail(s.browser(r).Origin), token)
	if err != nil {
		return // an operator has no choices
	}
	v := &visit{server: s, w: w, r: r, who: who, account: jmap.Of(jmap.LetterAccount, who.Account().ID), Lang: readerLang(r)}
	var have listOf[settings]
	err = v.talk(ask{"Settings/get", args{"ids": nil}, &have})
	if now, ok := have.first(); err == nil && ok && now.Client != version {
		_, err = v.set("Settings/set", args{"update": args{"singleton": args{"client": version}}})
	}
	if err != nil {
		s.log.Warn("version", "err", err)
	}
}
