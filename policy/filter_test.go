package policy

import (
	"testing"

	"tegami/mail"
)

// set makes a list of senders as somebody typed them.
func set(t *testing.T, texts ...string) mail.SenderPatterns {
	t.Helper()
	var list []mail.SenderPattern
	for _, text := range texts {
		p, err := mail.ParseSenderPattern(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return mail.NewSenderPatterns(list)
}

func person(t *testing.T, text string) mail.Address {
	t.Helper()
	if text == "" {
		return mail.Address{}
	}
	a, err := mail.ParseAddress(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSF1WhatBecomesOfSpam: each choice of the administrator does what it says, from the threshold on and not below.
func TestSF1WhatBecomesOfSpam(t *testing.T) {
	for _, c := range []struct {
		action    SpamAction
		threshold float64
		percent   float64
		do        Do
		tag       string
		rule      Rule
	}{
		{"", 0, 90, DoTag, "[SPAM!!]", RuleScore}, // as it is where nobody set anything
		{"", 0, 89.99, DoDeliver, "", RuleNone},
		{SpamPass, 90, 100, DoDeliver, "", RuleScore},
		{SpamMeiwaku, 90, 90, DoTag, "[MEIWAKU!!]", RuleScore},
		{SpamTag, 90, 97.35, DoTag, "[SPAM!!]", RuleScore},
		{SpamQuarantine, 90, 90, DoQuarantine, "", RuleScore},
		{SpamQuarantine, 100, 99.99, DoDeliver, "", RuleNone},
		{SpamQuarantine, 100, 100, DoQuarantine, "", RuleScore},
		{SpamTag, 55.5, 55.5, DoTag, "[SPAM!!]", RuleScore},
	} {
		f := Filter{Action: c.action, Threshold: c.threshold}
		got := f.Treat(&Arrival{Envelope: person(t, "a@x.example"), Spam: &Spam{Percent: c.percent}})
		if want := (Treatment{Do: c.do, Tag: c.tag, Rule: c.rule, Percent: c.percent}); got != want {
			t.Errorf("%q from %v at %v: %+v, want %+v", c.action, c.threshold, c.percent, got, want)
		}
	}
	if got := new(Filter).Treat(&Arrival{}); got != (Treatment{Do: DoDeliver}) {
		t.Errorf("mail that nobody scored: %+v", got)
	}
}

// TestSF2OrderOfEvaluation: virus, whom the company refuses, whom it lets in, whom the user refuses, whom he lets in if he may, score.
func TestSF2OrderOfEvaluation(t *testing.T) {
	const who = "sato@bad.example"
	spam := &Spam{Percent: 99}
	virus := &Virus{Result: "infected"}
	lists := func(names ...string) (f Filter) {
		f.Action, f.UserAllow = SpamQuarantine, true
		for _, n := range names {
			switch n {
			case "CD":
				f.Company.Deny = set(t, "@bad.example")
			case "CA":
				f.Company.Allow = set(t, who)
			case "UD":
				f.User.Deny = set(t, who)
			case "UA":
				f.User.Allow = set(t, "@bad.example")
			case "not permitted":
				f.UserAllow = false
			case "user first":
				f.UserFirst = true
			case "forged too":
				f.AllowForged = true
			}
		}
		return f
	}
	for name, c := range map[string]struct {
		lists []string
		what  Arrival
		do    Do
		rule  Rule
	}{
		"a virus, everybody lets it in":               {[]string{"CA", "UA", "forged too"}, Arrival{Virus: virus}, DoDrop, RuleVirus},
		"a virus, taken out":                          {[]string{"CA"}, Arrival{Virus: virus, Cleaned: true}, DoDeliver, RuleCompanyAllow},
		"a virus, taken out, and spam":                {nil, Arrival{Virus: virus, Cleaned: true, Spam: spam}, DoQuarantine, RuleScore},
		"a virus, taken out, refused all the same":    {[]string{"CD"}, Arrival{Virus: virus, Cleaned: true}, DoDrop, RuleCompanyDeny},
		"no engine answered":                          {nil, Arrival{Virus: &Virus{Result: "failed"}}, DoDeliver, RuleNone},
		"company refuses, all others let in":          {[]string{"CD", "CA", "UA"}, Arrival{}, DoDrop, RuleCompanyDeny},
		"company lets in, user refuses":               {[]string{"CA", "UD"}, Arrival{Spam: spam}, DoDeliver, RuleCompanyAllow},
		"company lets in spam":                        {[]string{"CA"}, Arrival{Spam: spam}, DoDeliver, RuleCompanyAllow},
		"user refuses and lets in":                    {[]string{"UD", "UA"}, Arrival{}, DoDrop, RuleUserDeny},
		"user refuses though he may not let in":       {[]string{"UD", "not permitted"}, Arrival{}, DoDrop, RuleUserDeny},
		"user lets in spam":                           {[]string{"UA"}, Arrival{Spam: spam}, DoDeliver, RuleUserAllow},
		"user lets in spam, but may not":              {[]string{"UA", "not permitted"}, Arrival{Spam: spam}, DoQuarantine, RuleScore},
		"user first: user lets in, company refuses":   {[]string{"CD", "UA", "user first"}, Arrival{}, DoDeliver, RuleUserAllow},
		"user first: he may not, so company refuses":  {[]string{"CD", "UA", "user first", "not permitted"}, Arrival{}, DoDrop, RuleCompanyDeny},
		"user first: user refuses, company lets in":   {[]string{"CA", "UD", "user first"}, Arrival{}, DoDrop, RuleUserDeny},
		"user first: a virus all the same":            {[]string{"UA", "user first"}, Arrival{Virus: virus}, DoDrop, RuleVirus},
		"forged, company lets in":                     {[]string{"CA"}, Arrival{Forged: true, Spam: spam}, DoQuarantine, RuleScore},
		"forged, user lets in":                        {[]string{"UA"}, Arrival{Forged: true, Spam: spam}, DoQuarantine, RuleScore},
		"forged, company lets in, user refuses":       {[]string{"CA", "UD"}, Arrival{Forged: true}, DoDrop, RuleUserDeny},
		"forged, and refused":                         {[]string{"CD"}, Arrival{Forged: true}, DoDrop, RuleCompanyDeny},
		"forged, the company lets forged mail in too": {[]string{"CA", "forged too"}, Arrival{Forged: true, Spam: spam}, DoDeliver, RuleCompanyAllow},
		"nothing said":                                {nil, Arrival{}, DoDeliver, RuleNone},
	} {
		f := lists(c.lists...)
		for side, a := range map[string]Arrival{
			"envelope": {Envelope: person(t, "Sato@bad.example"), Author: person(t, "nice@good.example")},
			"header":   {Envelope: mail.Address{}, Author: person(t, "SATO@bad.example")},
		} {
			a.Forged, a.Virus, a.Cleaned, a.Spam = c.what.Forged, c.what.Virus, c.what.Cleaned, c.what.Spam
			if got := f.Treat(&a); got.Do != c.do || got.Rule != c.rule {
				t.Errorf("%s (%s): %s by %q, want %s by %q", name, side, got.Do, got.Rule, c.do, c.rule)
			}
		}
	}
}

// TestSF2EntryIsNamed: the trace can say which entry of which list decided.
func TestSF2EntryIsNamed(t *testing.T) {
	f := Filter{Company: SenderLists{Deny: set(t, "*@*.bad.example", "@other.example")}}
	got := f.Treat(&Arrival{Envelope: person(t, "x@a.b.bad.example")})
	if want := (Treatment{Do: DoDrop, Rule: RuleCompanyDeny, Entry: "*@*.bad.example"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := f.Treat(&Arrival{Envelope: person(t, "x@bad.example")}); got.Do != DoDeliver {
		t.Errorf("the domain itself is not below itself: %+v", got)
	}
}

func TestForged(t *testing.T) {
	good := &ARC{Result: "pass", DMARCPassed: true, Sealers: []string{"lists.example"}}
	for name, c := range map[string]struct {
		facts Facts
		want  bool
	}{
		"nothing known":       {Facts{}, false},
		"passed":              {Facts{DMARC: &DMARC{Result: "pass", Policy: "reject"}}, false},
		"failed, reject":      {Facts{DMARC: &DMARC{Result: "fail", Policy: "reject"}}, true},
		"failed, quarantine":  {Facts{DMARC: &DMARC{Result: "fail", Policy: "quarantine"}}, false},
		"no answer":           {Facts{DMARC: &DMARC{Result: "temperror", Policy: "reject"}}, false},
		"vouched for":         {Facts{DMARC: &DMARC{Result: "fail", Policy: "reject"}, ARC: good}, false},
		"vouched, a stranger": {Facts{DMARC: &DMARC{Result: "fail", Policy: "reject"}, ARC: &ARC{Result: "pass", DMARCPassed: true, Sealers: []string{"x.example"}}}, true},
	} {
		if got := c.facts.Forged(Rules{TrustedSealers: []string{"lists.example"}}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func BenchmarkTreat(b *testing.B) {
	deny := make(mail.SenderPatterns)
	for i := range 1000 {
		deny[mail.SenderPattern("@d"+string(rune('a'+i%26))+".example")] = struct{}{}
	}
	f := Filter{Company: SenderLists{Deny: deny, Allow: deny}, User: SenderLists{Deny: deny, Allow: deny}, UserAllow: true}
	a := Arrival{Envelope: mail.Address{Local: "bounce", Domain: "mail.news.shop.example"}, Author: mail.Address{Local: "news", Domain: "shop.example"}}
	b.ReportAllocs()
	for b.Loop() {
		f.Treat(&a)
	}
}
