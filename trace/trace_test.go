package trace_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
	"tegami/trace"
)

// TestCP8SearchByEachCondition: each condition finds its message and no other, whether the index has it or not.
func TestCP8SearchByEachCondition(t *testing.T) {
	h := newHouse(t)
	a := inbound(1, "yamada@outside.example", "sato@alpha.example")
	a.To[0].Account = sato
	b := outbound(2, "tanaka@beta.example")
	b.Subject = "Ｒｅ： Offer of November"
	c := inbound(3, "ito@third.example", "suzuki@gamma.example")
	c.To[0].Account, c.To[0].Outcome, c.To[0].Reason, c.To[0].Orcpt = suzuki, queue.Failed, "box.full", "rfc822;old@gamma.example"
	c.Origin.Helo, c.Origin.Remote = "relay.third.example", c.Origin.Remote.Next()
	h.put(a, b, c)
	tests := []struct {
		name string
		q    trace.Query
		want []*queue.Item
	}{
		{"nothing", trace.Query{}, []*queue.Item{c, b, a}},
		{"sender", trace.Query{Sender: "Yamada@OUTSIDE.example"}, []*queue.Item{a}},
		{"sender's domain", trace.Query{Sender: "alpha.example"}, []*queue.Item{b}},
		{"sender's domain with an @", trace.Query{Sender: "@third.example"}, []*queue.Item{c}},
		{"recipient", trace.Query{Recipient: "<sato@alpha.example>"}, []*queue.Item{a}},
		{"recipient's domain", trace.Query{Recipient: "beta.example"}, []*queue.Item{b}},
		{"first recipient", trace.Query{Recipient: "old@gamma.example"}, []*queue.Item{c}},
		{"Message-ID", trace.Query{MessageID: "<2@outside.example>"}, []*queue.Item{b}},
		{"Message-ID without brackets", trace.Query{MessageID: "3@outside.example"}, []*queue.Item{c}},
		{"trace id", trace.Query{Trace: a.Trace}, []*queue.Item{a}},
		{"session", trace.Query{Trace: "k3f90002"}, []*queue.Item{b}},
		{"item", trace.Query{Trace: c.ID.String()}, []*queue.Item{c}},
		{"subject in Japanese", trace.Query{Subject: "見積"}, []*queue.Item{c, a}},
		{"subject without case and width", trace.Query{Subject: "re: offer"}, []*queue.Item{b}},
		{"address of the host", trace.Query{Remote: "192.0.2.8"}, []*queue.Item{c}},
		{"network", trace.Query{Remote: "192.0.2.0/24"}, []*queue.Item{c, b, a}},
		{"large network", trace.Query{Remote: "192.0.0.0/16"}, []*queue.Item{c, b, a}},
		{"name of the host", trace.Query{Remote: "RELAY.third.example"}, []*queue.Item{c}},
		{"account that sent", trace.Query{Account: sato}, []*queue.Item{b, a}},
		{"account that got", trace.Query{Account: suzuki}, []*queue.Item{c}},
		{"result", trace.Query{Result: trace.Failed}, []*queue.Item{c}},
		{"direction", trace.Query{Direction: trace.Outbound}, []*queue.Item{b}},
		{"since", trace.Query{Since: time.Now().Add(-time.Hour)}, []*queue.Item{c, b, a}},
		{"until", trace.Query{Until: time.Now().Add(-time.Hour)}, nil},
		{"all of them", trace.Query{Sender: "ito@third.example", Recipient: "gamma.example", Subject: "書 3", Result: trace.Failed}, []*queue.Item{c}},
		{"one too many", trace.Query{Sender: "ito@third.example", Recipient: "alpha.example"}, nil},
		{"a stranger", trace.Query{Recipient: "nobody@alpha.example"}, nil},
	}
	for _, when := range []string{"before", "after"} {
		for _, c := range tests {
			var want []string
			for _, it := range c.want {
				want = append(want, it.Trace)
			}
			if got := h.find(c.q, nil); !reflect.DeepEqual(got, want) {
				t.Errorf("%s the index: %s: %v, want %v", when, c.name, got, want)
			}
		}
		h.index()
	}
}

// TestCP8ResultIsOfNow: what became of a message after it was indexed is found.
func TestCP8ResultIsOfNow(t *testing.T) {
	h := newHouse(t)
	it := outbound(1, "tanaka@beta.example")
	it.State, it.To[0].Outcome, it.To[0].At = store.ItemWaiting, queue.Waiting, time.Time{}
	it.To[0].Host, it.To[0].Answer = "", ""
	h.put(it)
	h.index()
	results := func() (list []trace.Result) {
		for _, r := range trace.Results() {
			if len(h.find(trace.Query{Recipient: "tanaka@beta.example", Result: r}, nil)) > 0 {
				list = append(list, r)
			}
		}
		return list
	}
	steps := []struct {
		change func()
		want   trace.Result
	}{
		{func() {}, trace.Waiting},
		{func() { it.Attempts, it.To[0].Reason = 1, "remote.deferred" }, trace.Delayed},
		{func() { it.State, it.Hold = store.ItemHeld, "hold.administrator" }, trace.Held},
		{func() {
			it.State, it.To[0].Outcome, it.To[0].Reason, it.To[0].At = store.ItemSettled, queue.Relayed, "", time.Now()
		}, trace.Delivered},
	}
	for _, s := range steps {
		s.change()
		h.put(it)
		if got := results(); !slices.Equal(got, []trace.Result{s.want}) {
			t.Errorf("found as %v, want %s", got, s.want)
		}
	}
}

// TestCP8MembersOfAListAreFound: who got a post is found although he was not yet among the recipients when it was indexed.
func TestCP8MembersOfAListAreFound(t *testing.T) {
	h := newHouse(t)
	it := inbound(1, "yamada@outside.example", "all@alpha.example")
	it.State, it.Route, it.To[0].Outcome = store.ItemWaiting, queue.RouteList(5), queue.Waiting
	h.put(it)
	h.index()
	it.State = store.ItemSettled
	it.To = append(it.To, queue.Recipient{Recipient: mail.Recipient{Address: address("sato@alpha.example")}, Account: sato, Outcome: queue.Delivered, At: time.Now()})
	it.To[0].Outcome, it.To[0].Into = queue.Expanded, queue.IntoList
	h.put(it)
	h.index()
	for _, q := range []trace.Query{{Recipient: "sato@alpha.example"}, {Account: sato}, {Recipient: "all@alpha.example", Result: trace.Expanded}} {
		if got := h.find(q, nil); len(got) != 1 {
			t.Errorf("%+v finds %v", q, got)
		}
	}
}

// TestCP8Paging: pages follow one another without a hole and nothing comes twice, while mail comes in and the index grows.
func TestCP8Paging(t *testing.T) {
	h := newHouse(t)
	var want []string
	for i := range 60 {
		it := inbound(i, "yamada@outside.example", "sato@alpha.example")
		if i%3 == 0 {
			it.To[0].Address = address("suzuki@alpha.example")
		} else {
			want = append(want, it.Trace)
		}
		h.put(it)
		if i == 40 {
			h.index()
		}
	}
	slices.Reverse(want)
	q := trace.Query{Recipient: "sato@alpha.example", Limit: 7}
	var got []string
	for n := 0; ; n++ {
		page, err := h.trace.Search(t.Context(), tenant, q, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Entries) > 7 {
			t.Fatalf("%d entries", len(page.Entries))
		}
		for i := range page.Entries {
			got = append(got, page.Entries[i].Trace)
		}
		if n == 1 {
			h.put(inbound(100, "yamada@outside.example", "sato@alpha.example"))
			h.index()
		}
		if q.Before = page.Next; q.Before.IsZero() {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%v, want\n%v", got, want)
	}
}

// TestCP8Scope: who may see a part sees the mail of that part, and of a message from outside its recipients in it.
func TestCP8Scope(t *testing.T) {
	h := newHouse(t)
	in := inbound(1, "yamada@outside.example", "sato@alpha.example", "suzuki@gamma.example")
	in.To[0].Account, in.To[1].Account = sato, suzuki
	out := outbound(2, "tanaka@beta.example", "kato@beta.example")
	h.put(in, out, inbound(3, "a@spoofed.example", "suzuki@gamma.example"))
	gamma := func(_ mail.AccountID, a mail.Address) bool { return a.Domain == "gamma.example" }
	for _, c := range []struct {
		name string
		sees trace.Sees
		want string
	}{
		{"all", nil, "a@spoofed.example>suzuki@gamma.example+0 sato@alpha.example>tanaka@beta.example,kato@beta.example+0 yamada@outside.example>sato@alpha.example,suzuki@gamma.example+0"},
		{"a domain", gamma, "a@spoofed.example>suzuki@gamma.example+0 yamada@outside.example>suzuki@gamma.example+1"},
		{"one's own", trace.Only(sato), "sato@alpha.example>tanaka@beta.example,kato@beta.example+0 yamada@outside.example>sato@alpha.example+1"},
		{"nothing", func(mail.AccountID, mail.Address) bool { return false }, ""},
	} {
		page, err := h.trace.Search(t.Context(), tenant, trace.Query{}, c.sees)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range page.Entries {
			e := &page.Entries[i]
			var to []string
			for _, r := range e.To {
				to = append(to, r.Address.String())
			}
			got = append(got, fmt.Sprintf("%s>%s+%d", e.From, strings.Join(to, ","), e.Hidden))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, s, c.want)
		}
	}
	if _, err := h.trace.Message(t.Context(), tenant, out.ID, gamma); !mail.Is(err, mail.NotFound) {
		t.Errorf("a message out of scope: %v", err)
	}
	if m, err := h.trace.Message(t.Context(), tenant, in.ID, gamma); err != nil || len(m.Steps) != 2 || len(m.Steps[1].To) != 1 {
		t.Errorf("a message in part in scope: %+v, %v", m, err)
	}
}

// TestCP8Story: every step of a message is told, with the other host's words, in the order of time.
func TestCP8Story(t *testing.T) {
	h := newHouse(t)
	begin := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	at := func(m int) time.Time { return begin.Add(time.Duration(m) * time.Minute) }
	local := inbound(1, "yamada@outside.example", "sato@alpha.example", "all@alpha.example")
	local.Origin.Received = at(0)
	local.To[0].At, local.To[1].At, local.To[1].Outcome, local.To[1].Into = at(0), at(0), queue.Expanded, queue.IntoList
	local.Facts = []byte(`{"v":1,"spf":{"result":"pass","domain":"outside.example"}}`)
	remote := inbound(1, "list-bounces@alpha.example", "kato@beta.example")
	remote.Origin, remote.Route, remote.Auto = local.Origin, queue.RouteRemote("beta.example"), true
	r := &remote.To[0]
	r.Outcome, r.Into, r.Host, r.Answer, r.At = queue.Failed, 0, "mx.beta.example", "550 5.1.1 unknown", at(30)
	r.Reason, r.TLS = "remote.refused", "TLS1.3 TLS_AES_128_GCM_SHA256"
	remote.Deferrals = []queue.Deferral{{At: at(1), Last: at(20), Times: 3, Reason: "remote.deferred", Host: "mx.beta.example", Answer: "450 4.2.0 later"}}
	notice := inbound(1, "list-bounces@alpha.example", "kato@beta.example")
	notice.Origin, notice.Route = local.Origin, queue.RouteNotice
	h.put(local, remote, notice, inbound(2, "other@outside.example", "sato@alpha.example"))
	for _, when := range []string{"before", "after"} {
		m, err := h.trace.Message(t.Context(), tenant, remote.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range m.Steps {
			line := string(s.Kind)
			for _, a := range s.To {
				line += " " + a.Local
			}
			if s.Times > 0 {
				line += fmt.Sprint(" x", s.Times)
			}
			if s.Kind != trace.StepAccepted && s.Answer != "" {
				line += " " + s.Answer
			}
			got = append(got, line)
		}
		want := []string{"accepted", "delivered sato", "expanded all", "deferred x3 450 4.2.0 later", "failed kato 550 5.1.1 unknown", "notified"}
		if !slices.Equal(got, want) {
			t.Errorf("%s the index:\n%q\nwant\n%q", when, got, want)
		}
		if len(m.Entries) != 3 || m.Facts == nil || m.Facts.SPF.Result != "pass" {
			t.Errorf("%d items, facts %+v", len(m.Entries), m.Facts)
		}
		h.index()
	}
	if _, err := h.trace.Message(t.Context(), tenant, 4711, nil); !mail.Is(err, mail.NotFound) {
		t.Errorf("an item that is not there: %v", err)
	}
}

// TestCP8Figures: recipients are counted once, by the hour of what became of them, also when that comes after the index.
func TestCP8Figures(t *testing.T) {
	h := newHouse(t)
	handed := inbound(3, "yamada@outside.example", "sato@alpha.example")
	handed.To[0].Outcome, handed.To[0].Into = queue.Expanded, queue.IntoFilter
	waits := outbound(4, "tanaka@beta.example", "kato@beta.example")
	waits.State, waits.To[0].Outcome, waits.To[1].Outcome = store.ItemWaiting, queue.Waiting, queue.Waiting
	h.put(inbound(1, "yamada@outside.example", "sato@alpha.example", "suzuki@alpha.example"), outbound(2, "tanaka@beta.example"), handed, waits)
	h.index()
	figures := func() map[string]int64 {
		all, err := h.trace.Figures(t.Context(), tenant, time.Now().Add(-2*time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, f := range all {
			got[string(f.Direction)+"."+string(f.Result)] += f.Count
		}
		return got
	}
	want := map[string]int64{"in.": 2, "in.delivered": 2, "out.": 2, "out.delivered": 1}
	if got := figures(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	waits.State, waits.Deferrals = store.ItemSettled, []queue.Deferral{{At: time.Now(), Last: time.Now(), Times: 1}}
	waits.To[0].Outcome, waits.To[1].Outcome = queue.Relayed, queue.Failed
	h.put(waits)
	want["out.delivered"], want["out.error"], want["out.delayed"] = 2, 1, 2
	for range 2 { // the second time there is nothing new
		h.index()
		if got := figures(); !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if err := h.store.Tenant(tenant).Traces().Drop(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.index()
	if got := figures(); !reflect.DeepEqual(got, want) {
		t.Errorf("made anew: %v, want %v", got, want)
	}
}

// TestCP8Refusals: what was refused in a session is found, what is alike is one entry that counts, and a flood stays small.
func TestCP8Refusals(t *testing.T) {
	h := newHouse(t)
	doc := inbound(1, "spam@outside.example", "x@alpha.example").Doc
	doc.To = nil
	refuse := func(to string) {
		h.trace.Refused(tenant, &doc, []mail.Recipient{{Address: address(to)}}, "recipient.unknown", "5.1.1")
	}
	for range 3 {
		refuse("nobody@alpha.example")
	}
	h.trace.Refused(tenant, &doc, nil, "sender.not_owned", "5.7.1")
	h.trace.WriteRefusals(t.Context())
	h.index()
	page, err := h.trace.Search(t.Context(), tenant, trace.Query{Result: trace.Refused}, nil)
	if err != nil || len(page.Entries) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	if page, err = h.trace.Search(t.Context(), tenant, trace.Query{Recipient: "nobody@alpha.example", Result: trace.Refused}, nil); err != nil || len(page.Entries) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	if e := page.Entries[0]; e.Repeats != 2 || e.Result() != trace.Refused || e.To[0].Reason != "recipient.unknown" {
		t.Errorf("%+v", e)
	}
	for i := range 10_000 {
		refuse(fmt.Sprintf("user%d@alpha.example", i))
	}
	h.trace.WriteRefusals(t.Context())
	h.index()
	entries, times := 0, 0
	for q := (trace.Query{Result: trace.Refused, Limit: trace.MaxPage}); ; {
		page, err := h.trace.Search(t.Context(), tenant, q, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Entries {
			entries, times = entries+1, times+1+page.Entries[i].Repeats
		}
		if q.Before = page.Next; q.Before.IsZero() {
			break
		}
	}
	if entries > 400 || times != 10_004 {
		t.Errorf("%d entries for %d refusals", entries, times)
	}
}

// TestCP8Retention: settled items go when they are old enough, others stay, and the index forgets them.
func TestCP8Retention(t *testing.T) {
	h := newHouse(t)
	old := mail.FirstID(time.Now().Add(-100 * 24 * time.Hour))
	var items []*queue.Item
	for i := range 1200 {
		it := inbound(i, "yamada@outside.example", "sato@alpha.example")
		it.ID = mail.ItemID(old + int64(i))
		if i == 7 {
			it.State = store.ItemHeld
		}
		items = append(items, it)
	}
	fresh := inbound(5000, "yamada@outside.example", "sato@alpha.example")
	h.put(append(items, fresh)...)
	h.index()
	removed, err := h.trace.Prune(t.Context(), tenant)
	if err != nil || removed != 1199 {
		t.Fatalf("%d removed, %v", removed, err)
	}
	if got := h.find(trace.Query{Recipient: "sato@alpha.example"}, nil); !slices.Equal(got, []string{fresh.Trace}) {
		t.Errorf("left: %v", got)
	}
	if _, err := h.trace.Message(t.Context(), tenant, items[7].ID, nil); err != nil {
		t.Errorf("what is held: %v", err)
	}
}

// TestCP8Conditions: what cannot be a condition is refused.
func TestCP8Conditions(t *testing.T) {
	h := newHouse(t)
	for name, q := range map[string]trace.Query{
		"long": {Subject: strings.Repeat("x", trace.MaxWords+1)}, "result": {Result: "gone"}, "direction": {Direction: "up"},
	} {
		if _, err := h.trace.Search(t.Context(), tenant, q, nil); !mail.Is(err, mail.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzSearch holds what is found by the index against what is found by looking.
func FuzzSearch(f *testing.F) {
	indexed, bare := newHouse(f), newHouse(f)
	for _, h := range []*house{indexed, bare} {
		spoofed := inbound(2, `"a b"@outside.example`, "佐藤@xn--fsq.jp")
		spoofed.Origin.Helo, spoofed.HeaderFrom, spoofed.Subject = "[192.0.2.9]", "x", "ﾊﾝｶｸ Ｆｕｌｌ ｗｉｄｔｈ straße"
		h.put(inbound(1, "yamada@outside.example", "sato@alpha.example"), spoofed)
	}
	indexed.index()
	f.Add("sato@alpha.example", "192.0.2.0/24", "見積")
	f.Add(`"a b"@outside.example`, "[192.0.2.9]", "ハンカク full")
	f.Add("@", "::/0", "\x00")
	f.Fuzz(func(t *testing.T, party, remote, subject string) {
		for _, q := range []trace.Query{{Sender: party}, {Recipient: party}, {Remote: remote}, {Subject: subject}, {Trace: party}, {MessageID: party}} {
			var got [2]string
			for i, h := range []*house{indexed, bare} {
				page, err := h.trace.Search(context.Background(), tenant, q, nil)
				if err != nil && !mail.Is(err, mail.Invalid) {
					t.Fatal(err)
				}
				for k := range page.Entries {
					got[i] += page.Entries[k].Trace + " "
				}
			}
			if got[0] != got[1] {
				t.Fatalf("%+v: %q by the index, %q by looking", q, got[0], got[1])
			}
		}
	})
}
