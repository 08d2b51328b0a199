package app

import (
	"io/fs"
	"strings"
	"time"

	"tegami/mail"
	"tegami/server/httpd"
	"tegami/server/jmapd"
	"tegami/server/restd"
	"tegami/server/scimd"
	"tegami/server/webd"
	"tegami/web"
)

// mounts are the control API, the door for identity systems and the platform's pages, for a listener of a zone.
func (p *Platform) mounts(zone mail.Zone) []httpd.Mount {
	mails := jmapd.New(p.jmapConfig(zone))
	api, pages := restd.New(p.restConfig(zone)).Handler(), webd.New(p.pagesConfig(zone, mails)).Handler()
	scim := scimd.New(scimd.Config{Directory: p.dir, Words: p.words, Log: p.log, Zone: zone, Tally: p.store.Tally}).Handler()
	list := []httpd.Mount{{Path: "/api/", Handler: api}, {Path: scimd.Prefix + "/", Handler: scim}}
	for _, path := range []string{"/login", "/login/", "/logout", "/panel", "/panel/", "/mail", "/mail/", "/standard", "/standard/", "/digest/", "/assets/"} {
		list = append(list, httpd.Mount{Path: path, Handler: pages, Visits: strings.HasPrefix(path, "/log")}) // files are served to everybody
	}
	return append(append(list, jmapMounts(mails)...), p.davMounts(zone)...)
}

// restConfig is what the control API needs.
func (p *Platform) restConfig(zone mail.Zone) restd.Config {
	return restd.Config{
		Directory: p.dir, Mailboxes: p.boxes, Queue: p.queue, Runner: p.runner, Sessions: &p.sessions, Trace: p.trace, Jobs: p.jobs, LDAP: p.ldap, Billing: p.orders, Webhooks: p.hooks,
		Domains: p.domains, Quarantine: p.quarantine, Lookup: p.lookup, Machine: p.machine(), Words: p.words, Log: p.log, Zone: zone, Tally: p.store.Tally,
	}
}

// pagesConfig is what the pages need. mails is what the Standard webmail speaks with.
func (p *Platform) pagesConfig(zone mail.Zone, mails webd.JMAP) webd.Config {
	var panel, webmail fs.FS
	if built, ok := web.Panel(); ok {
		panel = built
	}
	if built, ok := web.Mail(); ok {
		webmail = built
	}
	return webd.Config{Directory: p.dir, Words: p.words, Log: p.log, Zone: zone, Hostname: p.config.Hostname, Panel: panel, Mail: webmail, JMAP: mails, Digest: p.digests, Content: strings.TrimSuffix(p.config.Web.ContentURL, "/")}
}

// machine is this process, for operators.
func (p *Platform) machine() restd.Machine {
	kind := "embedded"
	if p.config.isCluster() {
		kind = "cluster"
	}
	return restd.Machine{
		Version: Version(), Hostname: p.config.Hostname, Node: p.config.Node, Store: kind, Started: p.started, Data: p.config.Data,
		Doors: p.doorsOpen, Certificate: p.certs.ends, Ping: p.healthy, Engines: p.enginesAnswer, Cells: p.cellsState(),
	}
}

// doorsOpen lists the doors for operators.
func (p *Platform) doorsOpen() []restd.NodeDoor {
	list := make([]restd.NodeDoor, len(p.listening))
	for i, l := range p.listening {
		list[i] = restd.NodeDoor{Protocol: l.Protocol, Address: l.Address.String(), Zone: string(l.Zone)}
	}
	return list
}

// ends is when the server's certificate ends; zero where that is not known.
func (c *certificates) ends() time.Time {
	if c == nil {
		return time.Time{} // no door is open
	}
	if now := c.current.Load(); now != nil && now.Leaf != nil {
		return now.Leaf.NotAfter
	}
	return time.Time{}
}
