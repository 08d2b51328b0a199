package app

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// setting is one setting or table of the boot file, as the reference shows it.
type setting struct {
	name    string // "log.level"
	doc     string
	kind    string // "text", "number" …; "" for a table
	table   string // the TOML header that begins a table: "[log]", "[[listen]]"
	initial string // the default, in TOML
}

// settings lists every setting of the boot file in the order of the struct.
func settings() []setting {
	return settingsOf(reflect.ValueOf(DefaultConfig()), "")
}

func settingsOf(v reflect.Value, prefix string) (list []setting) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := prefix + field.Tag.Get("toml")
		s := setting{name: name, doc: field.Tag.Get("doc")}
		switch value := v.Field(i); {
		case value.Kind() == reflect.Struct:
			s.table = "[" + name + "]"
			list = append(append(list, s), settingsOf(value, name+".")...)
		case value.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			s.table = "[[" + name + "]]"
			list = append(append(list, s), settingsOf(reflect.New(field.Type.Elem()).Elem(), name+".")...)
		default:
			s.kind, s.initial = kindOf(value), inTOML(value)
			list = append(list, s)
		}
	}
	return list
}

// kindOf names the kind of value a setting takes.
func kindOf(v reflect.Value) string {
	switch v.Interface().(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case int:
		return "number"
	case Duration:
		return "time, such as 20s or 5m"
	case []string:
		return "list of texts"
	case []int:
		return "list of numbers"
	}
	return v.Type().String()
}

// inTOML writes a value as TOML.
func inTOML(v reflect.Value) string {
	out, err := toml.Marshal(map[string]any{"v": v.Interface()})
	if err != nil {
		return fmt.Sprint(v.Interface())
	}
	return strings.ReplaceAll(strings.TrimSpace(strings.TrimPrefix(string(out), "v = ")), "'", `"`)
}

// WriteReference writes the reference of the boot file as Markdown.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# The boot file\n\n")
	b.WriteString("`tegami serve --config tegami.toml` reads this file once, at start. It is TOML and strict: an unknown setting is an error with its line.\n")
	b.WriteString("Everything else (companies, domains, accounts) is kept in the store and changed with `tegami admin`.\n\n")
	b.WriteString("This page is made from the program (`make docs`); a test compares them.\n\n| setting | what it takes | default | what it is |\n|---|---|---|---|\n")
	for _, s := range settings() {
		if s.table != "" {
			fmt.Fprintf(&b, "| **`%s`** | | | %s |\n", s.table, s.doc)
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", s.name, s.kind, s.initial, s.doc)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteExample writes an example of the boot file: every setting with its documentation and default, commented out.
func WriteExample(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# The boot file of Tegami. Each setting stands here with its default; remove the # before what you change.\n")
	for _, s := range settings() {
		b.WriteString("\n")
		for _, line := range wrap(s.doc, 100) {
			b.WriteString("# " + line + "\n")
		}
		if s.table != "" {
			b.WriteString("#" + s.table + "\n")
			continue
		}
		fmt.Fprintf(&b, "#%s = %s\n", s.name[strings.LastIndexByte(s.name, '.')+1:], s.initial)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap breaks a text into lines of at most width characters.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
