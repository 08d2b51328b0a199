package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"tegami/cmd/console"
	"tegami/directory"
	"tegami/docs"
	"tegami/mail"
	"tegami/server/restd/openapi"
)

// Most of `tegami admin` is made from the API's description by package console. Here is decided how its requests get to the API:
// to another machine over HTTPS with a key, to a running server through its control socket, or into a handler
// over the data folder. Commands that are written by hand (admin.go) go first where the state is at hand.

// Environment variables of a remote server.
const (
	envServer = "TEGAMI_SERVER" // its URL
	envKey    = "TEGAMI_KEY"    // the API key itself
	envCA     = "TEGAMI_CA"     // the file of its certificate authority
	envTenant = "TEGAMI_TENANT" // the company where the command line names none
)

// console makes the command line over the API; nothing is connected yet.
func (sh *shell) console() (*console.Console, error) {
	d, err := openapi.Parse(docs.OpenAPI)
	if err != nil {
		return nil, mail.Because("tegami.console", mail.Other, "", err)
	}
	return console.New(console.Console{
		Doc: d, Words: sh.words, Lang: sh.lang, In: sh.in, Out: sh.out, Err: sh.err, Base: "https://localhost", Tenant: sh.env(envTenant),
	}), nil
}

// env reads the environment; in a server that runs a command for somebody it is not his.
func (sh *shell) env(name string) string {
	if sh.serving != nil {
		return ""
	}
	return os.Getenv(name)
}

// generated runs what stands behind "admin" by the API's description; not done where a command written by hand is meant.
func (sh *shell) generated(model *kong.Application, args []string) (code int, done bool) {
	con, err := sh.console()
	if err != nil {
		return sh.exitCode(err), true
	}
	in, err := con.Parse(args)
	server := cmp.Or(in.Global["server"], sh.env(envServer))
	if server == "" && (byHand(model, in.Words) || len(in.Words) == 0 || !con.Has(in.Words[0])) {
		return 0, false
	}
	if err != nil || in.Global["help"] != "" || !con.Calls(in.Words) {
		return con.Run(sh.ctx, args), true
	}
	closed, err := sh.connect(con, in, server)
	if err != nil {
		return sh.exitCode(err), true
	}
	code = con.Run(sh.ctx, args)
	if err := closed(); err != nil {
		return sh.exitCode(err), true
	}
	return code, true
}

// moreHelp adds to the help of "admin", and of a resource, what is made from the API's description.
func (sh *shell) moreHelp(model *kong.Application, args []string, code int) int {
	if len(args) == 0 || args[0] != "admin" || sh.serving != nil {
		return code
	}
	con, err := sh.console()
	if err != nil {
		return sh.exitCode(err)
	}
	in, err := con.Parse(args[1:])
	if err != nil || len(in.Words) > 1 {
		return code // a command of its own
	}
	fmt.Fprintln(sh.out, "\n"+sh.text("cli.more_commands"))
	err = con.More(in.Words, func(resource, verb string) bool { return byHand(model, []string{resource, verb}) })
	return max(code, sh.exitCode(err))
}

// byHand tells whether a command is written by hand.
func byHand(model *kong.Application, words []string) bool {
	node := child(model.Node, "admin")
	for _, word := range words {
		if node == nil || len(node.Children) == 0 {
			break
		}
		node = child(node, word)
	}
	return node != nil
}

func child(node *kong.Node, name string) *kong.Node {
	i := slices.IndexFunc(node.Children, func(c *kong.Node) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return node.Children[i]
}

// connect finds the way to the API. What it returns ends it.
func (sh *shell) connect(con *console.Console, in console.Invocation, server string) (closed func() error, err error) {
	closed = func() error { return nil }
	if server != "" {
		if con.Key, err = sh.key(in.Global["key-file"]); err != nil {
			return nil, err
		}
		con.API, con.Base, err = console.Remote(server, cmp.Or(in.Global["ca-file"], sh.env(envCA)))
		return closed, err
	}
	cfg, err := place{Config: in.Global["config"], Data: in.Global["data"]}.config()
	if err != nil {
		return nil, err
	}
	conn, err := dialServer(cfg.Data)
	if err != nil {
		return nil, err
	}
	if conn != nil {
		con.API = throughSocket(cfg.Data)
		return closed, conn.Close()
	}
	p, err := place{Config: in.Global["config"], Data: in.Global["data"]}.open(sh)
	if err != nil {
		return nil, err
	}
	con.API = console.Straight{Handler: p.API().As(directory.OperatorCaller(operatorName(), ""))}
	return p.Close, nil
}

// key reads the API key: the first line of a file, or the environment.
func (sh *shell) key(file string) (string, error) {
	text := []byte(sh.env(envKey))
	if file != "" {
		f, err := sh.openInput(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		if text, err = io.ReadAll(io.LimitReader(f, maxPassword)); err != nil {
			return "", mail.Because("tegami.key", mail.Unavailable, "cli.unreadable", err)
		}
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return "", mail.E("tegami.key", mail.Invalid, "cli.no_key")
	}
	return string(line), nil
}

// throughSocket carries requests to the server that has a data folder open, each by a connection of its own.
type throughSocket string

// RoundTrip sends the request and reads the answer.
func (data throughSocket) RoundTrip(r *http.Request) (*http.Response, error) {
	conn, err := dialServer(string(data))
	if err != nil {
		return nil, err
	}
	if conn == nil {
		return nil, mail.E("tegami.RoundTrip", mail.Unavailable, "cli.control")
	}
	defer conn.Close()
	wired, err := console.Wire(r)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(conn).Encode(request{API: &wired, User: operatorName()}); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	for d := json.NewDecoder(conn); ; {
		var p printed
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		body.Write(p.Out)
		if p.Status != 0 {
			return &http.Response{StatusCode: p.Status, Header: p.Header, Body: io.NopCloser(&body), Request: r}, nil
		}
	}
}

// controlChunk is how many octets of an answer one part of it carries.
const controlChunk = 256 << 10

// serveAPI answers a request of the API on a control connection.
func (c *control) serveAPI(ctx context.Context, answer *reply, wired *console.Wired, user string) error {
	r, err := wired.Request()
	if err != nil {
		return err
	}
	w := httptest.NewRecorder()
	c.api().As(directory.OperatorCaller(user, "")).ServeHTTP(w, r.WithContext(ctx))
	got := w.Result()
	for body := w.Body.Bytes(); len(body) > 0; {
		n := min(len(body), controlChunk)
		if err := answer.send(printed{Out: body[:n]}); err != nil {
			return err
		}
		body = body[n:]
	}
	return answer.send(printed{Status: got.StatusCode, Header: got.Header})
}

// errNoShell is for a completion in a shell we don't know.
var errNoShell = errors.New("unknown shell")

// completionCommand prints a script that completes commands in a shell.
type completionCommand struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish"`
}

// Run prints the script.
func (c completionCommand) Run(sh *shell) error {
	script, ok := completions[c.Shell]
	if !ok {
		return errNoShell
	}
	_, err := io.WriteString(sh.out, script)
	return err
}

// completions are the scripts: each asks the program itself what may follow.
var completions = map[string]string{
	"bash": `_tegami() {
  local IFS=$'\n'
  COMPREPLY=($(tegami complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o nospace -F _tegami tegami
`,
	"zsh": `#compdef tegami
_tegami() {
  local -a found
  found=("${(@f)$(tegami complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [ -n "$found" ]; then compadd -S '' -- $found; else _files; fi
}
compdef _tegami tegami
`,
	"fish": `complete -c tegami -f -a '(tegami complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
}

// completeCommand prints what may follow on a command line, a line each. It is for the scripts of completionCommand.
type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints the words that begin as the last one does.
func (c completeCommand) Run(sh *shell, k *kong.Kong) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	before, last := words[:len(words)-1], words[len(words)-1]
	var found []string
	node := k.Model.Node
	for _, word := range before {
		if node = child(node, word); node == nil {
			break
		}
	}
	if node != nil {
		for _, one := range node.Children {
			if !one.Hidden {
				found = append(found, one.Name+" ")
			}
		}
		for _, f := range node.Flags {
			found = append(found, "--"+f.Name)
		}
	}
	if len(before) > 0 && before[0] == "admin" {
		con, err := sh.console()
		if err != nil {
			return err
		}
		found = append(found, con.Complete(before[1:])...)
	}
	slices.Sort(found)
	for _, word := range slices.Compact(found) {
		if strings.HasPrefix(word, last) {
			if _, err := io.WriteString(sh.out, word+"\n"); err != nil {
				return err
			}
		}
	}
	return nil
}
