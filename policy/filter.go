package policy

import "tegami/mail"

// SpamAction is what becomes of mail that is likely unwanted, by the choice of the domain's administrator (SF-1).
type SpamAction string

// What may become of it.
const (
	SpamPass       SpamAction = "pass"       // it is delivered as it is
	SpamMeiwaku    SpamAction = "meiwaku"    // it is delivered with TagMeiwaku in its subject
	SpamTag        SpamAction = "spam"       // with TagSpam; the default
	SpamQuarantine SpamAction = "quarantine" // it goes to the recipient's quarantine box
)

// Tags of subjects (SF-1).
const (
	TagMeiwaku = "[MEIWAKU!!]"
	TagSpam    = "[SPAM!!]"
)

// DefaultThreshold is from how many percent on a message counts as unwanted where nobody said.
const DefaultThreshold = 90.0

// SenderLists are whose mail is let in and whose is not (SF-2), those of a company or of a user. The zero value names nobody.
type SenderLists struct{ Allow, Deny mail.SenderPatterns }

// Filter says what becomes of mail for one recipient: by his domain's settings, his company's lists and his own. The zero value is what holds
// where nobody set anything: at 90 % mail is tagged as spam. It may be used from many goroutines.
type Filter struct {
	Action    SpamAction // "" = SpamTag
	Threshold float64    // percent, above 0 to 100; 0 = DefaultThreshold
	Company   SenderLists
	User      SenderLists
	// UserAllow: the company permits that users' lists of whose mail is let in are heeded (SF-5). Those of whose is not always are.
	UserAllow bool
	// UserFirst: users' lists are looked at before the company's.
	UserFirst bool
	// AllowForged: lists let in even mail that failed DMARC though its domain wants such mail rejected. By default they don't: whoever
	// forges a sender would get in by whom the recipient trusts most.
	AllowForged bool
}

// Arrival is what Treat looks at.
type Arrival struct {
	Envelope mail.Address // MAIL FROM; null for a bounce
	Author   mail.Address // the first address of the header's From; null where there is none
	Forged   bool         // Facts.Forged
	Virus    *Virus       // nil: nobody looked
	Cleaned  bool         // what was harmful is out of the message, and the rest may be delivered (VC-3)
	Spam     *Spam        // nil: it was not asked
}

// Do is what happens to a message for one recipient.
type Do string

// What happens.
const (
	DoDeliver    Do = "deliver"
	DoTag        Do = "tag" // delivered with Treatment.Tag in its subject
	DoQuarantine Do = "quarantine"
	DoDrop       Do = "drop" // thrown away, and nobody outside is told
)

// Rule is what decided about a message, a stable name for traces and logs.
type Rule string

// The rules, in the order in which they are looked at. With Filter.UserFirst those of the user are before the company's.
const (
	RuleVirus        Rule = "virus"
	RuleCompanyDeny  Rule = "company.deny"
	RuleCompanyAllow Rule = "company.allow"
	RuleUserDeny     Rule = "user.deny"
	RuleUserAllow    Rule = "user.allow"
	RuleScore        Rule = "score" // it is as likely unwanted as the domain's administrator does not want it
	RuleNone         Rule = ""      // nothing speaks against it
)

// Treatment is what happens to a message for one recipient, and why.
type Treatment struct {
	Do      Do
	Tag     string             // of DoTag
	Rule    Rule               //
	Entry   mail.SenderPattern // of the list that decided
	Percent float64            // how likely it is unwanted; 0 where that was not asked
}

// Treat says what happens to a message. The order is: virus, whom the company refuses, whom it lets in, whom the user refuses, whom he lets in
// where he may, and how likely the message is unwanted. A list never lets a virus in, nor a forged message unless Filter.AllowForged says so:
// such a message goes on to the next rule. Whom a list refuses is refused whatever else is known. It does no I/O and does not allocate but for
// the name of what matched.
func (f *Filter) Treat(a *Arrival) Treatment {
	t := Treatment{Do: DoDeliver}
	if a.Spam != nil {
		t.Percent = a.Spam.Percent
	}
	if a.Virus.Infected() && !a.Cleaned {
		t.Do, t.Rule = DoDrop, RuleVirus
		return t
	}
	lists := [2]ranked{{f.Company, RuleCompanyDeny, RuleCompanyAllow}, {f.User, RuleUserDeny, RuleUserAllow}}
	if !f.UserAllow {
		lists[1].Allow = nil
	}
	if f.UserFirst {
		lists[0], lists[1] = lists[1], lists[0]
	}
	for i := range lists {
		if lists[i].decide(a, f.AllowForged, &t) {
			return t
		}
	}
	f.weigh(a.Spam, &t)
	return t
}

// ranked are lists with the names of what they decide.
type ranked struct {
	SenderLists
	deny, allow Rule
}

// decide tells whether the lists say something about a message.
func (l *ranked) decide(a *Arrival, forgedToo bool, t *Treatment) bool {
	if p := either(l.Deny, a); p != "" {
		t.Do, t.Rule, t.Entry = DoDrop, l.deny, p
		return true
	}
	if a.Forged && !forgedToo {
		return false
	}
	if p := either(l.Allow, a); p != "" {
		t.Rule, t.Entry = l.allow, p
		return true
	}
	return false
}

// either gives the pattern that one of the senders of a message fulfils.
func either(set mail.SenderPatterns, a *Arrival) mail.SenderPattern {
	if p := set.Match(a.Author); p != "" {
		return p
	}
	return set.Match(a.Envelope)
}

// weigh judges by how likely a message is unwanted.
func (f *Filter) weigh(s *Spam, t *Treatment) {
	threshold := f.Threshold
	if threshold == 0 {
		threshold = DefaultThreshold
	}
	if s == nil || s.Percent < threshold {
		return
	}
	t.Rule = RuleScore
	switch f.Action {
	case SpamPass:
	case SpamQuarantine:
		t.Do = DoQuarantine
	case SpamMeiwaku:
		t.Do, t.Tag = DoTag, TagMeiwaku
	default:
		t.Do, t.Tag = DoTag, TagSpam
	}
}

// Forged tells whether a message failed DMARC though its author's domain wants such mail rejected, and no chain of hosts that the rules trust
// vouches for it.
func (f *Facts) Forged(r Rules) bool {
	return f.DMARC != nil && f.DMARC.Result == "fail" && f.DMARC.Policy == "reject" && !vouched(r, f.ARC)
}
