package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tegami/lab/platform"
)

// gtube is the text that every spam filter takes for spam, for tests.
const gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

// spamTo gives a platform a message from outside that is certainly unwanted.
func spamTo(t *testing.T, pf *platform.Platform, to, subject string) {
	t.Helper()
	deliver(t, pf, "win@prize.example", to, plainMail("Prize Center <win@prize.example>", to, subject, "Confirm today: https://prize.example/login\r\n\r\n"+gtube))
}

// setQuarantine has the owner choose on the panel's screen that unwanted mail goes into quarantine, and users' allow lists hold.
func setQuarantine(owner *Page, lang string) {
	owner.t.Helper()
	owner.Go("/panel/filter")
	owner.Settle()
	owner.choose(inLang(lang, "panel.filter.quarantine"))
	owner.tick(inLang(lang, "panel.filter.user_allow"), true)
	owner.Press(inLang(lang, "panel.save"))
	owner.Shows(inLang(lang, "panel.saved"))
}

// choose takes one of several by its label.
func (p *Page) choose(label string) {
	p.t.Helper()
	find := `[...document.querySelectorAll("input[type=radio]")].find((i) => i.labels[0]?.innerText.trim() === ` + quote(label) + `)`
	p.Until("there is "+label+" to choose", find)
	Eval[bool](p, "("+find+".click(), true)")
}

// tick switches the box of a label.
func (p *Page) tick(label string, on bool) {
	p.t.Helper()
	find := `[...document.querySelectorAll("input[type=checkbox]")].find((i) => i.labels[0]?.innerText.trim() === ` + quote(label) + `)`
	p.Until("there is the box "+label, find)
	Eval[bool](p, fmt.Sprintf("(%[1]s.checked !== %[2]t && %[1]s.click(), true)", find, on))
}

// held waits until a message is in the quarantine that the page shows, and opens it.
func (p *Page) held(lang, subject string) {
	p.t.Helper()
	row := `[...document.querySelectorAll(".rows a")].find((a) => a.innerText.includes(` + quote(subject) + `))`
	p.Until(subject+" is in quarantine", row)
	Eval[bool](p, "("+row+".click(), true)")
	p.Until("the message stands", `document.querySelector(".read h1")?.innerText.includes(`+quote(subject)+`) && document.querySelector(".read .why")`)
	p.Shows(inLang(lang, "webmail.quarantine.why"))
}

// TestSF1FilterScreen: the administrator chooses one of four for a domain and sees how mail will come; what he chose stands after a reload, and
// what can't be is refused in words.
func TestSF1FilterScreen(t *testing.T) {
	b := Open(t)
	pf := platform.Start(t, 10)
	for _, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			words := func(key string, args ...any) string { return inLang(lang, key, args...) }
			p := b.Page(t, pf)
			p.SignIn(pf.Demo.Accounts[0].Address, pf.Demo.Accounts[0].Password)
			p.As(lang, "light", 1440)
			p.Go("/panel/filter")
			p.Settle()
			for key, shown := range map[string]string{"panel.filter.pass": "", "panel.filter.meiwaku": "[MEIWAKU!!]", "panel.filter.spam": "[SPAM!!]", "panel.filter.quarantine": words("panel.filter.preview.quarantine")} {
				p.choose(words(key))
				p.Until(key+" shows how mail comes", `document.querySelector("figure").innerText.includes(`+quote(shown)+`)`)
			}
			p.choose(words("panel.filter.threshold.own"))
			p.Until("there is a field for it", `document.querySelector(".own input")`)
			Eval[bool](p, `((i) => (i.value = "97.5", i.dispatchEvent(new Event("input", { bubbles: true })), true))(document.querySelector(".own input"))`)
			p.Fill(words("panel.filter.days"), "7")
			p.Press(words("panel.save"))
			p.Shows(words("panel.saved"))
			p.Go("/panel/filter")
			p.Settle()
			p.Until("what was chosen stands", `[...document.querySelectorAll("input[type=number]")].map((i) => i.value).join() === "97.5,7"`)
			p.Fill(words("panel.filter.days"), "15")
			p.Press(words("panel.save"))
			p.Until("15 days are refused", `document.querySelector("input[type=number]:invalid, main .note.loss")`)
		})
	}
}

// TestSF4QuarantineJourney walks from spam that comes in to its reader and to his administrator: it is in the quarantine and not in the inbox, its
// reasons stand in words, it is received and lies in the inbox then; the administrator finds others' boxes, and that he looked is in the log.
func TestSF4QuarantineJourney(t *testing.T) {
	b := Open(t)
	for n, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			pf := platform.Start(t, 10)
			words := func(key string, args ...any) string { return inLang(lang, key, args...) }
			owner := b.Page(t, pf)
			owner.SignIn(pf.Demo.Accounts[0].Address, pf.Demo.Accounts[0].Password)
			owner.As(lang, []string{"light", "dark"}[n], 1440)
			setQuarantine(owner, lang)
			who := pf.Demo.Accounts[1]
			for _, subject := range []string{"first prize", "second prize", "third prize"} {
				spamTo(t, pf, who.Address, subject)
			}
			p := b.mailOf(t, pf, view{lang, "light", 1440}, who.Address)
			p.Until("the navigation tells of three", `[...document.querySelectorAll("nav a")].find((a) => a.pathname === "/mail/quarantine")?.innerText.includes("3")`)
			if p.Text(".list .n") != "0" {
				t.Errorf("the inbox has %s messages", p.Text(".list .n"))
			}
			p.Go("/mail/quarantine")
			p.held(lang, "first prize")
			if links := Eval[int](p, `document.querySelectorAll(".read .text a[href]").length`); links != 0 {
				t.Errorf("%d links lead out of quarantine", links)
			}
			judge(t, p, "mail/quarantine", view{lang, "light", 1440}, os.Getenv("TEGAMI_SCREENSHOTS"), func(*Page) {})
			p.Press(words("webmail.quarantine.release"))
			p.Shows(words("webmail.quarantine.done.release", 1))
			p.held(lang, "second prize")
			p.Press(words("webmail.quarantine.allow"))
			p.Shows(words("webmail.quarantine.done.allow", 1))
			p.Go("/mail/inbox")
			p.mail()
			arrives(p, "first prize")
			arrives(p, "second prize")
			p.Go("/mail/settings/senders")
			p.Shows("win@prize.example")

			owner.Go("/panel/quarantine")
			owner.Settle()
			owner.Until("the box is listed", `[...document.querySelectorAll("tbody a")].find((a) => a.innerText)`)
			Eval[bool](owner, `([...document.querySelectorAll("tbody a")][0].click(), true)`)
			owner.Shows("third prize")
			mail := `[...document.querySelectorAll("a, button")].find((a) => a.innerText.includes("third prize"))`
			owner.Until("the message is listed", mail)
			Eval[bool](owner, "("+mail+".click(), true)")
			owner.Shows(words("webmail.quarantine.why"))
			judge(t, owner, "panel/quarantine", view{lang, "light", 1440}, os.Getenv("TEGAMI_SCREENSHOTS"), func(*Page) {})
			owner.Press(words("panel.quarantine.release"))
			owner.Shows(words("panel.quarantine.released", 1))
			p.Go("/mail/inbox")
			p.mail()
			arrives(p, "third prize")
			owner.Go("/panel/log")
			owner.Settle()
			owner.Until("the log says what was done in the box", `/quarantine|隔離/i.test(document.querySelector("main").innerText)`)
		})
	}
}

// TestSF5SenderLists: the reader's lists on his settings' page, in both versions of the webmail. An allow list that the company does not permit can't be
// written and says so; the 301st entry is refused in words, and what was there stays.
func TestSF5SenderLists(t *testing.T) {
	b := Open(t)
	pf := platform.Start(t, 10)
	for n, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			words := func(key string, args ...any) string { return inLang(lang, key, args...) }
			who := pf.Demo.Accounts[1+n]
			p := b.mailOf(t, pf, view{lang, "light", 1440}, who.Address)
			p.Go("/mail/settings/senders")
			p.Shows(words("webmail.senders.not_permitted"))
			var many []string
			for i := range 300 {
				many = append(many, fmt.Sprintf("@spam%d.example", i))
			}
			p.Fill(words("webmail.senders.deny.add"), strings.Join(many, " "))
			p.Press(words("panel.add"))
			p.Until("300 are there", `document.body.innerText.includes("300 / 300")`)
			p.Fill(words("webmail.senders.deny.add"), "one@more.example")
			p.Press(words("panel.add"))
			p.Shows(words("filter.lists_full", 300))
			p.Press(words("webmail.senders.remove", "@spam7.example"))
			p.Until("299 are there", `document.body.innerText.includes("299 / 300")`)
			judge(t, p, "mail/senders", view{lang, "light", 1440}, os.Getenv("TEGAMI_SCREENSHOTS"), func(*Page) {})
			p.Fill(words("webmail.senders.deny.add"), "no sender")
			p.Press(words("panel.add"))
			p.Until("what is no sender is refused", `document.querySelector("input[type=number]:invalid, main .note.loss")`)
		})
	}
}

// TestSF5StandardQuarantine walks through the same without any script: the list, the reasons, receiving, deleting after a question, and the lists of
// senders.
func TestSF5StandardQuarantine(t *testing.T) {
	b := Open(t)
	pf := platform.Start(t, 10)
	owner := b.Page(t, pf)
	owner.SignIn(pf.Demo.Accounts[0].Address, pf.Demo.Accounts[0].Password)
	owner.As("en", "light", 1440)
	setQuarantine(owner, "en")
	for n, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			words := func(key string, args ...any) string { return inLang(lang, key, args...) }
			page, a := b.Page(t, pf), pf.Demo.Accounts[1+n]
			spamTo(t, pf, a.Address, "first prize")
			spamTo(t, pf, a.Address, "second prize")
			without := func(off bool) {
				Devtools(page, "switch JavaScript off or on", emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
			}
			without(true)
			width := []int64{1280, 390}[n]
			page.Do("set the window", chromedp.EmulateViewport(width, 844))
			look := func(name string) {
				t.Helper()
				if to := os.Getenv("TEGAMI_SCREENSHOTS"); to != "" {
					page.Shot(fmt.Sprintf("%s/standard-%s-%s-%d.png", to, name, lang, width))
				}
				without(false) // axe-core is a script itself
				for _, v := range page.Violations() {
					t.Errorf("%s: %s: %s %q", name, v.ID, v.Help, v.Nodes)
				}
				without(true)
				if over := Eval[int64](page, "document.documentElement.scrollWidth"); over > width {
					t.Errorf("%s: %d wide on a screen of %d", name, over, width)
				}
			}
			page.Go("/login?lang=" + lang)
			page.Do("sign in", chromedp.SetValue("#name", a.Address), chromedp.SetValue("#password", a.Password), chromedp.Click("input[value=standard]"), chromedp.Submit("#name"))
			page.Until("the list stands", `location.pathname === "/standard/" && document.querySelector("main h1")`)
			page.Go("/standard/quarantine")
			page.Shows("second prize")
			look("quarantine")
			page.Press("first prize")
			page.Shows(words("webmail.quarantine.why"))
			look("held")
			page.Press(words("webmail.quarantine.release"))
			page.Shows(words("webmail.quarantine.done.release", 1))
			page.Press("second prize")
			page.Shows(words("webmail.quarantine.why"))
			page.Press(words("panel.delete"))
			page.Shows(words("webmail.quarantine.delete_loses"))
			page.Press(words("panel.delete"))
			page.Shows(words("webmail.quarantine.done.delete", 1))
			page.Go("/standard/")
			page.Shows("first prize")
			page.Go("/standard/senders")
			page.Do("deny somebody", chromedp.SetValue("form:has(input[value=deny]) input[name=entry]", "@annoying.example"), chromedp.Submit("form:has(input[value=deny]) input[name=entry]"))
			page.Shows("@annoying.example")
			look("senders")
			page.Do("deny nonsense", chromedp.SetValue("form:has(input[value=deny]) input[name=entry]", "nonsense"), chromedp.Submit("form:has(input[value=deny]) input[name=entry]"))
			page.Until("it is refused in words", `document.querySelector(".wrong")`)
		})
	}
}
