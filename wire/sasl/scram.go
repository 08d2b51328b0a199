package sasl

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"

	"tegami/mail"
)

// Numbers of SCRAM.
const (
	// MinIterations is the least RFC 7677 §4 allows a server to use.
	MinIterations = 4096
	// MaxIterations bounds the work a server can ask of our client.
	MaxIterations = 1_000_000
	// maxNonce bounds the nonce of the other side, in octets.
	maxNonce = 256
	// nonceSize is how many random octets go into ours.
	nonceSize = 18
)

// ScramSecret is what a server keeps of a user's passwords for SCRAM-SHA-256 (RFC 5802
// §3). It does not give them away, but with a StoredKey and one recorded
// exchange a thief could log in: keep it as a secret.
type ScramSecret struct {
	Salt       []byte
	Iterations int
	// Keys are those of each password that is right: one, or more where a user has several, as for his programs. All
	// are derived with the same salt, since the client hears it before it shows which one it has.
	Keys []ScramKeys
	// Proved, when not nil, is called once with the outcome of the client's proof: the index of the key that it
	// fits, or -1. The verifier counts failures and remembers who it was. Its error ends the exchange.
	Proved func(which int) error
}

// ScramKeys are the keys of one password. Empty ones fit none.
type ScramKeys struct {
	Stored []byte // SHA-256 of the client key, 32 octets
	Server []byte // 32 octets
}

// NewScramSecret derives the secret of a password, which it prepares. The salt
// must be random for each user.
func NewScramSecret(password string, salt []byte, iterations int) (ScramSecret, error) {
	const op = "sasl.NewScramSecret"
	prepared, err := preparePassword(op, password)
	if err != nil {
		return ScramSecret{}, err
	}
	if iterations < MinIterations || iterations > MaxIterations || len(salt) == 0 {
		return ScramSecret{}, malformed(op)
	}
	k, err := deriveKeys(prepared, salt, iterations)
	if err != nil {
		return ScramSecret{}, mail.Wrap(op, err)
	}
	return ScramSecret{Salt: salt, Iterations: iterations, Keys: []ScramKeys{{k.stored(), k.server}}}, nil
}

// scramKeys are the keys of RFC 5802 §3 a client has.
type scramKeys struct{ client, server []byte }

func (k scramKeys) stored() []byte {
	sum := sha256.Sum256(k.client)
	return sum[:]
}

func deriveKeys(prepared string, salt []byte, iterations int) (scramKeys, error) {
	salted, err := pbkdf2.Key(sha256.New, prepared, salt, iterations, sha256.Size)
	if err != nil {
		return scramKeys{}, err
	}
	return scramKeys{client: mac(salted, "Client Key"), server: mac(salted, "Server Key")}, nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// proof is ClientProof of RFC 5802 §3.
func (k scramKeys) proof(authMessage string) []byte {
	p := mac(k.stored(), authMessage)
	subtle.XORBytes(p, p, k.client)
	return p
}

// proven gives the index of the keys whose client key the proof shows knowledge of, or -1. It tries all.
func (s ScramSecret) proven(proof []byte, authMessage string) int {
	which := -1
	for i, k := range s.Keys {
		if k.proven(proof, authMessage) {
			which = i
		}
	}
	return which
}

func (k ScramKeys) proven(proof []byte, authMessage string) bool {
	if len(proof) != sha256.Size || len(k.Stored) != sha256.Size {
		return false
	}
	key := mac(k.Stored, authMessage)
	subtle.XORBytes(key, key, proof)
	sum := sha256.Sum256(key)
	return subtle.ConstantTimeCompare(sum[:], k.Stored) == 1
}

// newNonce gives random printable text without commas.
func newNonce() string {
	var b [nonceSize]byte
	rand.Read(b[:]) // never fails
	return base64.StdEncoding.EncodeToString(b[:])
}

func isNonce(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e || s[i] == ',' {
			return false
		}
	}
	return s != "" && len(s) <= maxNonce
}

// attribute takes "name=value" off the front of a message, and the comma behind it.
func attribute(s string, name byte) (value, rest string, ok bool) {
	if len(s) < 2 || s[0] != name || s[1] != '=' {
		return "", s, false
	}
	value, rest, _ = strings.Cut(s[2:], ",")
	return value, rest, true
}

// saslname undoes the escapes of a name, "=2C" and "=3D"; no other "=" may stand in it (RFC 5802 §5.1).
func saslname(s string) (string, bool) {
	if strings.IndexByte(s, '=') < 0 {
		return s, s != ""
	}
	out := strings.ReplaceAll(strings.ReplaceAll(s, "=2C", ","), "=3D", "\x00")
	if strings.IndexByte(out, '=') >= 0 || strings.IndexByte(s, 0) >= 0 {
		return "", false
	}
	return strings.ReplaceAll(out, "\x00", "="), true
}

var escapeName = strings.NewReplacer("=", "=3D", ",", "=2C")

// serverFirst writes "r=…,s=…,i=…".
func serverFirst(nonce string, secret ScramSecret) string {
	return "r=" + nonce + ",s=" + base64.StdEncoding.EncodeToString(secret.Salt) + ",i=" + strconv.Itoa(secret.Iterations)
}

// clientFinal is client-final-message taken apart (RFC 5802 §7).
type clientFinal struct {
	binding []byte // decoded "c="
	nonce   string
	proof   []byte
	without string // the message without its proof, for AuthMessage
}

func parseClientFinal(msg string) (clientFinal, bool) {
	var f clientFinal
	i := strings.LastIndex(msg, ",p=")
	if i < 0 {
		return f, false
	}
	f.without = msg[:i]
	binding, rest, ok1 := attribute(f.without, 'c')
	nonce, _, ok2 := attribute(rest, 'r') // extensions after it are optional and ignored
	f.nonce = nonce
	var err1, err2 error
	f.binding, err1 = base64.StdEncoding.DecodeString(binding)
	f.proof, err2 = base64.StdEncoding.DecodeString(msg[i+3:])
	return f, ok1 && ok2 && err1 == nil && err2 == nil
}

// sameBinding compares what the client bound with header and data as the server sees them.
func sameBinding(got []byte, header string, data []byte) bool {
	rest, ok := bytes.CutPrefix(got, []byte(header))
	return ok && subtle.ConstantTimeCompare(rest, data) == 1
}
