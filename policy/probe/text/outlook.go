package text

import (
	"bytes"
	"strings"
)

// outlookMessage reads a message of Outlook ([MS-OXMSG]): its subject, who wrote it to whom, and its text. Attachments are documents of
// their own.
func (c *compound) outlookMessage() error {
	page := c.messagePage()
	c.d.out.name(c.property("0037", page))
	for _, id := range []string{"0c1a", "0e04", "0e03"} { // from, to, cc
		if text := c.property(id, page); text != "" {
			c.d.out.str(text)
			c.d.out.line()
		}
	}
	html := c.messageHTML()
	if body := c.property("1000", page); body != "" {
		c.d.out.str(strings.ReplaceAll(body, "\r", ""))
		c.d.out.line()
		return c.d.linksOf(bytes.NewReader(html))
	}
	if len(html) > 0 {
		return c.d.inner("body.html", html)
	}
	if packed := c.stream("__substg1.0_10090102"); len(packed) > 0 {
		return c.d.inner("body.rtf", unpackRTF(packed))
	}
	return nil
}

// messageHTML is the message's text in HTML, if there is one.
func (c *compound) messageHTML() []byte {
	for _, kind := range []string{"0102", "001e", "001f"} {
		if html := c.stream("__substg1.0_1013" + kind); len(html) > 0 {
			return html
		}
	}
	return nil
}

// property is a property of the message that is text.
func (c *compound) property(id string, page int) string {
	if wide := c.stream("__substg1.0_" + id + "001f"); wide != nil {
		return string(appendUTF16(nil, wide))
	}
	return string(c.dec.decode(page, c.stream("__substg1.0_"+id+"001e")))
}

// messagePage is the code page of the message's 8-bit text, by its property PidTagMessageCodepage or PidTagInternetCodepage.
func (c *compound) messagePage() int {
	b := c.stream("__properties_version1.0")
	page := 0
	for at := 32; at+16 <= len(b); at += 16 {
		switch u32(b, at) {
		case 0x3ffd0003:
			page = u32(b, at+8)
		case 0x3fde0003:
			if page == 0 {
				page = u32(b, at+8)
			}
		}
	}
	if page == 0 {
		return latin
	}
	return page
}

// rtfDictionary is what compressed RTF may refer to from its beginning ([MS-OXRTFCP] §2.1.2.1).
const rtfDictionary = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// maxRTF is how much a message's RTF may grow to, in octets.
const maxRTF = 8 << 20

// unpackRTF undoes the compression of RTF in Outlook's messages ([MS-OXRTFCP]). What can't be read is left out.
func unpackRTF(b []byte) []byte {
	if len(b) < 16 || u32(b, 8) == 0x414c454d { // "MELA": not compressed
		return span(b, 16, len(b))
	}
	const window = 4096
	var dictionary [window]byte
	at := copy(dictionary[:], rtfDictionary)
	var out []byte
	put := func(c byte) {
		out = append(out, c)
		dictionary[at%window] = c
		at++
	}
	for in := b[16:]; len(in) > 0 && len(out) < maxRTF; {
		flags := in[0]
		in = in[1:]
		for bit := range 8 {
			switch {
			case flags&(1<<bit) == 0 && len(in) > 0:
				put(in[0])
				in = in[1:]
			case flags&(1<<bit) != 0 && len(in) > 1:
				from, n := int(in[0])<<4|int(in[1])>>4, int(in[1]&15)+2
				in = in[2:]
				if from == at%window {
					return out
				}
				for i := range n {
					put(dictionary[(from+i)%window])
				}
			}
		}
	}
	return out
}
