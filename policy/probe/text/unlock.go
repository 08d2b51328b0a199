package text

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
)

// Office opens a workbook without asking where it is encrypted with this password: that is how it marks workbooks as read-only
// ([MS-OFFCRYPTO] §2.4.2.3). Everybody can read those, so they are read here; those who hide macros from scanners know it too.
const standardPassword = "VelvetSweatshop"

// maxSpin is how often a password is hashed at most. Office does it 100,000 times, which takes some 20 ms; a document could ask for hours.
const maxSpin = 100000

// encryptedPackage reads an Office document that was encrypted as a whole ([MS-OFFCRYPTO] §2.3).
func (c *compound) encryptedPackage() error {
	info, data := c.stream("encryptioninfo"), c.stream("encryptedpackage")
	if len(info) < 8 || len(data) < 8 {
		return ErrEncrypted
	}
	var open []byte
	if u16(info, 0) == 4 && u16(info, 2) == 4 {
		open = agile(info[8:], data[8:], standardPassword)
	}
	if !starts(open, "PK\x03\x04") {
		return ErrEncrypted
	}
	size := u32(data, 0)
	return c.d.inner("", open[:min(max(size, 0), len(open))])
}

// An agileKey is what the description of an agile encryption says of a key (§2.3.4.10).
type agileKey struct {
	salt, verifier, verifierHash, value []byte
	spin, bits                          int
	hash                                func() hash.Hash
}

// readAgileKey reads the attributes of a key.
func readAgileKey(s *scanner) agileKey {
	octets := func(name string) []byte {
		b, _ := base64.StdEncoding.DecodeString(string(s.attr(name))) // what is malformed fits no password
		return b
	}
	k := agileKey{
		salt: octets("saltValue"), verifier: octets("encryptedVerifierHashInput"), verifierHash: octets("encryptedVerifierHashValue"),
		value: octets("encryptedKeyValue"), spin: number(s.attr("spinCount")), bits: number(s.attr("keyBits")),
	}
	if string(s.attr("cipherAlgorithm")) == "AES" && string(s.attr("cipherChaining")) == "ChainingModeCBC" {
		k.hash = map[string]func() hash.Hash{"SHA1": sha1.New, "SHA-1": sha1.New, "SHA256": sha256.New, "SHA384": sha512.New384, "SHA512": sha512.New}[string(s.attr("hashAlgorithm"))]
	}
	return k
}

// agile decrypts a package by its description in XML; nil where the password is not the one (§2.3.4.11 to §2.3.4.15).
func agile(info, data []byte, password string) []byte {
	var whole, key agileKey
	for s := newScanner(bytes.NewReader(info)); s.next(); {
		if s.tok != tokStart {
			continue
		}
		switch string(s.name) {
		case "keyData":
			whole = readAgileKey(s)
		case "encryptedKey":
			key = readAgileKey(s)
		}
	}
	if whole.hash == nil || key.hash == nil || key.spin < 0 || key.spin > maxSpin {
		return nil
	}
	base := spun(key.hash(), key.salt, password, key.spin)
	block := func(purpose string, b []byte) []byte {
		return cbc(fit(digest(key.hash(), base, []byte(purpose)), key.bits/8), fit(key.salt, aes.BlockSize), b)
	}
	input, want := block("\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79", key.verifier), block("\xd7\xaa\x0f\x6d\x30\x61\x34\x4e", key.verifierHash)
	if got := digest(key.hash(), input); len(input) == 0 || !bytes.HasPrefix(want, got) {
		return nil
	}
	secret := fit(block("\x14\x6e\x0b\xe7\xab\xac\xd0\xd6", key.value), whole.bits/8)
	const segment = 4096
	out := make([]byte, 0, len(data))
	for i := 0; len(data) > 0; i++ {
		piece := data[:min(segment, len(data))]
		data = data[len(piece):]
		iv := fit(digest(whole.hash(), whole.salt, little.AppendUint32(nil, uint32(i))), aes.BlockSize)
		out = append(out, cbc(secret, iv, piece)...)
	}
	return out
}

// spun hashes a password often, so that guessing takes long.
func spun(h hash.Hash, salt []byte, password string, times int) []byte {
	sum := digest(h, salt, utf16Of(password))
	var count [4]byte
	for i := range times {
		little.PutUint32(count[:], uint32(i))
		h.Reset()
		h.Write(count[:])
		h.Write(sum)
		sum = h.Sum(sum[:0])
	}
	return sum
}

func digest(h hash.Hash, parts ...[]byte) []byte {
	h.Reset()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// fit makes a key of n octets: what is too short is filled up (§2.3.4.11).
func fit(b []byte, n int) []byte {
	b = bytes.Clone(b[:min(max(n, 0), len(b))])
	for len(b) < n && n <= 64 {
		b = append(b, 0x36)
	}
	return b
}

// cbc decrypts whole blocks, and nothing with a key that is none.
func cbc(key, iv, b []byte) []byte {
	c, err := aes.NewCipher(key)
	if err != nil || len(iv) != aes.BlockSize {
		return nil
	}
	out := make([]byte, len(b)/aes.BlockSize*aes.BlockSize)
	cipher.NewCBCDecrypter(c, iv).CryptBlocks(out, b[:len(out)])
	return out
}

// utf16Of is a password of ASCII in UTF-16.
func utf16Of(password string) []byte {
	wide := make([]byte, 0, 2*len(password))
	for _, c := range []byte(password) {
		wide = append(wide, c, 0)
	}
	return wide
}

// unlockBIFF decrypts the records of a workbook that was encrypted by RC4 with a password; nil where that is not the one, or the encryption is
// another (§2.3.6). pass is the body of its record FilePass.
func unlockBIFF(b, pass []byte, password string) []byte {
	if len(pass) < 54 || u16(pass, 0) != 1 || u16(pass, 2) != 1 || u16(pass, 4) != 1 {
		return nil
	}
	first := digest(md5.New(), utf16Of(password))[:5]
	base := digest(md5.New(), bytes.Repeat(append(first, pass[6:22]...), 16))[:5]
	verifier := bytes.Clone(pass[22:54])
	biffCipher(base, 0).XORKeyStream(verifier, verifier)
	if !bytes.Equal(digest(md5.New(), verifier[:16]), verifier[16:]) {
		return nil
	}
	const block = 1024
	out := make([]byte, len(b))
	for at := 0; at < len(b); at += block {
		end := min(at+block, len(b))
		biffCipher(base, at/block).XORKeyStream(out[at:end], b[at:end])
	}
	for at := 0; at+4 <= len(b); {
		id, n := u16(b, at), u16(b, at+2)
		copy(out[at:], b[at:at+4+biffPlain(id, min(n, len(b)-at-4))])
		at += 4 + n
	}
	return out
}

// biffCipher is the cipher of one block of a workbook.
func biffCipher(base []byte, block int) *rc4.Cipher {
	c, _ := rc4.NewCipher(digest(md5.New(), base, little.AppendUint32(nil, uint32(block)))) // it only fails with keys of other sizes
	return c
}

// biffPlain is how much of a record's body is never encrypted ([MS-XLS] §2.2.10).
func biffPlain(id, n int) int {
	switch id {
	case recBOF8, recFilePass, 0x00e1, 0x0194, 0x0195, 0x0196, 0x0138: // interface and revisions
		return n
	case recBoundSheet:
		return min(n, 4)
	}
	return 0
}
