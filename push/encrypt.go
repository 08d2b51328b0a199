package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	"tegami/mail"
)

// Sizes of RFC 8291 and RFC 8188, in octets.
const (
	authSize   = 16
	saltSize   = 16
	recordSize = 4096
	// maxPlain is what fits one record: less its header, the key, the delimiter and the tag (RFC 8291 §4).
	maxPlain = recordSize - 16 - 1 - (saltSize + 4 + 1 + 65)
)

// Keys are what pushes to a subscriber are encrypted for (RFC 8291 §3.1).
type Keys struct {
	P256DH []byte `json:"p256dh"` // an uncompressed point of P-256
	Auth   []byte `json:"auth"`   // 16 octets
}

// check tells whether keys are such. Invalid "push.keys".
func (k *Keys) check() error {
	_, err := ecdh.P256().NewPublicKey(k.P256DH)
	if err != nil || len(k.Auth) != authSize {
		return mail.E("push.Keys", mail.Invalid, "push.keys")
	}
	return nil
}

// encrypt makes the body of a push, with the content coding aes128gcm (RFC 8188), under a key of its own.
func (k *Keys) encrypt(plain []byte) ([]byte, error) {
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, mail.Because("push.encrypt", mail.Other, "", err)
	}
	salt := make([]byte, saltSize)
	rand.Read(salt)
	return k.seal(plain, own, salt)
}

// seal is encrypt with what is random.
func (k *Keys) seal(plain []byte, own *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	const op = "push.encrypt"
	if len(plain) > maxPlain {
		return nil, mail.E(op, mail.Full, "push.too_large")
	}
	theirs, err := ecdh.P256().NewPublicKey(k.P256DH)
	if err != nil {
		return nil, mail.Because(op, mail.Invalid, "push.keys", err)
	}
	shared, err := own.ECDH(theirs)
	if err != nil {
		return nil, mail.Because(op, mail.Invalid, "push.keys", err)
	}
	ours := own.PublicKey().Bytes()
	info := "WebPush: info\x00" + string(k.P256DH) + string(ours)
	keying, err := hkdf.Key(sha256.New, shared, k.Auth, info, 32) // RFC 8291 §3.4
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	key, err := hkdf.Key(sha256.New, keying, salt, "Content-Encoding: aes128gcm\x00", 16) // RFC 8188 §2.2
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	nonce, err := hkdf.Key(sha256.New, keying, salt, "Content-Encoding: nonce\x00", 12) // RFC 8188 §2.3
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	aead, err := gcm(key)
	if err != nil {
		return nil, mail.Because(op, mail.Other, "", err)
	}
	body := append(make([]byte, 0, recordSize), salt...)
	body = binary.BigEndian.AppendUint32(body, recordSize)
	body = append(append(body, byte(len(ours))), ours...)
	last := append(append([]byte{}, plain...), 2) // the delimiter of the last record
	return aead.Seal(body, nonce, last, nil), nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
