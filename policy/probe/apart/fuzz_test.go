package apart

import (
	"bytes"
	"context"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzWalk: whatever the octets, the budget holds, names are text, and what is at hand has the size it says.
func FuzzWalk(f *testing.F) {
	text := []byte("hello, hello, hello")
	f.Add("a.zip", makeZip(f, inside{"a.txt", text}, inside{"b.zip", makeZip(f, inside{"c", text})}))
	f.Add("a.lzh", append(lhaFile(1, "-lh5-", []byte("a"), packLZH(text, 13), text), 0))
	f.Add("a.gz", gzipped(f, text))
	f.Add("a.tgz", many(f, 3))
	f.Add("a.eml", parts(3))
	f.Add("winmail.dat", []byte("\x78\x9f\x3e\x22\x01\x00\x02\x02\x90\x06\x00\x0e\x00\x00\x00"))
	f.Add("a.cab", []byte("MSCF\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x00\x00\x00\x03\x01\x01\x00\x01\x00\x00\x00"))
	f.Add("a.7z", []byte("7z\xbc\xaf\x27\x1c\x00\x04"))
	f.Add("a.rar", []byte("Rar!\x1a\x07\x01\x00"))
	f.Add("a.doc", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
	f.Add("a.rtf", []byte("{\\rtf1{\\*\\objdata 0105000002000000080000005061636b61676500}}"))
	f.Add("a.iso", append(make([]byte, isoSystem), "\x01CD001"...))
	lim := Limits{Depth: 5, Members: 100, Total: 4 << 20, Each: 1 << 20, Ratio: 100, Time: 10 * time.Second}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		members := 0
		out, err := Walk(context.Background(), lim, name, "", bytes.NewReader(data), int64(len(data)), func(m *Member) error {
			members++
			r, size := m.Octets()
			if b, err := readAll(r, size, size); err != nil || int64(len(b)) != size {
				t.Errorf("%q: %d of %d octets, %v", m.Path, len(b), size, err)
			}
			if !utf8.ValidString(m.Name) || len(m.Name) > maxName || len(m.Path) != m.Depth+1 || m.Depth > lim.Depth+1 {
				t.Errorf("%+v", m)
			}
			return nil
		})
		if err != nil || members > lim.Members || out.Members > lim.Members || out.Octets > lim.Total+lim.Each+chunkSize || out.Problem == TimeOut {
			t.Errorf("%v %d %+v", err, members, out)
		}
	})
}
