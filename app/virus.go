package app

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/inspect"
	"tegami/intake"
	"tegami/mail"
	"tegami/notice"
	"tegami/obs"
	"tegami/policy"
	"tegami/policy/probe/cell"
	"tegami/policy/virus"
	"tegami/policy/virus/clamd"
	"tegami/server/restd"
	"tegami/wire/mime"
)

// clamdAuto in virus.clamd is the socket in a usual place.
const clamdAuto = "auto"

// checkVirus checks the settings of the virus check.
func (c *Config) checkVirus() error {
	for _, at := range c.Virus.Clamd {
		if at == clamdAuto || strings.HasPrefix(at, "/") {
			continue
		}
		if _, port, err := net.SplitHostPort(at); err != nil || port == "" {
			return badValue("virus.clamd", at)
		}
	}
	if c.Virus.Timeout < Duration(time.Second) {
		return badValue("virus.timeout", time.Duration(c.Virus.Timeout).String())
	}
	return nil
}

// VirusEngines are the virus engines that the boot file names: "clamd /run/clamav/clamd.ctl". None: only the test file is known.
func (p *Platform) VirusEngines() (names []string) {
	for _, at := range p.config.clamds() {
		names = append(names, "clamd "+at)
	}
	return names
}

// clamds are where ClamAV's daemons are.
func (c *Config) clamds() (list []string) {
	for _, at := range c.Virus.Clamd {
		if at == clamdAuto {
			at = clamd.Find()
		}
		if at != "" {
			list = append(list, at)
		}
	}
	return list
}

// newInspect makes what looks into mail.
func (p *Platform) newInspect() *inspect.Service {
	check := &virus.Check{Engines: []virus.Engine{virus.Known{}}, Time: time.Duration(p.config.Virus.Timeout)}
	for _, at := range p.config.clamds() {
		engine := clamd.New(at, 0)
		check.Engines, p.engines = append(check.Engines, engine), append(p.engines, engine)
	}
	if len(check.Engines) == 1 {
		p.log.Warn("no virus engine looks into mail but for the test file: see virus.clamd")
	}
	named, _ := p.config.dnsLists() // were checked with the boot file
	return inspect.New(inspect.Config{
		Apart: p.apart, Lists: p.prober(named), Rspamd: p.config.rspamd(), Directory: p.dir, Learning: p.learning, Virus: check, Log: obs.Named(p.log, "inspect"), Time: time.Duration(p.config.Virus.Timeout) + inspectMargin,
		Note: func(ctx context.Context, tenant mail.TenantID, found *policy.Threat) (mime.Header, string) {
			return p.notices.Removed(ctx, tenant, notice.RemovedFile{File: found.File, Virus: found.Name, Found: time.Now()})
		},
	})
}

// takenApart takes attachments apart: in children once they are made (Children), else in this process.
type takenApart struct{ cell.Inspector }

// Children has attachments taken apart by processes of their own: command is a program that calls cell.Serve, with its arguments. To be called
// before Start. Without, this process does it, PDF is not read, and hostile files are held off from nothing: for tests.
func (p *Platform) Children(command []string) {
	p.cells = cell.NewPool(cell.Config{Command: command, Log: obs.Named(p.log, "cell")})
	p.apart.Inspector = p.cells
}

// answering is a virus engine that can be asked whether it answers.
type answering interface {
	Ping(ctx context.Context) error
}

// enginesAnswer asks the engines of the boot file, all at once: how many there are, and what is wrong with which.
func (p *Platform) enginesAnswer(ctx context.Context) (int, error) {
	errs := make([]error, len(p.engines))
	var asked sync.WaitGroup
	for i, e := range p.engines {
		asked.Go(func() { errs[i] = e.Ping(ctx) })
	}
	asked.Wait()
	return len(p.engines), errors.Join(errs...)
}

// cellsState gives what tells how the children are; nil where there are none.
func (p *Platform) cellsState() func() restd.Cells {
	if p.cells == nil {
		return nil
	}
	return func() restd.Cells {
		s := p.cells.State()
		c := restd.Cells{Children: s.Children, Lost: s.Lost, Err: s.Err}
		if s.Children > 0 && !s.Confined.Whole() {
			c.Open = cmp.Or(s.Confined.Problem, "files and connections")
		}
		return c
	}
}

// inspectMargin is what looking into a message may take beside the engines.
const inspectMargin = 10 * time.Second

// infected has people told of a virus in their mail (VC-2, VC-3).
func (p *Platform) infected(tenant mail.TenantID, i intake.Infection) {
	v := notice.Virus{
		Outbound: i.Outbound, From: i.Doc.HeaderFrom, Subject: i.Doc.Subject, Found: time.Now(), Trace: i.Doc.Trace, Threats: i.Virus.Threats,
	}
	if i.Outbound {
		v.Address = i.Doc.From
		for _, r := range i.All {
			v.To = append(v.To, r.Address)
		}
		if !i.Sender.ID.IsZero() {
			v.Accounts, v.Address = []directory.Account{i.Sender}, i.Sender.Address
		}
	} else if v.Accounts = accountsOf(i.To); len(i.To) > 0 {
		v.Address = i.To[0].Address
	}
	if v.Address.IsNull() {
		return // it was for lists alone, and is deleted: the trace has it
	}
	p.notices.VirusFound(tenant, v)
}

// accountsOf gives each account once.
func accountsOf(to []deliver.Addressee) (list []directory.Account) {
	seen := map[mail.AccountID]bool{}
	for i := range to {
		if a := to[i].Account; !seen[a.ID] {
			seen[a.ID] = true
			list = append(list, a)
		}
	}
	return list
}
