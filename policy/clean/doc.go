// Package clean takes out of documents and archives what can do harm, and leaves the rest as it was (VC-3).
//
//	Document ──► by content, never by name
//	              zip    Office Open XML, OpenDocument: parts are dropped, references to them taken out of the XML
//	              OLE    Word, Excel, PowerPoint 97: storages are dropped, records emptied, the file written anew
//	              XML    flat OpenDocument
//	Archive  ──► zip, tar, gzip, one within the other: infected members are dropped, or cleaned where they are documents
//
// Disinfect does whichever fits, and asks a scanner which members of an archive are infected.
//
// What is taken out: VBA projects with their signatures, keys and toolbars; Excel 4 macro sheets, whose places empty sheets take so that
// references to others stay right; ActiveX controls; templates that are fetched from elsewhere; DDE; packages that hold programs; Basic
// and other scripts, and the events that call them. What was there to be read stays: text, formulas with their values, pictures.
//
// The result is whole or there is none. It is looked through again before it is given out; whatever could not be understood, is
// encrypted, or still holds something that runs, is ErrImpossible, and the caller removes the file instead. A document in which there is
// nothing to take out is that too: whatever makes it infected, it is not a macro.
package clean
