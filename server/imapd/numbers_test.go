package imapd

import (
	"slices"
	"testing"
)

func TestNumberWriter(t *testing.T) {
	var w numberWriter
	got := make([]byte, 0, 1000)
	for _, n := range []uint32{1, 2, 9, 10, 99, 100, 101, 0, 1, 999, 1000, 4294967294, 4294967295, 5, 6, 8} {
		got = w.append(got, n)
	}
	if want := " 1 2 9 10 99 100 101 0 1 999 1000 4294967294 4294967295 5 6 8"; string(got) != want {
		t.Errorf("%s", got)
	}
}

func TestLists(t *testing.T) {
	if got := common([]uint32{1, 3, 5, 9}, []uint32{2, 3, 4, 9, 10}); !slices.Equal(got, []uint32{3, 9}) {
		t.Errorf("%v", got)
	}
	if got := mergeNumbers([]uint32{1, 3, 5}, []uint32{2, 4}); !slices.Equal(got, []uint32{1, 2, 3, 4, 5}) {
		t.Errorf("%v", got)
	}
	list, all := []uint32{1, 2, 3, 4, 5, 6, 7}, []uint32(nil)
	for n := range 3 {
		all = append(all, part(list, n, 3)...)
	}
	if !slices.Equal(all, list) {
		t.Errorf("%v", all)
	}
}
