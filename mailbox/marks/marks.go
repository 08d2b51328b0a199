// Package marks judges who a message says it is from: whether the reader knows the sender, whether the address looks like another one, and
// whether it was proved. It does no I/O: who asks brings the facts. What it gives are warnings for pages, never a reason to refuse mail.
package marks

import (
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"tegami/mail"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/mime"
)

// Kind is what is to be said of a sender.
type Kind string

// Kinds of marks, the gravest first.
const (
	Failed    Kind = "failedAuthentication" // it was not proved that the message is from the sender's domain, which says that it always would be
	LookAlike Kind = "lookAlike"            // the domain looks like another one that the reader knows
	Colleague Kind = "colleagueName"        // the name is a colleague's, the address is outside
	OtherName Kind = "otherAddress"         // the name shows another address than the message is from
	FirstTime Kind = "firstTime"            // there was no mail from or to this address before
	External  Kind = "external"             // the address is outside the company
)

// Mark is one thing to be said of a sender.
type Mark struct {
	Kind Kind
	Of   string // the domain or address that it looks like or names; "" for kinds without one
}

// Sender is what a message says of who it is from, and what is known of it.
type Sender struct {
	Name    string       // as shown, encoded words decoded
	Address mail.Address // of the From field; null for none that can be read
	// Known tells that there was mail from this address, or to it, before.
	Known bool
	// Checked is what this platform wrote in the Authentication-Results field when the message came; nil for mail that it did not check.
	Checked *authres.Field
}

// Person is somebody of the reader's company.
type Person struct {
	Name    string
	Kana    string // ふりがな; "" = not known
	Address mail.Address
}

// Limits of what is compared.
const (
	MaxDomains = 2000  // domains that a circle holds; further ones are not compared
	MaxPersons = 20000 // names that a circle holds
)

// Circle is whom a reader knows. Make it with NewCircle and keep it: many senders are judged by it. It does not change and may be used
// from many goroutines.
type Circle struct {
	own     []string            // the company's mail domains
	domains map[string]bool     // registrable domains that are known
	looks   map[string][]string // known domains by how they look
	labels  []label             // of known domains, for those that differ by a letter
	names   map[string]mail.Address
}

// label is the name of a known domain without its public suffix.
type label struct{ name, domain string }

// NewCircle makes a circle of the company's mail domains, domains that the reader has to do with, and the people of the company.
func NewCircle(own, known []string, people []Person) *Circle {
	c := &Circle{domains: map[string]bool{}, looks: map[string][]string{}, names: map[string]mail.Address{}}
	for _, d := range own {
		c.own = append(c.own, strings.ToLower(d))
		c.add(d)
	}
	for _, d := range known {
		if len(c.domains) >= MaxDomains {
			break
		}
		c.add(d)
	}
	for _, p := range people {
		for _, name := range []string{p.Name, p.Kana} {
			if key := nameKey(name); key != "" && len(c.names) < MaxPersons {
				c.names[key] = p.Address
			}
		}
	}
	return c
}

func (c *Circle) add(domain string) {
	owner := owner(domain)
	if owner == "" || c.domains[owner] || common[owner] {
		return
	}
	c.domains[owner] = true
	look := skeleton(unicodeOf(owner))
	c.looks[look] = append(c.looks[look], owner)
	name, _, _ := strings.Cut(owner, ".")
	if len(name) >= minLabel {
		c.labels = append(c.labels, label{name, owner})
	}
}

// common are domains of everybody's: that somebody writes from a neighbour of one of them says nothing.
var common = map[string]bool{
	"gmail.com": true, "yahoo.co.jp": true, "yahoo.com": true, "outlook.com": true, "outlook.jp": true, "hotmail.com": true, "icloud.com": true, "docomo.ne.jp": true,
	"ezweb.ne.jp": true, "au.com": true, "softbank.ne.jp": true, "nifty.com": true, "ocn.ne.jp": true, "biglobe.ne.jp": true, "me.com": true, "live.jp": true, "aol.com": true,
}

// owner is what belongs to one owner: the domain below the public suffix, the domain itself where there is none; as A-labels.
func owner(domain string) string {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if labels, err := idna.Punycode.ToASCII(domain); err == nil {
		domain = labels
	}
	if d := dmarc.Registrable(domain); d != "" {
		return d
	}
	return domain
}

// Judge gives what is to be said of a sender, the gravest first; nothing for most.
func (c *Circle) Judge(s Sender) (list []Mark) {
	if s.Address.IsNull() {
		return nil
	}
	inside := c.inside(s.Address.Domain)
	if failed(s.Checked) {
		list = append(list, Mark{Failed, s.Address.Domain})
	}
	if like := c.lookAlike(s.Address.Domain); like != "" && !inside {
		list = append(list, Mark{LookAlike, like})
	}
	if other := addressIn(s.Name); other != "" && !strings.EqualFold(other, s.Address.String()) {
		list = append(list, Mark{OtherName, other})
	}
	if who, ok := c.names[nameKey(s.Name)]; ok && !inside {
		list = append(list, Mark{Colleague, who.String()})
	}
	if !s.Known && !inside {
		list = append(list, Mark{Kind: FirstTime})
	}
	if !inside {
		list = append(list, Mark{Kind: External})
	}
	slices.SortStableFunc(list, func(a, b Mark) int { return slices.Index(order, a.Kind) - slices.Index(order, b.Kind) })
	return list
}

var order = []Kind{Failed, LookAlike, Colleague, OtherName, FirstTime, External}

// inside tells whether a domain is one of the company's mail domains. One below it is not: who has that is not said.
func (c *Circle) inside(domain string) bool { return slices.Contains(c.own, strings.ToLower(domain)) }

// failed tells whether what was checked speaks against the sender: DMARC failed, or where the domain has no such policy, SPF did and no
// signature of anybody holds.
func failed(f *authres.Field) bool {
	if f == nil {
		return false
	}
	verdict, known := f.Get("dmarc")
	if known && verdict.Value != "none" {
		return verdict.Value == "fail"
	}
	spf, _ := f.Get("spf")
	if spf.Value != "fail" {
		return false
	}
	return !slices.ContainsFunc(f.Results, func(r authres.Result) bool { return (r.Method == "dkim" || r.Method == "arc") && r.Value == "pass" })
}

// nameKey is a name as it is compared: without blanks and forms of width, in lower case, its words in one order.
func nameKey(name string) string {
	words := strings.Fields(strings.ReplaceAll(mime.Normalize(name), ",", " "))
	if len(words) < 2 && len([]rune(strings.Join(words, ""))) < 3 {
		return "" // "info", a given name: too many bear it
	}
	if ascii(name) {
		if len(words) < 2 {
			return ""
		}
		slices.Sort(words) // "Sato Ichiro", "Ichiro Sato"
	}
	return strings.Join(words, "")
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c >= 0x80 })
}

// addressIn is the address that a name shows, "" for none.
func addressIn(name string) string {
	for word := range strings.FieldsSeq(name) {
		word = strings.Trim(word, "<>()[]\"',;:")
		if strings.Contains(word, "@") {
			if a, err := mail.ParseAddress(word); err == nil && strings.Contains(a.Domain, ".") {
				return a.String()
			}
		}
	}
	return ""
}
