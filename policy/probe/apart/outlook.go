package apart

import (
	"bytes"
	"io"
	"strings"
)

// openOutlook visits the bodies and the attachments of a message of Outlook ([MS-OXMSG]), those of messages in it included.
func openOutlook(c *container) error {
	o, ok := c.m.dir.(*compound)
	if !ok {
		return trouble(Damaged)
	}
	for _, name := range o.names {
		if err := c.outlookStream(o, name); err != nil {
			return err
		}
	}
	return nil
}

// outlookStream visits what a stream of a message stands for, if anything.
func (c *container) outlookStream(o *compound, name string) error {
	folder, last := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		folder, last = name[:i+1], name[i+1:]
	}
	if strings.Contains(folder, "__nameid_") { // names of properties, numbered as properties are
		return nil
	}
	switch last {
	case "__substg1.0_37010102":
		f := o.streams[name]
		return c.add(entry{name: o.attachName(folder), claimed: o.text(folder, "370e"), size: f.Size, open: func() (io.Reader, error) { return io.NewSectionReader(f, 0, f.Size), nil }})
	case "__substg1.0_1000001f":
		return c.addBody(propBody, 0x1f, o.read(name, maxPackage))
	case "__substg1.0_1000001e":
		return c.addBody(propBody, 0x1e, o.read(name, maxPackage))
	case "__substg1.0_10130102":
		return c.addBody(propHTML, 0, o.read(name, maxPackage))
	case "__substg1.0_10090102":
		return c.addBody(propRTF, 0, o.read(name, maxPackage))
	}
	return c.embedded(o, name)
}

// attachName is the name of the attachment in a folder.
func (o *compound) attachName(folder string) string {
	for _, id := range []string{"3707", "3704", "3001"} {
		if name := o.text(folder, id); name != "" {
			return name
		}
	}
	return strings.TrimSuffix(folder, "/")
}

// text reads a property that is a string.
func (o *compound) text(folder, id string) string {
	if b := o.read(folder+"__substg1.0_"+id+"001f", maxName*2); b != nil {
		return propText(0x1f, b)
	}
	return propText(0x1e, o.read(folder+"__substg1.0_"+id+"001e", maxName))
}

// rtfDictionary is what a compressed RTF's window holds at the beginning ([MS-OXRTFCP] §2.1.3.1.1).
const rtfDictionary = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// unpackRTF unpacks the RTF of a message, at most limit octets of it.
func unpackRTF(b []byte, limit int64) ([]byte, bool) {
	if len(b) < 16 {
		return nil, false
	}
	size := min(int64(little.Uint32(b[4:])), limit)
	switch string(b[8:12]) {
	case "MELA":
		return b[16:], true
	case "LZFu":
	default:
		return nil, false
	}
	var window [4096]byte
	at := copy(window[:], rtfDictionary)
	var out []byte
	for b = b[16:]; len(b) > 0 && int64(len(out)) < size; {
		flags := b[0]
		b = b[1:]
		for bit := 0; bit < 8 && len(b) > 0 && int64(len(out)) < size; bit++ {
			if flags>>bit&1 == 0 {
				out = append(out, b[0])
				window[at] = b[0]
				at, b = (at+1)%len(window), b[1:]
				continue
			}
			if len(b) < 2 {
				return out, len(out) > 0
			}
			from, n := int(b[0])<<4|int(b[1])>>4, int(b[1]&15)+2
			b = b[2:]
			if from == at {
				return out, true
			}
			for ; n > 0; n-- {
				v := window[from]
				out = append(out, v)
				window[at] = v
				at, from = (at+1)%len(window), (from+1)%len(window)
			}
		}
	}
	return out, true
}

// openRTF visits the objects in an RTF: documents and packages, written in hexadecimal.
func openRTF(c *container) error {
	b, err := readAll(c.m.data, c.m.length, maxPackage)
	if err != nil {
		return err
	}
	for {
		i := bytes.Index(b, []byte("\\objdata"))
		if i < 0 {
			return nil
		}
		b = b[i+len("\\objdata"):]
		data, rest := unhex(b)
		b = rest
		if err := c.addObject(data); err != nil {
			return err
		}
	}
}

// unhex reads hexadecimal up to the group's end. What stands between digits is passed over, as Word does it.
func unhex(b []byte) (data, rest []byte) {
	high, half := byte(0), false
	depth := 0
	for i := 0; i < len(b); i++ {
		v, ok := hexDigit(b[i])
		switch {
		case b[i] == '{':
			depth++
		case b[i] == '}':
			if depth--; depth < 0 {
				return data, b[i:]
			}
		case b[i] == '\\': // a word of control, with its number
			for i+1 < len(b) && (isLetter(b[i+1]) || b[i+1] == '*' || b[i+1] == '-' || b[i+1] >= '0' && b[i+1] <= '9') {
				i++
			}
		case depth > 0 || !ok:
		case half:
			data, half = append(data, high<<4|v), false
		default:
			high, half = v, true
		}
	}
	return data, nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// addObject visits an object of OLE 1 ([MS-OLEDS] §2.2.5): its native data, or the file a package holds. What has not that form is
// visited as it is.
func (c *container) addObject(b []byte) error {
	p := &propReader{b: b}
	p.take(8)
	class := string(bytes.TrimRight(p.take(p.number()), "\x00"))
	p.take(p.number())
	p.take(p.number())
	native := p.take(min(p.number(), len(p.b)))
	switch {
	case p.failed || len(native) == 0:
		return c.addBytes("objdata", "", b)
	case strings.EqualFold(class, "package"):
		f := parsePackageBody(native)
		return c.addBytes(f.name, "", f.data)
	}
	return c.addBytes(class, "", native)
}
