package contacts_test

import (
	"fmt"
	"testing"
	"time"

	"tegami/contacts"
	"tegami/directory"
	"tegami/mail"
)

func parseTime(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// BenchmarkML6Complete types into 10,000 cards beside a company's address book of 10,000 contacts (the most a company has; 50,000 accounts are as
// many words of the same kind).
func BenchmarkML6Complete(b *testing.B) {
	h := newHouse(b)
	c := h.company("alpha.example", "ja", "sato")
	for i := range 10_000 {
		_, err := c.AddContact(h.ctx, h.operator, directory.ContactSpec{Address: mail.Address{Local: fmt.Sprint("c", i), Domain: "x.example"},
			Profile: directory.Profile{LastName: kanji(i), FirstName: kanji(i * 7), LastKana: kana(i), FirstKana: kana(i * 7), Department: fmt.Sprint("第", i%50, "課")}})
		h.must(err)
		if i == 200 && testing.Short() {
			break
		}
	}
	a := h.open("sato@alpha.example")
	var csv []byte
	csv = append(csv, "姓,名,姓ふりがな,名ふりがな,メールアドレス\n"...)
	for i := range contacts.MaxCards {
		csv = fmt.Appendf(csv, "%s,%s,%s,%s,p%d@y%d.example\n", kanji(i*3), kanji(i), kana(i*3), kana(i), i, i%100)
	}
	if r, err := a.Import(h.ctx, csv, contacts.Import{}); err != nil || r.Added != contacts.MaxCards {
		b.Fatalf("%+v %v", r, err)
	}
	for _, typed := range []string{"た", "ﾀﾅ", "田", "p12", "y5", "第"} {
		b.Run(typed, func(b *testing.B) {
			for b.Loop() {
				if _, err := a.Complete(h.ctx, typed, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func kana(i int) string {
	letters := []rune("あいうえおかきくけこさしすせそたちつてとなにぬねの")
	return string([]rune{letters[i%25], letters[i/25%25], letters[i/625%25]})
}

func kanji(i int) string {
	letters := []rune("田山川本上下中大小高木林森石井村松野原藤佐加")
	return string([]rune{letters[i%22], letters[i/22%22]})
}
