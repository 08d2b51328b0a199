package segment

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// built is a segment in memory.
type built struct {
	id    int64
	docs  int
	bits  int
	pages [][]byte
}

func (b *built) emit(page int, data []byte) error {
	if page != len(b.pages) {
		return errors.New("pages out of order")
	}
	b.pages = append(b.pages, data)
	return nil
}

func (b *built) input(live Docs) *Input {
	return &Input{ID: b.id, Docs: b.docs, Bits: b.bits, Live: live, Page: func(n int) ([]byte, error) { return b.pages[n], nil }}
}

// having gives the messages that have a gram.
func (b *built) having(t testing.TB, key uint32) []int {
	t.Helper()
	page := PageOf(key, b.bits)
	entries, err := Open(b.id, page, b.pages[page])
	if err != nil {
		t.Fatal(err)
	}
	list, ok, err := entries.Find(key)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return nil
	}
	set := Docs(nil).Size(b.docs)
	if err := list.Fill(set, b.docs); err != nil {
		t.Fatal(err)
	}
	var docs []int
	for i := range b.docs {
		if set.Has(i) {
			docs = append(docs, i)
		}
	}
	return docs
}

func build(t testing.TB, id int64, messages [][]uint32) *built {
	t.Helper()
	b := &built{id: id, docs: len(messages)}
	bits, octets, err := Build(id, messages, b.emit)
	if err != nil {
		t.Fatal(err)
	}
	b.bits = bits
	sum := 0
	for _, p := range b.pages {
		sum += len(p)
	}
	if len(b.pages) != 1<<bits || int64(sum) != octets {
		t.Fatalf("%d pages, %d octets of %d", len(b.pages), sum, octets)
	}
	return b
}

// messages makes messages whose grams are of all frequencies, from in every message to in one.
func messages(rng *rand.Rand, docs, each int) [][]uint32 {
	list := make([][]uint32, docs)
	for i := range list {
		seen := map[uint32]bool{}
		for k := range uint32(20) {
			if rng.IntN(20) >= int(k) {
				seen[k*0x0ccccccd] = true
			}
		}
		for range rng.IntN(each + 1) {
			seen[uint32(rng.ExpFloat64()*float64(each))*0x9e3779b1] = true
		}
		for k := range seen {
			list[i] = append(list[i], k)
		}
	}
	return list
}

// same holds a segment against what it was made of.
func same(t testing.TB, b *built, messages [][]uint32) {
	t.Helper()
	want := map[uint32][]int{}
	for i, grams := range messages {
		for _, g := range grams {
			want[g] = append(want[g], i)
		}
	}
	for g, docs := range want {
		if got := b.having(t, g); !slices.Equal(got, docs) {
			t.Fatalf("gram %x of %d messages: %v, want %v", g, b.docs, got, docs)
		}
		if _, there := want[g+1]; !there && b.having(t, g+1) != nil {
			t.Fatalf("gram %x is there", g+1)
		}
	}
}

func TestBuild(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{0, 0}, {1, 0}, {1, 50}, {2, 10}, {63, 30}, {64, 30}, {65, 300}, {1000, 60}, {300, 1000}} {
		list := messages(rng, size[0], size[1])
		same(t, build(t, 7, list), list)
	}
}

func TestMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 40 {
		var inputs []*Input
		var want [][]uint32
		octets := 0
		for i := range 1 + rng.IntN(6) {
			list := messages(rng, rng.IntN(200), rng.IntN(100))
			b := build(t, int64(i), list)
			var live Docs
			if rng.IntN(2) == 0 {
				live = live.Size(b.docs)
			}
			for n := range list {
				if live == nil || rng.IntN(3) > 0 {
					want = append(want, list[n])
					if live != nil {
						live.Add(n)
					}
				}
			}
			inputs = append(inputs, b.input(live))
			octets += 1000
		}
		kept := 0
		for _, in := range inputs {
			kept += in.Kept()
		}
		if kept != len(want) {
			t.Fatalf("round %d: %d messages, want %d", round, kept, len(want))
		}
		out := &built{id: 99, docs: kept, bits: BitsFor(octets)}
		if err := Merge(NewWriter(out.id, out.docs, out.bits, out.emit), inputs); err != nil {
			t.Fatal(err)
		}
		same(t, out, want)
	}
}

func TestFullSegment(t *testing.T) {
	list := make([][]uint32, MaxDocs)
	for i := range list {
		list[i] = []uint32{1, uint32(2 + i%2), uint32(0xffff0000 + i/3)}
		if i > 0 {
			list[i] = append(list[i], 0x8000)
		}
	}
	same(t, build(t, 1, list), list)
}

func TestDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	b := build(t, 1, messages(rng, 100, 100))
	page := b.pages[0]
	for _, c := range []struct {
		name    string
		segment int64
		page    int
		data    []byte
	}{
		{"of another segment", 2, 0, page}, {"another page", 1, 1, page}, {"cut", 1, 0, page[:len(page)-1]}, {"empty", 1, 0, nil},
		{"changed", 1, 0, append(slices.Clone(page[:9]), append([]byte{page[9] ^ 1}, page[10:]...)...)},
	} {
		if _, err := Open(c.segment, c.page, c.data); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// FuzzEntries reads pages that were never written by us.
func FuzzEntries(f *testing.F) {
	rng := rand.New(rand.NewPCG(7, 8))
	b := build(f, 1, messages(rng, 40, 20))
	f.Add(b.pages[0][checksumLen:], 40, uint32(0))
	f.Fuzz(func(t *testing.T, data []byte, docs int, key uint32) {
		if docs < 1 || docs > MaxDocs {
			return
		}
		set := Docs(nil).Size(docs)
		list, ok, err := Entries(data).Find(key)
		if err == nil && ok {
			_ = list.Fill(set, docs)
		}
		page := make([]byte, checksumLen, checksumLen+len(data))
		page = append(page, data...)
		sum := checksum(1, 0, data)
		page[0], page[1], page[2], page[3] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
		in := &Input{ID: 1, Docs: docs, Page: func(int) ([]byte, error) { return page, nil }}
		w := NewWriter(2, docs, 0, func(int, []byte) error { return nil })
		_ = Merge(w, []*Input{in})
	})
}

func BenchmarkBuild(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 10))
	list := messages(rng, 128, 4000)
	grams := total(list)
	for b.Loop() {
		if _, _, err := Build(1, list, func(int, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*grams), "ns/gram")
	b.ReportMetric(float64(grams)/128, "grams/msg")
}

func BenchmarkMerge(b *testing.B) {
	rng := rand.New(rand.NewPCG(11, 12))
	var parts []*built
	grams := 0
	for i := range 8 {
		list := messages(rng, 128, 4000)
		grams += total(list)
		parts = append(parts, build(b, int64(i), list))
	}
	var octets int64
	for b.Loop() {
		var inputs []*Input
		for _, p := range parts {
			inputs = append(inputs, p.input(nil))
		}
		w := NewWriter(9, 8*128, 8, func(int, []byte) error { return nil })
		if err := Merge(w, inputs); err != nil {
			b.Fatal(err)
		}
		octets = w.Octets()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*grams), "ns/gram")
	b.ReportMetric(float64(octets)/float64(grams), "B/gram")
}
