package restd_test

import (
	"fmt"
	"net/http"
	"testing"

	"tegami/directory"
)

// BenchmarkAccountsAtTheAPI lists, searches and shows accounts of a company of 50,000. Each must take less than 100 ms.
func BenchmarkAccountsAtTheAPI(b *testing.B) {
	const many = 50_000
	h := newHouse(b)
	h.dir = directory.New(h.store, directory.Config{}) // accounts without mailboxes, which nothing here looks at
	d := h.desk("alpha.example", asOwner)
	c := h.dir.Company(d.tenant)
	_, err := c.SetDomainIDs(h.ctx, h.ops, "alpha.example", many)
	h.must(err)
	var one directory.Account
	for from := 0; from < many; from += directory.MaxBulk {
		specs := make([]directory.AccountSpec, directory.MaxBulk)
		for i := range specs {
			specs[i].Address.Local, specs[i].Address.Domain = fmt.Sprintf("user%05d", from+i), "alpha.example"
			specs[i].Profile = directory.Profile{LastName: "佐藤", FirstName: fmt.Sprint("太郎", from+i), LastKana: "サトウ", Department: fmt.Sprintf("第%d部", i%100)}
		}
		made, err := c.AddAccounts(h.ctx, h.ops, specs)
		h.must(err)
		one = made[0]
	}
	for name, path := range map[string]string{
		"page": "/accounts?limit=100", "search": "/accounts?limit=100&text=%E3%81%95%E3%81%A8%E3%81%86+49", "account": "/accounts/" + one.ID.String(),
		"by use": "/accounts?limit=100&sort=used&descending=true", "departments": "/departments", "address book": "/gal?limit=100",
	} {
		d.do("GET", path, nil) // the first one reads them all
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if r := d.do("GET", path, nil); r.Code != http.StatusOK && r.Code != http.StatusTooManyRequests {
					b.Fatal(r.Code, r.Body)
				}
			}
		})
	}
}
