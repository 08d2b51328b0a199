package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
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
	return printTable(sh.out, lines)
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
	return printTable(sh.out, lines)
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printTable aligns columns by the cells a terminal gives their text: two for most of Japanese.
func printTable(w io.Writer, lines [][]string) error {
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
