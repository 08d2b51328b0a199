package imapd

import (
	"testing"
	"time"

	"tegami/lab/dialog"
)

// TestDialogs runs every dialog of testdata against the door, each with an account of its own, and another of a colleague.
func TestDialogs(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	dialog.RunAll(t, "testdata/*.dialog", func(t testing.TB) (string, map[string]string) {
		return addr, map[string]string{
			"addr": addr, "user": h.user(t, "alpha.example"), "password": `"` + password + `"`, "secret": password,
			"colleague": h.user(t, "alpha.example"),
		}
	})
}

// TestDialogsTLS runs the dialogs of a door as the internet sees it: no passwords without TLS.
func TestDialogsTLS(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{TLS: certificate(t)})
	dialog.RunAll(t, "testdata/tls/*.dialog", func(t testing.TB) (string, map[string]string) {
		return addr, map[string]string{"user": h.user(t, "alpha.example"), "password": `"` + password + `"`, "secret": password}
	})
}

// TestSV7IMAPSOption: without the option IMAP says that it is not contracted, and not that the password is wrong.
func TestSV7IMAPSOption(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	dialog.RunAll(t, "testdata/option/*.dialog", func(t testing.TB) (string, map[string]string) {
		return addr, map[string]string{"user": h.user(t, "plain.example"), "password": `"` + password + `"`, "secret": password}
	})
}

// TestDialogsLimits runs dialogs against doors with narrow limits.
func TestDialogsLimits(t *testing.T) {
	h := newHouse(t)
	for dir, limits := range map[string]Limits{
		"limits":     {Message: 1000, Errors: 3},
		"slow_login": {Login: 50 * time.Millisecond},
		"silence":    {Keepalive: 50 * time.Millisecond, Idle: time.Second},
	} {
		addr := h.door(t, Config{AllowPlainAuth: true, Limits: limits})
		dialog.RunAll(t, "testdata/"+dir+"/*.dialog", func(t testing.TB) (string, map[string]string) {
			return addr, map[string]string{"user": h.user(t, "alpha.example"), "password": `"` + password + `"`}
		})
	}
}
