// Package bulk reads and writes the CSV files in which administrators bring many things at once (CP-5, LI-5), by one convention
// for all of them (DOMAIN §16.1).
//
// # Files
//
// A file is UTF-8, with or without a byte order mark, or CP932; which of them is found out. Lines end in CRLF or LF. The first
// line names the columns, in English or Japanese, in any order. A column that is not known refuses the file: what it meant
// to say would be lost. At most 10,000 lines in 10 MiB.
//
// The column action says what becomes of a line: add, update or delete (追加, 変更, 削除). In an update an empty field
// leaves things as they are, and "-" clears them. A file without that column adds. Who exports with formulas made harmless (an apostrophe before what a
// spreadsheet would work out) and imports that again loses nothing: the apostrophe is taken off.
//
// # Importing
//
// Every line is judged first, in a transaction that is taken back; so the judgement is the real one. By default one bad line
// refuses the file; with Options.GoodLinesOnly the others are done. Either way what is done is one commit.
// Deletions need their number said beforehand.
package bulk
