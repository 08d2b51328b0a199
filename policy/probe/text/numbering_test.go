package text

import "testing"

// TestContractIsNumbered finds the numbers of articles, which stand nowhere in a contract.
func TestContractIsNumbered(t *testing.T) {
	document := officeOf("word/document.xml", map[string]string{
		"word/_rels/document.xml.rels": `<Relationships><Relationship Id="n" Type="http://x/numbering" Target="numbering.xml"/><Relationship Id="s" Type="http://x/styles" Target="styles.xml"/></Relationships>`,
		"word/numbering.xml": `<w:numbering><w:abstractNum w:abstractNumId="7">
			<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimalFullWidth"/><w:lvlText w:val="第%1条"/></w:lvl>
			<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="japaneseCounting"/><w:lvlText w:val="（%2）"/></w:lvl>
			</w:abstractNum><w:num w:numId="3"><w:abstractNumId w:val="7"/></w:num></w:numbering>`,
		"word/styles.xml": `<w:styles><w:style w:styleId="article"><w:pPr><w:numPr><w:numId w:val="3"/></w:numPr></w:pPr></w:style></w:styles>`,
		"word/document.xml": `<w:document><w:p><w:pPr><w:pStyle w:val="article"/></w:pPr><w:r><w:t>目的</w:t></w:r></w:p>
			<w:p><w:pPr><w:pStyle w:val="article"/></w:pPr><w:r><w:t>定</w:t></w:r><w:r><w:t>義</w:t></w:r></w:p>
			<w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr></w:pPr><w:r><w:t>甲</w:t></w:r></w:p>
			<w:p><w:r><w:t>地の文</w:t></w:r></w:p>
			<w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="3"/></w:numPr></w:pPr><w:r><w:t>乙</w:t></w:r></w:p>
			<w:p><w:pPr><w:pStyle w:val="article"/><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr><w:r><w:t>番号なし</w:t></w:r></w:p></w:document>`,
	})
	found, err := extractBytes(document, "", "", Default())
	if want := "第１条 目的\n第２条 定義\n（一） 甲\n地の文\n（二） 乙\n番号なし"; err != nil || found.Body != want {
		t.Errorf("%v\n%s", err, found.Body)
	}
}

// TestNumbersOfLists shows numbers as lists of Word do.
func TestNumbersOfLists(t *testing.T) {
	for _, c := range []struct {
		format string
		n      int
		want   string
	}{
		{"decimal", 12, "12"}, {"upperRoman", 1994, "MCMXCIV"}, {"lowerRoman", 4, "iv"}, {"upperRoman", 0, "0"},
		{"upperLetter", 26, "Z"}, {"lowerLetter", 28, "bb"}, {"decimalZero", 7, "07"}, {"decimalZero", 17, "17"},
		{"ordinal", 1, "1st"}, {"ordinal", 12, "12th"}, {"ordinal", 23, "23rd"}, {"decimalFullWidth", 10, "１０"},
		{"ideographDigital", 203, "二〇三"}, {"japaneseCounting", 10, "十"}, {"japaneseCounting", 231, "二百三十一"}, {"japaneseCounting", 1000, "千"},
		{"decimalEnclosedCircle", 3, "③"}, {"decimalEnclosedCircle", 21, "21"}, {"aiueo", 1, "ア"}, {"iroha", 3, "ハ"}, {"aiueo", 47, "47"}, {"none", 3, ""},
	} {
		if got := countedAs(c.format, c.n); got != c.want {
			t.Errorf("%s of %d: %q, want %q", c.format, c.n, got, c.want)
		}
	}
}
