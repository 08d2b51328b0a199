package dmarc

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Registrable is the domain one label below the public suffix, by the list of publicsuffix.org: "example.co.jp" for
// "mail.example.co.jp". "" for a public suffix itself, an empty label or an address literal.
//
// It is for counting and grouping, where no question to the DNS is worth it. RFC 9989 does not use the list:
// what a message's domain may claim is found by OrgDomain.
func Registrable(domain string) string {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if domain == "" || domain[0] == '.' || domain[0] == '[' || strings.Contains(domain, "..") {
		return ""
	}
	d, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return ""
	}
	return d
}
