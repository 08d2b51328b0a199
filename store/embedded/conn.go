package embedded

import (
	"fmt"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"tegami/mail"
	"tegami/store/internal/sql"
)

// conn is a connection to a tenant's database. It is the only place that knows the driver.
type conn struct {
	db     *sqlite.Conn
	texts  []string
	stmts  []*sqlite.Stmt // by sql.Query, prepared when first used
	begin  *sqlite.Stmt
	commit *sqlite.Stmt
	row    row
}

// openConn opens a database, making it if it is not there. A writer's transactions take the lock at once.
func openConn(path string, texts []string, writer bool) (*conn, error) {
	const op mail.Op = "embedded.Open"
	db, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return nil, failure(op, err)
	}
	c := &conn{db: db, texts: texts, stmts: make([]*sqlite.Stmt, len(texts))}
	if err := c.setUp(writer); err != nil {
		db.Close()
		return nil, failure(op, err)
	}
	return c, nil
}

func (c *conn) setUp(writer bool) (err error) {
	c.db.SetBusyTimeout(busyTimeout)
	pragmas := []string{"journal_mode=WAL", "synchronous=FULL", fmt.Sprintf("cache_size=-%d", readerCache), "wal_autocheckpoint=0"}
	begin := "BEGIN"
	if writer {
		begin = "BEGIN IMMEDIATE"
		pragmas = append(pragmas, fmt.Sprintf("cache_size=-%d", writerCache), fmt.Sprintf("wal_autocheckpoint=%d", checkpointPages))
	}
	for _, p := range pragmas {
		if err := c.script("PRAGMA " + p); err != nil {
			return err
		}
	}
	if c.begin, err = c.db.Prepare(begin); err != nil {
		return err
	}
	c.commit, err = c.db.Prepare("COMMIT")
	return err
}

// script runs one statement that is not worth keeping.
func (c *conn) script(text string) error {
	s, _, err := c.db.PrepareTransient(text)
	if err != nil {
		return err
	}
	defer s.Finalize()
	for more := true; more && err == nil; {
		more, err = s.Step()
	}
	return err
}

// Begin starts a transaction.
func (c *conn) Begin() error { return c.run("embedded.Begin", c.begin) }

// Commit ends it, for good when it returns nil. If it fails, nothing is kept, and Rollback must follow.
func (c *conn) Commit() error { return c.run("embedded.Commit", c.commit) }

// Rollback undoes the transaction, if SQLite has not done so already.
func (c *conn) Rollback() error {
	if c.db.AutocommitEnabled() {
		return nil
	}
	if err := c.script("ROLLBACK"); err != nil {
		return failure("embedded.Rollback", err)
	}
	return nil
}

// checkpoint copies the WAL into the database and cuts it. busy: a reader was in the way for all of wait, and it is not done.
func (c *conn) checkpoint(wait time.Duration) (busy bool, err error) {
	c.db.SetBusyTimeout(wait)
	defer c.db.SetBusyTimeout(busyTimeout)
	n, err := c.number("PRAGMA wal_checkpoint(TRUNCATE)")
	return n != 0, err
}

func (c *conn) Close() error {
	if err := c.db.Close(); err != nil {
		return failure("embedded.Close", err)
	}
	return nil
}

func (c *conn) run(op mail.Op, s *sqlite.Stmt) error {
	if _, err := s.Step(); err != nil {
		return failure(op, err)
	}
	if err := s.Reset(); err != nil {
		return failure(op, err)
	}
	return nil
}

// prepared gives the statement of a query with its arguments bound.
func (c *conn) prepared(q sql.Query, a *sql.Args) (*sqlite.Stmt, error) {
	s := c.stmts[q]
	if s == nil {
		var err error
		if s, err = c.db.Prepare(c.texts[q]); err != nil {
			return nil, err
		}
		c.stmts[q] = s
	}
	for i, v := range a.Values() {
		switch v.Type {
		case sql.Int:
			s.BindInt64(i+1, v.Int)
		case sql.Text:
			s.BindText(i+1, v.Text)
		case sql.Blob:
			s.BindBytes(i+1, v.Blob)
		default:
			s.BindNull(i + 1)
		}
	}
	return s, nil
}

// Exec runs a statement without result.
func (c *conn) Exec(q sql.Query, a *sql.Args) error {
	s, err := c.prepared(q, a)
	if err != nil {
		return failure("embedded.Exec", err)
	}
	return c.run("embedded.Exec", s)
}

// Rows runs a query and calls fn with each row until it returns false.
func (c *conn) Rows(q sql.Query, a *sql.Args, fn func(sql.Row) bool) (err error) {
	s, err := c.prepared(q, a)
	if err != nil {
		return failure("embedded.Rows", err)
	}
	defer func() {
		if e := s.Reset(); err == nil && e != nil {
			err = failure("embedded.Rows", e)
		}
	}()
	c.row.stmt = s
	for {
		more, err := s.Step()
		if err != nil {
			return failure("embedded.Rows", err)
		}
		if !more || !fn(&c.row) {
			return nil
		}
	}
}

// row is the current row of a statement.
type row struct{ stmt *sqlite.Stmt }

func (r *row) Int(col int) int64      { return r.stmt.ColumnInt64(col) }
func (r *row) Text(col int) string    { return r.stmt.ColumnText(col) }
func (r *row) Fill(col int, p []byte) { r.stmt.ColumnBytes(col, p) }

func (r *row) Blob(col int) []byte {
	n := r.stmt.ColumnLen(col)
	if n == 0 && r.stmt.ColumnIsNull(col) {
		return nil
	}
	p := make([]byte, n)
	r.stmt.ColumnBytes(col, p)
	return p
}

func (r *row) Append(dst []byte, col int) []byte {
	at := len(dst)
	dst = slices.Grow(dst, r.stmt.ColumnLen(col))[:at+r.stmt.ColumnLen(col)]
	r.stmt.ColumnBytes(col, dst[at:])
	return dst
}

// failure maps what SQLite says to the errors of the house.
func failure(op mail.Op, err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull:
		return mail.Because(op, mail.Unavailable, "storage.full", err)
	case sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultInterrupt:
		return mail.Because(op, mail.Busy, "storage.busy", err)
	case sqlite.ResultConstraint, sqlite.ResultMisuse, sqlite.ResultRange, sqlite.ResultMismatch:
		return mail.Because(op, mail.Other, "", err)
	}
	return mail.Because(op, mail.Unavailable, "storage.failed", err)
}

// schema lets the migrator at a connection.
type schema struct{ *conn }

func (s schema) Version() (int, error) {
	tables, err := s.number("SELECT count(*) FROM sqlite_schema")
	if err != nil || tables == 0 {
		return 0, err
	}
	return s.number("SELECT version FROM migration")
}

// number runs a query for one number, once.
func (c *conn) number(text string) (n int, err error) {
	s, _, err := c.db.PrepareTransient(text)
	if err != nil {
		return 0, failure("embedded.Query", err)
	}
	defer s.Finalize()
	if _, err := s.Step(); err != nil {
		return 0, failure("embedded.Query", err)
	}
	return int(s.ColumnInt64(0)), nil
}

func (s schema) Apply(m sql.Migration) error {
	if err := s.script("BEGIN IMMEDIATE"); err != nil {
		return failure("embedded.Migrate", err)
	}
	for _, text := range append(m.Statements, "COMMIT") {
		if err := s.script(text); err != nil {
			s.Rollback()
			return failure("embedded.Migrate", fmt.Errorf("%w in %s", err, text))
		}
	}
	return nil
}
