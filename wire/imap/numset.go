package imap

import (
	"slices"
	"strconv"
)

// A NumSet is a set of sequence numbers or UIDs as a client wrote it (RFC 9051 §9 sequence-set).
type NumSet struct {
	Ranges []Range
	Saved  bool // "$": the saved result of the last SEARCH (RFC 5182 §2.1)
}

// A Range holds the numbers from Lo to Hi, both included. 0 stands for "*", the
// largest number in use.
type Range struct{ Lo, Hi uint32 }

// NumSet takes a sequence set.
func (d *Decoder) NumSet(dst *NumSet) bool {
	if d.Accept('$') {
		dst.Saved = true
		return true
	}
	for {
		var r Range
		if !d.setNumber(&r.Lo) {
			return false
		}
		r.Hi = r.Lo
		if d.Accept(':') && !d.setNumber(&r.Hi) {
			return false
		}
		dst.Ranges = append(dst.Ranges, r)
		if !d.Accept(',') {
			return d.err == nil
		}
	}
}

// setNumber takes a nz-number or "*".
func (d *Decoder) setNumber(dst *uint32) bool {
	if d.Accept('*') {
		*dst = 0
		return true
	}
	return d.Number(dst) && *dst > 0 || d.Expected("sequence-set")
}

// Resolve gives the ranges with "*" replaced by largest, ascending, without
// overlap. Nothing is in the result when largest is 0 and only "*" was asked for.
func (s NumSet) Resolve(largest uint32) []Range {
	out := make([]Range, 0, len(s.Ranges))
	for _, r := range s.Ranges {
		if r.Lo == 0 {
			r.Lo = largest
		}
		if r.Hi == 0 {
			r.Hi = largest
		}
		if r.Lo > r.Hi {
			r.Lo, r.Hi = r.Hi, r.Lo
		}
		if r.Hi > 0 {
			out = append(out, Range{max(r.Lo, 1), r.Hi})
		}
	}
	return mergeRanges(out)
}

// mergeRanges sorts ranges and joins those that touch, in place.
func mergeRanges(rs []Range) []Range {
	slices.SortFunc(rs, func(a, b Range) int {
		if a.Lo != b.Lo {
			return int(int64(a.Lo) - int64(b.Lo))
		}
		return int(int64(a.Hi) - int64(b.Hi))
	})
	n := 0
	for _, r := range rs {
		if n > 0 && uint64(r.Lo) <= uint64(rs[n-1].Hi)+1 {
			rs[n-1].Hi = max(rs[n-1].Hi, r.Hi)
			continue
		}
		rs[n] = r
		n++
	}
	return rs[:n]
}

// InRanges tells whether n is in ranges that Resolve gave.
func InRanges(rs []Range, n uint32) bool {
	_, ok := slices.BinarySearchFunc(rs, n, func(r Range, n uint32) int {
		switch {
		case r.Hi < n:
			return -1
		case r.Lo > n:
			return 1
		}
		return 0
	})
	return ok
}

// AddTo adds n to ranges that are ascending; n must be above all in them.
func AddTo(rs []Range, n uint32) []Range {
	if k := len(rs); k > 0 && rs[k-1].Hi+1 == n {
		rs[k-1].Hi = n
		return rs
	}
	return append(rs, Range{n, n})
}

// AppendRanges writes ranges as a sequence set: 1:4,7.
func AppendRanges(dst []byte, rs []Range) []byte {
	for i, r := range rs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendSetNumber(dst, r.Lo)
		if r.Hi != r.Lo {
			dst = append(dst, ':')
			dst = appendSetNumber(dst, r.Hi)
		}
	}
	return dst
}

func appendSetNumber(dst []byte, n uint32) []byte {
	if n == 0 {
		return append(dst, '*')
	}
	return strconv.AppendUint(dst, uint64(n), 10)
}

// AppendTo writes the set as a client would.
func (s NumSet) AppendTo(dst []byte) []byte {
	if s.Saved {
		return append(dst, '$')
	}
	return AppendRanges(dst, s.Ranges)
}

// String is AppendTo for people and tests.
func (s NumSet) String() string { return string(s.AppendTo(nil)) }

// AppendNumbers writes numbers as a set, joining neighbours where they follow each
// other in the order given: 3,4,5,9 becomes 3:5,9. The order is kept, as COPYUID needs it (RFC 4315 §3).
func AppendNumbers[N ~uint32](dst []byte, ns []N) []byte {
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(ns[i]), 10)
		if j > i {
			dst = append(dst, ':')
			dst = strconv.AppendUint(dst, uint64(ns[j]), 10)
		}
		i = j + 1
	}
	return dst
}
