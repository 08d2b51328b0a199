package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"golang.org/x/text/encoding/japanese"

	"tegami/lab/platform"
)

// said gives the words of a key as the Japanese screens show them.
func said(key string, args ...any) string { return inLang("ja", key, args...) }

// sheet writes a CSV file in CP932: so many accounts of a domain, and three lines that are wrong.
func sheet(t *testing.T, domain string, accounts int) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("処理,メールアドレス,姓,名,部署\r\n")
	for i := range accounts {
		fmt.Fprintf(&text, "追加,staff%d@%s,髙橋,一郎%d,営業部\r\n", i, domain, i)
	}
	fmt.Fprintf(&text, "追加,ひらがな@%s,誤,一,\r\n追加,nowhere@other.example,誤,二,\r\n消去,x@%s,誤,三,\r\n", domain, domain)
	octets, err := japanese.ShiftJIS.NewEncoder().String(text.String())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "社員.csv")
	if err := os.WriteFile(path, []byte(octets), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// send gives a platform a message from outside.
func send(t *testing.T, p *platform.Platform, to, id string) {
	t.Helper()
	deliver(t, p, "sender@outside.example", to, fmt.Appendf(nil,
		"From: sender@outside.example\r\nTo: %s\r\nSubject: Greetings\r\nDate: Mon, 23 Nov 2026 09:30:00 +0900\r\nMessage-ID: %s\r\n\r\nHello.\r\n", to, id))
}

// TestCP10Journey walks the way of a new customer: an operator opens the company (SV-12), registers its staff from a CSV file
// (CP-5) and appoints an administrator (CP-4), who signs in with a passkey (CP-9), ends another session and finds a message
// in the trace (CP-8).
func TestCP10Journey(t *testing.T) {
	const domain, staff = "aozora.example", 1000
	b := Open(t)
	p := demo(t)
	op := b.Page(t, p)
	op.SignIn(p.Demo.Operator.Address, p.Demo.Operator.Password)
	op.As("ja", "light", 1440)

	company := openCompany(op, domain, staff+10)
	op.Go(company + "/import")
	importStaff(op, sheet(t, domain, staff), staff)

	op.Go(company + "/accounts?q=staff7@" + domain)
	op.Press("髙橋 一郎7")
	op.Press(said("panel.security"))
	op.Press(said("panel.account.reset_password"))
	op.Press(said("panel.account.make_password"))
	op.Until("the password is shown", `document.querySelector("dialog[open] .copy code")`)
	initial := Eval[string](op, `document.querySelector("dialog[open] .copy code").lastChild.textContent`)
	op.Press(said("panel.close"))

	op.Go(company + "/admins")
	op.Press(said("panel.admins.appoint"))
	op.Fill(said("panel.admins.who"), "staff7@"+domain)
	op.Fill(said("panel.role"), "account-admin")
	op.Press(said("panel.admins.appoint"))
	op.Shows(said("panel.role.account_admin"))

	admin := b.Page(t, p)
	admin.Go("/login?next=/panel/")
	admin.As("ja", "light", 1440)
	password := firstSignIn(admin, "staff7@"+domain, initial)
	other := b.Page(t, p)
	other.SignIn("staff7@"+domain, password)
	other.Settle()

	addPasskey(admin)
	admin.Do("sign out", chromedp.Evaluate[chromedp.Void](`void fetch("/logout", { method: "POST", headers: { "Tegami-Page": "1" } }).then(() => location.assign("/login?next=/panel/"))`))
	admin.Until("the sign-in page offers passkeys", `location.pathname === "/login" && [...document.querySelectorAll("[data-passkey] button")].some((b) => b.checkVisibility())`)
	admin.Do("sign in with the passkey", chromedp.Click("[data-passkey] button"))
	admin.Until("the passkey lets in", `location.pathname.startsWith("/panel")`)
	admin.Settle()

	admin.Go("/panel/me")
	admin.Press(said("panel.session.end"))
	admin.Shows(said("panel.session.ended"))
	other.Do("go on in the session that was ended", chromedp.Navigate(other.Site+"/panel/accounts"))
	other.Until("it must sign in anew", `location.pathname === "/login"`)

	const id = "<greetings-1@outside.example>"
	send(t, p, "staff8@"+domain, id)
	admin.Go("/panel/trace?messageId=" + "%3Cgreetings-1%40outside.example%3E")
	admin.Shows("staff8@" + domain)
	admin.Press("20")
	admin.Shows(said("panel.step.accepted"))
	admin.Shows(said("panel.step.delivered"))
}

// openCompany opens a company in one step and gives the address of its screens.
func openCompany(p *Page, domain string, ids int) string {
	p.Go("/panel/tenants")
	p.Press(said("panel.tenants.add"))
	p.Fill(said("panel.tenants.name"), "株式会社青空")
	p.Fill(said("panel.domain"), domain)
	p.Fill(said("panel.tenants.ids"), fmt.Sprint(ids))
	p.Fill(said("panel.tenants.owner"), "kanri")
	p.Fill(said("panel.tenants.vouch"), "契約書で確認")
	p.Press(said("panel.tenants.add"))
	p.Shows(said("panel.tenants.made"))
	p.Press(said("panel.tenants.go"))
	p.Until("the company's panel opens", `/^\/panel\/t\/[^/]+/.test(location.pathname)`)
	return Eval[string](p, `location.pathname.match(/^\/panel\/t\/[^/]+/)[0]`)
}

// importStaff registers a file with three bad lines: tried first, then done without them.
func importStaff(p *Page, file string, staff int) {
	p.Do("choose the file", chromedp.SetUploadFiles("#file", []string{file}))
	p.Press(said("panel.import.try"))
	p.Fill(said("panel.reason.label"), "問い合わせ 4711")
	p.Press(said("panel.continue"))
	p.Until("the file is judged", `document.body.innerText.includes(`+quote(said("panel.import.do"))+`)`)
	p.Shows("1,000行、問題あり3行")
	p.Press("問題のある3行")
	p.Press(said("panel.import.register"))
	p.Until("the accounts are registered", `document.body.innerText.includes(`+quote(said("panel.import.running"))+`) && document.querySelector("main .badge.done")`)
	added := Eval[string](p, `[...document.querySelectorAll("main dt")].find((e) => e.innerText === `+quote(said("panel.count.added"))+`)?.nextElementSibling.innerText`)
	if added != "1,000" {
		p.t.Errorf("%s accounts were added, not %d", added, staff)
	}
}

// firstSignIn signs in with an initial password, which must be changed, and gives the new one.
func firstSignIn(p *Page, name, initial string) string {
	const password = "harbour-lantern-42"
	p.SignIn(name, initial)
	p.Do("change the password", chromedp.WaitVisible("#again"), chromedp.SetValue("#password", password), chromedp.SetValue("#again", password), chromedp.Submit("#again"))
	p.Until("the second factor can be put off", `location.pathname.startsWith("/panel") || document.querySelector("input[value=later]")`)
	if Eval[bool](p, `!!document.querySelector("input[value=later]")`) {
		p.Do("later", chromedp.Submit("input[value=later]"))
	}
	p.Until("the panel opens", `location.pathname.startsWith("/panel")`)
	p.Settle()
	return password
}

// addPasskey adds a passkey of a virtual authenticator.
func addPasskey(p *Page) {
	Devtools(p, "have an authenticator", webauthn.Enable, webauthn.EnableParams{})
	Devtools(p, "have an authenticator", webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	p.Go("/panel/me")
	p.Press(said("panel.me.add_passkey"))
	p.Fill(said("panel.me.passkey_name"), "会社のノートPC")
	p.Press(said("panel.continue"))
	p.Shows(said("panel.me.recovery_kept"))
	p.Press(said("panel.me.recovery_kept"))
	p.Shows("会社のノートPC")
}
