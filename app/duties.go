package app

import (
	"context"
	"errors"
	"time"
)

// How often one process of the platform does what the directory needs now and then.
const (
	destroyEvery = time.Hour      // deleted accounts whose grace is over
	logsEvery    = 24 * time.Hour // old lines of operation logs, and what administrators are told of each month
	dutyAgain    = time.Minute    // after a failure to become the one who does it
)

// attend does what the directory needs now and then while this process is the one that leads the duty, until ctx ends.
func (p *Platform) attend(ctx context.Context) {
	for ctx.Err() == nil {
		held, _, err := p.store.Lead(ctx, "directory")
		if err == nil {
			p.attending(held)
			continue
		}
		if ctx.Err() == nil {
			p.log.Error("duty of the directory", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(dutyAgain):
		}
	}
}

// attending is attend while the duty is held.
func (p *Platform) attending(held context.Context) {
	tick := time.NewTicker(destroyEvery)
	defer tick.Stop()
	var logs time.Time
	for {
		if n, err := p.dir.Tend(held); err != nil && held.Err() == nil {
			p.log.Error("deleted accounts", "err", err)
		} else if n > 0 {
			p.log.Info("deleted accounts are destroyed", "accounts", n)
		}
		if time.Since(logs) >= logsEvery {
			logs = time.Now()
			if _, err := p.dir.KeepLogs(held); err != nil && held.Err() == nil {
				p.log.Error("operation logs", "err", err)
			}
			p.reportForwards(held)
		}
		select {
		case <-held.Done():
			return
		case <-tick.C:
		}
	}
}

// reportForwards has the administrators of each company told whose mail leaves it by itself, if that wasn't done this month (ML-5).
func (p *Platform) reportForwards(ctx context.Context) {
	all, err := p.dir.Tenants(ctx)
	for _, t := range all {
		if t.Usable("app.reportForwards", time.Now()) != nil {
			continue
		}
		// To find none all accounts are read: not again at every start.
		looked, failed := p.store.Tally(ctx, "app forwards "+t.ID.String(), 1, logsEvery/2)
		if failed == nil && looked == 1 {
			failed = p.notices.ReportForwards(ctx, t.ID, time.Now())
		}
		err = errors.Join(err, failed)
	}
	if err != nil && ctx.Err() == nil {
		p.log.Error("report of forwards", "err", err)
	}
}
