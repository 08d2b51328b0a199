// Command tegami is the whole platform in one program: the server, a demonstration
// of it, the operator's tools and the check of the store.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"tegami/app"
	"tegami/i18n"
	"tegami/obs"
)

// commands is the grammar of the command line.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Demo    demoCommand    `cmd:"" help:"Run a server with two made-up companies on this machine."`
	Admin   adminCommand   `cmd:"" help:"Manage companies, domains, accounts, aliases and the queue."`
	Check   checkCommand   `cmd:"" help:"Verify everything that is stored."`
	Config  configCommand  `cmd:"" help:"Print every setting of the boot file with its documentation."`
	Version versionCommand `cmd:"" help:"Print the version."`

	Completion completionCommand `cmd:"" help:"Print a script that completes commands in bash, zsh or fish."`
	Complete   completeCommand   `cmd:"" hidden:""`
	Cell       cellCommand       `cmd:"" hidden:""`
}

// shell is what a command may touch of the world outside.
type shell struct {
	ctx   context.Context
	in    io.Reader
	out   io.Writer
	err   io.Writer
	words *i18n.Catalogue
	lang  i18n.Lang

	serving  *app.Platform // in a server that runs a command sent to it (control.go): its open state
	operator string        // and who sent it
}

func main() {
	syscall.Umask(0o077) // mail and keys are for the owner, whatever the folder they lie in allows
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	sh := &shell{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, words: i18n.New(), lang: langOf(os.Getenv)}
	code := run(sh, os.Args[1:])
	stop()
	os.Exit(code)
}

// run does what the arguments say and gives the exit code: 0, 1 for an error, 2 for a command line that is none.
func run(sh *shell, args []string) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("tegami"), kong.Description("A multi-tenant mail platform."),
		kong.Writers(sh.out, sh.err), kong.Exit(func(code int) { exited = code }), kong.Bind(sh),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}))
	if err != nil {
		fmt.Fprintln(sh.err, "tegami:", err)
		return 1
	}
	if sh.serving == nil && len(args) > 1 && args[0] == "admin" {
		if code, done := sh.generated(parser.Model, args[1:]); done {
			return code
		}
	}
	k, err := parser.Parse(args)
	switch {
	case exited >= 0: // --help was asked for and printed
		return sh.moreHelp(parser.Model, args, exited)
	case err != nil:
		fmt.Fprintf(sh.err, "tegami: %s. See tegami --help.\n", err)
		return 2
	}
	if sh.serving != nil && !isAdmin(k) {
		fmt.Fprintln(sh.err, "tegami: only admin commands can be sent to a server.")
		return 2
	}
	if isAdmin(k) && sh.serving == nil {
		if code, done := sh.elsewhere(&c.Admin, k, args); done {
			return code
		}
	}
	return sh.exitCode(k.Run(sh))
}

func isAdmin(k *kong.Context) bool { return strings.HasPrefix(k.Command(), "admin ") }

// elsewhere lets the server run the command that has the state open; not done where no server has it.
func (sh *shell) elsewhere(a *adminCommand, k *kong.Context, args []string) (code int, done bool) {
	cfg, err := a.config()
	if err != nil {
		return sh.exitCode(err), true
	}
	conn, err := dialServer(cfg.Data)
	if conn == nil && err == nil {
		return 0, false
	}
	if err != nil {
		return sh.exitCode(err), true
	}
	input, err := sh.inputOf(k.Selected().Target.Addr().Interface())
	if err == nil {
		code, err = sh.forward(conn, args, input)
	}
	if err != nil {
		return sh.exitCode(err), true
	}
	return code, true
}

// exitCode says what went wrong, and gives the program's exit code for it.
func (sh *shell) exitCode(err error) int {
	if err == nil {
		return 0
	}
	if !errors.Is(err, errFound) {
		fmt.Fprintln(sh.err, "tegami:", sh.explain(err))
	}
	return 1
}

// explain gives an error's text in the operator's language, and what lies behind it.
func (sh *shell) explain(err error) string {
	return sh.words.Error(sh.lang, err) + " [" + err.Error() + "]"
}

// text gives a text in the operator's language.
func (sh *shell) text(key string, args ...any) string { return sh.words.Text(sh.lang, key, args...) }

// langOf takes the language of messages from the environment, as POSIX says; English where it says nothing we have.
func langOf(env func(string) string) i18n.Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(name); v != "" {
			l, ok := i18n.ParseLang(strings.NewReplacer("_", "-", ".", "-").Replace(v))
			if ok {
				return l
			}
			break
		}
	}
	return i18n.English
}

// place says where the state is, for commands that work on it.
type place struct {
	Config string `help:"The boot file." type:"path"`
	Data   string `help:"The data folder, instead of the boot file's." type:"path"`
}

// config reads the boot file, or takes the defaults where none is named.
func (p place) config() (c app.Config, err error) {
	if p.Config != "" {
		c, err = app.ReadConfig(p.Config)
	} else {
		c, err = app.ParseConfig("", nil)
	}
	if p.Data != "" {
		c.Data = p.Data
	}
	return c, err
}

// open opens the state without any door, and gives what closes it. While a server has it, that is an error.
func (p place) open(sh *shell) (*app.Platform, error) {
	c, err := p.config()
	if err != nil {
		return nil, err
	}
	return app.Open(sh.ctx, c, obs.NewLog(sh.err, obs.LogText, slog.LevelWarn))
}

type versionCommand struct{}

// Run prints the version the program was built from.
func (versionCommand) Run(sh *shell) error {
	_, err := fmt.Fprintf(sh.out, "tegami %s (%s, %s/%s)\n", app.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

type configCommand struct {
	Reference bool `help:"As Markdown tables instead of an example file."`
}

// Run prints the settings.
func (c configCommand) Run(sh *shell) error {
	if c.Reference {
		return app.WriteReference(sh.out)
	}
	return app.WriteExample(sh.out)
}
