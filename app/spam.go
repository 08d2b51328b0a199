package app

import (
	"net/url"
	"strconv"
	"strings"

	"tegami/mail"
	"tegami/policy/spam/lists"
	"tegami/policy/spam/rspamd"
)

// listWeight is what an entry of a DNS list weighs where the boot file does not say, in log odds.
const listWeight = 2.0

// maxListWeight is what an entry can weigh.
const maxListWeight = 10.0

// checkSpam checks the settings of the spam filter.
func (c *Config) checkSpam() error {
	if c.Spam.Rspamd != "" {
		if u, err := url.Parse(c.Spam.Rspamd); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return badValue("spam.rspamd", c.Spam.Rspamd)
		}
	}
	_, err := c.dnsLists()
	return err
}

// dnsLists reads "domains:dbl.example.org=2.5".
func (c *Config) dnsLists() (named []lists.List, err error) {
	for _, text := range c.Spam.Lists {
		l := lists.List{Weight: listWeight}
		zone, weight, weighed := strings.Cut(text, "=")
		if weighed {
			if l.Weight, err = strconv.ParseFloat(weight, 64); err != nil || !(l.Weight > 0 && l.Weight <= maxListWeight) {
				return nil, badValue("spam.lists", text)
			}
		}
		zone, l.Domains = strings.CutPrefix(zone, "domains:")
		name, ok := mail.ParseDomain(zone)
		if !ok {
			return nil, badValue("spam.lists", text)
		}
		l.Zone = name
		named = append(named, l)
	}
	if len(named) > lists.MaxLists {
		return nil, badValue("spam.lists", strconv.Itoa(len(named)))
	}
	return named, nil
}

// prober asks DNS lists; nil where none is named.
func (p *Platform) prober(named []lists.List) *lists.Prober {
	if len(named) == 0 {
		return nil
	}
	return &lists.Prober{DNS: p.lookup, Lists: named}
}

// rspamd asks an Rspamd; nil where none is named.
func (c *Config) rspamd() *rspamd.Client {
	if c.Spam.Rspamd == "" {
		return nil
	}
	return &rspamd.Client{URL: strings.TrimSuffix(c.Spam.Rspamd, "/")}
}
