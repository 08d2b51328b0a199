package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"tegami/directory"
	"tegami/mail"
)

const (
	// pageSize is how many entries the server gives at once.
	pageSize = 500
	// answerTime is how long one answer of the server takes at most, fetchTime all of them.
	answerTime = 30 * time.Second
	fetchTime  = 10 * time.Minute
	// maxKey is the length of what an entry is known by, in octets.
	maxKey = 128
)

// person is an entry of the source.
type person struct {
	key      string // hexadecimal where it is not text
	dn       string
	address  string // as it stands there
	profile  directory.Profile
	disabled bool
}

// connect opens a signed-in connection, which must be closed.
func (r Reach) connect(ctx context.Context, s *Spec, password string) (*goldap.Conn, error) {
	const op = "ldap.connect"
	host, encrypted, err := s.host()
	if err != nil {
		return nil, err
	}
	raw, err := r.dial(ctx, host)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	raw.SetDeadline(deadline)
	name, _, _ := net.SplitHostPort(host)
	conf := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	if s.CA != "" {
		conf.RootCAs = x509.NewCertPool()
		conf.RootCAs.AppendCertsFromPEM([]byte(s.CA))
	}
	if encrypted {
		secure := tls.Client(raw, conf)
		if err := secure.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, mail.Because(op, mail.Unavailable, "ldap.tls", err)
		}
		raw = secure
	}
	conn := goldap.NewConn(raw, encrypted)
	conn.Start()
	conn.SetTimeout(answerTime)
	if !encrypted {
		if err := conn.StartTLS(conf); err != nil {
			conn.Close()
			return nil, mail.Because(op, mail.Unavailable, "ldap.tls", err)
		}
	}
	if s.BindDN == "" {
		err = conn.UnauthenticatedBind("")
	} else {
		err = conn.Bind(s.BindDN, password)
	}
	if err != nil {
		conn.Close()
		return nil, mail.Because(op, mail.Denied, "ldap.bind", err)
	}
	return conn, nil
}

// fetch reads the entries of a source, and tells the watcher of each page.
func (r Reach) fetch(ctx context.Context, s *Spec, password string, page func(n int)) ([]person, error) {
	const op = "ldap.fetch"
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	conn, err := r.connect(ctx, s, password)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	attrs := s.attributes()
	var all []person
	paging := goldap.NewControlPaging(pageSize)
	for {
		found, err := conn.Search(&goldap.SearchRequest{
			BaseDN: s.Base, Scope: goldap.ScopeWholeSubtree, DerefAliases: goldap.NeverDerefAliases, Filter: s.Filter,
			Attributes: attrs.names(), Controls: []goldap.Control{paging}, TimeLimit: int(answerTime / time.Second),
		})
		if err != nil {
			return nil, searchFault(ctx, op, err)
		}
		for _, e := range found.Entries {
			all = append(all, attrs.person(e))
		}
		if len(all) > MaxPeople {
			return nil, mail.E(op, mail.Full, "ldap.too_many", MaxPeople)
		}
		page(len(found.Entries))
		next, _ := goldap.FindControl(found.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
		if next == nil || len(next.Cookie) == 0 {
			return all, nil
		}
		paging.SetCookie(next.Cookie)
	}
}

// searchFault says why a search failed.
func searchFault(ctx context.Context, op mail.Op, err error) error {
	switch {
	case ctx.Err() != nil:
		return mail.Wrap(op, ctx.Err())
	case mail.KindOf(err) == mail.Full:
		return mail.Wrap(op, err)
	case goldap.IsErrorAnyOf(err, goldap.LDAPResultNoSuchObject, goldap.LDAPResultInvalidDNSyntax):
		return mail.Because(op, mail.NotFound, "ldap.no_base", err)
	case goldap.IsErrorAnyOf(err, goldap.LDAPResultInsufficientAccessRights, goldap.LDAPResultOperationsError):
		return mail.Because(op, mail.Denied, "ldap.bind", err)
	}
	var known *goldap.Error
	if errors.As(err, &known) && known.ResultCode == goldap.LDAPResultSizeLimitExceeded {
		return mail.Because(op, mail.Full, "ldap.size_limit", err)
	}
	return mail.Because(op, mail.Unavailable, "ldap.search", err)
}

// names are the attributes that are asked for.
func (m *Map) names() (list []string) {
	for _, a := range m.parts() {
		if *a != "" {
			list = append(list, *a)
		}
	}
	return list
}

// person reads an entry.
func (m *Map) person(e *goldap.Entry) person {
	get := func(attr string) string {
		if attr == "" {
			return ""
		}
		return clean(e.GetEqualFoldAttributeValue(attr))
	}
	p := person{key: keyOf(e.GetRawAttributeValue(canonical(e, m.Key))), dn: clean(e.DN), address: get(m.Address)}
	p.profile = directory.Profile{
		LastName: get(m.LastName), FirstName: get(m.FirstName), LastKana: get(m.LastKana), FirstKana: get(m.FirstKana),
		DisplayName: get(m.DisplayName), Company: get(m.Company), Department: get(m.Department), Title: get(m.Title),
		Phone: get(m.Phone), Mobile: get(m.Mobile),
	}
	p.disabled = isDisabled(get(m.Disabled))
	return p
}

// canonical is an attribute's name as the entry writes it.
func canonical(e *goldap.Entry, name string) string {
	for _, a := range e.Attributes {
		if strings.EqualFold(a.Name, name) {
			return a.Name
		}
	}
	return name
}

// keyOf is what an entry is known by, as text.
func keyOf(raw []byte) string {
	if len(raw) == 0 || len(raw) > maxKey {
		return ""
	}
	for _, c := range raw {
		if c < ' ' || c >= 0x7f {
			return hex.EncodeToString(raw)
		}
	}
	return string(raw)
}

// accountDisabled is the flag of Active Directory's userAccountControl (UF_ACCOUNTDISABLE).
const accountDisabled = 2

func isDisabled(value string) bool {
	n, err := strconv.ParseInt(value, 10, 64)
	return strings.EqualFold(value, "TRUE") || err == nil && n&accountDisabled != 0
}

// clean makes a value fit for a profile: valid, one line, not too long.
func clean(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
	s = strings.TrimSpace(s)
	if len(s) <= directory.MaxName {
		return s
	}
	end := directory.MaxName
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
