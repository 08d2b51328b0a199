// Package stores opens stores for tests of the rooms above: in files of their own, closed when the test ends.
package stores

import (
	"testing"

	"tegami/store/embedded"
)

// Open gives a new embedded store. That it can't be opened, or closed, fails the test.
func Open(t testing.TB) *embedded.Store {
	t.Helper()
	return OpenWith(t, embedded.Options{})
}

// OpenWith is Open with options.
func OpenWith(t testing.TB, o embedded.Options) *embedded.Store {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}
