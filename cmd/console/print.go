package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"

	"tegami/mail"
	"tegami/server/restd/openapi"
)

// page is a part of a list as the API answers it.
type page struct {
	Items []json.RawMessage `json:"items"`
	Next  string            `json:"next"`
}

// maxPage is how many items are asked for at once.
const maxPage = 1000

// list reads a list to its end, or to --limit, and prints it.
func (c *Console) list(ctx context.Context, cmd Command, in Invocation, r request) error {
	items, err := c.all(ctx, r, in.Global["limit"])
	if err != nil {
		return err
	}
	return c.printItems(cmd, in, items)
}

// all reads the items of a list, part by part.
func (c *Console) all(ctx context.Context, r request, limit string) (items []json.RawMessage, err error) {
	most, _ := strconv.Atoi(limit) // was checked; 0 = all
	for {
		want := maxPage
		if most > 0 {
			want = min(want, most-len(items))
		}
		r.query.Set("limit", strconv.Itoa(want))
		a, err := c.send(ctx, r)
		if err != nil {
			return nil, err
		}
		var p page
		if err := json.Unmarshal(a.body, &p); err != nil {
			return nil, mail.E("console.all", mail.Unavailable, "cli.no_api", c.Base, a.status)
		}
		items = append(items, p.Items...)
		if p.Next == "" || most > 0 && len(items) >= most {
			return items, nil
		}
		r.query.Set("cursor", p.Next)
	}
}

// print prints an answer: JSON as a table or as it is, files as they are.
func (c *Console) print(cmd Command, in Invocation, a answer) error {
	switch {
	case len(a.body) == 0:
		return nil
	case a.kind != jsonType:
		return c.save(in, a.body)
	}
	var p struct{ Items []json.RawMessage }
	if itemOf(c.Doc, cmd) != nil && json.Unmarshal(a.body, &p) == nil {
		return c.printItems(cmd, in, p.Items)
	}
	if in.Global["json"] != "" {
		return c.printJSON(a.body)
	}
	_, _, schema := cmd.Operation.Answer()
	var lines [][]string
	if err := c.fields(&lines, schema, a.body, ""); err != nil {
		return err
	}
	return WriteTable(c.Out, lines)
}

// save writes a file that was fetched.
func (c *Console) save(in Invocation, body []byte) error {
	name := in.Global["output"]
	if name == "" || name == "-" {
		_, err := c.Out.Write(body)
		return err
	}
	if err := os.WriteFile(name, body, 0o600); err != nil {
		return mail.Because("console.save", mail.Unavailable, "cli.unwritable", err)
	}
	return nil
}

func (c *Console) printJSON(text []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(text), "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := c.Out.Write(b.Bytes())
	return err
}

// maxColumns is how many columns a table has that nobody chose.
const maxColumns = 8

// printItems prints a list: a table, or a JSON array.
func (c *Console) printItems(cmd Command, in Invocation, items []json.RawMessage) error {
	if in.Global["json"] != "" {
		if items == nil {
			items = []json.RawMessage{}
		}
		text, err := json.Marshal(items)
		if err != nil {
			return err
		}
		return c.printJSON(text)
	}
	columns := c.columns(itemOf(c.Doc, cmd), in.Global["columns"])
	lines := [][]string{c.headings(columns)}
	for _, item := range items {
		var o map[string]any
		if err := decode(item, &o); err != nil {
			lines = append(lines, []string{cellText(strings.Trim(string(item), `"`))})
			continue
		}
		line := make([]string, len(columns))
		for i, name := range columns {
			line[i] = cellText(o[name])
		}
		lines = append(lines, line)
	}
	return WriteTable(c.Out, lines)
}

// columns are those that were chosen, or the first that hold a single value.
func (c *Console) columns(item *openapi.Schema, chosen string) (names []string) {
	if chosen != "" {
		return strings.Split(chosen, ",")
	}
	for _, f := range c.Doc.Fields(item) {
		kind := f.Schema.Kind()
		flat := kind != "object" && (kind != "array" || c.Doc.Resolve(f.Schema.Items).Kind() == "string")
		if flat && len(names) < maxColumns {
			names = append(names, f.Name)
		}
	}
	return names
}

// headings are the names of columns in the reader's language, where the catalogue has them.
func (c *Console) headings(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = c.heading(name)
	}
	return list
}

func (c *Console) heading(name string) string {
	if key := "cli." + strings.ReplaceAll(kebab(name), "-", "_"); c.Words.Has(c.Lang, key) {
		return c.text(key)
	}
	return name
}

// fields adds a line for each value of an object, and of those in it.
func (c *Console) fields(lines *[][]string, schema *openapi.Schema, text json.RawMessage, under string) error {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(text, &o); err != nil {
		*lines = append(*lines, []string{strings.TrimSpace(string(text))})
		return nil
	}
	for _, f := range c.Doc.Fields(schema) {
		raw, ok := o[f.Name]
		if !ok {
			continue
		}
		if f.Schema.Kind() == "object" && len(f.Schema.Properties) > 0 && string(raw) != "null" {
			if err := c.fields(lines, f.Schema, raw, under+f.Name+"."); err != nil {
				return err
			}
			continue
		}
		var v any
		if err := decode(raw, &v); err != nil {
			return err
		}
		label := under + f.Name
		if under == "" {
			label = c.heading(f.Name)
		}
		*lines = append(*lines, []string{label, cellText(v)})
	}
	return nil
}

// decode reads JSON and keeps its numbers as they are written.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}

// cellText is a value in a table.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return ' ' // what others typed must not move the terminal
			}
			return r
		}, v)
	case []any:
		texts := make([]string, len(v))
		for i, one := range v {
			texts[i] = cellText(one)
		}
		return strings.Join(texts, " ")
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(text)
	}
	return fmt.Sprint(v)
}

// WriteTable aligns columns by the cells a terminal gives their text: two for most of Japanese.
func WriteTable(w io.Writer, lines [][]string) error {
	var widths []int
	for _, line := range lines {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cells(cell))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		for i, cell := range line {
			b.WriteString(cell)
			if i < len(line)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-cells(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	_, err := fmt.Fprint(w, b.String())
	return err
}

// cells is the width of a text in a terminal.
func cells(s string) (n int) {
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			if utf8.ValidRune(r) && r >= ' ' {
				n++
			}
		}
	}
	return n
}

// overview prints what there is.
func (c *Console) overview() error {
	lines := [][]string{{"tegami admin RESOURCE VERB …"}, {}}
	for _, name := range Resources(c.commands) {
		lines = append(lines, []string{"  " + name, verbsOf(Of(c.commands, name))})
	}
	return WriteTable(c.Out, append(lines, []string{"  apply", "FILE [--dry-run]"}))
}

// resourceHelp prints the verbs of a resource.
func (c *Console) resourceHelp(resource string) error {
	lines := [][]string{{"tegami admin " + resource + " VERB …"}, {}}
	for _, cmd := range Of(c.commands, resource) {
		lines = append(lines, []string{strings.TrimRight("  "+cmd.Verb+" "+words(cmd), " "), cmd.Operation.Summary})
	}
	return writeHelp(c.Out, lines)
}

// More prints what there is beside the commands that somebody else has: all resources, or the verbs of the one that was typed.
func (c *Console) More(typed []string, elsewhere func(resource, verb string) bool) error {
	var lines [][]string
	for _, name := range Resources(c.commands) {
		own := slices.DeleteFunc(Of(c.commands, name), func(cmd Command) bool { return elsewhere(name, cmd.Verb) })
		switch {
		case len(own) == 0:
		case len(typed) == 0:
			lines = append(lines, []string{"  " + name, verbsOf(own)})
		case typed[0] == name:
			for _, cmd := range own {
				lines = append(lines, []string{strings.TrimRight("  "+name+" "+cmd.Verb+" "+words(cmd), " "), cmd.Operation.Summary})
			}
		}
	}
	if len(typed) == 0 {
		lines = append(lines, []string{"  apply", "FILE [--dry-run]"})
	}
	return writeHelp(c.Out, lines)
}

// words are the arguments of a command as help shows them.
func words(cmd Command) string {
	var list []string
	for _, v := range cmd.Args {
		list = append(list, strings.ToUpper(v.Name))
	}
	return strings.Join(list, " ")
}

// commandHelp prints what a command takes, and who may use it.
func (c *Console) commandHelp(cmd Command) error {
	lines := [][]string{
		{strings.TrimSpace("tegami admin " + cmd.Resource + " " + cmd.Verb + " " + words(cmd))},
		{cmd.Operation.Summary}, {c.text("cli.who_may", strings.Join(cmd.Operation.Roles, ", "))}, {},
	}
	for _, v := range cmd.Args {
		lines = append(lines, []string{"  " + strings.ToUpper(v.Name), v.Help})
	}
	for _, v := range cmd.Flags {
		lines = append(lines, []string{"  --" + v.flag() + hint(v), v.Help})
	}
	lines = append(lines, []string{})
	var names []string
	for name := range globals {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		g := globals[name]
		lines = append(lines, []string{strings.TrimRight("  --"+name+" "+g.value, " "), g.help})
	}
	return writeHelp(c.Out, lines)
}

// hint is what an option takes.
func hint(v Value) string {
	switch {
	case v.Secret:
		return " FILE"
	case v.Schema.Kind() == "boolean":
		return ""
	case len(v.Schema.Enum) > 0:
		texts := make([]string, len(v.Schema.Enum))
		for i, value := range v.Schema.Enum {
			texts[i] = fmt.Sprint(value)
		}
		return " " + strings.Join(texts, "|")
	}
	return " " + strings.ToUpper(cmp.Or(v.Schema.Format, v.Schema.Kind(), "json"))
}

// maxHelpColumn is how wide the left column of help gets at most.
const maxHelpColumn = 36

// writeHelp writes lines of one or two columns; a long left one gets a line of its own.
func writeHelp(w io.Writer, lines [][]string) error {
	var b strings.Builder
	for _, line := range lines {
		switch {
		case len(line) < 2:
			b.WriteString(strings.Join(line, ""))
		case cells(line[0]) > maxHelpColumn:
			b.WriteString(line[0] + "\n" + strings.Repeat(" ", maxHelpColumn+2) + line[1])
		default:
			b.WriteString(line[0] + strings.Repeat(" ", maxHelpColumn+2-cells(line[0])) + line[1])
		}
		b.WriteByte('\n')
	}
	_, err := fmt.Fprint(w, b.String())
	return err
}
