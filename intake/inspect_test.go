package intake_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tegami/deliver"
	"tegami/directory"
	"tegami/inspect"
	"tegami/intake"
	"tegami/learning"
	"tegami/mail"
	"tegami/policy"
	"tegami/policy/spam"
	"tegami/queue"
	"tegami/wire/mime"
)

// judging is a house whose filter judges mail; with changes the filters of accounts.
func judging(t testing.TB, with map[string]*policy.Filter) (*house, *learning.Service) {
	t.Helper()
	var learns *learning.Service
	h := newHouse(t, func(c *intake.Config) {
		learns = learning.New(learning.Config{Store: c.Store, By: queue.Worker()})
		c.Inspect = inspect.New(inspect.Config{Directory: c.Directory, Learning: learns})
		c.House = deliver.New(deliver.Config{
			Store: c.Store, Directory: c.Directory, Mailbox: c.Mailbox, Hostname: c.Hostname, Filter: func(_ context.Context, a *directory.Account) (*policy.Filter, int, error) {
				if f := with[a.Address.String()]; f != nil {
					return f, 14, nil
				}
				return &policy.Filter{}, 14, nil
			},
		})
	})
	return h, learns
}

const spamText = "From: Abe <abe@b.example>\r\nTo: user0@alpha.example\r\nSubject: =?ISO-2022-JP?B?GyRCOCtAURsoQg==?=\r\nX-EM-Spam-Check:   0.00%\r\n" +
	"Date: Mon, 23 Nov 2026 09:30:00 +0900\r\nMessage-ID: <1@b.example>\r\n\r\n" + spam.GTUBE + "\r\n"

// TestSF1Tagged brings a message that is surely spam to people of two companies: each copy says how likely it is spam and what the domain wants
// stands in its subject, which is encoded as it was; a field of that name that came with it is none of ours; the facts say why.
func TestSF1Tagged(t *testing.T) {
	h, _ := judging(t, map[string]*policy.Filter{
		"user1@alpha.example": {Action: policy.SpamMeiwaku}, "user2@alpha.example": {Action: policy.SpamPass}, "user3@alpha.example": {Action: policy.SpamQuarantine},
	})
	alpha, beta := h.company("alpha.example", 4), h.company("beta.example", 1)
	r := h.accepted(letter{origin: outside, from: "abe@b.example", text: spamText, to: []string{
		"user0@alpha.example", "user1@alpha.example", "user2@alpha.example", "user3@alpha.example", "user0@beta.example",
	}})
	if r.Delivered != 4 {
		t.Errorf("%d delivered; one is in quarantine", r.Delivered)
	}
	const subject = "=?ISO-2022-JP?B?GyRCOCtAURsoQg==?="
	for _, x := range []struct {
		who  directory.Account
		want string
	}{{alpha[0], "[SPAM!!] " + subject}, {alpha[1], "[MEIWAKU!!] " + subject}, {alpha[2], subject}, {beta[0], "[SPAM!!] " + subject}} {
		in := h.inbox(x.who)
		if len(in) != 1 {
			t.Errorf("%s has %d messages", x.who.Address, len(in))
			continue
		}
		header := mime.Header(in[0].text)
		if got, _ := header.Lookup("Subject"); got != x.want {
			t.Errorf("%s: subject %q, want %q", x.who.Address, got, x.want)
		}
		if got, _ := header.Lookup("X-EM-Spam-Check"); got != "100.00%" {
			t.Errorf("%s: %q", x.who.Address, got)
		}
		if strings.Count(in[0].text, "X-EM-Spam-Check") != 1 || !strings.Contains(in[0].text, "\r\nX-Not-Our-Check:   0.00%\r\n") {
			t.Errorf("%s: the field that came with it stands: %q", x.who.Address, in[0].text)
		}
		if m, err := mime.Decode(in[0].Index); err != nil || m.Size != int64(len(in[0].text)) || !strings.HasPrefix(mime.ParseBytes([]byte(in[0].text), mime.Limits{}).Root.Envelope.Subject, m.Root.Envelope.Subject) {
			t.Errorf("%s: what is kept of the structure is of other octets: %v", x.who.Address, err)
		}
	}
	if in := h.inbox(alpha[3]); len(in) != 0 {
		t.Error("what is in quarantine is in the inbox too")
	}
	for _, it := range h.items(alpha[0].Tenant) {
		f, err := policy.ParseFacts(it.Facts)
		h.must(err)
		if f.Spam == nil || f.Spam.Percent != 100 || len(f.Spam.Reasons) == 0 || !it.Spam {
			t.Errorf("facts %+v", f.Spam)
		}
		for _, to := range it.To {
			if quarantined := to.Into == queue.IntoQuarantine; quarantined != (to.Account == alpha[3].ID) {
				t.Errorf("%s went to %v", to.Address, to.Into)
			}
		}
	}
	h.check()
}

// TestSF1EachCompanyItsScore brings one message to two companies, one of which was taught otherwise: the copies of each say what its own filter
// says, and so do its facts.
func TestSF1EachCompanyItsScore(t *testing.T) {
	h, learns := judging(t, nil)
	alpha, beta := h.company("alpha.example", 1), h.company("beta.example", 1)
	text := "From: abe@b.example\r\nSubject: cheap offer\r\n\r\nBuy our cheap offer of the month, dear friend.\r\n"
	h.accepted(letter{origin: outside, from: "abe@b.example", to: []string{"user0@beta.example"}, text: text})
	ref := h.items(beta[0].Tenant)[0].Blob
	words, err := inspect.Words(t.Context(), h.store.Tenant(beta[0].Tenant), ref)
	h.must(err)
	for i := range 10 {
		_, err = learns.Teach(t.Context(), learning.Lesson{
			Tenant: beta[0].Tenant, Account: beta[0].ID, Name: learning.Name(ref) + string(rune('a'+i)), Spam: true, Words: words,
		})
		h.must(err)
	}
	h.accepted(letter{origin: outside, from: "abe@b.example", to: []string{"user0@alpha.example", "user0@beta.example"}, text: text})
	said := map[string]bool{}
	for _, who := range []directory.Account{alpha[0], beta[0]} {
		in, list := h.inbox(who), h.items(who.Tenant)
		f, err := policy.ParseFacts(list[len(list)-1].Facts)
		h.must(err)
		got, _ := mime.Header(in[len(in)-1].text).Lookup("X-EM-Spam-Check")
		if want := fmt.Sprintf("%.2f%%", f.Spam.Percent); got != want {
			t.Errorf("%s: the header says %s, the facts %s", who.Address, got, want)
		}
		said[got] = true
	}
	if len(said) != 2 {
		t.Errorf("both companies say %v: the test needs other lessons", said)
	}
}

// TestSF3InternalMailIsJudged: mail among colleagues goes through the filter too, and what goes to other hosts says nothing of ours.
func TestSF3InternalMailIsJudged(t *testing.T) {
	h, _ := judging(t, nil)
	alpha := h.company("alpha.example", 2)
	who := h.signIn("user0@alpha.example")
	text := strings.Replace(spamText, "Abe <abe@b.example>", "user0@alpha.example", 1)
	h.accepted(letter{origin: secure, who: who, from: "user0@alpha.example", to: []string{"user1@alpha.example"}, text: text})
	in := h.inbox(alpha[1])
	if got, _ := mime.Header(in[0].text).Lookup("X-EM-Spam-Check"); got != "100.00%" {
		t.Errorf("%q", in[0].text)
	}
	h.accepted(letter{origin: secure, who: who, from: "user0@alpha.example", to: []string{"x@other.example"}, text: text})
	for _, it := range h.items(alpha[0].Tenant) {
		if _, remote := queue.RemoteDomain(it.Route); remote && strings.Contains(h.read(h.store.Tenant(alpha[0].Tenant), it.Blob), "X-EM-Spam-Check: ") {
			t.Error("what leaves says what our filter thinks")
		}
	}
}

// TestSF2DeniedGoesNowhere: mail of somebody who is denied is accepted and thrown away; the trace knows.
func TestSF2DeniedGoesNowhere(t *testing.T) {
	deny := mail.NewSenderPatterns([]mail.SenderPattern{"@b.example"})
	h, _ := judging(t, map[string]*policy.Filter{"user0@alpha.example": {Company: policy.SenderLists{Deny: deny}}})
	alpha := h.company("alpha.example", 1)
	h.accepted(letter{origin: outside, from: "abe@b.example", to: []string{"user0@alpha.example"}, text: text})
	if in := h.inbox(alpha[0]); len(in) != 0 {
		t.Errorf("%d messages", len(in))
	}
	list := h.items(alpha[0].Tenant)
	if len(list) != 1 || list[0].To[0].Into != queue.IntoDenied {
		t.Errorf("%+v", list)
	}
}

// TestSF6Greylist: mail of a stranger that may be spam or not is asked to come again, once; mail that is no doubt is not.
func TestSF6Greylist(t *testing.T) {
	var learns *learning.Service
	h := newHouse(t, func(c *intake.Config) {
		learns = learning.New(learning.Config{Store: c.Store, By: queue.Worker()})
		c.Inspect = inspect.New(inspect.Config{Directory: c.Directory, Learning: learns})
		c.Greylist = true
	})
	alpha := h.company("alpha.example", 2)
	var doubtful string
	for _, words := range []string{"cheap pills", "cheap pills click here to buy now", "FREE MONEY!!! act now, click here http://192.0.2.1/x", "dear friend, you have won a prize; send your bank account"} {
		l := letter{origin: outside, from: "abe@b.example", to: []string{"user0@alpha.example"}, text: "From: abe@b.example\r\nSubject: " + words + "\r\n\r\n" + words + "\r\n"}
		if _, err := h.send(l); err != nil {
			h.says(err, mail.Busy, "message.doubtful")
			doubtful = words
			h.accepted(l)
			l.to = []string{"user1@alpha.example"}
			_, err = h.send(l)
			h.says(err, mail.Busy, "message.doubtful")
			break
		}
	}
	if doubtful == "" {
		t.Fatal("no message is in doubt: the test needs other words")
	}
	h.accepted(letter{origin: outside, from: "abe@b.example", to: []string{"user0@alpha.example"}, text: spamText})
	h.accepted(letter{origin: outside, from: "abe@b.example", to: []string{"user0@alpha.example"}, text: text})
	if n := len(h.inbox(alpha[0])); n < 3 {
		t.Errorf("%d messages", n)
	}
}
