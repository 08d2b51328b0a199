package browser

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/text/encoding/japanese"

	"tegami/i18n"
	"tegami/lab/platform"
)

// inLang gives the words of a key as the screens of a language show them.
func inLang(lang, key string, args ...any) string {
	l, _ := i18n.ParseLang(lang)
	return i18n.New().Text(l, key, args...)
}

// SignInMail signs in and comes to the Advanced webmail.
func (p *Page) SignInMail(name, password string) {
	p.t.Helper()
	p.Go("/login?next=/mail/")
	p.Do("sign in as "+name, chromedp.WaitVisible("#name"), chromedp.SetValue("#name", name), chromedp.SetValue("#password", password), chromedp.Submit("#name"))
	p.Until(name+" is let in", `location.pathname.startsWith("/mail") || document.querySelector("input[value=later], .wrong")`)
	if Eval[bool](p, `!!document.querySelector("input[value=later]")`) {
		p.Do("later", chromedp.Submit("input[value=later]"))
	}
	p.mail()
}

// mailOf opens a page in the webmail of one of a platform's accounts.
func (b *Browser) mailOf(t *testing.T, pf *platform.Platform, v view, address string) *Page {
	t.Helper()
	p := b.Page(t, pf)
	p.Go("/login")
	p.As(v.lang, v.theme, v.width)
	for _, a := range pf.Demo.Accounts {
		if a.Address == address {
			p.SignInMail(a.Address, a.Password)
			return p
		}
	}
	t.Fatalf("there is no account %s", address)
	return nil
}

// mail waits until the webmail's list stands.
func (p *Page) mail() {
	p.t.Helper()
	p.Until("the list of mail stands", `location.pathname.startsWith("/mail") && document.querySelector(".list h1") && !document.querySelector(".list .skeleton, .list [aria-busy=true]")`)
}

// open goes to the row of a subject.
func (p *Page) open(subject string) {
	p.t.Helper()
	row := `[...document.querySelectorAll(".row a")].find((a) => a.innerText.includes(` + quote(subject) + `))`
	p.Until("there is a row "+subject, row)
	Eval[bool](p, "("+row+".click(), true)")
	p.Until("the message stands", `document.querySelector(".read h1")?.innerText.includes(`+quote(subject)+`) && !document.querySelector(".read .skeleton")`)
}

// deliver gives a platform octets from outside.
func deliver(t *testing.T, p *platform.Platform, from, to string, octets []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Demo.SMTP)
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtp.NewClient(conn, "mail.tegami.example")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err = c.Mail(from); err == nil {
		err = c.Rcpt(to)
	}
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err == nil {
		w.Write(octets)
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// japaneseMail is a message in ISO-2022-JP with a file whose name stands there in raw CP932, as Japanese software of old sends it.
func japaneseMail(t *testing.T, to, subject, body, file string) []byte {
	t.Helper()
	jis := func(s string) string {
		octets, err := japanese.ISO2022JP.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return octets
	}
	name, err := japanese.ShiftJIS.NewEncoder().String(file)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	word := func(s string) string {
		return "=?ISO-2022-JP?B?" + base64.StdEncoding.EncodeToString([]byte(jis(s))) + "?="
	}
	fmt.Fprintf(&b, "From: %s <moriyama@aozora.example>\r\nTo: %s\r\nSubject: %s\r\nDate: Mon, 23 Nov 2026 09:30:00 +0900\r\nMessage-ID: <jis-%s@aozora.example>\r\n", word("森山 葉子"), to, word(subject), t.Name()[len(t.Name())-2:])
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: 7bit\r\n\r\n")
	b.WriteString(jis(strings.ReplaceAll(body, "\n", "\r\n")))
	fmt.Fprintf(&b, "\r\n--b\r\nContent-Type: application/octet-stream; name=\"%s\"\r\nContent-Disposition: attachment; filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBA==\r\n--b--\r\n", name, name)
	return b.Bytes()
}

// file writes a file of so many octets that don't repeat.
func file(t *testing.T, name string, octets int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	content := make([]byte, octets)
	for i := range content {
		content[i] = byte(i * 7919 >> 3)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestML9WebmailJourney: somebody signs in to the Advanced webmail, reads Japanese mail in ISO-2022-JP with a file named in CP932,
// answers it with a file near the limit after one over it was refused before it went up (ML-9), takes the answer back, sends it again, and
// sees new mail arrive without loading anything anew.
func TestML9WebmailJourney(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	for n, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			me, other := pf.Demo.Accounts[2+2*n], pf.Demo.Accounts[3+2*n]
			deliver(t, pf, "moriyama@aozora.example", me.Address, japaneseMail(t, me.Address, "見積書の件", "お世話になっております。\n青空の森山です。\n", "見積書①.xlsx"))
			p := b.mailOf(t, pf, view{lang, "light", 1440}, me.Address)
			p.open("見積書の件")
			p.Shows("青空の森山です。")
			p.Shows("見積書①.xlsx")

			p.Press(inLang(lang, "webmail.reply"))
			p.Until("the answer is begun", `document.querySelector(".compose textarea")?.offsetParent && document.querySelector(".compose .chip")?.innerText.includes("森山 葉子")`)
			p.Fill(inLang(lang, "webmail.compose.text"), "承知いたしました。")
			p.Do("attach a file that is too large", chromedp.SetUploadFiles(".compose input[type=file]", []string{file(t, "over.bin", 12<<20)}))
			p.Until("it is refused", `document.querySelector(".compose li.wrong")?.innerText.includes("over.bin")`)
			p.Press(inLang(lang, "webmail.compose.remove", "over.bin"))
			p.Do("attach a file that just fits", chromedp.SetUploadFiles(".compose input[type=file]", []string{file(t, "near.bin", 10<<20)}))
			p.Until("it went up", `document.querySelector(".compose li")?.innerText.includes("near.bin") && !document.querySelector(".compose progress, .compose li.wrong")`)
			if meter := p.Text(".compose .meter"); !strings.HasPrefix(meter, "14 MB") {
				t.Errorf("the meter says %q of 10 MB as base64", meter)
			}
			sendIt(p, lang)
			p.Press(inLang(lang, "panel.undo"))
			p.Until("the window is back", `document.querySelector(".compose textarea")?.value.includes("承知いたしました。") && document.querySelector(".compose li")?.innerText.includes("near.bin")`)
			p.Shows(inLang(lang, "webmail.compose.taken_back"))
			sendIt(p, lang)
			p.Go("/mail/sent")
			p.mail()
			p.open("Re: 見積書の件")

			p.Go("/mail/inbox")
			p.mail()
			q := b.mailOf(t, pf, view{lang, "dark", 1440}, other.Address)
			writeTo(q, lang, me.Address, "新しいお知らせ "+lang)
			p.Until("the new mail stands in the list", `[...document.querySelectorAll(".row")].some((r) => r.innerText.includes(`+quote("新しいお知らせ "+lang)+`))`)
		})
	}
}

// sendIt sends what stands in the window, through what is asked before.
func sendIt(p *Page, lang string) {
	p.t.Helper()
	p.Press(inLang(lang, "webmail.compose.send"))
	p.Until("it is sent or asked about", `!document.querySelector(".compose") || document.querySelector("dialog[open]")`)
	if Eval[bool](p, `!!document.querySelector("dialog[open]")`) {
		Eval[bool](p, `([...document.querySelectorAll("dialog[open] input[type=checkbox]")].forEach((c) => c.click()), true)`)
		p.Press(inLang(lang, "webmail.compose.send"))
	}
	p.Shows(inLang(lang, "webmail.compose.sent"))
}

// writeTo writes a message and sends it.
func writeTo(p *Page, lang, to, subject string) {
	p.t.Helper()
	p.Press(inLang(lang, "webmail.compose"))
	p.Until("a window opens", `document.querySelector(".compose [data-field=to] input")`)
	p.Fill(inLang(lang, "webmail.to"), to+",")
	p.Until("the recipient is a chip", `document.querySelector(".compose .chip")`)
	p.Fill(inLang(lang, "webmail.subject"), subject)
	p.Fill(inLang(lang, "webmail.compose.text"), "本文です。")
	sendIt(p, lang)
}

// webmailScreens are the addresses of the webmail that everybody has.
var webmailScreens = []string{"/inbox", "/starred", "/drafts", "/sent", "/trash", "/scheduled", "/search?q=a", "/contacts", "/settings"}

// TestWebmailScreens opens every screen of the webmail: axe-core finds nothing, nothing is wider than the window, no key of the
// catalogue shows. With TEGAMI_SCREENSHOTS (a folder) every screen is written there in every language, width and theme.
func TestWebmailScreens(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	who := pf.Demo.Accounts[1]
	deliver(t, pf, "moriyama@aozora.example", who.Address, japaneseMail(t, who.Address, "展示会のご案内", "お世話になっております。\n\n> 先日はありがとうございました。\n", "ご案内.pdf"))
	folder, list := os.Getenv("TEGAMI_SCREENSHOTS"), []view{{"ja", "light", 1440}, {"en", "dark", 390}}
	if folder != "" {
		list = views()
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p := b.Page(t, pf)
	p.Go("/login")
	for i, v := range list {
		p.As(v.lang, v.theme, v.width)
		if i == 0 {
			p.SignInMail(who.Address, who.Password)
		}
		for _, path := range webmailScreens {
			judge(t, p, "mail"+strings.SplitN(path, "?", 2)[0], v, folder, func(p *Page) { p.Go("/mail" + path); p.Settle() })
		}
		judge(t, p, "mail/message", v, folder, func(p *Page) { p.Go("/mail/inbox"); p.mail(); p.open("展示会のご案内") })
		judge(t, p, "mail/compose", v, folder, func(p *Page) {
			p.Press(inLang(v.lang, "webmail.reply"))
			p.Until("the window stands", `document.querySelector(".compose textarea, .compose .editor")`)
		})
	}
}

// judge shows something and holds it to what all screens are held to.
func judge(t *testing.T, p *Page, name string, v view, folder string, show func(*Page)) {
	t.Run(name+"/"+v.String(), func(t *testing.T) {
		p := &Page{t, p.ctx, p.Site}
		show(p)
		if folder != "" {
			p.Shot(filepath.Join(folder, strings.ReplaceAll(name, "/", "-")+"-"+v.String()+".png"))
		}
		if wide := Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			t.Errorf("%d pixels wider than the window", wide)
		}
		if bare := Eval[string](p, `(document.body.innerText.match(/\b(panel|webmail)\.[a-z_.]+/) ?? [""])[0]`); bare != "" {
			t.Errorf("the key %s shows", bare)
		}
		if broken := Eval[string](p, `document.querySelector("main .note.loss")?.innerText ?? ""`); broken != "" {
			t.Errorf("the screen shows a problem: %s", broken)
		}
		for _, found := range p.Violations() {
			t.Errorf("axe: %s (%s)\n  %s", found.Help, found.ID, strings.Join(found.Nodes, "\n  "))
		}
	})
}
