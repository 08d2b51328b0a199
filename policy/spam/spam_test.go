package spam

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/policy"
	"tegami/wire/mime"
)

// message makes an inquiry of a text, with LF for CRLF.
func message(text string) *Inquiry {
	b := strings.ReplaceAll(text, "\n", "\r\n")
	return &Inquiry{Octets: strings.NewReader(b), Message: mime.ParseBytes([]byte(b), mime.Limits{})}
}

// mailOf makes a message of fields and a body; usual fields are added.
func mailOf(fields, body string) *Inquiry {
	usual := ""
	for _, f := range []string{"From: Ann <ann@example.org>", "To: bob@example.com", "Subject: Notes", "Date: Mon, 5 Jan 2026 09:00:00 +0900", "Message-ID: <a@example.org>"} {
		name, _, _ := strings.Cut(f, ":")
		if !strings.Contains(strings.ToLower(fields), strings.ToLower(name)+":") {
			usual += f + "\n"
		}
	}
	return message(fields + usual + "\n" + body)
}

// keys are the reasons of an inquiry judged by rules alone.
func keys(q *Inquiry, m Memory, c Config) (list []string) {
	c.NoBase = true
	for _, r := range Score(context.Background(), Look(q), m, c).Reasons {
		list = append(list, strings.TrimPrefix(r.Key, "spam.reason."))
	}
	return list
}

func TestSF1Rules(t *testing.T) {
	html := "Content-Type: text/html\n"
	for _, c := range []struct{ fields, body, want string }{
		{"Message-ID: x\n", "hello", "no_message_id"},
		{"Date: Mon, 5 Jan 2026 09:00:00 -1900\n", "hello", "bad_date"},
		{"To: ann@example.org\n", "hello", "self_sent"},
		{"Subject: V.I.A.G.R.A for you\n", "hello", "gappy_subject"},
		{"Subject: ACT NOW PLEASE\n", "hello", "loud_subject"},
		{"Subject: a good offer        xkqz7\n", "hello", "numbered_subject"},
		{"From: \"ceo@example.com\" <x@example.net>\n", "hello", "name_is_address"},
		{"From: =?utf-8?B?5qW95aSp44Kr44O844OJ?= <x@example.net>\n", "hello", "brand_name"},
		{"Reply-To: x@gmail.com\n", "hello", "reply_elsewhere"},
		{"From: x <ab12cd34ef@example.net>\n", "hello", "odd_author"},
		{"Content-Type: text/plain; charset=x-none\n", "hello", "unknown_charset"},
		{"Content-Transfer-Encoding: base64\n", "aGVsbG8gd29ybGQK", "encoded_text"},
		{"", "see http://10.1.2.3/x now", "ip_link"},
		{"", "see http://0x0a010203/x now", "ip_link"},
		{"", "see http://bit.ly/x now", "shortener"},
		{"", "see http://www.arnazon.com/x now", "look_alike"},
		{"", "see http://amazon.co.jp.example.net/x now", "brand_link"},
		{"", "see http://xn--amazn-mye.com/x now", "punycode"},
		{"", "see http://amazon.co.jp@example.net/x now", "user_link"},
		{"", "see http://example.net:8081/x now", "port_link"},
		{"", "see http://example.net/?u=http://example.com/ now", "redirect"},
		{"", "see http://example.top/ now", "cheap_domain"},
		{"", "see http://example.net/a.exe now", "file_link"},
		{"", "see ex\u200bam\u200bple wo\u200brd", "invisible"},
		{"", "fr\u0435e c\u0430sh \u043fow", "mixed_scripts"},
		{html, `<a href="http://example.net/">http://www.example.com/</a>`, "mismatch"},
		{html, `<div style="display:none">words that nobody shall ever see</div>hello`, "hidden"},
		{html, `<font color="#FFFFFF">words that nobody shall ever see</font>hello`, "hidden"},
		{html, `<span style="font-size:1px">words</span>hello`, "tiny"},
		{html, `<a href="http://example.net"><img src="http://example.net/a.gif"></a>`, "one_image"},
		{html, `<form action="http://example.net/"><input></form>`, "form"},
		{html, `<script>var b = new Blob([atob("x")]); a.href = URL.createObjectURL(b)</script>`, "smuggling"},
		{html, `Vi<!-- a -->ag<!-- b -->ra and Ci<!-- c -->al`, "split_words"},
		{html, strings.Repeat("&#86;&#105;", 40), "entities"},
		{html, "hello", "html_only"},
		{"", "MAKE MONEY FAST AND CALL US NOW, THIS IS YOUR LAST CHANCE TO BE A RICH MAN TODAY", "shouting"},
		{"Content-Type: application/octet-stream; name=\"invoice.pdf.exe\"\n", "x", "double_name"},
		{"Content-Type: text/html; name=\"a.html\"\nContent-Disposition: attachment\n", "x", "html_file"},
	} {
		if got := keys(mailOf(c.fields, c.body), nil, Config{}); !slices.Contains(got, c.want) {
			t.Errorf("%q %q: %v, want %s", c.fields, c.body, got, c.want)
		}
	}
}

func TestSF1PlainMailHasNoReasons(t *testing.T) {
	for _, q := range []*Inquiry{
		mailOf("", "Dear Bob,\n\nhere are the notes: https://www.example.org/notes\n\nAnn"),
		mailOf("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\nSubject: =?utf-8?B?5Lya6K2w?=\n", "お疲れ様です。資料は https://www.amazon.co.jp/ にあります。"),
		mailOf("From: Amazon.co.jp <auto-confirm@amazon.co.jp>\n", "https://www.amazon.co.jp/gp/css"),
	} {
		if got := keys(q, nil, Config{}); len(got) > 0 {
			t.Errorf("reasons for plain mail: %v", got)
		}
	}
}

func TestSF1GTUBE(t *testing.T) {
	s := Score(t.Context(), Look(mailOf("", "x\n"+GTUBE+"\n")), nil, Config{Internal: true})
	if s.Percent != 100 || len(s.Reasons) != 1 || s.Reasons[0].Key != "spam.reason.gtube" {
		t.Errorf("%+v", s)
	}
}

func TestSF6Facts(t *testing.T) {
	facts := func(f policy.Facts) *Inquiry { q := mailOf("", "hello"); q.Facts = &f; return q }
	for _, c := range []struct {
		facts policy.Facts
		want  string
	}{
		{policy.Facts{SPF: &policy.SPF{Result: "fail"}}, "spf_fail"},
		{policy.Facts{SPF: &policy.SPF{Result: "softfail"}}, "spf_softfail"},
		{policy.Facts{DKIM: []policy.DKIM{{Result: "pass"}}}, ""},
		{policy.Facts{DKIM: []policy.DKIM{{Result: "pass", Domain: "example.org"}}}, "dkim_pass"},
		{policy.Facts{DKIM: []policy.DKIM{{Result: "fail", Domain: "example.org"}}}, "dkim_fail"},
		{policy.Facts{DMARC: &policy.DMARC{Result: "pass", Domain: "example.org"}}, "dmarc_pass"},
		{policy.Facts{DMARC: &policy.DMARC{Result: "fail", Policy: "none"}}, "dmarc_fail"},
		{policy.Facts{DMARC: &policy.DMARC{Result: "fail", Policy: "reject"}}, "dmarc_reject"},
		{policy.Facts{DMARC: &policy.DMARC{Result: "fail", Policy: "reject"}, ARC: &policy.ARC{Result: "pass", DMARCPassed: true}}, "arc_pass"},
	} {
		got := strings.Join(keys(facts(c.facts), nil, Config{}), " ")
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.facts, got, c.want)
		}
	}
	q := facts(policy.Facts{SPF: &policy.SPF{Result: "pass", Domain: "mail.example.co.jp"}, DMARC: &policy.DMARC{Result: "pass", Domain: "example.co.jp"}})
	q.Origin.Remote = netip.MustParseAddr("::ffff:192.0.2.77")
	if got := Look(q).Keys(); !slices.Equal(got, []string{"net:192.0.2.0/24", "dom:example.co.jp"}) {
		t.Errorf("keys %v", got)
	}
}

// people is a company with one person.
type people struct{}

func (people) Name(display string) (mail.Address, bool) {
	return mail.Address{Local: "tanaka", Domain: "kaisha.co.jp"}, display == "田中 健一"
}
func (people) Domain(domain string) bool { return domain == "kaisha.co.jp" }

func TestSF6Impostors(t *testing.T) {
	own := Config{Own: people{}}
	name := "=?utf-8?B?55Sw5LitIOWBpeS4gA==?=" // 田中 健一
	for _, c := range []struct{ from, want string }{
		{name + " <boss@gmail.com>", "own_name"},
		{"\"tanaka@kaisha.co.jp\" <boss@gmail.com>", "own_name"},
		{"x <x@kaisha.co.jp>", "own_domain"},
		{"x <x@kaisya.co.jp>", ""},
		{"x <x@kaissha.co.jp>", "near_own_domain"},
		{"x <x@kasiha.co.jp>", "near_own_domain"},
		{"x <x@example.org>", ""},
	} {
		got := keys(mailOf("From: "+c.from+"\n", "hello"), nil, own)
		if c.want != "" && !slices.Contains(got, c.want) || c.want == "" && len(got) > 0 {
			t.Errorf("%s: %v, want %q", c.from, got, c.want)
		}
	}
	inside := own
	inside.Internal = true
	if got := keys(mailOf("From: "+name+" <tanaka@kaisha.co.jp>\n", "hello"), nil, inside); !slices.Equal(got, []string{"internal"}) {
		t.Errorf("mail from within: %v", got)
	}
}

// memory is a company's, with one answer for everything.
type memory struct {
	count, total Count
	rep          Rep
	first        bool
	seen, spam   int
	err          error
}

func (m memory) Tokens(_ context.Context, tokens []uint64) ([]Count, Count, error) {
	return slices.Repeat([]Count{m.count}, len(tokens)), m.total, m.err
}
func (m memory) Reputation(_ context.Context, keys []string) ([]Rep, error) {
	return slices.Repeat([]Rep{m.rep}, len(keys)), m.err
}
func (m memory) FirstContact(context.Context, mail.Address) (bool, error) { return m.first, m.err }
func (m memory) Near(context.Context, Simhash) (int, int, error)          { return m.seen, m.spam, m.err }

func TestSF6Memory(t *testing.T) {
	q := mailOf("", "one two three four five six seven eight nine ten eleven twelve thirteen fourteen")
	q.Origin.Remote = netip.MustParseAddr("192.0.2.1")
	weigh := func(m Memory, key string) float64 {
		for _, r := range Score(t.Context(), Look(q), m, Config{NoBase: true}).Reasons {
			if r.Key == "spam.reason."+key {
				return r.Weight
			}
		}
		return math.NaN()
	}
	for _, c := range []struct {
		memory memory
		key    string
		spam   bool
	}{
		{memory{count: Count{50, 1}, total: Count{100, 100}}, "words", true},
		{memory{count: Count{1, 50}, total: Count{100, 100}}, "words", false},
		{memory{rep: Rep{Bad: 20}}, "reputation", true},
		{memory{rep: Rep{Good: 20}}, "reputation", false},
		{memory{first: true}, "first_contact", true},
		{memory{seen: 9, spam: 8}, "bulk", true},
	} {
		if w := weigh(c.memory, c.key); math.IsNaN(w) || (w > 0) != c.spam {
			t.Errorf("%+v: %s weighs %v", c.memory, c.key, w)
		}
	}
	if got := keys(q, memory{err: errors.New("down")}, Config{}); !slices.Contains(got, "unknown") {
		t.Errorf("a memory that is down is no reason: %v", got)
	}
	few, many := weigh(memory{count: Count{2, 0}, total: Count{2, 2}}, "words"), weigh(memory{count: Count{90, 0}, total: Count{99, 99}}, "words")
	if !(few < many) {
		t.Errorf("two messages weigh %v, a hundred %v", few, many)
	}
}

func TestSF6Doubtful(t *testing.T) {
	for _, c := range []struct {
		percent float64
		rep     Rep
		want    bool
	}{{10, Rep{}, false}, {70, Rep{}, true}, {70, Rep{Good: 50}, false}, {70, Rep{Good: 5, Bad: 5}, true}, {99.5, Rep{}, false}} {
		if got := Doubtful(policy.Spam{Percent: c.percent}, c.rep); got != c.want {
			t.Errorf("%v: %v", c, got)
		}
	}
}

func TestSF1SumOfReasons(t *testing.T) {
	q := mailOf("Reply-To: x@gmail.com\nContent-Type: text/html\n", `<a href="http://10.0.0.1/">http://www.example.com/</a>`)
	s := Score(t.Context(), Look(q), nil, Config{NoBase: true})
	sum := offset
	for _, r := range s.Reasons {
		sum += r.Weight
	}
	if want := math.Round(1e4/(1+math.Exp(-sum))) / 100; math.Abs(s.Percent-want) > .1 || len(s.Reasons) < 4 {
		t.Errorf("%v percent, the reasons give %v: %v", s.Percent, want, s.Reasons)
	}
}

func TestNear(t *testing.T) {
	text := func(change string) Simhash {
		var b strings.Builder
		for i := range 200 {
			fmt.Fprintf(&b, "word%c%c ", 'a'+i%26, 'a'+i/26)
		}
		return Look(mailOf("Subject: x\n", b.String()+change)).Digest
	}
	if a, b := text("hello one"), text("hello two"); !a.Near(b) || a == 0 {
		t.Errorf("%x and %x", a, b)
	}
	if other := Look(mailOf("", strings.Repeat("something else entirely stands here my friend ", 3))).Digest; other.Near(text("")) {
		t.Error("different texts are near")
	}
	if Look(mailOf("", "short")).Digest != 0 {
		t.Error("a short text has a digest")
	}
}

func TestJapaneseTokensDoNotDependOnCharset(t *testing.T) {
	text := "会議の資料を送付いたします"
	utf8 := Look(mailOf("Content-Type: text/plain; charset=utf-8\n", text))
	jis := Look(mailOf("Content-Type: text/plain; charset=iso-2022-jp\n", "\x1b$B2q5D$N;qNA$rAwIU$$$?$7$^$9\x1b(B"))
	in := func(f *Features) (n int) {
		for _, tok := range Tokens(f) {
			if k := kindOf(tok); k == inBody || k == inPair {
				n++
			}
		}
		return n
	}
	if in(utf8) < 12 || in(utf8) != in(jis) {
		t.Errorf("%d tokens in UTF-8, %d in ISO-2022-JP", in(utf8), in(jis))
	}
}

func FuzzLook(f *testing.F) {
	f.Add([]byte("From: a\r\nSubject: =?x?B?y?=\r\nContent-Type: text/html\r\n\r\n<a href=http://0x7f.1/>&#86;<font color=white>x"), []byte("abc"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx://\r\n--b--"), []byte{0xff, 0xfe})
	f.Fuzz(func(t *testing.T, b, base []byte) {
		q := &Inquiry{Octets: strings.NewReader(string(b)), Message: mime.ParseBytes(b, mime.Limits{}), Texts: []string{string(b)}, Files: []File{{Name: string(b)}}}
		features := Look(q)
		if n := len(Tokens(features)); n > MaxTokens {
			t.Fatalf("%d tokens", n)
		}
		s := Score(t.Context(), features, memory{count: Count{1, 2}, total: Count{3, 4}}, Config{Own: people{}, Base: base})
		if !(s.Percent >= 0 && s.Percent <= 100) {
			t.Fatalf("%v percent", s.Percent)
		}
	})
}

// BenchmarkLook judges a mail of 50 KB: text, HTML of the same, links.
func BenchmarkLook(b *testing.B) {
	var text, html strings.Builder
	for i := range 280 {
		fmt.Fprintf(&text, "Line %d of the report tells of sales in the region and of costs by month, word%d.\r\n", i, i*7919)
		fmt.Fprintf(&html, "<tr><td bgcolor=\"#eeeeee\"><a href=\"https://www.example.org/r/%d\">Line %d</a></td><td>tells of costs by month</td></tr>\r\n", i, i)
	}
	octets := "From: a@example.org\r\nSubject: report\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n" + text.String() +
		"\r\n--b\r\nContent-Type: text/html\r\n\r\n<table>" + html.String() + "</table>\r\n--b--\r\n"
	m := mime.ParseBytes([]byte(octets), mime.Limits{})
	q := &Inquiry{Octets: strings.NewReader(octets), Message: m, Origin: mail.Origin{Received: time.Now()}}
	b.SetBytes(int64(len(octets)))
	b.ReportAllocs()
	for b.Loop() {
		Score(b.Context(), Look(q), memory{count: Count{3, 4}, total: Count{100, 100}}, Config{})
	}
}

func TestSF6Listed(t *testing.T) {
	f := Look(mailOf("", "see http://www.shop.example.co.jp/ and http://www.shop.example.co.jp/b"))
	if got := f.Domains(); !slices.Equal(got, []string{"example.co.jp", "example.org"}) {
		t.Errorf("domains %v", got)
	}
	s := Score(t.Context(), f.Listed([]Listing{{List: "dbl.example", What: "example.co.jp", Weight: 9}}), nil, Config{NoBase: true})
	if len(s.Reasons) != 1 || s.Reasons[0].Key != "spam.reason.listed" || s.Reasons[0].Weight != maxListed {
		t.Errorf("%+v", s)
	}
}
