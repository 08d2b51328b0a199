package app

import (
	"context"
	"strconv"

	"tegami/directory/ldap"
	"tegami/jobs"
	"tegami/jobs/files"
	"tegami/jobs/syncs"
)

// jobKinds are the kinds of long work there are.
func (p *Platform) jobKinds() []jobs.Kind { return []jobs.Kind{files.Kind(), syncs.Kind(p.ldap)} }

// syncByClock starts the syncs with companies' own directories whose time has come, until ctx ends.
func (p *Platform) syncByClock(ctx context.Context) {
	(&syncs.Clock{Store: p.store, Sources: p.ldap, Jobs: p.jobs, Log: p.log}).Run(ctx)
}

// ldapReach is where connections to companies' own directories may go.
func (c *Config) ldapReach() (reach ldap.Reach, err error) {
	if reach.Allow, err = prefixes("ldap.allow", c.LDAP.Allow); err != nil {
		return reach, err
	}
	if reach.Own, err = prefixes("ldap.deny", c.LDAP.Deny); err != nil {
		return reach, err
	}
	for _, port := range c.LDAP.Ports {
		if port < 1 || port > 65535 {
			return reach, badValue("ldap.ports", strconv.Itoa(port))
		}
		reach.Ports = append(reach.Ports, uint16(port))
	}
	return reach, nil
}
