package httpd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegami/i18n"
	"tegami/obs"
)

// browser is a page of a real browser, driven by its debugging protocol over pipes.
type browser struct {
	testing.TB
	in      io.WriteCloser
	out     *bufio.Reader
	session string
	last    int
}

// pageTimeout is how long a browser may take for all it does in a test, on a busy machine.
const pageTimeout = 60 * time.Second

// browse opens a browser in which all names lead to a door.
func browse(t testing.TB, s *Server) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: no real browser to look with")
	}
	toIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, toOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--ignore-certificate-errors", "--remote-debugging-pipe",
		"--host-resolver-rules=MAP * "+serve(t, s), "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{toIn, toOut}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	toIn.Close()
	toOut.Close()
	b := &browser{TB: t, in: in, out: bufio.NewReaderSize(out, 1<<20)}
	t.Cleanup(func() {
		in.Close() // ends it
		out.Close()
		over := time.AfterFunc(pageTimeout, func() { cmd.Process.Kill() })
		cmd.Wait()
		over.Stop()
	})
	out.SetReadDeadline(time.Now().Add(pageTimeout))
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	b.call("Page.enable", map[string]any{}, nil)
	b.call("Network.enable", map[string]any{}, nil)
	return b
}

// serve opens the door on loopback until the test ends, and gives its address.
func serve(t testing.TB, s *Server) string {
	t.Helper()
	probe := httptest.NewTLSServer(nil) // for its certificate
	config := probe.TLS.Clone()
	probe.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, config) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// answer is what the browser says: the reply to a call, or that something happened.
type answer struct {
	ID     int
	Method string
	Result json.RawMessage
	Error  json.RawMessage
}

// call asks the browser and waits for its reply.
func (b *browser) call(method string, params, result any) {
	b.Helper()
	b.last++
	request := map[string]any{"id": b.last, "method": method, "params": params}
	if b.session != "" {
		request["sessionId"] = b.session
	}
	text, err := json.Marshal(request)
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	if err != nil {
		b.Fatal(err)
	}
	reply := b.until(func(a answer) bool { return a.ID == b.last })
	if reply.Error != nil {
		b.Fatalf("%s: %s", method, reply.Error)
	}
	if result != nil {
		if err := json.Unmarshal(reply.Result, result); err != nil {
			b.Fatal(err)
		}
	}
}

// until reads what the browser says until it is what is waited for.
func (b *browser) until(wanted func(answer) bool) answer {
	b.Helper()
	for {
		text, err := b.out.ReadBytes(0)
		if err != nil {
			b.Fatalf("the browser ended: %v", err)
		}
		var a answer
		if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &a); err != nil {
			b.Fatal(err)
		}
		if wanted(a) {
			return a
		}
	}
}

// load waits until the page is there.
func (b *browser) load() {
	b.Helper()
	b.until(func(a answer) bool { return a.Method == "Page.loadEventFired" })
}

// open goes to a page in a language.
func (b *browser) open(url string, lang i18n.Lang) {
	b.Helper()
	b.call("Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]string{"Accept-Language": string(lang)}}, nil)
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	b.load()
}

// eval gives the text an expression yields in the page.
func (b *browser) eval(expression string) string {
	b.Helper()
	var got struct{ Result struct{ Value any } }
	b.call("Runtime.evaluate", map[string]any{"expression": expression}, &got)
	return fmt.Sprint(got.Result.Value)
}

// picture keeps what the page looks like in the folder TEGAMI_PICTURES, for somebody to look at; nothing where it isn't set.
func (b *browser) picture(name string, width, height int, dark bool) {
	b.Helper()
	dir := os.Getenv("TEGAMI_PICTURES")
	if dir == "" {
		return
	}
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// overflow is how many pixels of the page are cut off at a width.
func (b *browser) overflow(width int) string {
	b.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false}, nil)
	return b.eval(`document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

// TestUnsubscribeInABrowser reads the page in both languages, changes the language by its link, and presses the button.
func TestUnsubscribeInABrowser(t *testing.T) {
	l, words := &lists{member: true}, i18n.New()
	b := browse(t, New(Config{Words: words, Metrics: obs.NewMetrics(), Hostname: "mail.example", Unsubscribe: l}))
	for _, lang := range i18n.Langs() {
		l.member = true
		b.open("https://mail.example/unsubscribe?t=good", lang)
		if got := b.eval(`document.querySelector("main p").innerText`); got != words.Text(lang, "unsubscribe.ask", "team@alpha.example") {
			t.Errorf("%s: %q", lang, got)
		}
		if got := b.eval(`document.documentElement.lang`); got != string(lang) {
			t.Errorf("%s: the page says it is in %s", lang, got)
		}
		for _, width := range []int{320, 1440} {
			if cut := b.overflow(width); cut != "0" {
				t.Errorf("%s: %s pixels are cut off at a width of %d", lang, cut, width)
			}
		}
		b.picture("unsubscribe."+string(lang), 800, 400, false)
		b.picture("unsubscribe.phone."+string(lang), 390, 500, true)
		b.eval(`document.querySelector("nav a").click()`)
		b.load()
		if got := b.eval(`document.documentElement.lang`); got == string(lang) {
			t.Errorf("%s: the link to the other language leads to the same", lang)
		}
		b.open("https://mail.example/unsubscribe?t=good", lang)
		if !l.member {
			t.Fatalf("%s: reading the page was enough", lang)
		}
		b.eval(`document.querySelector("button").click()`)
		b.load()
		if got := b.eval(`document.querySelector("h1").innerText`); got != words.Text(lang, "unsubscribe.done_title") || l.member {
			t.Errorf("%s: %q, still a member: %v", lang, got, l.member)
		}
		b.picture("unsubscribe.done."+string(lang), 800, 400, false)
	}
}

// TestFrontPageInABrowser: what a reader needs is labelled in both languages and cut off on no screen.
func TestFrontPageInABrowser(t *testing.T) {
	words := i18n.New()
	b := browse(t, New(Config{Words: words, Metrics: obs.NewMetrics(), Hostname: "mail.tegami.example", Services: []Service{
		{"front.send", "SMTPS", 24001, ImplicitTLS}, {"front.receive", "POP3S", 24005, ImplicitTLS}, {"front.receive", "IMAPS", 24003, ImplicitTLS},
		{"front.send", "SMTP", 24007, StartTLS},
	}}))
	for _, lang := range i18n.Langs() {
		b.open("https://mail.tegami.example/", lang)
		want := words.Text(lang, "front.server") + "\tmail.tegami.example\n" + words.Text(lang, "front.user_name") + "\t" + words.Text(lang, "front.whole_address")
		if got := strings.TrimSpace(b.eval(`document.querySelector("table.named").innerText`)); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
		for _, width := range []int{320, 390, 1440} {
			if cut := b.overflow(width); cut != "0" {
				t.Errorf("%s: %s pixels are cut off at a width of %d", lang, cut, width)
			}
		}
		b.picture("front."+string(lang), 800, 560, false)
		b.picture("front.phone."+string(lang), 390, 700, true)
	}
}
