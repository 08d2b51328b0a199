package spam

import (
	"net/url"
	"strings"
)

// Limits of looking at links.
const (
	maxLinks = 200     // of a message
	maxLink  = 2 << 10 // octets of a link that are read
)

// links are the links of a message.
type links struct {
	n     int
	hosts map[string]struct{}
}

// link looks at one link. shown is the text it stands under, "" where it is unknown.
func (l *look) link(raw, shown string) {
	raw = strings.TrimSpace(raw)
	if l.links.n >= maxLinks || raw == "" || len(raw) > maxLink {
		return
	}
	l.links.n++
	scheme, rest, ok := strings.Cut(raw, ":")
	switch scheme = strings.ToLower(scheme); {
	case !ok:
		return
	case scheme == "mailto":
		l.words.tokens.add(hash(inLink, "mailto"))
		return
	case scheme == "data" || scheme == "javascript":
		l.hits.addIf(strings.Contains(rest, "html") || scheme == "javascript", ruleScript)
		return
	case scheme != "http" && scheme != "https" && scheme != "ftp":
		return
	}
	l.web(scheme, strings.TrimLeft(rest, "/\\"), shown)
}

// web looks at a link into the web; rest is what stands behind the slashes.
func (l *look) web(scheme, rest, shown string) {
	end := strings.IndexAny(rest, "/?#\\")
	authority, path := rest, ""
	if end >= 0 {
		authority, path = rest[:end], rest[end:]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		l.hits.add(ruleUserLink, authority)
		authority = authority[at+1:]
	}
	l.hits.addIf(strings.Contains(authority, "%"), ruleCodedHost, authority)
	host, port := hostPort(authority)
	if host == "" {
		return
	}
	l.hits.addIf(port != "" && port != "80" && port != "443", rulePortLink, authority)
	l.host(host)
	l.path(path)
	l.mismatch(host, shown)
	l.words.tokens.add(hash(inLink, scheme))
}

// hostPort parts a host in lower case from its port.
func hostPort(authority string) (host, port string) {
	host = authority
	if at := strings.LastIndexByte(authority, ':'); at >= 0 && !strings.HasSuffix(authority, "]") {
		host, port = authority[:at], authority[at+1:]
	}
	if plain, err := url.PathUnescape(host); err == nil {
		host = plain
	}
	return strings.ToLower(strings.Trim(host, ".")), port
}

// host looks at a link's host.
func (l *look) host(host string) {
	if numeric(host) {
		l.hits.add(ruleIPLink, host)
		l.words.tokens.add(hash(inLink, "ip"))
		return
	}
	reg := registered(host)
	if l.links.hosts == nil {
		l.links.hosts = map[string]struct{}{}
	}
	if _, seen := l.links.hosts[host]; seen {
		return
	}
	l.links.hosts[host] = struct{}{}
	t := l.words.tokens
	t.add(hash(inLink, reg))
	t.add(hash(inLink, "."+lastLabel(host)))
	h := &l.hits
	h.addIf(has(shorteners, reg), ruleShortener, host)
	h.addIf(strings.Contains(host, "xn--") || !ascii(host), rulePunycode, host)
	h.addIf(has(cheapTLDs, lastLabel(host)), ruleCheapDomain, host)
	if b := lookAlike(host); b != "" {
		h.add(ruleLookAlike, host, b)
	} else if b := brandOfHost(host); b != "" {
		h.add(ruleBrandLink, host, b)
	}
}

// numeric tells of a host that is an IP address, also as one number or in octal and hexadecimal.
func numeric(host string) bool {
	if strings.HasPrefix(host, "[") {
		return true
	}
	for part := range strings.SplitSeq(host, ".") {
		if hex, ok := strings.CutPrefix(part, "0x"); ok {
			part = hex
			if strings.Trim(part, "0123456789abcdef") != "" {
				return false
			}
			continue
		}
		if part == "" || digits(part) != len(part) {
			return false
		}
	}
	return true
}

// path looks at what stands behind a link's host.
func (l *look) path(path string) {
	low := strings.ToLower(path)
	at := strings.Index(low, "http")
	l.hits.addIf(at > 0 && (strings.HasPrefix(low[at:], "http%3a") || strings.HasPrefix(low[at:], "http://") || strings.HasPrefix(low[at:], "https%3a") ||
		strings.HasPrefix(low[at:], "https://")), ruleRedirect, path)
	file, _, _ := strings.Cut(low, "?")
	if dot := strings.LastIndexByte(file, '.'); dot >= 0 && len(file)-dot <= 5 {
		ext := file[dot+1:]
		l.hits.addIf(has(programNames, ext) && ext != "com" && ext != "url" && ext != "one", ruleFileLink, path)
		l.words.tokens.add(hash(inLink, "/."+ext))
	}
	l.words.text(inLink, cut(file, 80))
}

// mismatch compares a link's host with the host its text shows.
func (l *look) mismatch(host, shown string) {
	shown = strings.ToLower(strings.TrimSpace(shown))
	if rest, ok := strings.CutPrefix(shown, "http"); ok {
		_, shown, ok = strings.Cut(rest, "://")
		if !ok {
			return
		}
	} else if !strings.HasPrefix(shown, "www.") {
		return
	}
	if end := strings.IndexAny(shown, "/?#: \n\t"); end >= 0 {
		shown = shown[:end]
	}
	if strings.Contains(shown, ".") && ascii(shown) && registered(strings.Trim(shown, ".")) != registered(host) {
		l.hits.add(ruleMismatch, shown, host)
	}
}

// textLinks finds the links in a plain text.
func (l *look) textLinks(text string) {
	for l.links.n < maxLinks {
		at := strings.Index(text, "://")
		if at < 0 {
			return
		}
		start := at
		for start > 0 && letter(text[start-1]) && at-start < 8 {
			start--
		}
		end := at + 3
		for end < len(text) && text[end] > ' ' && text[end] < 0x7f && !strings.ContainsRune("<>\"'", rune(text[end])) {
			end++
		}
		l.link(strings.TrimRight(text[start:end], ".,;:!?)]}"), "")
		text = text[end:]
	}
}
