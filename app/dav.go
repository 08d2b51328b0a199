package app

import (
	"context"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox/prefs"
	"tegami/server/davd"
	"tegami/server/httpd"
)

// collects tells whether somebody wants those he writes to in his address book (ML-6).
func (p *Platform) collects(ctx context.Context, who *directory.Identity) (bool, error) {
	c, _, err := prefs.New(p.store, p.dir).Get(ctx, who)
	return c.CollectRecipients, err
}

// davMounts are the CardDAV door's, for a listener of a zone.
func (p *Platform) davMounts(zone mail.Zone) (list []httpd.Mount) {
	door := davd.New(davd.Config{Directory: p.dir, Contacts: p.contacts, Words: p.words, Log: p.log, Zone: zone, Tally: p.store.Tally}).Handler()
	for _, path := range davd.Paths() {
		list = append(list, httpd.Mount{Path: path, Handler: door})
	}
	return list
}
