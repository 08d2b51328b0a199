package apart

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sample are the files tools pack: short, with a Japanese name, long with matches far back, and long without any.
func sample() []inside {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 50_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var prose bytes.Buffer
	for i := 0; prose.Len() < 400_000; i++ {
		fmt.Fprintf(&prose, "%d. %s %d\n", i, strings.Repeat("手紙 ", r.IntN(5)), r.IntN(1000))
	}
	return []inside{{"a.txt", []byte("hello, world\n")}, {"見積書.csv", []byte("a,b\n1,2\n")}, {"noise.bin", noise}, {"prose.txt", prose.Bytes()}}
}

// folder writes files for a tool to pack.
func folder(t testing.TB, files []inside) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs a tool in a folder; the test is skipped where there is none.
func run(t testing.TB, dir, tool string, args ...string) {
	t.Helper()
	if tool == "7z" {
		if _, err := exec.LookPath("7z"); err != nil {
			tool = "7zz"
		}
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed", tool)
	}
	cmd := exec.Command(tool, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", tool, args, err, out)
	}
}

// TestVC1Containers lets the tools of others pack the sample, and finds every file in it again.
func TestVC1Containers(t *testing.T) {
	for _, c := range []struct {
		name string
		tool string
		args string // @ stands for the archive
		kind Kind
	}{
		{"zip deflate", "zip", "-q -r @.zip .", Zip},
		{"zip bzip2", "7z", "a -tzip -mm=BZip2 @.zip .", Zip},
		{"zip lzma", "7z", "a -tzip -mm=LZMA @.zip .", Zip},
		{"zip zstd or xz", "7z", "a -tzip -mm=xz @.zip .", Zip},
		{"zip copy", "7z", "a -tzip -mm=Copy @.zip .", Zip},
		{"7z lzma2", "7z", "a -t7z @.7z .", SevenZip},
		{"7z lzma, not solid", "7z", "a -t7z -m0=lzma -ms=off @.7z .", SevenZip},
		{"7z plain header", "7z", "a -t7z -mhc=off -m0=bzip2 @.7z .", SevenZip},
		{"7z ppmd", "7z", "a -t7z -m0=ppmd @.7z .", SevenZip},
		{"7z copy", "7z", "a -t7z -m0=copy @.7z .", SevenZip},
		{"tar", "tar", "cf @.tar .", Tar},
		{"tar pax", "tar", "cf @.tar --format=pax .", Tar},
		{"tar v7", "tar", "cf @.tar --format=v7 .", Tar},
		{"tar.gz", "tar", "czf @.tgz .", Gzip},
		{"tar.bz2", "tar", "cjf @.tar.bz2 .", Bzip2},
		{"tar.xz", "tar", "cJf @.tar.xz .", XZ},
		{"tar.zst", "tar", "--zstd -cf @.tar.zst .", Zstd},
		{"cab", "gcab", "-c -z @.cab a.txt 見積書.csv noise.bin prose.txt", CAB},
		{"cab stored", "gcab", "-c @.cab a.txt 見積書.csv noise.bin prose.txt", CAB},
		{"iso", "genisoimage", "-quiet -input-charset utf-8 -J -R -o @.iso .", ISO},
		{"iso joliet only", "genisoimage", "-quiet -input-charset utf-8 -J -o @.iso .", ISO},
		{"iso rock ridge", "genisoimage", "-quiet -input-charset utf-8 -R -o @.iso .", ISO},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := sample()
			archive := filepath.Join(t.TempDir(), "packed")
			run(t, folder(t, files), c.tool, strings.Fields(strings.ReplaceAll(c.args, "@", archive))...)
			found, err := filepath.Glob(archive + "*")
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			data, err := os.ReadFile(found[0])
			if err != nil {
				t.Fatal(err)
			}
			holds(t, filepath.Base(found[0]), c.kind, data, files)
		})
	}
}

// holds checks that a container is of a kind and holds files, and nothing is wrong with it.
func holds(t testing.TB, name string, kind Kind, data []byte, files []inside) {
	t.Helper()
	got := map[string][]byte{}
	first := Kind("")
	out, err := Walk(t.Context(), Limits{}, name, "", bytes.NewReader(data), int64(len(data)), func(m *Member) error {
		if first == "" {
			first = m.Kind
		}
		r, size := m.Octets()
		b, err := readAll(r, size, size)
		got[strings.TrimPrefix(m.Name, "./")] = b
		return err
	})
	if err != nil || out.Problem != "" || first != kind {
		t.Errorf("%v, %v, %+v", err, first, out)
	}
	for _, f := range files {
		if b, ok := got[f.name]; !ok || !bytes.Equal(b, f.data) {
			t.Errorf("%s: found %v, %d of %d octets", f.name, ok, len(b), len(f.data))
		}
	}
}

// TestVC1Encrypted: what is under a password is named and told, not opened and not damaged.
func TestVC1Encrypted(t *testing.T) {
	for _, c := range []struct {
		name, tool, args string
		member           bool // the names can be read
	}{
		{"zip", "zip", "-q -P secret @.zip a.txt", true},
		{"zip aes", "7z", "a -tzip -psecret -mem=AES256 @.zip a.txt", true},
		{"7z", "7z", "a -t7z -psecret @.7z a.txt", true},
		{"7z with its names", "7z", "a -t7z -psecret -mhe=on @.7z a.txt", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			archive := filepath.Join(t.TempDir(), "packed")
			run(t, folder(t, sample()), c.tool, strings.Fields(strings.ReplaceAll(c.args, "@", archive))...)
			found, _ := filepath.Glob(archive + "*")
			data, err := os.ReadFile(found[0])
			if err != nil {
				t.Fatal(err)
			}
			got, out := list(t, Limits{}, "p", "", data)
			if out.Problem != Encrypted || !out.Has(Encrypted) || (len(got) == 2) != c.member {
				t.Errorf("%q %+v", got, out)
			}
			if c.member && !strings.HasPrefix(got[1], "p>a.txt  13 encrypted") {
				t.Errorf("%q", got[1])
			}
		})
	}
}

// TestVC1Unsupported: containers that can't be opened say so.
func TestVC1Unsupported(t *testing.T) {
	dir := folder(t, sample())
	archive := filepath.Join(t.TempDir(), "p.arj")
	run(t, dir, "arj", "a", archive, "a.txt")
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if got, out := list(t, Limits{}, "p.arj", "", data); out.Problem != Unsupported {
		t.Errorf("%q %+v", got, out)
	}
}

// TestVC1SelfExtracting: an archive behind a program is opened.
func TestVC1SelfExtracting(t *testing.T) {
	files := sample()
	stub := append([]byte("MZ"), make([]byte, 20_000)...)
	stub[60] = 64
	copy(stub[64:], "PE\x00\x00")
	packed := makeZip(t, files...)
	holds(t, "setup.exe", PE, append(stub[:len(stub):len(stub)], packed...), files)
	holds(t, "picture.png", "png", append(append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 5000)...), packed...), files)

	archive := filepath.Join(t.TempDir(), "p.7z")
	run(t, folder(t, files), "7z", "a", "-t7z", archive, ".")
	data, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, "setup.exe", PE, append(stub[:len(stub):len(stub)], data...), files)
}

// TestVC1LZMAAlone: the old form of xz.
func TestVC1LZMAAlone(t *testing.T) {
	files := sample()[3:]
	dir := folder(t, files)
	run(t, dir, "xz", "--format=lzma", files[0].name)
	data, err := os.ReadFile(filepath.Join(dir, files[0].name+".lzma"))
	if err != nil {
		t.Fatal(err)
	}
	holds(t, files[0].name+".lzma", LZMA, data, files)
}
