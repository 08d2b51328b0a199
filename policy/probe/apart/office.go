package apart

import (
	"bytes"
	"io"
	"strings"
)

// officeKinds are the documents of Office by the media type of their main part (ECMA-376 Part 1 §15.2, [MS-OFFMACRO2]).
var officeKinds = []struct {
	content string
	kind    Kind
}{
	{"wordprocessingml.document.main+xml", "docx"}, {"ms-word.document.macroenabled.main+xml", "docm"},
	{"wordprocessingml.template.main+xml", "dotx"}, {"ms-word.template.macroenabledtemplate.main+xml", "dotm"},
	{"spreadsheetml.sheet.main+xml", "xlsx"}, {"ms-excel.sheet.macroenabled.main+xml", "xlsm"}, {"ms-excel.sheet.binary.macroenabled.main", "xlsb"},
	{"spreadsheetml.template.main+xml", "xltx"}, {"ms-excel.template.macroenabled.main+xml", "xltm"}, {"ms-excel.addin.macroenabled.main+xml", "xlam"},
	{"presentationml.presentation.main+xml", "pptx"}, {"ms-powerpoint.presentation.macroenabled.main+xml", "pptm"},
	{"presentationml.slideshow.main+xml", "ppsx"}, {"ms-powerpoint.slideshow.macroenabled.main+xml", "ppsm"},
	{"presentationml.template.main+xml", "potx"}, {"ms-powerpoint.template.macroenabled.main+xml", "potm"}, {"ms-powerpoint.addin.macroenabled.main+xml", "ppam"},
	{"ms-visio.drawing.main+xml", "vsdx"}, {"ms-visio.drawing.macroenabled.main+xml", "vsdm"}, {"ms-package.xps-fixeddocumentsequence+xml", "xps"},
}

// openKinds are the documents whose first member says their media type (ODF 1.2 Part 3 §3.3, EPUB OCF §3.3).
var openKinds = map[string]Kind{
	"application/vnd.oasis.opendocument.text": "odt", "application/vnd.oasis.opendocument.text-template": "ott", "application/vnd.oasis.opendocument.text-master": "odm",
	"application/vnd.oasis.opendocument.spreadsheet": "ods", "application/vnd.oasis.opendocument.spreadsheet-template": "ots",
	"application/vnd.oasis.opendocument.presentation": "odp", "application/vnd.oasis.opendocument.presentation-template": "otp",
	"application/vnd.oasis.opendocument.graphics": "odg", "application/vnd.oasis.opendocument.formula": "odf", "application/vnd.oasis.opendocument.base": "odb",
	"application/epub+zip": "epub",
}

// maxTypes is how much of the member is read by which a zip's kind is told, in octets.
const maxTypes = 1 << 20

// identifyZip reads a zip's directory and tells documents from archives.
func identifyZip(w *walk, m *Member) {
	z, err := readZip(w, m.data, m.length)
	if err != nil {
		m.Problem = problemOf(err)
		return
	}
	m.dir = z
	m.Kind = z.kind(m.data)
	m.Encrypted = z.anyEncrypted()
}

func (z *zipFile) anyEncrypted() bool {
	for i := range z.entries {
		if z.entries[i].encrypted() {
			return true
		}
	}
	return false
}

// kind tells what a zip is by the names of its members and what the telling one holds.
func (z *zipFile) kind(r io.ReaderAt) Kind {
	kind := Zip
	for i := range z.entries {
		e := &z.entries[i]
		switch strings.ReplaceAll(strings.ToLower(e.name), "\\", "/") {
		case "[content_types].xml":
			return officeKind(z.read(r, e))
		case "mimetype":
			if k, ok := openKinds[strings.TrimSpace(string(z.read(r, e)))]; ok {
				return k
			}
		case "meta-inf/manifest.mf":
			if kind == Zip {
				kind = "jar"
			}
		case "androidmanifest.xml":
			kind = "apk"
		}
	}
	return kind
}

// officeKind tells a document of Office by its list of types. One with macros counts as such, whatever else the list says.
func officeKind(types []byte) Kind {
	lower := bytes.ToLower(types)
	kind := Kind("ooxml")
	for _, k := range officeKinds {
		if bytes.Contains(lower, []byte(k.content)) {
			if strings.Contains(k.content, "macroenabled") {
				return k.kind
			}
			if kind == "ooxml" {
				kind = k.kind
			}
		}
	}
	return kind
}

// read gives the beginning of a member.
func (z *zipFile) read(r io.ReaderAt, e *zipEntry) []byte {
	if e.encrypted() || !e.locate(r) || e.packed < 0 {
		return nil
	}
	u, err := unzipper(e.method, io.NewSectionReader(r, e.data, e.packed), e.size)
	if err != nil {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(u, maxTypes)) // what could be read tells enough
	return b
}
