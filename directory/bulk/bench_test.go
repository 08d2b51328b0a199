package bulk_test

import (
	"fmt"
	"strings"
	"testing"

	"tegami/directory/bulk"
)

// BenchmarkCP5ImportTenThousand imports 10,000 accounts, with passwords that are made, or one in ten given.
func BenchmarkCP5ImportTenThousand(b *testing.B) {
	for _, c := range []struct {
		name  string
		given int // every so many lines has a password
	}{{"made", 0}, {"given", 10}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				h := newHall(b, 10_000)
				var text strings.Builder
				text.WriteString("action,address,last_name,first_name,last_kana,first_kana,department,password\n")
				for i := range 10_000 {
					password := ""
					if c.given > 0 && i%c.given == 0 {
						password = fmt.Sprintf("given horse %06d", i)
					}
					fmt.Fprintf(&text, "add,user%05d@alpha.example,佐藤,花子,さとう,はなこ,第%d営業部,%s\n", i, i%50, password)
				}
				out, err := h.load("accounts", []byte(text.String()), bulk.Options{})
				h.must(err)
				if out.Added != 10_000 {
					b.Fatal(out.Added)
				}
			}
		})
	}
}
