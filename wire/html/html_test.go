package html_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tegami/wire/html"
)

// content is the origin of pictures in these tests: what stands there already is given back as it is, as a server of ours does.
const content = "https://pictures.example/"

func shown() html.Options {
	return html.Options{
		CID: func(cid string) string {
			if cid == "logo@example" {
				return content + "part"
			}
			return ""
		},
		Picture: func(url string) string {
			if strings.HasPrefix(url, content) {
				return url
			}
			return content + "?" + strings.NewReplacer("&", "%26", "?", "%3F").Replace(url)
		},
	}
}

// inside is the document without the div around it.
func inside(t *testing.T, c html.Clean) string {
	t.Helper()
	text, ok := strings.CutPrefix(c.HTML, `<div class="tegami-mail">`)
	text, end := strings.CutSuffix(text, "</div>")
	if !ok || !end {
		t.Fatalf("not wrapped: %s", c.HTML)
	}
	return text
}

func TestSanitise(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"text", "a < b & c", "a &lt; b &amp; c"},
		{"plain markup", "<p>日本<b>語</b><br>x</p>", "<p>日本<b>語</b><br/>x</p>"},
		{"script", "<p>a<script>alert(1)</script>b", "<p>ab</p>"},
		{"event", `<p onclick="x()" title="t">a</p>`, `<p title="t">a</p>`},
		{"office", `<p class="MsoNormal"><o:p>&nbsp;</o:p></p>`, "<p class=\"m_MsoNormal\">\u00a0</p>"},
		{"form", `<form action="https://evil.example"><input name="p"><button>Go</button></form>`, "Go"},
		{"link", `<a href="https://example.com/a?b=c&amp;d" target="_top" onclick="x">y</a>`,
			`<a href="https://example.com/a?b=c&amp;d" title="https://example.com/a?b=c&amp;d" rel="noopener noreferrer nofollow" target="_blank">y</a>`},
		{"script link", `<a href=" java&#10;script:alert(1)">y</a>`, `<a>y</a>`},
		{"link that feigns", `<a href="https://evil.example/">www.bank.example</a>`,
			`<a href="https://evil.example/" title="https://evil.example/" rel="noopener noreferrer nofollow" target="_blank" class="tegami-mismatch" data-host="evil.example">www.bank.example</a>`},
		{"anchor", `<a href="#top">up</a><h1 id="top">x</h1>`, `<a href="#m_top">up</a><h1 id="m_top">x</h1>`},
		{"style", `<p style="color:red;position:fixed;width:expression(alert(1));margin:-9px;background:url(javascript:x)">a</p>`, `<p style="color:red">a</p>`},
		{"style with escapes", `<p style="\63olor:red;col\6f r: b\6c ue">a</p>`, `<p style="color:red;color:blue">a</p>`},
		{"style with important", `<p style="color:red ! important">a</p>`, `<p style="color:red!important">a</p>`},
		{"style with functions", `<p style="width:calc(100% - (2px + 1px));color:rgba(0, 0, 0, .5);height:attr(x);width:100vh">a</p>`,
			`<p style="width:calc(100% - (2px + 1px));color:rgba(0, 0, 0, .5)">a</p>`},
		{"fonts", `<p style='font-family:"ＭＳ Ｐゴシック",Arial'>a</p>`, `<p style="font-family:&#39;ＭＳ Ｐゴシック&#39;,Arial">a</p>`},
		{"style element", `<style>p{color:red} body.x p, td > a:hover{margin:0} @import url(x); @font-face{font-family:x;src:url(y)} a[href]{color:red} .a{position:fixed}</style><p>x`,
			"<style>.tegami-mail p{color:red}\n.tegami-mail.m_x p,.tegami-mail td>a:hover{margin:0}\n</style><p>x</p>"},
		{"conditions", `<style>@media (prefers-color-scheme: dark) { p{color:#fff} @media screen and (max-width:600px){.b{width:100%!important}} }</style>x`,
			"<style>@media (prefers-color-scheme: dark){\n.tegami-mail p{color:#fff}\n@media screen and (max-width:600px){\n.tegami-mail .m_b{width:100%!important}\n}\n}\n</style>x"},
		{"style that ends early", `<style>p{color:red</style><img src=x onerror=alert(1)>`, `<style>.tegami-mail p{color:red}` + "\n</style>" + `<img class="tegami-blocked"/>`},
		{"foreign", `<svg><style><img src=x onerror=alert(1)></style></svg><math><mi>x</mi></math>y`, `<img class="tegami-blocked"/>y`},
		{"names of ours", `<p class="tegami-quote tegami-mail x">a</p>`, `<p class="m_x">a</p>`},
		{"a part", `<img src="cid:logo%40example" width="10">`, `<img src="https://pictures.example/part" width="10"/>`},
		{"a picture", `<img src="//img.example/a b.png" srcset="x 2x" alt="a">`, `<img src="https://pictures.example/?https://img.example/a%20b.png" alt="a"/>`},
		{"a background", `<td background="x"><table background="http://x.example/y" style="background:#fff url('http://x.example/z') no-repeat"><tr><td>x</table>`,
			`<table background="https://pictures.example/?http://x.example/y" style="background:#fff url(&#39;https://pictures.example/?http://x.example/z&#39;) no-repeat"><tbody><tr><td>x</td></tr></tbody></table>`},
		{"dots", `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">`, `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="/>`},
		{"dots that are none", `<img src="data:image/svg+xml;base64,PHN2Zz4=">`, `<img class="tegami-blocked"/>`},
		{"frames", `<frameset><frame src="x"></frameset>`, ""},
		{"conditional comment", `<!--[if mso]><p>office</p><![endif]--><![if !mso]>all<![endif]>`, "all"},
		{"nested deeply", strings.Repeat("<div>", 300) + "x", strings.Repeat("<div>", html.MaxDepth-1) + "x" + strings.Repeat("</div>", html.MaxDepth-1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := inside(t, html.Sanitise(c.src, shown())); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestBody(t *testing.T) {
	got := html.Sanitise(`<html><head><style>body{margin:0}</style><meta name="color-scheme" content="light dark"></head><body class="x" bgcolor="#eeeeee" style="color:red">y</body>`, html.Options{})
	want := `<div class="tegami-mail m_x" style="background-color:#eeeeee;color:red"><style>.tegami-mail{margin:0}` + "\n</style>y</div>"
	if got.HTML != want || !got.Dark {
		t.Errorf("%+v\nwant %s", got, want)
	}
}

func TestPicturesAreCounted(t *testing.T) {
	src := `<img src="https://a.example/1"><img src="cid:x"><div style="background-image:url(https://a.example/2)"></div><style>.x{background:url(https://a.example/3)} @page{background:url(https://a.example/4)}</style>`
	if got := html.Sanitise(src, html.Options{}); got.BlockedPictures != 3 || got.Pictures != 0 || strings.Contains(got.HTML, "a.example") {
		t.Errorf("%+v", got)
	}
	if got := html.Sanitise(src, shown()); got.BlockedPictures != 0 || got.Pictures != 3 {
		t.Errorf("%+v", got)
	}
}

func TestLinks(t *testing.T) {
	for _, c := range []struct {
		text, href string
		mismatch   bool
		host       string
	}{
		{"here", "https://evil.example", false, "evil.example"},
		{"https://bank.example/login", "https://bank.example/login", false, "bank.example"},
		{"www.bank.example", "https://click.bank.example/x", false, "click.bank.example"},
		{"bank.co.jp", "https://bank.example.co.jp/x", true, "bank.example.co.jp"},
		{"https://bank.example", "https://bank.example@evil.example/", true, "evil.example"},
		{"Pay at https://bank.example now", "http://203.0.113.5/", true, "203.0.113.5"},
		{"手続きはhttps://bank.example/から", "https://evil.example/", true, "evil.example"},
		{"https://日本語.example", "https://日本語.example/", false, "xn--wgv71a119e.example"},
		{"file.txt is here", "https://evil.example/", false, "evil.example"},
		{"sato@alpha.example", "mailto:sato@alpha.example", false, ""},
	} {
		got := html.Sanitise(fmt.Sprintf(`<a href="%s">%s</a>`, c.href, c.text), html.Options{})
		if len(got.Links) != 1 || got.Links[0].Mismatch != c.mismatch || got.Links[0].Host != c.host {
			t.Errorf("%s: %+v", c.text, got.Links)
		}
	}
}

func TestQuotedOriginal(t *testing.T) {
	const outlook = `<p>Thanks</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>差出人:</b> a<br><b>送信日時:</b> b</p></div><p>original</p>`
	for _, c := range []struct {
		name, src, folded string
	}{
		{"gmail", `<div>Thanks</div><div class="gmail_quote">On Monday:<blockquote>x</blockquote></div>`, "On Monday: > x"},
		{"apple", `Thanks<blockquote type="cite">x</blockquote><br>`, "x"},
		{"outlook", outlook, "差出人: a送信日時: boriginal"},
		{"outlook on the web", `Thanks<div id="appendonsend"></div><hr><div id="divRplyFwdMsg">From: a</div>x`, "---------- From: a x"},
		{"only a quotation", `<div class="gmail_quote">x</div>`, ""},
		{"written between", `Hello<blockquote type="cite">x</blockquote>yes`, ""},
		{"two", `Hello<blockquote type="cite">x</blockquote>yes<blockquote type="cite">y</blockquote>`, "y"},
	} {
		got := html.Sanitise(c.src, html.Options{})
		_, behind, found := strings.Cut(got.HTML, "tegami-quote")
		if got.Quoted != (c.folded != "") || found != got.Quoted {
			t.Errorf("%s: %+v", c.name, got)
		} else if text := html.Sanitise(`<div class="`+behind, html.Options{}).Text; found && strings.Join(strings.Fields(text), "") != strings.Join(strings.Fields(c.folded), "") {
			t.Errorf("%s: folded %q, want %q", c.name, text, c.folded)
		}
	}
}

func TestText(t *testing.T) {
	const src = `<h1>題</h1><p>a  b<br>c</p><ul><li>one<li>two<ol><li>x</ol></ul><table><tr><td>1<td>2<tr><td>3</table>
		<p><a href="https://example.com/">here</a> <a href="https://example.com/">example.com</a></p><blockquote>q<p>r</blockquote><pre> k
  l</pre><ruby>漢<rp>(</rp><rt>かん</rt></ruby><img alt="A"><style>p{}</style>`
	const want = "題\n\na b\nc\n\n- one\n- two\n  1. x\n1 2\n3\n\nhere <https://example.com/> example.com\n\n> q\n>\n> r\n\n k\n  l\n漢(かん)A"
	if got := html.Sanitise(src, html.Options{}).Text; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFromText(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"a<b>\r\n & c", `<pre S>a&lt;b&gt;` + "\n &amp; c</pre>"},
		{"見よhttps://example.com/a(b)。", `<pre S>見よ<a href="https://example.com/a%28b%29" title="https://example.com/a%28b%29" L>https://example.com/a(b)</a>。</pre>`},
		{"<https://example.com/>, www.example.com.", `<pre S>&lt;<a href="https://example.com/" title="https://example.com/" L>https://example.com/</a>&gt;, ` +
			`<a href="http://www.example.com" title="http://www.example.com" L>www.example.com</a>.</pre>`},
		{"to sato@alpha.example!", `<pre S>to <a href="mailto:sato@alpha.example" title="mailto:sato@alpha.example" L>sato@alpha.example</a>!</pre>`},
		{"hi\n> a\n>> b\n> c", `<pre S>hi</pre><blockquote type="cite" class="tegami-quote"><pre S>a</pre><blockquote type="cite"><pre S>b</pre></blockquote><pre S>c</pre></blockquote>`},
		{"javascript:alert(1) data:text/html,x", `<pre S>javascript:alert(1) data:text/html,x</pre>`},
	} {
		want := strings.NewReplacer("<pre S>", `<pre style="white-space:pre-wrap;overflow-wrap:anywhere">`, " L>", ` rel="noopener noreferrer nofollow" target="_blank">`).Replace(c.want)
		if got := inside(t, html.FromText(c.src)); got != want {
			t.Errorf("%q\n got %s\nwant %s", c.src, got, want)
		}
	}
}

// TestLimits: what goes beyond a limit is left out, and is told; nothing takes the server with it.
func TestLimits(t *testing.T) {
	var kinds, many strings.Builder
	for i := range 600 {
		fmt.Fprintf(&kinds, "<font size=%d color=#%06d>", i, i)
	}
	for i := range 6000 {
		fmt.Fprintf(&many, ".c%d{color:red}", i)
	}
	for _, c := range []struct {
		name, src string
		cut       html.Cut
	}{
		{"octets", strings.Repeat("日", html.MaxSource/3+10), html.CutSource},
		{"elements", strings.Repeat("<br>", html.MaxNodes+10), html.CutNodes},
		{"pieces", strings.Repeat("<br>", 4*html.MaxNodes), html.CutNodes},
		{"depth", strings.Repeat("<div>", 300) + "x", html.CutDepth},
		{"too deep for any parser", strings.Repeat("<div>", 5000) + "x", html.CutForm},
		{"left open", "<div>" + kinds.String() + "</div>" + strings.Repeat("<div>x</div>", 20000), html.CutNodes},
		{"octets of style", "<style>" + strings.Repeat("p{color:red} ", html.MaxStyle/12) + "</style>x", html.CutStyle},
		{"rules", "<style>" + many.String() + "</style>x", html.CutStyle},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := html.Sanitise(c.src, html.Options{})
			if got.Cut&c.cut == 0 {
				t.Errorf("cut %b, want %b", got.Cut, c.cut)
			}
			if !utf8.ValidString(got.HTML) || len(got.HTML) > 12*html.MaxSource {
				t.Errorf("%d octets", len(got.HTML))
			}
		})
	}
}

// TestIdempotent: what was sanitised stays as it is.
func TestIdempotent(t *testing.T) {
	for _, v := range vectors(t) {
		stays(t, v.HTML)
	}
}

func stays(t *testing.T, src string) {
	t.Helper()
	for _, o := range []html.Options{{}, shown()} {
		once := html.Sanitise(src, o)
		if twice := html.Sanitise(once.HTML, o); twice.HTML != once.HTML {
			t.Errorf("%q\n once %s\ntwice %s", src, once.HTML, twice.HTML)
		}
	}
}

func FuzzSanitise(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.HTML)
	}
	f.Add(`<table><a href=x><b><p></b></table>`)
	f.Fuzz(func(t *testing.T, src string) {
		stays(t, src)
		if fault := danger(html.Sanitise(src, shown()).HTML); fault != "" {
			t.Errorf("%q: %s", src, fault)
		}
	})
}

func FuzzFromText(f *testing.F) {
	f.Add("a <b> https://x.example/&\n> > q\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := html.FromText(text)
		if fault := danger(c.HTML); fault != "" {
			t.Errorf("%q: %s", text, fault)
		}
		if again := html.Sanitise(c.HTML, html.Options{}); slices.ContainsFunc([]string{"<script", " on"}, func(s string) bool { return strings.Contains(again.HTML, s+"=") }) {
			t.Errorf("%q: %s", text, again.HTML)
		}
	})
}
