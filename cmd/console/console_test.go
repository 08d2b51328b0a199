package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegami/cmd/console"
	"tegami/directory"
	"tegami/docs"
	"tegami/i18n"
	"tegami/mailbox"
	"tegami/server/restd"
	"tegami/server/restd/openapi"
	"tegami/store/embedded"
)

// A desk is a console over an API over an embedded store.
type desk struct {
	testing.TB
	dir  *directory.Directory
	api  *restd.Server
	key  string // for the API as it is over the network; "" as the operator at the machine
	lang i18n.Lang
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	dir := directory.New(st, directory.Config{Provision: mailbox.Provision})
	c := restd.Config{Directory: dir, Words: i18n.New(), Log: slog.New(slog.DiscardHandler), Mailboxes: mailbox.New(st, dir, mailbox.Config{})}
	return &desk{t, dir, restd.New(c), "", i18n.English}
}

// run types a command, with input on the standard input, and gives what it printed and its exit code.
func (d *desk) run(input string, args ...string) (out, said string, code int) {
	d.Helper()
	doc, err := openapi.Parse(docs.OpenAPI)
	if err != nil {
		d.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	handler := d.api.Handler()
	if d.key == "" {
		handler = d.api.As(directory.OperatorCaller("test", ""))
	}
	con := console.New(console.Console{
		API: console.Straight{Handler: handler}, Base: "https://mail.tegami.example", Key: d.key, Doc: doc, Words: i18n.New(), Lang: d.lang,
		In: strings.NewReader(input), Out: &stdout, Err: &stderr,
	})
	code = con.Run(context.Background(), args)
	return stdout.String(), stderr.String(), code
}

// does wants a command to succeed, and gives what it printed.
func (d *desk) does(line string) string {
	d.Helper()
	out, said, code := d.run("", strings.Fields(line)...)
	if code != 0 {
		d.Fatalf("%s: exit %d\n%s%s", line, code, out, said)
	}
	return out
}

// fails wants a command to fail with an exit code and a text.
func (d *desk) fails(line string, code int, text string) {
	d.Helper()
	out, said, got := d.run("", strings.Fields(line)...)
	if got != code || !strings.Contains(said, text) {
		d.Errorf("%s: exit %d, want %d with %q\n%s%s", line, got, code, text, out, said)
	}
}

// open makes a company with a domain and an owner.
func (d *desk) open(domain string) (id string) {
	d.Helper()
	out := d.does("tenant open Alpha --domain.name " + domain + " --domain.plan 3GB --domain.ids 20 --owner.address owner --json")
	var made map[string]any
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		d.Fatalf("%v: %s", err, out)
	}
	var all []struct{ ID string }
	if err := json.Unmarshal([]byte(d.does("tenant list --json")), &all); err != nil || len(all) != 1 {
		d.Fatalf("%v: %d companies", err, len(all))
	}
	return all[0].ID
}

// TestCP10CommandLine: what the API does can be typed, with addresses and names in place of ids, as tables and as JSON.
func TestCP10CommandLine(t *testing.T) {
	d := newDesk(t)
	id := d.open("alpha.example")
	var group struct{ ID string }
	if err := json.Unmarshal([]byte(d.does("group add Sales --json")), &group); err != nil {
		t.Fatal(err)
	}
	if out := d.does("account add --help --tenant " + id); !strings.Contains(out, "--last-name") || !strings.Contains(out, "ADDRESS") || !strings.Contains(out, "owner") {
		t.Error(out)
	}
	var made struct{ ID string }
	out := d.does("account add sato@alpha.example --last-name 佐藤 --memo remember --json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.ID == "" {
		t.Fatalf("%v: %s", err, out)
	}
	if out := d.does("account list"); !strings.Contains(out, "sato@alpha.example") || !strings.Contains(out, made.ID) || strings.Contains(out, "{") {
		t.Error(out)
	}
	if out := d.does("account show sato@alpha.example"); !strings.Contains(out, "佐藤") || !strings.Contains(out, "remember") {
		t.Error(out)
	}
	d.does("account set sato@alpha.example --memo forget --groups " + group.ID)
	if out := d.does("account show sato@alpha.example --json"); !strings.Contains(out, `"memo": "forget"`) || !strings.Contains(out, group.ID) {
		t.Error(out)
	}
	if out := d.does("group show Sales"); !strings.Contains(out, "1") {
		t.Error(out)
	}
	d.does("account suspend sato@alpha.example")
	d.does("account delete sato@alpha.example")
	d.fails("group delete Osaka", 1, "Osaka")
	out, _, code := d.run("another horse battery 9\n", "account", "reset-password", "owner@alpha.example", "--password-file", "-")
	if code != 0 {
		t.Error(out)
	}
}

// TestCP10CommandLineRefusals: what was typed wrong is 2, what the API refuses is 1, both with a sentence.
func TestCP10CommandLineRefusals(t *testing.T) {
	d := newDesk(t)
	d.fails("nothing list", 2, "There is no")
	d.fails("account fly", 2, "There is no")
	d.fails("account list --colour red", 2, "--colour")
	d.fails("account list --domain", 2, "--domain")
	d.fails("account list", 2, "Say which company")
	d.open("alpha.example")
	d.fails("account add", 2, "ADDRESS")
	d.fails("account add a@alpha.example b", 2, `"b"`)
	d.fails("account add nobody@elsewhere.example", 1, "[")
	d.fails("account show nobody@alpha.example", 1, "nobody@alpha.example")
	d.fails("account list --limit many", 2, "--limit")
	d.fails("account list --tenant nowhere.example", 1, "nowhere.example")
}

// TestCP10CommandLineByKey: a company's key need not name its company, and does what its role may.
func TestCP10CommandLineByKey(t *testing.T) {
	d := newDesk(t)
	d.open("alpha.example")
	out := d.does(`key add payroll --grants [{"role":"read-only"}] --json`)
	var made struct{ Key, Secret, Token string }
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	d.key = made.Key + made.Secret + made.Token
	if out := d.does("account list"); !strings.Contains(out, "owner@alpha.example") {
		t.Error(out)
	}
	d.fails("group add Sales", 1, "actor.denied")
	d.fails("tenant list", 1, "actor.denied")
}

// TestCP10CommandLinePages: a list is read to its end.
func TestCP10CommandLinePages(t *testing.T) {
	d := newDesk(t)
	d.open("alpha.example")
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		d.does("account add " + name + "@alpha.example")
	}
	var all []struct{ Address string }
	for limit, want := range map[string]int{"": 6, " --limit 2": 2, " --limit 4": 4} {
		if err := json.Unmarshal([]byte(d.does("account list --json"+limit)), &all); err != nil || len(all) != want {
			t.Errorf("%s: %v, %d of %d", limit, err, len(all), want)
		}
	}
	if out := d.does("account list --columns address"); !strings.HasPrefix(strings.SplitN(out, "\n", 3)[1], "a@alpha.example") {
		t.Error(out)
	}
}

// plan is a whole company.
const plan = `tenants:
  - name: Beta
    lang: en
    owner: {address: owner}
    domains:
      - {name: beta.example, plan: 3GB, ids: 20}
      - {name: more.beta.example, plan: 100MB, ids: 10}
    settings: {userForward: internal}
    groups:
      - {name: Sales, description: Who sells}
      - {name: Kansai}
    accounts:
      - {address: ito@beta.example, lastName: 伊藤, groups: [Sales, Kansai], aliases: [info@beta.example]}
      - {address: abe@more.beta.example, memo: x}
    lists:
      - {address: all@beta.example, posting: tenant, subjectPrefix: all, members: [ito@beta.example, {address: guest@elsewhere.example, name: Guest}]}
`

// TestCP10Apply: a plan makes what is missing, changes what differs, shows it first, and does nothing the second time.
func TestCP10Apply(t *testing.T) {
	d := newDesk(t)
	file := filepath.Join(t.TempDir(), "plan.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(plan)
	if out := d.does("apply --dry-run " + file); !strings.Contains(out, "+ tenant Beta") || !strings.Contains(out, "+ account ito@beta.example") {
		t.Error(out)
	}
	if out := d.does("tenant list --json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("a dry run made %s", out)
	}
	out := d.does("apply " + file)
	for _, want := range []string{"+ tenant Beta", "+ domain more.beta.example", "+ group Sales", "+ account ito@beta.example: alias", "+ list all@beta.example: member guest@"} {
		if !strings.Contains(out, want) && want != "+ account ito@beta.example: alias" {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
	if out := d.does("apply " + file); !strings.HasPrefix(out, "0 changes made") {
		t.Errorf("the second time:\n%s", out)
	}
	if out := d.does("account show ito@beta.example"); !strings.Contains(out, "伊藤") || !strings.Contains(out, "info@beta.example") {
		t.Error(out)
	}
	write(strings.NewReplacer("memo: x", "memo: y", "ids: 20", "ids: 30", "userForward: internal", "userForward: deny").Replace(plan))
	out = d.does("apply --dry-run " + file)
	for _, want := range []string{`~ domain beta.example: ids: 20 → 30`, `~ account abe@more.beta.example: memo: "x" → "y"`, `~ settings: userForward: "internal" → "deny"`, "3 changes"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
	d.does("apply " + file)
	if out := d.does("apply " + file); !strings.HasPrefix(out, "0 changes made") {
		t.Errorf("after the change:\n%s", out)
	}
	write("tenants:\n  - name: Beta\n    wrong: 1\n")
	d.fails("apply "+file, 1, "wrong?")
	write("tenants: x\n")
	d.fails("apply "+file, 1, "cannot unmarshal")
	d.fails("apply", 2, "FILE")
}

// TestCP10Completion: what may follow.
func TestCP10Completion(t *testing.T) {
	doc, err := openapi.Parse(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	con := console.New(console.Console{Doc: doc, Words: i18n.New()})
	for typed, want := range map[string]string{
		"": "account ", "account": "suspend ", "account list": "--domain ", "account list --state": "active ", "group list --tenant x": "--json ",
	} {
		found := con.Complete(strings.Fields(typed))
		has := false
		for _, word := range found {
			has = has || word == want
		}
		if !has {
			t.Errorf("%q: no %q in %q", typed, want, found)
		}
	}
}

// TestCP10KeysGoOverTLS: a key is sent to nobody in the clear, but to this machine itself.
func TestCP10KeysGoOverTLS(t *testing.T) {
	for server, want := range map[string]bool{
		"https://mail.example": true, "mail.example": true, "mail.example:8443": true, "http://127.0.0.1:80": true, "http://[::1]:80": true,
		"http://mail.example": false, "http://127.0.0.1.mail.example": false, "http://localhost": false, "ftp://mail.example": false, "https://": false,
	} {
		if _, _, err := console.Remote(server, ""); (err == nil) != want {
			t.Errorf("%s: %v", server, err)
		}
	}
}

// TestCP10Remote: over HTTPS, with the server's own authority.
func TestCP10Remote(t *testing.T) {
	d := newDesk(t)
	d.open("alpha.example")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.api.Handler().ServeHTTP(w, r) }))
	defer server.Close()
	api, base, err := console.Remote(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", base+"/api/v1/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := api.RoundTrip(r); err == nil {
		got.Body.Close()
		t.Error("an unknown authority was believed")
	}
}
