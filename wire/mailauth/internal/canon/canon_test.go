package canon

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"tegami/wire/mime"
)

// hashed gives what a body's hash was made of, written in pieces of a size.
func hashed(body string, relaxed bool, limit int64, piece int) (sum []byte, size int64) {
	b := NewBody(relaxed, limit)
	for len(body) > 0 {
		n := min(piece, len(body))
		b.Write([]byte(body[:n]))
		body = body[n:]
	}
	return b.Sum()
}

// reference canonicalises a body as RFC 6376 §3.4.3 and §3.4.4 say it, in one piece.
func reference(body string, relaxed bool) string {
	if relaxed {
		lines := strings.Split(body, "\r\n")
		for i, line := range lines {
			line = regexp.MustCompile(`[ \t]+`).ReplaceAllString(line, " ")
			if i < len(lines)-1 {
				line = strings.TrimSuffix(line, " ")
			}
			lines[i] = line
		}
		body = strings.Join(lines, "\r\n")
		if strings.HasSuffix(body, " ") && !strings.HasSuffix(body, "\r\n") { // white space at the end of the last line, which has no CRLF
			body = strings.TrimSuffix(body, " ")
		}
	}
	for strings.HasSuffix(body, "\r\n") {
		body = body[:len(body)-2]
	}
	if body != "" || !relaxed {
		body += "\r\n"
	}
	return body
}

// TestBody: known bodies, and the hashes of an empty one that RFC 6376 §3.4.3 and §3.4.4 give.
func TestBody(t *testing.T) {
	for _, c := range []struct{ body, simple, relaxed string }{
		{"", "\r\n", ""},
		{"\r\n\r\n", "\r\n", ""},
		{" \r\n\t\r\n", " \r\n\t\r\n", ""},
		{" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"}, // RFC 6376 §3.4.5
		{"a", "a\r\n", "a\r\n"},
		{"a  b \t", "a  b \t\r\n", "a b\r\n"},
		{"a\r\n\r\n\r\nb", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n"},
		{"a \n", "a \n\r\n", "a \n\r\n"},
		{"a \r", "a \r\r\n", "a \r\r\n"},
		{"a \r\t\r\n", "a \r\t\r\n", "a \r\r\n"},
		{"\r\r\n", "\r\r\n", "\r\r\n"},
		{"\r\n\n\r\n", "\r\n\n\r\n", "\r\n\n\r\n"},
		{"\t\tx", "\t\tx\r\n", " x\r\n"},
	} {
		for relaxed, want := range map[bool]string{false: c.simple, true: c.relaxed} {
			if got := reference(c.body, relaxed); got != want {
				t.Errorf("the reference makes %q of %q, want %q", got, c.body, want)
			}
			sum, size := hashed(c.body, relaxed, -1, 100)
			if expect := sha256.Sum256([]byte(want)); !bytes.Equal(sum, expect[:]) || size != int64(len(want)) {
				t.Errorf("%q relaxed %v: %d octets, want %q", c.body, relaxed, size, want)
			}
		}
	}
	simple, _ := hashed("", false, -1, 1)
	relaxed, _ := hashed("", true, -1, 1)
	if base64.StdEncoding.EncodeToString(simple) != "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=" || base64.StdEncoding.EncodeToString(relaxed) != "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" {
		t.Errorf("%x %x", simple, relaxed)
	}
}

// checkBody compares the hash of a body in pieces with the reference.
func checkBody(t *testing.T, body string, limit int64, piece int) {
	t.Helper()
	for _, relaxed := range []bool{false, true} {
		want := reference(body, relaxed)
		size := int64(len(want))
		if limit >= 0 {
			want = want[:min(limit, size)]
		}
		sum, got := hashed(body, relaxed, limit, piece)
		if expect := sha256.Sum256([]byte(want)); !bytes.Equal(sum, expect[:]) || got != size {
			t.Fatalf("%q (relaxed %v, l=%d, in pieces of %d): %d octets, want %q", body, relaxed, limit, piece, got, want)
		}
	}
}

// TestBodyBlocks: bodies longer than a block, whose white space falls on the borders.
func TestBodyBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, at := range []int{blockSize - 2, blockSize - 1, blockSize, blockSize + 1} {
		for _, middle := range []string{" \r\n", "\r\n", " \r", "\r", "\n", "  ", " \t\r\n\r\n", " \r\r\n", "x"} {
			for _, end := range []string{"", "y", " ", "\r\n", "\nz", " \r\n\r\n"} {
				checkBody(t, strings.Repeat("a", at)+middle+end, -1, 1<<20)
				checkBody(t, strings.Repeat("a b\r\n", at/5)+strings.Repeat("c", at%5)+middle+end, 9000, blockSize)
			}
		}
	}
	for range 200 {
		var b strings.Builder
		for b.Len() < 3*blockSize {
			b.WriteString([]string{" ", "\r\n", "\t", "\r", "\n", "word", strings.Repeat("long", 200)}[r.IntN(7)])
		}
		checkBody(t, b.String(), -1, 1+r.IntN(blockSize*2))
	}
}

// FuzzBody: whatever the body and its pieces, the hash is that of the reference.
func FuzzBody(f *testing.F) {
	f.Add(" C \r\nD \t E\r\n\r\n\r\n", int64(-1), uint8(1))
	f.Add("a \r\t\r\n\r\r\n \r", int64(3), uint8(2))
	f.Fuzz(func(t *testing.T, body string, limit int64, piece uint8) {
		checkBody(t, body, max(limit, -1), int(piece)+1)
	})
}

// TestHeaderForms: RFC 6376 §3.4.5, and what stands outside of the examples.
func TestHeaderForms(t *testing.T) {
	for _, c := range []struct{ field, simple, relaxed string }{
		{"A: X\r\n", "A: X\r\n", "a:X\r\n"},
		{"B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
		{"C:\r\n", "C:\r\n", "c:\r\n"},
		{"D: \r\n \r\n", "D: \r\n \r\n", "d:\r\n"},
		{"E:x\n y\n", "E:x\n y\r\n", "e:x y\r\n"},
		{"F:x\ry", "F:x\ry\r\n", "f:x\ry\r\n"},
		{"G: \xe3\x81\x82 \xff\r\n", "G: \xe3\x81\x82 \xff\r\n", "g:\xe3\x81\x82 \xff\r\n"},
	} {
		h := NewHeader([]byte(c.field))
		if len(h.Fields) != 1 {
			t.Fatalf("%q: %d fields", c.field, len(h.Fields))
		}
		if got := string(h.AppendField(nil, h.Fields[0], false)); got != c.simple {
			t.Errorf("simple %q: %q", c.field, got)
		}
		if got := string(h.AppendField(nil, h.Fields[0], true)); got != c.relaxed {
			t.Errorf("relaxed %q: %q", c.field, got)
		}
	}
}

// TestUnsigned: the value of b=, and only that, is taken out with the white space around it.
func TestUnsigned(t *testing.T) {
	for _, c := range []struct{ field, simple, relaxed string }{
		{"S: a=1; b=QUJD\r\n\tREVG; bh=eA==\r\n", "S: a=1; b=; bh=eA==", "s:a=1; b=; bh=eA=="},
		{"S: bh=b=x;\r\n  b =\r\n\tx \r\n", "S: bh=b=x;\r\n  b =", "s:bh=b=x; b ="},
		{"S:b=x", "S:b=", "s:b="},
		{"S:a=b; B=x\r\n", "S:a=b; B=x", "s:a=b; B=x"},
		{"S :b=\r\n", "S :b=", "s:b="},
	} {
		h := NewHeader([]byte(c.field))
		if got := string(h.AppendUnsigned(nil, h.Fields[0], false)); got != c.simple {
			t.Errorf("simple %q: %q", c.field, got)
		}
		if got := string(h.AppendUnsigned(nil, h.Fields[0], true)); got != c.relaxed {
			t.Errorf("relaxed %q: %q", c.field, got)
		}
	}
}

// TestSelection: of fields with a name the last comes first, and none is as nothing (RFC 6376 §5.4.2).
func TestSelection(t *testing.T) {
	h := NewHeader([]byte("A: 1\r\nB: 2\r\na: 3\r\nnot a field\r\nA: 4\r\n\r\nA: 5\r\n"))
	if got := string(h.AppendSigned(nil, []string{"a", "b", "A", "c", "B", "a", "a"}, true)); got != "a:4\r\nb:2\r\na:3\r\na:1\r\n" {
		t.Errorf("%q", got)
	}
}

func TestParseTags(t *testing.T) {
	for list, want := range map[string]string{
		"a=1":                                  "a|1",
		" a = 1 ;\r\n b_2=x=y ; ":              "a|1 b_2|x=y",
		"a=;B=":                                "a| B|",
		"d=\u3042":                             "d|\u3042",
		"":                                     "!",
		";":                                    "!",
		"a=1;;b=2":                             "!",
		"a=1; ;":                               "!",
		"a=1; a=2":                             "!",
		"a":                                    "!",
		"=1":                                   "!",
		"1=1":                                  "!",
		"a b=1":                                "!",
		"a=\x00":                               "!",
		"a=" + strings.Repeat("x", MaxTagList): "!",
	} {
		tags, err := ParseTags(list)
		var got []string
		for _, tag := range tags {
			got = append(got, tag.Name+"|"+tag.Value)
		}
		if text := strings.Join(got, " "); err == nil && text != want || (err != nil) != (want == "!") {
			t.Errorf("%.40q: %q %v", list, text, err)
		}
	}
	var many strings.Builder
	for i := range MaxTags + 1 {
		many.WriteString("t" + strings.Repeat("x", i) + "=1;")
	}
	if _, err := ParseTags(many.String()); err == nil {
		t.Error("too many tags are taken")
	}
}

func TestTagValues(t *testing.T) {
	tags, err := ParseTags("n=12; big=99999999999999999999; huge=" + strings.Repeat("9", 77) + "; bad=1 2; none=; l= a : b:c ; b64=QU\r\n JD; bad64=Q")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{"n": 12, "big": 1<<63 - 1, "missing": -1} {
		if n, ok := tags.Number(name); !ok || n != want {
			t.Errorf("%s is %d %v", name, n, ok)
		}
	}
	for _, name := range []string{"huge", "bad", "none"} {
		if n, ok := tags.Number(name); ok {
			t.Errorf("%s is %d", name, n)
		}
	}
	if got := strings.Join(tags.List("l"), "|"); got != "a|b|c" || tags.List("missing") != nil {
		t.Errorf("list %q", got)
	}
	b, ok := tags.Binary("b64")
	if _, bad := tags.Binary("bad64"); string(b) != "ABC" || !ok || bad {
		t.Errorf("%q %v %v", b, ok, bad)
	}
	if tags.Or("missing", "x") != "x" || tags.Or("none", "x") != "" {
		t.Error("Or")
	}
}

// FuzzTags: tag lists never panic, and b= is taken out of every field that has one.
func FuzzTags(f *testing.F) {
	f.Add(" v=1; a=rsa-sha256; h=from : to;\r\n\tb=QUJD\r\n REVG ; bh=")
	f.Fuzz(func(t *testing.T, list string) {
		tags, err := ParseTags(list)
		if err != nil {
			return
		}
		again := make([]string, len(tags))
		for i, tag := range tags {
			again[i] = tag.Name + "=" + tag.Value
			tags.Binary(tag.Name)
			tags.Number(tag.Name)
			tags.List(tag.Name)
		}
		if second, err := ParseTags(strings.Join(again, "; ")); err != nil || len(second) != len(tags) {
			t.Fatalf("%q of %q: %v", again, list, err)
		}
		field := []byte("S:" + list)
		h := Header{Block: field}
		bare := h.AppendUnsigned(nil, mime.Field{Name: field[:1], Value: field[2:], End: len(field)}, true)
		_, value, _ := bytes.Cut(bare, []byte(":"))
		if left, err := ParseTags(string(value)); err != nil || left.Or("b", "") != "" {
			t.Fatalf("%q of %q: %v", bare, list, err)
		}
	})
}

// TestFolder: lines are as long as they may be and no longer, and unfold to what was meant.
func TestFolder(t *testing.T) {
	w := Folder{B: []byte("X: y\r\n")}
	w.Start("ARC-Message-Signature")
	w.Tag("a", "rsa-sha256")
	w.Open()
	w.List("h", strings.Split(strings.Repeat("content-transfer-encoding:", 9)+"a:b", ":"))
	w.Tag("s", strings.Repeat("s", 60))
	w.Tag("t", "1")
	w.Fill(bytes.Repeat([]byte{7}, 256))
	w.End()
	out := string(w.B)
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\r\n"), "\r\n") {
		if n := len(line) + 7*strings.Count(line, "\t"); n > lineWidth {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	want := "X: yARC-Message-Signature:a=rsa-sha256;b=" + strings.Repeat("BwcH", 85) + "Bw==;h=" +
		strings.Repeat("content-transfer-encoding:", 9) + "a:b;s=" + strings.Repeat("s", 60) + ";t=1"
	if got := strings.NewReplacer("\r\n", "", "\t", "", ": a", ":a", "; ", ";").Replace(out); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
