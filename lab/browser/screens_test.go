package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tegami/lab/platform"
)

var (
	// screenLine is a line of the panel's table of screens: its path, its right, whether it shows a company.
	screenLine = regexp.MustCompile(`\{ path: "([^"]+)".* right: "([^"]+)", company: (true|false).*import\("\./screens/`)
	operators  = []string{"order", "order.read"}
)

// screens reads the panel's own table, so that no screen is forgotten.
func screens(t *testing.T) (company, platformWide, own []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(platform.Root(), "web/panel/src/screens.ts"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range screenLine.FindAllStringSubmatch(string(text), -1) {
		switch {
		case m[1] == "/kit":
		case slices.Contains(operators, m[2]) && m[3] == "false":
			platformWide = append(platformWide, m[1])
		case m[3] == "true":
			company = append(company, m[1])
		default:
			own = append(own, m[1])
		}
	}
	if len(company) < 5 {
		t.Fatalf("only %d screens found in screens.ts", len(company))
	}
	return company, platformWide, own
}

// demo is a running platform: that of TEGAMI_DEMO (the path of a demo.json), or one of its own.
func demo(t *testing.T) *platform.Platform {
	t.Helper()
	path := os.Getenv("TEGAMI_DEMO")
	if path == "" {
		return platform.Start(t, 120)
	}
	p := &platform.Platform{Dir: filepath.Dir(path)}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &p.Demo)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// view is one way to look at a screen.
type view struct {
	lang, theme string
	width       int64
}

func (v view) String() string { return fmt.Sprintf("%s-%d-%s", v.lang, v.width, v.theme) }

// views are all ways that `make screenshots` renders.
func views() (list []view) {
	for _, lang := range []string{"ja", "en"} {
		for _, width := range []int64{1440, 390} {
			for _, theme := range []string{"light", "dark"} {
				list = append(list, view{lang, theme, width})
			}
		}
	}
	return list
}

// TestScreens opens every screen: axe-core finds nothing, nothing is wider than the window, no key of the catalogue shows. With
// TEGAMI_SCREENSHOTS (a folder) every screen is written there in every language, width and theme.
func TestScreens(t *testing.T) {
	b := Open(t)
	p := demo(t)
	folder := os.Getenv("TEGAMI_SCREENSHOTS")
	list := []view{{"ja", "light", 1440}, {"en", "dark", 390}}
	if folder != "" {
		list = views()
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	company, wide, own := screens(t)
	owner := b.Page(t, p)
	owner.SignIn(p.Demo.Accounts[0].Address, p.Demo.Accounts[0].Password)
	owner.Settle()
	operator := b.Page(t, p)
	operator.SignIn(p.Demo.Operator.Address, p.Demo.Operator.Password)
	operator.Settle()
	only := os.Getenv("TEGAMI_SCREENS") // a regular expression of paths
	for _, v := range list {
		owner.As(v.lang, v.theme, v.width)
		operator.As(v.lang, v.theme, v.width)
		for _, path := range append(slices.Clone(company), own...) {
			look(t, owner, path, v, folder, only)
		}
		for _, path := range wide {
			look(t, operator, path, v, folder, only)
		}
	}
}

// look judges one screen.
func look(t *testing.T, p *Page, path string, v view, folder, only string) {
	if matched, err := regexp.MatchString(only, path); err != nil || !matched {
		return
	}
	t.Run(strings.Trim(path, "/")+"/"+v.String(), func(t *testing.T) {
		p := &Page{t, p.ctx, p.Site}
		p.Go("/panel" + path)
		if folder != "" {
			p.Shot(filepath.Join(folder, strings.ReplaceAll(strings.Trim(path, "/"), "/", "-")+"-"+v.String()+".png"))
		}
		p.judge(path)
		if broken := Eval[string](p, `document.querySelector("main .note.loss")?.innerText ?? ""`); broken != "" && path != "/overview" && path != "/health" {
			t.Errorf("the screen shows a problem: %s", broken)
		}
	})
}

// judge holds what is on the screen to what holds everywhere.
func (p *Page) judge(name string) {
	p.t.Helper()
	if wide := Eval[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
		p.t.Errorf("%s: %d pixels wider than the window", name, wide)
	}
	if bare := Eval[string](p, `(document.body.innerText.match(/\bpanel\.[a-z_.]+/) ?? [""])[0]`); bare != "" {
		p.t.Errorf("%s: the key %s shows", name, bare)
	}
	for _, found := range p.Violations() {
		p.t.Errorf("%s: axe: %s (%s)\n  %s", name, found.Help, found.ID, strings.Join(found.Nodes, "\n  "))
	}
}
