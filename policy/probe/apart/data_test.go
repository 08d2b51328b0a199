package apart

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tegami/lab/archives"
)

// TestVC1JapaneseNames: names in CP932, in UTF-8 without the flag, and in the field for Unicode.
func TestVC1JapaneseNames(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	field := append([]byte{0x75, 0x70, 5 + 9, 0, 1, 0, 0, 0, 0}, "議事録"...)
	for _, h := range []*zip.FileHeader{
		{Name: "\x90\xbf\x8b\x81\x8f\x91\\\x83\x5c.xls", NonUTF8: true}, // 請求書\ソ.xls: the last one has a backslash for its second octet
		{Name: "請求書.xls", NonUTF8: true},
		{Name: "見積書.xls"},
		{Name: "x", NonUTF8: true, Extra: field},
	} {
		if _, err := w.CreateHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files, _, err := List(context.Background(), Limits{}, "a.zip", "", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files[1:] {
		names = append(names, f.Name)
	}
	if want := []string{`請求書\ソ.xls`, "請求書.xls", "見積書.xls", "議事録"}; !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
}

// TestVC1DamagedZip: where the directory is gone, members are found by their own headers; members the directory leaves out as well.
func TestVC1DamagedZip(t *testing.T) {
	files := []inside{{"a.txt", []byte("first")}, {"b.txt", bytes.Repeat([]byte("second "), 100)}}
	data := makeZip(t, files...)
	at := bytes.Index(data, []byte("PK\x01\x02"))
	got, out := list(t, Limits{}, "a.zip", "", data[:at])
	if out.Problem != Damaged || len(got) != 3 || !strings.HasSuffix(got[1], "a.txt text 5") || !strings.HasSuffix(got[2], "b.txt text 700") {
		t.Errorf("%q %+v", got, out)
	}

	hidden := append(slices.Clone(data[:at]), makeZip(t, inside{"shown.txt", []byte("shown")})...)
	got, _ = list(t, Limits{}, "a.zip", "", hidden)
	if len(got) != 4 {
		t.Errorf("what stands before the directory's members was not seen: %q", got)
	}
	if got, out := list(t, Limits{}, "a.zip", "", []byte("PK\x03\x04 and no more")); out.Problem != Damaged {
		t.Errorf("%q %+v", got, out)
	}
}

// TestVC1Office tells documents from archives.
func TestVC1Office(t *testing.T) {
	types := func(s string) inside {
		return inside{"[Content_Types].xml", []byte(`<Types><Override PartName="/x" ContentType="application/vnd.` + s + `"/></Types>`)}
	}
	for kind, data := range map[Kind][]byte{
		"docx": makeZip(t, types("openxmlformats-officedocument.wordprocessingml.document.main+xml")),
		"docm": makeZip(t, types("ms-word.document.macroEnabled.main+xml"), inside{"word/vbaProject.bin", []byte("x")}),
		"xlsx": makeZip(t, types("openxmlformats-officedocument.spreadsheetml.sheet.main+xml")),
		"xlsb": makeZip(t, types("ms-excel.sheet.binary.macroEnabled.main")),
		"pptx": makeZip(t, types("openxmlformats-officedocument.presentationml.presentation.main+xml")),
		"odt":  makeZip(t, inside{"mimetype", []byte("application/vnd.oasis.opendocument.text")}),
		"jar":  makeZip(t, inside{"META-INF/MANIFEST.MF", []byte("x")}),
		"zip":  makeZip(t, inside{"readme", []byte("x")}),
	} {
		files, out, err := List(context.Background(), Limits{}, "a", "", bytes.NewReader(data), int64(len(data)))
		if err != nil || out.Problem != "" || files[0].Kind != kind || len(files) < 2 {
			t.Errorf("%s: %v %+v %+v", kind, err, files, out)
		}
	}
}

// TestVC1Kinds tells what files are by their octets.
func TestVC1Kinds(t *testing.T) {
	for _, c := range []struct {
		name, claimed, data string
		kind                Kind
	}{
		{"a.txt", "", "hello", Text},
		{"a.csv", "", "a,b", "csv"},
		{"a.pdf", "", "<html><script>x</script>", HTML},
		{"a.txt", "", "\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00", HTML},
		{"a.jpg", "image/jpeg", "%PDF-1.4", PDF},
		{"a.bin", "", "<!doctype html><svg></svg>", HTML},
		{"a.txt", "", "look at <table>", Text},
		{"a", "text/html", "look at <table>", HTML},
		{"a", "", "<?xml version='1.0'?><svg xmlns='x'/>", "svg"},
		{"a.doc", "", "{\\rtf1 x}", RTF},
		{"a", "", "#!/bin/sh\n", "script"},
		{"a", "", "\x7fELF\x02", "elf"},
		{"a", "", "\x00\x01\x02\x03\x04", Data},
		{"a", "", "From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\nhello", EML},
		{"a", "message/rfc822", "hello", EML},
		{"a", "", "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n\r\n--x--", MHT},
		{"a", "", "L\x00\x00\x00\x01\x14\x02\x00", "lnk"},
		{"a", "", "", Text},
		{"a", "", "\xca\xfe\xba\xbe\x00\x00\x00\x37\x00", "class"},
	} {
		files, _, err := List(context.Background(), Limits{}, c.name, c.claimed, strings.NewReader(c.data), int64(len(c.data)))
		if err != nil || files[0].Kind != c.kind {
			t.Errorf("%s %q: %v %q", c.name, c.data, err, files[0].Kind)
		}
	}
}

// TestVC1Mail: the parts of a message in a message in a zip, and what is in them.
func TestVC1Mail(t *testing.T) {
	packed := makeZip(t, inside{"evil.exe", []byte("MZ")})
	inner := "From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: application/zip; name=\"a.zip\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64Lines(packed)
	outer := "From: a@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>hi</p>\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + "\r\n--b--\r\n"
	got, out := list(t, Limits{}, "a.eml", "message/rfc822", []byte(outer))
	if len(got) != 5 || out.Problem != "" || !strings.HasSuffix(got[4], ">a.zip>evil.exe dos 2") || !strings.Contains(got[1], "html 9") {
		t.Errorf("%q %+v", got, out)
	}
}

func base64Lines(b []byte) string {
	cmd := &strings.Builder{}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for len(b) > 0 {
		var three [3]byte
		n := copy(three[:], b)
		b = b[n:]
		v := int(three[0])<<16 | int(three[1])<<8 | int(three[2])
		for i := range 4 {
			if i > n {
				cmd.WriteByte('=')
			} else {
				cmd.WriteByte(alphabet[v>>(18-6*i)&63])
			}
		}
	}
	return cmd.String() + "\r\n"
}

// TestVC1TNEF: what MimeKit's samples of winmail.dat hold.
func TestVC1TNEF(t *testing.T) {
	dir := filepath.Join(archives.Unpack(t, "mime-mimekit"), "mime-mimekit", "tnef")
	samples, err := filepath.Glob(filepath.Join(dir, "*.tnef"))
	if err != nil || len(samples) == 0 {
		t.Fatal(samples, err)
	}
	for _, sample := range samples {
		data, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		out, err := Walk(context.Background(), Limits{}, "winmail.dat", "", bytes.NewReader(data), int64(len(data)), func(m *Member) error {
			r, size := m.Octets()
			b, err := readAll(r, size, size)
			found[lines(b)] = true
			return err
		})
		base := strings.TrimSuffix(filepath.Base(sample), ".tnef")
		if err != nil || out.Problem != "" && base != "garbage-at-end" && base != "panic" {
			t.Errorf("%s: %v %+v", base, err, out)
		}
		expected, _ := filepath.Glob(filepath.Join(dir, base, "*"))
		for _, path := range expected {
			want, err := os.ReadFile(path)
			if bytes.HasPrefix(want[min(16, len(want)):], []byte("\xd0\xcf\x11\xe0")) { // the octets of an object's class go before it there
				want = want[16:]
			}
			if err != nil || len(want) > 0 && !found[lines(want)] {
				t.Errorf("%s: %s (%d octets) was not found, %v", base, filepath.Base(path), len(want), err)
			}
		}
	}
}

// lines gives text without the CR the samples lost.
func lines(b []byte) string { return strings.ReplaceAll(string(b), "\r", "") }

// TestVC1Outlook: messages and documents with others in them, as Tika's tests have them.
func TestVC1Outlook(t *testing.T) {
	dir := filepath.Join(archives.Unpack(t, "docs-tika"), "docs-tika", "microsoft")
	for name, want := range map[string]string{
		"testMSG_att_doc.msg":               "doc",
		"testEXCEL_embeddedPDF_windows.xls": "pdf",
		"EmbeddedDocument.docx":             "xls",
		"testRTFUnicodeGothic.rtf":          "",
	} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		got, out := list(t, Limits{}, name, "", data)
		ok := want == ""
		for _, line := range got[1:] {
			ok = ok || strings.Contains(line, " "+want+" ")
		}
		if !ok || out.Problem != "" {
			t.Errorf("%s: %q %+v", name, got, out)
		}
	}
}

// TestVC1Clam: ClamAV's test files, each with the same program in it.
func TestVC1Clam(t *testing.T) {
	dir := filepath.Join(archives.Unpack(t, "clamav-testfiles"), "clamav-testfiles")
	for name, want := range map[string]string{"clam.cab": "pe", "clam.zip": ">clam.exe pe", "clam_cache_emax.tgz": " pe", "clam.ole.doc": " pe", "clam.ppt": "", "clam.bin-be.cpio": Unsupported} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		got, out := list(t, Limits{}, name, "", data)
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s: %q %+v", name, got, out)
		}
	}
}

// TestVC1Mbox: the messages of a mailbox file.
func TestVC1Mbox(t *testing.T) {
	one := "From a@example.com Mon Jan  1 00:00:00 2024\nFrom: a@example.com\nTo: b@example.com\nSubject: x\n\nhello\n\n"
	got, out := list(t, Limits{}, "inbox", "", []byte(one+one))
	if len(got) != 5 || !strings.HasSuffix(got[2], "text 7") || !strings.Contains(got[3], ">2.eml eml") || out.Problem != "" {
		t.Errorf("%q %+v", got, out)
	}
}

// TestVC1RTFObject: a package in an RTF.
func TestVC1RTFObject(t *testing.T) {
	native := []byte("\x02\x00evil.exe\x00C:\\evil.exe\x00\x00\x00\x03\x00\x04\x00\x00\x00tmp\x00\x02\x00\x00\x00MZ")
	object := binary.LittleEndian.AppendUint32([]byte{1, 5, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 'P', 'a', 'c', 'k', 'a', 'g', 'e', 0, 0, 0, 0, 0, 0, 0, 0, 0}, uint32(len(native)))
	hexed := hex.EncodeToString(append(object, native...))
	data := []byte("{\\rtf1{\\object\\objemb{\\*\\objdata " + hexed[:31] + "\r\n{\\*\\x 00}" + hexed[31:] + "}}}")
	got, out := list(t, Limits{}, "a.rtf", "", data)
	if len(got) != 2 || got[1] != "a.rtf>evil.exe dos 2" || out.Problem != "" {
		t.Errorf("%q %+v", got, out)
	}
}

// rarBlock writes a block of RAR 5 (technote.txt, "General archive block format").
func rarBlock(kind, flags byte, body, data []byte) []byte {
	head := []byte{kind, flags}
	if len(data) > 0 || flags&2 != 0 {
		head = binary.AppendUvarint(head, uint64(len(data)))
	}
	head = append(head, body...)
	head = append(binary.AppendUvarint(nil, uint64(len(head))), head...)
	return append(append(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(head)), head...), data...)
}

// TestVC1RAR: a stored member; one whose checksum is wrong is damaged and shown.
func TestVC1RAR(t *testing.T) {
	file := func(name, data string) []byte {
		body := []byte{4}
		body = binary.AppendUvarint(body, uint64(len(data)))
		body = append(body, 0)
		body = binary.LittleEndian.AppendUint32(body, crc32.ChecksumIEEE([]byte(data)))
		body = append(body, 0, 1, byte(len(name)))
		return rarBlock(2, 2, append(body, name...), []byte(data))
	}
	data := slices.Concat([]byte("Rar!\x1a\x07\x01\x00"), rarBlock(1, 0, []byte{0}, nil), file("見積.txt", "hello"), file("b.exe", "MZ"), rarBlock(5, 0, []byte{0}, nil))
	got, out := list(t, Limits{}, "a.rar", "", data)
	if len(got) != 3 || got[1] != "a.rar>見積.txt text 5" || got[2] != "a.rar>b.exe dos 2" || out.Problem != "" {
		t.Errorf("%q %+v", got, out)
	}
	wrong := bytes.Replace(data, []byte("hello"), []byte("hullo"), 1)
	if got, out := list(t, Limits{}, "a.rar", "", wrong); len(got) < 2 || !strings.HasSuffix(got[1], "text 5 damaged") || out.Problem != Damaged {
		t.Errorf("%q %+v", got, out)
	}
	locked := slices.Concat([]byte("Rar!\x1a\x07\x01\x00"), rarBlock(4, 0, append([]byte{0, 0, 15}, make([]byte, 16)...), nil))
	if got, out := list(t, Limits{}, "a.rar", "", append(locked, make([]byte, 64)...)); out.Problem != Encrypted {
		t.Errorf("%q %+v", got, out)
	}
}

// TestVC1SevenZipSamples: the decoder's own samples, where its source is at hand.
func TestVC1SevenZipSamples(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bodgit/sevenzip").Output()
	if err != nil {
		t.Skip("no source of the decoder here")
	}
	samples, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "testdata", "*.7z"))
	if len(samples) == 0 {
		t.Skip("the decoder comes without samples")
	}
	problems := map[string]string{
		"7zcracker.7z": Encrypted, "aes7z.7z": Encrypted, "pr472.7z": Encrypted, "t2.7z": Encrypted, "t3.7z": Encrypted, "t4.7z": Encrypted, "t5.7z": Encrypted,
		"COMPRESS-492.7z": Damaged,
	}
	for _, sample := range samples {
		data, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		got, out := list(t, Limits{}, filepath.Base(sample), "", data)
		want, known := problems[filepath.Base(sample)]
		if !known && out.Problem != "" || known && out.Problem != want {
			t.Errorf("%s: %d members, %+v", filepath.Base(sample), len(got), out)
		}
	}
}
