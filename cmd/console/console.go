// Package console is the command line over the control API (CP-10). Its grammar is made from the API's description: a resource,
// a verb, what the operation needs, and an option for everything else it takes. So whatever a program can do can be typed.
//
// How a request gets to the API is somebody else's affair: over HTTPS with a key, through a running server's control
// socket, or straight into a handler over a data folder.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"tegami/i18n"
	"tegami/mail"
	"tegami/server/restd/openapi"
)

// Console is where commands are typed.
type Console struct {
	API    http.RoundTripper // carries requests; scheme and host of their URLs are Base's
	Base   string            // "https://mail.example", without a slash at its end
	Key    string            // the API key; "" where the way itself proves who calls
	Doc    *openapi.Document
	Words  *i18n.Catalogue
	Lang   i18n.Lang
	In     io.Reader
	Out    io.Writer
	Err    io.Writer
	Tenant string // the company where the command line names none; "" for that of the key

	commands []Command
}

// New makes a console over a description.
func New(c Console) *Console {
	c.commands = Commands(c.Doc)
	return &c
}

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitMisuse = 2
)

// Knows tells whether words name a command.
func (c *Console) Knows(resource, verb string) bool {
	_, ok := Find(c.commands, resource, verb)
	return ok
}

// Parse reads what stands behind "admin".
func (c *Console) Parse(args []string) (Invocation, error) { return Parse(c.commands, args) }

// Run does what was typed behind "admin" and gives the exit code: 0, 1 for an error, 2 for a command line that is none.
func (c *Console) Run(ctx context.Context, args []string) int {
	in, err := Parse(c.commands, args)
	if err == nil {
		err = c.run(ctx, in)
	}
	return c.Exit(err)
}

// Exit says what went wrong and gives the exit code for it.
func (c *Console) Exit(err error) int {
	var u usage
	var refused *Refusal
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &u):
		fmt.Fprintln(c.Err, "tegami:", c.Words.Error(c.Lang, err), c.text("cli.see_help"))
		return exitMisuse
	case errors.As(err, &refused):
		fmt.Fprintln(c.Err, "tegami:", refused.sentence())
	default:
		fmt.Fprintf(c.Err, "tegami: %s [%v]\n", c.Words.Error(c.Lang, err), err)
	}
	return exitFailed
}

func (c *Console) text(key string, args ...any) string { return c.Words.Text(c.Lang, key, args...) }

func (c *Console) run(ctx context.Context, in Invocation) error {
	help := in.Global["help"] != ""
	switch {
	case len(in.Words) == 0:
		return c.overview()
	case in.Words[0] == "apply" && !help:
		return c.apply(ctx, in)
	case len(Of(c.commands, in.Words[0])) == 0:
		return misused("cli.unknown_resource", in.Words[0], strings.Join(Resources(c.commands), ", "))
	case len(in.Words) == 1:
		return c.resourceHelp(in.Words[0])
	}
	cmd, ok := in.command(c.commands)
	if !ok {
		return misused("cli.unknown_verb", in.Words[1], in.Words[0], verbsOf(Of(c.commands, in.Words[0])))
	}
	if help {
		return c.commandHelp(cmd)
	}
	return c.do(ctx, cmd, in)
}

func verbsOf(commands []Command) string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Verb)
	}
	return strings.Join(names, ", ")
}

// do performs a command and prints what comes back.
func (c *Console) do(ctx context.Context, cmd Command, in Invocation) error {
	r, err := c.request(ctx, cmd, in)
	if err != nil {
		return err
	}
	if cmd.lists() {
		return c.list(ctx, cmd, in, r)
	}
	a, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	return c.print(cmd, in, a)
}

// open opens a file that a command reads; "-" is the standard input.
func (c *Console) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(c.In), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, mail.Because("console.open", mail.Unavailable, "cli.unreadable", err)
	}
	return f, nil
}

// maxInput bounds what a command reads, in octets.
const maxInput = 64 << 20

// read reads a file whole.
func (c *Console) read(name string) ([]byte, error) {
	f, err := c.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	switch {
	case err != nil:
		return nil, mail.Because("console.read", mail.Unavailable, "cli.unreadable", err)
	case len(text) > maxInput:
		return nil, mail.E("console.read", mail.Full, "cli.input_too_big", maxInput>>20)
	}
	return text, nil
}
