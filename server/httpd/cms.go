package httpd

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"time"

	"tegami/mail"
)

// Names of what a signed message is made of (RFC 5652 §4, §5, §11; RFC 3370 §3; RFC 5754 §2, §3).
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidRSA           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidECDSA         = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2} // with SHA-256
)

// The parts of a signed message (RFC 5652 §3, §5.1 to §5.3).
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue // [0] EXPLICIT
	}
	signedData struct {
		Version      int
		Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
		Content      contentInfo
		Certificates asn1.RawValue
		Signers      []signerInfo `asn1:"set"`
	}
	signerInfo struct {
		Version    int
		Signer     issuerAndSerial
		Digest     pkix.AlgorithmIdentifier
		Attributes asn1.RawValue
		Algorithm  pkix.AlgorithmIdentifier
		Signature  []byte
	}
	issuerAndSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	attribute struct {
		Type   asn1.ObjectIdentifier
		Values []any `asn1:"set"`
	}
)

// signCMS puts a text into a message signed with a certificate's key, which carries the certificates (RFC 5652 §5). Invalid "" for a key that is
// neither RSA nor ECDSA.
func signCMS(text []byte, with *tls.Certificate, now time.Time) ([]byte, error) {
	const op = "httpd.signCMS"
	key, _ := with.PrivateKey.(crypto.Signer)
	algorithm, ok := signatureAlgorithm(key)
	if !ok {
		return nil, mail.E(op, mail.Invalid, "")
	}
	digest := sha256.Sum256(text)
	attributes, err := asn1.MarshalWithParams([]attribute{
		{oidContentType, []any{oidData}}, {oidSigningTime, []any{now.UTC()}}, {oidMessageDigest, []any{digest[:]}},
	}, "set")
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	signed := sha256.Sum256(attributes)
	signature, err := key.Sign(rand.Reader, signed[:], crypto.SHA256)
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	hash := pkix.AlgorithmIdentifier{Algorithm: oidSHA256}
	out, err := frame(text, hash, with, signerInfo{
		Version: 1, Signer: issuerAndSerial{asn1.RawValue{FullBytes: with.Leaf.RawIssuer}, with.Leaf.SerialNumber},
		Digest: hash, Attributes: tagged(attributes), Algorithm: algorithm, Signature: signature,
	})
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	return out, nil
}

// signatureAlgorithm names how a key signs.
func signatureAlgorithm(key crypto.Signer) (pkix.AlgorithmIdentifier, bool) {
	switch key.(type) {
	case *rsa.PrivateKey:
		return pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}, true
	case *ecdsa.PrivateKey:
		return pkix.AlgorithmIdentifier{Algorithm: oidECDSA}, true
	}
	return pkix.AlgorithmIdentifier{}, false
}

// tagged gives an encoded SET the tag [0] IMPLICIT it has inside the message.
func tagged(set []byte) asn1.RawValue {
	return asn1.RawValue{FullBytes: append([]byte{0xa0}, set[1:]...)}
}

// frame puts text, certificates and signature together.
func frame(text []byte, hash pkix.AlgorithmIdentifier, with *tls.Certificate, by signerInfo) ([]byte, error) {
	octets, err := asn1.Marshal(text)
	if err != nil {
		return nil, err
	}
	var certificates []byte
	for _, der := range with.Certificate {
		certificates = append(certificates, der...)
	}
	inner, err := asn1.Marshal(signedData{
		Version: 1, Digests: []pkix.AlgorithmIdentifier{hash}, Content: contentInfo{oidData, explicit(octets)},
		Certificates: explicit(certificates), Signers: []signerInfo{by},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{oidSignedData, explicit(inner)})
}

// explicit gives encoded content the tag [0].
func explicit(content []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: content}
}
