package main

import (
	"errors"

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
	if err := p.Start(sh.ctx); err != nil {
		return errors.Join(err, p.Close())
	}
	log.Info("serving", "hostname", c.Hostname, "listeners", len(p.Listeners()))
	err = p.Wait(sh.ctx)
	log.Info("stopping")
	return errors.Join(err, p.Stop())
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
