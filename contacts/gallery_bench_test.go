package contacts

import (
	"fmt"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

// BenchmarkML6GalleryOf50000 types into a company's address book of 50,000 colleagues, of whom very many begin with what is typed.
func BenchmarkML6GalleryOf50000(b *testing.B) {
	g := gallery{cards: map[mail.ObjectID]*entry{}}
	letters := []rune("あいうえおかきくけこさしすせそたちつてとなにぬねの")
	for i := range 50_000 {
		kana := string([]rune{letters[i%25], letters[i/25%25], letters[i/625%25]})
		c := directory.Card{ID: mail.ObjectID(i + 1), Kind: directory.CardAccount, Address: mail.Address{Local: fmt.Sprint("u", i), Domain: "alpha.example"},
			Profile: directory.Profile{LastName: "山田", FirstName: kana, LastKana: kana, FirstKana: kana, Department: fmt.Sprint("第", i%50, "課")}}
		g.put(c.ID, newEntry(c))
	}
	g.lookup.sort()
	used := map[string]float64{"u7@alpha.example": 3, "u4711@alpha.example": 1}
	for _, typed := range []string{"た", "たな", "第", "u", "u123"} {
		b.Run(typed, func(b *testing.B) {
			for b.Loop() {
				t := best{limit: MaxSuggestions, score: func(key string) float64 { return used[key] }}
				for key := range used {
					g.lookup.used(key, []string{typed}, t.offer)
				}
				g.lookup.first([]string{typed}, 2*MaxSuggestions, t.offer)
				if len(t.list) == 0 {
					b.Fatal("nobody")
				}
			}
		})
	}
}
