package mime

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegami/lab/archives"
	"tegami/mail"
)

// mixed is a message with a text, a document, and a message that has a document too.
const mixed = "From: a@example.com\r\nSubject: =?UTF-8?B?44GC?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"preamble\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n" +
	"--b\r\nContent-Type: application/msword;\r\n name=\"a.doc\"\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-MD5: x\r\nX-Kept: yes\r\nContent-ID: <1>\r\n\r\nold=20\r\n" +
	"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" +
	"--c\r\n\r\nin\r\n--c\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--c--\r\n" +
	"\r\n--b--\r\nepilogue\r\n"

func replaced(t testing.TB, raw string, m *Message, list ...Replacement) string {
	t.Helper()
	var out bytes.Buffer
	if err := Replace(&out, strings.NewReader(raw), m, list); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func leaves(m *Message) (list []*Part) {
	m.Root.Walk(func(p *Part) bool {
		if len(p.Children) == 0 {
			list = append(list, p)
		}
		return true
	})
	return list
}

// TestVC3ReplaceParts shows that a replaced part is all that differs.
func TestVC3ReplaceParts(t *testing.T) {
	note := ContentHeader("text/plain; charset=utf-8", "attachment", "note.txt")
	m := ParseBytes([]byte(mixed), Limits{})
	all := leaves(m)
	if len(all) != 4 {
		t.Fatalf("%d leaves", len(all))
	}
	body := func() io.Reader { return strings.NewReader("new") }
	for _, c := range []struct {
		name     string
		list     []Replacement
		old, new string // the stretch that changed, and what stands there
	}{
		{"content", []Replacement{{Part: all[1], Body: body()}},
			"Content-Transfer-Encoding: quoted-printable\r\nContent-MD5: x\r\nX-Kept: yes\r\nContent-ID: <1>\r\n\r\nold=20\r\n",
			"X-Kept: yes\r\nContent-ID: <1>\r\nContent-Transfer-Encoding: base64\r\n\r\nbmV3\r\n"},
		{"content and header", []Replacement{{Part: all[1], Header: note, Body: body()}},
			"Content-Type: application/msword;\r\n name=\"a.doc\"\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-MD5: x\r\nX-Kept: yes\r\nContent-ID: <1>\r\n\r\nold=20\r\n",
			"X-Kept: yes\r\n" + string(note) + "Content-Transfer-Encoding: base64\r\n\r\nbmV3\r\n"},
		{"within a message", []Replacement{{Part: all[3], Header: note, Body: body()}},
			"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA",
			string(note) + "Content-Transfer-Encoding: base64\r\n\r\nbmV3"},
		{"removed in the middle", []Replacement{{Part: all[1]}},
			"Content-Type: application/msword;\r\n name=\"a.doc\"\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-MD5: x\r\nX-Kept: yes\r\nContent-ID: <1>\r\n\r\nold=20\r\n--b\r\n", ""},
		{"removed at the end", []Replacement{{Part: all[3]}},
			"\r\n--c\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA", ""},
		{"all of a multipart removed", []Replacement{{Part: all[2]}, {Part: all[3]}},
			"\r\nin\r\n--c\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA",
			"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"},
		{"a whole message and what is in it", []Replacement{{Part: all[3], Body: body()}, {Part: m.Root.Children[2], Header: note, Body: body()}},
			mixed[m.Root.Children[2].HeaderStart:m.Root.Children[2].BodyEnd], string(note) + "Content-Transfer-Encoding: base64\r\n\r\nbmV3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(mixed, c.old) != 1 {
				t.Fatal("the test's old stretch is not in the message once")
			}
			want := strings.Replace(mixed, c.old, c.new, 1)
			if got := replaced(t, mixed, m, c.list...); got != want {
				t.Errorf("got %q\nwant %q", got, want)
			}
		})
	}
}

func TestVC3ReplaceWholeMessage(t *testing.T) {
	raw := "Subject: a\r\nContent-Type: application/zip\r\n\r\nPK"
	m := ParseBytes([]byte(raw), Limits{})
	want := "Subject: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n"
	if got := replaced(t, raw, m, Replacement{Part: m.Root}); got != want {
		t.Errorf("removed: %q", got)
	}
	long := strings.Repeat("x", 100)
	got := replaced(t, raw, m, Replacement{Part: m.Root, Header: Header("Content-Type: text/html\r\n"), Body: strings.NewReader(long)})
	again := ParseBytes([]byte(got), Limits{})
	if content(t, got, again.Root) != long || again.Root.Subtype != "html" || !strings.HasSuffix(got, "=\r\n") || again.Lines != 7 {
		t.Errorf("replaced: %q", got)
	}
}

func TestReplaceErrors(t *testing.T) {
	m := ParseBytes([]byte(mixed), Limits{})
	for _, r := range []Replacement{{}, {Part: m.Root}, {Part: m.Root.Children[2], Body: strings.NewReader("")}} {
		if err := Replace(io.Discard, strings.NewReader(mixed), m, []Replacement{r}); !mail.Is(err, mail.Invalid) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	broken := errors.New("broken")
	r := Replacement{Part: leaves(m)[1], Body: io.MultiReader(strings.NewReader("x"), failing{broken})}
	if err := Replace(io.Discard, strings.NewReader(mixed), m, []Replacement{r}); !errors.Is(err, broken) {
		t.Errorf("a body that fails: %v", err)
	}
	r.Body = strings.NewReader("x")
	if err := Replace(io.Discard, strings.NewReader(mixed[:500]), m, []Replacement{r}); err == nil {
		t.Error("a message that is cut short makes no error")
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func content(t testing.TB, raw string, p *Part) string {
	t.Helper()
	b, err := io.ReadAll(DecodedReader(p, strings.NewReader(raw[p.BodyStart:p.BodyEnd])))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// checkReplace replaces and removes each leaf of a message, and looks at what the others became.
func checkReplace(t testing.TB, raw string) {
	m := ParseBytes([]byte(raw), Limits{})
	all := leaves(m)
	if m.Limited {
		return
	}
	for i, p := range all[:min(len(all), 20)] {
		got := replaced(t, raw, m, Replacement{Part: p, Header: Header("Content-Type: text/x-new\r\n"), Body: strings.NewReader("something new")})
		after := leaves(ParseBytes([]byte(got), Limits{}))
		if len(after) != len(all) {
			t.Errorf("leaf %d replaced: %d leaves became %d\n%q\n%q", i, len(all), len(after), raw, got)
			return
		}
		for j, q := range all {
			old, is := content(t, raw, q), content(t, got, after[j])
			if j == i {
				old = "something new"
			}
			if is != old || j == i && after[j].Subtype != "x-new" {
				t.Errorf("leaf %d replaced: leaf %d was %q, is %q\n%q\n%q", i, j, old, is, raw, got)
			}
		}
		removed := replaced(t, raw, m, Replacement{Part: p})
		if after := leaves(ParseBytes([]byte(removed), Limits{})); len(after) != len(all) && len(after) != len(all)-1 {
			t.Errorf("leaf %d removed: %d leaves became %d\n%q\n%q", i, len(all), len(after), raw, removed)
		}
	}
}

func TestReplaceInMailOfOthers(t *testing.T) {
	for _, name := range []string{"mime-mailparser-stalwart", "mime-python", "mime-rspamd", "mime-rubymail", "mime-enmime"} {
		t.Run(name, func(t *testing.T) {
			n := 0
			err := filepath.WalkDir(archives.Unpack(t, name), func(file string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				b, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				n++
				checkReplace(t, string(b))
				return nil
			})
			if err != nil || n < 10 {
				t.Errorf("%d files, %v", n, err)
			}
		})
	}
}

func FuzzReplace(f *testing.F) {
	f.Add(mixed)
	f.Add("Content-Type: multipart/digest; boundary=b\n\n--b\nno header\n--b\n\nS: x\n\ny\n--b--\n")
	f.Add("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: b\r\n--b\r\n--b")
	f.Add("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822")
	f.Add("Content-Type: multipart/mixed; boundary=b\n\n--b")
	f.Add("Content-:\n0")
	f.Fuzz(func(t *testing.T, raw string) {
		if len(raw) < 20_000 {
			checkReplace(t, raw)
		}
	})
}

func TestChunksReadAt(t *testing.T) {
	c := Chunks{[]byte("ab"), nil, []byte("cde"), []byte("f")}
	if c.Size() != 6 {
		t.Error(c.Size())
	}
	for at := range int64(8) {
		for n := range 8 {
			p := make([]byte, n)
			got, err := c.ReadAt(p, at)
			want := "abcdef"[min(at, 6):]
			want = want[:min(n, len(want))]
			if string(p[:got]) != want || (err == io.EOF) != (len(want) < n) {
				t.Errorf("%d at %d: %q, %v", n, at, p[:got], err)
			}
		}
	}
}
