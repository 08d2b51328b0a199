package sql

import (
	"encoding/binary"
	"slices"

	"tegami/store"
)

// packKeys writes an object's keys as lengths (varint) and texts: how many unique ones, then name and
// value of each, then the marks in the same way; before them one octet, 1 for a secret object.
func packKeys(unique, marks []store.Key, secret bool) []byte {
	b := make([]byte, 1, 64)
	if secret {
		b[0] = 1
	}
	for _, list := range [][]store.Key{unique, marks} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, k := range list {
			b = appendText(appendText(b, k.Name), k.Value)
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// unpackKeys reads what packKeys wrote; false if it is something else.
func unpackKeys(b []byte) (unique, marks []store.Key, secret, ok bool) {
	if len(b) == 0 || b[0] > 1 {
		return nil, nil, false, false
	}
	secret = b[0] == 1
	if unique, b, ok = takeKeys(b[1:]); !ok {
		return nil, nil, false, false
	}
	marks, b, ok = takeKeys(b)
	return unique, marks, secret, ok && len(b) == 0
}

func takeKeys(b []byte) (list []store.Key, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)) {
		return nil, nil, false
	}
	b = b[size:]
	for range n {
		var k store.Key
		if k.Name, b, ok = takeText(b); !ok {
			return nil, nil, false
		}
		if k.Value, b, ok = takeText(b); !ok {
			return nil, nil, false
		}
		list = append(list, k)
	}
	return list, b, true
}

func takeText(b []byte) (s string, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, false
	}
	b = b[size:]
	return string(b[:n]), b[n:], true
}

// without gives the keys of list that are not in other, each once.
func without(list, other []store.Key) []store.Key {
	var out []store.Key
	for _, k := range list {
		if !slices.Contains(other, k) && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}
