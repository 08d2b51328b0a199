package embedded

import (
	"encoding/binary"
	"hash/crc32"

	"tegami/mail"
)

// A record in a pack is a header and the octets of one blob. In a .pack they follow each other; in a .big
// the header stands at a multiple of memory.Block and the octets gap octets behind its begin. Rows say where the octets are;
// the header is there to find them again without rows, and to verify them.
//
//	 0  magic "TGM1"
//	 4  CRC-32C of octets 8 to 31
//	 8  blob id
//	16  size of the octets
//	24  CRC-32C of the octets
//	28  gap
const recordHeader = 32

const recordMagic = "TGM1"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type record struct {
	id   mail.BlobID
	size int64
	crc  uint32
	gap  uint32
}

func (r record) write(p []byte) {
	copy(p, recordMagic)
	binary.BigEndian.PutUint64(p[8:], uint64(r.id))
	binary.BigEndian.PutUint64(p[16:], uint64(r.size))
	binary.BigEndian.PutUint32(p[24:], r.crc)
	binary.BigEndian.PutUint32(p[28:], r.gap)
	binary.BigEndian.PutUint32(p[4:], crc32.Checksum(p[8:recordHeader], castagnoli))
}

// readRecord reads a header; false if it is none.
func readRecord(p []byte) (r record, ok bool) {
	if len(p) < recordHeader || string(p[:4]) != recordMagic ||
		binary.BigEndian.Uint32(p[4:]) != crc32.Checksum(p[8:recordHeader], castagnoli) {
		return r, false
	}
	return record{
		id:   mail.BlobID(binary.BigEndian.Uint64(p[8:])),
		size: int64(binary.BigEndian.Uint64(p[16:])),
		crc:  binary.BigEndian.Uint32(p[24:]),
		gap:  binary.BigEndian.Uint32(p[28:]),
	}, true
}

// recordOf gives the header of a staging's record.
func recordOf(s *staged, pieces [][]byte, gap int) record {
	r := record{id: s.ref.ID, size: s.size, gap: uint32(gap)}
	for _, c := range pieces {
		r.crc = crc32.Update(r.crc, castagnoli, c)
	}
	return r
}
