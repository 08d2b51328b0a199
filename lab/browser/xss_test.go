package browser

import (
	"bufio"
	"encoding/json"
	"fmt"
	stdhtml "html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tegami/lab/platform"
	"tegami/wire/html"
)

// attack is one of wire/html's collection.
type attack struct{ Name, Kind, HTML string }

func attacks(t *testing.T) (list []attack) {
	t.Helper()
	f, err := os.Open(filepath.Join(platform.Root(), "wire/html/testdata/xss.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text := lines.Text(); strings.HasPrefix(text, "{") {
			var a attack
			if err := json.Unmarshal([]byte(text), &a); err != nil {
				t.Fatal(err)
			}
			list = append(list, a)
		}
	}
	return list
}

// provoke does in every frame what a reader might: it points, presses, types and looks at everything that is there.
const provoke = `(() => {
	const events = ["click", "dblclick", "mouseover", "mouseenter", "mousemove", "pointerover", "pointerenter", "focus", "focusin", "wheel", "scroll", "toggle", "beforetoggle", "animationstart",
		"animationend", "webkitAnimationEnd", "transitionrun", "cut", "paste", "beforeinput", "keydown", "load", "error", "resize", "pageshow", "hashchange", "begin", "start", "submit"];
	const bad = [];
	for (const f of document.querySelectorAll("iframe")) {
		const d = f.contentDocument;
		if (!d) continue;
		for (const e of [d.documentElement, d.body, ...d.querySelectorAll("*")]) {
			if (!e) continue;
			if (/^(java|vb|live)script:|^data:/i.test((e.href?.baseVal ?? e.href ?? "").trim())) bad.push(f.title + ": " + e.outerHTML.slice(0, 200));
			for (const kind of events) {
				const event = new f.contentWindow.Event(kind, { bubbles: true, cancelable: true });
				if (kind === "click" && e.closest?.("a, area")) event.preventDefault();
				e.dispatchEvent(event);
			}
		}
	}
	return bad;
})()`

// frames renders a page with one frame for each attack. A frame's canary names it in the page.
func frames(t *testing.T, list []attack, attributes string, document func(n int, a attack) string) string {
	t.Helper()
	var page strings.Builder
	page.WriteString(`<!doctype html><meta charset=utf-8><title>canary</title><script>fired = []; onerror = () => true</script>`)
	for n, a := range list {
		fmt.Fprintf(&page, "<iframe %s title=%q srcdoc=\"%s\"></iframe>\n", attributes, stdhtml.EscapeString(a.Name), stdhtml.EscapeString(document(n, a)))
	}
	page.WriteString(`<p id=end>end</p>`)
	return page.String()
}

// canary is a script that tells the page which frame something ran in.
func canary(n int) string {
	return fmt.Sprintf(`<script>canary = () => parent.fired.push(%d); alert = prompt = confirm = open = () => {}</script>`, n)
}

// TestXSSCollection renders the collection in chromium. Sanitised and without any other guard, nothing of it runs; in the sandbox that mail is shown in,
// nothing runs even as it came. As it came and without the sandbox, much does: the test can fail.
func TestXSSCollection(t *testing.T) {
	list := attacks(t)
	if len(list) < 150 {
		t.Fatalf("only %d attacks", len(list))
	}
	policy := `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src https://content.example data:; style-src 'unsafe-inline'">`
	options := html.Options{CID: func(string) string { return "data:image/gif;base64,R0lGODlhAQABAAAAACw=" }, Picture: func(u string) string { return "https://content.invalid/?" + u }}
	pages := map[string]string{
		"/clean": frames(t, list, "", func(n int, a attack) string { // as mail in HTML, as mail in plain text, and as a name or a header stands in a page
			name := stdhtml.EscapeString(a.HTML)
			return canary(n) + html.Sanitise(a.HTML, options).HTML + html.FromText(a.HTML).HTML + `<p title="` + name + `">` + name + `</p><a download="` + name + `">x</a>`
		}),
		"/sandbox": frames(t, list, `sandbox="allow-same-origin allow-popups"`, func(_ int, a attack) string {
			return policy + "<script>canary = () => parent.fired.push(0)</script>" + a.HTML
		}),
		"/bare": frames(t, list, "", func(n int, a attack) string { return canary(n) + a.HTML }),
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(pages[r.URL.Path]))
	}))
	t.Cleanup(site.Close)
	b := Open(t)
	fired := func(path string) (which []int, bad []string) {
		ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
		defer stop()
		if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
			t.Fatal(err)
		}
		p := &Page{t, ctx, site.URL}
		p.Do("open "+path, chromedp.Navigate(site.URL+path))
		p.Until("it stands", `document.readyState === "complete" && document.querySelector("#end")`)
		bad = Eval[[]string](p, provoke)
		return Eval[[]int](p, `new Promise((done) => setTimeout(() => done([...new Set(fired)]), 300))`), bad
	}
	for _, path := range []string{"/clean", "/sandbox"} {
		which, bad := fired(path)
		for _, n := range which {
			t.Errorf("%s: %s ran", path, list[n].Name)
		}
		if path != "/sandbox" && len(bad) > 0 {
			t.Errorf("%s: links that run: %q", path, bad)
		}
	}
	if which, bad := fired("/bare"); len(which) < 60 || len(bad) < 5 {
		t.Errorf("only %d attacks run where nothing stops them, and %d links would", len(which), len(bad))
	}
}
