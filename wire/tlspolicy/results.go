package tlspolicy

import (
	"crypto/x509"
	"errors"

	"tegami/mail"
)

// ResultType is why a session failed (RFC 8460 §4.3).
type ResultType string

// Result types.
const (
	StartTLSNotSupported ResultType = "starttls-not-supported"
	CertHostMismatch     ResultType = "certificate-host-mismatch"
	CertExpired          ResultType = "certificate-expired"
	CertNotTrusted       ResultType = "certificate-not-trusted"
	ValidationFailure    ResultType = "validation-failure" // none of the others

	TLSAInvalid   ResultType = "tlsa-invalid"   // the records are no good
	DNSSECInvalid ResultType = "dnssec-invalid" // no authentic answer was had
	DANERequired  ResultType = "dane-required"  // the sender demands DANE, the domain has none

	STSPolicyFetchError ResultType = "sts-policy-fetch-error"
	STSPolicyInvalid    ResultType = "sts-policy-invalid"
	STSWebPKIInvalid    ResultType = "sts-webpki-invalid" // the policy's host could not prove itself
)

// ResultTypes lists the result types of RFC 8460.
func ResultTypes() []ResultType {
	return []ResultType{
		StartTLSNotSupported, CertHostMismatch, CertExpired, CertNotTrusted, ValidationFailure,
		TLSAInvalid, DNSSECInvalid, DANERequired, STSPolicyFetchError, STSPolicyInvalid, STSWebPKIInvalid,
	}
}

// ResultOf is the result type of an error of VerifyDANE, ParsePolicy, ParseRecords, crypto/x509 or crypto/tls.
func ResultOf(err error) ResultType {
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	key, _ := mail.TextOf(err)
	switch {
	case key == "dane.unusable":
		return TLSAInvalid
	case key == "sts.policy.long" || key == "sts.policy.line" || key == "sts.policy.missing" || key == "tls.record.malformed" || key == "tls.record.several":
		return STSPolicyInvalid
	case errors.As(err, &host):
		return CertHostMismatch
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return CertExpired
	case errors.As(err, &unknown):
		return CertNotTrusted
	}
	return ValidationFailure
}
