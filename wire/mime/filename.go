package mime

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// NameStyle is how the name of an attachment is written (§14.4).
type NameStyle uint8

// Styles of names.
const (
	// NamesStandard writes filename by RFC 2231 and name in encoded words, which all but old programs understand.
	NamesStandard NameStyle = iota
	// NamesOutlook writes both in encoded words, which old Outlook needs.
	NamesOutlook
)

// AttachmentFields gives the values of Content-Type and Content-Disposition for a part of a
// media type ("application/pdf") and a disposition ("attachment", "inline") with a file
// name, folded. An empty name is left out. The name is written as it is; see SanitizeFilename.
func AttachmentFields(typ, disposition, filename string, style NameStyle) (contentType, contentDisposition string) {
	if filename = cleanText(filename); filename == "" {
		return typ, disposition
	}
	name := quotedName("name", filename)
	if style == NamesOutlook {
		return typ + ";\r\n " + name, disposition + ";\r\n " + quotedName("filename", filename)
	}
	return typ + ";\r\n " + name, disposition + ";\r\n " + FormatParam("filename", filename)
}

// quotedName writes a parameter as a quoted string, in encoded words where it isn't ASCII. That is
// against RFC 2047 §5 and what mail programs in Japan do.
func quotedName(name, value string) string {
	if !plainASCII(value) || strings.Contains(value, "=?") {
		size := maxWord - len(name) - len(`  =""`)
		words := splitWords(strings.ToValidUTF8(value, string(utf8.RuneError)), "UTF-8", size, size, encodeUTF8)
		return name + `="` + strings.Join(words, "\r\n ") + `"`
	}
	return name + "=" + quoteString(value)
}

func quoteString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// sectionRoom is how many octets of a value one section takes; with a name and its
// punctuation a line stays below nextLine.
const sectionRoom = 50

// FormatParam writes a parameter by RFC 2231: as a quoted string when it is short ASCII, else
// percent-encoded UTF-8 in sections, folded. Sections end at character boundaries.
func FormatParam(name, value string) string {
	if plainASCII(value) && len(value) <= sectionRoom {
		return name + "=" + quoteString(value)
	}
	sections := splitSections(value)
	if len(sections) == 1 {
		return name + "*=" + sections[0]
	}
	var b strings.Builder
	for i, s := range sections {
		if i > 0 {
			b.WriteString(";\r\n ")
		}
		b.WriteString(name + "*" + strconv.Itoa(i) + "*=" + s)
	}
	return b.String()
}

func splitSections(value string) []string {
	var sections []string
	section := "UTF-8''"
	for _, r := range value {
		c := percentEncode(string(r))
		if len(section)+len(c) > sectionRoom {
			sections = append(sections, section)
			section = ""
		}
		section += c
	}
	return append(sections, section)
}

// maxFilename is the length of a sanitised file name, in octets, as file systems have it.
const maxFilename = 255

// SanitizeFilename makes a file name from a message fit to be shown and stored (§14.4): the
// path before it goes, as do control characters, overrides of writing direction and
// invisible characters; names that macOS decomposed are composed; characters that Windows
// forbids become "_"; spaces and dots at the ends go. It may be "" then.
func SanitizeFilename(s string) string {
	s = strings.ToValidUTF8(s, "_")
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), invisible(r):
			return -1
		case strings.ContainsRune(`\/:*?"<>|`, r):
			return '_'
		}
		return r
	}, norm.NFC.String(s))
	return cutFilename(strings.Trim(s, " ."))
}

// cutFilename shortens a name to maxFilename and leaves its extension.
func cutFilename(s string) string {
	if len(s) <= maxFilename {
		return s
	}
	ext := ""
	if i := strings.LastIndexByte(s, '.'); i >= 0 && len(s)-i <= 32 {
		s, ext = s[:i], s[i:]
	}
	s = s[:min(len(s), maxFilename-len(ext))]
	for s != "" && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + ext
}
