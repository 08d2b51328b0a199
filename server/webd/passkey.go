package webd

import (
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"

	"tegami/directory"
	"tegami/mail"
)

// formHeader carries the token of forms where a script asks.
const formHeader = "Tegami-Form"

// passkeyIn is what the page's script asks for.
type passkeyIn struct {
	Step       string          `json:"step"` // "factor", or "sign-in" at the very beginning
	Ceremony   string          `json:"ceremony"`
	Credential json.RawMessage `json:"credential"`
	Next       string          `json:"next"`
	Version    string          `json:"version"` // of the webmail; "" = as before
}

// readPasskey reads a request of the script. Denied "auth.foreign_page"; Invalid "request.malformed".
func readPasskey(r *http.Request) (in passkeyIn, token string, err error) {
	const op = "webd.readPasskey"
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	have := cookie(r, formCookie)
	if have == "" || kind != "application/json" || !ownOrigin(r) ||
		subtle.ConstantTimeCompare([]byte(formToken(have)), []byte(r.Header.Get(formHeader))) != 1 {
		return in, "", mail.E(op, mail.Denied, "auth.foreign_page")
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return in, "", mail.Because(op, mail.Invalid, "request.malformed", err)
	}
	if in.Step == string(directory.StepFactor) {
		at, step := readStep(r)
		if at != directory.StepFactor {
			return in, "", mail.E(op, mail.Denied, "auth.step_over")
		}
		token = step
	}
	return in, token, nil
}

// beginPasskey asks the browser for a passkey.
func (s *Server) beginPasskey(w http.ResponseWriter, r *http.Request) {
	_, token, err := readPasskey(r)
	var c directory.Ceremony
	if err == nil {
		c, err = s.dir.BeginPasskey(r.Context(), s.browser(r), r.Host, token)
	}
	if err != nil {
		s.refusePasskey(w, r, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"options": c.Options, "ceremony": c.Token})
}

// finishPasskey takes what the browser answered.
func (s *Server) finishPasskey(w http.ResponseWriter, r *http.Request) {
	in, token, err := readPasskey(r)
	var step *directory.WebStep
	if err == nil {
		step, err = s.dir.ShowPasskey(r.Context(), s.browser(r), token, in.Ceremony, in.Credential)
	}
	if err != nil {
		s.refusePasskey(w, r, err)
		return
	}
	if step.Step != directory.StepDone {
		setCookie(w, stepCookie, stepValue(step), step.Until)
		answer(w, http.StatusOK, map[string]any{"next": (&page{Next: ownPath(in.Next)}).Self()})
		return
	}
	giveSession(w, step)
	version := versionOf(r, ownPath(in.Next))
	if versionPaths[in.Version] != "" {
		version = in.Version
	}
	s.keepVersion(w, r, version, step.Token)
	answer(w, http.StatusOK, map[string]any{"next": s.landing(r, ownPath(in.Next), version, step.Token)})
}

// refusePasskey says what was wrong, in words.
func (s *Server) refusePasskey(w http.ResponseWriter, r *http.Request, err error) {
	kind := mail.KindOf(err)
	if kind == mail.Other || kind == mail.Unavailable {
		s.log.Error("passkey", "err", err)
	}
	key, _ := mail.TextOf(err)
	answer(w, statuses[kind], map[string]any{"key": key, "detail": s.config.Words.Error(readerLang(r), err)})
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
