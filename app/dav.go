package app

import (
	"tegami/mail"
	"tegami/server/davd"
	"tegami/server/httpd"
)

// davMounts are the CardDAV door's, for a listener of a zone.
func (p *Platform) davMounts(zone mail.Zone) (list []httpd.Mount) {
	door := davd.New(davd.Config{Directory: p.dir, Contacts: p.contacts, Words: p.words, Log: p.log, Zone: zone, Tally: p.store.Tally}).Handler()
	for _, path := range davd.Paths() {
		list = append(list, httpd.Mount{Path: path, Handler: door})
	}
	return list
}
