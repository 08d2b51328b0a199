// Package files makes jobs of the imports of package directory/bulk.
package files

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"

	"tegami/directory"
	"tegami/directory/bulk"
	"tegami/jobs"
	"tegami/mail"
	"tegami/store"
)

// Import is the kind of jobs that import a file.
const Import = "import"

// Params are those of an import.
type Params struct {
	Kind string `json:"kind"` // of bulk.Kinds
	bulk.Options
}

// Kind is the kind of jobs that import files.
func Kind() jobs.Kind {
	return jobs.Kind{Name: Import, Right: directory.RightAccountsRead, Needs: needs, Again: true, Do: do}
}

// needs asks for the right of the file's kind.
func needs(c *directory.Caller, text json.RawMessage) error {
	const op = "files.needs"
	var p Params
	if err := json.Unmarshal(text, &p); err != nil {
		return mail.Because(op, mail.Invalid, "jobs.params", err)
	}
	k, err := bulk.Find(p.Kind)
	if err != nil {
		return mail.Wrap(op, err)
	}
	if !c.May(k.Right) {
		return mail.E(op, mail.Denied, "actor.denied")
	}
	return nil
}

// do imports the file.
func do(ctx context.Context, t *jobs.Task) (jobs.Result, error) {
	const op = "files.do"
	var p Params
	if err := json.Unmarshal(t.Params, &p); err != nil {
		return jobs.Result{}, mail.Because(op, mail.Invalid, "jobs.params", err)
	}
	in := &bulk.Import{Company: t.Company, By: t.By, Kind: p.Kind, Text: t.Input, Options: p.Options, Watch: t}
	in.Also = func(tx store.Tx, out *bulk.Outcome) error {
		r, err := result(out, t.Lang)
		if err != nil {
			return err
		}
		return t.Commit(tx, r)
	}
	out, err := in.Run(ctx)
	if out == nil {
		return jobs.Result{}, mail.Wrap(op, err)
	}
	out.Passwords = nil // what was not committed has none
	r, bad := result(out, t.Lang)
	if bad != nil {
		return jobs.Result{}, bad
	}
	r.Refused = err
	return r, nil
}

// result is an outcome as a job leaves it.
func result(out *bulk.Outcome, lang string) (jobs.Result, error) {
	r := jobs.Result{
		Counts: map[string]int{"added": out.Added, "updated": out.Updated, "deleted": out.Deleted, "unchanged": out.Same},
		Good:   out.Good, Bad: out.Bad,
	}
	for _, f := range out.Findings {
		line := jobs.LineOf(f.Line, f.Column, f.Err)
		line.Remark = f.Remark
		r.Report = append(r.Report, line)
	}
	if len(out.Passwords) == 0 {
		return r, nil
	}
	var text bytes.Buffer
	if err := bulk.WritePasswords(&text, out.Passwords, lang != "en"); err != nil {
		return r, err
	}
	r.Sheet, r.SheetName = text.Bytes(), "initial-passwords-"+strconv.Itoa(len(out.Passwords))+".csv"
	return r, nil
}
