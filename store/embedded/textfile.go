package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"tegami/mail"
	"tegami/store"
	"tegami/store/internal/segment"
	"tegami/store/internal/sql"
)

// textFiles are the full-text indexes of all accounts that are open: one file each, apart from the mail's database,
// so that no mail waits for one.
type textFiles struct {
	texts []string
	limit int

	mu     sync.Mutex
	open   map[textKey]*textFile
	closed bool
}

// textKey names an index.
type textKey struct {
	dir     string         // where the tenant's indexes are
	account mail.AccountID // zero: the index of the message trace
}

func (k textKey) path() string {
	if k.account.IsZero() {
		return filepath.Join(k.dir, traceFile)
	}
	return filepath.Join(k.dir, k.account.String()+textSuffix)
}

// form gives the tables of the index and their version.
func (k textKey) form() (schema []string, version int) {
	if k.account.IsZero() {
		return sql.TraceSchema, store.TraceVersion
	}
	return sql.TextSchema, store.TextVersion
}

// textSuffix ends the names of indexes; traceFile is that of the message trace.
const (
	textSuffix = ".db"
	traceFile  = "trace.db"
)

// Limits of a connection to an index.
const (
	// textCache is the page cache in KiB: pages of segments are read once and not again.
	textCache = 256
	// textReaders is how many connections of an index are kept for reading while nobody reads.
	textReaders = 2
)

// textFile is the index of one account. Nothing of it is flushed: a checksum in each page tells whether it is as
// it was written.
type textFile struct {
	key   textKey
	texts []string
	users int       // guarded by textFiles.mu
	used  time.Time // when the last user left; guarded by textFiles.mu

	life  sync.RWMutex // held to remove the file; shared by who uses it
	write sync.Mutex   // held by the one who writes

	mu      sync.Mutex
	writer  *conn
	readers []*conn
}

// take gives an index to use until give.
func (f *textFiles) take(key textKey) (*textFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, mail.E("embedded.Texts", mail.Unavailable, "storage.closed")
	}
	t := f.open[key]
	if t == nil {
		t = &textFile{key: key, texts: f.texts}
		f.open[key] = t
	}
	t.users++
	return t, nil
}

// give takes an index back, and closes those used least lately where too many are open.
func (f *textFiles) give(t *textFile) {
	f.mu.Lock()
	t.users--
	t.used = time.Now()
	idle := f.idle(len(f.open) - f.limit)
	f.mu.Unlock()
	for _, t := range idle {
		t.close()
	}
}

// idle takes out the n indexes that nobody has used for longest.
func (f *textFiles) idle(n int) (list []*textFile) {
	if n <= 0 {
		return nil
	}
	for _, t := range f.open {
		if t.users == 0 {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *textFile) int { return a.used.Compare(b.used) })
	list = list[:min(n, len(list))]
	for _, t := range list {
		delete(f.open, t.key)
	}
	return list
}

// tidy closes those that nobody has used since a time.
func (f *textFiles) tidy(since time.Time) {
	f.mu.Lock()
	var old []*textFile
	for key, t := range f.open {
		if t.users == 0 && t.used.Before(since) {
			delete(f.open, key)
			old = append(old, t)
		}
	}
	f.mu.Unlock()
	for _, t := range old {
		t.close()
	}
}

// close closes all, waiting for who uses them.
func (f *textFiles) close() {
	f.mu.Lock()
	f.closed = true
	all := f.open
	f.open = nil
	f.mu.Unlock()
	for _, t := range all {
		t.life.Lock()
		t.close()
		t.life.Unlock()
	}
}

// close closes the connections. What a failure to close may lose can be made again.
func (t *textFile) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.readers {
		c.Close()
	}
	t.readers = nil
	if t.writer != nil {
		t.writer.Close()
		t.writer = nil
	}
}

// read runs fn over the index as it stands; not at all where there is none.
func (t *textFile) read(fn func(*sql.TextIndex) error) error {
	return t.look(func(c *conn) error { return fn(sql.NewTextIndex(c, t.key.account)) })
}

// look is read over the file's connection.
func (t *textFile) look(fn func(*conn) error) error {
	t.life.RLock()
	defer t.life.RUnlock()
	c, err := t.reader()
	if c == nil || err != nil {
		return err
	}
	ok := false
	defer func() { t.giveReader(c, ok) }()
	if err := c.Begin(); err != nil {
		return err
	}
	err = fn(c)
	if e := c.Commit(); e != nil {
		return errors.Join(err, e)
	}
	ok = err == nil
	return err
}

// update runs fn in a transaction, making the index if there is none.
func (t *textFile) update(fn func(*sql.TextIndex) error) error {
	return t.change(func(c *conn) error { return fn(sql.NewTextIndex(c, t.key.account)) })
}

// change is update over the file's connection.
func (t *textFile) change(fn func(*conn) error) error {
	t.life.RLock()
	defer t.life.RUnlock()
	t.write.Lock()
	defer t.write.Unlock()
	c, err := t.openWriter()
	if err != nil {
		return err
	}
	if err := c.Begin(); err != nil {
		return err
	}
	if err = fn(c); err == nil {
		err = c.Commit()
	}
	if err != nil {
		err = errors.Join(err, c.Rollback())
	}
	return err
}

// remove deletes the file, once nobody uses it.
func (t *textFile) remove() error {
	t.life.Lock()
	defer t.life.Unlock()
	t.close()
	return removeText(t.key.path())
}

// removeText deletes the files of an index.
func removeText(path string) error {
	for _, end := range []string{"-wal", "-shm", ""} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return diskFailure("embedded.Texts", err)
		}
	}
	return nil
}

// reader gives a connection for reading; nil where there is no index.
func (t *textFile) reader() (*conn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.readers); n > 0 {
		c := t.readers[n-1]
		t.readers = t.readers[:n-1]
		return c, nil
	}
	if _, err := os.Stat(t.key.path()); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return t.connect(false)
}

func (t *textFile) giveReader(c *conn, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ok && len(t.readers) < textReaders {
		t.readers = append(t.readers, c)
		return
	}
	c.Close()
}

// openWriter gives the connection for writing, making the file if need be.
func (t *textFile) openWriter() (*conn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer != nil {
		return t.writer, nil
	}
	_, err := os.Stat(t.key.path())
	missing := errors.Is(err, os.ErrNotExist)
	if missing {
		if err := makeText(t.key.path()); err != nil {
			return nil, err
		}
	}
	if t.writer, err = t.connect(true); err != nil && missing {
		err = errors.Join(err, removeText(t.key.path()))
	}
	return t.writer, err
}

// makeText makes an empty file with its folder. Neither is flushed.
func makeText(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return diskFailure("embedded.Texts", err)
	}
	return makeFile(path)
}

// errOutdated is an index of another version than this program makes.
var errOutdated = fmt.Errorf("another version: %w", segment.ErrDamaged)

// connect opens a connection. A writer makes the tables of an empty file.
func (t *textFile) connect(writer bool) (*conn, error) {
	const op mail.Op = "embedded.Texts"
	db, err := sqlite.OpenConn(t.key.path(), sqlite.OpenReadWrite)
	if err != nil {
		return nil, failure(op, err)
	}
	c := &conn{db: db, texts: t.texts, stmts: make([]*sqlite.Stmt, len(t.texts))}
	if err := c.setUpText(t.key, writer); err != nil {
		db.Close()
		return nil, failure(op, err)
	}
	return c, nil
}

// setUpText prepares a connection to an index and looks at its version.
func (c *conn) setUpText(key textKey, writer bool) error {
	c.db.SetBusyTimeout(busyTimeout)
	begin := "BEGIN"
	if writer {
		begin = "BEGIN IMMEDIATE"
	}
	err := c.scripts("PRAGMA synchronous=OFF", "PRAGMA journal_mode=WAL", fmt.Sprintf("PRAGMA cache_size=-%d", textCache),
		fmt.Sprintf("PRAGMA wal_autocheckpoint=%d", checkpointPages))
	if err != nil {
		return err
	}
	schema, wanted := key.form()
	version, err := c.number("PRAGMA user_version")
	if err == nil && version == 0 && writer {
		err = c.makeTexts(schema, wanted)
	} else if err == nil && version != wanted {
		err = errOutdated
	}
	if err != nil {
		return err
	}
	if c.begin, err = c.db.Prepare(begin); err != nil {
		return err
	}
	c.commit, err = c.db.Prepare("COMMIT")
	return err
}

// makeTexts makes the tables and notes the version, in one step.
func (c *conn) makeTexts(schema []string, version int) error {
	statements := append([]string{"BEGIN IMMEDIATE"}, schema...)
	return c.scripts(append(statements, fmt.Sprintf("PRAGMA user_version=%d", version), "COMMIT")...)
}

// scripts runs statements that are not worth keeping.
func (c *conn) scripts(texts ...string) error {
	for _, text := range texts {
		if err := c.script(text); err != nil {
			return err
		}
	}
	return nil
}
