package main

import (
	"encoding/json"
	"io"

	"tegami/cmd/console"
)

// format chooses how lists and objects are printed.
type format struct {
	JSON bool `help:"Print JSON." name:"json"`
}

// row is something that is printed as a line of a table, and as itself in JSON.
type row interface {
	columns() []string // in the order of its headings
}

// printList prints rows under headings (keys of the catalogue), or as a JSON array.
func printList[R row](sh *shell, f format, headings []string, rows []R) error {
	if f.JSON {
		if rows == nil {
			rows = []R{}
		}
		return printJSON(sh.out, rows)
	}
	lines := make([][]string, 0, len(rows)+1)
	head := make([]string, len(headings))
	for i, key := range headings {
		head[i] = sh.text(key)
	}
	lines = append(lines, head)
	for _, r := range rows {
		lines = append(lines, r.columns())
	}
	return console.WriteTable(sh.out, lines)
}

// printOne prints an object: a line a field, or JSON.
func printOne[R row](sh *shell, f format, headings []string, r R) error {
	if f.JSON {
		return printJSON(sh.out, r)
	}
	lines := make([][]string, len(headings))
	for i, value := range r.columns() {
		lines[i] = []string{sh.text(headings[i]), value}
	}
	return console.WriteTable(sh.out, lines)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
