package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"tegami/mail"
)

// reader is a command that reads a file, or its standard input where the file is "-".
type reader interface{ reads() (path string, ok bool) }

// dialServer connects to the server that has a data folder open; nil where there is none, and the state can
// be opened here.
func dialServer(data string) (*net.UnixConn, error) {
	dir, err := os.Open(data)
	if err != nil {
		return nil, nil // no folder, no server; opening it says what is wrong
	}
	defer dir.Close()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socketIn(dir), Net: "unix"})
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, nil
	}
	if err != nil {
		return nil, mail.Because("tegami.dialServer", mail.Unavailable, "cli.control", err)
	}
	return conn, nil
}

// forward sends a command line to the server and prints what comes back. It gives the exit code.
func (sh *shell) forward(conn *net.UnixConn, args []string, input []byte) (int, error) {
	const op = "tegami.forward"
	defer conn.Close()
	lost := func(err error) error { return mail.Because(op, mail.Unavailable, "cli.control", err) }
	r := request{Args: args, Lang: string(sh.lang), User: operatorName(), Input: input}
	if err := json.NewEncoder(conn).Encode(r); err != nil {
		return 1, lost(err)
	}
	for d := json.NewDecoder(conn); ; {
		var p printed
		if err := d.Decode(&p); err != nil {
			return 1, lost(err)
		}
		sh.out.Write(p.Out)
		sh.err.Write(p.Err)
		if p.Exit != nil {
			return *p.Exit, nil
		}
	}
}

// inputOf reads what a command reads, for sending it along.
func (sh *shell) inputOf(command any) ([]byte, error) {
	r, ok := command.(reader)
	if !ok {
		return nil, nil
	}
	path, wanted := r.reads()
	if !wanted {
		return nil, nil
	}
	f, err := sh.openInput(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxControlInput+1))
	if err == nil && len(b) > maxControlInput {
		return nil, mail.E("tegami.inputOf", mail.Full, "cli.input_too_big", maxControlInput>>20)
	}
	return b, err
}

// openInput opens a file a command reads; "-" is the standard input. In the server it is what was sent along.
func (sh *shell) openInput(path string) (io.ReadCloser, error) {
	if path == "-" || sh.serving != nil {
		return io.NopCloser(sh.in), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, mail.Because("tegami.openInput", mail.Unavailable, "cli.unreadable", err)
	}
	return f, nil
}
