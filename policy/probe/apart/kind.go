package apart

import (
	"bytes"
	"encoding/binary"
	"io"
	"path"
	"strings"
	"unicode/utf8"
)

// A Kind is what a file is by its content, in one short word, mostly the extension its format is known by: "zip", "docx", "pe",
// "html", "pdf", "ole", "text". "data" is what has no form that is known, "" what has no octets to tell by. Package text takes the
// same words.
type Kind string

// Kinds that code asks for; others stand in the tables.
const (
	Zip      Kind = "zip"
	Gzip     Kind = "gzip"
	Bzip2    Kind = "bzip2"
	XZ       Kind = "xz"
	LZMA     Kind = "lzma"
	Zstd     Kind = "zstd"
	Tar      Kind = "tar"
	SevenZip Kind = "7z"
	RAR      Kind = "rar"
	LHA      Kind = "lha"
	CAB      Kind = "cab"
	ISO      Kind = "iso"
	TNEF     Kind = "tnef"
	OLE      Kind = "ole"
	MSG      Kind = "msg"
	EML      Kind = "eml"
	MHT      Kind = "mht"
	Mbox     Kind = "mbox"
	RTF      Kind = "rtf"
	HTML     Kind = "html"
	PDF      Kind = "pdf"
	PE       Kind = "pe"
	Text     Kind = "text"
	Data     Kind = "data"
)

// openerOf gives the opener of a kind; nil for what holds nothing.
func openerOf(k Kind) opener {
	switch k {
	case Gzip:
		return openGzip
	case Bzip2:
		return openBzip2
	case XZ:
		return openXZ
	case LZMA:
		return openLZMA
	case Zstd:
		return openZstd
	case Tar:
		return openTar
	case EML, MHT:
		return openMail
	case Mbox:
		return openMbox
	case MSG:
		return openOutlook
	case TNEF:
		return openTNEF
	case CAB:
		return openCAB
	case LHA:
		return openLHA
	case ISO:
		return openISO
	case SevenZip:
		return openSevenZip
	case RAR:
		return openRAR
	case RTF:
		return openRTF
	case OLE, "doc", "xls", "ppt":
		return openOLE
	}
	if zips[k] {
		return openZip
	}
	return nil
}

// zips are the kinds that are zips.
var zips = func() map[Kind]bool {
	m := map[Kind]bool{Zip: true, "ooxml": true, "jar": true, "apk": true, "xpi": true}
	for _, k := range officeKinds {
		m[k.kind] = true
	}
	for _, k := range openKinds {
		m[k] = true
	}
	return m
}()

// foreign are containers that are not opened.
var foreign = map[Kind]bool{
	"arj": true, "ace": true, "lz4": true, "z": true, "cpio": true, "ar": true, "rpm": true, "xar": true, "wim": true, "zoo": true, "lzip": true, "chm": true, "udf": true,
	"vhd": true, "vhdx": true, "vmdk": true, "alz": true, "egg": true, "sit": true, "dmg": true,
}

// headSize is how much of a file is looked at to tell its kind, in octets.
const headSize = 4 << 10

// magics tell kinds by octets at an offset. The first that fits counts.
var magics = []struct {
	at    int
	magic string
	kind  Kind
}{
	{0, "PK\x03\x04", Zip}, {0, "PK\x05\x06", Zip}, {0, "PK\x07\x08PK", Zip}, {0, "PK00PK", Zip},
	{0, "\x1f\x8b", Gzip}, {0, "BZh", Bzip2}, {0, "\xfd7zXZ\x00", XZ}, {0, "\x28\xb5\x2f\xfd", Zstd}, {0, "7z\xbc\xaf\x27\x1c", SevenZip},
	{0, "Rar!\x1a\x07", RAR}, {0, "RE\x7e\x5e", RAR}, {0, "MSCF\x00\x00\x00\x00", CAB}, {0, "\x78\x9f\x3e\x22", TNEF}, {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE},
	{0, "{\\rt", RTF}, {257, "ustar", Tar},
	{0, "\x7fELF", "elf"}, {0, "\xce\xfa\xed\xfe", "macho"}, {0, "\xcf\xfa\xed\xfe", "macho"}, {0, "\xfe\xed\xfa\xce", "macho"}, {0, "\xfe\xed\xfa\xcf", "macho"},
	{0, "\x00asm", "wasm"}, {0, "dex\n0", "dex"}, {0, "L\x00\x00\x00\x01\x14\x02\x00", "lnk"}, {0, "ITSF", "chm"}, {0, "?_\x03\x00", "hlp"},
	{0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "one"},
	{0, "\x89PNG\r\n\x1a\n", "png"}, {0, "\xff\xd8\xff", "jpeg"}, {0, "GIF87a", "gif"}, {0, "GIF89a", "gif"}, {0, "II*\x00", "tiff"}, {0, "MM\x00*", "tiff"},
	{8, "WEBP", "webp"}, {8, "WAVE", "wav"}, {8, "AVI ", "avi"}, {4, "ftyp", "mp4"}, {0, "ID3", "mp3"}, {0, "OggS", "ogg"}, {0, "fLaC", "flac"}, {0, "\x1aE\xdf\xa3", "mkv"},
	{0, "8BPS", "psd"}, {0, "\xd7\xcd\xc6\x9a", "wmf"}, {40, " EMF", "emf"}, {0, "FWS", "swf"}, {0, "CWS", "swf"}, {0, "ZWS", "swf"},
	{0, "%!PS", "ps"}, {0, "\xc5\xd0\xd3\xc6", "ps"}, {0, "SQLite format 3\x00", "sqlite"}, {0, "OTTO\x00", "otf"}, {0, "wOFF", "woff"}, {0, "wOF2", "woff"},
	{0, "\x60\xea", "arj"}, {7, "**ACE**", "ace"}, {0, "\x04\x22\x4d\x18", "lz4"}, {0, "\x1f\x9d", "z"}, {0, "\x1f\xa0", "z"}, {0, "070701", "cpio"}, {0, "070702", "cpio"},
	{0, "070707", "cpio"}, {0, "\xc7\x71", "cpio"}, {0, "\x71\xc7", "cpio"}, {0, "!<arch>\n", "ar"}, {0, "\xed\xab\xee\xdb", "rpm"}, {0, "xar!", "xar"}, {0, "MSWIM\x00\x00\x00", "wim"}, {20, "\xdc\xa7\xc4\xfd", "zoo"},
	{0, "LZIP", "lzip"}, {0, "conectix", "vhd"}, {0, "vhdxfile", "vhdx"}, {0, "KDMV", "vmdk"}, {0, "# Disk DescriptorFile", "vmdk"}, {0, "ALZ\x01", "alz"}, {0, "EGGA", "egg"},
	{0, "StuffIt", "sit"}, {0, "SIT!", "sit"}, {0, "-----BEGIN PGP MESSAGE", "pgp"}, {0, "\xcc\x61\x9a\x1d", "binhex"}, {0, "(This file must be converted with BinHex", "binhex"},
}

// identify tells what a member is, from its octets first, then from its name and what it was declared as.
func identify(w *walk, m *Member) {
	if m.data == nil {
		return
	}
	head := make([]byte, min(headSize, m.length))
	n, err := m.data.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return
	}
	head = head[:n]
	m.Kind = magicKind(head)
	switch {
	case m.Kind == Zip:
		identifyZip(w, m)
	case m.Kind == OLE:
		identifyOLE(m)
	case m.Kind != "":
	case isPDF(head, m):
		m.Kind = PDF
	case isISO(m):
		m.Kind = ISO
	case isOldTar(head):
		m.Kind = Tar
	case isDMG(m):
		m.Kind = "dmg"
	default:
		m.Kind = plainKind(head, m)
	}
}

// magicKind tells by octets at the beginning; "" when they tell nothing.
func magicKind(head []byte) Kind {
	for _, k := range magics {
		if len(head) >= k.at+len(k.magic) && string(head[k.at:k.at+len(k.magic)]) == k.magic {
			return k.kind
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xca\xfe\xba\xbe")) && len(head) > 8:
		if binary.BigEndian.Uint32(head[4:]) < 45 { // a class file has its version there, 45 and up; a fat Mach-O how many it holds
			return "macho"
		}
		return "class"
	case len(head) > 7 && head[2] == '-' && head[3] == 'l' && (head[4] == 'h' || head[4] == 'z') && head[6] == '-':
		return LHA
	case bytes.HasPrefix(head, []byte("MZ")) || bytes.HasPrefix(head, []byte("ZM")):
		return programKind(head)
	case bytes.HasPrefix(head, []byte("BM")) && len(head) > 18 && binary.LittleEndian.Uint32(head[14:]) <= 124:
		return "bmp"
	case len(head) > 12 && head[0] == 0x5d && isLZMA(head):
		return LZMA
	}
	return ""
}

// isLZMA tells the 13 octets of a .lzma file: usual properties, a dictionary of a power of two, a size that is unknown or small.
func isLZMA(head []byte) bool {
	dict := binary.LittleEndian.Uint32(head[1:])
	size := binary.LittleEndian.Uint64(head[5:])
	return dict != 0 && dict&(dict-1) == 0 && dict >= 4<<10 && (size == 1<<64-1 || size < 1<<38)
}

// programKind tells programs of Windows from those of DOS.
func programKind(head []byte) Kind {
	if len(head) < 64 {
		return "dos"
	}
	at := int64(binary.LittleEndian.Uint32(head[60:]))
	if at+4 > int64(len(head)) {
		return PE // the header stands further behind than we look: malware does that
	}
	switch string(head[at : at+2]) {
	case "PE":
		return PE
	case "NE", "LE", "LX":
		return "ne"
	}
	return "dos"
}

// maxPDFPreamble is how far into a file a PDF may begin, as its readers agree.
const maxPDFPreamble = 1024

func isPDF(head []byte, m *Member) bool {
	at := bytes.Index(head[:min(len(head), maxPDFPreamble)], []byte("%PDF-"))
	return at == 0 || at > 0 && !looksMail(head, m)
}

// isISO tells a file system of a CD or DVD by its first volume descriptor (ECMA-119 §8.1).
func isISO(m *Member) bool {
	b := make([]byte, 5)
	n, _ := m.data.ReadAt(b, isoSystem+1)
	return n == 5 && (string(b) == "CD001" || string(b) == "BEA01")
}

// isDMG tells a disk image of macOS by its last 512 octets.
func isDMG(m *Member) bool {
	b := make([]byte, 4)
	n, _ := m.data.ReadAt(b, max(0, m.length-512))
	return n == 4 && string(b) == "koly"
}

// isOldTar tells an archive of tar before POSIX by the checksum of its first header.
func isOldTar(head []byte) bool {
	if len(head) < 512 || head[0] == 0 {
		return false
	}
	var sum, want int64
	for i, c := range head[:512] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int64(c)
	}
	digits := strings.Trim(string(head[148:156]), " \x00")
	for _, c := range digits {
		if c < '0' || c > '7' {
			return false
		}
		want = want*8 + int64(c-'0')
	}
	return digits != "" && sum == want
}

// plainKind tells text of all sorts from what has no form.
func plainKind(head []byte, m *Member) Kind {
	ext := strings.ToLower(path.Ext(m.Name))
	if len(head) > 0 && !looksText(head) {
		if m.Claimed == "message/rfc822" {
			return EML
		}
		return Data
	}
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(narrow(head), []byte("\xef\xbb\xbf")), " \t\r\n\x00")
	lower := bytes.ToLower(trimmed)
	switch {
	case ext == ".mht" || ext == ".mhtml" || m.Claimed == "multipart/related" || looksArchive(trimmed):
		return MHT
	case m.Claimed != "message/rfc822" && looksMbox(trimmed):
		return Mbox
	case looksMail(trimmed, m):
		return EML
	case isSVG(lower):
		return "svg"
	case looksHTML(lower, m.Claimed == "text/plain" || ext == ".txt" || ext == ".csv" || ext == ".log"), m.Claimed == "text/html" && bytes.IndexByte(lower, '<') >= 0, (ext == ".htm" || ext == ".html" || ext == ".xhtml" || ext == ".hta" || ext == ".shtml") && bytes.IndexByte(lower, '<') >= 0:
		return HTML
	case bytes.HasPrefix(lower, []byte("<?xml")):
		return "xml"
	case bytes.HasPrefix(trimmed, []byte("#!")):
		return "script"
	case ext == ".csv", ext == ".tsv", m.Claimed == "text/csv":
		return "csv"
	case ext == ".ics" || bytes.HasPrefix(lower, []byte("begin:vcalendar")):
		return "ics"
	}
	return Text
}

// looksText tells text in any charset of Japan, ISO-2022-JP and UTF-16 included, from what is not text.
func looksText(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return true
	}
	bad := 0
	for _, c := range head {
		if c == 0 {
			return false
		}
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b && c != '\b' {
			bad++
		}
	}
	return bad*50 <= len(head)
}

// narrow takes the zeros out of UTF-16, to look for words of ASCII in it.
func narrow(head []byte) []byte {
	if !bytes.HasPrefix(head, []byte("\xff\xfe")) && !bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return head
	}
	return bytes.ReplaceAll(head[2:], []byte{0}, nil)
}

// htmlTags are the beginnings of tags that make a text HTML.
var htmlTags = []string{"<!doctype html", "<html", "<head", "<body", "<script", "<iframe", "<title", "<meta ", "<table", "<div", "<style", "<form", "<a href"}

// looksHTML tells HTML by its tags: anywhere in the beginning, since browsers are asked to show much, or at the very beginning where a
// text is said to be plain.
func looksHTML(lower []byte, plain bool) bool {
	for _, tag := range htmlTags {
		if at := bytes.Index(lower, []byte(tag)); at == 0 || at > 0 && !plain {
			return true
		}
	}
	return false
}

// isSVG tells a picture whose root is svg from a page with such a picture in it.
func isSVG(lower []byte) bool {
	if bytes.HasPrefix(lower, []byte("<?xml")) || bytes.HasPrefix(lower, []byte("<!")) {
		return bytes.Contains(lower, []byte("<svg")) && !bytes.Contains(lower, []byte("<html")) && !bytes.HasPrefix(lower, []byte("<!doctype html"))
	}
	return bytes.HasPrefix(lower, []byte("<svg"))
}

// looksArchive tells a web archive: it begins with its header for MIME.
func looksArchive(head []byte) bool {
	return hasFold(head, "MIME-Version:") && bytes.Contains(bytes.ToLower(head), []byte("multipart/related"))
}

// mailFields begin messages.
var mailFields = []string{
	"received:", "from:", "to:", "subject:", "date:", "message-id:", "return-path:", "delivered-to:", "mime-version:", "x-", "dkim-signature:", "authentication-results:", "reply-to:", "sender:",
	"arc-", "content-type:",
}

// looksMail tells a message: said to be one, or beginning with a header as messages have it.
func looksMail(head []byte, m *Member) bool {
	if m.Claimed == "message/rfc822" || m.Claimed == "message/global" || strings.EqualFold(path.Ext(m.Name), ".eml") {
		return true
	}
	known, lines := 0, 0
	for lines < 40 && len(head) > 0 {
		line, rest, _ := bytes.Cut(head, []byte("\n"))
		head = rest
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, _, ok := bytes.Cut(line, []byte(":"))
		if lines++; !ok && len(head) > 0 || bytes.ContainsAny(name, " \t<") {
			return false
		}
		if lines == 1 && !isMailField(line) {
			return false
		}
		if isMailField(line) {
			known++
		}
	}
	return known >= 3
}

// looksMbox tells a mailbox file by its first separator and the header behind it.
func looksMbox(head []byte) bool {
	line, rest, ok := bytes.Cut(head, []byte("\n"))
	return ok && bytes.HasPrefix(line, []byte(mboxSeparator)) && looksMail(rest, &Member{})
}

func isMailField(line []byte) bool {
	for _, f := range mailFields {
		if hasFold(line, f) {
			return true
		}
	}
	return false
}

func hasFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && utf8.Valid(b[:len(prefix)]) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}
