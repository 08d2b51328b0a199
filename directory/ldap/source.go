package ldap

import (
	"crypto/x509"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"tegami/directory"
	"tegami/mail"
)

// Limits of sources.
const (
	// MaxSources is how many a company has.
	MaxSources = 4
	// MaxPeople is how many entries one source brings.
	MaxPeople = 50_000
	// maxText is the length of each setting in octets.
	maxText = 1024
	// maxCA is the length of certificates.
	maxCA = 64 << 10
)

// Presets of attributes.
const (
	PresetAD     = "ad"            // Active Directory
	PresetPerson = "inetOrgPerson" // RFC 2798
)

// Schedules.
const (
	Manual = ""
	Hourly = "hourly"
	Daily  = "daily"
)

// Source is a directory of the company's own.
type Source struct {
	ID      mail.ObjectID
	Version uint64
	Spec
	HasPassword bool
	Last        Last
}

// Spec is what is said about a source.
type Spec struct {
	Name   string `json:"name"`            // unique in the company
	URL    string `json:"url"`             // ldaps://host[:port], or ldap://host[:port], which is upgraded by STARTTLS
	CA     string `json:"ca,omitempty"`    // PEM of who signed its certificate; "" = the machine's authorities
	BindDN string `json:"bindDN"`          // as whom we sign in; "" = nobody
	Base   string `json:"base"`            // below which entries are taken
	Filter string `json:"filter"`          // "" = the preset's
	Preset string `json:"preset"`          // which attributes are which; "" = PresetPerson
	Domain string `json:"domain"`          // whose addresses are taken; "" = all domains of the company
	Map    Map    `json:"map,omitempty"`   // what differs from the preset
	Every  string `json:"every,omitempty"` // Manual, Hourly or Daily
	// MaxGone is the share of linked accounts in percent, of which more may not vanish at once; 0 = 10.
	MaxGone int `json:"maxGone,omitempty"`
}

// Map says from which attribute a part of an account comes. "-" means none, "" the preset's.
type Map struct {
	Key         string `json:"key,omitempty"` // what never changes
	Address     string `json:"address,omitempty"`
	LastName    string `json:"lastName,omitempty"`
	FirstName   string `json:"firstName,omitempty"`
	LastKana    string `json:"lastKana,omitempty"`
	FirstKana   string `json:"firstKana,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	Company     string `json:"company,omitempty"`
	Department  string `json:"department,omitempty"`
	Title       string `json:"title,omitempty"`
	Phone       string `json:"phone,omitempty"`
	Mobile      string `json:"mobile,omitempty"`
	Disabled    string `json:"disabled,omitempty"` // an attribute that is TRUE, or has bit 2 set, for who may not sign in
}

// Last is how the last sync went.
type Last struct {
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Linked  int       `json:"linked"`            // accounts that belong to entries
	Failure string    `json:"failure,omitempty"` // a key of the catalogue; "" = it went well
	Args    []string  `json:"args,omitempty"`    // of its text
}

// defaultGone is MaxGone where nothing is said, and leastGone is how many may always vanish.
const (
	defaultGone = 10
	leastGone   = 2
)

// presets are the attributes and filters of the presets.
var presets = map[string]struct {
	filter string
	attrs  Map
}{
	PresetAD: {"(&(objectCategory=person)(objectClass=user)(mail=*))", Map{
		Key: "objectGUID", Address: "mail", LastName: "sn", FirstName: "givenName", LastKana: "msDS-PhoneticLastName",
		FirstKana: "msDS-PhoneticFirstName", DisplayName: "displayName", Company: "company", Department: "department", Title: "title",
		Phone: "telephoneNumber", Mobile: "mobile", Disabled: "userAccountControl",
	}},
	PresetPerson: {"(&(objectClass=inetOrgPerson)(mail=*))", Map{
		Key: "entryUUID", Address: "mail", LastName: "sn", FirstName: "givenName", LastKana: "-", FirstKana: "-",
		DisplayName: "displayName", Company: "o", Department: "departmentNumber", Title: "title",
		Phone: "telephoneNumber", Mobile: "mobile", Disabled: "-",
	}},
}

// none says that a part has no attribute.
const none = "-"

// parts are the parts of a map, in the order of partsOf.
func (m *Map) parts() []*string {
	return []*string{
		&m.Key, &m.Address, &m.LastName, &m.FirstName, &m.LastKana, &m.FirstKana, &m.DisplayName, &m.Company, &m.Department, &m.Title,
		&m.Phone, &m.Mobile, &m.Disabled,
	}
}

// attributes are the attributes of a source, complete.
func (s *Spec) attributes() Map {
	m, mine := presets[s.Preset].attrs, s.Map
	for i, to := range m.parts() {
		if from := *mine.parts()[i]; from != "" {
			*to = from
		}
		if *to == none {
			*to = ""
		}
	}
	return m
}

// checked gives the spec in its stored form. Invalid "name.malformed", "ldap.url", "ldap.ca", "ldap.dn", "ldap.filter", "ldap.preset",
// "ldap.map", "ldap.every", "ldap.max_gone", "domain.malformed".
func (s Spec) checked() (Spec, error) {
	const op = "ldap.checked"
	s.Name, s.URL = strings.TrimSpace(s.Name), strings.TrimSpace(s.URL)
	if s.Preset == "" {
		s.Preset = PresetPerson
	}
	if s.MaxGone == 0 {
		s.MaxGone = defaultGone
	}
	preset, known := presets[s.Preset]
	if s.Filter == "" {
		s.Filter = preset.filter
	}
	if s.Domain != "" {
		name, ok := mail.ParseDomain(s.Domain)
		if !ok {
			return s, mail.E(op, mail.Invalid, "domain.malformed", s.Domain)
		}
		s.Domain = name
	}
	switch {
	case s.Name == "" || len(s.Name) > directory.MaxName || strings.ContainsFunc(s.Name, func(r rune) bool { return r < ' ' }):
		return s, mail.E(op, mail.Invalid, "name.malformed", directory.MaxName)
	case !known:
		return s, mail.E(op, mail.Invalid, "ldap.preset", s.Preset)
	case !slices.Contains([]string{Manual, Hourly, Daily}, s.Every):
		return s, mail.E(op, mail.Invalid, "ldap.every", s.Every)
	case s.MaxGone < 1 || s.MaxGone > 100:
		return s, mail.E(op, mail.Invalid, "ldap.max_gone")
	case len(s.Filter) > maxText || !isFilter(s.Filter):
		return s, mail.E(op, mail.Invalid, "ldap.filter", s.Filter)
	case s.CA != "" && (len(s.CA) > maxCA || !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA))):
		return s, mail.E(op, mail.Invalid, "ldap.ca")
	}
	for _, dn := range []string{s.BindDN, s.Base} {
		// Active Directory takes sato@example.local as a name to sign in with.
		if _, err := goldap.ParseDN(dn); len(dn) > maxText || err != nil && !(dn == s.BindDN && strings.Contains(dn, "@")) {
			return s, mail.E(op, mail.Invalid, "ldap.dn", dn)
		}
	}
	if _, _, err := s.host(); err != nil {
		return s, err
	}
	return s, s.checkMap()
}

func isFilter(text string) bool {
	_, err := goldap.CompileFilter(text)
	return err == nil
}

// checkMap refuses what is no name of an attribute (RFC 4512 §1.4), and a map without key or address.
func (s *Spec) checkMap() error {
	m := s.attributes()
	for _, a := range m.parts() {
		bad := strings.ContainsFunc(*a, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == ';')
		})
		if bad || len(*a) > 128 || m.Key == "" || m.Address == "" {
			return mail.E("ldap.checkMap", mail.Invalid, "ldap.map", *a)
		}
	}
	return nil
}

// host tells where the source is; tls that the connection begins encrypted. Invalid "ldap.url".
func (s *Spec) host() (host string, tls bool, err error) {
	bad := mail.E("ldap.host", mail.Invalid, "ldap.url", s.URL)
	u, err := url.Parse(s.URL)
	if err != nil || len(s.URL) > maxText || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Path != "" && u.Path != "/" {
		return "", false, bad
	}
	port := u.Port()
	switch u.Scheme {
	case "ldaps":
		if port == "" {
			port = "636"
		}
		return net.JoinHostPort(u.Hostname(), port), true, nil
	case "ldap":
		if port == "" {
			port = "389"
		}
		return net.JoinHostPort(u.Hostname(), port), false, nil
	}
	return "", false, bad
}
