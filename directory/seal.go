package directory

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"tegami/mail"
)

// maxSealed is the length of what is sealed, in octets of text.
const maxSealed = 4096

// seal makes a text that carries a document and proves that we wrote it, for one purpose. It hides nothing.
func (d *Directory) seal(ctx context.Context, purpose string, doc any) (string, error) {
	const op = "directory.seal"
	t, err := d.Tokens(ctx)
	if err != nil {
		return "", mail.Wrap(op, err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return "", mail.Because(op, mail.Other, "directory.document", err)
	}
	body := base64.RawURLEncoding.EncodeToString(text)
	return body + "." + base64.RawURLEncoding.EncodeToString(mac(t.newest(purpose), body)), nil
}

// unseal reads what seal made for the same purpose. Denied, without a text, for anything else: its caller knows what that means.
func (d *Directory) unseal(ctx context.Context, purpose, sealed string, doc any) error {
	const op = "directory.unseal"
	t, err := d.Tokens(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return mail.Wrap(op, t.unseal(purpose, sealed, doc))
}

func (t *Tokens) unseal(purpose, sealed string, doc any) error {
	const op = "directory.unseal"
	body, proof, _ := strings.Cut(sealed, ".")
	shown, err := base64.RawURLEncoding.Strict().DecodeString(proof)
	if err != nil || len(sealed) > maxSealed {
		return mail.E(op, mail.Denied, "")
	}
	right := false
	for _, key := range t.derive(purpose) {
		right = hmac.Equal(mac(key, body), shown) || right
	}
	if !right {
		return mail.E(op, mail.Denied, "")
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || json.Unmarshal(text, doc) != nil {
		return mail.E(op, mail.Denied, "")
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
