package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"tegami/lab/platform"
)

// filled tells, two frames after the list was scrolled to a row, whether each of its pixels that is looked at shows a row, be it one that
// is still to come.
const filled = `(async (row) => {
	const box = document.querySelector("main .scroll");
	box.scrollTop = row * 36;
	await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
	const at = box.getBoundingClientRect(), head = 40;
	for (let y = at.top + head; y < at.bottom - 4; y += 12) {
		const found = document.elementFromPoint(at.left + at.width / 2, y)?.closest("tr");
		if (!found || found.classList.contains("space")) return false;
	}
	return true;
})`

// TestFiftyThousandRows scrolls a list of 50,000 accounts: there is no blank at any place, the rows come, and no more of them exist than
// are in sight.
func TestFiftyThousandRows(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes 50,000 accounts")
	}
	b := Open(t)
	const rows = 50_000
	p := platform.Start(t, rows)
	owner := b.Page(t, p)
	owner.SignIn(p.Demo.Accounts[0].Address, p.Demo.Accounts[0].Password)
	owner.As("ja", "light", 1440)
	owner.Go("/panel/accounts")
	for _, row := range []int{0, 40, 200, 900, 5_000, 12_000, 30_000, 49_000, 49_999, 25_000, 100, 0} {
		if !Eval[bool](owner, fmt.Sprintf("%s(%d)", filled, row)) {
			t.Errorf("blank at row %d", row)
		}
	}
	for _, row := range []int{25_000, 49_990} {
		begun := time.Now()
		Eval[bool](owner, fmt.Sprintf("%s(%d)", filled, row))
		owner.Until(fmt.Sprintf("row %d is there", row), fmt.Sprintf(`document.querySelector('tr[data-row="%d"] a')?.innerText && !document.querySelector("tr.pending")`, row))
		t.Logf("row %d after %v", row, time.Since(begun).Round(time.Millisecond))
	}
	if n := Eval[int](owner, `document.querySelectorAll("main tbody tr").length`); n > 120 {
		t.Errorf("%d rows exist at once", n)
	}
}

// TestZoom shows every screen as at 200 % in a window of 1440: nothing makes the page scroll sideways.
func TestZoom(t *testing.T) {
	b := Open(t)
	p := demo(t)
	company, wide, own := screens(t)
	look := func(who *Page, paths []string) {
		who.As("ja", "light", 1440)
		Devtools(who, "zoom", emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 720, Height: 450, DeviceScaleFactor: 2})
		for _, path := range paths {
			who.Go("/panel" + path)
			if over := Eval[int](who, `Math.max(document.documentElement.scrollWidth - innerWidth, (m => m.scrollWidth - m.clientWidth)(document.querySelector("main")))`); over > 0 {
				t.Errorf("%s: %d pixels wider than the window", path, over)
			}
		}
	}
	owner := b.Page(t, p)
	owner.SignIn(p.Demo.Accounts[0].Address, p.Demo.Accounts[0].Password)
	look(owner, append(company, own...))
	operator := b.Page(t, p)
	operator.SignIn(p.Demo.Operator.Address, p.Demo.Operator.Password)
	look(operator, wide)
}

// throttle is the protocol's command for a slow network, the one that all browsers of these years know.
var throttle = cdp.Command[slow, cdp.Empty]{Method: "Network.emulateNetworkConditions"}

// slow is a network: milliseconds, octets a second.
type slow struct {
	Offline  bool    `json:"offline"`
	Latency  float64 `json:"latency"`
	Download float64 `json:"downloadThroughput"`
	Upload   float64 `json:"uploadThroughput"`
}

// TestSlowNetwork opens the list of accounts over what browsers call Fast 3G, with nothing in the cache. The time is told.
func TestSlowNetwork(t *testing.T) {
	b := Open(t)
	p := demo(t)
	owner := b.Page(t, p)
	owner.SignIn(p.Demo.Accounts[0].Address, p.Demo.Accounts[0].Password)
	Devtools(owner, "watch the network", network.Enable, network.EnableParams{})
	Devtools(owner, "have no cache", network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	Devtools(owner, "slow down", throttle, slow{Latency: 562.5, Download: 180_000, Upload: 84_375})
	begun := time.Now()
	owner.Do("go to the accounts", chromedp.Navigate(owner.Site+"/panel/accounts"))
	owner.Until("the list is there", `document.querySelectorAll("tr[data-row] a").length > 10`)
	t.Logf("the list over Fast 3G, nothing cached: %v", time.Since(begun).Round(10*time.Millisecond))
}

// TestSheets opens what lies behind the screens: the sheet of the first row with each of its tabs, and the dialog of the first action.
// axe-core finds nothing there, and nothing is wider than the window.
func TestSheets(t *testing.T) {
	b := Open(t)
	p := demo(t)
	company, wide, _ := screens(t)
	owner := b.Page(t, p)
	owner.SignIn(p.Demo.Accounts[0].Address, p.Demo.Accounts[0].Password)
	owner.Settle()
	owner.belongings()
	operator := b.Page(t, p)
	operator.SignIn(p.Demo.Operator.Address, p.Demo.Operator.Password)
	operator.Settle()
	folder := os.Getenv("TEGAMI_SCREENSHOTS")
	opened := 0
	for _, v := range []view{{"ja", "light", 1440}, {"en", "dark", 390}} {
		owner.As(v.lang, v.theme, v.width)
		operator.As(v.lang, v.theme, v.width)
		for _, path := range company {
			opened += owner.behind(t, path, v, folder)
		}
		for _, path := range wide {
			opened += operator.behind(t, path, v, folder)
		}
	}
	if opened < 40 {
		t.Errorf("only %d sheets and dialogs were found", opened)
	}
}

// belongings gives the company what the demo has not: a shared mailbox with a member, a webhook, a directory of its own.
func (p *Page) belongings() {
	p.t.Helper()
	Eval[bool](p, `(async () => {
		const send = async (method, path, body) => {
			const answer = await fetch("/api/v1" + path, { method, headers: { "Tegami-Page": "1", "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
			if (!answer.ok) throw new Error(method + " " + path + ": " + await answer.text());
			return answer.json();
		};
		const company = "/tenants/" + (await send("GET", "/self")).tenant;
		const people = (await send("GET", company + "/accounts?limit=2")).items;
		const box = await send("POST", company + "/accounts", { address: "info@alpha.example", displayName: "お問い合わせ窓口", shared: true });
		await send("PUT", company + "/accounts/" + box.id + "/seats/" + people[1].id, { right: "post" });
		await send("POST", company + "/webhooks", { name: "人事システム", url: "https://hooks.outside.example/", events: ["account.created"] });
		await send("POST", company + "/ldap", { name: "本社AD", url: "ldaps://dc1.corp.example", base: "dc=corp,dc=example", preset: "ad" });
		return true;
	})()`)
}

// behind opens the sheet of a screen's first row with its tabs, and the dialog of its first action, judges them, and counts them.
func (p *Page) behind(t *testing.T, path string, v view, folder string) (opened int) {
	t.Run(strings.Trim(path, "/")+"/"+v.String(), func(t *testing.T) {
		p := &Page{t, p.ctx, p.Site}
		judged := func(name string) {
			p.Until("it stands", `!document.querySelector(".skeleton, [aria-busy=true]")`)
			if folder != "" {
				p.Shot(filepath.Join(folder, strings.Trim(path, "/")+"-"+name+"-"+v.String()+".png"))
			}
			p.judge(name)
			opened++
		}
		p.Go("/panel" + path)
		if Eval[bool](p, `(e => (e?.click(), !!e))([...document.querySelectorAll("main tr[data-row] a[href*='?']")].find((a) => a.pathname === location.pathname))`) {
			p.Until("the sheet opens", `document.querySelector("div[role=dialog]")`)
			judged("sheet")
			for i := range Eval[int](p, `document.querySelectorAll("div[role=dialog] [role=tab]").length`) {
				Eval[bool](p, fmt.Sprintf(`(document.querySelectorAll("div[role=dialog] [role=tab]")[%d].click(), true)`, i))
				judged(fmt.Sprintf("tab-%d", i))
			}
			p.Go("/panel" + path)
		}
		if Eval[bool](p, `(e => (e?.click(), !!e))(document.querySelector("main header button.main"))`) {
			p.Until("the dialog opens", `document.querySelector("dialog[open]")`)
			judged("dialog")
		}
	})
	return opened
}

// TestCP6ProofIsAsked: where the server wants to see again that it is him, the password is asked for, and what was meant is done then.
func TestCP6ProofIsAsked(t *testing.T) {
	b := Open(t)
	p := demo(t)
	owner := b.Page(t, p)
	owner.SignIn(p.Demo.Accounts[0].Address, p.Demo.Accounts[0].Password)
	owner.As("ja", "light", 1440)
	owner.Go("/panel/keys")
	// The browser has been open for long, as far as the first request can tell.
	Eval[bool](owner, `(() => {
		const send = window.fetch;
		let asked = false;
		window.fetch = (to, o) => asked || o?.method !== "POST" || !String(to).endsWith("/keys") ? send(to, o)
			: (asked = true, Promise.resolve(new Response(JSON.stringify({ key: "auth.confirm_needed", detail: "?" }), { status: 403, headers: { "Content-Type": "application/problem+json" } })));
		return true;
	})()`)
	owner.Press(said("panel.keys.add"))
	owner.Fill(said("panel.named"), "backup")
	owner.Press(said("panel.keys.add"))
	owner.Shows(said("panel.me.confirm.text"))
	owner.judge("proof")
	owner.Fill(said("panel.password"), "not it")
	owner.Press(said("panel.continue"))
	owner.Shows(said("password.wrong"))
	owner.Fill(said("panel.password"), p.Demo.Accounts[0].Password)
	owner.Press(said("panel.continue"))
	owner.Shows(said("panel.keys.once"))
}
