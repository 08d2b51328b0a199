package policy

import (
	"reflect"
	"testing"

	"tegami/mail"
)

func TestJudge(t *testing.T) {
	failing := func(policy string, arc *ARC) Facts {
		return Facts{DMARC: &DMARC{Result: "fail", Domain: "bank.example", Policy: policy}, ARC: arc}
	}
	good := &ARC{Result: "pass", DMARCPassed: true, Sealers: []string{"lists.example"}}
	for name, c := range map[string]struct {
		facts      Facts
		rules      Rules
		refused    string
		suspicious bool
	}{
		"nothing known":                 {},
		"25 Received":                   {facts: Facts{Received: 25}},
		"26 Received":                   {facts: Facts{Received: 26}, refused: "message.looping"},
		"two From fields":               {facts: Facts{Froms: 2}, refused: "message.several_froms"},
		"another's From":                {facts: Facts{NotOwned: "boss@a.example"}, refused: "sender.not_owned"},
		"no author":                     {facts: Facts{Froms: 1, SPF: &SPF{Result: "pass"}}, suspicious: true},
		"an author":                     {facts: Facts{Froms: 1, SPF: &SPF{Result: "pass"}, Author: "a@x.example"}},
		"reject":                        {facts: failing("reject", nil), refused: "dmarc.rejected"},
		"reject, tenant takes it":       {facts: failing("reject", nil), rules: Rules{DMARC: DMARCAccept}, suspicious: true},
		"quarantine":                    {facts: failing("quarantine", nil), suspicious: true},
		"none":                          {facts: failing("none", nil)},
		"temperror":                     {facts: Facts{DMARC: &DMARC{Result: "temperror", Policy: "reject"}}},
		"reject, trusted chain":         {facts: failing("reject", good), rules: Rules{TrustedSealers: []string{"lists.example"}}},
		"reject, chain of a stranger":   {facts: failing("reject", good), refused: "dmarc.rejected"},
		"reject, one stranger in chain": {facts: failing("reject", &ARC{Result: "pass", DMARCPassed: true, Sealers: []string{"lists.example", "x.example"}}), rules: Rules{TrustedSealers: []string{"lists.example"}}, refused: "dmarc.rejected"},
		"reject, failed chain":          {facts: failing("reject", &ARC{Result: "fail", DMARCPassed: true, Sealers: []string{"lists.example"}}), rules: Rules{TrustedSealers: []string{"lists.example"}}, refused: "dmarc.rejected"},
		"reject, chain saw no pass":     {facts: failing("reject", &ARC{Result: "pass", Sealers: []string{"lists.example"}}), rules: Rules{TrustedSealers: []string{"lists.example"}}, refused: "dmarc.rejected"},
	} {
		c.rules.MaxReceived = 25
		v := Judge(c.rules, &c.facts)
		key := ""
		if v.Refuse != nil {
			key, _ = mail.TextOf(v.Refuse)
		}
		if key != c.refused || v.Suspicious != c.suspicious {
			t.Errorf("%s: %q, suspicious %v; want %q, %v", name, key, v.Suspicious, c.refused, c.suspicious)
		}
	}
}

func TestFactsComeBack(t *testing.T) {
	f := Facts{Received: 2, Author: "a@x.example", SPF: &SPF{Result: "pass", Domain: "x.example"}, DKIM: []DKIM{{Result: "fail", Domain: "x.example"}},
		DMARC: &DMARC{Result: "pass", Domain: "x.example"}, ARC: &ARC{Result: "none"}, Late: []string{"dkim"}}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseFacts(b); err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("%+v, %v; want %+v", got, err, f)
	}
	if _, err := ParseFacts([]byte("{")); !mail.Is(err, mail.Other) {
		t.Errorf("damaged facts: %v", err)
	}
}
