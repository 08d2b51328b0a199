package app

import (
	"tegami/mail"
	"tegami/server/httpd"
	"tegami/server/restd"
)

// mounts are the control API and the platform's pages, for a listener of a zone.
func (p *Platform) mounts(zone mail.Zone) []httpd.Mount {
	api := restd.New(p.restConfig(zone))
	return []httpd.Mount{{Path: "/api/", Handler: api.Handler()}}
}

// restConfig is what the control API needs.
func (p *Platform) restConfig(zone mail.Zone) restd.Config {
	return restd.Config{
		Directory: p.dir, Mailboxes: p.boxes, Queue: p.queue, Runner: p.runner, Sessions: &p.sessions,
		Words: p.words, Log: p.log, Zone: zone,
	}
}
