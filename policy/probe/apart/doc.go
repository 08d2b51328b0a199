// Package apart takes hostile files apart: it tells what a file really is, and opens every container it knows to show what is
// inside, and inside of that, under limits that hold for the whole tree.
//
//	Walk ──► kind by content ──► visit the file ──► its members, each the same way
//	           zip and the documents that are zips, tar, gzip, bzip2, xz, lzma, zstd, 7z, rar, lha, cab, iso, tnef,
//	           OLE (msg and packages inside documents), rtf (embedded objects), messages
//
// Everything happens in memory; nothing is written anywhere, and no name out of an archive is ever used as a path. What can't be
// opened is a fact with a word of its own (Problem): a file under a password is not a damaged one, and neither is a bomb.
//
// A file that is two things at once is opened as both where that is a known trick: a program or a picture with a zip at its end,
// a program with a 7z, rar or cab archive in it, a zip with members that its directory does not name.
package apart
