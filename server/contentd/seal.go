package contentd

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"time"

	"tegami/mail"
)

const (
	// picturePath is where pictures are.
	picturePath = "/picture/"
	// lifetime is how long an address leads to its picture; a page that stays open longer shows what the browser kept.
	lifetime = 24 * time.Hour
	// maxAddress is the length of a picture's own address, in octets.
	maxAddress = 4 << 10
	// maxSealed is the length of a sealed one.
	maxSealed = 2 * maxAddress
	// keysTimeout is how long the secrets may take: they are in memory but for the first time.
	keysTimeout = 5 * time.Second
)

// asked is what a sealed address says.
type asked struct {
	URL     string `json:"u"`
	Account string `json:"a"` // for whom it was made: his pictures are fetched a few at a time
	Until   int64  `json:"e"` // seconds since 1970
}

// Remote gives the address under which an account's reader loads a remote picture, "" for one that can't be loaded.
func (s *Server) Remote(account mail.AccountID, url string) string {
	ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
	defer cancel()
	if judge(url) != nil {
		return ""
	}
	sealed, err := s.seal(ctx, asked{url, account.String(), time.Now().Add(lifetime).Unix()})
	if err != nil {
		s.log.Error("picture's address", "err", err)
		return ""
	}
	return s.config.URL + picturePath + sealed
}

// seal makes the text that stands in an address: only we can read it, and nobody else can make it (AES-256-GCM).
func (s *Server) seal(ctx context.Context, a asked) (string, error) {
	const op = "contentd.seal"
	keys, err := s.config.Keys(ctx)
	if err != nil || len(keys) == 0 {
		return "", mail.Because(op, mail.Unavailable, "", err)
	}
	by, err := sealer(keys[0])
	if err != nil {
		return "", mail.Because(op, mail.Other, "", err)
	}
	text, err := json.Marshal(a)
	if err != nil {
		return "", mail.Because(op, mail.Other, "", err)
	}
	return base64.RawURLEncoding.EncodeToString(by.Seal(nil, nil, text, []byte(picturePath))), nil
}

func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// unseal reads what seal made. Denied for anything else, and for what has ended.
func (s *Server) unseal(ctx context.Context, sealed string) (a asked, err error) {
	const op = "contentd.unseal"
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || len(sealed) > maxSealed {
		return a, mail.Because(op, mail.Denied, "", err)
	}
	keys, err := s.config.Keys(ctx)
	if err != nil {
		return a, mail.Wrap(op, err)
	}
	for _, key := range keys {
		by, err := sealer(key)
		if err != nil {
			return a, mail.Because(op, mail.Other, "", err)
		}
		text, err := by.Open(nil, nil, raw, []byte(picturePath))
		if err != nil {
			continue // of another key
		}
		if json.Unmarshal(text, &a) != nil || time.Now().Unix() > a.Until {
			break
		}
		return a, nil
	}
	return asked{}, mail.E(op, mail.Denied, "")
}
