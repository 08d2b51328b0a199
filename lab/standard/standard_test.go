package standard_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html/atom"
	"golang.org/x/text/encoding/japanese"

	"tegami/i18n"
	"tegami/lab/platform"
	"tegami/lab/standard"
)

// shared is the platform of these tests; each works with accounts of its own.
var shared *platform.Platform

func TestMain(m *testing.M) {
	code := m.Run()
	if shared != nil {
		shared.Kill()
		os.RemoveAll(shared.Dir)
	}
	os.Exit(code)
}

func demo(t *testing.T) *platform.Platform {
	t.Helper()
	if shared == nil {
		shared = platform.StartShared(t, 100)
	}
	return shared
}

// reader is somebody who uses the Standard webmail in a language.
type reader struct {
	*standard.Reader
	lang i18n.Lang
	name string // his address
	p    *platform.Platform
}

// signIn signs the n-th account in to the Standard version.
func signIn(t *testing.T, n int, lang i18n.Lang) *reader {
	t.Helper()
	p := demo(t)
	r := &reader{standard.New(t, site(p)), lang, platform.User(n), p}
	r.Go("/login?lang=" + string(lang))
	r.Press(r.said("login.sign_in"), []string{"name", p.Demo.Accounts[n].Address, "password", p.Demo.Accounts[n].Password, "version", "standard"})
	if strings.Contains(r.Text(), r.said("login.later")) {
		r.Press(r.said("login.later"), nil)
	}
	if r.URL().Path != "/standard/" {
		t.Fatalf("%s is at %s:\n%s", r.name, r.URL(), r.Text())
	}
	if lang == i18n.English {
		r.Go("/standard/settings")
		r.Press(r.said("panel.save"), []string{"language", "en"})
		r.Go("/standard/?lang=en")
	}
	return r
}

func site(p *platform.Platform) string {
	return "https://localhost:" + p.Demo.HTTPS[strings.LastIndexByte(p.Demo.HTTPS, ':')+1:]
}

// said are the words of a key in the reader's language.
func (r *reader) said(key string, args ...any) string { return i18n.New().Text(r.lang, key, args...) }

// deliver has a host outside send a message to the reader.
func (r *reader) deliver(message string) {
	r.Helper()
	err := smtp.SendMail(r.p.Demo.SMTP, nil, "sender@outside.example", []string{r.name}, []byte(strings.ReplaceAll(message, "\n", "\r\n")))
	if err != nil && !strings.Contains(err.Error(), "certificate") {
		r.Fatal(err)
	}
	if err != nil {
		r.deliverPlainly(message)
	}
}

// deliverPlainly does so without TLS, whose certificate is the demo's own.
func (r *reader) deliverPlainly(message string) {
	r.Helper()
	c, err := smtp.Dial(r.p.Demo.SMTP)
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	for _, step := range []func() error{
		func() error { return c.Mail("sender@outside.example") },
		func() error { return c.Rcpt(r.name) },
		func() error {
			w, err := c.Data()
			if err != nil {
				return err
			}
			if _, err := w.Write([]byte(strings.ReplaceAll(message, "\n", "\r\n"))); err != nil {
				return err
			}
			return w.Close()
		},
		c.Quit,
	} {
		if err := step(); err != nil {
			r.Fatal(err)
		}
	}
}

// noUndo makes the wait for a message that may be taken back as short as it can be.
func (r *reader) noUndo() {
	r.Helper()
	r.Go("/standard/settings")
	r.Press(r.said("panel.save"), []string{"undo", "0"})
	r.Shows(r.said("standard.kept"))
}

var languages = []i18n.Lang{i18n.Japanese, i18n.English}

// TestSV1Journey: all that is essential, in both languages: read Japanese mail, answer it with an attachment, pass it on, find it, move and delete it.
func TestSV1Journey(t *testing.T) {
	for n, lang := range languages {
		t.Run(string(lang), func(t *testing.T) {
			me, other := signIn(t, 1+2*n, lang), signIn(t, 2+2*n, lang)
			me.noUndo()
			other.noUndo()

			body, _ := japanese.ISO2022JP.NewEncoder().String("お世話になっております。\nhttps://example.com/見積\n> 前回の件\n")
			name, _ := japanese.ShiftJIS.NewEncoder().String("表①.txt")
			subject := "=?ISO-2022-JP?B?GyRCOCtAUT1xGyhC?=" // 見積書
			me.deliver("From: =?UTF-8?B?5L2Q6Jek?= <sender@outside.example>\nTo: " + me.name + "\nSubject: " + subject + "\nDate: Mon, 23 Nov 2026 09:30:00 +0900\nMessage-ID: <" + rand.Text() +
				"@outside.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=ISO-2022-JP\n\n" + body +
				"\n--b\nContent-Type: application/octet-stream; name=\"" + name + "\"\nContent-Disposition: attachment; filename=\"" + name + "\"\n\nabc\n--b--\n")
			me.Until("/standard/", "見積書")
			me.Follow("見積書")
			me.Shows("お世話になっております。", "表①.txt", "佐藤 <sender@outside.example>", me.said("webmail.marks.first"))
			if links := strings.Join(me.All(atom.A, "href"), " "); !strings.Contains(links, "https://example.com/") {
				t.Error("the address in the text is no link")
			}
			me.Follow("表①.txt")
			if got := string(me.Octets); strings.TrimSpace(got) != "abc" || !strings.HasPrefix(me.Header.Get("Content-Disposition"), "attachment") {
				t.Errorf("the file: %q %v", got, me.Header)
			}

			me.Go("/standard/")
			me.Follow("見積書")
			me.Follow(me.said("webmail.forward"))
			me.Shows("Fwd: 見積書", "表①.txt")
			me.Press(me.said("webmail.compose.send"), []string{"to", other.name, "text", "ご確認ください。\n\n" + "転送"})
			me.Shows(me.said("webmail.compose.sent"))
			other.Until("/standard/", "Fwd: 見積書")
			other.Follow("Fwd: 見積書")
			other.Shows("ご確認ください。", "表①.txt")
			other.Follow(other.said("webmail.reply"))
			other.Shows("Re: Fwd: 見積書", "> ご確認ください。")
			other.Press(other.said("standard.attach"), []string{"text", "承知しました。\n"}, standard.File{Name: "回答 (1).pdf", Octets: bytes.Repeat([]byte{1}, 100_000)})
			other.Shows("回答 (1).pdf", "98 KB", "承知しました。", "15 MB")
			other.Press(other.said("webmail.compose.send"), nil)
			other.Shows(other.said("webmail.compose.sent"))
			me.Until("/standard/", "Re: Fwd: 見積書")
			me.Follow("Re: Fwd: 見積書")
			me.Shows("回答 (1).pdf", "承知しました。")

			me.Press(me.said("webmail.act.star"), nil)
			me.Go("/standard/?only=starred")
			me.Shows("Re: Fwd: 見積書")
			me.Go("/standard/folders")
			me.Press(me.said("webmail.folder.create"), []string{"name", "案件 A&B"})
			me.Shows("案件 A&B")
			me.Go("/standard/?box=inbox")
			box := boxNamed(me, "案件 A&B")
			me.Press(me.said("webmail.act.move"), []string{"id", ticked(me), "into", box})
			me.Shows(me.said("webmail.done.moved", 1, "案件 A&B"))
			me.Go("/standard/?box=" + box)
			me.Shows("見積書")
			me.Go("/standard/search")
			me.Press(me.said("panel.search"), []string{"subject", "見積書", "from", other.name})
			me.Shows("Re: Fwd: 見積書")
			me.Press(me.said("webmail.act.delete"), []string{"id", ticked(me)})
			me.Shows(me.said("webmail.done.deleted", 1))
			me.Go("/standard/?box=trash")
			me.Press(me.said("webmail.destroy.do"), []string{"id", ticked(me)})
			me.Shows(me.said("webmail.destroy.loses", 1))
			me.Press(me.said("webmail.destroy.do"), nil)
			me.Shows(me.said("webmail.done.destroyed", 1), me.said("webmail.empty.box"))
		})
	}
}

// ticked is the value of the first box of a list of messages.
func ticked(r *reader) string {
	r.Helper()
	found := regexp.MustCompile(`type="checkbox" name="id" value="([^"]+)"`).FindSubmatch(r.Octets)
	if found == nil {
		r.Fatalf("there is nothing to tick:\n%s", r.Text())
	}
	return string(found[1])
}

// boxNamed is the id of a folder.
func boxNamed(r *reader, name string) string {
	r.Helper()
	found := regexp.MustCompile(`<option value="([^"]+)">[^<]*` + regexp.QuoteMeta(strings.ReplaceAll(name, "&", "&amp;")) + `</option>`).FindSubmatch(r.Octets)
	if found == nil {
		r.Fatalf("there is no folder %s:\n%s", name, r.Text())
	}
	return string(found[1])
}

// TestML9SizeSaidInWords: a file that does not fit is refused in words, with how much it is too large; what was typed and the others stay.
func TestML9SizeSaidInWords(t *testing.T) {
	r := signIn(t, 10, i18n.Japanese)
	r.Go("/standard/write")
	typed := []string{"to", "user11@alpha.example", "subject", "大きなファイル", "text", "本文です。"}
	r.Press(r.said("standard.attach"), typed, standard.File{Name: "near.bin", Octets: make([]byte, 10_900_000)})
	r.Shows("near.bin", "10 MB", "14 MB / 15 MB", "本文です。", "大きなファイル")
	r.Press(r.said("standard.attach"), nil, standard.File{Name: "more.bin", Octets: make([]byte, 1<<20)})
	if r.Status != 422 || !strings.Contains(r.Main(), "more.bin") {
		t.Errorf("%d\n%s", r.Status, r.Main())
	}
	r.Shows("near.bin", "本文です。", "大きなファイル", "more.binは添付できません。")
	r.Press(r.said("standard.attach"), nil, standard.File{Name: "huge.bin", Octets: make([]byte, 17<<20)})
	r.Shows("near.bin", "本文です。", "huge.binは添付できません。")
	r.Hides("more.bin")
	r.Press(r.said("webmail.compose.remove", "near.bin"), nil)
	r.Hides("near.bin")
	r.Press(r.said("standard.save_draft"), nil)
	r.Shows(r.said("webmail.compose.saved"), "本文です。", "大きなファイル")
	r.Press(r.said("webmail.compose.discard"), nil)
	r.Shows(r.said("standard.discarded"))
}

// TestML8RecipientLimit: 1,001 recipients are refused in words, 1,000 are not, and nothing that was typed is lost.
func TestML8RecipientLimit(t *testing.T) {
	r := signIn(t, 11, i18n.English)
	var list []string
	for n := range 1001 {
		list = append(list, fmt.Sprintf("person%d@outside.example", n))
	}
	r.Go("/standard/write")
	r.Press(r.said("webmail.compose.send"), []string{"to", strings.Join(list[:600], ", "), "bcc", strings.Join(list[600:], "\n"), "subject", "To all", "text", "Hello"})
	r.Shows(r.said("webmail.compose.too_many", 1001, 1000), "To all", "Hello", "person1000@outside.example")
	r.Press(r.said("standard.save_draft"), []string{"bcc", strings.Join(list[600:1000], ",")})
	r.Shows(r.said("webmail.compose.recipients", 1000, 1000))
	r.Press(r.said("webmail.compose.send"), []string{"to", "not an address", "bcc", ""})
	r.Shows(r.said("webmail.compose.wrong_address", "not an address"), "To all", "Hello")
}

// TestML6AddressBooks: the two books that everybody has, one more, a card in it, and recipients found in all of them by kana of any width.
func TestML6AddressBooks(t *testing.T) {
	r := signIn(t, 12, i18n.Japanese)
	r.Go("/standard/contacts")
	r.Shows("連絡先", "メールを送信した連絡先")
	r.Press("create", []string{"name", "取引先"})
	r.Shows("取引先")
	r.Follow("取引先")
	r.Follow(r.said("webmail.contacts.add"))
	r.Press(r.said("panel.save"), []string{"surname", "髙橋", "given", "一郎", "surnamekana", "タカハシ", "givenkana", "イチロウ", "department", "購買部", "mail.mail1", "takahashi@partner.example", "memo", "重要"})
	r.Shows("髙橋 一郎", "takahashi@partner.example", "購買部")
	r.Follow("髙橋 一郎")
	r.Press(r.said("panel.save"), []string{"given", "二郎", "mail.mail2", "jiro@partner.example", "memo", ""})
	r.Follow("髙橋 二郎")
	r.Shows("takahashi@partner.example", "jiro@partner.example")
	r.Hides("重要")

	r.Go("/standard/directory?q=" + "ｻﾄｳ")
	r.Shows("佐藤")
	r.Go("/standard/write")
	r.Press(r.said("standard.people"), []string{"subject", "打ち合わせ", "text", "よろしくお願いします。"})
	r.Press(r.said("panel.search"), []string{"q", "ﾀｶﾊｼ"})
	r.Shows("takahashi@partner.example")
	r.Press(r.said("panel.add"), []string{"to", "髙橋 二郎 <takahashi@partner.example>"})
	r.Shows("takahashi@partner.example", "打ち合わせ", "よろしくお願いします。", r.said("webmail.compose.recipients", 1, 1000))

	r.Go("/standard/contacts")
	r.Follow("取引先")
	r.Press(r.said("webmail.contacts.book.delete"), nil)
	r.Press(r.said("standard.book_remove"), nil)
	r.Hides("取引先")
}

// TestSF5Filters: a filter with forwarding; mail that comes afterwards is filed by it, and marked.
func TestSF5Filters(t *testing.T) {
	r := signIn(t, 13, i18n.Japanese)
	r.Go("/standard/folders")
	r.Press(r.said("webmail.folder.create"), []string{"name", "請求"})
	r.Go("/standard/filter")
	r.Press(r.said("panel.save"), []string{"name", "請求書", "field", "subject", "value", "請求書", "op", "contains"})
	r.Shows(r.said("standard.filter_does_nothing"), "請求書")
	box := boxNamed(r, "請求")
	r.Press(r.said("panel.save"), []string{"deed", "move", "into", box, "deed", "flag", "into", "", "deed", "forward", "into", "", "address", "", "address", "", "address", platform.User(14)})
	r.Shows("請求書", r.said("webmail.rule.forward")+" "+platform.User(14))
	r.deliver("From: a@outside.example\nTo: " + r.name + "\nSubject: =?UTF-8?B?6KuL5rGC5pu4?=\nMessage-ID: <" + rand.Text() + "@outside.example>\n\nx\n")
	r.Until("/standard/?box="+box, "請求書")
	r.Shows("★")
	other := signIn(t, 14, i18n.Japanese)
	other.Until("/standard/", "請求書")
	r.Go("/standard/filters")
	r.Press(r.said("standard.switch_off"), nil)
	r.Shows(r.said("standard.off"))
	r.Press(r.said("panel.delete"), nil)
	r.Shows(r.said("standard.no_filters"))
	r.Go("/standard/vacation")
	r.Press(r.said("panel.save"), []string{"on", "1", "subject", "不在です", "text", "来週戻ります。", "from", "2026-11-23T09:00", "to", "いつか"})
	r.Shows(r.said("standard.no_date", "いつか"), "来週戻ります。")
	r.Press(r.said("panel.save"), []string{"to", "2026/11/30"})
	r.Shows(r.said("standard.kept"), "不在です", "2026-11-30T00:00")
}

// TestSV6QuotaOnTheLeft: the quota stands under the folders, with number and state.
func TestSV6QuotaOnTheLeft(t *testing.T) {
	r := signIn(t, 15, i18n.Japanese)
	nav := regexp.MustCompile(`(?s)<nav id="folders".*</nav>`).Find(r.Octets)
	for _, want := range []string{`class="quota `, "<meter", "0 B / ", "(0 %)"} {
		if !bytes.Contains(nav, []byte(want)) {
			t.Errorf("the folders have no %s: %s", want, nav)
		}
	}
}

// TestUndo: what was sent can be taken back for a while, and can be written on.
func TestUndo(t *testing.T) {
	r := signIn(t, 16, i18n.Japanese)
	r.Go("/standard/settings")
	r.Press(r.said("panel.save"), []string{"undo", "60"})
	r.Go("/standard/write")
	r.Press(r.said("webmail.compose.send"), []string{"to", platform.User(17), "text", "件名がありません"})
	r.Shows(r.said("webmail.confirm.subject"))
	r.Press(r.said("webmail.compose.send"), nil)
	r.Shows(r.said("webmail.compose.sent"))
	r.Press(r.said("standard.undo"), nil)
	r.Shows(r.said("webmail.compose.taken_back"), "件名がありません")
	r.Go("/standard/?box=drafts")
	r.Shows(r.said("webmail.no_subject"))
}

// TestSV11Version: the version is chosen at the one sign-in page and kept; operators, who have no mail, go to the panel.
func TestSV11Version(t *testing.T) {
	r := signIn(t, 18, i18n.Japanese)
	r.Press(r.said("standard.to_advanced"), nil)
	if r.URL().Path != "/mail/" {
		t.Errorf("the Advanced version is at %s", r.URL())
	}
	r.Go("/login")
	if r.URL().Path != "/mail/" {
		t.Errorf("the choice is not kept: %s", r.URL())
	}
	r.Go("/standard/?box=sent")
	r.Go("/login")
	if r.URL().Path != "/standard/" {
		t.Errorf("the other choice is not kept: %s", r.URL())
	}
	stranger := standard.New(t, site(r.p))
	stranger.Go("/standard/?box=sent")
	if got := stranger.URL(); got.Path != "/login" || got.Query().Get("next") != "/standard/?box=sent" {
		t.Errorf("a stranger is at %s", got)
	}
	operator := r.p.Demo.Operator
	stranger.Press("ログイン", []string{"name", operator.Address, "password", operator.Password})
	if got := stranger.URL().Path; got != "/panel/" && got != "/login" {
		t.Errorf("an operator is at %s", got)
	}
}

// TestPagesArePlain: no page has a script, anything inline, or 30 KB; each may load nothing but from here, and is in the reader's language.
func TestPagesArePlain(t *testing.T) {
	r := signIn(t, 19, i18n.Japanese)
	r.deliver("From: a@outside.example\nTo: " + r.name + "\nSubject: html\nMessage-ID: <" + rand.Text() + "@outside.example>\nContent-Type: text/html; charset=utf-8\n\n" +
		`<p style="color:red" onclick="x()">text<script>alert(1)</script><img src="https://tracker.example/x.gif"></p>` + "\n")
	r.Until("/standard/", "html")
	r.Follow("html")
	read := r.URL().String()
	r.Shows(r.said("webmail.pictures_blocked", 1))
	frame := r.All(atom.Iframe, "src")
	boxes := r.All(atom.Iframe, "sandbox")
	if len(frame) != 1 || len(boxes) != 1 || strings.Contains(boxes[0], "script") || strings.Contains(boxes[0], "origin") {
		t.Fatalf("%v %v", frame, boxes)
	}
	r.Go(frame[0])
	if got := string(r.Octets); strings.Contains(got, "<script") || strings.Contains(got, "onclick") || strings.Contains(got, "tracker") || !strings.Contains(got, `style="color:red"`) {
		t.Errorf("%s", got)
	}
	if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox allow-popups") || strings.Contains(policy, "script") {
		t.Errorf("the frame's policy: %s", policy)
	}
	r.Go(frame[0] + "&pictures=1")
	if got := string(r.Octets); strings.Contains(got, "tracker") || !strings.Contains(got, "/picture/") {
		t.Errorf("with pictures: %s", got)
	}
	inline := regexp.MustCompile(`<script|<style|\sstyle=|\son[a-z]+=|javascript:`)
	for _, path := range []string{read, "/standard/", "/standard/search", "/standard/write", "/standard/folders", "/standard/contacts", "/standard/card", "/standard/directory", "/standard/filters",
		"/standard/filter", "/standard/vacation", "/standard/settings", "/standard/nowhere"} {
		r.Go(path)
		if at := inline.Find(r.Octets); at != nil {
			t.Errorf("%s has %q", path, at)
		}
		if len(r.Octets) > 30<<10 {
			t.Errorf("%s has %d octets", path, len(r.Octets))
		}
		if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
		if r.Status == 200 && !bytes.Contains(r.Octets, []byte(`<html lang="ja">`)) {
			t.Errorf("%s is not in Japanese", path)
		}
	}
}

// TestSenderMarks: who uses the name of a colleague, or shows another address than his own, is marked.
func TestSenderMarks(t *testing.T) {
	r := signIn(t, 24, i18n.Japanese)
	r.Go("/standard/directory")
	name := regexp.MustCompile(`<tbody>\s*<tr><td>([^<]+)</td>`).FindSubmatch(r.Octets)
	if name == nil {
		t.Fatal(r.Text())
	}
	r.deliver("From: " + mime.QEncoding.Encode("UTF-8", string(name[1])) + " <ceo@outside.example>\nTo: " + r.name + "\nSubject: urgent\nMessage-ID: <" + rand.Text() + "@outside.example>\n\nx\n")
	r.deliver("From: \"" + platform.User(1) + "\" <other@outside.example>\nTo: " + r.name + "\nSubject: shown\nMessage-ID: <" + rand.Text() + "@outside.example>\n\nx\n")
	r.Until("/standard/", "urgent")
	r.Follow("urgent")
	r.Shows(r.said("webmail.marks.first"), r.said("webmail.marks.colleague", string(name[1])+" <ceo@outside.example>"))
	r.Until("/standard/", "shown")
	r.Follow("shown")
	r.Shows(r.said("webmail.marks.other.text", platform.User(1)))
}

// TestOthersAreStrangers: ids of another account lead to nothing, and forms of another browser change nothing.
func TestOthersAreStrangers(t *testing.T) {
	mine, other := signIn(t, 20, i18n.Japanese), signIn(t, 21, i18n.Japanese)
	mine.deliver("From: a@outside.example\nTo: " + mine.name + "\nSubject: secret\nMessage-ID: <" + rand.Text() + "@outside.example>\n\nsecret\n")
	mine.Until("/standard/", "secret")
	mine.Follow("secret")
	address := mine.URL().RequestURI()
	other.Go(address)
	if other.Status != 404 || strings.Contains(other.Main(), "secret") {
		t.Errorf("%d %s", other.Status, other.Main())
	}
	other.Go(strings.Replace(address, "read", "body", 1))
	if other.Status != 404 || bytes.Contains(other.Octets, []byte("secret")) {
		t.Errorf("the body: %d", other.Status)
	}
	other.Go("/standard/write?kind=forward&id=" + mine.URL().Query().Get("id"))
	if other.Status != 404 {
		t.Errorf("to pass on: %d", other.Status)
	}
	other.Go("/standard/folders")
	other.Press(other.said("webmail.folder.create"), []string{"name", "x", "form", "of another browser"})
	if other.Status != 401 {
		t.Errorf("a foreign form: %d", other.Status)
	}
	other.Go("/standard/write")
	other.Press(other.said("standard.attach"), []string{"form", "of another browser"}, standard.File{Name: "x", Octets: []byte("x")})
	if other.Status != 401 {
		t.Errorf("a foreign letter: %d", other.Status)
	}
}

// TestInW3m: a browser of a terminal shows the pages so that they can be read and used.
func TestInW3m(t *testing.T) {
	path, err := exec.LookPath("w3m")
	if err != nil {
		t.Skip("there is no w3m here (Debian: apt-get install w3m)")
	}
	r := signIn(t, 22, i18n.Japanese)
	r.deliver("From: a@outside.example\nTo: " + r.name + "\nSubject: In a terminal\nMessage-ID: <" + rand.Text() + "@outside.example>\n\nFirst line\n> quoted\n")
	r.Until("/standard/", "In a terminal")
	dump := func() string {
		t.Helper()
		c := exec.Command(path, "-T", "text/html", "-I", "UTF-8", "-O", "UTF-8", "-cols", "80", "-dump")
		c.Stdin = bytes.NewReader(r.Octets)
		c.Env = append(os.Environ(), "HOME="+t.TempDir())
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for path, want := range map[string][]string{
		"/standard/":      {"In a terminal", "受信トレイ", "使用量", "/ 10 GB"},
		"/standard/write": {"宛先", "件名", "送信 | 下書きを保存"},
	} {
		r.Go(path)
		for _, text := range want {
			if got := dump(); !strings.Contains(got, text) {
				t.Errorf("%s does not show %q:\n%s", path, text, got)
			}
		}
	}
	r.Go("/standard/")
	r.Follow("In a terminal")
	if got := dump(); !strings.Contains(got, "First line") || !strings.Contains(got, "quoted") || strings.Count(got, "\n") > 80 {
		t.Errorf("%s", got)
	}
}

// api asks the control API with a key, and gives the answer.
func api(t *testing.T, p *platform.Platform, key, method, path, body string) string {
	t.Helper()
	q, err := http.NewRequest(method, "https://"+p.Demo.HTTPS+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+key)
	q.Header.Set("Tegami-Reason", "a test")
	q.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}} // the demo's own certificate
	answer, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s %s %v", method, path, answer.Status, text, err)
	}
	return string(text)
}

// TestSV6QuotaFullAndFreed: the indicator changes as the mailbox fills; what does not fit is refused in words and stays in the form; when mail was
// deleted there is room again.
func TestSV6QuotaFullAndFreed(t *testing.T) {
	p := demo(t)
	tenant := regexp.MustCompile(`"id":"([^"]+)"`).FindStringSubmatch(api(t, p, operatorKey(t, p), "GET", "/tenants?limit=1", ""))[1]
	api(t, p, operatorKey(t, p), "POST", "/tenants/"+tenant+"/domains", `{"name":"small.example","plan":"100MB","ids":10}`)
	made := api(t, p, operatorKey(t, p), "POST", "/tenants/"+tenant+"/accounts", `{"address":"tanaka@small.example","password":"a small mailbox","mustChangePassword":false}`)
	r := &reader{standard.New(t, site(p)), i18n.Japanese, "tanaka@small.example", p}
	r.Go("/login?lang=ja")
	r.Press(r.said("login.sign_in"), []string{"name", r.name, "password", "a small mailbox", "version", "standard"})
	if r.URL().Path != "/standard/" {
		t.Fatalf("%s\n%s", made, r.Text())
	}
	kept := 0
	for ; kept < 12; kept++ {
		r.Go("/standard/write")
		r.Press(r.said("standard.attach"), []string{"subject", fmt.Sprintf("Nr. %d", kept), "text", "本文です。"}, standard.File{Name: "file.bin", Octets: make([]byte, 10_900_000)})
		if r.Status != 200 {
			break
		}
	}
	if kept < 5 || kept > 7 {
		t.Fatalf("%d were kept\n%s", kept, r.Text())
	}
	r.Shows("本文です。", "file.bin", fmt.Sprintf("Nr. %d", kept))
	r.Go("/standard/?box=drafts")
	r.Shows(fmt.Sprintf("Nr. %d", kept-1))
	for range kept {
		r.Go("/standard/?box=drafts")
		r.Press(r.said("webmail.act.delete"), []string{"id", ticked(r)})
	}
	r.Go("/standard/folders")
	r.Press(r.said("webmail.folder.empty")+": "+r.said("webmail.box.trash"), nil)
	r.Press(r.said("webmail.folder.empty"), nil)
	r.Shows(r.said("standard.kept"), "(0 %)")
	r.Go("/standard/write")
	r.Press(r.said("standard.attach"), []string{"subject", "again"}, standard.File{Name: "file.bin", Octets: make([]byte, 10_900_000)})
	if r.Status != 200 || !strings.Contains(r.Text(), "file.bin") {
		t.Errorf("%d %s", r.Status, r.Text())
	}
}

// TestCP9PasswordInTheStandardVersion: the old password must be right, both new ones the same; then the new one holds.
func TestCP9PasswordInTheStandardVersion(t *testing.T) {
	r := signIn(t, 23, i18n.English)
	old := r.p.Demo.Accounts[23].Password
	for _, c := range []struct{ old, first, second, says string }{
		{old, "another good password", "a third good password", r.said("login.not_the_same")},
		{"wrong", "another good password", "another good password", ""},
		{old, "another good password", "another good password", r.said("standard.kept")},
	} {
		r.Go("/standard/settings")
		r.Press(r.said("login.change"), []string{"old", c.old, "password", c.first, "again", c.second})
		if c.says == "" && r.Status == 200 {
			t.Errorf("a wrong password is taken: %s", r.Main())
		}
		r.Shows(c.says)
	}
	again := standard.New(t, site(r.p))
	again.Go("/login?lang=en")
	again.Press(r.said("login.sign_in"), []string{"name", r.name, "password", "another good password"})
	again.Hides(r.said("login.title") + " ")
	if again.URL().Path == "/login" && strings.Contains(again.Text(), r.said("login.password")) {
		t.Errorf("the new password does not hold: %s", again.Text())
	}
}

// operatorKey is the operator's API key, as the demo wrote it down.
func operatorKey(t *testing.T, p *platform.Platform) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.Dir, "demo.json"))
	var said struct{ OperatorKey string }
	if err == nil {
		err = json.Unmarshal(text, &said)
	}
	if err != nil {
		t.Fatal(err)
	}
	return said.OperatorKey
}
