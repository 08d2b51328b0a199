package browser

import (
	"fmt"
	"os"
	"testing"
)

// TestML6AddressBookJourney: somebody makes an address book and a card in it, finds the card by kana of half width, and writes to it and to a
// colleague by half-width kana too.
func TestML6AddressBookJourney(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	for n, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			me := pf.Demo.Accounts[6+n]
			p := b.mailOf(t, pf, view{lang, "light", 1440}, me.Address)
			p.Go("/mail/contacts")
			p.Settle()
			p.Until("two books are there from the start, and the company's", `document.querySelectorAll("nav.books li").length >= 4`)

			p.Press(inLang(lang, "webmail.contacts.book.new"))
			p.Fill(inLang(lang, "webmail.contacts.book.name"), "取引先 "+lang)
			p.Press(inLang(lang, "webmail.folder.create"))
			p.Until("the book is open", `document.querySelector("h1")?.innerText === `+quote("取引先 "+lang))
			p.Press(inLang(lang, "webmail.contacts.add"))
			for key, text := range map[string]string{
				"panel.last_name": "八重樫", "panel.first_name": "潤", "panel.last_kana": "やえがし", "panel.first_kana": "じゅん", "panel.gal.company": "株式会社青空", "panel.department": "購買部",
				"webmail.contacts.mail": "yaegashi@aozora.example", "panel.phone": "03-1234-5678", "panel.memo": "展示会でお会いした。",
			} {
				p.Fill(inLang(lang, key), text)
			}
			p.Press(inLang(lang, "panel.save"))
			p.Until("the card stands", `document.querySelector(".sheet h2")?.innerText === "八重樫 潤" && document.querySelector(".sheet .facts")?.innerText.includes("購買部")`)
			p.Press(inLang(lang, "webmail.contacts.edit"))
			p.Fill(inLang(lang, "panel.job_title"), "部長")
			p.Press(inLang(lang, "panel.save"))
			p.Until("the change stands", `document.querySelector(".sheet .facts")?.innerText.includes("部長") && document.querySelector(".sheet .facts").innerText.includes("03-1234-5678")`)
			p.Go("/mail/contacts?q=" + "ﾔｴｶﾞｼ")
			p.Until("half-width kana find the card", `[...document.querySelectorAll("tbody tr")].some((r) => r.innerText.includes("八重樫 潤"))`)

			p.Press(inLang(lang, "webmail.compose"))
			p.Until("a window opens", `document.querySelector(".compose [data-field=to] input")`)
			choose(p, lang, "ﾔｴｶﾞｼ", "yaegashi@aozora.example")
			kana := Eval[string](p, `fetch("/jmap/session").then((r) => r.json()).then((s) => fetch(s.apiUrl, { method: "POST", headers: { "Content-Type": "application/json", "Tegami-Page": "1" }, body: JSON.stringify({
				using: ["urn:ietf:params:jmap:core", "urn:tegami:params:jmap:directory"], methodCalls: [["Recipient/complete", { accountId: Object.keys(s.accounts)[0], text: "ﾀｶﾊｼ", limit: 1 }, "0"]] }) }))
				.then((r) => r.json()).then((o) => o.methodResponses[0][1].list[0].email)`)
			choose(p, lang, "ﾀｶﾊｼ", kana)
		})
	}
}

// choose types into the field of recipients and takes the one with an address.
func choose(p *Page, lang, typed, address string) {
	p.t.Helper()
	p.Fill(inLang(lang, "webmail.to"), typed)
	option := `[...document.querySelectorAll(".compose [role=option]")].find((o) => o.innerText.includes(` + quote(address) + `))`
	p.Until(address+" is proposed for "+typed, option)
	Eval[bool](p, "("+option+".click(), true)")
	p.Until(address+" is a chip", `[...document.querySelectorAll(".compose .chip")].some((c) => c.getAttribute("aria-label") === `+quote(address)+`)`)
}

// TestML5FilterJourney: a filter that forwards is refused an address outside, takes one inside, and mail arrives in both boxes; a script that is
// wrong is told with its line (ML-12).
func TestML5FilterJourney(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	for n, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			me, other := pf.Demo.Accounts[8+2*n], pf.Demo.Accounts[9+2*n]
			p := b.mailOf(t, pf, view{lang, "light", 1440}, me.Address)
			p.Go("/mail/settings/filters")
			p.Settle()
			p.Press(inLang(lang, "webmail.filters.new"))
			p.Fill(inLang(lang, "webmail.rule.name"), "見積 "+lang)
			p.Fill(inLang(lang, "webmail.rule.field"), "subject")
			p.Fill(inLang(lang, "webmail.rule.value"), "見積")
			p.Fill(inLang(lang, "webmail.rule.action"), "forward")
			p.Fill(inLang(lang, "webmail.rule.address"), "someone@outside.example")
			p.Shows(inLang(lang, "webmail.rule.policy.outside"))
			save := `[...document.querySelectorAll(".sheet .foot button")].at(-1)`
			p.Until("it can't be saved", save+".disabled")
			p.Fill(inLang(lang, "webmail.rule.address"), other.Address)
			p.Until("it can be saved", "!"+save+".disabled")
			p.Press(inLang(lang, "panel.save"))
			p.Until("the filter stands in the list", `document.querySelector("main ol")?.innerText.includes(`+quote(other.Address)+`) && !document.querySelector(".sheet")`)

			deliver(t, pf, "suzuki@aozora.example", me.Address, japaneseMail(t, me.Address, "見積の件 "+lang, "お世話になっております。\n", "見積.pdf"))
			arrives(p, "見積の件 "+lang)
			q := b.mailOf(t, pf, view{lang, "light", 1440}, other.Address)
			arrives(q, "見積の件 "+lang)

			p.Go("/mail/settings/filters")
			p.Settle()
			p.Press(inLang(lang, "webmail.script.new"))
			p.Fill(inLang(lang, "webmail.script.name"), "mine")
			p.Fill(inLang(lang, "webmail.script.body"), "keep;\nfileinto \"x\";\n")
			p.Shows(inLang(lang, "webmail.script.wrong"))
			p.Shows(inLang(lang, "webmail.script.to_line", 2))
			p.Fill(inLang(lang, "webmail.script.body"), "keep;\n")
			p.Shows(inLang(lang, "webmail.script.right"))
		})
	}
}

// arrives waits in the inbox until a message of a subject stands there.
func arrives(p *Page, subject string) {
	p.t.Helper()
	p.Go("/mail/inbox")
	p.Until(subject+" arrives", `[...document.querySelectorAll(".row")].some((r) => r.innerText.includes(`+quote(subject)+`))`)
}

// TestML12VacationJourney: an absence note is switched on, the shell reminds of it, a colleague is answered with the text for colleagues, and it is
// switched off where the reminder stands.
func TestML12VacationJourney(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	for n, lang := range []string{"ja", "en"} {
		t.Run(lang, func(t *testing.T) {
			me, other := pf.Demo.Accounts[12+2*n], pf.Demo.Accounts[13+2*n]
			p := b.mailOf(t, pf, view{lang, "light", 1440}, me.Address)
			p.Go("/mail/settings/vacation")
			p.Settle()
			p.Press(inLang(lang, "webmail.vacation.on"))
			p.Fill(inLang(lang, "webmail.subject"), "不在のお知らせ "+lang)
			p.Fill(inLang(lang, "webmail.vacation.body"), "内線 123 へ。")
			p.Press(inLang(lang, "webmail.vacation.outside.own"))
			p.Fill(inLang(lang, "webmail.vacation.outside.body"), "年末年始は休業しております。")
			p.Press(inLang(lang, "panel.save"))
			p.Until("the shell reminds of it", `document.querySelector(".reminder")?.innerText.includes(`+quote(inLang(lang, "webmail.vacation.reminder"))+`)`)

			q := b.mailOf(t, pf, view{lang, "light", 1440}, other.Address)
			writeTo(q, lang, me.Address, "ご相談 "+lang)
			arrives(q, "不在のお知らせ "+lang)
			q.open("不在のお知らせ " + lang)
			q.Shows("内線 123 へ。")

			p.Go("/mail/inbox")
			p.Until("the reminder stays", `document.querySelector(".reminder")`)
			p.Press(inLang(lang, "webmail.vacation.reminder.end"))
			p.Until("it is gone", `!document.querySelector(".reminder")`)
			p.Go("/mail/settings/vacation")
			p.Settle()
			if Eval[bool](p, `document.querySelector("main input[role=switch]").checked`) {
				t.Error("it is on again")
			}
			if text := Eval[string](p, `[...document.querySelectorAll("main textarea")].map((e) => e.value).join("|")`); text != "内線 123 へ。|年末年始は休業しております。" {
				t.Errorf("the texts are %q", text)
			}
		})
	}
}

// settingsScreens are the screens beside mail.
var settingsScreens = []string{
	"/contacts?new=1", "/contacts?book=gal", "/settings/writing", "/settings/identities", "/settings/filters", "/settings/filters?rule=new", "/settings/filters?script=new", "/settings/vacation", "/settings/folders",
	"/settings/templates", "/settings/security",
}

// TestSettingsScreens holds the screens of address books and settings to what all screens are held to.
func TestSettingsScreens(t *testing.T) {
	b := Open(t)
	pf := demo(t)
	who := pf.Demo.Accounts[1]
	folder, list := os.Getenv("TEGAMI_SCREENSHOTS"), []view{{"ja", "dark", 1440}, {"en", "light", 390}}
	if folder != "" {
		list = views()
	}
	p := b.Page(t, pf)
	p.Go("/login")
	for i, v := range list {
		p.As(v.lang, v.theme, v.width)
		if i == 0 {
			p.SignInMail(who.Address, who.Password)
		}
		for n, path := range settingsScreens {
			judge(t, p, fmt.Sprintf("mail/own-%02d", n), v, folder, func(p *Page) { p.Go("/mail" + path); p.Settle() })
		}
	}
}
