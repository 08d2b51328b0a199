package dkim

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/mailauth/internal/canon"
)

// A Record is a public key as it is published (RFC 6376 §3.6.1).
type Record struct {
	Public   crypto.PublicKey // *rsa.PublicKey or ed25519.PublicKey; nil: the key is revoked
	Hashes   []string         // h=; nil: any
	Services []string         // s=; nil: any
	Notes    string           // n=, for people
	Testing  bool             // t=y
	Strict   bool             // t=s: i= must have exactly the domain d=
}

// maxRecords is how many TXT records at a name are looked at.
const maxRecords = 8

// ParseRecord reads the TXT record of a key. Tags we do not know are passed over. What is no key record is
// Invalid "dkim.key", a kind of key we do not know Invalid "dkim.algorithm".
func ParseRecord(txt string) (Record, error) {
	const op = "dkim.ParseRecord"
	tags, err := canon.ParseTags(txt)
	if v, ok := tags.Get("v"); err != nil || ok && (v != "DKIM1" || tags[0].Name != "v") {
		return Record{}, mail.E(op, mail.Invalid, "dkim.key")
	}
	octets, ok := tags.Binary("p")
	if !ok {
		return Record{}, mail.E(op, mail.Invalid, "dkim.key")
	}
	flags := tags.List("t")
	r := Record{
		Hashes:   tags.List("h"),
		Services: tags.List("s"),
		Notes:    tags.Or("n", ""),
		Testing:  slices.Contains(flags, "y"),
		Strict:   slices.Contains(flags, "s"),
	}
	if len(octets) == 0 {
		return r, nil
	}
	if r.Public, err = publicKey(tags.Or("k", "rsa"), octets); err != nil {
		return Record{}, mail.Wrap(op, err)
	}
	return r, nil
}

// publicKey reads the octets of p=.
func publicKey(kind string, octets []byte) (crypto.PublicKey, error) {
	const op = "dkim.publicKey"
	switch kind {
	case "rsa":
		// RFC 6376 wants an RSAPublicKey by its words and a SubjectPublicKeyInfo by its examples (erratum 3017); the world writes the latter.
		if pub, err := x509.ParsePKIXPublicKey(octets); err == nil {
			if r, ok := pub.(*rsa.PublicKey); ok {
				return r, nil
			}
			return nil, mail.E(op, mail.Invalid, "dkim.key")
		}
		pub, err := x509.ParsePKCS1PublicKey(octets)
		if err != nil {
			return nil, mail.Because(op, mail.Invalid, "dkim.key", err)
		}
		return pub, nil
	case "ed25519":
		if len(octets) != ed25519.PublicKeySize {
			return nil, mail.E(op, mail.Invalid, "dkim.key")
		}
		return ed25519.PublicKey(octets), nil
	}
	return nil, mail.E(op, mail.Invalid, "dkim.algorithm")
}

// FormatRecord gives the TXT record of a public key, *rsa.PublicKey or ed25519.PublicKey; "" for others. An RSA
// key's is longer than the 255 octets of one character-string.
func FormatRecord(pub crypto.PublicKey) string {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			return ""
		}
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)
	}
	return ""
}

// Name gives the name in the DNS of a key's record.
func Name(selector, domain string) string { return selector + "._domainkey." + domain }

// Find fetches the record of a key. Errors: NotFound "dkim.no_key"; NotFound "dkim.revoked"; Invalid
// "dkim.key", also where there is more than one key, as nobody could say which is meant
// (RFC 6376 §3.6.2.2); Invalid "dkim.algorithm"; Unavailable "dkim.dns", with which nothing is said.
func Find(ctx context.Context, l dns.Lookup, selector, domain string) (Record, error) {
	const op = "dkim.Find"
	texts, _, err := l.TXT(ctx, Name(selector, domain))
	switch {
	case mail.Is(err, mail.NotFound):
		return Record{}, mail.Because(op, mail.NotFound, "dkim.no_key", err)
	case err != nil:
		return Record{}, mail.Because(op, mail.Unavailable, "dkim.dns", err)
	case len(texts) == 0:
		return Record{}, mail.E(op, mail.NotFound, "dkim.no_key")
	}
	var found []Record
	var last error
	for _, txt := range texts[:min(len(texts), maxRecords)] {
		r, err := ParseRecord(txt)
		if err != nil {
			last = err
			continue
		}
		found = append(found, r)
	}
	switch {
	case len(found) == 0:
		return Record{}, mail.Wrap(op, last)
	case len(found) > 1:
		return Record{}, mail.E(op, mail.Invalid, "dkim.key")
	case found[0].Public == nil:
		return Record{}, mail.E(op, mail.NotFound, "dkim.revoked")
	}
	return found[0], nil
}

// Bits gives the size of the key, 0 of a revoked one.
func (r Record) Bits() int {
	switch pub := r.Public.(type) {
	case *rsa.PublicKey:
		return pub.N.BitLen()
	case ed25519.PublicKey:
		return 8 * len(pub)
	}
	return 0
}

// Check tells whether the key may serve an algorithm and the signature of a SHA-256 hash is its own.
// Errors: Denied "dkim.forged", the signature does not hold; Denied "dkim.key_size"; Denied "dkim.unsuited", the key is not for mail,
// not for SHA-256, or not for the algorithm.
func (r Record) Check(algorithm string, digest, signature []byte) error {
	const op = "dkim.Check"
	if !r.forMail() {
		return mail.E(op, mail.Denied, "dkim.unsuited")
	}
	switch pub := r.Public.(type) {
	case *rsa.PublicKey:
		if algorithm != RSA {
			break
		}
		if bits := pub.N.BitLen(); bits < MinBits || bits > MaxBits {
			return mail.E(op, mail.Denied, "dkim.key_size")
		}
		if err := rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest, signature); err != nil {
			return mail.Because(op, mail.Denied, "dkim.forged", err)
		}
		return nil
	case ed25519.PublicKey:
		if algorithm != Ed25519 {
			break
		}
		if !ed25519.Verify(pub, digest, signature) {
			return mail.E(op, mail.Denied, "dkim.forged")
		}
		return nil
	}
	return mail.E(op, mail.Denied, "dkim.unsuited")
}

// forMail tells whether the key is for mail and for SHA-256 (RFC 6376 §3.6.1, s= and h=).
func (r Record) forMail() bool {
	service := r.Services == nil || slices.ContainsFunc(r.Services, func(s string) bool { return s == "*" || strings.EqualFold(s, "email") })
	return service && (r.Hashes == nil || slices.Contains(r.Hashes, "sha256"))
}
