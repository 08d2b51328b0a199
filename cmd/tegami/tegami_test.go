package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/cmd/console"
	"tegami/directory"
	"tegami/i18n"
	"tegami/lab/ports"
)

// terminal runs the program as somebody at a terminal does.
type terminal struct {
	t    *testing.T
	data string
}

// safeBuffer is a buffer a running command writes while the test reads.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// tegami runs one command to its end, with text on its standard input.
func (m terminal) tegami(input string, args ...string) (out, failure string, code int) {
	m.t.Helper()
	var stdout, stderr safeBuffer
	sh := &shell{ctx: m.t.Context(), in: strings.NewReader(input), out: &stdout, err: &stderr, words: i18n.New(), lang: i18n.English}
	code = run(sh, args)
	return stdout.String(), stderr.String(), code
}

// admin runs an admin command on the data folder, which must work.
func (m terminal) admin(input string, args ...string) string {
	m.t.Helper()
	out, failure, code := m.tegami(input, append([]string{"admin", "--data", m.data}, args...)...)
	if code != 0 {
		m.t.Fatalf("tegami admin %v: %d\n%s%s", args, code, out, failure)
	}
	return out
}

// refuse runs an admin command that must fail with a text.
func (m terminal) refuse(want, input string, args ...string) {
	m.t.Helper()
	out, failure, code := m.tegami(input, append([]string{"admin", "--data", m.data}, args...)...)
	if code != 1 || !strings.Contains(failure, want) || out != "" {
		m.t.Errorf("tegami admin %v: %d, %q, %q; want %q", args, code, out, failure, want)
	}
}

// fromJSON reads what a command printed with --json.
func fromJSON[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return v
}

// demo runs the demo until the test stops it; it gives what demo.json says.
func (m terminal) demo(args ...string) (state demoState, stop func()) {
	m.t.Helper()
	ctx, cancel := context.WithCancel(m.t.Context())
	var out safeBuffer
	sh := &shell{ctx: ctx, in: strings.NewReader(""), out: &out, err: &out, words: i18n.New(), lang: i18n.English}
	ended := make(chan int, 1)
	base := strconv.Itoa(ports.Take(m.t))
	go func() { ended <- run(sh, append([]string{"demo", "--data", m.data, "--port-base", base}, args...)) }()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(m.data, stateFile))
		if err == nil {
			state = fromJSON[demoState](m.t, string(text))
			break
		}
		if len(ended) > 0 || time.Since(begun) > time.Minute {
			cancel()
			m.t.Fatalf("the demo did not come up:\n%s", out.String())
		}
	}
	return state, func() {
		m.t.Helper()
		cancel()
		if code := <-ended; code != 0 {
			m.t.Errorf("the demo ended with %d:\n%s", code, out.String())
		}
	}
}

// TestDemo holds the demo to what others rely on: the keys of demo.json, accounts that work, and a second run on the same folder.
func TestDemo(t *testing.T) {
	m := terminal{t, filepath.Join(t.TempDir(), "data")}
	state, stop := m.demo("--accounts", "100", "--password", "demo-password-1")
	if len(state.Accounts) != 100+smallCompany {
		t.Errorf("%d accounts", len(state.Accounts))
	}
	first, last := state.Accounts[0], state.Accounts[len(state.Accounts)-1]
	if first.Address != "user0@alpha.example" || first.Password != "demo-password-1" || len(first.Roles) != 1 || last.Address != "user4@beta.example" {
		t.Errorf("%+v, %+v", first, last)
	}
	for protocol, addr := range map[string]string{"smtp": state.SMTP, "imap": state.IMAP, "pop3": state.POP3} {
		if conn, err := net.Dial("tcp", addr); err != nil {
			t.Errorf("%s: %v", protocol, err)
		} else {
			conn.Close()
		}
	}
	trusted := trust(t, state.CA)
	for protocol, addr := range map[string]string{"smtps": state.SMTPS, "imaps": state.IMAPS, "pop3s": state.POP3S, "https": state.HTTPS} {
		conn, err := tls.Dial("tcp", addr, trusted)
		if err != nil {
			t.Errorf("%s: %v", protocol, err)
			continue
		}
		conn.Close()
	}
	deliverMail(t, state, "before the restart")
	stop()
	if out, failure, code := m.tegami("", "check", "--data", m.data); code != 0 || !strings.HasPrefix(out, "0 wrong") {
		t.Errorf("check: %d\n%s%s", code, out, failure)
	}

	again, stop := m.demo("--accounts", "100")
	defer stop()
	if again.Accounts[0].Password != "demo-password-1" || len(again.Accounts) != len(state.Accounts) {
		t.Errorf("%+v", again.Accounts[0])
	}
	deliverMail(t, again, "after it")
	text := retrieve(t, again)
	if !strings.Contains(text, "before the restart") || !strings.Contains(text, "after it") {
		t.Errorf("the inbox holds\n%s", text)
	}
	page := get(t, trusted, "https://"+again.HTTPS+"/?lang=en")
	if !strings.Contains(page, "SMTPS") || !strings.Contains(page, "POP3S") {
		t.Error(page)
	}
	if got := get(t, trusted, "https://"+again.HTTPS+"/healthz"); got != "ok\n" {
		t.Error(got)
	}
	if got := get(t, trusted, "https://"+again.HTTPS+"/metrics"); !strings.Contains(got, `tegami_accepted_total{door="smtp"} 1`) {
		t.Error(got)
	}
}

func trust(t *testing.T, ca string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

func get(t *testing.T, trusted *tls.Config, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusted}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func deliverMail(t *testing.T, state demoState, subject string) {
	t.Helper()
	to := state.Accounts[1].Address
	body := "From: a@outside.example\r\nTo: " + to + "\r\nSubject: " + subject + "\r\n\r\nHello\r\n"
	c, err := smtp.Dial(state.SMTP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := errors.Join(c.Mail("a@outside.example"), c.Rcpt(to)); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, body); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), c.Quit()); err != nil {
		t.Fatal(err)
	}
}

// retrieve reads the two messages of the second account by POP3.
func retrieve(t *testing.T, state demoState) string {
	t.Helper()
	conn, err := net.Dial("tcp", state.POP3)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	a := state.Accounts[1]
	io.WriteString(conn, "USER "+a.Address+"\r\nPASS "+a.Password+"\r\nRETR 1\r\nRETR 2\r\nQUIT\r\n")
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestServe runs the server by a boot file until it is asked to end.
func TestServe(t *testing.T) {
	m := terminal{t, t.TempDir()}
	file := filepath.Join(m.data, "tegami.toml")
	text := "hostname = 'mail.example'\ndata = '" + m.data + "'\n[log]\nform = 'json'\n" +
		"[[listen]]\nprotocol = 'smtp'\naddress = '127.0.0.1:0'\n[[listen]]\nprotocol = 'pop3s'\naddress = '127.0.0.1:0'\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var log safeBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(&shell{ctx: ctx, in: strings.NewReader(""), out: io.Discard, err: &log, words: i18n.New(), lang: i18n.English}, []string{"serve", "--config", file})
	}()
	for begun := time.Now(); !strings.Contains(log.String(), `"msg":"serving"`); time.Sleep(10 * time.Millisecond) {
		if len(ended) > 0 || time.Since(begun) > time.Minute {
			cancel()
			t.Fatalf("the server did not come up:\n%s", log.String())
		}
	}
	cancel()
	if code := <-ended; code != 0 || !strings.Contains(log.String(), `"msg":"stopping"`) {
		t.Errorf("%d\n%s", code, log.String())
	}
	if out, failure, code := m.tegami("", "check", "--config", file, "--repair"); code != 0 || !strings.HasPrefix(out, "0 wrong") {
		t.Errorf("check: %d\n%s%s", code, out, failure)
	}
}

func TestDemoTakesEmptyFoldersOnly(t *testing.T) {
	m := terminal{t, t.TempDir()}
	os.WriteFile(filepath.Join(m.data, "thesis.txt"), []byte("x"), 0o600)
	_, failure, code := m.tegami("", "demo", "--data", m.data)
	if code != 1 || !strings.Contains(failure, "not empty") {
		t.Errorf("%d, %s", code, failure)
	}
	m.data = t.TempDir()
	os.WriteFile(filepath.Join(m.data, passwordFile), []byte("one"), 0o600)
	_, failure, code = m.tegami("", "demo", "--data", m.data, "--password", "two")
	if code != 1 || !strings.Contains(failure, "another password") {
		t.Errorf("%d, %s", code, failure)
	}
}

// TestAdmin opens a company and manages it from order to deletion.
func TestAdmin(t *testing.T) {
	m := terminal{t, t.TempDir()}
	tenant := fromJSON[tenantRow](t, m.admin("", "--json", "tenant", "add", "アルファ商事", "--network", "198.51.100.0/24"))
	if tenant.State != "open" || tenant.Lang != "ja" || len(tenant.Networks) != 1 {
		t.Errorf("%+v", tenant)
	}
	m.refuse("is not a network", "", "tenant", "add", "Beta", "--network", "198.51.100.1")
	id := tenant.ID.String()
	domain := fromJSON[domainRow](t, m.admin("", "--json", "domain", "add", "Alpha.example", "--tenant", id, "--plan", "100MB", "--option", "imaps"))
	if domain.Name != "alpha.example" || domain.IDs != 10 || len(domain.Options) != 1 {
		t.Errorf("%+v", domain)
	}
	account := fromJSON[accountRow](t, m.admin("a long enough password\n", "--json", "account", "add", "sato@alpha.example", "--name", "佐藤 一郎", "--role", "owner"))
	if account.Quota != 100<<20 || account.Name != "佐藤 一郎" || len(account.Roles) != 1 {
		t.Errorf("%+v", account)
	}
	m.refuse("No password", "", "account", "add", "suzuki@alpha.example")
	m.admin("", "alias", "add", "info@alpha.example", "sato@alpha.example")
	if aliases := fromJSON[[]aliasRow](t, m.admin("", "--json", "alias", "list")); len(aliases) != 1 || aliases[0].Address != "sato@alpha.example" {
		t.Errorf("%+v", aliases)
	}
	if shown := m.admin("", "account", "show", "info@alpha.example"); !strings.Contains(shown, "佐藤 一郎") {
		t.Error(shown)
	}
	m.refuse("is an alias of", "", "account", "delete", "info@alpha.example")

	if list := m.admin("", "account", "list"); len(strings.Split(strings.TrimSpace(list), "\n")) != 2 {
		t.Error(list)
	}
	set := fromJSON[accountRow](t, m.admin("another long password", "--json", "account", "set", "sato@alpha.example", "--state", "suspended", "--role", "none", "--set-password"))
	if set.State != "suspended" || len(set.Roles) != 0 {
		t.Errorf("%+v", set)
	}
	changed := fromJSON[domainRow](t, m.admin("", "--json", "domain", "set", "alpha.example", "--plan", "3GB", "--ids", "20", "--option", "none"))
	if changed.Plan != directory.Plan3GB.String() || changed.IDs != 20 || len(changed.Options) != 0 {
		t.Errorf("%+v", changed)
	}
	if rows := fromJSON[[]itemRow](t, m.admin("", "--json", "queue", "list", "--state", "all")); len(rows) != 0 {
		t.Errorf("%+v", rows)
	}
	m.admin("", "alias", "delete", "info@alpha.example")
	m.admin("", "account", "delete", "--destroy", "sato@alpha.example")
	m.admin("", "domain", "delete", "alpha.example")
	if domains := fromJSON[[]domainRow](t, m.admin("", "--json", "domain", "list", "--tenant", id)); len(domains) != 0 {
		t.Errorf("%+v", domains)
	}
	closed := fromJSON[tenantRow](t, m.admin("", "--json", "tenant", "set", id, "--state", "closed"))
	if closed.State != "closed" {
		t.Errorf("%+v", closed)
	}
	if list := m.admin("", "tenant", "list"); !strings.Contains(list, "closed") {
		t.Error(list)
	}
}

func TestCommandLine(t *testing.T) {
	m := terminal{t, t.TempDir()}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--help"}, 0, "serve"},
		{[]string{"admin", "--help"}, 0, "tenant"},
		{[]string{"nonsense"}, 2, "unexpected argument"},
		{[]string{"serve"}, 2, "--config"},
		{[]string{"serve", "--config", filepath.Join(m.data, "none.toml")}, 1, "cannot be used"},
		{[]string{"version"}, 0, "tegami "},
		{[]string{"config"}, 0, "#hostname"},
		{[]string{"config", "--reference"}, 0, "| `hostname` |"},
	} {
		out, failure, code := m.tegami("", c.args...)
		if code != c.code || !strings.Contains(out+failure, c.want) {
			t.Errorf("tegami %v: %d, %q %q", c.args, code, out, failure)
		}
	}
}

func TestTableCountsCells(t *testing.T) {
	var out bytes.Buffer
	console.WriteTable(&out, [][]string{{"名前", "x"}, {"abcdef", "y"}, {"ｱ", "z"}})
	if want := "名前    x\nabcdef  y\nｱ       z\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}

func TestLanguageOfTheEnvironment(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want i18n.Lang
	}{
		{map[string]string{"LANG": "ja_JP.UTF-8"}, i18n.Japanese},
		{map[string]string{"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, i18n.English},
		{map[string]string{"LANG": "C.UTF-8"}, i18n.English},
		{nil, i18n.English},
	} {
		if got := langOf(func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%v: %s", c.env, got)
		}
	}
}
