package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// errCancelled is why a task's context ends when somebody cancelled the job.
var errCancelled = errors.New("the job was cancelled")

// Task is a job as its kind's Do sees it.
type Task struct {
	Caller  *directory.Caller // who started it, with the rights of now
	By      mail.Actor        // under what it writes: the Caller's, with the reason
	Company *directory.Company
	Tenant  mail.TenantID
	Params  json.RawMessage
	Input   []byte
	Lang    string // of the starter; "" = unknown

	service *Service
	id      mail.ObjectID
	fence   uint64
	key     []byte
	cancel  context.CancelCauseFunc

	mu      sync.Mutex
	at      Progress
	written Progress
}

// Phase begins a part of the work of which the size is known, or 0.
func (t *Task) Phase(name string, total int) {
	t.mu.Lock()
	t.at.Phase, t.at.Done, t.at.Total = name, 0, total
	t.mu.Unlock()
}

// Step counts work that was done in this phase. It costs nothing to call it for each line.
func (t *Task) Step(n int) {
	t.mu.Lock()
	t.at.Done += n
	t.mu.Unlock()
}

// Found counts lines that are good and bad.
func (t *Task) Found(good, bad int) {
	t.mu.Lock()
	t.at.Good, t.at.Bad = good, bad
	t.mu.Unlock()
}

// Store is the company's state.
func (t *Task) Store() store.Tenant { return t.service.cfg.Store.Tenant(t.Tenant) }

// progress is how far it is.
func (t *Task) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at
}

// Commit makes the job done inside the transaction that does its work, with everything it leaves: a crash before leaves
// nothing done, one after leaves nothing to do. An error must end the transaction.
func (t *Task) Commit(tx store.Tx, r Result) error {
	doc, o, err := t.mine(tx)
	if err != nil {
		return err
	}
	doc.State = Done
	return t.leave(tx, doc, o.Version, r)
}

// mine reads the job inside a transaction, and fails when it is not this task's any more.
func (t *Task) mine(tx store.Tx) (jobDoc, store.Object, error) {
	doc, o, err := readJob(tx, t.id)
	if err == nil && (doc.State != Running || doc.Fence != t.fence) {
		err = mail.Because("jobs.mine", mail.Busy, "", errTakenOver)
	}
	return doc, o, err
}

// leave writes a job that ends, with its report and its sheet, and removes its input.
func (t *Task) leave(tx store.Tx, doc jobDoc, version uint64, r Result) error {
	doc.Ended, doc.Progress, doc.Counts = t.service.now().UTC(), t.progress(), r.Counts
	doc.Good, doc.Bad, doc.Lines = r.Good, r.Bad, min(len(r.Report), MaxReport)
	if err := dropPayload(tx, t.id, partInput); err != nil {
		return err
	}
	if len(r.Report) > 0 {
		text, err := json.Marshal(r.Report[:doc.Lines])
		if err != nil {
			return mail.Because("jobs.leave", mail.Other, "", err)
		}
		if err := t.attach(tx, partReport, text); err != nil {
			return err
		}
	}
	if len(r.Sheet) > 0 {
		doc.Sheet = Sheet{Name: r.SheetName, Until: doc.Ended.Add(SheetFor)}
		if err := t.attach(tx, partSheet, r.Sheet); err != nil {
			return err
		}
	}
	return putJob(tx, t.id, doc, version, false)
}

// attach writes a part of what the job leaves.
func (t *Task) attach(tx store.Tx, part string, text []byte) error {
	sealed, err := seal(t.key, part, text)
	if err != nil {
		return err
	}
	return putPayload(tx, t.id, part, sealed)
}

// watch writes progress down now and then, and ends the task when somebody cancelled it, until ctx ends.
func (t *Task) watch(ctx context.Context) {
	tick := time.NewTicker(t.service.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := t.note(ctx); err != nil && ctx.Err() == nil {
				t.service.log.Warn("progress was not written", "job", t.id, "err", err)
			}
		}
	}
}

// note writes progress down, if there is any, and looks whether the job was cancelled.
func (t *Task) note(ctx context.Context) error {
	var doc jobDoc
	err := t.service.cfg.Store.Tenant(t.Tenant).View(ctx, func(r store.Reader) (err error) {
		doc, _, err = readJob(r, t.id)
		return err
	})
	if err != nil {
		return err
	}
	if doc.Cancel {
		t.cancel(errCancelled)
	}
	at := t.progress()
	if at == t.written {
		return nil
	}
	t.written = at
	return t.service.cfg.Store.Tenant(t.Tenant).Update(ctx, worker(), "jobs.note", func(tx store.Tx) error {
		doc, o, err := t.mine(tx)
		if err != nil {
			return err
		}
		doc.Progress = at
		return putJob(tx, t.id, doc, o.Version, true)
	})
}
