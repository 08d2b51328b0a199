package spam

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Tables of names that spam lives on. They are short on purpose: what is common in spam of one year and no other is for Bayes to learn.

// brands are names that phishing mail borrows, and the domains that may bear them.
var brands = []struct {
	name    string   // as it stands in a host or a display name, folded
	shown   []string // as it stands in display names only
	domains []string // registered domains that are the brand's
}{
	{"amazon", []string{"アマゾン"}, []string{"amazon.co.jp", "amazon.com", "amazonses.com", "amazonaws.com", "amazon.jp", "amazon.co.uk", "amazon.de"}},
	{"rakuten", []string{"楽天"}, []string{"rakuten.co.jp", "rakuten.com", "rakuten-bank.co.jp", "rakuten-card.co.jp", "rakuten-sec.co.jp", "rakuten.jp"}},
	{"paypal", nil, []string{"paypal.com", "paypal.jp"}},
	{"paypay", nil, []string{"paypay.ne.jp", "paypay-bank.co.jp", "paypay-card.co.jp", "paypay-corp.co.jp"}},
	{"mercari", []string{"メルカリ"}, []string{"mercari.jp", "mercari.com"}},
	{"smbc", []string{"三井住友"}, []string{"smbc.co.jp", "smbc-card.com", "smbcnikko.co.jp", "smbc-comics.com", "vpass.ne.jp"}},
	{"mufg", []string{"三菱ufj"}, []string{"mufg.jp", "bk.mufg.jp", "cr.mufg.jp", "mufgcard.com"}},
	{"mizuhobank", []string{"みずほ銀行"}, []string{"mizuhobank.co.jp", "mizuho-fg.co.jp"}},
	{"jibunbank", []string{"じぶん銀行"}, []string{"jibunbank.co.jp"}},
	{"jp-bank", []string{"ゆうちょ"}, []string{"japanpost.jp", "jp-bank.japanpost.jp"}},
	{"saisoncard", []string{"セゾンカード"}, []string{"saisoncard.co.jp"}},
	{"epos", []string{"エポスカード"}, []string{"eposcard.co.jp"}},
	{"aeon", []string{"イオンカード", "イオン銀行"}, []string{"aeon.co.jp", "aeonbank.co.jp"}},
	{"jcb", nil, []string{"jcb.co.jp", "jcb.jp", "jcb.com"}},
	{"etc-meisai", []string{"etc利用照会"}, []string{"etc-meisai.jp"}},
	{"kuronekoyamato", []string{"ヤマト運輸", "クロネコ"}, []string{"kuronekoyamato.co.jp", "yamato-hd.co.jp"}},
	{"sagawa", []string{"佐川急便"}, []string{"sagawa-exp.co.jp"}},
	{"japanpost", []string{"日本郵便"}, []string{"japanpost.jp"}},
	{"nta-go", []string{"国税庁", "e-tax"}, []string{"nta.go.jp"}},
	{"docomo", []string{"ドコモ"}, []string{"docomo.ne.jp", "docomo.com", "nttdocomo.com", "nttdocomo.co.jp", "dcard.docomo.ne.jp"}},
	{"softbank", []string{"ソフトバンク"}, []string{"softbank.jp", "softbank.ne.jp", "softbank.co.jp"}},
	{"apple", nil, []string{"apple.com", "icloud.com", "me.com", "mac.com", "applemusic.com"}},
	{"icloud", nil, []string{"icloud.com", "apple.com"}},
	{"microsoft", []string{"マイクロソフト"}, []string{"microsoft.com", "microsoftonline.com", "office.com", "live.com", "outlook.com", "msn.com", "microsoftemail.com"}},
	{"office365", nil, []string{"office365.com", "office.com", "microsoft.com"}},
	{"netflix", nil, []string{"netflix.com"}},
	{"facebook", nil, []string{"facebook.com", "facebookmail.com", "fb.com"}},
	{"instagram", nil, []string{"instagram.com", "facebook.com"}},
	{"dhl", nil, []string{"dhl.com", "dhl.co.jp", "dhl.de"}},
	{"fedex", nil, []string{"fedex.com"}},
	{"ebay", nil, []string{"ebay.com", "ebay.co.uk", "ebay.de"}},
	{"citibank", nil, []string{"citibank.com", "citi.com", "citicorp.com"}},
	{"wellsfargo", []string{"wells fargo"}, []string{"wellsfargo.com"}},
}

// shorteners are hosts that lead elsewhere, and say nothing of where.
var shorteners = set("bit.ly tinyurl.com goo.gl t.co is.gd ow.ly buff.ly cutt.ly rebrand.ly tiny.cc rb.gy shorturl.at x.gd v.gd s.id " +
	"urx.blue ur0.jp urx3.nu onl.tw qr.paps.jp bit.do adf.ly t.ly lnkd.in snip.ly tr.im u.to 00m.in 2no.co")

// cheapTLDs are top-level domains in which most of the mail is spam, by the yearly reports of several list keepers.
var cheapTLDs = set("top xyz icu cyou click link buzz rest monster shop live work gq cf ml ga tk cam sbs bond cfd quest wang loan win bid stream date racing review trade party science men download lat")

// freeMail are providers where anybody gets an address.
var freeMail = set("gmail.com yahoo.com yahoo.co.jp hotmail.com hotmail.co.jp outlook.com outlook.jp live.com live.jp aol.com icloud.com " +
	"mail.com gmx.com gmx.de excite.com excite.co.jp mail.ru yandex.ru yandex.com 163.com 126.com qq.com sina.com proton.me protonmail.com lycos.com msn.com goo.jp ymail.ne.jp")

// programNames are extensions of files that run when they are opened.
var programNames = set("exe scr pif com bat cmd vbs vbe js jse wsf wsh hta lnk cpl msi ps1 jar reg iso img vhd chm xll one url")

// documentNames are extensions that a program hides behind.
var documentNames = set("pdf doc docx xls xlsx ppt pptx txt jpg jpeg png gif zip rtf csv html htm mp3 mp4")

func set(words string) map[string]struct{} {
	m := map[string]struct{}{}
	for w := range strings.FieldsSeq(words) {
		m[w] = struct{}{}
	}
	return m
}

func has(m map[string]struct{}, word string) bool {
	_, ok := m[word]
	return ok
}

// registered is the part of a host that somebody registered: example.co.jp of www.example.co.jp; the host where there is none.
func registered(host string) string {
	d, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return host
	}
	return d
}

// lastLabel is a host's top-level domain.
func lastLabel(host string) string { return host[strings.LastIndexByte(host, '.')+1:] }

// brandOfHost names the brand that a host pretends to be: the name is one of its labels, or a label's part between hyphens.
func brandOfHost(host string) string {
	for _, b := range brands {
		if at := strings.Index(host, b.name); at >= 0 && bounded(host, at, len(b.name)) && !belongs(host, b.domains) {
			return b.name
		}
	}
	return ""
}

// bounded tells whether what stands at a place of a host is a word of its own.
func bounded(host string, at, n int) bool {
	word := func(i int) bool { return i >= 0 && i < len(host) && host[i] != '.' && host[i] != '-' }
	return !word(at-1) && !word(at+n)
}

// belongs tells whether a host is one of some domains or below one, or the brand's name under another public suffix, amazon.fr.
func belongs(host string, domains []string) bool {
	for _, d := range domains {
		if host == d || strings.HasSuffix(host, "."+d) {
			return true
		}
		own, _, _ := strings.Cut(d, ".")
		if reg := registered(host); strings.HasPrefix(reg, own+".") && !has(cheapTLDs, lastLabel(reg)) {
			return true
		}
	}
	return false
}

// brandOfName names the brand that a display name, folded, pretends to be, where the author's domain is not the brand's.
func brandOfName(name, domain string) string {
	if name == "" {
		return ""
	}
	for _, b := range brands {
		if !mentions(name, b.name, b.shown) {
			continue
		}
		if belongs(domain, b.domains) {
			return ""
		}
		return b.name
	}
	return ""
}

func mentions(name, latin string, shown []string) bool {
	for _, s := range shown {
		if strings.HasPrefix(name, s) {
			return true
		}
	}
	at := strings.Index(name, latin)
	if at != 0 {
		return false
	}
	end := at + len(latin)
	return end == len(name) || name[end] < 'a' || name[end] > 'z'
}

// lookAlike gives the brand whose name a host imitates by what looks the same: 0 for o, 1 for l, rn for m.
func lookAlike(host string) string {
	reg := registered(host)
	label, _, _ := strings.Cut(reg, ".")
	plain := unmask.Replace(label)
	for _, b := range brands {
		if len(b.name) < 5 || label == b.name || belongs(host, b.domains) {
			continue
		}
		if plain == b.name || (strings.Contains(plain, b.name) && plain != label && !strings.Contains(label, b.name)) {
			return b.name
		}
	}
	return ""
}

// unmask undoes what makes a name look like another.
var unmask = strings.NewReplacer("0", "o", "1", "l", "3", "e", "5", "s", "rn", "m", "vv", "w")
