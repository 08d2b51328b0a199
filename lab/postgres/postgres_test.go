package postgres

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDatabasesAreApart(t *testing.T) {
	s := Start(t)
	ctx := context.Background()
	a, b := s.Database(t), s.Database(t)
	run := func(dsn, text string) error {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, text)
		return err
	}
	if err := run(a.Owner, "CREATE TABLE here (n BIGINT)"); err != nil {
		t.Fatal(err)
	}
	if err := run(b.Owner, "SELECT n FROM here"); err == nil {
		t.Error("a table of one database is in another")
	}
	if err := run(s.Copy(t, a).Owner, "SELECT n FROM here"); err != nil {
		t.Errorf("a copy has not what its original has: %v", err)
	}
	if err := run(a.App, "SELECT n FROM here"); err == nil {
		t.Error("the application's role may read what was not granted to it")
	}
	if err := run(s.Superuser(a), "SELECT n FROM here"); err != nil {
		t.Error(err)
	}
}
