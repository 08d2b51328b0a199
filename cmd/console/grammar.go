package console

import (
	"slices"
	"strings"
	"unicode"

	"tegami/server/restd/openapi"
)

// A Command is one operation of the API as it is typed: "account show ADDRESS".
type Command struct {
	Resource  string // "account"
	Verb      string // "show"
	Operation openapi.Operation
	Args      []Value // what is typed without a name, in this order
	Flags     []Value // what has a name
	Body      string  // the media type of the body; "" for none
}

// Value is something a command is given.
type Value struct {
	Name     string   // as it is typed: "last-name"
	Path     []string // where it stands in the body: "domain", "plan"; one name elsewhere
	In       string   // "path", "query", "body", "file"
	Required bool
	Help     string
	Schema   *openapi.Schema
	Secret   bool // it is read from a file or the standard input: everybody on a machine sees command lines
}

// verbs are the words that operations begin with, as the command line says them.
var verbs = map[string]string{"get": "show", "create": "add", "update": "set", "change": "set", "replace": "set", "amend": "set", "remove": "delete"}

// plural are resources that are no plain plurals.
var plural = map[string]string{"aliases": "alias", "settings": "settings", "calendar": "calendar"}

// Commands makes the grammar from a description. Its order is that of openapi.Document.Operations.
func Commands(d *openapi.Document) []Command {
	var list []Command
	for _, o := range d.Operations() {
		c := Command{Resource: resourceOf(o.Tag()), Operation: o}
		c.Verb = verbOf(o.ID, o.Tag())
		c.Body, _ = o.Request()
		c.take(d)
		list = append(list, c)
	}
	return list
}

func resourceOf(tag string) string {
	if s, ok := plural[tag]; ok {
		return s
	}
	return strings.TrimSuffix(tag, "s")
}

// verbOf makes "list-sessions" of listAccountSessions among the accounts.
func verbOf(id, tag string) string {
	words := split(id)
	verb := words[0]
	if v, ok := verbs[verb]; ok {
		verb = v
	}
	one := resourceOf(tag)
	rest := slices.DeleteFunc(words[1:], func(w string) bool { return w == one || w == tag || w == one+"s" || one == "self" && w == "own" })
	return strings.Join(append([]string{verb}, rest...), "-")
}

// split cuts a name in camel case into words in lower case: an abbreviation is one.
func split(name string) (words []string) {
	begin := 0
	runes := []rune(name)
	for i := 1; i <= len(runes); i++ {
		switch {
		case i == len(runes):
		case !unicode.IsUpper(runes[i]):
			continue
		case unicode.IsUpper(runes[i-1]) && !(i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			continue
		}
		words = append(words, strings.ToLower(string(runes[begin:i])))
		begin = i
	}
	return words
}

// kebab makes "last-name" of lastName.
func kebab(name string) string { return strings.Join(split(name), "-") }

// take finds the values of a command: what stands in the path comes without a name, then what the body needs; all else has one.
func (c *Command) take(d *openapi.Document) {
	for _, p := range c.Operation.In("path") {
		if p.Name != tenantPlace {
			c.Args = append(c.Args, Value{Name: p.Name, Path: []string{p.Name}, In: "path", Required: true, Help: p.Description, Schema: d.Resolve(p.Schema)})
		}
	}
	for _, p := range c.Operation.In("query") {
		if p.Name != "cursor" && p.Name != "limit" {
			c.Flags = append(c.Flags, Value{Name: kebab(p.Name), Path: []string{p.Name}, In: "query", Required: p.Required, Help: p.Description, Schema: d.Resolve(p.Schema)})
		}
	}
	kind, schema := c.Operation.Request()
	switch kind {
	case "":
	case jsonType:
		c.takeBody(d, schema, nil)
	default:
		c.Args = append(c.Args, Value{Name: "file", In: "file", Required: true, Help: kind + "; - is the standard input"})
	}
}

// tenantPlace is the company in a path, which is found by --tenant or by itself.
const tenantPlace = "tenant"

// jsonType is the media type of JSON.
const jsonType = "application/json"

// takeBody finds the values of a body, and those of the objects in it as "domain.plan".
func (c *Command) takeBody(d *openapi.Document, schema *openapi.Schema, under []string) {
	for _, f := range d.Fields(schema) {
		path := append(slices.Clone(under), f.Name)
		if f.Schema.ReadOnly {
			continue
		}
		if f.Schema.Kind() == "object" && len(f.Schema.Properties) > 0 && len(under) < 2 {
			c.takeBody(d, f.Schema, path)
			continue
		}
		v := Value{Name: dotted(path), Path: path, In: "body", Required: f.Required && len(under) == 0, Help: f.Schema.Description, Schema: f.Schema}
		v.Secret = secret(f.Name) && f.Schema.Kind() == "string"
		if v.Required && scalar(v.Schema) && !v.Secret {
			c.Args = append(c.Args, v)
		} else {
			c.Flags = append(c.Flags, v)
		}
	}
}

func dotted(path []string) string {
	names := make([]string, len(path))
	for i, p := range path {
		names[i] = kebab(p)
	}
	return strings.Join(names, ".")
}

// secret tells whether a value must not stand on a command line.
func secret(name string) bool {
	low := strings.ToLower(name)
	return strings.HasSuffix(low, "password") || low == "old" || low == "new" || low == "secret" || low == "bindpassword"
}

func scalar(s *openapi.Schema) bool {
	return s.Kind() == "string" || s.Kind() == "integer" || s.Kind() == "number"
}

// flag is the option's name as it is typed: a secret's names the file it is in.
func (v Value) flag() string {
	if v.Secret {
		return v.Name + "-file"
	}
	return v.Name
}

// needsTenant tells whether the command is about one company.
func (c *Command) needsTenant() bool {
	return strings.Contains(c.Operation.Path, "{"+tenantPlace+"}")
}

// lists tells whether the command lists things in parts.
func (c *Command) lists() bool {
	return slices.ContainsFunc(c.Operation.Parameters, func(p openapi.Param) bool { return p.In == "query" && p.Name == "cursor" })
}

// Find gives the command of a resource and a verb.
func Find(commands []Command, resource, verb string) (Command, bool) {
	i := slices.IndexFunc(commands, func(c Command) bool { return c.Resource == resource && c.Verb == verb })
	if i < 0 {
		return Command{}, false
	}
	return commands[i], true
}

// Resources lists the resources, each once.
func Resources(commands []Command) (names []string) {
	for _, c := range commands {
		if !slices.Contains(names, c.Resource) {
			names = append(names, c.Resource)
		}
	}
	return names
}

// Of lists the commands of a resource.
func Of(commands []Command, resource string) []Command {
	return slices.DeleteFunc(slices.Clone(commands), func(c Command) bool { return c.Resource != resource })
}
