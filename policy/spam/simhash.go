package spam

import "math/bits"

// A Simhash is a digest of a text that differs in few bits for texts that differ in few words (Charikar 2002). 0 = no text.
type Simhash uint64

// NearBits is in how many bits digests of much the same text may differ.
const NearBits = 4

// Near tells whether two digests are of much the same text.
func (s Simhash) Near(other Simhash) bool {
	return s != 0 && other != 0 && bits.OnesCount64(uint64(s^other)) <= NearBits
}

// Bands are four keys of 16 bits each. Digests that differ in at most three bits have one of them in common, and most
// that differ in NearBits: an index of these finds the near ones.
func (s Simhash) Bands() [4]uint16 {
	return [4]uint16{uint16(s), uint16(s >> 16), uint16(s >> 32), uint16(s >> 48)}
}

// simhash adds up hashes bit by bit.
type simhash struct {
	sums [64]int32
	n    int
}

func (h *simhash) add(hash uint64) {
	h.n++
	for i := range h.sums {
		h.sums[i] += int32(hash>>i&1)*2 - 1
	}
}

// minNear is how many words a text needs to be compared: short ones are alike by chance.
const minNear = 12

func (h *simhash) digest() (s Simhash) {
	if h.n < minNear {
		return 0
	}
	for i, sum := range h.sums {
		if sum > 0 {
			s |= 1 << i
		}
	}
	return s
}
