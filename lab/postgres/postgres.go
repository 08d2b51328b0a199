// Package postgres runs a private PostgreSQL for tests: Debian's programs, a new
// cluster in a directory of its own, reachable by a socket there and by nothing else, gone
// when the test ends.
package postgres

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// patience is how long the server may take to start.
	patience = 30 * time.Second
	// programs is where Debian keeps PostgreSQL's programs, a directory a version.
	programs = "/usr/lib/postgresql/*/bin"
	// oldest is the oldest version that will do.
	oldest = 15
)

// Server is a running PostgreSQL.
type Server struct {
	dir  string
	next atomic.Int64 // numbers the databases
}

// A Database is an empty database with two roles, as connection strings of libpq.
type Database struct {
	Owner string // may change the schema
	App   string // owns nothing; row-level security holds for it
}

// Start runs a server until the test ends. Where there is no PostgreSQL 15 or newer, the test is skipped.
// It keeps nothing on disk for sure (fsync is off): it is for what a database answers, not for crashes.
func Start(t testing.TB) *Server {
	bin := newest()
	if bin == "" {
		t.Skipf("no PostgreSQL %d or newer in %s", oldest, programs)
	}
	dir, err := os.MkdirTemp("", "pg") // short: a socket's path has at most 107 octets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := account(t, dir)
	s := &Server{dir: dir}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.run(t, bin, as)
	s.exec(t, "postgres", "CREATE ROLE tegami_owner LOGIN CREATEDB", "CREATE ROLE tegami LOGIN")
	return s
}

// newest gives the directory of the newest version's programs, "" for none.
func newest() string {
	best, dir := oldest-1, ""
	list, _ := filepath.Glob(programs)
	for _, bin := range list {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
		if err == nil && version > best {
			best, dir = version, bin
		}
	}
	return dir
}

// account says as whom PostgreSQL runs: it refuses to run as root, and then takes Debian's user for it. The
// signal ends the server even if the test is killed.
func account(t testing.TB, dir string) *syscall.SysProcAttr {
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return as
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skipf("PostgreSQL does not run as root, and there is no user for it: %v", err)
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if errUID != nil || errGID != nil {
		t.Fatalf("user %+v", u)
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return as
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// run starts the server, waits until it answers, and stops it when the test ends.
func (s *Server) run(t testing.TB, bin string, as *syscall.SysProcAttr) {
	settings := []string{
		"listen_addresses=", "unix_socket_directories=" + s.dir, "max_connections=300", "shared_buffers=64MB",
		"fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "autovacuum=off", "log_min_messages=warning",
	}
	args := []string{"-D", s.data()}
	for _, set := range settings {
		args = append(args, "-c", set)
	}
	var log bytes.Buffer
	server := exec.Command(filepath.Join(bin, "postgres"), args...)
	server.SysProcAttr, server.Dir, server.Stdout, server.Stderr = as, s.dir, &log, &log
	started, exited := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // Pdeathsig means the thread that started it
		err := server.Start()
		started <- err
		if err == nil {
			exited <- server.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Process.Signal(syscall.SIGQUIT); err != nil { // at once: nothing here is to be kept
			t.Errorf("PostgreSQL ended before the test: %v", err)
		}
		<-exited
	})
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := pgx.Connect(context.Background(), s.dsn("postgres", "postgres"))
		if err == nil {
			conn.Close(context.Background())
			return
		}
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("PostgreSQL ended: %v\n%s", err, log.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("PostgreSQL does not answer: %v", err)
		}
	}
}

func (s *Server) dsn(role, database string) string {
	return fmt.Sprintf("host=%s user=%s dbname=%s", s.dir, role, database)
}

// exec runs statements as superuser.
func (s *Server) exec(t testing.TB, database string, statements ...string) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.dsn("postgres", database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, text := range statements {
		if _, err := conn.Exec(ctx, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// Database makes an empty database.
func (s *Server) Database(t testing.TB) Database {
	name := "t" + strconv.FormatInt(s.next.Add(1), 10)
	s.exec(t, "postgres", "CREATE DATABASE "+name+" OWNER tegami_owner")
	return Database{Owner: s.dsn("tegami_owner", name), App: s.dsn("tegami", name)}
}

// Copy makes a database with all that is in another, which nobody may be connected to. It costs much less
// than making the schema again.
func (s *Server) Copy(t testing.TB, of Database) Database {
	name := "t" + strconv.FormatInt(s.next.Add(1), 10)
	fields := strings.Fields(of.Owner)
	i := slices.IndexFunc(fields, func(f string) bool { return strings.HasPrefix(f, "dbname=") })
	s.exec(t, "postgres", "CREATE DATABASE "+name+" OWNER tegami_owner TEMPLATE "+strings.TrimPrefix(fields[i], "dbname="))
	return Database{Owner: s.dsn("tegami_owner", name), App: s.dsn("tegami", name)}
}

// Superuser is the connection string of the role that may do everything in a database, for tests that break something.
func (s *Server) Superuser(of Database) string {
	return strings.Replace(of.Owner, "user=tegami_owner", "user=postgres", 1)
}
