package sql

import (
	"reflect"
	"testing"

	"tegami/store"
)

func TestKeysRoundTrip(t *testing.T) {
	for _, c := range []struct{ unique, marks []store.Key }{
		{nil, nil},
		{[]store.Key{{Name: "address", Value: "sato@example.jp"}}, nil},
		{nil, []store.Key{{Name: "domain", Value: ""}, {Name: "", Value: "佐藤"}}},
		{[]store.Key{{Name: "a", Value: "b"}, {Name: "c", Value: "d"}}, []store.Key{{Name: "e", Value: "f\n\x00"}}},
	} {
		unique, marks, secret, ok := unpackKeys(packKeys(c.unique, c.marks, len(c.marks) > 1))
		if !ok || secret != (len(c.marks) > 1) || !reflect.DeepEqual(unique, c.unique) || !reflect.DeepEqual(marks, c.marks) {
			t.Errorf("%v %v -> %v %v %v", c.unique, c.marks, unique, marks, ok)
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add(packKeys([]store.Key{{Name: "address", Value: "a@b"}}, []store.Key{{Name: "domain", Value: "1"}}, true))
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		unique, marks, secret, ok := unpackKeys(b)
		if !ok {
			return
		}
		u2, m2, s2, ok := unpackKeys(packKeys(unique, marks, secret))
		if !ok || secret != s2 || !reflect.DeepEqual(unique, u2) || !reflect.DeepEqual(marks, m2) {
			t.Errorf("%v %v came back as %v %v", unique, marks, u2, m2)
		}
	})
}
