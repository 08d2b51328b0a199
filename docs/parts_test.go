package docs

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write parts.tsv anew")

// marks are what a licence says and no other, in the order in which they are looked for.
var marks = []struct{ licence, says string }{
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"Apache-2.0", "Apache License Version 2.0"},
	{"BSD-3-Clause", "Neither the name"},
	{"BSD-3-Clause", "names of its contributors may not be used"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"Unlicense", "This is free and unencumbered software released into the public domain"},
	{"CC0-1.0", "CC0 1.0 Universal"},
}

// licenceOf reads the licence of a module's folder; "" where it is not known.
func licenceOf(dir string) string {
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING", "License", "LICENSE-MIT", "UNLICENSE"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		plain := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(string(text), ",", " ")), " "))
		for _, m := range marks {
			if strings.Contains(plain, strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(m.says, ",", " ")), " "))) {
				return m.licence
			}
		}
	}
	return ""
}

// modules lists the Go modules that bin/tegami is built from, with Go itself.
func modules(t *testing.T) (list []Part) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/tegami")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	seen := map[string]bool{"tegami": true}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Module *struct{ Path, Version, Dir string }
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if m := p.Module; m != nil && !seen[m.Path] {
			seen[m.Path] = true
			list = append(list, Part{"go", m.Path, m.Version, licenceOf(m.Dir)})
		}
	}
	return list
}

// packages lists what the pages are built from and carry with them, as the lock file of npm has it.
func packages(t *testing.T) (list []Part) {
	t.Helper()
	text, err := os.ReadFile("../web/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct {
			Version, License    string
			Dev, Link, Optional bool
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	for path, p := range lock.Packages {
		_, name, found := strings.Cut(path, "node_modules/")
		if i := strings.LastIndex(name, "node_modules/"); i >= 0 {
			name = name[i+len("node_modules/"):]
		}
		if found && !p.Dev && !p.Link && !p.Optional && !strings.HasPrefix(name, "@types/") {
			list = append(list, Part{"npm", name, p.Version, strings.Trim(p.License, "()")})
		}
	}
	return list
}

// TestParts wants the list of parts to be that of go.mod and package-lock.json, each with its licence.
func TestParts(t *testing.T) {
	want := append(modules(t), packages(t)...)
	slices.SortFunc(want, func(a, b Part) int {
		return strings.Compare(a.Ecosystem+"\t"+a.Name+"\t"+a.Version, b.Ecosystem+"\t"+b.Name+"\t"+b.Version)
	})
	var text strings.Builder
	for _, p := range want {
		if p.Licence == "" || p.Version == "" {
			t.Errorf("%s %s: the licence is not known", p.Ecosystem, p.Name)
		}
		text.WriteString(strings.Join([]string{p.Ecosystem, p.Name, p.Version, p.Licence}, "\t") + "\n")
	}
	if *update {
		if err := os.WriteFile("parts.tsv", []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !slices.Equal(Parts(), want) {
		t.Error("parts.tsv is old: go test ./docs -run Parts -update")
	}
}
