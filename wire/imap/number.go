package imap

import "math"

// Number takes an unsigned 32-bit number (RFC 9051 §9 number).
func (d *Decoder) Number(dst *uint32) bool {
	var n uint64
	if !d.Number64(&n) || n > math.MaxUint32 {
		return d.Expected("number")
	}
	*dst = uint32(n)
	return true
}

// Number64 takes an unsigned 63-bit number (RFC 9051 §9 number64, RFC 7162 §7 mod-sequence-value).
func (d *Decoder) Number64(dst *uint64) bool {
	var n uint64
	digits := 0
	for {
		c, ok := d.peek()
		if !ok || c < '0' || c > '9' {
			break
		}
		if n > (math.MaxInt64-9)/10 {
			return d.Expected("number")
		}
		n = n*10 + uint64(c-'0')
		digits++
		d.take()
	}
	*dst = n
	return digits > 0 && d.err == nil || d.Expected("number")
}
