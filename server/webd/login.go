package webd

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// statuses are those of answers to a form that was refused.
var statuses = map[mail.Kind]int{
	mail.Other: http.StatusInternalServerError, mail.Invalid: http.StatusUnprocessableEntity, mail.Denied: http.StatusUnauthorized,
	mail.NotFound: http.StatusNotFound, mail.Conflict: http.StatusConflict, mail.Full: http.StatusUnprocessableEntity,
	mail.Busy: http.StatusTooManyRequests, mail.Unavailable: http.StatusServiceUnavailable,
}

// showLogin shows the step that comes next, the first one where none was begun.
func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) {
	p := s.newPage(w, r)
	b := s.browser(r)
	if r.URL.Query().Has("restart") {
		dropCookie(w, stepCookie)
		s.showStep(w, r, p, nil, nil)
		return
	}
	if token := cookie(r, sessionCookie); token != "" {
		if _, err := s.dir.CallerBySession(r.Context(), b.Origin, token); err == nil {
			http.Redirect(w, r, s.landing(r, p.Next, p.Version, token), http.StatusSeeOther)
			return
		}
	}
	at, token := readStep(r)
	if at == "" {
		s.showStep(w, r, p, nil, nil)
		return
	}
	step, err := s.dir.StepOf(r.Context(), b, at, token)
	if err == nil && step.Step == directory.StepDone {
		s.entered(w, r, p, step)
		return
	}
	s.showStep(w, r, p, step, err)
}

// postLogin takes a form of a step.
func (s *Server) postLogin(w http.ResponseWriter, r *http.Request) {
	p := s.newPage(w, r)
	if !ownForm(r) {
		s.showStep(w, r, p, nil, mail.E("webd.postLogin", mail.Denied, "auth.foreign_page"))
		return
	}
	if v := r.PostFormValue("version"); versionPaths[v] != "" {
		p.Version = v
		rememberVersion(w, v)
		if strings.HasPrefix(p.Next, versionPaths[otherVersion(v)]) {
			p.Next = ""
		}
	}
	step, err := s.take(r)
	switch {
	case err != nil:
		s.again(w, r, p, err)
	case step.Step == directory.StepDone:
		s.entered(w, r, p, step)
	default:
		setCookie(w, stepCookie, stepValue(step), step.Until)
		http.Redirect(w, r, p.Self(), http.StatusSeeOther)
	}
}

// take does what a form asks for.
func (s *Server) take(r *http.Request) (*directory.WebStep, error) {
	b := s.browser(r)
	at, token := readStep(r)
	switch r.PostFormValue("do") {
	case "password":
		return s.dir.BeginWeb(r.Context(), b, r.PostFormValue("name"), r.PostFormValue("password"))
	case "factor":
		return s.dir.ShowCode(r.Context(), b, token, r.PostFormValue("code"), r.PostFormValue("trust") != "")
	case "change":
		if r.PostFormValue("password") != r.PostFormValue("again") {
			return nil, mail.E("webd.take", mail.Invalid, "login.not_the_same")
		}
		return s.dir.ChangeOld(r.Context(), b, token, r.PostFormValue("password"))
	case "enrol":
		return s.dir.Enrol(r.Context(), b, token, r.PostFormValue("code"))
	case "later":
		return s.dir.PutOff(r.Context(), b, token)
	}
	return nil, mail.E("webd.take", mail.Invalid, "auth.step_over", string(at))
}

// again shows a step once more, with what was wrong. A sign-in that can't go on begins anew.
func (s *Server) again(w http.ResponseWriter, r *http.Request, p *page, wrong error) {
	at, token := readStep(r)
	key, _ := mail.TextOf(wrong)
	if at == "" || r.PostFormValue("do") == "password" || key == "auth.step_over" {
		dropCookie(w, stepCookie)
		s.showStep(w, r, p, nil, wrong)
		return
	}
	step, err := s.dir.StepOf(r.Context(), s.browser(r), at, token)
	if err != nil {
		dropCookie(w, stepCookie)
		s.showStep(w, r, p, nil, err)
		return
	}
	s.showStep(w, r, p, step, wrong)
}

// entered gives the browser its session. Recovery codes are shown first, where there are new ones.
func (s *Server) entered(w http.ResponseWriter, r *http.Request, p *page, step *directory.WebStep) {
	giveSession(w, step)
	s.keepVersion(w, r, p.Version, step.Token)
	p.Next = s.landing(r, p.Next, p.Version, step.Token)
	if len(step.Recovery) == 0 {
		http.Redirect(w, r, p.Next, http.StatusSeeOther)
		return
	}
	p.View, p.Step, p.Title = "codes", step, "login.codes_title"
	s.render(w, http.StatusOK, p)
}

// giveSession gives the browser its session, in place of what it had on the way there.
func giveSession(w http.ResponseWriter, step *directory.WebStep) {
	dropCookie(w, stepCookie)
	dropCookie(w, formCookie)
	setCookie(w, sessionCookie, step.Token, step.Until)
	if step.Trust != "" {
		setCookie(w, trustCookie, step.Trust, step.TrustUntil)
	}
}

// views are what is shown for each step, with its title.
var views = map[directory.Step][2]string{
	"":                   {"password", "login.title"},
	directory.StepFactor: {"factor", "login.factor_title"},
	directory.StepChange: {"change", "login.change_title"},
	directory.StepEnrol:  {"enrol", "login.enrol_title"},
}

// showStep shows a step, the first one for nil, and what was wrong with what was sent.
func (s *Server) showStep(w http.ResponseWriter, r *http.Request, p *page, step *directory.WebStep, wrong error) {
	status := http.StatusOK
	if step != nil && step.Step != "" {
		p.Step = step
		setCookie(w, stepCookie, stepValue(step), step.Until)
	}
	if p.Step.Step == directory.StepEnrol {
		e, err := s.dir.Enrolment(r.Context(), s.browser(r), p.Step.Token)
		if err != nil {
			p.Step, wrong = &directory.WebStep{}, err
		}
		p.Enrolment = e
	}
	if wrong != nil {
		kind := mail.KindOf(wrong)
		status = statuses[kind]
		if kind == mail.Other || kind == mail.Unavailable {
			s.log.Error("sign-in", "err", wrong)
		}
		p.Wrong = s.config.Words.Error(p.Lang, wrong)
		p.Name = r.PostFormValue("name")
	}
	view := views[p.Step.Step]
	p.View, p.Title = view[0], view[1]
	s.render(w, status, p)
}

// askLogout shows a button: a link must not sign anybody out.
func (s *Server) askLogout(w http.ResponseWriter, r *http.Request) {
	p := s.newPage(w, r)
	p.View, p.Title = "logout", "login.logout_title"
	s.render(w, http.StatusOK, p)
}

// logout ends the session.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	p := s.newPage(w, r)
	// The panel's script asks without a form, with the header that no foreign page can set.
	if !(r.Header.Get("Tegami-Page") != "" && ownOrigin(r)) && !ownForm(r) {
		p.View, p.Title = "logout", "login.logout_title"
		s.render(w, http.StatusForbidden, p)
		return
	}
	if token := cookie(r, sessionCookie); token != "" {
		if err := s.dir.EndSession(r.Context(), s.browser(r).Origin, token); err != nil {
			s.log.Error("sign-out", "err", err)
		}
	}
	dropCookie(w, sessionCookie)
	dropCookie(w, stepCookie)
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, "/login?"+url.Values{"out": {"1"}}.Encode(), http.StatusSeeOther)
}

// rememberLang keeps the language that somebody chose on the page.
func rememberLang(w http.ResponseWriter, lang string) {
	setCookie(w, langCookie, lang, time.Now().AddDate(1, 0, 0))
}
