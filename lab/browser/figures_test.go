package browser

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"

	"tegami/lab/platform"
)

// numbered is the n-th letter of a large mailbox: a few lines, of every other one as HTML.
func numbered(n int, to string) []byte {
	body := fmt.Sprintf("The order of item %d is on its way.\r\nwith kind regards\r\nnumber%06d\r\n", n%5003, n)
	letter := plainMail(fmt.Sprintf("Sender%d <s%d@outside.example>", n%977, n%977), to, fmt.Sprintf("letter %06d about the order of item %d", n, n%5003), body)
	if n%2 == 0 {
		return letter
	}
	head, _, _ := strings.Cut(string(letter), "\r\n\r\n")
	return []byte(strings.Replace(head, "text/plain", "text/html", 1) + "\r\n\r\n<html><body><p style=\"margin: 0\">" + strings.ReplaceAll(body, "\r\n", "<br>\r\n") + "</p></body></html>\r\n")
}

// fill gives a mailbox so many letters of a few lines each, by APPEND of 100 at a time.
func fill(t *testing.T, p *platform.Platform, name, password string, letters int) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Demo.IMAP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in, out := bufio.NewReader(conn), bufio.NewWriter(conn)
	done := func(tag string) {
		t.Helper()
		out.Flush()
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if rest, ok := strings.CutPrefix(line, tag+" "); ok {
				if !strings.HasPrefix(rest, "OK") {
					t.Fatal(line)
				}
				return
			}
		}
	}
	fmt.Fprintf(out, "a LOGIN %s %s\r\n", name, password)
	done("a")
	const batch = 100
	begun := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	for first := 0; first < letters; first += batch {
		fmt.Fprint(out, "b APPEND INBOX")
		for n := first; n < min(first+batch, letters); n++ {
			letter := numbered(n, name)
			fmt.Fprintf(out, " \"%s\" {%d+}\r\n%s", begun.Add(time.Duration(n)*time.Minute).Format("_2-Jan-2006 15:04:05 -0700"), len(letter), letter)
		}
		fmt.Fprint(out, "\r\n")
		done("b")
	}
}

// firstRows notes, in every page that is loaded, after how many milliseconds the first row of mail stood.
const firstRows = `addEventListener("DOMContentLoaded", () => {
	const look = () => document.querySelector(".row .subject") ? (window.__rows = performance.now()) : requestAnimationFrame(look);
	look();
})`

// timed runs a step in the page and gives the milliseconds until an expression is true in two frames after each other.
func (p *Page) timed(what, step, until string) float64 {
	p.t.Helper()
	ms := Eval[float64](p, `(async () => { const t0 = performance.now(); `+step+`; for (let seen = 0; seen < 2; seen = (`+until+`) ? seen + 1 : 0) { if (performance.now() - t0 > 15000) return -1; await new Promise(requestAnimationFrame); } return performance.now() - t0; })()`)
	if ms < 0 {
		p.t.Fatalf("%s: it did not come", what)
	}
	return ms
}

// middle and most of some figures, as a line says them.
func told(ms []float64) string {
	slices.Sort(ms)
	return fmt.Sprintf("median %.0f ms, most %.0f ms of %d", ms[len(ms)/2], ms[len(ms)-1], len(ms))
}

// watched signs in with a page that notes when the first row of mail stood.
func watched(t *testing.T, b *Browser, pf *platform.Platform, name, password string) *Page {
	t.Helper()
	p := b.Page(t, pf)
	Devtools(p, "watch the first rows", page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: firstRows})
	p.Go("/login")
	p.As("en", "light", 1440)
	p.SignInMail(name, password)
	return p
}

// again does it after a new start of the platform.
func again(t *testing.T, b *Browser, pf *platform.Platform, name, password string) *Page {
	t.Helper()
	pf.Stop(t)
	pf.Run(t)
	return watched(t, b, pf, name, password)
}

// TestWebmailFigures measures the Advanced webmail over a large mailbox: the first page, opening, search. TEGAMI_WEBMAIL says how many
// letters there are (`make webmail`: 100,000); no time is asserted.
func TestWebmailFigures(t *testing.T) {
	letters, _ := strconv.Atoi(os.Getenv("TEGAMI_WEBMAIL"))
	if letters == 0 {
		t.Skip("TEGAMI_WEBMAIL is not set: see make webmail")
	}
	b := Open(t)
	pf := platform.Start(t, 10)
	who := pf.Demo.Accounts[2]
	begun := time.Now()
	fill(t, pf, who.Address, who.Password, letters)
	t.Logf("%d letters given by APPEND in %v", letters, time.Since(begun).Round(time.Second))
	p := watched(t, b, pf, who.Address, who.Password)
	t.Logf("first page, right after the letters came, threads are still to be found: %.0f ms", Eval[float64](p, "window.__rows"))
	p = again(t, b, pf, who.Address, who.Password)
	t.Logf("first page, the first after a start of the platform: %.0f ms", Eval[float64](p, "window.__rows"))
	var first []float64
	for range 10 {
		p.Go("/mail/")
		p.Until("rows stand", "window.__rows")
		first = append(first, Eval[float64](p, "window.__rows"))
	}
	t.Logf("first page: %s", told(first))
	p.mail()
	var opened [2][]float64 // of plain text, of HTML
	for n := range 40 {
		subject := fmt.Sprintf("letter %06d", letters-1-n)
		row := `[...document.querySelectorAll(".row a")].find((a) => a.innerText.includes("` + subject + `"))`
		p.Until(subject+" has a row", `(() => { const r = `+row+`; if (!r) document.querySelector(".scroll").scrollTop += 300; return r; })()`)
		opened[(letters-1-n)%2] = append(opened[(letters-1-n)%2], p.timed("open", row+".click()", `document.querySelector(".read h1")?.innerText.includes("`+subject+`") && [...document.querySelectorAll(".read iframe, .read .text")].some((f) => (f.contentDocument?.body ?? f).innerText.includes("number`+subject[7:]+`"))`))
	}
	t.Logf("opening plain text: %s", told(opened[0]))
	t.Logf("opening HTML: %s", told(opened[1]))
	for _, q := range []string{"from:s12@outside.example", "subject:4321", "number004321", "order", "is:unread from:s5@outside.example", "kind regards", "the"} {
		var took []float64
		for range 5 {
			p.Go("/mail/")
			p.mail()
			took = append(took, p.timed("search", `const inbox = document.querySelector(".list h1").innerText, i = document.querySelector("header input, .search input"); i.focus(); i.value = `+quote(q)+`; i.dispatchEvent(new Event("input", {bubbles: true})); i.form ? i.form.requestSubmit() : i.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}))`,
				`document.querySelector(".list h1").innerText !== inbox && document.querySelector(".scroll[aria-busy=false] .row .subject")`))
		}
		t.Logf("search %-36q %s; shown: %s", q, told(took), p.Text(".list .num.n"))
	}
}
