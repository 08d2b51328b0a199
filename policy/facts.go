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
	Late     []string `json:"late,omitempty"` // probes that had not answered at the deadline
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
