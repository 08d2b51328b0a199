package docs

import (
	_ "embed"
	"strings"
)

// Part is something of others' that the program is made of.
type Part struct {
	Ecosystem string // "go": within the program, "npm": within its pages
	Name      string // "golang.org/x/net"
	Version   string
	Licence   string // as SPDX names it, "BSD-3-Clause"
}

// parts are a line each, their fields in the order of Part, tabs between. `go test ./docs -run Parts -update` writes it.
//
//go:embed parts.tsv
var parts string

// Parts lists what of others' the program is made of, by ecosystem and name.
func Parts() []Part {
	var list []Part
	for line := range strings.Lines(parts) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == 4 {
			list = append(list, Part{f[0], f[1], f[2], f[3]})
		}
	}
	return list
}
