package app

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/mailbox/prefs"
	"tegami/server/httpd"
	"tegami/server/jmapd"
)

// uploadGrace is for how long octets stay that nothing refers to: those that were uploaded have none before they become mail.
const uploadGrace = mailbox.UploadLife + 15*time.Minute

// jmapMounts are the JMAP door's.
func jmapMounts(s *jmapd.Server) (list []httpd.Mount) {
	door := s.Handler()
	for _, path := range jmapd.Paths() {
		list = append(list, httpd.Mount{Path: path, Handler: door})
	}
	return list
}

// pushAll tells subscribers of changes until its context ends. A store that fails is tried again.
func (p *Platform) pushAll(ctx context.Context) {
	for ctx.Err() == nil {
		if err := p.push.Run(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("web push", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(dutyAgain):
			}
		}
	}
}

// jmapConfig is what the JMAP door needs.
func (p *Platform) jmapConfig(zone mail.Zone) jmapd.Config {
	c := jmapd.Config{Directory: p.dir, Mailboxes: p.boxes, Outbox: p.outbox, Push: p.push, Contacts: p.contacts, Prefs: prefs.New(p.store, p.dir), Quarantine: p.quarantine, Words: p.words, Log: p.log, Zone: zone, Tally: p.store.Tally, Stopping: p.ending, Hostname: p.config.Hostname}
	if p.content != nil {
		c.Content = p.content
	}
	return c
}
