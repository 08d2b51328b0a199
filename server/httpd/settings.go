package httpd

import (
	"context"
	"encoding/xml"
	"net/http"
	"time"

	"tegami/domains"
	"tegami/mail"
)

// Domains tells about our mail domains: *domains.Service.
type Domains interface {
	// ClientConfig is what mail software of a domain's people is set to. NotFound for a domain that is not ours.
	ClientConfig(ctx context.Context, domain string, zone mail.Zone) (domains.ClientConfig, error)
	// Policy is a domain's MTA-STS policy. NotFound for a domain that is not ours.
	Policy(ctx context.Context, domain string) (domains.STSPolicy, error)
}

// lookupTimeout is how long it may take to find out about a domain.
const lookupTimeout = 5 * time.Second

// settings gives the settings for a domain's people, or has answered that there are none.
func (s *Server) settings(w http.ResponseWriter, r *http.Request, domain string) (domains.ClientConfig, bool) {
	if s.config.Domains == nil {
		http.NotFound(w, r)
		return domains.ClientConfig{}, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookupTimeout)
	defer cancel()
	c, err := s.config.Domains.ClientConfig(ctx, domain, s.zone())
	if err != nil {
		s.refuse(w, r, err)
		return c, false
	}
	return c, true
}

// zone is the access zone of who asks.
func (s *Server) zone() mail.Zone {
	if s.config.Zone == "" {
		return mail.ZoneInternet
	}
	return s.config.Zone
}

// refuse says that there is nothing, or that it can't be told now. The reason is in the log.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if mail.Is(err, mail.NotFound) {
		http.NotFound(w, r)
		return
	}
	s.log.Error("page", "path", r.URL.Path, "host", r.Host, "err", err)
	w.Header().Set("Retry-After", "60")
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}

// policy serves the MTA-STS policy of a domain (RFC 8461 §3.2).
func (s *Server) policy(w http.ResponseWriter, r *http.Request, domain string) {
	if s.config.Domains == nil {
		http.NotFound(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookupTimeout)
	defer cancel()
	p, err := s.config.Domains.Policy(ctx, domain)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte(p.Text))
}

// clientConfig is Thunderbird's format for the settings of a mail domain, which Evolution, KMail, K-9 and others read too:
// https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat.
type clientConfig struct {
	XMLName  xml.Name `xml:"clientConfig"`
	Version  string   `xml:"version,attr"`
	Provider struct {
		ID       string         `xml:"id,attr"`
		Domain   string         `xml:"domain"`
		Name     string         `xml:"displayName"`
		Short    string         `xml:"displayShortName"`
		Incoming []clientServer `xml:"incomingServer"`
		Outgoing []clientServer `xml:"outgoingServer"`
	} `xml:"emailProvider"`
}

type clientServer struct {
	Type           string `xml:"type,attr"`
	Hostname       string `xml:"hostname"`
	Port           uint16 `xml:"port"`
	Socket         string `xml:"socketType"`
	Authentication string `xml:"authentication"`
	Username       string `xml:"username"`
}

// autoconfig serves a domain's settings to Thunderbird. The address in the request is not looked at: all of a domain get the same.
func (s *Server) autoconfig(w http.ResponseWriter, r *http.Request, domain string) {
	c, ok := s.settings(w, r, domain)
	if !ok {
		return
	}
	out := clientConfig{Version: "1.1"}
	p := &out.Provider
	p.ID, p.Domain, p.Name, p.Short = c.Domain, c.Domain, c.Domain, c.Domain
	p.Incoming, p.Outgoing = clientServers(c.Incoming), clientServers(c.Outgoing)
	s.writeXML(w, out)
}

// clientServers writes servers in Thunderbird's words. The password is "cleartext" inside TLS.
func clientServers(list []domains.ClientServer) (out []clientServer) {
	for _, one := range list {
		out = append(out, clientServer{string(one.Protocol), one.Host, one.Port, "SSL", "password-cleartext", "%EMAILADDRESS%"})
	}
	return out
}

// writeXML answers with a document.
func (s *Server) writeXML(w http.ResponseWriter, doc any) {
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		s.log.Error("page", "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Write(append(append([]byte(xml.Header), text...), '\n'))
}
