package compose

import "strings"

// Attachment makes a part out of octets of any kind, in base64. typ is its media type; filename is
// ASCII, and written as one quoted string: it is for programs, some of which do not know RFC 2231.
func Attachment(typ, filename string, octets []byte) Entity {
	name := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(ascii(filename)) + `"`
	e := Entity{body: wrap64(octets)}
	e.fields.put("Content-Type", typ+";\r\n name="+name)
	e.fields.put("Content-Disposition", "attachment;\r\n filename="+name)
	e.fields.Line("Content-Transfer-Encoding", "base64")
	return e
}
