package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"tegami/app"
	"tegami/store"
)

// errFound ends the program with code 1 after findings were printed.
var errFound = errors.New("findings")

// finding is how a finding is printed as JSON.
type finding struct {
	Tenant   string `json:"tenant,omitempty"`
	What     string `json:"what"`
	Garbage  bool   `json:"garbage"`
	Repaired bool   `json:"repaired"`
}

// check verifies the store of p and prints what it finds.
func check(sh *shell, p *app.Platform, repair, asJSON bool) error {
	var wrong, garbage, repaired int
	err := p.Check(sh.ctx, repair, func(f store.Finding) {
		switch {
		case f.Repaired:
			repaired++
		case f.Garbage:
			garbage++
		default:
			wrong++
		}
		printFinding(sh, f, asJSON)
	})
	if err != nil {
		return err
	}
	if !asJSON {
		fmt.Fprintln(sh.out, sh.text("check.result", wrong, garbage, repaired))
	}
	if wrong > 0 {
		return errFound
	}
	return nil
}

func printFinding(sh *shell, f store.Finding, asJSON bool) {
	if asJSON {
		json.NewEncoder(sh.out).Encode(finding{f.Tenant.String(), f.What, f.Garbage, f.Repaired})
		return
	}
	key := "check.wrong"
	switch {
	case f.Repaired:
		key = "check.repaired"
	case f.Garbage:
		key = "check.garbage"
	}
	fmt.Fprintf(sh.out, "%s\t%s\t%s\n", sh.text(key), f.Tenant, f.What)
}
