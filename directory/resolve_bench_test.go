package directory_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tegami/directory"
)

// BenchmarkResolveMany resolves recipients of a company of 200,000 accounts: from the store, from memory, and from memory while other
// objects of the company change all the time. It must stay under 50 µs.
func BenchmarkResolveMany(b *testing.B) {
	const many = 200_000
	h, c := crowd(b, many)
	someone := func() string { return fmt.Sprintf("user%05d@alpha.example", rand.IntN(many)) }
	resolve := func(b *testing.B, d *directory.Directory, to string) {
		if _, err := d.Resolve(h.ctx, addr(to)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("cold", func(b *testing.B) { // each address for the first time
		d := directory.New(h.store, directory.Config{CachedAddresses: 2})
		resolve(b, d, someone())
		for b.Loop() {
			resolve(b, d, someone())
		}
	})
	b.Run("nobody", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Resolve(h.ctx, addr(fmt.Sprintf("x%d@alpha.example", rand.Int64()))); err == nil {
				b.Fatal("somebody")
			}
		}
	})
	b.Run("warm", func(b *testing.B) {
		to := someone()
		for b.Loop() {
			resolve(b, h.Directory, to)
		}
	})
	b.Run("beside changes", func(b *testing.B) { // one write of another object for every 100 recipients
		b.StopTimer()
		some := make([]string, 100)
		for i := range some {
			some[i] = someone()
			resolve(b, h.Directory, some[i])
		}
		g, err := c.AddGroup(h.ctx, h.ops, directory.GroupSpec{Name: fmt.Sprint(rand.Int64())})
		h.must(err)
		b.StartTimer()
		for i := 0; b.Loop(); i++ {
			if i%len(some) == 0 {
				b.StopTimer()
				_, err := c.SetGroup(h.ctx, h.ops, g.ID, 0, directory.GroupSpec{Name: g.Name, Description: fmt.Sprint(i)})
				h.must(err)
				b.StartTimer()
			}
			resolve(b, h.Directory, some[i%len(some)])
		}
	})
}
