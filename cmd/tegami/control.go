package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tegami/app"
	"tegami/cmd/console"
	"tegami/i18n"
	"tegami/mail"
	"tegami/server/restd"
)

// A running server has the state for itself. So that `tegami admin` works beside it, it
// listens on a socket in the data folder: the command line is sent to it, it runs the same command on
// its open state, and sends back what the command printed.
//
// Who may do that is who could as well stop the server and open the files: its own user and root. The
// kernel says who is at the other end (SO_PEERCRED); the operation log shows that name.

// controlSocket is the socket's name in the data folder.
const controlSocket = "control.sock"

// Limits of a control connection.
const (
	// maxControlInput bounds what a command reads from its standard input or file, in octets.
	maxControlInput = 16 << 20
	// maxControlRequest bounds a request: the input as base64 with the words of the command line.
	maxControlRequest = maxControlInput/3*4 + 1<<20
	// maxControls is how many commands run at the same time; more wait.
	maxControls = 8
	// controlPatience is how long a request may take to come in.
	controlPatience = 30 * time.Second
	// controlPause is how long nothing is accepted after that failed.
	controlPause = time.Second
)

// request is a command line on its way to the server.
type request struct {
	Args  []string `json:"args"`
	Lang  string   `json:"lang"`
	User  string   `json:"user"`            // who typed it; believed from root alone
	Input []byte   `json:"input,omitempty"` // what the command reads

	API *console.Wired `json:"api,omitempty"` // a request of the control API, in place of a command
}

// printed is a part of the answer: what the command wrote, and at last its exit code.
type printed struct {
	Out  []byte `json:"out,omitempty"`
	Err  []byte `json:"err,omitempty"`
	Exit *int   `json:"exit,omitempty"`

	Status int         `json:"status,omitempty"` // of the API's answer, with its header, at the end
	Header http.Header `json:"header,omitempty"`
}

// control answers control connections until its context ends.
type control struct {
	platform *app.Platform
	words    *i18n.Catalogue
	log      *slog.Logger
	slots    chan struct{}
	api      func() *restd.Server
}

// serveControl opens the socket in the data folder and answers it. What it returns ends that, and waits for
// running commands.
func serveControl(sh *shell, p *app.Platform, data string, log *slog.Logger) (stop func() error, err error) {
	ln, err := listenControl(data)
	if err != nil {
		return nil, mail.Because("tegami.serveControl", mail.Unavailable, "cli.control", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(sh.ctx))
	c := &control{p, sh.words, log, make(chan struct{}, maxControls), sync.OnceValue(p.API)}
	var running sync.WaitGroup
	running.Go(func() { c.accept(ctx, ln, &running) })
	return func() error {
		cancel()
		err := ln.Close()
		running.Wait()
		return err
	}, nil
}

// listenControl binds the socket. One that a dead server left is in nobody's use: the folder's lock says so. The
// folder is named through its descriptor, since the name of a socket has 107 octets at most.
func listenControl(data string) (*net.UnixListener, error) {
	if err := os.Remove(filepath.Join(data, controlSocket)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	dir, err := os.Open(data)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketIn(dir), Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false) // by then the name leads nowhere; the next start removes it
	return ln, os.Chmod(filepath.Join(data, controlSocket), 0o600)
}

func socketIn(dir *os.File) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), controlSocket)
}

func (c *control) accept(ctx context.Context, ln *net.UnixListener, running *sync.WaitGroup) {
	for {
		conn, err := ln.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			c.log.Error("control socket", "err", err)
			select { // no descriptors left, most likely: that passes, and without the socket nobody could look into it
			case <-ctx.Done():
			case <-time.After(controlPause):
			}
			continue
		}
		c.slots <- struct{}{}
		running.Go(func() {
			defer func() { <-c.slots }()
			defer conn.Close()
			if err := c.serve(ctx, conn); err != nil {
				c.log.Warn("control connection", "err", err)
			}
		})
	}
}

// serve runs one command. It ends with the connection: who interrupts the client interrupts the command.
func (c *control) serve(ctx context.Context, conn *net.UnixConn) error {
	peer, err := peerOf(conn)
	if err != nil {
		return err
	}
	if peer.Uid != 0 && int(peer.Uid) != os.Getuid() {
		return fmt.Errorf("refused user %d", peer.Uid)
	}
	conn.SetReadDeadline(time.Now().Add(controlPatience))
	var r request
	if err := json.NewDecoder(io.LimitReader(conn, maxControlRequest)).Decode(&r); err == io.EOF {
		return nil // somebody looked whether we are here
	} else if err != nil {
		return err
	}
	conn.SetReadDeadline(time.Time{})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		io.Copy(io.Discard, conn) // ends when the client goes, or with the connection
		cancel()
	}()
	answer := &reply{conn: conn, enc: json.NewEncoder(conn)}
	if r.API != nil {
		return c.serveAPI(ctx, answer, r.API, operatorAt(peer, r.User))
	}
	lang, _ := i18n.ParseLang(r.Lang)
	sh := &shell{ctx: ctx, in: bytes.NewReader(r.Input), out: stream{answer, false}, err: stream{answer, true}, words: c.words, lang: lang}
	sh.serving, sh.operator = c.platform, operatorAt(peer, r.User)
	code := run(sh, r.Args)
	return answer.send(printed{Exit: &code})
}

// operatorAt is the name of who is at the other end.
func operatorAt(peer *unix.Ucred, said string) string {
	if peer.Uid == 0 && said != "" {
		return said // root may say on whose behalf, as sudo does
	}
	id := strconv.Itoa(int(peer.Uid))
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// peerOf asks the kernel who connected.
func peerOf(conn *net.UnixConn) (cred *unix.Ucred, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	controlErr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return cred, errors.Join(err, controlErr)
}

// reply writes the parts of one answer, one after the other.
type reply struct {
	mu   sync.Mutex
	conn net.Conn
	enc  *json.Encoder
}

func (a *reply) send(p printed) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn.SetWriteDeadline(time.Now().Add(controlPatience)) // who does not read shall not keep a place, or the server from stopping
	return a.enc.Encode(p)
}

// stream is the command's standard output or error.
type stream struct {
	to      *reply
	isError bool
}

func (s stream) Write(b []byte) (int, error) {
	p := printed{Out: b}
	if s.isError {
		p = printed{Err: b}
	}
	if err := s.to.send(p); err != nil {
		return 0, err
	}
	return len(b), nil
}
