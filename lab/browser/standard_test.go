package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tegami/i18n"
	"tegami/lab/platform"
)

// TestSV1StandardWithoutScript walks through the Standard webmail in chromium with JavaScript switched off, in both languages and on a wide screen and
// a phone; axe-core has nothing against its pages. With TEGAMI_SCREENSHOTS set, what is on the screen is written there.
func TestSV1StandardWithoutScript(t *testing.T) {
	b := Open(t)
	p := platform.Start(t, 100)
	for n, lang := range []i18n.Lang{i18n.Japanese, i18n.English} {
		t.Run(string(lang), func(t *testing.T) {
			words := func(key string, args ...any) string { return i18n.New().Text(lang, key, args...) }
			page := b.Page(t, p)
			without := func(off bool) {
				Devtools(page, "switch JavaScript off or on", emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
			}
			without(true)
			a := p.Demo.Accounts[1+n]
			send(t, p, a.Address, fmt.Sprintf("<standard-%d@outside.example>", n))
			for _, width := range []int64{1280, 390} {
				page.Do("set the window", chromedp.EmulateViewport(width, 844))
				look := func(name string) {
					t.Helper()
					if to := os.Getenv("TEGAMI_SCREENSHOTS"); to != "" {
						page.Shot(filepath.Join(to, fmt.Sprintf("standard-%s-%s-%d.png", name, lang, width)))
					}
					without(false) // axe-core is a script itself
					found := page.Violations()
					without(true)
					for _, v := range found {
						t.Errorf("%s, %s, %d wide: %s: %s %q", name, lang, width, v.ID, v.Help, v.Nodes)
					}
					if over := Eval[int64](page, "document.documentElement.scrollWidth"); over > width {
						t.Errorf("%s, %s: %d wide on a screen of %d", name, lang, over, width)
					}
				}
				page.Go("/logout")
				page.Do("sign out", chromedp.Submit("form"))
				page.Until("nobody is signed in", `location.search.includes("out=1")`)
				page.Go("/login?lang=" + string(lang))
				look("login")
				page.Do("sign in", chromedp.SetValue("#name", a.Address), chromedp.SetValue("#password", a.Password), chromedp.Click("input[value=standard]"), chromedp.Submit("#name"))
				page.Until("the list stands", `location.pathname === "/standard/" && document.querySelector("main h1")`)
				page.Go("/standard/settings")
				page.Do("choose the language", chromedp.SetValue("select[name=language]", string(lang)), chromedp.Submit("select[name=language]"))
				page.Shows(words("standard.kept"))
				look("settings")
				page.Go("/standard/")
				page.Shows("Greetings")
				look("list")
				page.Press("Greetings")
				page.Shows("Hello.")
				look("read")
				page.Press(words("webmail.reply"))
				page.Shows(words("webmail.compose.recipients", 1, 1000))
				look("write")
				for _, path := range []string{"folders", "contacts", "card", "directory", "filter", "filters", "vacation", "search"} {
					page.Go("/standard/" + path)
					look(path)
				}
			}
		})
	}
}
