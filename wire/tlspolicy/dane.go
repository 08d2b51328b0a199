package tlspolicy

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/dns"
)

// Numbers of TLSA records (RFC 6698 §2.1, RFC 7218).
const (
	usageTA = 2 // a trust anchor the certificate must lead to
	usageEE = 3 // the certificate itself

	selectCert = 0 // the whole certificate
	selectKey  = 1 // its public key

	matchFull   = 0
	matchSHA256 = 1
	matchSHA512 = 2
)

// Limits of DANE: what is beyond them is not looked at.
const (
	maxTLSA  = 64 // records
	maxChain = 16 // certificates
)

// Why a certificate is refused.
var (
	errNoRecord = errors.New("no TLSA record fits the certificate")
	errNoCert   = errors.New("the server showed no certificate")
	errNoAnchor = errors.New("no certificate leads to a trust anchor of the TLSA records")
	errUnusable = errors.New("no TLSA record is usable")
)

// TLSAName is where the TLSA records of a host's port stand (RFC 6698 §3).
func TLSAName(host string, port uint16) string { return fmt.Sprintf("_%d._tcp.%s", port, host) }

// UsableTLSA leaves the records that a sender of mail can use: DANE-TA(2) and DANE-EE(3), with a selector and a matching type
// we know, and data of that form (RFC 7672 §3.1). PKIX-TA(0) and PKIX-EE(1) are not for mail (RFC 7672 §3.1.3). Of one
// object's digests only the strongest are left (RFC 7671 §9).
//
// Where a host has TLSA records and none is usable, TLS is a must and nobody's word for it is (RFC 7672 §2.2).
func UsableTLSA(records []dns.TLSA) []dns.TLSA {
	var list []dns.TLSA
	for _, r := range records[:min(len(records), maxTLSA)] {
		if usable(r) {
			list = append(list, r)
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(r dns.TLSA) bool {
		return r.Matching == matchSHA256 && slices.ContainsFunc(list, func(o dns.TLSA) bool {
			return o.Matching == matchSHA512 && o.Usage == r.Usage && o.Selector == r.Selector
		})
	})
}

func usable(r dns.TLSA) bool {
	if r.Usage != usageTA && r.Usage != usageEE || r.Selector != selectCert && r.Selector != selectKey {
		return false
	}
	switch r.Matching {
	case matchSHA256:
		return len(r.Data) == sha256.Size
	case matchSHA512:
		return len(r.Data) == sha512.Size
	case matchFull:
		if r.Selector == selectKey {
			return isKey(r.Data)
		}
		_, err := x509.ParseCertificate(r.Data)
		return err == nil
	}
	return false
}

// isKey tells whether der is a SubjectPublicKeyInfo (RFC 5280 §4.1), of whatever algorithm.
func isKey(der []byte) bool {
	var key struct {
		Algorithm pkix.AlgorithmIdentifier
		PublicKey asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &key)
	return err == nil && len(rest) == 0
}

// VerifyDANE checks the certificates a server showed, its own first, against the TLSA records of its host, which must be
// authentic (RFC 7672 §3). With DANE-EE(3) neither names nor dates count (RFC 7672 §3.1.1). With DANE-TA(2) the chain
// must lead to the anchor, and the certificate must bear one of names: the host the records belong to, and the
// domain of the mail, each before and after aliases (RFC 7672 §3.2.2).
//
// nil means that the server has proved itself. The error's kind is Denied "dane.refused", or Invalid "dane.unusable"
// when there is no usable record; ResultOf tells what to report.
func VerifyDANE(records []dns.TLSA, names []string, chain []*x509.Certificate) error {
	const op = "tlspolicy.VerifyDANE"
	list := UsableTLSA(records)
	switch {
	case len(list) == 0:
		return mail.Because(op, mail.Invalid, "dane.unusable", errUnusable)
	case len(chain) == 0:
		return mail.Because(op, mail.Denied, "dane.refused", errNoCert)
	}
	anchored := false
	for _, r := range list {
		if r.Usage == usageEE && fits(r, chain[0]) {
			return nil
		}
		anchored = anchored || r.Usage == usageTA
	}
	if !anchored {
		return mail.Because(op, mail.Denied, "dane.refused", errNoRecord)
	}
	if err := verifyAnchored(list, names, chain[:min(len(chain), maxChain)]); err != nil {
		return mail.Because(op, mail.Denied, "dane.refused", err)
	}
	return nil
}

// fits tells whether a record is of this certificate.
func fits(r dns.TLSA, c *x509.Certificate) bool {
	data := c.Raw
	if r.Selector == selectKey {
		data = c.RawSubjectPublicKeyInfo
	}
	switch r.Matching {
	case matchSHA256:
		sum := sha256.Sum256(data)
		data = sum[:]
	case matchSHA512:
		sum := sha512.Sum512(data)
		data = sum[:]
	}
	return bytes.Equal(data, r.Data)
}

// verifyAnchored checks a chain with crypto/x509, whose roots are what the DANE-TA(2) records name.
func verifyAnchored(records []dns.TLSA, names []string, chain []*x509.Certificate) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	found := false
	for _, c := range chain {
		between.AddCert(c)
	}
	for _, c := range anchors(records, chain) {
		roots.AddCert(c)
		found = true
	}
	if !found {
		return errNoAnchor
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: time.Now()}); err != nil {
		return err
	}
	return verifyName(chain[0], names)
}

// anchors are the certificates to trust: those of the chain that a record names or whose signature is by a key that a record
// holds in full, and those that a record holds in full (RFC 7671 §5.2, §5.2.2, §5.2.3).
func anchors(records []dns.TLSA, chain []*x509.Certificate) []*x509.Certificate {
	var list []*x509.Certificate
	for _, r := range records {
		if r.Usage != usageTA {
			continue
		}
		for _, c := range chain {
			if fits(r, c) || signedByBareKey(r, c) {
				list = append(list, c)
			}
		}
		if r.Selector == selectCert && r.Matching == matchFull {
			if c, err := x509.ParseCertificate(r.Data); err == nil {
				list = append(list, c)
			}
		}
	}
	return list
}

// signedByBareKey tells whether a certificate is signed by the key a record holds in full: the certificate of that
// anchor need not be shown.
func signedByBareKey(r dns.TLSA, c *x509.Certificate) bool {
	weak := []x509.SignatureAlgorithm{x509.SHA1WithRSA, x509.ECDSAWithSHA1}
	if r.Selector != selectKey || r.Matching != matchFull || slices.Contains(weak, c.SignatureAlgorithm) {
		return false
	}
	key, err := x509.ParsePKIXPublicKey(r.Data)
	if err != nil {
		return false
	}
	signer := x509.Certificate{PublicKey: key}
	return signer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// verifyName tells whether a certificate bears one of names. Where it names no host at all, its common name is one
// (RFC 7672 §3.2.3 with RFC 6125 §6.4.4).
func verifyName(c *x509.Certificate, names []string) error {
	var err error = x509.HostnameError{Certificate: c, Host: strings.Join(names, ", ")}
	bare := len(c.DNSNames) == 0
	for _, name := range names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if c.VerifyHostname(name) == nil || bare && matches(strings.ToLower(c.Subject.CommonName), name) {
			return nil
		}
	}
	return err
}
