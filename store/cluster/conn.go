package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"tegami/mail"
	"tegami/store/internal/sql"
)

// statement is the number of a statement of this package, beside the queries of store/internal/sql.
type statement int

const (
	stBegin statement = iota
	stBeginView
	stCommit
	stRollback
	stSetTenant
	stTenant
	stTenants
	stInsertTenant
	stGrowEpoch
	stEpochs
	stDueTenants
	stTextTurn
	stLockAll
	stTakeDuty
	stKeepDuty
	stLeaveDuty
	stAddTally
	stTally
	stForgetTally
	stVersion
	stBypass

	numStatements
)

// clock is the database's time in milliseconds.
const clock = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"

var statementTexts = [numStatements]string{
	stBegin:     "BEGIN ISOLATION LEVEL READ COMMITTED",
	stBeginView: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	stCommit:    "COMMIT",
	stRollback:  "ROLLBACK",
	stSetTenant: "SELECT set_config('tegami.tenant', $1, true)",

	stTenant:       "SELECT epoch FROM tenant WHERE id = $1",
	stTenants:      "SELECT id FROM tenant WHERE id > 0 ORDER BY id",
	stInsertTenant: "INSERT INTO tenant (id, created, epoch) VALUES ($1, $2, 1) ON CONFLICT (id) DO NOTHING RETURNING id",
	stGrowEpoch:    "UPDATE tenant SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch",
	stEpochs:       "SELECT id, epoch FROM tenant",
	stDueTenants:   "SELECT id FROM due_tenants($1) AS due (id)",
	stTextTurn: "INSERT INTO text_turn (tenant, account) VALUES ($1, $2) " +
		"ON CONFLICT (tenant, account) DO UPDATE SET account = excluded.account RETURNING account",
	stLockAll: "LOCK TABLE box, meta, object, item, blob IN EXCLUSIVE MODE",

	stTakeDuty: "INSERT INTO duty (name, holder, fence, until) VALUES ($1, $2, 1, " + clock + " + $3) " +
		"ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = duty.fence + 1, until = excluded.until " +
		"WHERE duty.until < " + clock + " RETURNING fence",
	stKeepDuty: "UPDATE duty SET until = " + clock + " + $3 WHERE name = $1 AND holder = $2 AND until >= " + clock +
		" RETURNING fence",
	stLeaveDuty: "UPDATE duty SET until = 0 WHERE name = $1 AND holder = $2",

	stAddTally: "INSERT INTO tally (key, slice, n, until) VALUES ($1, $2, $3, $4) " +
		"ON CONFLICT (key, slice) DO UPDATE SET n = tally.n + excluded.n",
	stTally:       "SELECT slice, n FROM tally WHERE key = $1 AND slice > $2",
	stForgetTally: "DELETE FROM tally WHERE until < $1",
	stVersion:     "SELECT version FROM migration",
	// Who has the rights of the owner is not held back by row-level security either.
	stBypass: "SELECT CAST(rolsuper OR rolbypassrls OR EXISTS (SELECT 1 FROM pg_class c " +
		"WHERE c.oid = to_regclass('message') AND pg_has_role(c.relowner, 'USAGE')) AS INTEGER) FROM pg_roles WHERE rolname = current_user",
}

// conn is a connection and its prepared statements. It fulfils sql.Conn for the transaction that is open on
// it. Statements gather in a pipeline and go out with the next one that has a result.
type conn struct {
	pg       *pgconn.PgConn
	texts    []string // of sql.Queries, then of statements
	prepared []bool
	pipe     *pgconn.Pipeline
	asked    []int // statements whose preparation was asked for, in order
	sent     int   // statements in the pipeline
	tenant   mail.TenantID
	began    bool
	err      error // of the transaction: nothing can go on after it

	params  [sql.MaxArgs + 1][]byte
	numbers [sql.MaxArgs + 1][8]byte
	formats [sql.MaxArgs + 1]int16
	oids    [sql.MaxArgs + 1]uint32
}

// Object ids of PostgreSQL's types, of the wire format (pg_type.dat).
const (
	oidBytea = 17
	oidInt8  = 20
	oidText  = 25
)

// binaryFormat asks for and sends values in binary.
var binaryFormat = []int16{1}

// maxPipeline is how many statements gather before the answers of the first are read.
const maxPipeline = 256

func newConn(pg *pgconn.PgConn, queries []string) *conn {
	c := &conn{pg: pg, texts: make([]string, 0, len(queries)+int(numStatements))}
	c.texts = append(append(c.texts, queries...), statementTexts[:]...)
	c.prepared = make([]bool, len(c.texts))
	for i := range c.formats {
		c.formats[i] = 1
	}
	return c
}

// open begins to speak; ctx holds until done.
func (c *conn) open(ctx context.Context) {
	c.pipe, c.err, c.began, c.sent, c.asked = c.pg.StartPipeline(ctx), nil, false, 0, c.asked[:0]
}

// done ends it. It reports whether the connection can be used again.
func (c *conn) done() bool {
	if c.began && c.err == nil {
		c.err = errLeftOpen
	}
	err := c.pipe.Close()
	c.pipe = nil
	return err == nil && !c.pg.IsClosed() && c.pg.TxStatus() == 'I'
}

var errLeftOpen = errors.New("a transaction was left open")

// begin opens a transaction for a tenant. It goes out with the first statement.
func (c *conn) begin(how statement, t mail.TenantID) {
	c.tenant, c.began = t, true
	c.put(how)
	c.put(stSetTenant, sql.Value{Type: sql.Text, Text: strconv.FormatInt(int64(t), 10)})
}

// end commits, together with all that still waits to go out. After a failure it rolls back and gives it.
func (c *conn) end() error {
	if err := c.err; err != nil {
		return errors.Join(err, c.abandon())
	}
	c.put(stCommit)
	err := c.collect(nil)
	c.began = err != nil
	return err
}

// abandon rolls back. It fails only where the connection did.
func (c *conn) abandon() error {
	c.err = nil
	c.put(stRollback)
	err := c.collect(nil)
	c.began = err != nil
	return err
}

// put adds a statement of this package to the pipeline.
func (c *conn) put(s statement, values ...sql.Value) {
	c.send(len(c.texts)-int(numStatements)+int(s), 0, values)
}

// ask runs a statement of this package.
func (c *conn) ask(s statement, fn func(sql.Row) bool, values ...sql.Value) error {
	c.put(s, values...)
	return c.collect(fn)
}

// Exec runs a statement without result, when the next with one or the commit goes out.
func (c *conn) Exec(q sql.Query, a *sql.Args) error {
	if c.err != nil {
		return c.err
	}
	c.sendQuery(q, a)
	if c.sent < maxPipeline {
		return nil
	}
	return c.collect(nil)
}

// Rows runs a query.
func (c *conn) Rows(q sql.Query, a *sql.Args, fn func(sql.Row) bool) error {
	if c.err != nil {
		return c.err
	}
	c.sendQuery(q, a)
	return c.collect(fn)
}

// sendQuery adds a query, whose first argument is the tenant.
func (c *conn) sendQuery(q sql.Query, a *sql.Args) {
	c.set(0, sql.Value{Type: sql.Int, Int: int64(c.tenant)})
	c.send(int(q), 1, a.Values())
}

// send adds a statement to the pipeline, and its preparation where it was not prepared yet. The first set
// arguments are in their places already.
func (c *conn) send(n, set int, values []sql.Value) {
	for i, v := range values {
		c.set(set+i, v)
	}
	count := set + len(values)
	name := "s" + strconv.Itoa(n)
	if !c.prepared[n] {
		c.prepared[n] = true
		c.asked = append(c.asked, n)
		c.pipe.SendPrepare(name, c.texts[n], c.oids[:count])
	}
	c.pipe.SendQueryPrepared(name, c.params[:count], c.formats[:count], binaryFormat)
	c.sent++
}

// set puts an argument into its place.
func (c *conn) set(i int, v sql.Value) {
	switch v.Type {
	case sql.Int:
		binary.BigEndian.PutUint64(c.numbers[i][:], uint64(v.Int))
		c.params[i], c.oids[i] = c.numbers[i][:], oidInt8
	case sql.Text:
		c.params[i], c.oids[i] = []byte(v.Text), oidText
	case sql.Blob:
		c.params[i], c.oids[i] = v.Blob, oidBytea
	default:
		c.params[i], c.oids[i] = nil, oidBytea
	}
}

// collect sends the pipeline and reads all answers; fn gets the rows of the last one.
func (c *conn) collect(fn func(sql.Row) bool) error {
	if err := c.pipe.Sync(); err != nil {
		return c.failed(err)
	}
	var first error
	left := c.sent
	c.sent = 0
	for {
		result, err := c.pipe.GetResults()
		switch r := result.(type) {
		case *pgconn.StatementDescription:
			c.asked = c.asked[1:]
		case *pgconn.ResultReader:
			left--
			if left == 0 && fn != nil {
				readRows(r, fn)
			}
			_, err = r.Close()
		case *pgconn.PipelineSync:
			return c.settle(first)
		case nil:
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
		}
		if err != nil && first == nil {
			first = err
		}
		var refused *pgconn.PgError
		if err != nil && !errors.As(err, &refused) {
			return c.settle(err)
		}
	}
}

// settle ends a collect. What was to be prepared behind an error was not.
func (c *conn) settle(err error) error {
	for _, n := range c.asked {
		c.prepared[n] = false
	}
	c.asked = c.asked[:0]
	if err == nil {
		return nil
	}
	return c.failed(err)
}

func (c *conn) failed(err error) error {
	c.err = storageError(err)
	return c.err
}

// storageError tells in the house's words what the database said.
func storageError(err error) error {
	const op mail.Op = "cluster.Query"
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return mail.Wrap(op, err)
	case errors.As(err, &refused) && refused.Code == "53100": // disk_full
		return mail.Because(op, mail.Unavailable, "storage.full", err)
	}
	return mail.Because(op, mail.Unavailable, "storage.failed", err)
}

// inTheWay tells whether a transaction failed only because of others, so that it can run again.
func inTheWay(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case "40001", "40P01", "23505": // serialization_failure, deadlock_detected, unique_violation
		return true
	}
	return false
}

// row is a row of a result in binary.
type row struct{ values [][]byte }

func readRows(r *pgconn.ResultReader, fn func(sql.Row) bool) {
	for r.NextRow() {
		if !fn(row{r.Values()}) {
			return
		}
	}
}

// Int reads a number of 2, 4 or 8 octets.
func (r row) Int(col int) int64 {
	switch v := r.values[col]; len(v) {
	case 8:
		return int64(binary.BigEndian.Uint64(v))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(v)))
	case 2:
		return int64(int16(binary.BigEndian.Uint16(v)))
	}
	return 0
}

// Text reads a text.
func (r row) Text(col int) string { return string(r.values[col]) }

// Blob reads octets.
func (r row) Blob(col int) []byte {
	if r.values[col] == nil {
		return nil
	}
	return append([]byte{}, r.values[col]...)
}

// Append adds octets to dst.
func (r row) Append(dst []byte, col int) []byte { return append(dst, r.values[col]...) }

// Fill copies octets.
func (r row) Fill(col int, p []byte) { copy(p, r.values[col]) }

// integer and text make arguments.
func integer(n int64) sql.Value { return sql.Value{Type: sql.Int, Int: n} }
func text(s string) sql.Value   { return sql.Value{Type: sql.Text, Text: s} }

// connect opens a connection.
func connect(ctx context.Context, config *pgconn.Config) (*pgconn.PgConn, error) {
	pg, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, mail.Because("cluster.Connect", mail.Unavailable, "storage.failed", fmt.Errorf("PostgreSQL: %w", err))
	}
	return pg, nil
}
