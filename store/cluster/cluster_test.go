package cluster

import (
	"context"
	"testing"

	"tegami/lab/postgres"
	"tegami/store"
	"tegami/store/storetest"
)

// stand is a server with a database that has the schema, to be copied.
type stand struct {
	server *postgres.Server
	model  postgres.Database
}

func newStand(t testing.TB) stand {
	server := postgres.Start(t)
	model := server.Database(t)
	if err := migrate(context.Background(), model.Owner, "tegami"); err != nil {
		t.Fatal(err)
	}
	return stand{server, model}
}

// config is that of a store of its own.
func (s stand) config(t testing.TB) Config {
	db := s.server.Copy(t, s.model)
	return Config{DSN: db.App, OwnerDSN: db.Owner, Objects: Folder{t.TempDir()}}
}

func open(t testing.TB, config Config) *Store {
	s, err := Open(context.Background(), config)
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

func TestContract(t *testing.T) {
	stand := newStand(t)
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, stand.config(t)) })
}

func TestContractOverRestart(t *testing.T) {
	stand := newStand(t)
	storetest.RunReopen(t, storetest.LeasesOutlive, func(t testing.TB) store.Store { return open(t, stand.config(t)) },
		func(t testing.TB, s store.Store) store.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, s.(*Store).config)
		})
}
