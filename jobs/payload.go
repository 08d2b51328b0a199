package jobs

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"io"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// Kinds of objects.
const (
	kindJob     = "job"
	kindPayload = "job-payload"
	kindDue     = "job-due"
)

// Parts of a job's payload.
const (
	partInput  = "input"
	partReport = "report"
	partSheet  = "sheet"
)

const (
	// maxPortion is how many octets one object of a payload holds.
	maxPortion = 1 << 20
	// maxPayload is how large a part becomes at most when it is opened.
	maxPayload = 32 << 20
)

// portion is one object of a payload.
type portion struct {
	N    int    `json:"n"`
	Data []byte `json:"data"`
}

// payloadOf marks a part of a job's payload.
func payloadOf(job mail.ObjectID, part string) store.Key {
	return store.Key{Name: kindPayload, Value: job.String() + " " + part}
}

// newKey makes the key of a job's payload.
func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// seal compresses and encrypts a part: what is left of it in backups and free pages is unreadable once the key is gone.
func seal(key []byte, part string, clear []byte) ([]byte, error) {
	const op = "jobs.seal"
	box, err := aead(key)
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	if _, err := w.Write(clear); err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	if err := w.Close(); err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	return box.Seal(nil, nil, packed.Bytes(), []byte(part)), nil
}

// open is the reverse of seal.
func open(key []byte, part string, sealed []byte) ([]byte, error) {
	const op = "jobs.open"
	box, err := aead(key)
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	packed, err := box.Open(nil, nil, sealed, []byte(part))
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	clear, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxPayload+1))
	if err != nil || len(clear) > maxPayload {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	return clear, nil
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// putPayload writes a sealed part of a job in portions.
func putPayload(tx store.Tx, job mail.ObjectID, part string, sealed []byte) error {
	n := 0
	for data := range slices.Chunk(sealed, maxPortion) {
		o := store.Object{Kind: kindPayload, ID: mail.ObjectID(tx.NextID()), Secret: true, Quiet: true, Marks: []store.Key{payloadOf(job, part)}}
		if err := put(tx, o, portion{n, data}); err != nil {
			return err
		}
		n++
	}
	return nil
}

// readPayload gives a sealed part, nil where there is none.
func readPayload(r store.Reader, job mail.ObjectID, part string) ([]byte, error) {
	objects, err := r.Marked(kindPayload, payloadOf(job, part), store.Page{})
	if err != nil {
		return nil, err
	}
	portions := make([]portion, len(objects))
	for i, o := range objects {
		if err := read(o, &portions[i]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(portions, func(a, b portion) int { return a.N - b.N })
	var sealed []byte
	for _, p := range portions {
		sealed = append(sealed, p.Data...)
	}
	return sealed, nil
}

// dropPayload removes a part.
func dropPayload(tx store.Tx, job mail.ObjectID, part string) error {
	objects, err := tx.Marked(kindPayload, payloadOf(job, part), store.Page{})
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := tx.DeleteObject(kindPayload, o.ID, o.Version); err != nil {
			return err
		}
	}
	return nil
}

// put writes an object with its document.
func put(tx store.Tx, o store.Object, doc any) error {
	const op = "jobs.put"
	var err error
	if o.Doc, err = json.Marshal(doc); err != nil {
		return mail.Because(op, mail.Other, "", err)
	}
	_, err = tx.PutObject(o)
	return mail.Wrap(op, err)
}

// read takes an object's document apart.
func read(o store.Object, doc any) error {
	if err := json.Unmarshal(o.Doc, doc); err != nil {
		return mail.Because("jobs.read", mail.Other, "", err)
	}
	return nil
}
