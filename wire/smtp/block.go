package smtp

// BlockSize is the size of a block in octets: large enough that a 1 MB body takes
// few system calls, small enough that each busy connection can have one.
const BlockSize = 64 << 10

// smallBuffer is what every connection has while it is idle or sends commands only.
const smallBuffer = 1 << 10

// Blocks is a free list of read buffers that many readers share. It keeps a bounded
// number; a reader holds one only while it has a body or a long line in hand.
type Blocks struct{ free chan []byte }

// NewBlocks makes a free list that keeps at most the given number of blocks.
func NewBlocks(keep int) *Blocks { return &Blocks{free: make(chan []byte, keep)} }

func (b *Blocks) get() []byte {
	if b != nil {
		select {
		case block := <-b.free:
			return block
		default:
		}
	}
	return make([]byte, BlockSize)
}

func (b *Blocks) put(block []byte) {
	if b != nil {
		select {
		case b.free <- block:
		default:
		}
	}
}
