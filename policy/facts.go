package policy

import (
	"encoding/json"
	"slices"

	"tegami/mail"
)

// factsVersion is written into stored facts. What a newer version adds, older ones leave unread.
const factsVersion = 1

// Facts are what is known of one message when it is judged. They are kept with the queue's
// item: why a message was refused or marked can be told from them alone.
type Facts struct {
	Version  int      `json:"v"`
	Received int      `json:"received,omitempty"` // Received fields it came with
	Froms    int      `json:"froms,omitempty"`    // From fields
	Author   string   `json:"author,omitempty"`   // the address in the header's From
	NotOwned string   `json:"notOwned,omitempty"` // of a submission: an author or sender that is not the account's
	SPF      *SPF     `json:"spf,omitempty"`
	DKIM     []DKIM   `json:"dkim,omitempty"`
	DMARC    *DMARC   `json:"dmarc,omitempty"`
	ARC      *ARC     `json:"arc,omitempty"`
	Late     []string `json:"late,omitempty"`  // probes that had not answered at the deadline
	Virus    *Virus   `json:"virus,omitempty"` // nil: nobody looked
	Spam     *Spam    `json:"spam,omitempty"`  // for the company whose item this is; nil: it was not asked
}

// Virus is what the virus check found (VC-1), and what was done.
type Virus struct {
	Result  string   `json:"result"`            // clean, infected, encrypted, unscannable, failed: no engine that should have answered did
	Engines []string `json:"engines,omitempty"` // who looked, with the version of what they know
	Down    []string `json:"down,omitempty"`    // who did not answer
	Threats []Threat `json:"threats,omitempty"` // at most MaxThreats
	// Unread are files that could not be looked into, MaxUnread at most.
	Unread []UnreadFile `json:"unread,omitempty"`
}

// MaxUnread is how many files that could not be looked into are kept of a message.
const MaxUnread = 16

// UnreadFile is a file that could not be looked into, or not in full.
type UnreadFile struct {
	File    string `json:"file"`    // from outside in, parted by "/"
	Problem string `json:"problem"` // a word of package apart, such as "encrypted" or "ratio", or of package cell
}

// MaxThreats is how many threats are kept of a message.
const MaxThreats = 32

// Threat is something harmful in a message.
type Threat struct {
	Name   string       `json:"name"`           // as the engine calls it
	Engine string       `json:"engine"`         //
	File   string       `json:"file,omitempty"` // of the attachment, from outside in, parted by "/"; "" = the mail body (VC-3)
	Action ThreatAction `json:"action"`
}

// ThreatAction is what was done about a threat.
type ThreatAction string

// What is done (VC-2, VC-3).
const (
	ThreatRefused     ThreatAction = "refused"     // the message was not taken from its sender
	ThreatDeleted     ThreatAction = "deleted"     // the message was deleted
	ThreatDisinfected ThreatAction = "disinfected" // the attachment is as it was, without what was harmful
	ThreatRemoved     ThreatAction = "removed"     // a note stands in the attachment's place
)

// Infected tells whether something harmful was found.
func (v *Virus) Infected() bool { return v != nil && v.Result == "infected" }

// Spam is how likely a message is unwanted, and why (SF-1).
type Spam struct {
	Percent float64  `json:"percent"` // 0 to 100, with two decimals
	Reasons []Reason `json:"reasons,omitempty"`
}

// MaxReasons is how many reasons are kept of a message: the weightiest.
const MaxReasons = 24

// Reason is one thing that spoke for or against a message.
type Reason struct {
	Key    string   `json:"key"`    // of the catalogue: "spam.reason.…"
	Weight float64  `json:"weight"` // in log odds; below zero speaks for the message
	Args   []string `json:"args,omitempty"`
}

// SPF is what RFC 7208 gave. Results are the words of RFC 8601 §2.7.2.
type SPF struct {
	Result string `json:"result"`
	Domain string `json:"domain"` // that was checked: of MAIL FROM, or of HELO for the null sender
	Helo   bool   `json:"helo,omitempty"`
}

// DKIM is what became of one signature, in the words of RFC 8601 §2.7.1.
type DKIM struct {
	Result   string `json:"result"`
	Domain   string `json:"domain"`
	Selector string `json:"selector,omitempty"`
}

// DMARC is what RFC 9989 gave for the domain of the author.
type DMARC struct {
	Result string `json:"result"`           // pass, fail, none, temperror, permerror
	Domain string `json:"domain"`           // of the header's From
	Record string `json:"record,omitempty"` // where the record was found
	Policy string `json:"policy,omitempty"` // what the domain asks for on failure, with t and np applied: none, quarantine, reject
}

// ARC is what the chain of RFC 8617 says.
type ARC struct {
	Result string `json:"result"` // none, pass, fail
	// DMARCPassed: the first host of the chain saw DMARC pass. As true as all sealers are honest.
	DMARCPassed bool     `json:"dmarcPassed,omitempty"`
	Sealers     []string `json:"sealers,omitempty"`
}

// Encode writes facts for the queue's item.
func (f *Facts) Encode() ([]byte, error) {
	f.Version = factsVersion
	b, err := json.Marshal(f)
	if err != nil {
		return nil, mail.Because("policy.Encode", mail.Other, "facts.damaged", err)
	}
	return b, nil
}

// ParseFacts reads what Encode wrote. The error's kind is Other.
func ParseFacts(b []byte) (f Facts, err error) {
	if err := json.Unmarshal(b, &f); err != nil {
		return Facts{}, mail.Because("policy.ParseFacts", mail.Other, "facts.damaged", err)
	}
	return f, nil
}

// Proved tells whether a message is from the author it names: DMARC passed, or SPF or a signature for just the
// author's domain where it has no DMARC record.
func (f *Facts) Proved() bool {
	if f.DMARC != nil && f.DMARC.Result == "pass" {
		return true
	}
	a, err := mail.ParseAddress(f.Author)
	if err != nil {
		return false
	}
	if f.SPF != nil && f.SPF.Result == "pass" && !f.SPF.Helo && f.SPF.Domain == a.Domain {
		return true
	}
	return slices.ContainsFunc(f.DKIM, func(d DKIM) bool { return d.Result == "pass" && d.Domain == a.Domain })
}
