package clean

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tegami/lab/archives"
)

func TestVC3WordMacros(t *testing.T) {
	old := withMacros(t, wordText)
	if !hasMacros(t, old) {
		t.Fatal("the test's document has no macros")
	}
	b, removed := cleaned(t, old)
	if hasMacros(t, b) || !removed.Has(VBA) {
		t.Error("macros are left", removed)
	}
	parts, before := unzipped(t, b), unzipped(t, old)
	if parts["word/document.xml"] != before["word/document.xml"] {
		t.Error("the text changed")
	}
	if len(parts) != 4 || !strings.Contains(parts["[Content_Types].xml"], "document.macroEnabled.main+xml") {
		t.Errorf("%d parts: %s", len(parts), parts["[Content_Types].xml"])
	}
	refused(t, b) // there is nothing more to take out
}

// TestVC3WordMacrosHidden has the project under another name and type, in a document within the document.
func TestVC3WordMacrosHidden(t *testing.T) {
	inner := withMacros(t, wordText)
	outer := []byte(zipped(t, typesOf(`<Default Extension="dat" ContentType="application/octet-stream"/>`, "/word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"),
		relsOf("_rels/.rels", "rId1", relations+"officeDocument", "word/document.xml"),
		file{"word/document.xml", `<w:document` + wordSpace + `><w:body>` + wordText + `</w:body></w:document>`, 0},
		relsOf("word/_rels/document.xml.rels", "rId1", relations+"package", "embeddings/a.docm", "rId2", relations+"image", "media/image1.dat"),
		file{"word/embeddings/a.docm", string(inner), 0}, file{"word/media/image1.dat", string(project()), 0}, file{"word/media/good.dat", "good", 0}))
	b, _ := cleaned(t, outer)
	parts := unzipped(t, b)
	if hasMacros(t, []byte(parts["word/embeddings/a.docm"])) || parts["word/media/image1.dat"] != "" || parts["word/media/good.dat"] != "good" {
		t.Error("something is left, or too little")
	}
}

func TestVC3WordDDE(t *testing.T) {
	run := func(s string) string { return `<w:r>` + s + `</w:r>` }
	char := func(s string) string { return run(`<w:fldChar w:fldCharType="` + s + `"/>`) }
	code := func(s string) string { return run(`<w:instrText xml:space="preserve">` + s + `</w:instrText>`) }
	shown := char("separate") + run(`<w:t>shown</w:t>`) + char("end")
	for _, c := range []struct{ name, old, want string }{
		{"plain", char("begin") + code(`DDEAUTO c:\\windows\\system32\\cmd.exe "/k calc"`) + shown, char("begin") + code(" QUOTE ") + shown},
		{"in pieces", char("begin") + code(` D`) + code(`DE`) + code(`AUTO cmd`) + shown, char("begin") + code(" QUOTE ") + code("") + code("") + shown},
		{"escaped", char("begin") + code(`&#68;DE cmd`) + shown, char("begin") + code(" QUOTE ") + shown},
		{"simple", `<w:fldSimple w:instr="DDE cmd"><w:r><w:t>a</w:t></w:r></w:fldSimple>`, `<w:fldSimple w:instr=" QUOTE "><w:r><w:t>a</w:t></w:r></w:fldSimple>`},
		{"made by another field", char("begin") + char("begin") + code(` QUOTE 68 68 69`) + char("end") + code(` cmd`) + shown,
			char("begin") + char("begin") + code(" QUOTE ") + char("end") + code("") + shown},
		{"without an end", char("begin") + code(`DDE cmd`), char("begin") + code(" QUOTE ")},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := func(s string) string {
				return `<w:document` + wordSpace + `><w:body>` + wordText + s + `</w:body></w:document>`
			}
			pages := char("begin") + code(` PAGE `) + shown
			b, removed := cleaned(t, []byte(zipped(t, typesOf("", "/word/x.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"),
				file{"word/x.xml", whole(pages + c.old), 0})))
			if got := unzipped(t, b)["word/x.xml"]; got != whole(pages+c.want) || !removed.Has(DDE) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestVC3WordControlsAndTemplate(t *testing.T) {
	const document = `<w:document` + wordSpace + `><w:body><w:p><w:r><w:object><v:shape/><w:control r:id="rId4" w:name="x"/></w:object><w:t>手紙</w:t></w:r></w:p></w:body></w:document>`
	b, removed := cleaned(t, []byte(zipped(t,
		typesOf(`<Default Extension="bin" ContentType="application/vnd.ms-office.activeX"/>`, "/word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
			"/word/activeX/activeX1.xml", "application/vnd.ms-office.activeX+xml", "/_xmlsignatures/sig1.xml", "application/vnd.openxmlformats-package.digital-signature-xmlsignature+xml"),
		relsOf("_rels/.rels", "rId1", relations+"officeDocument", "word/document.xml", "rId2", "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin", "_xmlsignatures/origin.sigs"),
		file{"_xmlsignatures/sig1.xml", "<x/>", 0},
		file{"word/document.xml", document, 0}, relsOf("word/_rels/document.xml.rels", "rId4", relations+"control", "activeX/activeX1.xml", "rId5", relations+"hyperlink", "!https://example.com/",
			"rId6", relations+"oleObject", "!http://evil.example/x.doc"),
		file{"word/activeX/activeX1.xml", "<ax/>", 0}, relsOf("word/activeX/_rels/activeX1.xml.rels", "rId1", microsoft+"activeXControlBinary", "activeX1.bin"),
		file{"word/activeX/activeX1.bin", "x", 0},
		file{"word/settings.xml", `<w:settings` + wordSpace + `><w:zoom/><w:attachedTemplate r:id="rId1"/></w:settings>`, 0},
		relsOf("word/_rels/settings.xml.rels", "rId1", relations+"attachedTemplate", "!http://evil.example/t.dotm"))))
	parts := unzipped(t, b)
	if want := strings.Replace(document, `<w:control r:id="rId4" w:name="x"/>`, "", 1); parts["word/document.xml"] != want {
		t.Errorf("the document is %s", parts["word/document.xml"])
	}
	if strings.Contains(parts["word/settings.xml"], "attachedTemplate") || strings.Contains(parts["word/_rels/settings.xml.rels"], "evil") {
		t.Error("the template is left")
	}
	rels := parts["word/_rels/document.xml.rels"]
	if strings.Contains(rels, "evil") || !strings.Contains(rels, "https://example.com/") || strings.Contains(parts["_rels/.rels"], "signature") {
		t.Errorf("relationships: %s", rels)
	}
	if !removed.Has(ActiveX) || !removed.Has(Template) || hasMacros(t, b) || len(parts) != 6 {
		t.Errorf("removed %v, %d parts", removed, len(parts))
	}
}

func TestVC3ExcelMacroSheets(t *testing.T) {
	b, removed := cleaned(t, withMacroSheet(t))
	parts := unzipped(t, b)
	if hasMacros(t, b) || !removed.Has(XLM) || !removed.Has(DDE) {
		t.Error("macros are left", removed)
	}
	book := parts["xl/workbook.xml"]
	if strings.Contains(book, "Auto_Open") || !strings.Contains(book, `<definedName name="sum">`) || !strings.Contains(book, `name="Macro1"`) {
		t.Error(book)
	}
	if parts["xl/macrosheets/sheet1.xml"] != emptySheet || !strings.Contains(parts["xl/worksheets/sheet1.xml"], "手紙の本文") {
		t.Error("sheets are not what they should be")
	}
}

// TestVC3ExcelBinary has a workbook in BIFF12 with a macro sheet and a DDE link.
func TestVC3ExcelBinary(t *testing.T) {
	record := func(typ int, body string) string {
		return string([]byte{byte(typ&0x7f | 0x80), byte(typ >> 7), byte(len(body))}) + body
	}
	wide := func(s string) string {
		b := little.AppendUint32(nil, uint32(len(s)))
		for _, c := range s {
			b = little.AppendUint16(b, uint16(c))
		}
		return string(b)
	}
	link := record(beginSupBook, "\x01\x00"+wide("cmd")+wide("/c calc")) + record(beginSupBook, "\x00\x00"+wide("rId1")) + record(588, "")
	b, removed := cleaned(t, []byte(zipped(t,
		typesOf(`<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/>`,
			"/xl/macrosheets/sheet1.bin", "application/vnd.ms-excel.macrosheet", "/xl/externalLinks/externalLink1.bin", "application/vnd.ms-excel.externalLink"),
		file{"xl/workbook.bin", "x", 0}, file{"xl/macrosheets/sheet1.bin", "EXEC(", 0}, file{"xl/externalLinks/externalLink1.bin", link, 0},
		relsOf("xl/_rels/workbook.bin.rels", "rId1", microsoft+"xlMacrosheet", "macrosheets/sheet1.bin"))))
	parts := unzipped(t, b)
	want := strings.Replace(link, wide("cmd")+wide("/c calc"), wide("xxx")+wide("xxxxxxx"), 1)
	if parts["xl/externalLinks/externalLink1.bin"] != want || parts["xl/macrosheets/sheet1.bin"] != emptySheetBinary || parts["xl/workbook.bin"] != "x" {
		t.Errorf("%q", parts)
	}
	if hasMacros(t, b) || !removed.Has(XLM) || !removed.Has(DDE) || !strings.Contains(parts["[Content_Types].xml"], `"/xl/macrosheets/sheet1.bin" ContentType="application/vnd.ms-excel.worksheet"`) {
		t.Errorf("removed %v: %s", removed, parts["[Content_Types].xml"])
	}
}

func TestVC3PowerPointActions(t *testing.T) {
	const slide = `<p:sld xmlns:a="a" xmlns:p="p" xmlns:r="r"><a:hlinkClick r:id="" action="ppaction://macro?name=Run"/><a:hlinkClick r:id="rId2" action='ppaction://program'/><a:hlinkClick action="ppaction://hlinkshowjump?jump=nextslide"/><a:t>手紙</a:t></p:sld>`
	b, removed := cleaned(t, []byte(zipped(t, typesOf("", "/ppt/slides/slide1.xml", "application/vnd.openxmlformats-officedocument.presentationml.slide+xml"), file{"ppt/slides/slide1.xml", slide, 0})))
	want := strings.NewReplacer("ppaction://macro?name=Run", "ppaction://noaction", "ppaction://program", "ppaction://noaction").Replace(slide)
	if got := unzipped(t, b)["ppt/slides/slide1.xml"]; got != want || !removed.Has(VBA) || !removed.Has(Package) {
		t.Errorf("%s, removed %v", got, removed)
	}
}

func TestVC3OpenDocumentScripts(t *testing.T) {
	const content = `<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"><office:scripts><office:event-listeners>` +
		`<script:event-listener script:event-name="dom:load" xlink:href="vnd.sun.star.script:Standard.m.Main"/></office:event-listeners></office:scripts>` +
		`<office:body><text:p>手紙<text:execute-macro text:name="a">押す</text:execute-macro><text:a xlink:href="vnd.sun.star.script:x">b</text:a><text:a xlink:href="https://example.com">c</text:a></text:p>` +
		`<table:table-cell table:formula="of:=DDE(&quot;cmd&quot;;&quot;a&quot;)" office:value="1"/><text:section><office:dde-source office:dde-application="x"/></text:section></office:body></office:document-content>`
	const want = `<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">` +
		`<office:body><text:p>手紙押す<text:a xlink:href="#">b</text:a><text:a xlink:href="https://example.com">c</text:a></text:p>` +
		`<table:table-cell table:formula="" office:value="1"/><text:section></text:section></office:body></office:document-content>`
	b, removed := cleaned(t, []byte(zipped(t, file{"mimetype", "application/vnd.oasis.opendocument.text", 0},
		file{"content.xml", content, 0}, file{"Basic/Standard/m.xml", "<x/>", 0}, file{"Scripts/python/a.py", "import os", 0},
		file{"META-INF/manifest.xml", `<manifest:manifest><manifest:file-entry manifest:full-path="content.xml"/><manifest:file-entry manifest:full-path="Basic/Standard/m.xml"/><manifest:file-entry manifest:full-path="Basic/"/></manifest:manifest>`, 0})))
	parts := unzipped(t, b)
	if parts["content.xml"] != want {
		t.Errorf("got %s", parts["content.xml"])
	}
	if len(parts) != 3 || strings.Contains(parts["META-INF/manifest.xml"], "Basic") || !removed.Has(Script) || !removed.Has(DDE) {
		t.Errorf("%v, removed %v", parts, removed)
	}
	flatOut, _ := cleaned(t, []byte(content))
	if string(flatOut) != want {
		t.Errorf("flat: %s", flatOut)
	}
}

// TestVC3ExcelOldMacros has a workbook of Excel 97 with a project, a macro sheet that starts by itself, and a DDE link.
func TestVC3ExcelOldMacros(t *testing.T) {
	b, removed := cleaned(t, oldWorkbook(t))
	if !removed.Has(VBA) || !removed.Has(XLM) || !removed.Has(DDE) || hasMacros(t, b) {
		t.Error("removed", removed)
	}
	root, err := parseCompound(b)
	if err != nil {
		t.Fatal(err)
	}
	list, ok := records(root.stream("Workbook"))
	if !ok {
		t.Fatal("the workbook cannot be read")
	}
	starts := make(map[int]bool)
	var bound []biff
	for _, r := range list {
		switch {
		case r.typ == recBOF:
			starts[r.at] = true
			if little.Uint16(r.body[2:]) == 0x40 {
				t.Error("a macro sheet is left")
			}
		case r.typ == recBoundSheet:
			bound = append(bound, r)
		case r.typ == recFormula, r.typ == recProject:
			t.Errorf("record %#x is left", r.typ)
		}
	}
	if len(bound) != 2 {
		t.Fatalf("%d sheets", len(bound))
	}
	for _, r := range bound {
		if at := int(little.Uint32(r.body)); !starts[at] || r.body[5] != kindSheet {
			t.Errorf("a sheet at %d of kind %d", at, r.body[5])
		}
	}
	if bytes.Contains(b, []byte("cmd\x03")) || !bytes.Contains(b, []byte("letter")) {
		t.Error("the link is left, or the text is not")
	}
}

// oldWorkbook makes a workbook of Excel 97.
func oldWorkbook(t testing.TB) []byte {
	t.Helper()
	bof := func(kind byte) []byte { return []byte{0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0} }
	sheet := func(kind byte, name string) []byte {
		return append([]byte{0, 0, 0, 0, 0, kind, byte(len(name)), 0}, name...)
	}
	build := func(first, second int) (b []byte, at [2]int) {
		one, two := sheet(kindSheet, "text"), sheet(kindMacro, "Macro1")
		little.PutUint32(one, uint32(first))
		little.PutUint32(two, uint32(second))
		b = appendRecord(b, recBOF, bof(5))
		b = appendRecord(b, recProject, nil)
		b = appendRecord(b, recBoundSheet, one)
		b = appendRecord(b, recBoundSheet, two)
		b = appendRecord(b, recSupBook, append([]byte{1, 0, 7, 0, 0}, "cmd\x03 /c"...))
		b = appendRecord(b, recName, append([]byte{0x20, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0x3a, 0, 0))
		b = appendRecord(b, recEOF, nil)
		at[0] = len(b)
		b = appendRecord(b, recBOF, bof(0x10))
		b = appendRecord(b, 0x0204, append([]byte{0, 0, 0, 0, 0, 0, 6, 0, 0}, "letter"...))
		b = appendRecord(b, recEOF, nil)
		at[1] = len(b)
		b = appendRecord(b, recBOF, bof(0x40))
		b = appendRecord(b, recFormula, make([]byte, 30))
		return appendRecord(b, recEOF, nil), at
	}
	_, at := build(0, 0)
	b, _ := build(at[0], at[1])
	vba, err := parseCompound(project())
	if err != nil {
		t.Fatal(err)
	}
	vba.name, vba.typ = "_VBA_PROJECT_CUR", typeStorage
	return (&node{name: "Root Entry", typ: typeRoot, children: []*node{{name: "Workbook", typ: typeStream, octets: b}, vba}}).bytes()
}

func pptRecord(version, typ uint16, body []byte) []byte {
	b := little.AppendUint16(nil, version)
	b = little.AppendUint16(b, typ)
	return append(little.AppendUint32(b, uint32(len(body))), body...)
}

func TestVC3PowerPointOldMacros(t *testing.T) {
	var packed bytes.Buffer
	packed.Write(little.AppendUint32(nil, uint32(len(project()))))
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(project()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	packed.Truncate(packed.Len() - 4) // PowerPoint leaves the checksum out now and then
	info := pptRecord(0x1f, 0x03ff, pptRecord(2, recVBAInfo, []byte{9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0}))
	click := pptRecord(0, recInteractive, append(make([]byte, 8), actionProgram, 0, 0, 0, 0, 0, 0, 0))
	stream := slices.Concat(pptRecord(0xf, 0x03e8, slices.Concat(info, click)), pptRecord(0x10, recExternalObject, packed.Bytes()), pptRecord(0, 0x0fa8, []byte("letter")))
	show := &node{name: "Root Entry", typ: typeRoot, children: []*node{{name: "PowerPoint Document", typ: typeStream, octets: slices.Clone(stream)}}}
	b, removed := cleaned(t, show.bytes())
	root, err := parseCompound(b)
	if err != nil {
		t.Fatal(err)
	}
	got := root.stream("PowerPoint Document")
	if len(got) != len(stream) || !removed.Has(VBA) || !removed.Has(Package) || !bytes.HasSuffix(got, []byte("letter")) {
		t.Errorf("%d octets became %d, removed %v", len(stream), len(got), removed)
	}
}

func TestVC3WordOld(t *testing.T) {
	dir := archives.Unpack(t, "docs-tika")
	old, err := os.ReadFile(filepath.Join(dir, "docs-tika/microsoft/testWORD_no_format.doc"))
	if err != nil {
		t.Fatal(err)
	}
	b, removed := cleaned(t, old)
	if hasMacros(t, b) || !hasMacros(t, old) || !removed.Has(VBA) {
		t.Error("macros are left", removed)
	}
}

func TestVC3WordOldFields(t *testing.T) {
	for _, c := range []struct{ old, want string }{
		{"\x13 DDEAUTO c:\\cmd\x15", "\x13 QUOTE   c:\\cmd\x15"},
		{"\x13dde a\x15", "\x13SET a\x15"},
		{"\x13\x00 \x00D\x00D\x00E\x00A\x00U\x00T\x00O\x00 \x00", "\x13\x00 \x00Q\x00U\x00O\x00T\x00E\x00 \x00 \x00 \x00"},
		{"\x13 PAGE \x15", ""}, {"\x13 DDEX", ""}, {"DDE", ""}, {"\x13", ""}, {"\x13\x00", ""},
	} {
		b := []byte(c.old)
		want, n := c.want, 1
		if want == "" {
			want, n = c.old, 0
		}
		if got := blankDDE(b); got != n || string(b) != want {
			t.Errorf("%q became %q, %d", c.old, b, got)
		}
	}
}

func TestVC3Packages(t *testing.T) {
	native := func(label, content string) []byte {
		b := append([]byte{0, 0, 0, 0, 2, 0}, label+"\x00C:\\"+label+"\x00"+content...)
		little.PutUint32(b, uint32(len(b)-4))
		return b
	}
	bad, good := native("invoice.pdf.EXE", "MZ"), native("letter.txt", "MZ is no program")
	root := &node{name: "Root Entry", typ: typeRoot, children: []*node{
		{name: "1", typ: typeStorage, children: []*node{{name: "\x01Ole10Native", typ: typeStream, octets: bad}}},
		{name: "2", typ: typeStorage, children: []*node{{name: "\x01Ole10Native", typ: typeStream, octets: good}}},
	}}
	b, removed := cleaned(t, root.bytes())
	if bytes.Contains(b, []byte("invoice")) || !bytes.Contains(b, good) || !removed.Has(Package) {
		t.Error("removed", removed)
	}
}

// TestVC3Impossible shows that what cannot be cleaned gives an error and not one octet.
func TestVC3Impossible(t *testing.T) {
	good := withMacros(t, wordText)
	twice := zipped(t, typesOf(""), file{"word/vbaProject.bin", string(project()), 0}, file{"word/VBAPROJECT.bin", "x", 0})
	entity := zipped(t, file{"[Content_Types].xml", `<!DOCTYPE x [<!ENTITY a "b">]><Types/>`, 0})
	for name, b := range map[string]string{
		"nothing": "", "text": "hello", "nothing to take out": zipped(t, typesOf("")), "an archive": zipped(t, file{"a", "b", 0}),
		"cut short": string(good[:len(good)/2]), "a part twice": twice, "entities": entity,
		"XML that ends early": zipped(t, file{"[Content_Types].xml", `<Types><Default`, 0}, file{"a/vbaProject.bin", string(project()), 0}),
		"another charset":     zipped(t, file{"[Content_Types].xml", `<?xml version="1.0" encoding="UTF-7"?><Types/>`, 0}),
		"compound, damaged":   string(project()[:700]),
	} {
		t.Run(name, func(t *testing.T) { refused(t, []byte(b)) })
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Document(ctx, bytes.NewReader(good), int64(len(good)), &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestVC3UTF16 has a list of types in UTF-16, which Office reads as well.
func TestVC3UTF16(t *testing.T) {
	wide := func(s string) string {
		b := []byte("\xff\xfe")
		for _, r := range s {
			b = little.AppendUint16(b, uint16(r))
		}
		return string(b)
	}
	types := typesOf("", "/a.dat", "application/vnd.ms-office.vbaProject")
	b, _ := cleaned(t, []byte(zipped(t, file{types.name, wide(types.text), 0}, file{"a.dat", "x", 0})))
	if parts := unzipped(t, b); len(parts) != 1 || strings.Contains(parts["[Content_Types].xml"], "vba") {
		t.Error(parts)
	}
}

func FuzzDocument(f *testing.F) {
	f.Add(withMacros(f, wordText))
	f.Add(withMacroSheet(f))
	f.Add(oldWorkbook(f))
	f.Add([]byte("\x13 DDE"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		_, err := Document(t.Context(), bytes.NewReader(b), int64(len(b)), &out)
		if err == nil && out.Len() == 0 || err != nil && out.Len() > 0 {
			t.Errorf("%d octets, %v", out.Len(), err)
		}
		if err == nil && recheck(t.Context(), out.Bytes()) != nil {
			t.Error("what was cleaned is not clean")
		}
	})
}

// FuzzStreams gives the readers of streams what no compound file has to carry.
func FuzzStreams(f *testing.F) {
	f.Add(uint8(0), pptRecord(0xf, 0x03e8, pptRecord(2, recVBAInfo, make([]byte, 12))))
	f.Add(uint8(1), appendRecord(appendRecord(nil, recBOF, []byte{0, 6, 5, 0}), recEOF, nil))
	f.Add(uint8(1), slices.Concat(appendRecord(nil, recBOF, []byte{0, 6, 5, 0}), appendRecord(nil, recBoundSheet, []byte{23, 0, 0, 0, 0, 1, 0, 0}),
		appendRecord(nil, recEOF, nil)[:3], appendRecord(nil, recBOF, nil), appendRecord(nil, recEOF, nil)))
	f.Add(uint8(1), slices.Concat(appendRecord(nil, recBOF, []byte{0, 6, 5, 0}), appendRecord(nil, recBoundSheet, []byte{24, 0, 0, 0, 0, 1, 0, 0}),
		appendRecord(nil, recEOF, nil), appendRecord(nil, recBOF, nil), appendRecord(nil, recEOF, nil)))
	f.Add(uint8(2), make([]byte, 600))
	f.Add(uint8(3), []byte("<a b='c'><!-- x --><d/></a>"))
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		name := [...]string{"PowerPoint Document", "Workbook", "WordDocument"}
		if kind %= 4; kind == 3 {
			out, err := edit(b, func(_ *editor, t *tag) deed { return deed(len(t.name) % 3) })
			if err == nil && len(out) > 2*len(b)+100 {
				t.Errorf("%d octets became %d", len(b), len(out))
			}
			return
		}
		root := &node{name: "Root Entry", typ: typeRoot, children: []*node{{name: name[kind], typ: typeStream, octets: b}, {name: "0Table", typ: typeStream, octets: b}}}
		o := &oleFile{c: &cleaner{ctx: t.Context(), work: 1 << 20}}
		if err := o.storage(root, ""); err != nil && !errors.Is(err, ErrImpossible) {
			t.Error(err)
		}
	})
}
