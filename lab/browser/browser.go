// Package browser drives the panel with Debian's chromium, as a person would: by what stands on the screen.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tegami/lab/platform"
)

// patience is how long something may take to stand on the screen.
const patience = 20 * time.Second

// Browser is a running chromium.
type Browser struct{ ctx context.Context }

// Open starts chromium. The test is skipped where there is none, or where the pages were not built.
func Open(t testing.TB) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium here (Debian: apt-get install chromium)")
	}
	if _, err := os.Stat(filepath.Join(platform.Root(), "web/panel/dist/pages/index.html")); err != nil {
		t.Skip("the pages are not built here (make web)")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU, chromedp.IgnoreCertErrors,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "ja"), chromedp.Flag("accept-lang", "ja"), chromedp.Flag("disable-dev-shm-usage", true),
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return &Browser{ctx}
}

// Page is a tab of its own: nobody is signed in there.
type Page struct {
	t    testing.TB
	ctx  context.Context
	Site string // "https://localhost:25006"
}

// Page opens a tab on a platform.
func (b *Browser) Page(t testing.TB, p *platform.Platform) *Page {
	t.Helper()
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // the tab lives as long as the context of its first step
		t.Fatalf("chromium: %v", err)
	}
	return &Page{t, ctx, "https://localhost:" + p.Demo.HTTPS[strings.LastIndexByte(p.Demo.HTTPS, ':')+1:]}
}

// Do carries out steps; the test ends when one fails.
func (p *Page) Do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.lost(what, err)
	}
}

// lost ends the test and says what stood on the screen.
func (p *Page) lost(what string, err error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	seen, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 3000)`))
	p.t.Fatalf("%s: %v\non the screen:\n%s", what, err, seen)
}

// Go opens a path and waits until its screen stands.
func (p *Page) Go(path string) {
	p.t.Helper()
	p.Do("go to "+path, chromedp.Navigate(p.Site+path))
	if strings.HasPrefix(path, "/panel") {
		p.Settle()
	}
}

// Settle waits until a screen stands and nothing on it is being fetched.
func (p *Page) Settle() {
	p.t.Helper()
	p.Until("the screen stands", `document.querySelector("main h1, main .broken .note") && !document.querySelector(".skeleton, [aria-busy=true]")`)
}

// Until waits until an expression of JavaScript is true.
func (p *Page) Until(what, expression string) {
	p.t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var ok bool
		if ok, err = chromedp.Run(p.ctx, chromedp.Evaluate[bool]("!!("+expression+")")); ok && err == nil {
			return
		}
	}
	p.lost("waiting until "+what, fmt.Errorf("not within %v (%v)", patience, err))
}

// Shows waits until a text stands on the screen.
func (p *Page) Shows(text string) {
	p.t.Helper()
	p.Until("the screen shows "+text, "document.body.innerText.includes("+quote(text)+")")
}

// Text gives what an element says.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	p.Until(selector+" is there", "document.querySelector("+quote(selector)+")")
	return Eval[string](p, "document.querySelector("+quote(selector)+").innerText")
}

// Eval gives the value of an expression of JavaScript.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.lost(expression, err)
	}
	return value
}

// named finds what can be seen and bears a name, as a screen reader would say it: the innermost dialog first.
const named = `(kind, name) => {
	const seen = (e) => e.checkVisibility() && !e.closest("[inert]");
	const said = (e) => (e.getAttribute("aria-label") || [...(e.labels ?? [])].map((l) => l.innerText.replace("*", "")).join() || e.innerText || "").trim();
	const within = (top) => {
		const all = [...top.querySelectorAll(kind)].filter((e) => seen(e) && !e.disabled);
		return all.find((e) => said(e) === name) ?? all.find((e) => said(e).startsWith(name));
	};
	const modal = [...document.querySelectorAll("dialog[open]")].at(-1);
	if (modal) return within(modal);
	const menu = document.querySelector("[role=menu]:popover-open");
	const sheet = document.querySelector("div[role=dialog]");
	return (menu && within(menu)) ?? (sheet && within(sheet)) ?? within(document);
}`

// Press presses the button, link, tab or box of a name.
func (p *Page) Press(name string) {
	p.t.Helper()
	find := "(" + named + `)("button, a, [role=menuitem], [role=menuitemradio], [role=tab], input[type=checkbox], summary", ` + quote(name) + ")"
	p.Until("there is "+name+" to press", find)
	Eval[bool](p, "("+find+".click(), true)")
}

// Fill types into the field of a name.
func (p *Page) Fill(name, text string) {
	p.t.Helper()
	find := "(" + named + `)("input, textarea, select", ` + quote(name) + ")"
	p.Until("there is the field "+name, find)
	Eval[bool](p, `((e) => { e.focus(); e.value = `+quote(text)+`; e.dispatchEvent(new Event("input", { bubbles: true })); e.dispatchEvent(new Event("change", { bubbles: true })); return true })(`+find+")")
}

// SignIn signs in on the one sign-in page, and puts off what may be put off.
func (p *Page) SignIn(name, password string) {
	p.t.Helper()
	p.Go("/login?next=/panel/")
	p.Do("sign in as "+name, chromedp.WaitVisible("#name"), chromedp.SetValue("#name", name), chromedp.SetValue("#password", password), chromedp.Submit("#name"))
	p.Until(name+" is let in", `location.pathname.startsWith("/panel") || document.querySelector("input[value=later], input[value=change], .wrong")`)
	if Eval[bool](p, `!!document.querySelector("input[value=later]")`) {
		p.Do("later", chromedp.Submit("input[value=later]"))
	}
}

// As chooses language, theme and width, as they are kept in a browser.
func (p *Page) As(lang, theme string, width int64) {
	p.t.Helper()
	height := int64(900)
	if width < 600 {
		height = 844
	}
	p.Do("set the window", chromedp.EmulateViewport(width, height))
	Devtools(p, "set the theme", emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	Eval[bool](p, `(localStorage.setItem("tegami.lang", `+quote(lang)+`), true)`)
}

// Shot writes what is on the screen into a PNG file; its folder is made.
func (p *Page) Shot(file string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		p.lost(file, err)
	}
}

// Violation is something that axe-core holds against a screen.
type Violation struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

// Violations asks axe-core what keeps people from using the screen (WCAG 2.2 A and AA).
func (p *Page) Violations() []Violation {
	p.t.Helper()
	axe, err := os.ReadFile(filepath.Join(platform.Root(), "web/node_modules/axe-core/axe.min.js"))
	if err != nil {
		p.t.Skip("axe-core is not installed here (make web)")
	}
	Eval[bool](p, string(axe)+";true")
	return Eval[[]Violation](p, `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: { region: { enabled: false } } })
		.then((r) => r.violations.map((v) => ({ id: v.id, help: v.help, nodes: v.nodes.map((n) => n.target.join(" ") + ": " + n.html.slice(0, 160) + " — " + (n.any[0]?.message ?? n.all[0]?.message ?? "")) })))`)
}

// Devtools sends a command of the DevTools protocol.
func Devtools[P, R any](p *Page, what string, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	answer, err := chromedp.Call(ctx, command, params)
	if err != nil {
		p.lost(what, err)
	}
	return answer
}

func quote(s string) string {
	text, _ := json.Marshal(s) // of a string
	return string(text)
}
