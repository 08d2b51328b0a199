package console

import (
	"slices"
	"strings"

	"tegami/mail"
)

// global is an option that every command has.
type global struct {
	value string // what it takes, for the help; "" for nothing
	help  string
}

// globals are the options of every command, which may stand anywhere behind "admin".
var globals = map[string]global{
	"json":     {"", "Print what the API answers, as JSON."},
	"tenant":   {"COMPANY", "The company: its id, or a domain it has. TEGAMI_TENANT says it too."},
	"reason":   {"TEXT", "Why you change something of a company: its operation log shows it."},
	"columns":  {"NAMES", "The columns of a table, such as address,state."},
	"limit":    {"N", "List so many at most."},
	"output":   {"FILE", "Write a file that is fetched there, and not to the standard output."},
	"body":     {"FILE", "The whole request as JSON from a file; - is the standard input. Options add to it."},
	"if-match": {"VERSION", "Change it only if it still has this ETag."},
	"dry-run":  {"", "Of apply: show what would be changed."},
	"server":   {"URL", "Ask this server over HTTPS. TEGAMI_SERVER says it too."},
	"key-file": {"FILE", "The file with the API key for it. TEGAMI_KEY holds the key itself."},
	"ca-file":  {"FILE", "The certificate authority of that server, where the system doesn't know it. TEGAMI_CA says it too."},
	"config":   {"FILE", "The boot file."},
	"data":     {"FOLDER", "The data folder, instead of the boot file's."},
	"help":     {"", "Show help."},
}

// Invocation is a command line that was understood as far as it could be without asking the server.
type Invocation struct {
	Words  []string          // what stands without a name: resource, verb, arguments
	Global map[string]string // options of every command by name; "true" for those that take nothing
	given  map[string][]string
}

// usage is an error of the command line itself.
type usage struct{ err *mail.Error }

// misused makes one. Its keys are those of the catalogue.
func misused(key string, args ...any) error {
	return usage{mail.E("console.parse", mail.Invalid, key, args...)}
}

// Error is the error for the log.
func (u usage) Error() string { return u.err.Error() }

// Unwrap lets the text be found.
func (u usage) Unwrap() error { return u.err }

// Parse reads what stands behind "admin". The command, if there is one, tells which of its options take a value.
func Parse(commands []Command, args []string) (Invocation, error) {
	in := Invocation{Global: map[string]string{}, given: map[string][]string{}}
	for i := 0; i < len(args); i++ {
		name, isOption := strings.CutPrefix(args[i], "-")
		switch {
		case args[i] == "--":
			in.Words = append(in.Words, args[i+1:]...)
			return in, nil
		case !isOption || args[i] == "-":
			in.Words = append(in.Words, args[i])
			continue
		}
		name = strings.TrimPrefix(name, "-")
		if name == "h" {
			name = "help"
		}
		name, value, joined := strings.Cut(name, "=")
		takes, err := in.takes(commands, name)
		if err != nil {
			return in, err
		}
		switch {
		case !takes && !joined:
			value = "true"
		case takes && !joined:
			if i++; i == len(args) {
				return in, misused("cli.no_value", name)
			}
			value = args[i]
		}
		in.keep(commands, name, value)
	}
	return in, nil
}

// takes tells whether an option takes a value.
func (in *Invocation) takes(commands []Command, name string) (bool, error) {
	if v, ok := in.flag(commands, name); ok {
		return v.Schema.Kind() != "boolean" || v.Secret, nil
	}
	if g, ok := globals[name]; ok {
		return g.value != "", nil
	}
	return false, misused("cli.unknown_option", "--"+name)
}

// keep notes an option. Some are a command's and everybody's at once: an order names its company, a domain says why.
func (in *Invocation) keep(commands []Command, name, value string) {
	if v, ok := in.flag(commands, name); ok {
		in.given[v.Name] = append(in.given[v.Name], value)
	}
	if _, ok := globals[name]; ok {
		in.Global[name] = value
	}
}

// flag finds an option of the command that was typed.
func (in *Invocation) flag(commands []Command, name string) (Value, bool) {
	c, ok := in.command(commands)
	if !ok {
		return Value{}, false
	}
	i := slices.IndexFunc(c.Flags, func(v Value) bool { return v.flag() == name })
	if i < 0 {
		return Value{}, false
	}
	return c.Flags[i], true
}

// command is what the words so far name.
func (in *Invocation) command(commands []Command) (Command, bool) {
	if len(in.Words) < 2 {
		return Command{}, false
	}
	return Find(commands, in.Words[0], in.Words[1])
}
