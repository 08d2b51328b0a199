package cluster

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tegami/mail"
	"tegami/store/internal/sql"
)

// migrate brings the schema to this program's version as its owner, and lets the role app work in it.
func migrate(ctx context.Context, owner, app string) error {
	const op mail.Op = "cluster.Migrate"
	db, err := pgx.Connect(ctx, owner)
	if err != nil {
		return mail.Because(op, mail.Unavailable, "storage.failed", err)
	}
	defer db.Close(ctx)
	if err := migrateTogether(ctx, db); err != nil {
		return mail.Wrap(op, err)
	}
	role := pgx.Identifier{app}.Sanitize()
	for _, text := range []string{
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + role,
		"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO " + role,
	} {
		if err := retried(func() error { _, err := db.Exec(ctx, text); return err }); err != nil {
			return mail.Wrap(op, storageError(err))
		}
	}
	return nil
}

// migrateTogether migrates where several processes may do so at once: whose step fails because another made it looks again.
func migrateTogether(ctx context.Context, db *pgx.Conn) error {
	var err error
	for range maxTries {
		before, _ := schema{ctx, db}.Version()
		if err = sql.Migrate(sql.Postgres(), schema{ctx, db}); err == nil {
			return nil
		}
		if after, _ := (schema{ctx, db}).Version(); after == before && !inTheWay(err) {
			return err
		}
	}
	return err
}

// retried runs fn again while others are in its way.
func retried(fn func() error) error {
	var err error
	for range maxTries {
		var refused *pgconn.PgError
		// XX000 is "tuple concurrently updated", of two that grant at once.
		if err = fn(); err == nil || !inTheWay(err) && !(errors.As(err, &refused) && refused.Code == "XX000") {
			return err
		}
	}
	return err
}

// schema fulfils sql.Schema.
type schema struct {
	ctx context.Context
	db  *pgx.Conn
}

// Version gives the version the database has.
func (s schema) Version() (int, error) {
	var exists bool
	if err := s.db.QueryRow(s.ctx, "SELECT to_regclass('migration') IS NOT NULL").Scan(&exists); err != nil {
		return 0, storageError(err)
	}
	if !exists {
		return 0, nil
	}
	var version int
	if err := s.db.QueryRow(s.ctx, statementTexts[stVersion]).Scan(&version); err != nil {
		return 0, storageError(err)
	}
	return version, nil
}

// Apply runs one step in one transaction.
func (s schema) Apply(m sql.Migration) error {
	err := pgx.BeginFunc(s.ctx, s.db, func(tx pgx.Tx) error {
		for _, text := range m.Statements {
			if _, err := tx.Exec(s.ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return storageError(err)
	}
	return nil
}

// rightVersion makes sure that the schema is the one this program knows.
func (s *Store) rightVersion(ctx context.Context) error {
	const op mail.Op = "cluster.Open"
	steps, err := sql.Migrations(sql.Postgres())
	if err != nil {
		return mail.Because(op, mail.Other, "", err)
	}
	var have int64
	err = s.ask(ctx, stVersion, func(r sql.Row) bool { have = r.Int(0); return false })
	switch {
	case err != nil:
		return mail.Wrap(op, err)
	case int(have) > len(steps):
		return mail.E(op, mail.Unavailable, "storage.newer", have, len(steps))
	case int(have) < len(steps):
		return mail.E(op, mail.Unavailable, "storage.older", have, len(steps))
	}
	return nil
}

// rightRole makes sure that row-level security holds for the role the store works as.
func (s *Store) rightRole(ctx context.Context) error {
	const op mail.Op = "cluster.Open"
	bypass := true
	if err := s.ask(ctx, stBypass, func(r sql.Row) bool { bypass = r.Int(0) != 0; return false }); err != nil {
		return mail.Wrap(op, err)
	}
	if bypass {
		return mail.E(op, mail.Invalid, "storage.config")
	}
	return nil
}
