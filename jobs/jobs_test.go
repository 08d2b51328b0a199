package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/jobs"
	"tegami/mail"
	"tegami/mail/mailtest"
	"tegami/mailbox"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/store/faulty"
)

// yard is a directory with companies, and jobs over it.
type yard struct {
	*testing.T
	dir   *directory.Directory
	store store.Store
	jobs  *jobs.Service
	ops   *directory.Caller
	ctx   context.Context
}

func newYard(t *testing.T, kinds ...jobs.Kind) *yard {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	y := &yard{T: t, store: st, dir: directory.New(st, directory.Config{Provision: mailbox.Provision}), ops: directory.OperatorCaller("test", ""), ctx: t.Context()}
	y.jobs = y.service(kinds...)
	return y
}

// service is one process's service.
func (y *yard) service(kinds ...jobs.Kind) *jobs.Service {
	return jobs.New(jobs.Config{
		Store: y.store, Directory: y.dir, Kinds: kinds, Log: slog.New(slog.DiscardHandler), Workers: 2, Every: 5 * time.Millisecond,
	})
}

// lead has a service run jobs until the function it gives is called.
func (y *yard) lead(s *jobs.Service) (stop func()) {
	ctx, cancel := context.WithCancel(y.ctx)
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	y.Cleanup(stop)
	return stop
}

func (y *yard) must(err error) {
	y.Helper()
	if err != nil {
		y.Fatal(err)
	}
}

func (y *yard) says(err error, kind mail.Kind, key string) {
	y.Helper()
	mailtest.Says(y, err, kind, key)
}

func (y *yard) company() mail.TenantID {
	y.Helper()
	t, err := y.dir.OpenTenant(y.ctx, y.ops.Actor(), directory.TenantSpec{Name: "アルファ商事"})
	y.must(err)
	return t.ID
}

func (y *yard) start(tenant mail.TenantID, o jobs.Order) jobs.Job {
	y.Helper()
	j, err := y.jobs.Start(y.ctx, y.ops, y.ops.Actor().For("test"), tenant, o)
	y.must(err)
	return j
}

// until waits for a job to be as wanted.
func (y *yard) until(j jobs.Job, is func(jobs.Job) bool) jobs.Job {
	y.Helper()
	for {
		j, err := y.jobs.Job(y.ctx, y.ops, j.Tenant, j.ID)
		y.must(err)
		if is(j) {
			return j
		}
		if j.State.Ended() {
			y.Fatalf("ended as %+v", j)
		}
		time.Sleep(time.Millisecond)
	}
}

func ended(j jobs.Job) bool { return j.State.Ended() }

// kind is a kind of work for anybody who manages accounts.
func kind(name string, again bool, do func(context.Context, *jobs.Task) (jobs.Result, error)) jobs.Kind {
	return jobs.Kind{Name: name, Right: directory.RightAccounts, Again: again, Do: do}
}

// TestCP5JobLeavesReportAndSheet: a job's input comes to it whole, its progress, counts and report are seen by everybody who may,
// and its sheet goes once, to who started it.
func TestCP5JobLeavesReportAndSheet(t *testing.T) {
	input := bytes.Repeat([]byte("行,値\r\n"), 200_000)
	y := newYard(t, kind("count", false, func(_ context.Context, task *jobs.Task) (jobs.Result, error) {
		task.Phase("reading", 2)
		task.Step(2)
		if !bytes.Equal(task.Input, input) || task.By.Reason() != "test" || string(task.Params) != `{"x":1}` {
			return jobs.Result{}, errors.New("other input")
		}
		line := jobs.LineOf(7, "address", mail.E("test", mail.Invalid, "address.malformed", "x@"))
		return jobs.Result{Counts: map[string]int{"added": 3}, Good: 3, Bad: 1, Report: []jobs.Line{line}, Sheet: []byte("secret"), SheetName: "p.csv"}, nil
	}))
	tenant := y.company()
	y.lead(y.jobs)
	j := y.until(y.start(tenant, jobs.Order{Kind: "count", Title: "f.csv", Params: map[string]int{"x": 1}, Input: input}), ended)
	if j.State != jobs.Done || j.Done != 2 || j.Total != 2 || j.Good != 3 || j.Bad != 1 || j.Counts["added"] != 3 || j.Lines != 1 || j.Sheet.Name != "p.csv" || j.By != "operator:test" {
		t.Fatalf("%+v", j)
	}
	lines, err := y.jobs.Report(y.ctx, y.ops, tenant, j.ID)
	y.must(err)
	if len(lines) != 1 || fmt.Sprint(lines[0]) != "{7 address address.malformed [x@] false}" {
		t.Errorf("report %v", lines)
	}
	other := directory.OperatorCaller("other", "")
	_, _, err = y.jobs.TakeSheet(y.ctx, other, other.Actor(), tenant, j.ID)
	y.says(err, mail.NotFound, "jobs.no_sheet")
	text, name, err := y.jobs.TakeSheet(y.ctx, y.ops, y.ops.Actor(), tenant, j.ID)
	y.must(err)
	if string(text) != "secret" || name != "p.csv" {
		t.Errorf("sheet %q %q", text, name)
	}
	_, _, err = y.jobs.TakeSheet(y.ctx, y.ops, y.ops.Actor(), tenant, j.ID)
	y.says(err, mail.NotFound, "jobs.no_sheet")
	if left := y.payload(tenant); left != 1 {
		t.Errorf("%d portions are left, want that of the report", left)
	}
	_, err = y.jobs.Job(y.ctx, y.ops, y.company(), j.ID)
	y.says(err, mail.NotFound, "jobs.unknown")
}

// payload counts what is left of payloads.
func (y *yard) payload(tenant mail.TenantID) (n int) {
	y.Helper()
	y.must(y.store.Tenant(tenant).View(y.ctx, func(r store.Reader) error {
		all, err := r.Objects("job-payload", store.Page{})
		n = len(all)
		for _, o := range all {
			if bytes.Contains(o.Doc, []byte("address")) {
				y.Error("a payload lies open")
			}
		}
		return err
	}))
	return n
}

// TestCP5JobsAreBounded: so many wait, so much input, by those who may.
func TestCP5JobsAreBounded(t *testing.T) {
	y := newYard(t, kind("nothing", false, nil))
	tenant := y.company()
	for range jobs.MaxOpen {
		y.start(tenant, jobs.Order{Kind: "nothing"})
	}
	start := func(o jobs.Order) error {
		_, err := y.jobs.Start(y.ctx, y.ops, y.ops.Actor(), tenant, o)
		return err
	}
	y.says(start(jobs.Order{Kind: "nothing"}), mail.Full, "jobs.too_many")
	y.says(start(jobs.Order{Kind: "other"}), mail.NotFound, "jobs.kind")
	y.says(start(jobs.Order{Kind: "nothing", Input: make([]byte, jobs.MaxInput+1)}), mail.Full, "jobs.input")
	all, err := y.jobs.Jobs(y.ctx, y.ops, tenant)
	y.must(err)
	if len(all) != jobs.MaxOpen || all[0].ID < all[1].ID {
		t.Errorf("%d jobs, the newest first?", len(all))
	}
	j, err := y.jobs.Cancel(y.ctx, y.ops, y.ops.Actor(), tenant, all[0].ID)
	y.must(err)
	if j.State != jobs.Cancelled {
		t.Errorf("%v", j.State)
	}
	y.must(start(jobs.Order{Kind: "nothing"}))
}

// TestCP5CancelEndsWork: a job that runs hears that it was cancelled.
func TestCP5CancelEndsWork(t *testing.T) {
	y := newYard(t, kind("wait", false, func(ctx context.Context, _ *jobs.Task) (jobs.Result, error) {
		<-ctx.Done()
		return jobs.Result{}, ctx.Err()
	}))
	y.lead(y.jobs)
	j := y.until(y.start(y.company(), jobs.Order{Kind: "wait"}), func(j jobs.Job) bool { return j.State == jobs.Running })
	_, err := y.jobs.Cancel(y.ctx, y.ops, y.ops.Actor(), j.Tenant, j.ID)
	y.must(err)
	if j = y.until(j, ended); j.State != jobs.Cancelled {
		t.Errorf("%v", j.State)
	}
}

// TestCP5CancelReachesAnotherProcess: where the job runs elsewhere, its process finds that it was cancelled.
func TestCP5CancelReachesAnotherProcess(t *testing.T) {
	wait := kind("wait", false, func(ctx context.Context, _ *jobs.Task) (jobs.Result, error) {
		<-ctx.Done()
		return jobs.Result{}, ctx.Err()
	})
	y := newYard(t, wait)
	y.lead(y.service(wait))
	j := y.until(y.start(y.company(), jobs.Order{Kind: "wait"}), func(j jobs.Job) bool { return j.State == jobs.Running })
	_, err := y.jobs.Cancel(y.ctx, y.ops, y.ops.Actor(), j.Tenant, j.ID)
	y.must(err)
	if j = y.until(j, ended); j.State != jobs.Cancelled {
		t.Errorf("%v", j.State)
	}
}

// TestCP5RestartTakesJobsUpAgain: a process ends while jobs run. What can be run again is, what cannot is marked, and what
// committed its work is done and not run again.
func TestCP5RestartTakesJobsUpAgain(t *testing.T) {
	var mu sync.Mutex
	runs := map[string]int{}
	first := make(chan struct{}, 3)
	work := func(name string, commits bool) func(context.Context, *jobs.Task) (jobs.Result, error) {
		return func(ctx context.Context, task *jobs.Task) (jobs.Result, error) {
			mu.Lock()
			runs[name]++
			n := runs[name]
			mu.Unlock()
			if commits {
				err := task.Store().Update(ctx, task.By, "test.work", func(tx store.Tx) error {
					return task.Commit(tx, jobs.Result{Good: n})
				})
				if err != nil {
					return jobs.Result{}, err
				}
			}
			if n == 1 {
				first <- struct{}{}
				<-ctx.Done()
			}
			return jobs.Result{Good: n}, ctx.Err()
		}
	}
	kinds := []jobs.Kind{kind("again", true, work("again", false)), kind("once", false, work("once", false)), kind("commits", true, work("commits", true))}
	y := newYard(t, kinds...)
	for name, want := range map[string]jobs.Job{
		"again":   {State: jobs.Done, Progress: jobs.Progress{Good: 2}},
		"once":    {State: jobs.Interrupted},
		"commits": {State: jobs.Done, Progress: jobs.Progress{Good: 1}},
	} {
		stop := y.lead(y.jobs)
		j := y.start(y.company(), jobs.Order{Kind: name, Input: []byte("x")})
		<-first
		stop()
		y.jobs = y.service(kinds...)
		stop = y.lead(y.jobs)
		if j = y.until(j, ended); j.State != want.State || j.Good != want.Good {
			t.Errorf("%s: %+v", name, j)
		}
		stop()
	}
	if runs["again"] != 2 || runs["once"] != 1 || runs["commits"] != 1 {
		t.Errorf("runs %v", runs)
	}
}

// TestCP5FairBetweenCompanies: who orders many jobs does not keep another waiting.
func TestCP5FairBetweenCompanies(t *testing.T) {
	var mu sync.Mutex
	var order []mail.TenantID
	y := newYard(t, kind("note", true, func(_ context.Context, task *jobs.Task) (jobs.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, task.Tenant)
		return jobs.Result{}, nil
	}))
	a, b := y.company(), y.company()
	for range 10 {
		y.start(a, jobs.Order{Kind: "note"})
	}
	last := y.start(b, jobs.Order{Kind: "note"})
	y.lead(y.jobs)
	y.until(last, ended)
	mu.Lock()
	defer mu.Unlock()
	for i, who := range order {
		if who == b && i > 3 {
			t.Errorf("the other company came %d. of %d", i+1, len(order))
		}
	}
}

// TestCP6SheetNeedsTheRight: initial passwords are not handed to who started the job and lost the right to it since.
func TestCP6SheetNeedsTheRight(t *testing.T) {
	y := newYard(t, kind("make", false, func(context.Context, *jobs.Task) (jobs.Result, error) {
		return jobs.Result{Sheet: []byte("secret"), SheetName: "p.csv"}, nil
	}))
	tenant := y.company()
	company, ops := y.dir.Company(tenant), y.ops.Actor().For("test")
	_, err := company.AddDomain(y.ctx, ops, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10})
	y.must(err)
	a, err := company.AddAccount(y.ctx, ops, directory.AccountSpec{
		Address: mail.Address{Local: "sato", Domain: "alpha.example"}, Roles: []directory.Role{directory.RoleAccountAdmin},
	})
	y.must(err)
	who := directory.Starter{Role: mail.User, Account: a.ID, Name: "sato@alpha.example"}
	caller, err := y.dir.CallerAgain(y.ctx, tenant, who)
	y.must(err)
	j, err := y.jobs.Start(y.ctx, caller, caller.Actor(), tenant, jobs.Order{Kind: "make"})
	y.must(err)
	y.lead(y.jobs)
	y.until(j, ended)
	y.must(company.SetRoles(y.ctx, ops, a.ID, []directory.Role{directory.RoleReadOnly}))
	caller, err = y.dir.CallerAgain(y.ctx, tenant, who)
	y.must(err)
	_, _, err = y.jobs.TakeSheet(y.ctx, caller, caller.Actor(), tenant, j.ID)
	y.says(err, mail.NotFound, "jobs.no_sheet")
	y.must(company.SetRoles(y.ctx, ops, a.ID, []directory.Role{directory.RoleAccountAdmin}))
	caller, err = y.dir.CallerAgain(y.ctx, tenant, who)
	y.must(err)
	text, _, err := y.jobs.TakeSheet(y.ctx, caller, caller.Actor(), tenant, j.ID)
	y.must(err)
	if string(text) != "secret" {
		t.Errorf("%q", text)
	}
}

// entries counts what the platform knows of jobs.
func (y *yard) entries() (n int) {
	y.Helper()
	y.must(y.store.Platform().View(y.ctx, func(r store.Reader) error {
		all, err := r.Objects("job-due", store.Page{})
		n = len(all)
		return err
	}))
	return n
}

// TestCP5SheetsAndJobsEnd: a sheet nobody fetched is destroyed after a day, and a job is forgotten after a month, with the key of its payload.
func TestCP5SheetsAndJobsEnd(t *testing.T) {
	hand := func(context.Context, *jobs.Task) (jobs.Result, error) {
		return jobs.Result{Sheet: []byte("secret"), SheetName: "p.csv", Report: []jobs.Line{{Key: "x"}}}, nil
	}
	y := newYard(t, kind("hand", true, hand))
	tenant := y.company()
	stop := y.lead(y.jobs)
	j := y.until(y.start(tenant, jobs.Order{Kind: "hand"}), ended)
	for n := 0; n == 0; { // it is shelved behind its end
		var err error
		n, err = y.jobs.Shelved(y.ctx)
		y.must(err)
	}
	stop()
	for _, c := range []struct {
		after   time.Duration
		payload int
		entries int
	}{{time.Hour, 2, 1}, {jobs.SheetFor + time.Minute, 1, 1}, {jobs.KeptFor + time.Minute, 0, 0}} {
		later := y.service(kind("hand", true, hand))
		later.SetClock(func() time.Time { return j.Ended.Add(c.after) })
		if _, _, err := later.TakeSheet(y.ctx, directory.OperatorCaller("nobody", ""), directory.OperatorCaller("nobody", "").Actor(), tenant, j.ID); err == nil {
			t.Error("somebody else has the sheet")
		}
		y.must(later.Tidy(y.ctx))
		if p, e := y.payload(tenant), y.entries(); p != c.payload || e != c.entries {
			t.Errorf("after %v: %d portions, %d entries; want %d and %d", c.after, p, e, c.payload, c.entries)
		}
	}
	_, err := y.jobs.Job(y.ctx, y.ops, tenant, j.ID)
	y.says(err, mail.NotFound, "jobs.unknown")
}

// TestCP5SheetOutlivesAFailure: whoever can't be given the sheet because the platform's state can't be read gets it the next time.
func TestCP5SheetOutlivesAFailure(t *testing.T) {
	hand := func(context.Context, *jobs.Task) (jobs.Result, error) {
		return jobs.Result{Sheet: []byte("secret"), SheetName: "p.csv"}, nil
	}
	y := newYard(t, kind("hand", true, hand))
	tenant := y.company()
	stop := y.lead(y.jobs)
	j := y.until(y.start(tenant, jobs.Order{Kind: "hand"}), ended)
	stop()
	var plan faulty.Plan
	s := jobs.New(jobs.Config{Store: faulty.Wrap(y.store, &plan), Directory: y.dir, Kinds: []jobs.Kind{kind("hand", true, hand)}})
	plan.Fail(faulty.View, 2, faulty.DiskFailed) // the first is that of the job
	if _, _, err := s.TakeSheet(y.ctx, y.ops, y.ops.Actor(), tenant, j.ID); !mail.Is(err, mail.Unavailable) {
		t.Fatal(err)
	}
	text, name, err := s.TakeSheet(y.ctx, y.ops, y.ops.Actor(), tenant, j.ID)
	y.must(err)
	if string(text) != "secret" || name != "p.csv" {
		t.Errorf("%q %q", text, name)
	}
}

// TestCP5EntryWithoutAJobIsForgotten: a crash between the platform's entry and the job leaves nothing for good.
func TestCP5EntryWithoutAJobIsForgotten(t *testing.T) {
	y := newYard(t, kind("nothing", true, nil))
	tenant := y.company()
	j := y.start(tenant, jobs.Order{Kind: "nothing"})
	y.must(y.store.Tenant(tenant).Update(y.ctx, y.ops.Actor(), "test", func(tx store.Tx) error {
		o, err := tx.Object("job", j.ID)
		if err != nil {
			return err
		}
		return tx.DeleteObject("job", j.ID, o.Version)
	}))
	y.jobs.SetClock(func() time.Time { return time.Now().Add(time.Hour) })
	y.lead(y.jobs)
	for y.entries() > 0 {
		time.Sleep(time.Millisecond)
	}
}

// TestCP6JobsAreOfThoseWhoMay: the rights of a job are those its starter has when it runs, and who only looks cancels nothing.
func TestCP6JobsAreOfThoseWhoMay(t *testing.T) {
	y := newYard(t, kind("note", true, func(context.Context, *jobs.Task) (jobs.Result, error) { return jobs.Result{}, nil }))
	t1, err := y.dir.OpenTenant(y.ctx, y.ops.Actor(), directory.TenantSpec{Name: "a"})
	y.must(err)
	c := y.dir.Company(t1.ID)
	key := func(role directory.Role) (*directory.Caller, directory.Key) {
		made, text, err := c.AddKey(y.ctx, y.ops.Actor(), directory.KeySpec{Name: string(role), Grants: []directory.Grant{{Role: role}}})
		y.must(err)
		caller, err := y.dir.CallerByKey(y.ctx, mail.Origin{Door: "web"}, text)
		y.must(err)
		return caller, made
	}
	admin, adminKey := key(directory.RoleAccountAdmin)
	owner, _ := key(directory.RoleOwner)
	reader, _ := key(directory.RoleReadOnly)
	_, err = y.jobs.Start(y.ctx, reader, reader.Actor(), t1.ID, jobs.Order{Kind: "note"})
	y.says(err, mail.Denied, "actor.denied")
	_, err = y.jobs.Start(y.ctx, admin, admin.Actor(), y.company(), jobs.Order{Kind: "note"})
	y.says(err, mail.Denied, "actor.denied")
	first, err := y.jobs.Start(y.ctx, admin, admin.Actor(), t1.ID, jobs.Order{Kind: "note"})
	y.must(err)
	_, err = y.jobs.Cancel(y.ctx, reader, reader.Actor(), t1.ID, first.ID)
	y.says(err, mail.NotFound, "jobs.unknown")
	second, err := y.jobs.Start(y.ctx, owner, owner.Actor(), t1.ID, jobs.Order{Kind: "note"})
	y.must(err)
	y.must(c.RevokeKey(y.ctx, y.ops.Actor(), adminKey.ID))
	y.lead(y.jobs)
	if j := y.until(first, ended); j.State != jobs.Failed || j.Failure.Key != "actor.denied" {
		t.Errorf("of a revoked key: %+v", j)
	}
	if j := y.until(second, ended); j.State != jobs.Done {
		t.Errorf("of an owner's: %+v", j)
	}
}
