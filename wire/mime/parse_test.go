package mime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// outline writes a structure in short: "mixed(text/plain[10:20] ...)".
func outline(p *Part) string {
	body := fmt.Sprintf("[%d:%d:%d]", p.HeaderStart, p.BodyStart, p.BodyEnd)
	if len(p.Children) == 0 {
		return p.Type + "/" + p.Subtype + body
	}
	var all []string
	for _, c := range p.Children {
		all = append(all, outline(c))
	}
	return p.Subtype + body + "(" + strings.Join(all, " ") + ")"
}

func TestStructure(t *testing.T) {
	const multi = "Content-Type: multipart/mixed; boundary=b\n\n"
	for _, c := range []struct{ name, raw, want string }{
		{"empty", "", "text/plain[0:0:0]"},
		{"one LF", "\n", "text/plain[0:1:1]"},
		{"CR only", "\r", "text/plain[0:0:1]"},
		{"header only", "A: b\r\n", "text/plain[0:6:6]"},
		{"header without line end", "A: b", "text/plain[0:4:4]"},
		{"header and blank line", "A: b\r\n\r\n", "text/plain[0:8:8]"},
		{"body only", "\nbody", "text/plain[0:1:5]"},
		{"no header at all", "Just some words.\nAnd more: yes\n", "text/plain[0:0:31]"},
		{"mbox line", "From a@b Mon Nov 23 10:00:00 2026\nContent-Type: text/html\n\nx", "text/html[0:59:60]"},
		{"byte order mark", "\xef\xbb\xbfContent-Type: text/html\n\nx", "text/html[0:28:29]"},
		{"CR does not end a line", "A: b\rContent-Type: text/html\n\nx", "text/plain[0:30:31]"},
		{"NUL", "A: b\x00c\n\n\x00\x00\n", "text/plain[0:8:11]"},
		{"two parts", multi + "pre\n--b\n\n1\n--b\nContent-Type: text/html\n\n2\n--b--\nepi\n", "mixed[0:43:95](text/plain[51:52:53] text/html[58:83:84])"},
		{"CRLF", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--b--\r\n", "mixed[0:45:62](text/plain[50:52:53])"},
		{"not closed", multi + "--b\n\n1\n", "mixed[0:43:50](text/plain[47:48:50])"},
		{"closed without line end", multi + "--b\n\n1\n--b--", "mixed[0:43:55](text/plain[47:48:49])"},
		{"delimiter at the end", multi + "--b\n\n1\n--b\n", "mixed[0:43:54](text/plain[47:48:49])"},
		{"only a delimiter", multi + "--b", "mixed[0:43:46](text/plain[46:46:46])"},
		{"empty parts", multi + "--b\n--b\n\n--b\nA: b\n--b--\n", "mixed[0:43:67](text/plain[47:47:47] text/plain[51:52:52] text/plain[56:61:61])"},
		{"header ends at a delimiter", multi + "--b\nContent-Type: text/html\n--b--\n", "mixed[0:43:77](text/html[47:71:71])"},
		{"part without header", multi + "--b\nwords here\n--b--\n", "mixed[0:43:64](text/plain[47:47:57])"},
		{"no delimiter found", multi + "text\n", "text/plain[0:43:48]"},
		{"no boundary", "Content-Type: multipart/mixed\n\n--b\n\n1\n--b--\n", "text/plain[0:31:44]"},
		{"boundary with padding", multi + "--b \t\n\n1\n--b-- \n", "mixed[0:43:59](text/plain[49:50:51])"},
		{"boundary in a longer line", multi + "--b\n\n1\n--bb\n--b1--\n --b\n--b--\n", "mixed[0:43:73](text/plain[47:48:66])"},
		{"odd boundary", "Content-Type: multipart/mixed; boundary=\"(a)=b?'+_,-./:\"\n\n--(a)=b?'+_,-./:\n\n1\n--(a)=b?'+_,-./:--\n", "mixed[0:58:97](text/plain[75:76:77])"},
		{"quoted pair in boundary", "Content-Type: multipart/mixed; boundary=\"a\\\"b\"\n\n--a\"b\n\n1\n--a\"b--\n", "mixed[0:48:65](text/plain[54:55:56])"},
		{"prefix of another", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\n1\n--bb--\n--b\n\n2\n--b--\n",
			"mixed[0:43:119](mixed[47:91:105](text/plain[96:97:98]) text/plain[110:111:112])"},
		{"inner not closed", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n1\n--b\n\n2\n--b--\n",
			"mixed[0:43:110](mixed[47:90:96](text/plain[94:95:96]) text/plain[101:102:103])"},
		{"same boundary twice", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--b--\n--b\n\n2\n--b--\n",
			"mixed[0:43:116](mixed[47:90:102](text/plain[94:95:96]) text/plain[107:108:109])"},
		{"boundary that looks closing", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=\"b--\"\n\n--b--\n\n1\n--b----\n--b--\n",
			"mixed[0:43:117](mixed[47:94:110](text/plain[100:101:102]))"},
		{"message", "Content-Type: message/rfc822\n\nSubject: x\nContent-Type: text/html\n\nbody\n", "rfc822[0:30:71](text/html[30:66:71])"},
		{"message missing behind its type", "Content-Type: message/rfc822", "rfc822[0:28:28](text/plain[28:28:28])"},
		{"digest without anything", "Content-Type: multipart/digest; boundary=b\n\n--b\nx", "digest[0:44:49](rfc822[48:48:49](text/plain[48:48:49]))"},
		{"encoded message", "Content-Type: message/rfc822\nContent-Transfer-Encoding: BASE64\n\nU3ViamVjdA==\n", "message/rfc822[0:64:77]"},
		{"no message in a message", "Content-Type: message/rfc822\n\nnothing like it\n", "rfc822[0:30:46](text/plain[30:30:46])"},
		{"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nbody\n--b\nContent-Type: text/plain\n\n2\n--b--\n",
			"digest[0:44:104](rfc822[48:49:65](text/plain[49:61:65]) text/plain[70:96:97])"},
		{"message ended by a delimiter", multi + "--b\nContent-Type: message/rfc822\n\n\n--b--\n", "mixed[0:43:84](rfc822[47:77:78](text/plain[77:78:78]))"},
		{"two types", "Content-Type: text/html\nContent-Type: image/png\n\nx", "text/html[0:49:50]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := checkStructure(t, []byte(c.raw), 1, 2, 3, 5, 7, 11)
			if got := outline(m.Root); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if m.Limited {
				t.Error("limited")
			}
		})
	}
}

func TestStructureLines(t *testing.T) {
	m := ParseBytes([]byte("A: b\r\n\r\none\r\ntwo"), Limits{})
	if m.Lines != 3 || m.Root.Lines != 1 {
		t.Errorf("lines %d, of the body %d", m.Lines, m.Root.Lines)
	}
}

func TestLimits(t *testing.T) {
	nested := ""
	for i := range 10 {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	many := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 10) + "--b--\n"
	header := "Subject: x\n" + strings.Repeat("X-Fill: y\n", 10) + "Content-Type: text/html\n\nbody"
	for _, c := range []struct {
		name, raw string
		lim       Limits
		want      string
		limited   bool
	}{
		{"depth", nested, Limits{Depth: 2}, "mixed[0:44:490](text/plain[49:93:490])", true},
		{"depth enough", nested, Limits{Depth: 20}, "", false},
		{"parts", many, Limits{Parts: 3}, "mixed[0:43:119](text/plain[47:48:49] text/plain[54:55:119])", true},
		{"header octets", header, Limits{HeaderBytes: 50}, "text/plain[0:136:140]", true},
		{"header fields", header, Limits{HeaderFields: 5}, "text/plain[0:136:140]", true},
		{"header enough", header, Limits{HeaderBytes: 200, HeaderFields: 12}, "text/html[0:136:140]", false},
		{"messages deep", strings.Repeat("Content-Type: message/rfc822\n\n", 5), Limits{Depth: 2}, "rfc822[0:30:150](message/rfc822[30:60:150])", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := ParseBytes([]byte(c.raw), c.lim)
			if got := outline(m.Root); c.want != "" && got != c.want || m.Limited != c.limited {
				t.Errorf("limited %v\n got %s\nwant %s", m.Limited, got, c.want)
			}
			if other := ParseChunks(chunks([]byte(c.raw), 3), c.lim); !reflect.DeepEqual(m, other) {
				t.Errorf("in chunks %s", outline(other.Root))
			}
			rebuild(t, []byte(c.raw), m)
			checkIndex(t, m)
		})
	}
}

// TestLongLines sees that lines of any length cost no memory and end what they must.
func TestLongLines(t *testing.T) {
	for _, n := range []int{maxHeldLine - 5, maxHeldLine - 4, maxHeldLine - 3, maxHeldLine - 2, maxHeldLine - 1, maxHeldLine, maxHeldLine + 1, 5000} {
		for _, begin := range []string{"--", "-", "X: ", "X", "--b", "--b ", "X "} {
			line := begin + strings.Repeat(begin[len(begin)-1:], n) + "\n"
			checkStructure(t, []byte("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n"+strings.TrimSpace(line)), 1, 100, 1500)
			checkStructure(t, []byte("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n"+strings.TrimSuffix(line, "\n")), 1, 100, 1500)
			raw := "Content-Type: multipart/mixed; boundary=b\n" + line + "\n" + line + "--b\n" + line + "\n" + line + "--b--\n"
			checkStructure(t, []byte(raw), 1, 100, 1500)
		}
	}
}

func TestParseReader(t *testing.T) {
	raw := attachment1M()
	want := ParseBytes(raw, Limits{})
	if want.Preview != "See the file." || !want.Previewed {
		t.Errorf("preview %q of a message in memory", want.Preview)
	}
	want.Preview, want.Previewed = "", false // a stream has passed by
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(raw), "halves": iotest.HalfReader(bytes.NewReader(raw)), "data with EOF": iotest.DataErrReader(bytes.NewReader(raw)),
	} {
		if m, err := Parse(r, Limits{}); err != nil || !reflect.DeepEqual(m, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := NewParser(Limits{})
	if n, err := io.Copy(p, iotest.OneByteReader(bytes.NewReader(raw))); err != nil || n != int64(len(raw)) || !reflect.DeepEqual(p.Finish(), want) {
		t.Errorf("written: %d octets, %v", n, err)
	}
	broken := errors.New("broken")
	m, err := Parse(io.MultiReader(strings.NewReader("Subject: x\n\nbo"), iotest.ErrReader(broken)), Limits{})
	if !errors.Is(err, broken) || m == nil || m.Size != 14 || m.Root.Envelope.Subject != "x" {
		t.Errorf("message %+v, error %v", m, err)
	}
}

// rfc9051Message has the structure of the example in RFC 9051 §6.4.5.1.
func rfc9051Message() []byte {
	return []byte(strings.ReplaceAll(`Subject: HEADER
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: text/plain

1 TEXT/PLAIN
--m
Content-Type: application/octet-stream

2
--m
Content-Type: message/rfc822

Subject: 3.HEADER
Content-Type: multipart/mixed; boundary=m3

--m3
Content-Type: text/plain

3.1
--m3
Content-Type: application/octet-stream

3.2
--m3--
--m
Content-Type: multipart/mixed; boundary=m4

--m4
Content-Type: image/gif

4.1
--m4
X: 4.2.MIME
Content-Type: message/rfc822

Subject: 4.2.HEADER
Content-Type: multipart/mixed; boundary=m42

--m42
Content-Type: text/plain

4.2.1
--m42
Content-Type: multipart/alternative; boundary=m422

--m422
Content-Type: text/plain

4.2.2.1
--m422
Content-Type: text/richtext

4.2.2.2
--m422--
--m42--
--m4--
--m--
`, "\n", "\r\n"))
}

func TestSections(t *testing.T) {
	raw := rfc9051Message()
	m := checkStructure(t, raw, 1)
	for _, c := range []struct {
		path []int
		kind SectionKind
		want string // what the octets begin with; "-" for none
	}{
		{nil, SectionAll, "Subject: HEADER"},
		{nil, SectionHeader, "Subject: HEADER"},
		{nil, SectionText, "--m\r\n"},
		{nil, SectionMIME, "-"},
		{[]int{1}, SectionAll, "1 TEXT/PLAIN"},
		{[]int{1}, SectionMIME, "Content-Type: text/plain\r\n\r\n"},
		{[]int{1}, SectionHeader, "-"},
		{[]int{1}, SectionText, "-"},
		{[]int{2}, SectionAll, "2"},
		{[]int{3}, SectionAll, "Subject: 3.HEADER"},
		{[]int{3}, SectionHeader, "Subject: 3.HEADER"},
		{[]int{3}, SectionText, "--m3\r\n"},
		{[]int{3}, SectionMIME, "Content-Type: message/rfc822"},
		{[]int{3, 1}, SectionAll, "3.1"},
		{[]int{3, 2}, SectionAll, "3.2"},
		{[]int{3, 3}, SectionAll, "-"},
		{[]int{4}, SectionAll, "--m4\r\n"},
		{[]int{4, 1}, SectionAll, "4.1"},
		{[]int{4, 1}, SectionMIME, "Content-Type: image/gif"},
		{[]int{4, 2}, SectionHeader, "Subject: 4.2.HEADER"},
		{[]int{4, 2}, SectionMIME, "X: 4.2.MIME"},
		{[]int{4, 2, 1}, SectionAll, "4.2.1"},
		{[]int{4, 2, 2}, SectionAll, "--m422\r\n"},
		{[]int{4, 2, 2, 1}, SectionAll, "4.2.2.1"},
		{[]int{4, 2, 2, 2}, SectionAll, "4.2.2.2"},
		{[]int{4, 2, 2, 2, 1}, SectionAll, "-"},
		{[]int{5}, SectionAll, "-"},
		{[]int{0}, SectionAll, "-"},
	} {
		start, end, ok := m.Section(c.path, c.kind)
		if got := "-"; ok {
			got = string(raw[start:end])
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("%v kind %d = %q, want %q", c.path, c.kind, got, c.want)
			}
		} else if c.want != "-" {
			t.Errorf("%v kind %d is missing", c.path, c.kind)
		}
	}
}

func TestSectionsOfSimpleMessages(t *testing.T) {
	plain := ParseBytes([]byte("A: b\n\nbody"), Limits{})
	if p := plain.Part([]int{1}); p != plain.Root {
		t.Error("part 1 of a plain message is its body")
	}
	if p := plain.Part([]int{1, 1}); p != nil {
		t.Error("part 1.1 of a plain message")
	}
	message := ParseBytes([]byte("Content-Type: message/rfc822\n\nSubject: in\n\nbody"), Limits{})
	if p := message.Part([]int{1, 1}); p != message.Root.Children[0] {
		t.Error("part 1.1 is the body of the message inside")
	}
	if start, end, ok := message.Section([]int{1}, SectionText); !ok || end-start != 4 {
		t.Errorf("1.TEXT = %d %d %v", start, end, ok)
	}
}

// TestHostileHeaders sees that no header makes parsing slow: each of these took minutes where
// every octet was looked at again for the next.
func TestHostileHeaders(t *testing.T) {
	const n = DefaultHeaderBytes / 8
	for _, unit := range []string{
		"=?", "=?a?q?x ", "[", "(", "\"", "\"a\"", "、", "＠", "<", "<a> ", ":", ";", ",", "@", "/ ", "a=b;", "a*1=b;", "a*1*=%;",
		"\x1b$", "\x1b$B\x1b(B", "\\", "\x81", "=?utf-8?b?a?= ", "a;", "=", "name=a;", "<a@b>", "a@b ", "\xff",
	} {
		text := strings.Repeat(unit, n/len(unit))
		for _, name := range []string{"To: ", "Subject: ", "Content-Type: a/b; x=", "Content-Disposition: ", "References: ", "Date: "} {
			m := ParseBytes([]byte(name+text+"\n\n"), Limits{})
			m.Root.Filenames()
			DecodeHeader(m.Root.Envelope.Subject)
			if _, err := Decode(m.Encode(nil)); err != nil {
				t.Errorf("%s%s...: %v", name, unit, err)
			}
		}
	}
}
