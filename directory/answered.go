package directory

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"tegami/mail"
	"tegami/store"
)

// A request that makes something may come twice: the answer to the first was lost on the way. Under a key of its own it is done
// once, and the second time answered as the first (draft-ietf-httpapi-idempotency-key-header-07). That it was begun is on disk before it is
// done, so that it is not done again after a crash.

// Ask is a request that may come again.
type Ask struct {
	Key   string            // the caller's word for it; unique to him
	Print [sha256.Size]byte // of all that is asked for
}

// Answer is what was answered to an Ask.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
}

// Limits of what is remembered.
const (
	// AnswersKept is how long an answer is remembered.
	AnswersKept = 24 * time.Hour
	// MaxAnswers is how many answers a company's callers are remembered; the platform's own callers have as many. One more, and the
	// oldest is forgotten early.
	MaxAnswers = 50_000
	// MaxAnswer is how many octets a remembered answer has; a longer one is remembered without its body.
	MaxAnswer = 64 << 10
	// askPatience is after what time a request that was begun and not answered counts as broken off.
	askPatience = 10 * time.Minute
)

// forAnswers is what the platform's secret seals answers for: there may be a new API key or password in one.
const forAnswers = "answers"

// answerDoc is an answer as stored.
type answerDoc struct {
	At     time.Time `json:"at"`
	Print  []byte    `json:"print"`
	Sealed []byte    `json:"sealed,omitempty"` // the Answer; nothing while it is waited for
}

// turnDoc counts requests; their records lie in a ring.
type turnDoc struct {
	Next int64 `json:"next"`
}

// Kinds of objects that remember answers.
const (
	kindAnswer     = "answer"
	kindAnswerTurn = "answer-turn"
)

var turnKey = store.Key{Name: "answer", Value: "turn"}

// name is under what an Ask is found: nobody else's is the same, and it does not tell the key.
func (a Ask) name(by mail.Actor) string {
	sum := sha256.Sum256([]byte(by.Tenant().String() + "\x00" + by.Name() + "\x00" + by.Account().String() + "\x00" + by.Key().String() + "\x00" + a.Key))
	return hex.EncodeToString(sum[:16])
}

// answers is where a caller's answers are: with his company, or the platform.
func (d *Directory) answers(by mail.Actor) store.Tenant {
	if by.Tenant().IsZero() {
		return d.platform
	}
	return d.store.Tenant(by.Tenant())
}

// forPrints is what the platform's secret keeps prints for: a hash of a request alone would tell whether a guess at a password in it is right.
const forPrints = "answer prints"

// kept is an Ask's print as it is stored under a secret: neither that nor the request's key alone makes it.
func (a Ask) kept(secret []byte) []byte { return mac(mac(secret, a.Key), string(a.Print[:])) }

// printed tells whether a stored print is that of an Ask.
func (t *Tokens) printed(a Ask, kept []byte) bool {
	ok := false
	for _, secret := range t.derive(forPrints) {
		ok = hmac.Equal(a.kept(secret), kept) || ok
	}
	return ok
}

// BeginAsk notes that a request begins, and gives nil; or the answer that it had, and it is not to be done. Conflict "idempotency.running" while
// the first is under way, "idempotency.interrupted" where nobody knows how far it came; Invalid "idempotency.other_request" where
// something else was asked for under that key.
func (d *Directory) BeginAsk(ctx context.Context, by mail.Actor, a Ask) (*Answer, error) {
	const op = "directory.BeginAsk"
	t, err := d.Tokens(ctx)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	var found *answerDoc
	err = d.answers(by).Update(ctx, by, op, func(tx store.Tx) error {
		o, doc, err := readAnswer(tx, a.name(by))
		if found = nil; err != nil {
			return err
		}
		if o.Version != 0 && time.Since(doc.At) < AnswersKept {
			found = &doc
			return nil
		}
		if o.Version == 0 {
			if o, err = nextAnswer(tx); err != nil {
				return err
			}
		}
		o.Unique = []store.Key{{Name: "answer", Value: a.name(by)}}
		return put(tx, o, answerDoc{At: time.Now(), Print: a.kept(t.newest(forPrints))})
	})
	switch {
	case err != nil || found == nil:
		return nil, mail.Wrap(op, err)
	case !t.printed(a, found.Print):
		return nil, mail.E(op, mail.Invalid, "idempotency.other_request")
	case found.Sealed == nil && time.Since(found.At) < askPatience:
		return nil, mail.E(op, mail.Conflict, "idempotency.running")
	case found.Sealed == nil:
		return nil, mail.E(op, mail.Conflict, "idempotency.interrupted")
	}
	return d.openAnswer(ctx, a, found.Sealed)
}

// EndAsk remembers the answer to a request that was begun. nil forgets that it was: it did nothing, and may be tried again.
func (d *Directory) EndAsk(ctx context.Context, by mail.Actor, a Ask, answer *Answer) error {
	const op = "directory.EndAsk"
	var sealed []byte
	if answer != nil {
		var err error
		if sealed, err = d.sealAnswer(ctx, a, *answer); err != nil {
			return mail.Wrap(op, err)
		}
	}
	err := d.answers(by).Update(ctx, by, op, func(tx store.Tx) error {
		o, doc, err := readAnswer(tx, a.name(by))
		if err != nil || o.Version == 0 {
			return err // forgotten by now: too many others came
		}
		if doc.Sealed = sealed; sealed == nil {
			o.Unique, doc = nil, answerDoc{}
		}
		return put(tx, o, doc)
	})
	return mail.Wrap(op, err)
}

// readAnswer gives the record of a name; an object without a version where there is none.
func readAnswer(r store.Reader, name string) (o store.Object, doc answerDoc, err error) {
	o, err = r.ObjectByKey(store.Key{Name: "answer", Value: name})
	if mail.Is(err, mail.NotFound) {
		return store.Object{}, doc, nil
	}
	if err == nil {
		err = read(o, &doc)
	}
	o.Quiet, o.Secret = true, true
	return o, doc, err
}

// nextAnswer gives the object in the ring whose turn it is: one that is not there yet, or the oldest.
func nextAnswer(tx store.Tx) (store.Object, error) {
	turn, err := tx.ObjectByKey(turnKey)
	if mail.Is(err, mail.NotFound) {
		turn, err = store.Object{Kind: kindAnswerTurn, ID: mail.ObjectID(tx.NextID()), Unique: []store.Key{turnKey}}, nil
	}
	var doc turnDoc
	if err == nil && turn.Version != 0 {
		err = read(turn, &doc)
	}
	if err != nil {
		return store.Object{}, err
	}
	slot := mail.ObjectID(doc.Next%MaxAnswers + 1) // the one kind whose ids are places in a ring
	doc.Next++
	turn.Quiet = true
	if err := put(tx, turn, doc); err != nil {
		return store.Object{}, err
	}
	o, err := tx.Object(kindAnswer, slot)
	if mail.Is(err, mail.NotFound) {
		o, err = store.Object{Kind: kindAnswer, ID: slot}, nil
	}
	o.Quiet, o.Secret = true, true
	return o, err
}

// sealAnswer encrypts an answer under the platform's secret and the request's key: neither alone opens it.
func (d *Directory) sealAnswer(ctx context.Context, a Ask, answer Answer) ([]byte, error) {
	const op = "directory.sealAnswer"
	if len(answer.Body) > MaxAnswer {
		answer.Body = nil
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, mail.Because(op, mail.Other, "directory.document", err)
	}
	t, err := d.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	box, err := answerBox(t.newest(forAnswers), a)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	nonce := make([]byte, box.NonceSize(), box.NonceSize()+len(text)+box.Overhead())
	rand.Read(nonce)
	return box.Seal(nonce, nonce, text, a.Print[:]), nil
}

func (d *Directory) openAnswer(ctx context.Context, a Ask, sealed []byte) (*Answer, error) {
	const op = "directory.openAnswer"
	t, err := d.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range t.derive(forAnswers) {
		box, err := answerBox(key, a)
		if err != nil {
			return nil, mail.Wrap(op, err)
		}
		n := box.NonceSize()
		if len(sealed) < n {
			break
		}
		text, err := box.Open(nil, sealed[:n], sealed[n:], a.Print[:])
		if err != nil {
			continue // sealed under an older secret
		}
		var answer Answer
		if err := json.Unmarshal(text, &answer); err != nil {
			return nil, mail.Because(op, mail.Other, "directory.document", err)
		}
		return &answer, nil
	}
	return nil, mail.E(op, mail.Conflict, "idempotency.interrupted")
}

func answerBox(secret []byte, a Ask) (cipher.AEAD, error) {
	block, err := aes.NewCipher(mac(secret, a.Key))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
