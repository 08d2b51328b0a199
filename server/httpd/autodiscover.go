package httpd

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"

	"tegami/domains"
	"tegami/mail"
)

// Name spaces of Outlook's Autodiscover in its plain XML form (MS-OXDSCLI §2.2).
const (
	outlookReply = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
	outlookFrame = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
)

// Limits of a request. Outlook's have some 400 octets and a depth of 3.
const (
	maxDiscover      = 8 << 10 // octets
	maxDiscoverDepth = 8
)

// Codes of an answer that holds no settings.
const (
	discoverInvalid  = 600 // the request is none
	discoverNoSchema = 601 // what is asked for is not offered
)

// discoverRequest is what Outlook asks.
type discoverRequest struct {
	Address mail.Address
	Schema  string // the format of the answer it takes
}

// parseDiscover reads a request. The first EMailAddress and AcceptableResponseSchema count, wherever they stand. Invalid for
// what is no XML, is too deep, or names no address.
func parseDiscover(body io.Reader) (q discoverRequest, err error) {
	const op = "httpd.parseDiscover"
	d := xml.NewDecoder(io.LimitReader(body, maxDiscover))
	var inside []string
	var address string
	for {
		token, err := d.Token()
		if err == io.EOF && len(inside) == 0 {
			break
		}
		if err != nil {
			return q, mail.Because(op, mail.Invalid, "", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if inside = append(inside, t.Name.Local); len(inside) > maxDiscoverDepth {
				return q, mail.E(op, mail.Invalid, "")
			}
		case xml.EndElement:
			inside = inside[:len(inside)-1] // the decoder has matched them
		case xml.CharData:
			keep(&address, inside, "EMailAddress", t)
			keep(&q.Schema, inside, "AcceptableResponseSchema", t)
		}
	}
	q.Address, err = mail.ParseAddress(address)
	return q, mail.Wrap(op, err)
}

// keep sets a text that stands directly inside an element, if it has none yet.
func keep(to *string, inside []string, element string, text xml.CharData) {
	if len(inside) > 0 && inside[len(inside)-1] == element && *to == "" {
		*to = strings.TrimSpace(string(text))
	}
}

// discoverReply is what Outlook is told.
type discoverReply struct {
	XMLName  xml.Name
	Response discoverResponse
}

type discoverResponse struct {
	XMLName xml.Name
	Account *discoverAccount
	Error   *discoverError
}

type discoverAccount struct {
	AccountType string
	Action      string
	Protocol    []discoverProtocol
}

// discoverProtocol is one server. SPA is a sign-in of Microsoft's own, which is on unless told otherwise.
type discoverProtocol struct {
	Type           string
	Server         string
	Port           uint16
	DomainRequired string
	LoginName      string
	SPA            string
	SSL            string
	Encryption     string
	AuthRequired   string
	UsePOPAuth     string `xml:",omitempty"`
	SMTPLast       string `xml:",omitempty"`
}

type discoverError struct {
	ErrorCode int
	Message   string
	DebugData string
}

// autodiscover serves a domain's settings to Outlook. The domain is the host's; on the server's own site, where the SRV
// record _autodiscover leads, it is the address's. All addresses of a domain get the same answer, whether they exist or not.
func (s *Server) autodiscover(w http.ResponseWriter, r *http.Request, domain string) {
	q, err := parseDiscover(r.Body)
	if err != nil {
		s.writeXML(w, noSettings(discoverInvalid, "Invalid Request"))
		return
	}
	if where, _ := s.site(r.Host); where == siteOwn {
		domain = q.Address.Domain
	}
	if q.Address.Domain != domain {
		http.NotFound(w, r)
		return
	}
	c, ok := s.settings(w, r, domain)
	if !ok {
		return
	}
	if q.Schema != "" && q.Schema != outlookReply {
		s.writeXML(w, noSettings(discoverNoSchema, "Provider is not found"))
		return
	}
	s.writeXML(w, discovered(c, q.Address))
}

// discovered writes settings in Outlook's words.
func discovered(c domains.ClientConfig, user mail.Address) discoverReply {
	a := &discoverAccount{AccountType: "email", Action: "settings"}
	for _, one := range append(c.Incoming[:len(c.Incoming):len(c.Incoming)], c.Outgoing...) {
		p := discoverProtocol{
			Type: strings.ToUpper(string(one.Protocol)), Server: one.Host, Port: one.Port, DomainRequired: "off",
			LoginName: user.String(), SPA: "off", SSL: "on", Encryption: "SSL", AuthRequired: "on",
		}
		if one.Protocol == domains.ClientSMTP {
			p.UsePOPAuth, p.SMTPLast = "on", "off"
		}
		a.Protocol = append(a.Protocol, p)
	}
	return framed(outlookReply, discoverResponse{Account: a})
}

// noSettings tells Outlook why there are none.
func noSettings(code int, message string) discoverReply {
	return framed(outlookFrame, discoverResponse{Error: &discoverError{ErrorCode: code, Message: message}})
}

func framed(space string, response discoverResponse) discoverReply {
	response.XMLName = xml.Name{Space: space, Local: "Response"}
	return discoverReply{xml.Name{Space: outlookFrame, Local: "Autodiscover"}, response}
}
