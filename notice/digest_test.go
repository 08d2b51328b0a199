package notice

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
)

var writeDigests = flag.Bool("digests", false, "write the golden digests")

// digestOf is a digest of n messages.
func digestOf(acc directory.Account, n int) *Digest {
	d := &Digest{Account: acc, Days: 14, Allow: true, Link: func(id mail.ObjectID, do string) string {
		return "https://mail.tegami.example/digest/" + id.String() + "?do=" + do
	}}
	for i := range n {
		l := DigestLine{
			ID: mail.ObjectID(1000 - i), Received: time.Date(2026, 11, 23, 0, 30-i%30, 0, 0, time.UTC), Author: "当選事務局",
			Sender: mail.Address{Local: "bob", Domain: "spam.example"}, Subject: fmt.Sprintf("【重要】%d円が当選しました http://evil.example/", i),
		}
		if i == 1 {
			l.Author, l.Subject, l.Sender = "", "", mail.Address{Local: "a>b", Domain: "spam.example"}
		}
		d.Lines = append(d.Lines, l)
	}
	return d
}

// TestSF6DigestText: the digest in Japanese, in English, and in both.
func TestSF6DigestText(t *testing.T) {
	s := New(Config{Words: i18n.New(), Hostname: "mx.tegami.example", Name: "Tegami"})
	for name, langs := range map[string][]i18n.Lang{"ja": {i18n.Japanese}, "en": {i18n.English}, "both": i18n.Langs()} {
		acc := directory.Account{Name: "佐藤 太郎", Address: address("sato@alpha.example")}
		if name == "en" {
			acc.Name = "Jane Doe"
		}
		d := digestOf(acc, 2)
		octets, err := s.digest(d, inLangs(catalogue, japan(), langs), "ID", time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "digest_"+name+".eml")
		if *writeDigests {
			if err := os.WriteFile(golden, octets, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(octets) != string(want) {
			t.Errorf("%s: the digest is\n%s", name, octets)
		}
	}
}

// TestSF6DigestIsBounded: it names 100 messages and says how many more there are; strangers' words make no links.
func TestSF6DigestIsBounded(t *testing.T) {
	h := newHouse(t)
	user := h.company("alpha.example")[0]
	d := digestOf(user, 250)
	d.Allow = false
	d.Lines[0].Subject = "line\r\nbreak https://evil.example www.evil.example ftp://evil.example " + strings.Repeat("長", 500)
	d.Lines[0].Author = "<a href=\"x\">"
	h.must(h.PostDigest(h.ctx, d, nil))
	l := h.wants(user, "【隔離通知】迷惑メール隔離のお知らせ(250件)")[0]
	if n := strings.Count(l.text, "?do=receive"); n != MaxDigestLines {
		t.Errorf("%d messages are named", n)
	}
	for _, want := range []string{"ほかに150件", "hxxps://evil", "www[.]evil", "fxp://evil", "保存期間(14日)", "転送しないでください"} {
		if !strings.Contains(l.text, want) {
			t.Errorf("%q is not in\n%s", want, l.text[:800])
		}
	}
	for _, bad := range []string{"do=allow", "https://evil", "http://evil", "www.evil", "line\n"} {
		if strings.Contains(l.text, bad) {
			t.Errorf("%q is in the text", bad)
		}
	}
	page, err := d.page(inLangs(catalogue, japan(), i18n.Langs()), "Tegami")
	h.must(err)
	if strings.Contains(string(page), `<a href="x">`) || strings.Contains(string(page), "http://evil") {
		t.Errorf("%s", page[:1000])
	}
}
