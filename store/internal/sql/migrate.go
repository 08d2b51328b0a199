package sql

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"tegami/mail"
)

//go:embed migrations
var migrationFiles embed.FS

// Migration is one step of the schema, forward only.
type Migration struct {
	Version    int
	Name       string   // "0001_base"
	Statements []string // in the dialect; the last one records the version
}

// Schema is a database that can be migrated.
type Schema interface {
	// Version gives the version the database has; 0 for an empty one. The table is migration (version).
	Version() (int, error)
	// Apply runs the statements in one transaction.
	Apply(Migration) error
}

// Migrations gives all steps of a dialect in order. A step is migrations/NNNN_name.sql, with
// tokens, and what only one dialect needs after it in NNNN_name.DIALECT.sql.
func Migrations(d Dialect) ([]Migration, error) {
	dir, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	return readMigrations(dir, d)
}

func readMigrations(dir fs.FS, d Dialect) ([]Migration, error) {
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, err
	}
	steps := make(map[int]*Migration)
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(base(a), base(b)) })
	for _, file := range names {
		name, only, _ := strings.Cut(strings.TrimSuffix(file, ".sql"), ".")
		if only != "" && only != d.Name {
			continue
		}
		text, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, err
		}
		version, err := strconv.Atoi(name[:min(4, len(name))])
		if err != nil || version < 1 {
			return nil, fmt.Errorf("migration %q: want NNNN_name.sql", file)
		}
		if steps[version] == nil {
			steps[version] = &Migration{Version: version, Name: name}
		}
		steps[version].add(d, string(text))
	}
	return inOrder(steps)
}

// base puts the common file of a step before its dialects' ones.
func base(file string) string { return strings.TrimSuffix(file, ".sql") }

// inOrder checks that the steps have no holes and ends each with the record of its version.
func inOrder(steps map[int]*Migration) ([]Migration, error) {
	list := make([]Migration, 0, len(steps))
	for v := 1; v <= len(steps); v++ {
		m := steps[v]
		if m == nil {
			return nil, fmt.Errorf("migration %d is missing", v)
		}
		if v == 1 {
			m.Statements = append(m.Statements, "CREATE TABLE migration (version INTEGER NOT NULL)", "INSERT INTO migration (version) VALUES (1)")
		} else {
			m.Statements = append(m.Statements, fmt.Sprintf("UPDATE migration SET version = %d", v))
		}
		list = append(list, *m)
	}
	return list, nil
}

// add appends the statements of a file, which end in ";" at the end of a line.
func (m *Migration) add(d Dialect, text string) {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	for s := range strings.SplitSeq(strings.Join(lines, ""), ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			m.Statements = append(m.Statements, d.Expand(s))
		}
	}
}

// Migrate brings a database to the newest version. A database that is newer than this
// program is left alone: Unavailable with "storage.newer".
func Migrate(d Dialect, s Schema) error {
	steps, err := Migrations(d)
	if err != nil {
		return mail.Because("store.Migrate", mail.Other, "", err)
	}
	return migrateTo(steps, s)
}

func migrateTo(steps []Migration, s Schema) error {
	const op mail.Op = "store.Migrate"
	have, err := s.Version()
	if err != nil {
		return mail.Wrap(op, err)
	}
	if have > len(steps) {
		return mail.E(op, mail.Unavailable, "storage.newer", have, len(steps))
	}
	for _, m := range steps[have:] {
		if err := s.Apply(m); err != nil {
			return mail.Wrap(op, fmt.Errorf("%s: %w", m.Name, err))
		}
	}
	return nil
}
