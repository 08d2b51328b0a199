package webd

import (
	"bytes"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

// FuzzOwnPath: wherever somebody wants to go on to, it is in the panel, as a browser reads it too.
func FuzzOwnPath(f *testing.F) {
	for _, next := range []string{"/panel/accounts?x=1#y", "//evil.example", `/panel/\evil`, "/panel/..", "https:/panel/", "/panel/%2e%2e/x", "/panel/;/x"} {
		f.Add(next)
	}
	base, err := url.Parse("https://mail.tegami.example/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := ownPath(next)
		if got == "" {
			return
		}
		at, err := base.Parse(got)
		if err != nil || at.Host != base.Host || at.Scheme != "https" || !strings.HasPrefix(at.Path, panelPath) && !strings.HasPrefix(at.Path, mailPath) && !strings.HasPrefix(at.Path, standardPath) || strings.ContainsAny(got, "\\\r\n") {
			t.Errorf("%q leads to %q: %v, %v", next, got, at, err)
		}
	})
}

// FuzzPasskeyRequest: what a script sends is read, or refused for a reason.
func FuzzPasskeyRequest(f *testing.F) {
	f.Add([]byte(`{"step":"factor","ceremony":"x","credential":{}}`), "factor.abc")
	f.Add([]byte(`{"step":"sign-in"`), "change.")
	f.Fuzz(func(t *testing.T, body []byte, step string) {
		r := httptest.NewRequest("POST", "/login/passkey/finish", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Cookie", formCookie+"=x; "+stepCookie+"="+step)
		r.Header.Set(formHeader, formToken("x"))
		in, token, err := readPasskey(r)
		at, _ := readStep(r)
		switch {
		case err != nil && !mail.Is(err, mail.Invalid) && !mail.Is(err, mail.Denied):
			t.Error(err)
		case err == nil && in.Step == "factor" && at != directory.StepFactor:
			t.Errorf("step %q with a token %q of %q", in.Step, token, at)
		}
	})
}
