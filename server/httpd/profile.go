package httpd

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"tegami/domains"
	"tegami/mail"
)

// profile serves a configuration profile for Apple's systems. It holds no password: the device asks for it. Without an address in the request
// the device asks for that too. What is the same has the same UUIDs, so that a profile fetched again replaces the first.
//
// A profile holds one incoming server only. It is IMAP where the domain has it, since phones stand beside another device;
// ?protocol=pop3 chooses the other.
func (s *Server) profile(w http.ResponseWriter, r *http.Request, domain string) {
	c, ok := s.settings(w, r, domain)
	if !ok {
		return
	}
	var user mail.Address
	if text := r.URL.Query().Get("emailaddress"); text != "" {
		var err error
		if user, err = mail.ParseAddress(text); err != nil || user.Domain != c.Domain {
			http.NotFound(w, r)
			return
		}
	}
	incoming, outgoing, ok := chosen(c, domains.ClientProtocol(r.URL.Query().Get("protocol")))
	if !ok {
		http.NotFound(w, r)
		return
	}
	words := view{words: s.config.Words, Lang: readerLang(r)}
	text := plist(profileOf(words, c.Domain, user, incoming, outgoing))
	if s.config.Certificate != nil {
		signed, err := signCMS(text, s.config.Certificate(), time.Now())
		if err != nil {
			s.log.Warn("profile goes out unsigned", "err", err)
		} else {
			text = signed
		}
	}
	w.Header().Set("Content-Type", "application/x-apple-aspen-config")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": c.Domain + ".mobileconfig"}))
	w.Write(text)
}

// chosen picks the servers of a profile: one to read from, one to send by.
func chosen(c domains.ClientConfig, wanted domains.ClientProtocol) (in, out domains.ClientServer, ok bool) {
	for _, one := range c.Incoming {
		if in.Port == 0 || one.Protocol == domains.ClientIMAP && wanted == "" || one.Protocol == wanted {
			in = one
		}
	}
	if len(c.Outgoing) > 0 {
		out = c.Outgoing[0]
	}
	return in, out, in.Port != 0 && out.Port != 0 && (wanted == "" || in.Protocol == wanted)
}

// pair is a key of a property list with its value: string, int, bool, []pair or [][]pair.
type pair struct {
	key   string
	value any
}

// profileOf writes the settings in Apple's words (Configuration Profile Reference, Email Payload).
func profileOf(v view, domain string, user mail.Address, in, out domains.ClientServer) []pair {
	kind := map[domains.ClientProtocol]string{domains.ClientPOP3: "EmailTypePOP", domains.ClientIMAP: "EmailTypeIMAP"}[in.Protocol]
	about := strings.Join([]string{domain, user.String(), string(in.Protocol)}, "\x00")
	account := []pair{
		{"PayloadType", "com.apple.mail.managed"}, {"PayloadVersion", 1},
		{"PayloadIdentifier", identifier(domain, in.Protocol) + ".account"}, {"PayloadUUID", stableUUID("account\x00" + about)},
		{"PayloadDisplayName", v.T("profile.name", domain)},
		{"EmailAccountDescription", domain}, {"EmailAccountType", kind},
		{"IncomingMailServerAuthentication", "EmailAuthPassword"}, {"IncomingMailServerHostName", in.Host},
		{"IncomingMailServerPortNumber", int(in.Port)}, {"IncomingMailServerUseSSL", true},
		{"OutgoingMailServerAuthentication", "EmailAuthPassword"}, {"OutgoingMailServerHostName", out.Host},
		{"OutgoingMailServerPortNumber", int(out.Port)}, {"OutgoingMailServerUseSSL", true},
		{"OutgoingPasswordSameAsIncomingPassword", true},
	}
	if name := user.String(); name != "" {
		account = append(account, pair{"EmailAddress", name}, pair{"IncomingMailServerUsername", name}, pair{"OutgoingMailServerUsername", name})
	}
	return []pair{
		{"PayloadType", "Configuration"}, {"PayloadVersion", 1},
		{"PayloadIdentifier", identifier(domain, in.Protocol)}, {"PayloadUUID", stableUUID("profile\x00" + about)},
		{"PayloadDisplayName", v.T("profile.name", domain)}, {"PayloadDescription", v.T("profile.what", domain)},
		{"PayloadOrganization", domain}, {"PayloadRemovalDisallowed", false},
		{"PayloadContent", [][]pair{account}},
	}
}

// identifier is the domain in reverse, as Apple names things.
func identifier(domain string, p domains.ClientProtocol) string {
	labels := strings.Split(domain, ".")
	var b strings.Builder
	for i := len(labels) - 1; i >= 0; i-- {
		b.WriteString(labels[i] + ".")
	}
	return b.String() + "mail." + string(p)
}

// stableUUID gives the same UUID for the same name: version 8 of RFC 9562 §5.8, with a SHA-256 of the name.
func stableUUID(name string) string {
	u := sha256.Sum256([]byte("tegami\x00" + name))
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16]))
}

// plist writes a property list in its XML form.
func plist(dict []pair) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	b.WriteString(`<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n<plist version=\"1.0\">\n")
	writeDict(&b, dict)
	b.WriteString("</plist>\n")
	return b.Bytes()
}

func writeDict(b *bytes.Buffer, dict []pair) {
	b.WriteString("<dict>\n")
	for _, p := range dict {
		writeElement(b, "key", p.key)
		switch v := p.value.(type) {
		case string:
			writeElement(b, "string", v)
		case int:
			fmt.Fprintf(b, "<integer>%d</integer>\n", v)
		case bool:
			fmt.Fprintf(b, "<%t/>\n", v)
		case [][]pair:
			b.WriteString("<array>\n")
			for _, one := range v {
				writeDict(b, one)
			}
			b.WriteString("</array>\n")
		}
	}
	b.WriteString("</dict>\n")
}

func writeElement(b *bytes.Buffer, name, text string) {
	b.WriteString("<" + name + ">")
	xml.EscapeText(b, []byte(text)) // a buffer takes all
	b.WriteString("</" + name + ">\n")
}
