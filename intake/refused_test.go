package intake_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tegami/intake"
	"tegami/mail"
	"tegami/queue"
)

// TestCP8RefusalsAreTold: what is refused is told to the company it was for, and to the one it was from; what is nobody's is not.
func TestCP8RefusalsAreTold(t *testing.T) {
	var told []string
	var accepted []mail.TenantID
	h := newHouse(t, func(c *intake.Config) {
		c.Refused = func(tenant mail.TenantID, doc *queue.Doc, to []mail.Recipient, reason, status string) {
			line := fmt.Sprint(tenant, " ", doc.From, " ", reason, " ", status, " ", doc.Subject)
			for _, r := range to {
				line += " " + r.Address.String()
			}
			if doc.Trace == "" || !doc.Origin.Remote.IsValid() {
				line += " from nowhere"
			}
			told = append(told, line)
		}
		c.Accepted = func(id mail.TenantID) { accepted = append(accepted, id) }
	})
	alpha, beta := h.company("alpha.example", 10), h.company("beta.example", 10)
	a, b := alpha[0].Tenant, beta[0].Tenant
	h.fill(alpha[1], 100)
	who := h.signIn("user0@alpha.example")
	looping := strings.Repeat("Received: from a by b; Mon, 23 Nov 2026 09:00:00 +0900\r\n", 40) + "From: x@y.example\r\nSubject: =?UTF-8?B?44Or44O844OX?=\r\n\r\nx\r\n"
	for _, c := range []struct {
		name string
		l    letter
		want []string
	}{
		{"unknown", letter{outside, nil, "x@y.example", []string{"nobody@alpha.example"}, looping},
			[]string{fmt.Sprint(a, " x@y.example recipient.unknown 5.1.1  nobody@alpha.example")}},
		{"full", letter{outside, nil, "x@y.example", []string{"user1@alpha.example"}, looping},
			[]string{fmt.Sprint(a, " x@y.example box.full 5.2.2  user1@alpha.example")}},
		{"not ours", letter{outside, nil, "x@y.example", []string{"a@elsewhere.example"}, looping}, nil},
		{"the message", letter{outside, nil, "x@y.example", []string{"user2@alpha.example", "user3@beta.example"}, looping},
			[]string{fmt.Sprint(a, " x@y.example message.looping 5.4.6 ループ user2@alpha.example"), fmt.Sprint(b, " x@y.example message.looping 5.4.6 ループ user3@beta.example")}},
		{"a colleague of another company", letter{secure, who, "user0@alpha.example", []string{"nobody@beta.example"}, looping},
			[]string{fmt.Sprint(b, " user0@alpha.example recipient.unknown 5.1.1  nobody@beta.example"), fmt.Sprint(a, " user0@alpha.example recipient.unknown 5.1.1  nobody@beta.example")}},
		{"the sender", letter{secure, who, "user5@alpha.example", []string{"user6@alpha.example"}, looping},
			[]string{fmt.Sprint(a, " user5@alpha.example sender.not_owned 5.7.1 ")}},
	} {
		told = nil
		if _, err := h.send(c.l); err == nil {
			t.Errorf("%s: taken", c.name)
		}
		if !slices.Equal(told, c.want) {
			t.Errorf("%s:\n%q\nwant\n%q", c.name, told, c.want)
		}
	}
	told = nil
	h.accepted(letter{outside, nil, "x@y.example", []string{"user2@alpha.example", "user3@beta.example"}, "From: x@y.example\r\n\r\nx\r\n"})
	if len(told) > 0 || !slices.Equal(accepted, []mail.TenantID{a, b}) {
		t.Errorf("accepted for %v, refused %q", accepted, told)
	}
}

// TestCP8TraceHasTheSubject: the item knows subject, decoded and bounded, and size.
func TestCP8TraceHasTheSubject(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 10)
	for raw, want := range map[string]string{
		"=?UTF-8?B?6KaL56mN5pu4?=":   "見積書",
		"Offer":                      "Offer",
		strings.Repeat("long ", 300): strings.Repeat("long ", 300)[:queue.MaxSubject],
	} {
		r := h.accepted(letter{outside, nil, "x@y.example", []string{"user0@alpha.example"}, "From: x@y.example\r\nSubject: " + raw + "\r\n\r\nx\r\n"})
		it, err := h.queue.Of(alpha[0].Tenant).Explain(h.ctx, r.Item)
		h.must(err)
		if it.Subject != want || it.Size < 40 || it.To[0].Into != queue.IntoInbox {
			t.Errorf("%q, %d octets, into %d; want %q", it.Subject, it.Size, it.To[0].Into, want)
		}
	}
}
