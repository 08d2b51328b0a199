package dkim

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"sync"

	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/mailauth/internal/canon"
	"tegami/wire/mime"
)

// maxLookups is how many keys of one message are fetched at a time.
const maxLookups = 10

// Verify checks the signatures of a message in the order they stand in the header. No
// signature gives one Result with None. The body is read to its end where a signature needs it, else not at all. Keys are fetched
// while the body is read.
func Verify(ctx context.Context, l dns.Lookup, header []byte, body io.Reader, lim Limits) []Result {
	v := verifier{header: canon.NewHeader(header), parse: parse, Limits: lim.filled()}
	fields := v.header.Named(FieldName)
	if len(fields) == 0 {
		return []Result{{Status: None}}
	}
	return v.run(ctx, l, body, fields)
}

// A verifier checks the signatures of one message.
type verifier struct {
	Limits
	header canon.Header
	parse  func(mime.Field) (signature, error)
	checks []*check
	keys   []*keyQuery
	bodies []*bodySum
	octets []byte // for the signed fields of one signature after the other
}

// A check is one signature on its way to a result.
type check struct {
	signature
	Result
	key  *keyQuery
	body *bodySum
}

// A keyQuery is a key that is being fetched.
type keyQuery struct {
	selector, domain string
	record           Record
	err              error
}

// A bodySum is the hash of the body that signatures with the same canonicalisation share.
type bodySum struct {
	relaxed bool
	limit   int64
	*canon.Body
	sum  []byte
	size int64
}

// run goes through all stages.
func (v *verifier) run(ctx context.Context, l dns.Lookup, body io.Reader, fields []mime.Field) []Result {
	v.prepare(fields)
	ctx, cancel := context.WithTimeout(ctx, v.Timeout)
	defer cancel()
	fetched := v.fetch(ctx, l)
	err := v.read(body)
	fetched.Wait()
	results := make([]Result, len(v.checks))
	for i, c := range v.checks {
		if c.Status == None {
			v.finish(c, err)
		}
		results[i] = c.Result
	}
	return results
}

// prepare takes the fields apart; only good ones get a key and a body hash.
func (v *verifier) prepare(fields []mime.Field) {
	for i, f := range fields {
		c := &check{}
		v.checks = append(v.checks, c)
		if i >= v.Signatures {
			c.fail(mail.E("dkim.Verify", mail.Full, "dkim.signatures"))
			continue
		}
		s, err := v.parse(f)
		c.signature, c.Result = s, s.result()
		if err == nil && s.expired(v.Time) {
			err = mail.E("dkim.Verify", mail.Denied, "dkim.expired")
		}
		if err != nil {
			c.fail(err)
			continue
		}
		c.key, c.body = v.keyOf(s), v.bodyOf(s)
	}
}

// keyOf gives the query for a signature's key, one for all that name the same.
func (v *verifier) keyOf(s signature) *keyQuery {
	for _, k := range v.keys {
		if k.selector == s.selector && k.domain == s.domain {
			return k
		}
	}
	k := &keyQuery{selector: s.selector, domain: s.domain}
	v.keys = append(v.keys, k)
	return k
}

// bodyOf gives the hash of the body as a signature wants it, one for all that want the same.
func (v *verifier) bodyOf(s signature) *bodySum {
	for _, b := range v.bodies {
		if b.relaxed == s.body && b.limit == s.limit {
			return b
		}
	}
	b := &bodySum{relaxed: s.body, limit: s.limit, Body: canon.NewBody(s.body, s.limit)}
	v.bodies = append(v.bodies, b)
	return b
}

// fetch begins to fetch all keys.
func (v *verifier) fetch(ctx context.Context, l dns.Lookup) *sync.WaitGroup {
	var all sync.WaitGroup
	turns := make(chan struct{}, maxLookups)
	for _, k := range v.keys {
		all.Go(func() {
			turns <- struct{}{}
			k.record, k.err = Find(ctx, l, k.selector, k.domain)
			<-turns
		})
	}
	return &all
}

// read hashes the body in all ways that are wanted.
func (v *verifier) read(body io.Reader) error {
	if len(v.bodies) == 0 {
		return nil
	}
	writers := make([]io.Writer, len(v.bodies))
	for i, b := range v.bodies {
		writers[i] = b.Body
	}
	w := writers[0]
	if len(writers) > 1 {
		w = io.MultiWriter(writers...)
	}
	if _, err := io.Copy(w, body); err != nil {
		return err
	}
	for _, b := range v.bodies {
		b.sum, b.size = b.Sum()
	}
	return nil
}

// finish checks a signature when its key and the body's hash are there.
func (v *verifier) finish(c *check, readErr error) {
	const op = "dkim.Verify"
	r := c.key.record
	c.Bits, c.Testing = r.Bits(), r.Testing
	if c.limit >= 0 && c.body.size > c.limit {
		c.Unsigned = c.body.size - c.limit
	}
	switch {
	case readErr != nil:
		c.Status, c.Err = TempError, mail.Wrap(op, readErr)
	case c.key.err != nil:
		c.fail(c.key.err)
	case r.Strict && c.under != c.domain:
		c.fail(mail.E(op, mail.Denied, "dkim.domain"))
	case subtle.ConstantTimeCompare(c.body.sum, c.bodyHash) == 0 || c.limit > c.body.size:
		c.fail(mail.E(op, mail.Denied, "dkim.body_changed"))
	default:
		if err := r.Check(c.algorithm, v.digest(c), c.value); err != nil {
			c.fail(err)
			return
		}
		c.Status = Pass
	}
}

// digest hashes the signed fields and the signature's own (RFC 6376 §3.7).
func (v *verifier) digest(c *check) []byte {
	if v.octets == nil {
		v.octets = make([]byte, 0, len(v.header.Block)+len(v.header.Block)/8)
	}
	v.octets = v.header.AppendSigned(v.octets[:0], c.names, c.header)
	v.octets = v.header.AppendUnsigned(v.octets, c.field, c.header)
	sum := sha256.Sum256(v.octets)
	return sum[:]
}

// fail sets the status that an error means.
func (c *check) fail(err error) {
	c.Err = err
	c.Status = statuses[reason(err)]
	if c.Status == None {
		c.Status = PermError
	}
}

// statuses are what errors mean by RFC 8601 §2.7.1; others mean PermError.
var statuses = map[string]Status{
	"dkim.tags":         Neutral,
	"dkim.version":      Neutral,
	"dkim.algorithm":    Neutral,
	"dkim.query":        Neutral,
	"dkim.body_changed": Fail,
	"dkim.forged":       Fail,
	"dkim.key_size":     Policy,
	"dkim.signatures":   Policy,
	"dkim.dns":          TempError,
}

func encodeBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
