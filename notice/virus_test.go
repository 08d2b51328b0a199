package notice

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/policy"
	"tegami/queue"
	"tegami/wire/mime"
)

// virusOut is a message with a virus that was to go out, virusIn one that came in.
func virusOut(accounts ...directory.Account) Virus {
	return Virus{
		Accounts: accounts, Outbound: true, Address: address("user1@alpha.example"), To: []mail.Address{address("a@far.example"), address("b@far.example")},
		Subject: "見積書 http://evil.example/", Found: now, Trace: "q123",
		Threats: []policy.Threat{{Name: "Eicar-Test-Signature", Engine: "clamd", File: "資料.zip/eicar.com", Action: policy.ThreatRefused}},
	}
}

func virusIn(action policy.ThreatAction, file string, accounts ...directory.Account) Virus {
	return Virus{
		Accounts: accounts, Address: address("user1@alpha.example"), From: "悪意 <x@evil.example>", Subject: "請求書", Found: now, Trace: "q124",
		Threats: []policy.Threat{{Name: "Doc.Macro.Agent", Engine: "clamd", File: file, Action: action}},
	}
}

// TestVC2WarningOutbound: the sender gets one notice in the sender's language, and the administrators one.
func TestVC2WarningOutbound(t *testing.T) {
	h := newHouse(t)
	accounts := h.company("alpha.example")
	h.VirusFound(accounts[1].Tenant, virusOut(accounts[1]))
	h.run(h.Service)
	l := h.wants(accounts[1], "[Warning] A virus was found in your outgoing message; it was not sent")[0]
	for _, want := range []string{"Virus: Eicar-Test-Signature", "Infected file: 資料.zip / eicar.com", "To: a@far.example", "sending stopped", "hxxp://evil.example/"} {
		if !strings.Contains(l.text, want) {
			t.Errorf("%q is missing in %s", want, l.text)
		}
	}
	admin := h.wants(accounts[0], "【管理者通知】ウイルス検出(送信) user1@alpha.example")[0]
	for _, want := range []string{"ウイルス名: Eicar-Test-Signature", "処置: 送信中止", "受付番号: q123"} {
		if !strings.Contains(admin.text, want) {
			t.Errorf("%q is missing in %s", want, admin.text)
		}
	}
}

// TestVC3WarningInbound: each recipient gets a notice, the administrators one, and whoever the message says it is from none.
func TestVC3WarningInbound(t *testing.T) {
	h := newHouse(t)
	accounts := h.company("alpha.example")
	h.VirusFound(accounts[1].Tenant, virusIn(policy.ThreatDeleted, "", accounts[1]))
	h.VirusFound(accounts[1].Tenant, virusIn(policy.ThreatRemoved, "a.doc", accounts...))
	h.run(h.Service)
	const en, ja = "[Warning] A virus was found in a message addressed to you", "【警告】受信メールからウイルスを検出しました"
	const admin = "【管理者通知】ウイルス検出(受信) user1@alpha.example"
	list := h.wants(accounts[1], en, en)
	if !strings.Contains(list[0].text, "Infected file: mail body\n  Virus: Doc.Macro.Agent\n  Action: message deleted\n") {
		t.Errorf("%s", list[0].text)
	}
	if !strings.Contains(list[1].text, "Action: attachment removed\n") {
		t.Errorf("%s", list[1].text)
	}
	h.wants(accounts[0], admin, ja, admin)
	items, err := queue.New(h.store).Of(accounts[0].Tenant).List(h.ctx, 0, 0, 0)
	h.must(err)
	for _, it := range items {
		if d, remote := queue.RemoteDomain(it.Route); remote {
			t.Errorf("a notice goes to %s", d)
		}
	}
}

// TestVC3WarningAdministrators: those whom the company names are told, and of mail that came in nobody where it says so.
func TestVC3WarningAdministrators(t *testing.T) {
	h := newHouse(t)
	accounts := h.company("alpha.example")
	c := h.dir.Company(accounts[0].Tenant)
	h.must(c.SetVirusSettings(h.ctx, h.ops, 0, directory.VirusSettings{Down: directory.VirusDefer, QuietAdmins: true, Admins: []mail.Address{accounts[1].Address}}))
	h.VirusFound(accounts[0].Tenant, virusIn(policy.ThreatDisinfected, "a.docm"))
	h.VirusFound(accounts[0].Tenant, virusOut())
	h.VirusFound(accounts[0].Tenant, Virus{})
	h.run(h.Service)
	h.wants(accounts[0])
	h.wants(accounts[1], "【管理者通知】ウイルス検出(送信) user1@alpha.example")
}

// TestVC3WarningsAreBounded: in an outbreak nobody's box is filled with notices.
func TestVC3WarningsAreBounded(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[1]
	for range maxVirusNotices + 5 {
		h.VirusFound(user.Tenant, virusIn(policy.ThreatDeleted, "", user))
		h.run(h.Service)
	}
	if n := len(h.inbox(user)); n != maxVirusNotices {
		t.Errorf("%d notices", n)
	}
}

// TestVirusNotices compares the notices of viruses, in both languages, with testdata/virus.txt.
func TestVirusNotices(t *testing.T) {
	acc := directory.Account{ID: 1, Tenant: 2, Address: address("user1@alpha.example"), Name: "佐藤 太郎"}
	out, many := virusOut(), virusIn(policy.ThreatRemoved, "a.doc")
	for i := range maxThreatsShown + 2 {
		many.Threats = append(many.Threats, policy.Threat{Name: fmt.Sprint("Virus.", i), File: "\u202ecod.exe", Action: policy.ThreatRemoved})
	}
	deleted, disinfected := virusIn(policy.ThreatDeleted, ""), virusIn(policy.ThreatDisinfected, "見積書.docm")
	var b strings.Builder
	for _, c := range []struct {
		name   string
		notice Notice
	}{
		{"out", out.toOwner(&acc)}, {"out, administrators", out.toAdmins()},
		{"in, deleted", deleted.toOwner(&acc)}, {"in, deleted, administrators", deleted.toAdmins()},
		{"in, disinfected", disinfected.toOwner(&acc)}, {"in, removed", many.toOwner(&acc)},
	} {
		for _, lang := range i18n.Langs() {
			w := words{catalogue, lang, japan()}
			b.WriteString("==== " + c.name + " " + string(lang) + "\n" + w.text(c.notice.subject, c.notice.args...) + "\n\n" + c.notice.text(&w, "佐藤 太郎", "Tegami"))
		}
	}
	header, text := removed(inLangs(catalogue, japan(), i18n.Langs()), RemovedFile{File: "請求書.doc", Virus: "Doc.Macro.Agent", Found: now})
	b.WriteString("==== in the place of a file\n" + strings.ReplaceAll(string(header)+"\r\n"+text, "\r\n", "\n"))
	path := filepath.Join("testdata", "virus.txt")
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
	if strings.ContainsAny(b.String(), "{}") || strings.Contains(b.String(), "notice.") || strings.Contains(b.String(), "http:") || strings.Contains(b.String(), "\u202e") {
		t.Error("a place, a key, a link or an override of direction was left in a text")
	}
}

// TestVC3RemovedFile: what stands in an attachment's place is a text in UTF-8 with CRLF under the name that people know.
func TestVC3RemovedFile(t *testing.T) {
	h := newHouse(t)
	tenant := h.company("alpha.example")[0].Tenant
	header, text := h.Removed(h.ctx, tenant, RemovedFile{File: "a\r\nb.doc", Virus: "V http://x", Found: now})
	raw := "Subject: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/msword\r\n\r\nMACRO\r\n--b--\r\n"
	m := mime.ParseBytes([]byte(raw), mime.Limits{})
	var b strings.Builder
	h.must(mime.Replace(&b, strings.NewReader(raw), m, []mime.Replacement{{Part: m.Root.Children[0], Header: header, Body: strings.NewReader(text)}}))
	p := mime.ParseBytes([]byte(b.String()), mime.Limits{}).Root.Children[0]
	if p.Filename() != "削除された添付ファイル.txt" || p.Type != "text" || p.Charset() != "utf-8" || p.Disposition != "attachment" {
		t.Errorf("%q, %s, %s", p.Filename(), p.Type, p.Charset())
	}
	for _, want := range []string{"ウイルスが検出されたため削除されました。", "was deleted, since a virus", "ab.doc", "hxxp://x"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
	if strings.Contains(b.String(), "MACRO") || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Error("the file is left, or lines end otherwise")
	}
}

func FuzzRemovedFile(f *testing.F) {
	f.Add("a.doc", "Virus")
	f.Add("\r\n\r\n--b", "https://x")
	f.Fuzz(func(t *testing.T, file, virus string) {
		header, text := removed(inLangs(catalogue, japan(), i18n.Langs()), RemovedFile{File: file, Virus: virus, Found: now})
		if strings.Count(text, "\n") != strings.Count(text, "\r\n") || len(header) > 1000 {
			t.Errorf("%q", text)
		}
		lower := strings.ToLower(text)
		if strings.Contains(lower, "http:") || strings.Contains(lower, "https:") {
			t.Errorf("a link: %q", text)
		}
	})
}
