package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"io"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/mailauth/internal/canon"
)

// A Key signs for a domain. Its public half is at SELECTOR._domainkey.DOMAIN.
type Key struct {
	Domain   string        // d=, as A-labels
	Selector string        // s=
	Signer   crypto.Signer // *rsa.PrivateKey of at least 1024 bits, or ed25519.PrivateKey
}

// Options of a signature.
type Options struct {
	Time     time.Time     // t=; zero: none is written
	Lifetime time.Duration // x= is that much after Time; 0: none is written
	Identity string        // i=, an address in the domain or below; empty: none is written, which means "@" and the domain
}

// guarded are the fields that are signed once more than they are there, so that none can be added (RFC 6376 §8.15).
var guarded = []string{
	"from", "sender", "reply-to", "subject", "date", "message-id", "to", "cc",
	"mime-version", "content-type", "content-transfer-encoding",
}

// kept are the fields that are signed where they are there. Not signed is what hosts on the way change or add:
// Received, Return-Path, Delivered-To, Authentication-Results, Resent-*, DKIM-Signature, ARC-* (RFC 6376 §5.4.1).
var kept = []string{
	"in-reply-to", "references", "auto-submitted", "feedback-id", "list-id", "list-help", "list-unsubscribe",
	"list-unsubscribe-post", "list-subscribe", "list-post", "list-owner", "list-archive",
}

// Sign gives the DKIM-Signature fields of a message, one for each key, with CRLF, to be put in
// front of the header. header is the block up to and including the blank line. Both are
// canonicalised relaxed; the body is hashed once. The body is signed as a whole: l= is never written.
//
// A message without From is Invalid "dkim.no_from" (RFC 6376 §5.4); a key that is too short, of no known kind or
// without a good name is Invalid "dkim.bad_key", an identity outside of its domain too. Errors of body are wrapped.
func Sign(header []byte, body io.Reader, keys []Key, o Options) (fields []byte, err error) {
	const op = "dkim.Sign"
	h := canon.NewHeader(header)
	if len(h.Named("From")) == 0 {
		return nil, mail.E(op, mail.Invalid, "dkim.no_from")
	}
	s := signer{header: h, names: names(h)}
	if err := s.hash(body); err != nil {
		return nil, mail.Wrap(op, err)
	}
	w := canon.Folder{B: make([]byte, 0, 1024*len(keys))}
	for _, k := range keys {
		if !k.Good() || !o.fits(k) {
			return nil, mail.E(op, mail.Invalid, "dkim.bad_key", k.Domain, k.Selector)
		}
		start := len(w.B)
		s.write(&w, k, o)
		if err := s.finish(&w, k, start); err != nil {
			return nil, mail.Wrap(op, err)
		}
	}
	return w.B, nil
}

// write writes a field up to its open b=.
func (s *signer) write(w *canon.Folder, k Key, o Options) {
	w.Start(FieldName)
	w.Tag("v", "1")
	w.Tag("a", k.Algorithm())
	w.Tag("c", "relaxed/relaxed")
	w.Tag("d", k.Domain)
	w.Tag("s", k.Selector)
	o.append(w)
	w.List("h", s.names)
	w.Tag("bh", s.bodyHash)
	w.Open()
}

// fits tells whether the identity is the key's domain or below.
func (o Options) fits(k Key) bool {
	if o.Identity == "" {
		return true
	}
	d, ok := domainName(o.Identity[strings.LastIndexByte(o.Identity, '@')+1:])
	return ok && strings.Contains(o.Identity, "@") && (d == k.Domain || strings.HasSuffix(d, "."+k.Domain))
}

// append writes the tags of the options.
func (o Options) append(w *canon.Folder) {
	if o.Identity != "" {
		w.Tag("i", encodeQuoted(o.Identity))
	}
	if o.Time.IsZero() {
		return
	}
	w.Tag("t", strconv.FormatInt(o.Time.Unix(), 10))
	if o.Lifetime > 0 {
		w.Tag("x", strconv.FormatInt(o.Time.Add(o.Lifetime).Unix(), 10))
	}
}

// names gives the names of the fields that are signed, each as often as it is to be signed.
func names(h canon.Header) []string {
	all := make([]string, 0, 24)
	add := func(names []string, more int) {
		for _, name := range names {
			for n := len(h.Named(name)) + more; n > 0; n-- {
				all = append(all, name)
			}
		}
	}
	add(guarded, 1)
	add(kept, 0)
	return all
}

// A signer makes the signatures of one message.
type signer struct {
	header   canon.Header
	names    []string
	bodyHash string
	signed   []byte // the canonical form of the signed fields, once made
}

// hash hashes the body.
func (s *signer) hash(body io.Reader) error {
	b := canon.NewBody(true, -1)
	if _, err := io.Copy(b, body); err != nil {
		return err
	}
	sum, _ := b.Sum()
	s.bodyHash = encodeBase64(sum)
	return nil
}

// finish signs the fields and the one that w has written since start, and fills and ends it.
func (s *signer) finish(w *canon.Folder, k Key, start int) error {
	if s.signed == nil {
		s.signed = s.header.AppendSigned(make([]byte, 0, len(s.header.Block)+len(w.B)), s.names, true)
	}
	octets := canon.AppendWritten(s.signed, w.B[start:])
	digest := sha256.Sum256(octets)
	value, err := k.Sign(digest[:])
	if err != nil {
		return err
	}
	w.Fill(value)
	w.End()
	return nil
}

// Algorithm gives the a= of the key's signatures, or "" for a key that cannot sign.
func (k Key) Algorithm() string {
	if k.Signer == nil {
		return ""
	}
	switch k.Signer.Public().(type) {
	case *rsa.PublicKey:
		return RSA
	case ed25519.PublicKey:
		return Ed25519
	}
	return ""
}

// Sign signs a SHA-256 hash (RFC 6376 §3.3.1, RFC 8463 §3).
func (k Key) Sign(digest []byte) ([]byte, error) {
	if k.Algorithm() == Ed25519 {
		return k.Signer.Sign(nil, digest, crypto.Hash(0))
	}
	return k.Signer.Sign(rand.Reader, digest, crypto.SHA256)
}

// Good tells whether the key can sign and has a name in the DNS.
func (k Key) Good() bool {
	if k.Signer == nil {
		return false
	}
	bits := Record{Public: k.Signer.Public()}.Bits()
	d, okD := domainName(k.Domain)
	s, okS := domainName(k.Selector)
	return okD && okS && d == k.Domain && s == k.Selector && k.Algorithm() != "" && (bits >= MinBits || k.Algorithm() == Ed25519)
}
