package notice

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/wire/sieve"
)

const (
	nearlyFullJA = "【お知らせ】メールボックスの使用量が90%を超えました"
	nearlyFullEN = "[Notice] Your mailbox is over 90% full"
	fullEN       = "[Important] Your mailbox is full: sending and receiving are suspended"
)

// TestSV5Warning: from 90 % on the owner is warned, in the account's language, once a day.
func TestSV5Warning(t *testing.T) {
	h := newHouse(t)
	accounts := h.company("alpha.example")
	for _, a := range accounts {
		h.fill(a, 1<<20, 89)
		h.Filled(a.Tenant, a, 89<<20, a.Quota)
		h.run(h.Service)
		h.wants(a)
		h.fill(a, 1<<20, 2)
		for range 3 {
			h.Filled(a.Tenant, a, 91<<20, a.Quota)
		}
		h.run(h.Service)
	}
	ja := h.wants(accounts[0], nearlyFullJA)[0]
	if want := "佐藤 太郎 さま\n\nいつもご利用いただきありがとうございます。\nメールボックスの使用量が、上限100 MBのうち91 MB(91%)に達しました。\n\n" +
		"  メールアドレス: user0@alpha.example\n  使用量: 91 MB\n  上限: 100 MB\n\n" +
		"上限(100 MB)を超えますと、メールの送受信ができなくなります。\n不要なメールを削除してください。\n\n"; !strings.HasPrefix(ja.text, want) {
		t.Errorf("%s", ja.text)
	}
	if ja.from != "メールサービス通知 <noreply@mx.tegami.example>" || ja.to != "佐藤 太郎 <user0@alpha.example>" {
		t.Errorf("from %s to %s", ja.from, ja.to)
	}
	if en := h.wants(accounts[1], nearlyFullEN)[0]; !strings.HasPrefix(en.text, "Dear Jane Doe,\n\nThank you for using our service. Your mailbox holds 91 MB of 100 MB\n(91%).\n") {
		t.Errorf("%s", en.text)
	}
}

// TestSV5Full: a box that refused a message gets a notice all the same, and no warning on top of it.
func TestSV5Full(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	h.fill(user, 1<<20, 99)
	h.fill(user, 1<<20-100, 1)
	if err := h.boxes.Deliverable(h.ctx, user, 101); !mail.Is(err, mail.Full) {
		t.Fatalf("the box is not full: %v", err)
	}
	h.Full(user)
	h.Full(user)
	h.Filled(user.Tenant, user, user.Quota-100, user.Quota)
	h.run(h.Service)
	l := h.wants(user, fullEN)[0]
	if !strings.Contains(l.text, "reached its limit of\n100 MB. You can neither send nor receive mail at present.") {
		t.Errorf("%s", l.text)
	}
	box, err := h.store.Tenant(user.Tenant).Usage(h.ctx, user.ID)
	if err != nil || box.Used <= user.Quota || box.Used > user.Quota+mailbox.ServiceRoom {
		t.Errorf("the box holds %d of %d, %v", box.Used, user.Quota, err)
	}
}

// TestSV5ServiceIsBounded: when the platform's own words have filled the room beside the quota, no more are put there.
func TestSV5ServiceIsBounded(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	h.fill(user, 1<<20, 100)
	for i := range 400 {
		n := full(&user, mailbox.Fill{Used: user.Quota, Quota: user.Quota})
		n.once = ""
		n.lines = append(n.lines, line{"notice.item", strings.Repeat("x", 500)}, line{"notice.item", i})
		for range 10 {
			n.lines = append(n.lines, n.lines[3])
		}
		h.must(h.Tell(h.ctx, user.Tenant, n))
	}
	box, err := h.store.Tenant(user.Tenant).Usage(h.ctx, user.ID)
	h.must(err)
	if box.Used > user.Quota+mailbox.ServiceRoom || box.Used < user.Quota+mailbox.ServiceRoom-20_000 {
		t.Errorf("the box holds %d octets over its quota", box.Used-user.Quota)
	}
}

// TestSV5LargeMessage: a box that refused only because the message was large is not called full.
func TestSV5LargeMessage(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	h.fill(user, 1<<20, 88)
	h.Full(user)
	h.run(h.Service)
	h.wants(user)
	h.fill(user, 1<<20, 5)
	h.Full(user)
	h.run(h.Service)
	h.wants(user, nearlyFullEN)
}

// TestSV5OnceADay: of two services at the same time one tells, and after a restart none again.
func TestSV5OnceADay(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	h.fill(user, 1<<20, 95)
	services := []*Service{h.Service, h.another()}
	var wait sync.WaitGroup
	for _, s := range services {
		for range 4 {
			wait.Go(func() { s.tellFull(h.ctx, box{user, false}) })
		}
	}
	wait.Wait()
	h.wants(user, nearlyFullEN)
	folder := h.folder
	h.close()
	again := houseIn(t, folder)
	again.Filled(user.Tenant, user, 95<<20, user.Quota)
	again.run(again.Service)
	again.wants(user, nearlyFullEN)
}

// TestTellAgain: a notice that could not be posted is not counted as sent.
func TestTellAgain(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	n := nearlyFull(&user, mailbox.Fill{Used: 95, Quota: 100})
	n.account = 12345
	if err := h.Tell(h.ctx, user.Tenant, n); !mail.Is(err, mail.NotFound) {
		t.Fatalf("told somebody who is not there: %v", err)
	}
	n.account = user.ID
	h.must(h.Tell(h.ctx, user.Tenant, n))
	h.must(h.Tell(h.ctx, user.Tenant, n))
	h.wants(user, nearlyFullEN)
}

// TestAdministratorsAreTold: of a limit and of a stolen account, whose owner is told too.
func TestAdministratorsAreTold(t *testing.T) {
	h := newHouse(t)
	accounts := h.company("alpha.example")
	admin, user := accounts[0], accounts[1]
	for range 2 {
		h.OverLimit(user.Tenant, user.ID, "account", 1000, time.Hour)
		h.OverLimit(user.Tenant, 0, "tenant", 50000, 24*time.Hour)
		h.Hijacked(user.Tenant, user)
	}
	h.run(h.Service)
	list := h.wants(admin,
		"【管理者通知】送信数が上限に達しました(user1@alpha.example)", "【管理者通知】送信数が上限に達しました(社内ネットワークの機器)",
		"【重要】user1@alpha.example からの送信を停止しました")
	if !strings.Contains(list[0].text, "  上限の種類: アカウントごとの送信先数\n  上限(件): 1000\n  対象期間(時間): 1\n") {
		t.Errorf("%s", list[0].text)
	}
	h.wants(user, "[Important] Sending was stopped for user1@alpha.example")
}

// TestML5ForwardsAreReported: once a month, and only what leaves the company.
func TestML5ForwardsAreReported(t *testing.T) {
	h := newHouse(t)
	accounts := h.company("alpha.example")
	admin, user := accounts[0], accounts[1]
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	report := func(at time.Time) {
		t.Helper()
		if err := h.ReportForwards(t.Context(), user.Tenant, at); err != nil {
			t.Fatal(err)
		}
	}
	report(now) // nothing leaves
	h.wants(admin)
	c := h.dir.Company(user.Tenant)
	for _, to := range []mail.Address{admin.Address, address("me@free.example")} {
		if err := c.SetForwarding(t.Context(), h.ops, user.ID, directory.Forwarding{To: []mail.Address{to}, Keep: true}); err != nil {
			t.Fatal(err)
		}
		report(now)
		report(now)
	}
	list := h.wants(admin, "【管理者通知】社外への転送の月次レポート")
	if !strings.Contains(list[0].text, "1 件のアカウント") || !strings.Contains(list[0].text, "管理者による設定: user1@alpha.example → me@free.example") {
		t.Errorf("%s", list[0].text)
	}
	report(now.AddDate(0, 1, 0))
	h.wants(admin, "【管理者通知】社外への転送の月次レポート", "【管理者通知】社外への転送の月次レポート")
}

// TestLI7Owners: owners of a list hear of posts that wait and members that are switched off, here and elsewhere.
func TestLI7Owners(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	list := directory.List{
		ID: 5, Tenant: user.Tenant, Address: address("sales@alpha.example"),
		ListSpec: directory.ListSpec{Owners: []mail.Address{user.Address, address("boss@far.example"), address("User1@alpha.example")}, Lang: "en"},
	}
	post := *about()
	post.HeaderFrom = "evil@x.example\r\nBcc: y"
	h.Moderate(user.Tenant, list, post)
	h.SwitchedOff(user.Tenant, list, address("gone@far.example"))
	h.SwitchedOff(user.Tenant, list, address("gone@far.example"))
	h.run(h.Service)
	got := h.wants(user, "[To approve] A post to the list sales@alpha.example waits", "[Notice] A member of the list sales@alpha.example gets no more mail")
	id := post.ID.String()
	if !strings.Contains(got[0].text, "decide "+id) && !strings.Contains(got[0].text, "decide\n"+id) || !strings.Contains(got[0].text, "  From: evil@x.example  Bcc: y\n") {
		t.Errorf("%s", got[0].text)
	}
	if !strings.Contains(got[1].text, "Mail to gone@far.example came back") {
		t.Errorf("%s", got[1].text)
	}
	items, err := queue.New(h.store).Of(user.Tenant).List(h.ctx, 0, 0, 0)
	h.must(err)
	remote := 0
	for _, it := range items {
		if d, ok := queue.RemoteDomain(it.Route); ok && d == "far.example" {
			if !it.Auto || !it.From.IsNull() || it.Sign != "mx.tegami.example" {
				t.Errorf("%+v", it.Doc)
			}
			remote++
		}
	}
	if remote != 2 {
		t.Errorf("%d notices go to the owner elsewhere", remote)
	}
}

// TestBothLanguages: where the company wants it, in its time zone, a text has all languages.
func TestBothLanguages(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	c := h.dir.Company(user.Tenant)
	h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{NoticeBoth: true, Zone: "UTC"}))
	list := directory.List{ID: 5, Address: address("sales@alpha.example"), ListSpec: directory.ListSpec{Owners: []mail.Address{user.Address}}}
	h.Moderate(user.Tenant, list, *about())
	h.run(h.Service)
	l := h.wants(user, "【承認依頼】メーリングリスト sales@alpha.example への投稿が承認を待っています / [To approve] A post to the list sales@alpha.example waits")[0]
	ja, en, ok := strings.Cut(l.text, rule)
	if !ok || !strings.Contains(ja, "  受付日時: 2026年11月23日(月) 00:00\n") || !strings.Contains(en, "  Received: Mon, 23 Nov 2026 00:00 +0000\n") {
		t.Errorf("%s", l.text)
	}
}

// every gives a notice of each kind.
func every() map[string]Notice {
	s := New(Config{Words: catalogue, Hostname: "mx.tegami.example"})
	acc := directory.Account{ID: 1, Tenant: 2, Address: address("sato@alpha.example"), Name: "佐藤"}
	list := directory.List{ID: 3, Address: address("sales@alpha.example"), ListSpec: directory.ListSpec{Owners: []mail.Address{acc.Address}}}
	item := about()
	item.HeaderFrom = "tanaka@other.example"
	s.OverLimit(2, 0, "domain", 5000, 24*time.Hour)
	s.Hijacked(2, acc)
	s.Moderate(2, list, *item)
	s.SwitchedOff(2, list, address("gone@far.example"))
	s.ForwardRefused(2, acc, address("me@free.example"))
	s.FilterFailed(2, acc, "main", sieve.Fault{Script: "rules", Line: 3, Key: "sieve.include_missing", Args: []any{"none"}})
	all := map[string]Notice{
		"nearly_full": nearlyFull(&acc, mailbox.Fill{Used: 2_900_000_000, Quota: mail.Plan3GB}),
		"full":        full(&acc, mailbox.Fill{Used: mail.Plan3GB + 2000, Quota: mail.Plan3GB}),
	}
	for _, name := range []string{"over_limit", "hijacked", "moderate", "switched_off", "forward", "filter_failed"} {
		all[name] = (<-s.notices).notice
	}
	n := all["over_limit"]
	n.args = s.named(context.Background(), 2, n.args) // a machine is not looked up
	all["over_limit"] = n
	return all
}

// TestNotices compares the notices of all kinds, in both languages, with testdata/notices.txt.
func TestNotices(t *testing.T) {
	var b strings.Builder
	for _, name := range []string{"nearly_full", "full", "over_limit", "hijacked", "moderate", "switched_off", "forward", "filter_failed"} {
		n := every()[name]
		for _, lang := range i18n.Langs() {
			w := words{catalogue, lang, japan()}
			b.WriteString("==== " + name + " " + string(lang) + "\n" + w.text(n.subject, n.args...) + "\n\n" + n.text(&w, "佐藤 太郎", "Tegami"))
		}
	}
	path := filepath.Join("testdata", "notices.txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the notices are now:\n%s", b.String())
	}
	if strings.ContainsAny(b.String(), "{}") || strings.Contains(b.String(), "notice.") {
		t.Error("a place or a key was left in a text")
	}
}

// FuzzNotice: names, addresses and other people's words don't make fields or parts of their own.
func FuzzNotice(f *testing.F) {
	f.Add("佐藤", "a", "b.example", "<1@x>")
	f.Add("a\r\nBcc: x@y", "l\r\n", "d\n\nbody", "\r\nX: y")
	f.Fuzz(func(t *testing.T, name, local, domain, words string) {
		a := mail.Address{Local: local, Domain: domain}
		n := Notice{subject: "notice.moderate.title", what: "notice.moderate.what", do: "notice.moderate.do", args: []any{a, words}, lines: []line{{"notice.author", words}}}
		s := New(Config{Words: catalogue, Hostname: "mx.tegami.example"})
		octets := s.octets(&n, reader{name, a, "en"}, inLangs(catalogue, japan(), i18n.Langs()), "id", now)
		checkFields(t, octets)
	})
}
