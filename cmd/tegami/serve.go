package main

import (
	"errors"
	"log/slog"

	"tegami/app"
)

type serveCommand struct {
	Config string `help:"The boot file." required:"" type:"path"`
}

// Run serves until the process is asked to end.
func (s serveCommand) Run(sh *shell) error {
	c, err := app.ReadConfig(s.Config)
	if err != nil {
		return err
	}
	log := c.Logger(sh.err)
	p, err := app.Open(sh.ctx, c, log)
	if err != nil {
		return err
	}
	return runPlatform(sh, p, c, log, func() error {
		log.Info("serving", "hostname", c.Hostname, "listeners", len(p.Listeners()))
		return nil
	})
}

// runPlatform opens the doors and the control socket, calls ready, and serves until the process is asked to end.
func runPlatform(sh *shell, p *app.Platform, c app.Config, log *slog.Logger, ready func() error) error {
	p.Children(cellArguments(c.Data, log))
	if err := p.Start(sh.ctx); err != nil {
		return errors.Join(err, p.Close())
	}
	hangUp, err := serveControl(sh, p, c.Data, log)
	if err != nil {
		return errors.Join(err, p.Stop())
	}
	if err = ready(); err == nil {
		err = p.Wait(sh.ctx)
	}
	log.Info("stopping")
	return errors.Join(err, hangUp(), p.Stop())
}

type checkCommand struct {
	place
	Repair bool `help:"Repair what can be repaired without loss."`
	JSON   bool `help:"Print an object a line." name:"json"`
}

// Run verifies the store and prints each finding. It fails when something is wrong that was not repaired; garbage
// left by a crash is not wrong.
func (c checkCommand) Run(sh *shell) error {
	p, err := c.open(sh)
	if err != nil {
		return err
	}
	return errors.Join(check(sh, p, c.Repair, c.JSON), p.Close())
}
