package deliver_test

import (
	"context"
	"strings"
	"testing"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/policy"
	"tegami/quarantine"
	"tegami/queue"
	"tegami/wire/mime"
)

// spamDoc is a letter of a stranger that is likely spam.
func spamDoc(t *testing.T, percent float64) queue.Doc {
	t.Helper()
	doc := from("abe@customer.example")
	facts := policy.Facts{Author: "abe@customer.example", Spam: &policy.Spam{Percent: percent, Reasons: []policy.Reason{{Key: "spam.reason.bayes", Weight: 4}}}}
	var err error
	if doc.Facts, err = facts.Encode(); err != nil {
		t.Fatal(err)
	}
	doc.HeaderFrom = "abe@customer.example"
	return doc
}

// filters answers with a filter by the local part of an account.
func filters(by map[string]*policy.Filter) func(context.Context, *directory.Account) (*policy.Filter, int, error) {
	return func(_ context.Context, a *directory.Account) (*policy.Filter, int, error) {
		if f := by[a.Address.Local]; f != nil {
			return f, 3, nil
		}
		return &policy.Filter{Action: policy.SpamPass}, 14, nil
	}
}

// TestSF1Treatments does with one message what the filter of each recipient wants: it passes, it has a tag in the subject, it is in quarantine, or
// it goes nowhere; by an item for all of them and by a list; who has a filter of his own gets the tagged one there.
func TestSF1Treatments(t *testing.T) {
	denied := mail.NewSenderPatterns([]mail.SenderPattern{"@customer.example"})
	h := newHouse(t, deliver.Config{Filter: filters(map[string]*policy.Filter{
		"meiwaku": {Action: policy.SpamMeiwaku}, "spam": {}, "filtered": {}, "box": {Action: policy.SpamQuarantine}, "high": {Threshold: 99},
		"deny":  {User: policy.SenderLists{Deny: denied}},
		"allow": {Action: policy.SpamQuarantine, UserAllow: true, User: policy.SenderLists{Allow: denied}},
	})})
	people := []string{"pass", "meiwaku", "spam", "filtered", "box", "high", "deny", "allow"}
	c := h.company("alpha.example", people...)
	h.filterBy("filtered@alpha.example", `require "fileinto"; if header :contains "subject" "[SPAM!!]" { fileinto "Junk"; }`)
	var all []string
	for _, p := range people {
		all = append(all, p+"@alpha.example")
	}
	l := h.list(c, "team@alpha.example", directory.ListSpec{}, all...)
	for round, to := range [][]string{all, {"team@alpha.example"}} {
		h.accept(l.Tenant, spamDoc(t, 95.5), letter("abe@customer.example", "見積"), to...)
		h.drain()
		for _, x := range []struct{ who, subject string }{
			{"pass", ""}, {"meiwaku", "[MEIWAKU!!] "}, {"spam", "[SPAM!!] "}, {"high", ""}, {"allow", ""},
		} {
			in := h.inbox(x.who + "@alpha.example")
			if len(in) != round+1 {
				t.Errorf("%d %s has %d messages", round, x.who, len(in))
				continue
			}
			if subject, _ := mime.Header(in[round]).Lookup("Subject"); strings.HasPrefix(subject, "[") != (x.subject != "") || !strings.HasPrefix(subject, x.subject) {
				t.Errorf("%d %s: subject %q", round, x.who, subject)
			}
		}
		h.want("in Junk by the filter's rule", h.filed("filtered@alpha.example"), strings.TrimSuffix(strings.Repeat("Junk: [SPAM!!] 見積\n", round+1), "\n"))
		h.want("messages of who is in quarantine", h.count("box@alpha.example"), 0)
		h.want("messages of who denies", h.count("deny@alpha.example"), 0)
	}
	service := quarantine.New(quarantine.Config{Store: h.store, Directory: h.dir, Release: h.Release})
	owner := h.account("box@alpha.example")
	h.must(h.dir.Company(owner.Tenant).SetPassword(h.ctx, h.ops, owner.ID, scriptPassword))
	id, err := h.dir.SignIn(h.ctx, mail.Origin{Door: "sieve"}, "sieve", owner.Address.String(), scriptPassword)
	h.must(err)
	box, err := service.Open(id)
	h.must(err)
	page, err := box.List(h.ctx, quarantine.Query{})
	h.must(err)
	if page.Total != 2 {
		t.Fatalf("%d in quarantine", page.Total)
	}
	e := page.Entries[0]
	if e.Percent != 95.5 || e.Rule != string(policy.RuleScore) || len(e.Reasons) != 1 || e.HeaderFrom.String() != "abe@customer.example" || e.Ends.Sub(e.Received).Hours() > 4*24 {
		t.Errorf("%+v", e)
	}
	_, err = box.Take(h.ctx, []mail.ObjectID{page.Entries[0].ID, page.Entries[1].ID}, quarantine.Take{})
	h.must(err)
	h.want("taken into the inbox", h.count("box@alpha.example"), 2)
}

// TestSF3PlatformsWordIsNotTreated: what the platform itself says comes, whatever a filter wants.
func TestSF3PlatformsWordIsNotTreated(t *testing.T) {
	everything := &policy.Filter{Action: policy.SpamQuarantine, Threshold: 0.01}
	h := newHouse(t, deliver.Config{Filter: filters(map[string]*policy.Filter{"sato": everything})})
	h.company("alpha.example", "sato")
	doc := spamDoc(t, 95)
	doc.Service = true
	h.accept(h.account("sato@alpha.example").Tenant, doc, letter("abe@customer.example", "x"), "sato@alpha.example")
	h.drain()
	h.want("messages", h.count("sato@alpha.example"), 1)
}
