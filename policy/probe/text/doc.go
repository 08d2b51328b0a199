// Package text reads the text out of documents: of what came attached to mail, so that it can be judged, and later audited and
// searched. One call takes octets and what they are said to be, and gives UTF-8, the document's title and where its
// hyperlinks lead.
//
//	Extract ──► the format, by its first octets, then by the kind it is said to be
//	              zip    docx xlsx pptx xlsb odt ods odp epub: parts of XML, found by their relations
//	              OLE    doc xls ppt msg: streams of records
//	              pdf    PDFium in WebAssembly, where the caller made a PDF reader
//	              else   rtf, html, XML of Office, eml, csv and plain text in any charset of Japan
//
// Documents are read as strangers write them. A reader takes what it understands and leaves the rest: a document that is
// damaged gives the text up to there, and the error. Every reader runs under the Limits; what exceeds them is left out and
// Text.Cut says so. Nothing in a document is followed, run or loaded.
//
// Lines of text end in LF, cells of tables are parted by TAB. Formulas, styles and pictures are not text; what people can read
// in the document is, comments and hidden paragraphs included, since who searches or judges a document wants those as well.
package text
