package html

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// scheme parts an address from its scheme, as browsers read it: controls and blanks around it and line ends within it are of no
// meaning. The scheme is in lower case; "" for an address without one.
func scheme(raw string) (name, rest string) {
	text := strings.TrimFunc(raw, func(c rune) bool { return c <= ' ' })
	text = strings.Map(func(c rune) rune {
		if c == '\t' || c == '\n' || c == '\r' || steersText(c) {
			return -1
		}
		return c
	}, text)
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		case i > 0 && c == ':':
			return strings.ToLower(text[:i]), text[i+1:]
		default:
			return "", text
		}
	}
	return "", text
}

// web makes an address of http or https of what stands behind its scheme, as browsers read it: backslashes are slashes, and there may
// be any number of them. host is in ASCII, without the port.
func web(scheme, rest string) (address, host string, ok bool) {
	rest = strings.TrimLeft(rest, `/\`)
	end := strings.IndexAny(rest, `/\?#`)
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	user := ""
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, authority = authority[:at+1], authority[at+1:]
	}
	name, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon >= 0 && !strings.HasSuffix(authority, "]") {
		name, port = authority[:colon], authority[colon:]
		if _, digital := digits(port[1:]); port != ":" && !digital {
			return "", "", false
		}
	}
	if host, ok = hostName(name); !ok {
		return "", "", false
	}
	query := strings.IndexAny(tail, "?#")
	if query < 0 {
		query = len(tail)
	}
	tail = strings.ReplaceAll(tail[:query], `\`, "/") + tail[query:]
	return scheme + "://" + escaped(user) + host + port + escaped(tail), host, true
}

// hostName is a host in ASCII and lower case.
func hostName(name string) (string, bool) {
	if inner, six := strings.CutPrefix(name, "["); six {
		inner, six = strings.CutSuffix(inner, "]")
		return strings.ToLower(name), six && strings.Trim(strings.ToLower(inner), "0123456789abcdef:.") == "" && inner != ""
	}
	host, err := idna.Lookup.ToASCII(name)
	if err != nil { // underscores, and what browsers take beside the rules
		host = strings.ToLower(name)
	}
	for _, c := range []byte(host) {
		if c >= 0x80 || !plainRune(rune(c)) && c != '.' {
			return "", false
		}
	}
	return host, host != "" && host[0] != '.' && len(host) <= 255
}

// escaped makes an address's part plain: what may not stand in it, or would end an attribute or a url() of CSS, is written with "%".
func escaped(part string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(part) {
		switch c := part[i]; {
		case c <= ' ' || c == 0x7F || strings.IndexByte("\"'<>\\^`{|}()", c) >= 0:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// link is where a link leads: the web, a mail, a telephone, or a place in the message.
func (p *pass) link(raw string) (string, bool) {
	if len(raw) > MaxURL {
		return "", false
	}
	name, rest := scheme(raw)
	switch name {
	case "http", "https":
		address, _, ok := web(name, rest)
		return address, ok
	case "mailto":
		return "mailto:" + escaped(rest), rest != ""
	case "tel":
		return "tel:" + escaped(rest), rest != ""
	case "":
		if inside, ok := strings.CutPrefix(rest, "#"); ok {
			place, ok := named(inside)
			return "#" + place, ok
		}
		if strings.HasPrefix(strings.ReplaceAll(rest, `\`, "/"), "//") {
			address, _, ok := web("https", rest)
			return address, ok
		}
		if host, _, _ := strings.Cut(rest, "/"); strings.HasPrefix(strings.ToLower(host), "www.") { // many forget the scheme
			address, _, ok := web("http", rest)
			return address, ok
		}
	}
	return "", false
}

// picture gives the address of a picture: a part of the message, a small one in the address itself, or a remote one if the reader asked
// for those. It is false where there is none, and counts what is blocked.
func (p *pass) picture(raw string) (string, bool) {
	if p.again && p.given[raw] {
		return raw, true
	}
	name, rest := scheme(raw)
	switch name {
	case "cid":
		return p.give(p.options.CID, unescaped(rest))
	case "data":
		return rasterData(rest)
	case "http", "https":
	case "":
		if !strings.HasPrefix(strings.ReplaceAll(rest, `\`, "/"), "//") {
			return "", false
		}
		name = "https"
	default:
		return "", false
	}
	address, _, ok := web(name, rest)
	if !ok || len(raw) > MaxURL {
		return "", false
	}
	given, ok := p.give(p.options.Picture, address)
	if ok {
		p.clean.Pictures++
	} else {
		p.clean.BlockedPictures++
	}
	return given, ok
}

// give asks the options for an address.
func (p *pass) give(ask func(string) string, name string) (string, bool) {
	if ask == nil {
		return "", false
	}
	address := ask(name)
	if address == "" || !utf8.ValidString(address) {
		return "", false
	}
	address = escaped(address)
	p.given[address] = true
	return address, true
}

// unescaped undoes "%" escapes of a Content-ID; what is none stays.
func unescaped(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			high, low := nibble(text[i+1]), nibble(text[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

func nibble(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// rasterData is a picture of dots in an address (RFC 2397). Pictures of any other kind could hold more than a picture.
func rasterData(rest string) (string, bool) {
	kind, data, ok := strings.Cut(rest, ",")
	kind = strings.ToLower(strings.ReplaceAll(kind, " ", ""))
	if !ok || len(data) > MaxPicture/3*4 {
		return "", false
	}
	switch kind {
	case "image/png;base64", "image/jpeg;base64", "image/jpg;base64", "image/gif;base64", "image/webp;base64":
	default:
		return "", false
	}
	data = strings.ReplaceAll(strings.ReplaceAll(data, " ", ""), "%3D", "=")
	if _, err := base64.StdEncoding.DecodeString(data); err != nil {
		return "", false
	}
	return "data:" + kind + "," + data, data != ""
}
