package embedded

import (
	"testing"

	"tegami/store"
	"tegami/store/storetest"
)

var _ store.Store = (*Store)(nil)

// openTest opens a store that is closed when the test ends.
func openTest(t testing.TB, o Options) *Store {
	t.Helper()
	return openDir(t, t.TempDir(), o)
}

func openDir(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return openTest(t, Options{}) })
}

func TestReopen(t *testing.T) {
	storetest.RunReopen(t, storetest.LeasesDie,
		func(t testing.TB) store.Store { return openTest(t, Options{}) },
		func(t testing.TB, s store.Store) store.Store {
			old := s.(*Store)
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
			return openDir(t, old.dir, Options{})
		})
}
