package clean

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// Types and relationships of Office Open XML, shortened for the tests' tables.
const (
	relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	microsoft = "http://schemas.microsoft.com/office/2006/relationships/"
	wordText  = `<w:p><w:r><w:t>手紙の本文</w:t></w:r></w:p>`
	wordSpace = ` xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
)

// project is a project of Visual Basic as it stands in vbaProject.bin.
func project() []byte {
	vba := &node{name: "VBA", typ: typeStorage, children: []*node{
		{name: "dir", typ: typeStream, octets: []byte("\x01\x00")}, {name: "_VBA_PROJECT", typ: typeStream, octets: []byte("\xcc\x61")},
		{name: "Module1", typ: typeStream, octets: []byte("Attribute VB_Name")},
	}}
	root := &node{name: "Root Entry", typ: typeRoot, children: []*node{vba, {name: "PROJECT", typ: typeStream, octets: []byte("ID=")}}}
	return root.bytes()
}

func typesOf(defaults string, overrides ...string) file {
	s := `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` + defaults
	for i := 0; i < len(overrides); i += 2 {
		s += `<Override PartName="` + overrides[i] + `" ContentType="` + overrides[i+1] + `"/>`
	}
	return file{"[Content_Types].xml", s + `</Types>`, 0}
}

// relsOf are the relationships of a part: id, type, target; a target that begins with "!" is external.
func relsOf(name string, list ...string) file {
	s := `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	for i := 0; i < len(list); i += 3 {
		target, mode := list[i+2], ""
		if after, external := strings.CutPrefix(target, "!"); external {
			target, mode = after, ` TargetMode="External"`
		}
		s += `<Relationship Id="` + list[i] + `" Type="` + list[i+1] + `" Target="` + target + `"` + mode + `/>`
	}
	return file{name, s + `</Relationships>`, 0}
}

const binDefault = `<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>`

// withMacros is a docm with a project, its data and its keys, and a body.
func withMacros(t testing.TB, body string) []byte {
	return []byte(zipped(t,
		typesOf(binDefault, "/word/document.xml", "application/vnd.ms-word.document.macroEnabled.main+xml",
			"/word/vbaData.xml", "application/vnd.ms-word.vbaData+xml", "/word/customizations.xml", "application/vnd.ms-word.keyMapCustomizations+xml"),
		relsOf("_rels/.rels", "rId1", relations+"officeDocument", "word/document.xml"),
		file{"word/document.xml", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document` + wordSpace + `><w:body>` + body + `</w:body></w:document>`, 0},
		relsOf("word/_rels/document.xml.rels", "rId1", microsoft+"vbaProject", "vbaProject.bin", "rId2", microsoft+"keyMapCustomizations", "customizations.xml"),
		file{"word/vbaProject.bin", string(project()), 0},
		relsOf("word/_rels/vbaProject.bin.rels", "rId1", microsoft+"wordVbaData", "vbaData.xml"),
		file{"word/vbaData.xml", `<wne:vbaSuppData xmlns:wne="http://schemas.microsoft.com/office/word/2006/wordml"/>`, 0},
		file{"word/customizations.xml", `<wne:tcg xmlns:wne="http://schemas.microsoft.com/office/word/2006/wordml"/>`, 0},
	))
}

// withMacroSheet is an xlsm with a sheet of text and a macro sheet that starts by itself, or an xlsx with a DDE link.
func withMacroSheet(t testing.TB) []byte {
	const main = ` xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	const ml = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	return []byte(zipped(t,
		typesOf("", "/xl/workbook.xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml", "/xl/worksheets/sheet1.xml", ml+"worksheet+xml",
			"/xl/macrosheets/sheet1.xml", "application/vnd.ms-excel.macrosheet+xml", "/xl/externalLinks/externalLink1.xml", ml+"externalLink+xml"),
		relsOf("_rels/.rels", "rId1", relations+"officeDocument", "xl/workbook.xml"),
		file{"xl/workbook.xml", `<workbook` + main + `><sheets><sheet name="表" sheetId="1" r:id="rId1"/><sheet name="Macro1" sheetId="2" state="veryHidden" r:id="rId2"/></sheets>` +
			`<externalReferences><externalReference r:id="rId3"/></externalReferences>` +
			`<definedNames><definedName name="_xlnm.Auto_Open" hidden="1">Macro1!$A$1</definedName><definedName name="sum">表!$A$1</definedName></definedNames></workbook>`, 0},
		relsOf("xl/_rels/workbook.xml.rels", "rId1", relations+"worksheet", "worksheets/sheet1.xml", "rId2", microsoft+"xlMacrosheet", "macrosheets/sheet1.xml",
			"rId3", relations+"externalLink", "externalLinks/externalLink1.xml"),
		file{"xl/worksheets/sheet1.xml", `<worksheet` + main + `><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>手紙の本文</t></is></c></row></sheetData></worksheet>`, 0},
		file{"xl/macrosheets/sheet1.xml", `<xm:macrosheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><sheetData><row r="1"><c r="A1"><f>EXEC("calc")</f></c></row></sheetData></xm:macrosheet>`, 0},
		file{"xl/externalLinks/externalLink1.xml", `<externalLink` + main + `><ddeLink ddeService="cmd" ddeTopic="/c calc"><ddeItems><ddeItem name="A0"/></ddeItems></ddeLink></externalLink>`, 0},
	))
}

// cleaned cleans a document that can be.
func cleaned(t testing.TB, b []byte) ([]byte, Removed) {
	t.Helper()
	var out bytes.Buffer
	removed, err := Document(t.Context(), bytes.NewReader(b), int64(len(b)), &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), removed
}

// refused tries to clean a document that cannot be.
func refused(t testing.TB, b []byte) {
	t.Helper()
	var out bytes.Buffer
	if _, err := Document(t.Context(), bytes.NewReader(b), int64(len(b)), &out); !errors.Is(err, ErrImpossible) || out.Len() > 0 {
		t.Errorf("the error is %v, with %d octets", err, out.Len())
	}
}

// unzipped are the parts of a zip file by name.
func unzipped(t testing.TB, b []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, f := range r.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(f.Name, err)
		}
		all[f.Name] = string(text)
	}
	return all
}

// macroWords are what a document with macros says somewhere.
var macroWords = []string{"vbaProject", "vbaData", "macrosheet+xml", "xlMacrosheet", "EXEC(", "ddeService=\"cmd\"", "DDEAUTO", "activeX", "Basic/Standard", "vnd.sun.star.script"}

// hasMacros looks for macros as those do who look from outside: by the names of parts and streams, and by words in any XML.
func hasMacros(t testing.TB, b []byte) bool {
	t.Helper()
	if bytes.HasPrefix(b, []byte(oleMagic)) {
		root, err := parseCompound(b)
		if err != nil {
			t.Fatal(err)
		}
		for name := range flat(root) {
			if strings.Contains(strings.ToUpper(name), "VBA") || strings.Contains(name, "Macros") {
				return true
			}
		}
		return bytes.Contains(b, []byte("Attribut"))
	}
	for name, text := range unzipped(t, b) {
		for _, w := range macroWords {
			if strings.Contains(name, w) || strings.Contains(text, w) {
				t.Logf("%s has %s", name, w)
				return true
			}
		}
		if strings.HasPrefix(text, oleMagic) && hasMacros(t, []byte(text)) {
			return true
		}
	}
	return false
}
