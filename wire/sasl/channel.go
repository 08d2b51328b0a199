package sasl

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
)

// Names of the channel bindings.
const (
	bindExporter  = "tls-exporter"         // RFC 9266
	bindEndPoint  = "tls-server-end-point" // RFC 5929 §4
	exporterLabel = "EXPORTER-Channel-Binding"
	exporterSize  = 32
)

// Channel is what the TLS connection under an exchange gives for channel
// binding. The zero Channel binds nothing, and -PLUS is not offered over it.
type Channel struct {
	// TLS is the state after the handshake; it gives tls-exporter over TLS 1.3.
	TLS *tls.ConnectionState
	// Leaf is the certificate the server showed; it gives tls-server-end-point. A
	// server that can't say which one it showed leaves it nil.
	Leaf *x509.Certificate
}

// Bindable tells whether the channel has a binding at all.
func (c Channel) Bindable() bool {
	return c.data(bindExporter) != nil || c.data(bindEndPoint) != nil
}

// preferred names the best binding the channel has, or "".
func (c Channel) preferred() string {
	for _, name := range []string{bindExporter, bindEndPoint} {
		if c.data(name) != nil {
			return name
		}
	}
	return ""
}

// data gives the bytes of a binding, nil for one the channel does not have.
func (c Channel) data(name string) []byte {
	switch {
	case name == bindExporter && c.TLS != nil && c.TLS.Version >= tls.VersionTLS13:
		// Before 1.3 the exporter needs the extended master secret to be unique (RFC 9266 §4.2).
		out, err := c.TLS.ExportKeyingMaterial(exporterLabel, nil, exporterSize)
		if err != nil {
			return nil // renegotiation: no binding, which is what nil says
		}
		return out
	case name == bindEndPoint && c.TLS != nil && c.Leaf != nil:
		return endPoint(c.Leaf)
	}
	return nil
}

// endPoint hashes a certificate with the hash of its signature, SHA-256 where
// that is MD5 or SHA-1 (RFC 5929 §4.1). A signature without a separate hash gives nil.
func endPoint(leaf *x509.Certificate) []byte {
	switch leaf.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.ECDSAWithSHA256, x509.DSAWithSHA256:
		sum := sha256.Sum256(leaf.Raw)
		return sum[:]
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		sum := sha512.Sum384(leaf.Raw)
		return sum[:]
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		sum := sha512.Sum512(leaf.Raw)
		return sum[:]
	}
	return nil
}
