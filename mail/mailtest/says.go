// Package mailtest is for tests of whatever gives errors of package mail.
package mailtest

import (
	"testing"

	"tegami/mail"
)

// Says wants an error of a kind with a key of the catalogue.
func Says(t testing.TB, err error, kind mail.Kind, key string) {
	t.Helper()
	if got, _ := mail.TextOf(err); !mail.Is(err, kind) || got != key {
		t.Errorf("got %v, want %v [%s]", err, kind, key)
	}
}
