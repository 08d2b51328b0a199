package clean

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

func TestCompoundRoundTrip(t *testing.T) {
	root := &node{name: "Root Entry", typ: typeRoot}
	for i := range 40 {
		s := &node{name: fmt.Sprintf("Storage %d", i), typ: typeStorage}
		s.about[3] = byte(i)
		for j := range i {
			s.children = append(s.children, &node{name: fmt.Sprintf("Stream %d", j), typ: typeStream, octets: bytes.Repeat([]byte{byte(j)}, j*i*17)})
		}
		root.children = append(root.children, s)
	}
	root.children = append(root.children, &node{name: "大きい", typ: typeStream, octets: bytes.Repeat([]byte("tegami"), 3<<20)})
	b := root.bytes()
	again, err := parseCompound(b)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := flat(again), flat(root); !reflect.DeepEqual(got, want) {
		t.Errorf("%d nodes became %d", len(want), len(got))
	}
	if !bytes.Equal(again.bytes(), b) {
		t.Error("written twice, the file differs")
	}
}

// flat lists what a tree holds.
func flat(n *node) map[string]string {
	all := make(map[string]string)
	var walk func(string, *node)
	walk = func(at string, n *node) {
		at += "/" + n.name
		all[at] = fmt.Sprint(n.typ, n.about, len(n.octets), checksum(n.octets))
		for _, c := range n.children {
			walk(at, c)
		}
	}
	walk("", n)
	return all
}

func FuzzCompound(f *testing.F) {
	small := &node{name: "Root Entry", typ: typeRoot, children: []*node{{name: "a", typ: typeStream, octets: []byte("x")}, {name: "b", typ: typeStorage}}}
	f.Add(small.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseCompound(b)
		if err != nil {
			return
		}
		again, err := parseCompound(n.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(flat(n), flat(again)) {
			t.Error("written anew, the tree differs")
		}
	})
}
