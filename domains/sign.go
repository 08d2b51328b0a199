package domains

import (
	"context"
	"hash/maphash"
	"io"
	"sync"
	"time"

	"tegami/mail"
	"tegami/wire/mailauth/dkim"
)

// Sign gives the DKIM-Signature fields of a message in the name of a domain, with CRLF, to be put in front of
// it: one for each of the domain's keys. header is the block up to and including the blank line, and body what follows.
//
// A message that goes to many hosts is signed once: signatures are kept for some minutes by tenant, blob,
// domain and header, and who asks while one is being made waits for it. body is read by the first
// alone. It must be the blob's: who sends other octets gives the zero BlobRef, and gets a signature of its own.
//
// NotFound "domain.unknown" for a domain that is not the tenant's. Tenant 0 signs as the platform's host name.
func (s *Service) Sign(ctx context.Context, tenant mail.TenantID, domain string, blob mail.BlobRef, header []byte, body io.Reader) ([]byte, error) {
	const op = "domains.Sign"
	r, err := s.ring(ctx, op, tenant, domain)
	if err != nil {
		return nil, err
	}
	sign := func() ([]byte, error) {
		fields, err := dkim.Sign(header, body, r.signers, dkim.Options{Time: time.Now()})
		return fields, mail.Wrap(op, err)
	}
	if blob.ID.IsZero() {
		return sign()
	}
	key := signatureKey{tenant, r.doc, blob.ID, maphash.Bytes(s.seed, header)}
	return s.signed.once(ctx, key, sign)
}

// signatureKey tells signatures apart. The keys stand for the domain: with others it is another signature.
type signatureKey struct {
	tenant mail.TenantID
	keys   *keysDoc
	blob   mail.BlobID
	header uint64
}

// signatures are those made lately.
type signatures struct {
	mu   sync.Mutex
	made *recent[signatureKey, *signature]
}

// signature is one that is made or being made.
type signature struct {
	done   chan struct{} // closed when the rest is set
	at     time.Time     // when it was begun
	fields []byte        // nil: it failed
}

func newSignatures(limit int) *signatures {
	return &signatures{made: newRecent[signatureKey, *signature](limit)}
}

// once gives what sign gave the first who asked. Where it failed for him, who waited tries for himself: the body at fault was not his.
func (s *signatures) once(ctx context.Context, key signatureKey, sign func() ([]byte, error)) ([]byte, error) {
	one, first := s.join(key, time.Now())
	if first {
		defer close(one.done)
		fields, err := sign()
		if err != nil {
			s.made.put(key, nil)
			return nil, err
		}
		one.fields = fields
		return fields, nil
	}
	select {
	case <-one.done:
	case <-ctx.Done():
		return nil, mail.Wrap("domains.Sign", ctx.Err())
	}
	if one.fields == nil {
		return sign()
	}
	return one.fields, nil
}

// join gives the signature to wait for, or a new one to be made by the caller.
func (s *signatures) join(key signatureKey, now time.Time) (one *signature, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, _ := s.made.get(key); have != nil && now.Sub(have.at) < signatureLife {
		return have, false
	}
	one = &signature{done: make(chan struct{}), at: now}
	s.made.put(key, one)
	return one, true
}
