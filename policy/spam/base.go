package spam

import (
	_ "embed"
	"encoding/binary"
)

// The base that ships with the program: how many messages of our own making hold each token, spam and ham, in Japanese and English.
// It makes the filter useful to a company that has taught nothing yet, and counts the less the more a company teaches. The file is
//
//	messages of spam, of ham    4 octets each, little endian
//	tokens                      the highest 4 octets of each; sorted
//	counts                      2 octets for each token: of spam, of ham; 255 is 255 or more
//
// lab/spam/makebase makes it: go generate ./policy/spam.
//
//go:generate go run tegami/lab/spam/makebase -o base.bin
//go:embed base.bin
var baseFile []byte

// Sizes in the base, in octets.
const (
	baseHead  = 8
	baseToken = 4
	baseCount = 2
)

// base reads counts from a base's octets.
type base struct{ octets []byte }

// shipped is the base within the program.
var shipped = base{baseFile}

// BaseKey is the form of a token in a base: its kind and 28 bits of its hash.
func BaseKey(token uint64) uint32 { return uint32(token >> 32) }

// size is the number of tokens.
func (b base) size() int { return (len(b.octets) - baseHead) / (baseToken + baseCount) }

func (b base) key(i int) uint32 {
	return binary.LittleEndian.Uint32(b.octets[baseHead+i*baseToken:])
}

// counts gives what the base says of sorted tokens.
func (b base) counts(tokens []uint64) (counts []Count, total Count) {
	if len(b.octets) < baseHead {
		return nil, Count{}
	}
	total.Spam = binary.LittleEndian.Uint32(b.octets)
	total.Ham = binary.LittleEndian.Uint32(b.octets[4:])
	counts = make([]Count, len(tokens))
	n := b.size()
	at := b.octets[baseHead+n*baseToken:]
	j := 0
	for i, t := range tokens { // both are sorted
		k := BaseKey(t)
		for j < n && b.key(j) < k {
			j++
		}
		if j < n && b.key(j) == k {
			counts[i] = Count{uint32(at[2*j]), uint32(at[2*j+1])}
		}
	}
	return counts, total
}
