package mime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegami/lab/archives"
)

// mimekitPart is the JSON that MimeKit's tests expect of the offsets in a mailbox file.
type mimekitPart struct {
	MimeType         string
	MboxMarkerOffset int64
	BeginOffset      int64
	HeadersEndOffset int64
	EndOffset        int64
	Octets           int64
	Lines            *int64
	Body             *mimekitPart
	Message          *mimekitPart
	Children         []*mimekitPart
}

// TestMimeKit compares the offsets of all parts of mailbox files with MimeKit's, with LF and with CRLF.
func TestMimeKit(t *testing.T) {
	const archive = "mime-mimekit"
	dir := filepath.Join(archives.Unpack(t, archive), archive, "mbox")
	x := loadExceptions(t, archive)
	for _, name := range []string{"content-length", "issue1189"} {
		raw, err := os.ReadFile(filepath.Join(dir, name+".mbox.txt"))
		if err != nil {
			t.Fatal(err)
		}
		unix := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		dos := bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n"))
		compareMimeKit(t, x, filepath.Join(dir, name+".unix-offsets.json"), unix)
		compareMimeKit(t, x, filepath.Join(dir, name+".dos-offsets.json"), dos)
	}
	x.done()
}

func compareMimeKit(t *testing.T, x *exceptions, expect string, mbox []byte) {
	b, err := os.ReadFile(expect)
	if err != nil {
		t.Fatal(err)
	}
	var want []*mimekitPart
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		raw := mbox[w.BeginOffset:w.EndOffset]
		m := checkStructure(t, raw, 9)
		c := mimekitCompare{x: x, file: filepath.Base(expect), base: w.BeginOffset}
		c.part(m.Root, w.Body, fmt.Sprint(i))
	}
}

type mimekitCompare struct {
	x    *exceptions
	file string
	base int64 // offset of the message in the file
}

func (c *mimekitCompare) part(p *Part, w *mimekitPart, place string) {
	got := fmt.Sprint(p.Type+"/"+p.Subtype, p.HeaderStart+c.base, p.BodyStart+c.base, p.BodyEnd+c.base)
	want := fmt.Sprint(strings.ToLower(w.MimeType), w.BeginOffset, w.HeadersEndOffset, w.EndOffset)
	if got != want {
		c.x.report(c.file, place, "got %s, want %s", got, want)
	}
	if len(w.Children) > 0 && len(p.Children) != len(w.Children) {
		c.x.report(c.file, place+" parts", "got %d, want %d", len(p.Children), len(w.Children))
		return
	}
	for i, child := range w.Children {
		c.part(p.Children[i], child, fmt.Sprintf("%s.%d", place, i+1))
	}
	if w.Message != nil && len(p.Children) == 1 {
		c.part(p.Children[0], w.Message.Body, place+".m")
	}
}
