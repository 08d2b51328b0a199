package spam

import (
	"embed"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"golang.org/x/text/encoding/japanese"
)

// The texts of our own making, one file for each kind and language:
//
//	%% group|form|from|subject
//	body
//
// form is plain, html, or att: plain with an attachment. [a|b|c] is one of several, also nested; {word} is a slot.
//
//go:embed testdata/*.txt
var texts embed.FS

// Variants is how many mails are made of each text.
const Variants = 6

// A text is one mail that can be made in many ways.
type text struct {
	group, form, from, subject, body string
	spam                             bool
	language                         string
}

// readTexts reads the texts of a language, "ja" or "en".
func readTexts(language string) (all []text, err error) {
	for _, kind := range []string{"spam", "ham"} {
		b, err := texts.ReadFile("testdata/" + kind + "-" + language + ".txt")
		if err != nil {
			return nil, err
		}
		for record := range strings.SplitSeq(strings.TrimPrefix(string(b), "%% "), "\n%% ") {
			head, body, _ := strings.Cut(record, "\n")
			f, err := fields(head)
			if err != nil {
				return nil, fmt.Errorf("%s-%s.txt: %w", kind, language, err)
			}
			all = append(all, text{f[0], f[1], f[2], f[3], body, kind == "spam", language})
		}
	}
	return all, nil
}

// fields parts a head at the bars that stand in no brackets.
func fields(head string) (f [4]string, err error) {
	n, depth := 0, 0
	for _, c := range head {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '|' && depth == 0 && n < 3:
			n++
			continue
		}
		f[n] += string(c)
	}
	if n != 3 || depth != 0 {
		return f, fmt.Errorf("want group|form|from|subject: %q", head)
	}
	return f, nil
}

// A maker makes mails of texts, the same ones each time.
type maker struct {
	r     *rand.Rand
	slots map[string]string // of the mail being made, those that stay the same in it
}

// Made gives the mails made of the texts of a language, Variants of each; a mail's Group is its text, so that it can be judged by
// what other texts taught.
func Made(language string, variants int, seed uint64) ([]Mail, error) {
	all, err := readTexts(language)
	if err != nil {
		return nil, err
	}
	var mails []Mail
	for i, t := range all {
		for v := range variants {
			m := &maker{r: rand.New(rand.NewPCG(seed, uint64(i)<<16|uint64(v))), slots: map[string]string{}}
			mails = append(mails, Mail{
				Name:  fmt.Sprintf("%s/%s/%d/%d", language, t.group, i, v),
				Group: fmt.Sprintf("%s-%d", language, i), Spam: t.spam, Octets: m.mail(t, v),
			})
		}
	}
	return mails, nil
}

func (m *maker) pick(list ...string) string { return list[m.r.IntN(len(list))] }

// spin chooses one of each [a|b|c] and fills the slots.
func (m *maker) spin(s string) string {
	for {
		start, end, ok := innermost(s)
		if !ok {
			break
		}
		s = s[:start] + m.pick(strings.Split(s[start+1:end], "|")...) + s[end+1:]
	}
	return m.fill(strings.NewReplacer("\x01", "[", "\x02", "]").Replace(s))
}

// innermost finds brackets with a bar and no brackets between them; those without a bar are set aside as text.
func innermost(s string) (start, end int, ok bool) {
	for i := range len(s) {
		switch s[i] {
		case '[':
			start = i
			ok = true
		case ']':
			if ok && strings.Contains(s[start:i], "|") {
				return start, i, true
			}
			ok = false
		}
	}
	return 0, 0, false
}

func (m *maker) fill(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || strings.ContainsAny(name, " \n") {
			b.WriteString("{")
			s = rest
			continue
		}
		b.WriteString(m.slot(name))
		s = after
	}
}

// slot gives the value of a slot: of people, companies and hosts the same one throughout a mail.
func (m *maker) slot(name string) string {
	switch name {
	case "d":
		return fmt.Sprint(1 + m.r.IntN(98))
	case "n":
		return fmt.Sprint(1000000 + m.r.IntN(8999999))
	case "yen":
		return fmt.Sprintf("%d,%03d", 1+m.r.IntN(400), m.r.IntN(1000))
	case "w":
		return m.word()
	case "date":
		return m.date()
	}
	if v, ok := m.slots[name]; ok {
		return v
	}
	m.slots[name] = m.steady(name)
	return m.slots[name]
}

func (m *maker) steady(name string) string {
	switch name {
	case "person", "person2", "boss":
		return m.pick("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "吉田", "山田", "松本", "井上", "木村", "清水", "森", "池田") +
			m.pick("", "", " 健一", " 美咲", " 大輔", " 陽子", " 隆")
	case "person3", "person4":
		return m.pick("Alan", "Brian", "Carol", "Dave", "Eileen", "Frank", "Greta", "Hans", "Ian", "Joan", "Kevin", "Laura", "Martin", "Nora", "Owen", "Paula") +
			m.pick("", " Walsh", " Meyer", " Brown", " Larsson", " Kelly", " Novak")
	case "girl":
		return m.pick("美香", "ゆき", "あやか", "麻衣", "りな", "さやか", "優子")
	case "girl2":
		return m.pick("Natasha", "Jenny", "Kristina", "Mandy", "Olga", "Tiffany")
	case "company", "company2":
		return m.pick("東洋精工", "みなと商事", "青葉システム", "北辰電機", "さくら印刷", "太陽食品", "大和建設", "光陽化学", "西川物産", "ひかり文具") + m.pick("", "株式会社")
	case "company3":
		return m.pick("Northgate", "Bluefield", "Harbour", "Keystone", "Oakwood", "Silverline") + m.pick("", " Systems", " Media", " Consulting")
	case "school":
		return m.pick("緑丘小学校", "第三中学校", "南高等学校")
	case "school2":
		return m.pick("midori", "dai3", "minami") + m.pick(".ed.jp", ".ac.jp")
	case "prod":
		return m.pick("会計システム", "配管部品", "紙製パッケージ", "温度センサー", "社員研修", "業務用プリンター", "名刺", "Webサイト", "在庫管理", "LED照明", "データベース", "コーヒー豆")
	case "prod2":
		return m.pick("gnumail", "xsensor", "parrot", "libfoo", "netmon", "quilter", "webcal", "photon")
	case "month":
		return fmt.Sprint(1 + m.r.IntN(12))
	case "month2":
		return time.Month(1 + m.r.IntN(12)).String()
	case "who":
		return m.pick("sato", "tanaka", "k-suzuki", "info", "yamada", "ito", "mori", "alan", "brian.k", "nora", "hans", "jw", "eileen")
	case "mail":
		return m.pick("taro", "hanako", "soumu", "office") + "@" + m.pick("kaisha.co.jp", "shoji.jp")
	case "good":
		return m.word() + m.pick(".co.jp", ".co.jp", ".jp", ".com", ".org", ".net", ".ne.jp")
	case "bad":
		return m.word() + m.pick("", m.word(), "-"+m.word()) + m.pick(".top", ".xyz", ".cn", ".com", ".com", ".shop", ".icu", ".net", ".biz", ".info", ".ru")
	case "ip":
		return fmt.Sprintf("%d.%d.%d.%d", 11+m.r.IntN(200), m.r.IntN(256), m.r.IntN(256), 1+m.r.IntN(254))
	}
	return "{" + name + "}"
}

// word makes a word nobody knows.
func (m *maker) word() string {
	var b strings.Builder
	for range 2 + m.r.IntN(2) {
		b.WriteString(m.pick("k", "s", "t", "n", "m", "r", "b", "d", "p", "l", "v", "z") + m.pick("a", "i", "u", "e", "o", "ai"))
	}
	return b.String() + m.pick("", "n", "x", "k")
}

func (m *maker) date() string {
	t := time.Date(2019+m.r.IntN(9), time.Month(1+m.r.IntN(12)), 1+m.r.IntN(28), 0, 0, 0, 0, time.UTC)
	return t.Format(m.pick("2006/01/02", "1月2日", "2006年1月2日", "1/2"))
}

// mail writes one mail.
func (m *maker) mail(t text, variant int) []byte {
	from, subject, body := m.spin(t.from), m.spin(t.subject), m.spin(t.body)
	charset := m.charset(t, variant)
	var b strings.Builder
	name, address, _ := strings.Cut(from, " <")
	fmt.Fprintf(&b, "From: %s <%s\r\nTo: %s\r\nSubject: %s\r\n", word(name, charset), address, m.slot("mail"), word(subject, charset))
	fmt.Fprintf(&b, "Date: %s\r\nMessage-ID: <%s.%s@%s\r\nMIME-Version: 1.0\r\n", time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC).Format(time.RFC1123Z),
		m.slot("n"), m.word(), address[strings.IndexByte(address, '@')+1:])
	if strings.HasPrefix(subject, "Re: ") && (!t.spam || m.r.IntN(4) == 0) {
		fmt.Fprintf(&b, "In-Reply-To: <%s@%s>\r\n", m.slot("n"), m.slot("good"))
	}
	m.content(&b, t, body, charset)
	return []byte(b.String())
}

// content writes the fields of the content, and the content.
func (m *maker) content(b *strings.Builder, t text, body, charset string) {
	typ := "plain"
	if t.form == "html" {
		typ = "html"
		if !strings.HasPrefix(strings.TrimSpace(body), "<html") {
			body = "<html><body>" + strings.ReplaceAll(body, "\n", "<br>\n") + "</body></html>"
		}
	}
	if t.form != "att" {
		part(b, typ, body, charset)
		return
	}
	file := m.pick("請求書", "document", "見積書", "order") + m.slot("n") + ".pdf"
	if t.spam {
		file = m.pick("invoice", "請求書", "PO", "document") + m.pick(".zip", ".doc", ".pdf.exe", ".xls", ".html", ".iso")
	}
	fmt.Fprintf(b, "Content-Type: multipart/mixed; boundary=\"b%s\"\r\n\r\n--b%[1]s\r\n", m.slot("n"))
	part(b, typ, body, charset)
	fmt.Fprintf(b, "\r\n--b%s\r\nContent-Type: application/octet-stream; name=\"%s\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--b%[1]s--\r\n",
		m.slot("n"), word(file, "utf-8"), base64.StdEncoding.EncodeToString([]byte("nothing of interest")))
}

// charset is one of those in which such mail comes.
func (m *maker) charset(t text, variant int) string {
	if t.language != "ja" {
		return "us-ascii"
	}
	return []string{"utf-8", "iso-2022-jp", "utf-8", "shift_jis", "iso-2022-jp", "utf-8"}[variant%6]
}

// encode writes text in a charset; what the charset has not is written as "?".
func encode(s, charset string) []byte {
	enc := japanese.ISO2022JP.NewEncoder()
	switch charset {
	case "shift_jis":
		enc = japanese.ShiftJIS.NewEncoder()
	case "utf-8", "us-ascii":
		return []byte(s)
	}
	var out []byte
	for _, line := range strings.SplitAfter(s, "\n") {
		b, err := enc.Bytes([]byte(line))
		if err != nil {
			b, _ = enc.Bytes([]byte(strings.Map(func(r rune) rune {
				if _, err := enc.String(string(r)); err != nil {
					return '?'
				}
				return r
			}, line)))
		}
		out = append(out, b...)
	}
	return out
}

// word writes an encoded-word of RFC 2047 where one is needed.
func word(s, charset string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return "=?" + charset + "?B?" + base64.StdEncoding.EncodeToString(encode(s, charset)) + "?="
		}
	}
	return s
}

// part writes a text part: ISO-2022-JP as it is, what has 8 bits in base64.
func part(b *strings.Builder, typ, body, charset string) {
	octets := encode(strings.ReplaceAll(body, "\n", "\r\n"), charset)
	fmt.Fprintf(b, "Content-Type: text/%s; charset=%s\r\n", typ, charset)
	if charset == "iso-2022-jp" || charset == "us-ascii" {
		fmt.Fprintf(b, "Content-Transfer-Encoding: 7bit\r\n\r\n%s\r\n", octets)
		return
	}
	fmt.Fprintf(b, "Content-Transfer-Encoding: base64\r\n\r\n")
	for text := base64.StdEncoding.EncodeToString(octets); text != ""; {
		n := min(76, len(text))
		fmt.Fprintf(b, "%s\r\n", text[:n])
		text = text[n:]
	}
}
