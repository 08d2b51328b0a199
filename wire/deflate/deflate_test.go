package deflate

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// drip gives octets in small portions, and an error that passes between any two.
type drip struct {
	data []byte
	size int
	miss bool
}

var errLater = errors.New("later")

func (d *drip) Read(p []byte) (int, error) {
	if d.miss = !d.miss; d.miss {
		return 0, errLater
	}
	if len(d.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), d.size)], d.data)
	d.data = d.data[n:]
	return n, nil
}

// readAll reads to the end in portions of size octets, trying again after errLater.
func readAll(r io.Reader, size int) (out []byte, err error) {
	buf := make([]byte, size)
	for {
		n, err := r.Read(buf)
		out = append(out, buf[:n]...)
		if err != nil && err != errLater {
			return out, err
		}
	}
}

// sample is n octets that compress like mail does: words again and again, numbers between.
func sample(rnd *rand.Rand, n int) []byte {
	words := strings.Fields("FETCH STORE 手紙 the quick brown fox FLAGS (\\Seen) BODY[] \r\n aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	var b bytes.Buffer
	for b.Len() < n {
		if rnd.IntN(4) == 0 {
			b.WriteByte(byte(rnd.Uint32()))
		}
		b.WriteString(words[rnd.IntN(len(words))])
	}
	return b.Bytes()[:n]
}

// What compress/flate writes at any level is read back, in whatever portions it comes and is asked for.
func TestReadsBack(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		for _, n := range []int{0, 1, 100, 5000, 200_000} {
			want := sample(rnd, n)
			var b bytes.Buffer
			w, err := flate.NewWriter(&b, level)
			if err != nil {
				t.Fatal(err)
			}
			for rest := want; len(rest) > 0; {
				k := min(len(rest), 1+rnd.IntN(40_000))
				w.Write(rest[:k])
				if rest = rest[k:]; rnd.IntN(3) == 0 {
					w.Flush()
				}
			}
			w.Close()
			r := NewReader(&drip{data: b.Bytes(), size: 1 + rnd.IntN(2000)}, nil)
			got, err := readAll(r, 1+rnd.IntN(3000))
			if err != io.EOF || !bytes.Equal(got, want) {
				t.Errorf("level %d, %d octets: %v, equal %v", level, n, err, bytes.Equal(got, want))
			}
		}
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What zlib ends with a partial flush can be read before anything else comes (RFC 4978 §4), and so can what follows.
func TestPartialFlush(t *testing.T) {
	parts := []string{"4a3454f0f3f70fe0e50208", "a04423280320", "80128da10c00000000ffff", "4b345108f5730c0df170f50bf174760c71e5e50200"} // two partial flushes, a sync flush, the end
	src := &drip{size: 3}
	r := NewReader(src, nil)
	for i, part := range parts {
		src.data = append(src.data, unhex(t, part)...)
		want := []string{"a1 NOOP\r\n", "a2 NOOP\r\n", "a3 NOOP\r\n", "a4 UNAUTHENTICATE\r\n"}[i]
		var got []byte
		for len(got) < len(want) {
			buf := make([]byte, 100)
			n, err := r.Read(buf)
			if err != nil && err != errLater {
				t.Fatalf("part %d: %q, %v", i, got, err)
			}
			got = append(got, buf[:n]...)
		}
		if string(got) != want {
			t.Fatalf("part %d: %q, want %q", i, got, want)
		}
		r.Release()
	}
}

// Where a stream ends, what follows is given as it came, whatever the other side ended with.
func TestRest(t *testing.T) {
	line, plain := "a1 UNAUTHENTICATE\r\n", "a2 LOGIN x y\r\n"
	partial, sync, end := "4a345408f5730c0df170f50bf174760c71e5e50208", "000000ffff", "4b345408f5730c0df170f50bf174760c71e5e50200"
	for name, stream := range map[string]string{"sync flush": partial + sync, "end": end, "partial flush": partial} {
		all := append(unhex(t, stream), plain...)
		if name == "partial flush" { // the bits that fill the last octet belong to nobody
			all = unhex(t, stream)
		}
		r := NewReader(bytes.NewReader(nil), all)
		got := make([]byte, len(line))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != line {
			t.Fatalf("%s: %q %v", name, got, err)
		}
		want := plain
		if name == "partial flush" {
			want = ""
		}
		if rest, err := r.Rest(); string(rest) != want || err != nil {
			t.Errorf("%s: %q left and %v, want %q", name, rest, err, want)
		}
		if _, err := r.Read(got); err != io.EOF {
			t.Errorf("%s: read on: %v", name, err)
		}
	}
}

// isMarker tells whether a rune may be of what a flush ends with.
func isMarker(r rune) bool { return r < '\t' || r == '\uFFFD' }

// A stream may end in the midst of a block, whose end is still on its way; but not before all that was said.
func TestRestOfAnOpenBlock(t *testing.T) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, strings.Repeat("abc", 100))
	w.Close()
	for cut := range b.Len() {
		src := &drip{data: b.Bytes()[:cut], size: 100}
		r := NewReader(src, nil)
		got := make([]byte, 300)
		n, err := 0, error(nil)
		for n < 300 && err != io.EOF {
			var k int
			k, err = r.Read(got[n:])
			n += k
		}
		if rest, err := r.Rest(); n == 300 && (len(bytes.TrimLeftFunc(rest, isMarker)) > 0 || err != nil && err != errLater && err != io.EOF) {
			t.Fatalf("cut at %d: %q, %v", cut, rest, err)
		}
	}
	whole := NewReader(bytes.NewReader(append(b.Bytes(), "plain"...)), nil)
	if _, err := io.ReadFull(whole, make([]byte, 299)); err != nil {
		t.Fatal(err)
	}
	if _, err := whole.Rest(); err != ErrCorrupt {
		t.Errorf("one octet was not read: %v", err)
	}
	whole = NewReader(bytes.NewReader(append(b.Bytes(), "plain"...)), nil)
	if _, err := io.ReadFull(whole, make([]byte, 300)); err != nil {
		t.Fatal(err)
	}
	if rest, err := whole.Rest(); string(rest) != "plain" || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}

// Each Write can be read at once, also when the compressor was given back between, or another stream had it.
func TestWriterFlushes(t *testing.T) {
	var a, b bytes.Buffer
	one, two := NewWriter(&a), NewWriter(&b)
	r := NewReader(&a, nil)
	for i := range 50 {
		text := strings.Repeat("* 1 FETCH (FLAGS (\\Seen))\r\n", i)
		if n, err := one.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != text {
			t.Fatalf("%d: %q %v", i, got, err)
		}
		if i%3 == 0 {
			one.Release()
		}
		two.Write([]byte("something else"))
		if i%2 == 0 {
			two.Release()
		}
	}
}

// A stream that inflates a thousandfold is given in the portions asked for, and the reader does not grow with it.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	const size = 16 << 20
	zeros := make([]byte, size)
	w.Write(zeros)
	w.Close()
	if b.Len() > size/500 {
		t.Fatalf("%d octets are no bomb", b.Len())
	}
	r := NewReader(&b, nil)
	if n := testing.AllocsPerRun(1, func() {
		buf := make([]byte, 1000)
		for {
			if _, err := r.Read(buf); err != nil {
				return
			}
		}
	}); n > 50 {
		t.Errorf("%v allocations", n)
	}
	if len(r.window) != windowSize || cap(r.window) > windowSize {
		t.Errorf("the window has %d of %d octets", len(r.window), cap(r.window))
	}
}

func TestCorrupt(t *testing.T) {
	for name, s := range map[string]string{
		"block type 3":           "07",
		"stored, lengths differ": "0001000000",
		"too far back":           "4b042200", // "a" and a match three back
		"too many codes":         "04" + strings.Repeat("ff", 200),
	} {
		r := NewReader(bytes.NewReader(unhex(t, s)), nil)
		if _, err := readAll(r, 100); err != ErrCorrupt {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.Read(make([]byte, 1)); err != ErrCorrupt {
			t.Errorf("%s, again: %v", name, err)
		}
	}
}

// FuzzReader compares with compress/flate over any octets: what both give is equal, and what one reads to the end the other
// does too.
func FuzzReader(f *testing.F) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 6)
	w.Write(sample(rand.New(rand.NewPCG(3, 4)), 3000))
	w.Close()
	f.Add(b.Bytes(), 7)
	f.Add(unhex(f, "4b042200"), 1)
	f.Fuzz(func(t *testing.T, in []byte, portion int) {
		portion = 1 + portion&1023
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(in)), 1<<20))
		r := NewReader(&drip{data: in, size: portion}, nil)
		got, err := io.ReadAll(io.LimitReader(again{r}, 1<<20))
		k := min(len(got), len(want))
		if !bytes.Equal(got[:k], want[:k]) {
			t.Fatalf("%q, want %q", got, want)
		}
		if wantErr == nil && (err != nil || len(got) != len(want)) {
			t.Fatalf("%d octets and %v, want %d", len(got), err, len(want))
		}
	})
}

// again reads on after errLater.
type again struct{ r io.Reader }

func (a again) Read(p []byte) (int, error) {
	for {
		if n, err := a.r.Read(p); n > 0 || err != errLater {
			return n, err
		}
	}
}

func BenchmarkReader(b *testing.B) {
	var z bytes.Buffer
	w, _ := flate.NewWriter(&z, 6)
	text := sample(rand.New(rand.NewPCG(3, 4)), 1<<20)
	w.Write(text)
	w.Close()
	buf := make([]byte, 32<<10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r := NewReader(bytes.NewReader(z.Bytes()), nil)
		for {
			if _, err := r.Read(buf); err != nil {
				break
			}
		}
	}
}
