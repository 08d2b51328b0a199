package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// rows are the subjects that stand in the list.
const rows = `[...document.querySelectorAll(".row .subject")].map((e) => e.innerText)`

// plainMail is a message in plain text.
func plainMail(from, to, subject, body string) []byte {
	return []byte(fmt.Sprintf("From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: Mon, 23 Nov 2026 09:30:00 +0900\r\nMessage-ID: <%s@outside.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
		from, to, subject, strings.ReplaceAll(subject, " ", "-"), body))
}

// key presses a key where the focus is.
func (p *Page) key(name string) {
	p.t.Helper()
	Eval[bool](p, `(document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: `+quote(name)+`, bubbles: true, cancelable: true })), true)`)
}

// TestWebmailActs works through the list with the keyboard alone: archived mail goes at once and comes back by undo, a star stands, keys do
// nothing while an IME composes, a search with operators finds.
func TestWebmailActs(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	who := pf.Demo.Accounts[6]
	for i := range 5 {
		deliver(t, pf, fmt.Sprintf("s%d@outside.example", i), who.Address, plainMail(fmt.Sprintf("Sender%d <s%d@outside.example>", i, i), who.Address, fmt.Sprintf("message %d", i), "text"))
	}
	p := b.Page(t, pf)
	p.Go("/login")
	p.As("en", "light", 1440)
	p.SignInMail(who.Address, who.Password)
	p.Until("all mail stands", rows+`.filter((s) => s.startsWith("message ")).length === 5`)

	before := Eval[[]string](p, rows)
	p.key("j")
	p.Until("the first row is marked", `document.querySelector(".row.cursor .subject")?.innerText === `+quote(before[0]))
	p.key("e")
	p.Until("it is gone", `!`+rows+`.includes(`+quote(before[0])+`)`)
	p.Shows(inLang("en", "webmail.done.archived", 1))
	p.Press(inLang("en", "panel.undo"))
	p.Until("it is back where it was", rows+`[0] === `+quote(before[0]))

	p.key("v")
	p.Fill(inLang("en", "webmail.pick.move"), "arch")
	p.key("Enter")
	p.Shows(inLang("en", "webmail.done.moved", 1, inLang("en", "webmail.box.archive")))
	p.Until("it is gone again", `!`+rows+`.includes(`+quote(before[0])+`)`)

	p.open(before[1])
	p.key("s")
	p.Until("the star stands", `document.querySelector(".row.open .star.on")`)
	Eval[bool](p, `(document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "e", isComposing: true, bubbles: true })), document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Process", keyCode: 229, bubbles: true })), true)`)
	p.key("?")
	p.Shows(inLang("en", "webmail.keys.title"))
	if !Eval[bool](p, rows+`.includes(`+quote(before[1])+`)`) {
		t.Error("a key acted while an IME composed")
	}
	p.Press(inLang("en", "panel.close"))

	p.Go("/mail/search?q=" + "from%3As1%40outside.example+is%3Aread")
	p.mail()
	p.Shows(inLang("en", "webmail.empty.search"))
	p.Go("/mail/search?q=" + "from%3As1%40outside.example+is%3Aunread")
	p.mail()
	p.Until("the one message is found", `JSON.stringify(`+rows+`) === '["message 1"]'`)
}

// TestSV6QuotaTopRight: in the Advanced version the quota stands at the top right, with its number.
func TestSV6QuotaTopRight(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	who := pf.Demo.Accounts[7]
	p := b.Page(t, pf)
	p.Go("/login")
	for _, width := range []int64{1440, 390} {
		p.As("ja", "light", width)
		if width == 1440 {
			p.SignInMail(who.Address, who.Password)
		} else {
			p.Go("/mail/inbox")
			p.mail()
		}
		p.Until("the meter stands at the top right", `(() => { const m = document.querySelector("header.bar [role=meter]"), r = m?.getBoundingClientRect(); return r && r.left > innerWidth / 2 && r.bottom < 60 && /\d.* \/ \d+ [GM]B/.test(m.getAttribute("aria-valuetext")); })()`)
	}
}

// TestML8WebmailRecipients: the 1,001st recipient is refused before anything is sent.
func TestML8WebmailRecipients(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	who := pf.Demo.Accounts[8]
	p := b.Page(t, pf)
	p.Go("/login")
	p.As("en", "light", 1440)
	p.SignInMail(who.Address, who.Password)
	p.Press(inLang("en", "webmail.compose"))
	p.Until("a window opens", `document.querySelector(".compose [data-field=to] input")`)
	Eval[bool](p, `(() => { const data = new DataTransfer(); data.setData("text/plain", Array.from({ length: 1001 }, (_, i) => "r" + i + "@outside.example").join(", "));
		document.querySelector(".compose [data-field=to] input").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })); return true })()`)
	p.Until("all are chips", `document.querySelectorAll(".compose .chip").length === 1001`)
	p.Press(inLang("en", "webmail.compose.send"))
	p.Until("it is refused", `document.querySelector(".compose .problem")?.innerText === `+quote(inLang("en", "webmail.compose.too_many", "1,001", "1,000")))
	if Eval[bool](p, `!!document.querySelector("dialog[open]")`) {
		t.Error("it is asked about all the same")
	}
}

// network gives the page a network, or takes it away.
func (p *Page) network(there bool) {
	p.t.Helper()
	away := !there
	Devtools(p, "set the network", network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		EmulateOfflineServiceWorker: &away, MatchedNetworkConditions: []*network.Conditions{{Offline: away, DownloadThroughput: -1, UploadThroughput: -1}},
	})
	Devtools(p, "tell the page", network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: away, DownloadThroughput: -1, UploadThroughput: -1})
}

// TestWebmailOffline: recent mail is read without a network, also after the page was loaded anew, and what is done is taken back with a reason.
func TestWebmailOffline(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	who := pf.Demo.Accounts[9]
	deliver(t, pf, "s@outside.example", who.Address, plainMail("Sender <s@outside.example>", who.Address, "kept for the train", "to be read without a network"))
	p := b.Page(t, pf)
	p.Go("/login")
	p.As("en", "light", 1440)
	p.SignInMail(who.Address, who.Password)
	p.open("kept for the train")
	p.Shows("to be read without a network")
	Eval[bool](p, `navigator.serviceWorker.ready.then(() => true)`)
	p.Go("/mail/inbox") // by now the worker keeps what the page is made of
	p.mail()
	p.Until("the pages are kept", `navigator.serviceWorker.controller`)
	p.open("kept for the train")
	p.network(false)
	p.Do("load the page anew", chromedp.Navigate(p.Site+"/mail/inbox"))
	p.Shows(inLang("en", "webmail.offline"))
	p.open("kept for the train")
	p.Shows("to be read without a network")
	p.key("e")
	p.Shows(inLang("en", "webmail.problem.offline"))
	p.Until("the message is back", rows+`.includes("kept for the train")`)
	p.network(true)
	p.Until("it is noticed", `!document.querySelector(".offline")`)
}
