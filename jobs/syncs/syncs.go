// Package syncs makes jobs of reading companies' own directories (package directory/ldap), by hand and by the clock.
package syncs

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"tegami/directory"
	"tegami/directory/ldap"
	"tegami/jobs"
	"tegami/mail"
	"tegami/obs"
	"tegami/queue"
	"tegami/store"
)

// Sync is the kind of jobs that read a source.
const Sync = "sync"

// Params are those of a sync.
type Params struct {
	Source mail.ObjectID `json:"source"`
	DryRun bool          `json:"dryRun,omitempty"`
}

// Kind is the kind of jobs that read sources.
func Kind(s *ldap.Service) jobs.Kind {
	return jobs.Kind{
		Name: Sync, Right: directory.RightAccounts, Again: true, Needs: needs,
		Do: func(ctx context.Context, t *jobs.Task) (jobs.Result, error) { return do(ctx, s, t) },
	}
}

// needs asks for the right in the whole company: an entry can be anybody.
func needs(c *directory.Caller, _ json.RawMessage) error {
	if !c.Whole(directory.RightAccounts) {
		return mail.E("syncs.needs", mail.Denied, "actor.denied")
	}
	return nil
}

// do reads the source.
func do(ctx context.Context, s *ldap.Service, t *jobs.Task) (jobs.Result, error) {
	const op = "syncs.do"
	var p Params
	if err := json.Unmarshal(t.Params, &p); err != nil {
		return jobs.Result{}, mail.Because(op, mail.Invalid, "jobs.params", err)
	}
	d, err := s.Run(ctx, &ldap.Sync{
		By: t.By, Tenant: t.Tenant, Source: p.Source, DryRun: p.DryRun, Watch: t,
		Also: func(tx store.Tx, d *ldap.Diff) error { return t.Commit(tx, result(d)) },
	})
	if err != nil {
		return jobs.Result{}, mail.Wrap(op, err)
	}
	return result(d), nil
}

// result is a diff as a job leaves it.
func result(d *ldap.Diff) jobs.Result {
	r := jobs.Result{Counts: map[string]int{
		"added": d.Counts[ldap.Added], "linked": d.Counts[ldap.Linked], "updated": d.Counts[ldap.Updated],
		"suspended": d.Counts[ldap.Suspended], "resumed": d.Counts[ldap.Resumed], "unchanged": d.Same,
	}, Good: d.People - d.Bad, Bad: d.Bad}
	for _, n := range d.Notes {
		if n.Err != nil {
			r.Report = append(r.Report, jobs.LineOf(0, n.DN, n.Err))
			continue
		}
		r.Report = append(r.Report, jobs.Line{Column: n.DN, Key: n.What, Args: []string{n.Address}, Remark: true})
	}
	return r
}

// every is how often the clock looks.
const every = time.Minute

// duty is what one process holds to look.
const duty = "ldap"

// A Clock starts the syncs whose time has come.
type Clock struct {
	Store   store.Store
	Sources *ldap.Service
	Jobs    *jobs.Service
	Log     *slog.Logger
}

// Run looks every minute while this process holds the duty, until ctx ends.
func (c *Clock) Run(ctx context.Context) {
	log := obs.Named(c.Log, "syncs")
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		held, _, err := c.Store.Lead(ctx, duty)
		if err != nil && ctx.Err() == nil {
			log.Error("nobody starts the syncs", "err", err)
		}
		for err == nil && held.Err() == nil {
			if fault := c.Look(held); fault != nil && held.Err() == nil {
				log.Error("syncs were not started", "err", fault)
			}
			select {
			case <-held.Done():
			case <-tick.C:
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// Look starts what is due. What can't be started, because who set it up has gone, is left for the next time, and said beside the source.
func (c *Clock) Look(ctx context.Context) error {
	due, err := c.Sources.Take(ctx, queue.Worker())
	for _, d := range due {
		_, failed := c.Jobs.StartFor(ctx, d.Starter, d.Tenant, jobs.Order{Kind: Sync, Title: d.Name, Params: Params{Source: d.Source}})
		if failed == nil {
			continue
		}
		if noted := c.Sources.NoteFailure(ctx, queue.Worker(), d.Tenant, d.Source, failed); noted != nil && err == nil {
			err = noted
		}
	}
	return mail.Wrap("syncs.Look", err)
}
