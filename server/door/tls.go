package door

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/sasl"
)

// StartTLS makes the connection a TLS one. What was read ahead in the clear is the caller's to throw away. Its error is logged.
func (c *Conn) StartTLS(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.Limits.Handshake)
	defer cancel()
	c.socket.SetWriteDeadline(time.Time{})
	c.Await(time.Time{}) // the context has the limit
	under := &shown{Conn: c.socket}
	conn := tls.Server(under, c.server.cfg.TLS)
	if err := conn.HandshakeContext(ctx); err != nil {
		c.Log.Info("TLS handshake failed", "err", err)
		return mail.Because("door.StartTLS", mail.Invalid, "", err)
	}
	st := conn.ConnectionState()
	c.Conn, c.tls, c.leaf = conn, conn, under.leaf
	c.Origin.TLS = strings.ReplaceAll(tls.VersionName(st.Version), " ", "") + " " + tls.CipherSuiteName(st.CipherSuite)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secured = c.Origin.TLS
	return nil
}

// CanStartTLS tells whether StartTLS can be offered now.
func (c *Conn) CanStartTLS() bool { return c.tls == nil && c.server.cfg.TLS != nil }

// IsTLS tells whether the connection is a TLS one.
func (c *Conn) IsTLS() bool { return c.tls != nil }

// Channel is what SASL can bind to; the zero Channel in the clear.
func (c *Conn) Channel() sasl.Channel {
	if c.tls == nil {
		return sasl.Channel{}
	}
	st := c.tls.ConnectionState()
	return sasl.Channel{TLS: &st, Leaf: c.leaf}
}

// shown is the connection under TLS, which remembers the certificate that the peer was shown: TLS itself does not
// tell a server, and the channel binding tls-server-end-point (RFC 5929 §4) is made of it.
type shown struct {
	net.Conn
	leaf *x509.Certificate
}

// showing gives a configuration that tells each connection which certificate it shows. One that chooses whole
// configurations is left as it is, and has no such binding.
func showing(c *tls.Config) *tls.Config {
	if c == nil || c.GetConfigForClient != nil {
		return c
	}
	c = c.Clone()
	choose, given := c.GetCertificate, c.Certificates
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := chosen(hello, choose, given)
		if under, ok := hello.Conn.(*shown); ok && err == nil && cert != nil {
			under.leaf = leafOf(cert)
		}
		return cert, err
	}
	return c
}

// chosen is the certificate that a configuration would show: by its function, or else the one that suits the peer.
func chosen(hello *tls.ClientHelloInfo, choose func(*tls.ClientHelloInfo) (*tls.Certificate, error), given []tls.Certificate) (*tls.Certificate, error) {
	if choose != nil {
		if cert, err := choose(hello); err != nil || cert != nil {
			return cert, err
		}
	}
	for i := range given {
		if hello.SupportsCertificate(&given[i]) == nil {
			return &given[i], nil
		}
	}
	if len(given) == 0 {
		return nil, nil // TLS says what is wrong
	}
	return &given[0], nil
}

// leafOf is a certificate without its chain; nil for one that cannot be read.
func leafOf(cert *tls.Certificate) *x509.Certificate {
	if cert.Leaf != nil || len(cert.Certificate) == 0 {
		return cert.Leaf
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil // no binding, then
	}
	return leaf
}
