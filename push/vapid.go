package push

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// tokenLife is how long a token of RFC 8292 is good for; push services take up to a day.
const tokenLife = 12 * time.Hour

// kindVAPID is the kind of the platform's object that holds the key.
const kindVAPID = "vapid"

var vapidKey = store.Key{Name: "secrets", Value: kindVAPID}

// vapidDoc is the key as stored.
type vapidDoc struct {
	Private []byte `json:"private"` // of P-256, as ecdsa writes it
}

// signer signs pushes for the platform (RFC 8292).
type signer struct {
	key     *ecdsa.PrivateKey
	public  string // base64url of the uncompressed point
	contact string // "mailto:postmaster@example.jp"
}

// newSigner makes the signer of a key.
func newSigner(key *ecdsa.PrivateKey, contact string) (*signer, error) {
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, mail.Because("push.newSigner", mail.Other, "", err)
	}
	return &signer{key, base64.RawURLEncoding.EncodeToString(public), contact}, nil
}

// header is the Authorization of a push to an endpoint (RFC 8292 §3).
func (s *signer) header(endpoint *url.URL, now time.Time) (string, error) {
	claims := map[string]any{"aud": endpoint.Scheme + "://" + endpoint.Host, "exp": now.Add(tokenLife).Unix()}
	if s.contact != "" {
		claims["sub"] = s.contact
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", mail.Because("push.header", mail.Other, "", err)
	}
	part := base64.RawURLEncoding.EncodeToString
	token := part([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + part(text)
	sum := sha256.Sum256([]byte(token))
	r, t, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		return "", mail.Because("push.header", mail.Other, "", err)
	}
	sign := make([]byte, 64) // RFC 7515 §A.3: both numbers, of fixed size
	r.FillBytes(sign[:32])
	t.FillBytes(sign[32:])
	return "vapid t=" + token + "." + part(sign) + ", k=" + s.public, nil
}

// signer gives the platform's, and makes its key where there is none yet.
func (s *Service) signer(ctx context.Context) (*signer, error) {
	const op = "push.signer"
	s.signing.Lock()
	defer s.signing.Unlock()
	if s.signs != nil {
		return s.signs, nil
	}
	key, err := s.readKey(ctx)
	if mail.Is(err, mail.NotFound) {
		if err = s.makeKey(ctx); err == nil || mail.Is(err, mail.Conflict) { // another process may have been quicker
			key, err = s.readKey(ctx)
		}
	}
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	s.signs, err = newSigner(key, s.cfg.Contact)
	return s.signs, err
}

func (s *Service) readKey(ctx context.Context) (key *ecdsa.PrivateKey, err error) {
	const op = "push.readKey"
	err = s.cfg.Store.Platform().View(ctx, func(r store.Reader) error {
		o, err := r.ObjectByKey(vapidKey)
		if err != nil {
			return err
		}
		var doc vapidDoc
		if err := json.Unmarshal(o.Doc, &doc); err != nil {
			return mail.Because(op, mail.Other, "storage.damaged", err)
		}
		if key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), doc.Private); err != nil {
			return mail.Because(op, mail.Other, "storage.damaged", err)
		}
		return nil
	})
	return key, mail.Wrap(op, err)
}

func (s *Service) makeKey(ctx context.Context) error {
	const op = "push.makeKey"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return mail.Because(op, mail.Other, "", err)
	}
	private, err := key.Bytes()
	if err != nil {
		return mail.Because(op, mail.Other, "", err)
	}
	text, err := json.Marshal(vapidDoc{private})
	if err != nil {
		return mail.Because(op, mail.Other, "", err)
	}
	return s.cfg.Store.Platform().Update(ctx, queue.Worker(), op, func(tx store.Tx) error {
		o := store.Object{Kind: kindVAPID, ID: mail.ObjectID(tx.NextID()), Unique: []store.Key{vapidKey}, Secret: true, Doc: text}
		_, err := tx.PutObject(o)
		return err
	})
}

// PublicKey is the platform's, as browsers want it to subscribe (RFC 8292 §3.2, RFC 9749): base64url of an uncompressed point.
func (s *Service) PublicKey(ctx context.Context) (string, error) {
	signs, err := s.signer(ctx)
	if err != nil {
		return "", err
	}
	return signs.public, nil
}
