package apart

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// lzhWriter packs as -lh5- does: matches found by a table of the last places, codes of fixed lengths in each block.
type lzhWriter struct {
	out  []byte
	free uint
}

func (w *lzhWriter) put(v int, n uint) {
	for ; n > 0; n-- {
		if w.free == 0 {
			w.out, w.free = append(w.out, 0), 8
		}
		w.free--
		w.out[len(w.out)-1] |= byte(v>>(n-1)&1) << w.free
	}
}

// A token is a literal, or a match with how far back it stands.
type token struct{ code, back int }

func lzhTokens(data []byte, window int) []token {
	last := map[string]int{}
	var list []token
	for i := 0; i < len(data); {
		n, from := 0, 0
		if i+3 <= len(data) {
			if at, ok := last[string(data[i:i+3])]; ok && i-at <= window-300 {
				for from = at; n < 256 && i+n < len(data) && data[from+n] == data[i+n]; {
					n++
				}
			}
		}
		if n < lzhThreshold {
			n = 1
			list = append(list, token{code: int(data[i])})
		} else {
			list = append(list, token{code: lzhLiterals + n - lzhThreshold, back: i - from - 1})
		}
		for ; n > 0; n-- {
			if i+3 <= len(data) {
				last[string(data[i:i+3])] = i
			}
			i++
		}
	}
	return list
}

// packLZH packs data, with codes of two lengths that leave nothing unused: some unpackers demand that.
func packLZH(data []byte, window uint) []byte {
	w := &lzhWriter{}
	width, offsets := uint(4), int(window)+1
	if window > 13 {
		width = 5
	}
	long := uint(4)
	if offsets > 16 {
		long = 5
	}
	tokens := lzhTokens(data, 1<<window)
	for len(tokens) > 0 {
		n := min(len(tokens), 60_000)
		w.put(n, 16)
		w.put(12, 5) // the code of lengths: one bit for 8 and for 9
		w.put(0, 9)
		w.put(3, 2) // three more zeros
		w.put(0, 12)
		w.put(1, 3)
		w.put(1, 3)
		w.put(lzhCodes, 9)
		for i := range lzhCodes {
			w.put(min(i/2, 1), 1)
		}
		w.put(offsets, width)
		for i := range offsets {
			if i < 1<<long-offsets {
				w.put(int(long)-1, 3)
			} else {
				w.put(int(long), 3)
			}
		}
		for _, t := range tokens[:n] {
			w.symbol(t.code, lzhCodes, 9)
			if t.code >= lzhLiterals {
				w.offset(t.back, offsets, long)
			}
		}
		tokens = tokens[n:]
	}
	return w.out
}

// symbol writes one of n symbols, the first ones with a bit less than long.
func (w *lzhWriter) symbol(v, n int, long uint) {
	if short := 1<<long - n; v >= short {
		w.put(v+short, long)
	} else {
		w.put(v, long-1)
	}
}

func (w *lzhWriter) offset(back, offsets int, long uint) {
	n := uint(0)
	for back>>n > 0 {
		n++
	}
	w.symbol(int(n), offsets, long)
	if n > 1 {
		w.put(back&(1<<(n-1)-1), n-1)
	}
}

func crcOf(data []byte) (crc uint16) {
	for _, b := range data {
		crc = crc>>8 ^ crc16[byte(crc)^b]
	}
	return crc
}

// lhaFile writes a member with a header of a level.
func lhaFile(level byte, method string, name []byte, packed, data []byte) []byte {
	var h []byte
	fixed := func() {
		h = append(h, method...)
		h = little.AppendUint32(h, uint32(len(packed)))
		h = little.AppendUint32(h, uint32(len(data)))
		h = append(h, 0, 0, 0x21, 0x28, 0x20, level)
	}
	switch level {
	case 0, 1:
		h = []byte{0, 0}
		fixed()
		h = append(append(h, byte(len(name))), name...)
		h = little.AppendUint16(h, crcOf(data))
		if level == 1 {
			h = append(h, 'U', 0, 0)
		}
		h[0] = byte(len(h) - 2)
		for _, b := range h[2:] {
			h[1] += b
		}
	case 2:
		h = []byte{0, 0}
		fixed()
		h = little.AppendUint16(h, crcOf(data))
		h = append(h, 'U')
		h = little.AppendUint16(h, uint16(3+len(name)))
		h = append(append(h, 1), name...)
		dir := "folder\xff"
		h = little.AppendUint16(h, uint16(3+len(dir)))
		h = append(append(h, 2), dir...)
		h = append(h, 0, 0)
		if len(h)%256 == 0 {
			h = append(h, 0)
		}
		little.PutUint16(h, uint16(len(h)))
	case 3:
		h = []byte{4, 0}
		fixed()
		h = little.AppendUint16(h, crcOf(data))
		h = append(h, 'U', 0, 0, 0, 0)
		h = little.AppendUint32(h, uint32(5+len(name)))
		h = append(append(h, 1), name...)
		h = append(h, 0, 0, 0, 0)
		little.PutUint32(h[24:], uint32(len(h)))
	}
	return append(h, packed...)
}

func TestVC1LHA(t *testing.T) {
	japaneseName := []byte("\x8c\xa9\x90\xcf.txt") // 見積.txt in CP932
	for _, c := range []struct {
		method string
		window uint
	}{{"-lh0-", 0}, {"-lh4-", 12}, {"-lh5-", 13}, {"-lh6-", 15}, {"-lh7-", 16}} {
		for level := range byte(4) {
			for _, f := range sample() {
				packed := f.data
				if c.window > 0 {
					packed = packLZH(f.data, c.window)
				}
				archive := append(lhaFile(level, c.method, japaneseName, packed, f.data), lhaFile(level, "-lh0-", []byte("last"), []byte("x"), []byte("x"))...)
				archive = append(archive, 0)
				want := inside{"見積.txt", f.data}
				last := inside{"last", []byte("x")}
				if level == 2 {
					want.name, last.name = "folder/"+want.name, "folder/"+last.name
				}
				holds(t, "a.lzh", LHA, archive, []inside{want, last})
			}
		}
	}
}

// TestVC1LHAPeer: what these tests pack is what others unpack, so that the decoder is not only right about its own mistakes.
func TestVC1LHAPeer(t *testing.T) {
	if _, err := exec.LookPath("lhasa"); err != nil {
		t.Skip("lhasa is not installed")
	}
	for method, window := range lhaWindows {
		data := sample()[3].data
		dir := t.TempDir()
		archive := append(lhaFile(1, method, []byte("out.txt"), packLZH(data, window), data), 0)
		if err := os.WriteFile(filepath.Join(dir, "a.lzh"), archive, 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, dir, "lhasa", "xf", "a.lzh")
		if got, err := os.ReadFile(filepath.Join(dir, "out.txt")); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %v, %d octets", method, err, len(got))
		}
	}
}

func TestVC1LHADamaged(t *testing.T) {
	data := sample()[3].data
	archive := append(lhaFile(1, "-lh5-", []byte("a"), packLZH(data, 13), data), 0)
	archive[len(archive)/2] ^= 0x55
	if got, out := list(t, Limits{}, "a.lzh", "", archive); out.Problem != Damaged || len(got) != 2 {
		t.Errorf("%q %+v", got, out)
	}
	archive = append(lhaFile(1, "-lh1-", []byte("a"), data, data), 0)
	if got, out := list(t, Limits{}, "a.lzh", "", archive); out.Problem != Unsupported {
		t.Errorf("%q %+v", got, out)
	}
}
