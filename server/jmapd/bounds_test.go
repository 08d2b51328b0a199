package jmapd

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"tegami/wire/jmap"
)

// TestPiecesAreOpenOneByOne: a blob of many pieces holds one of them at a time.
func TestPiecesAreOpenOneByOne(t *testing.T) {
	open, most, closed := 0, 0, 0
	var parts []io.Reader
	for range 5 {
		parts = append(parts, &piece{open: func() (io.Reader, func(), error) {
			open++
			most = max(most, open)
			return strings.NewReader("ab"), func() { open--; closed++ }, nil
		}})
	}
	text, err := io.ReadAll(io.MultiReader(parts...))
	if err != nil || string(text) != "ababababab" || most != 1 || open != 0 || closed != 5 {
		t.Errorf("%q %v: %d open at a time, %d left open, %d closed", text, err, most, open, closed)
	}
	why := errors.New("gone")
	p := &piece{open: func() (io.Reader, func(), error) { return nil, nil, why }}
	if _, err := io.ReadAll(p); !errors.Is(err, why) {
		t.Error(err)
	}
	p.end()
}

// TestBlobPropertiesOnce: a digest reads all octets, and so is made once however often it is asked for.
func TestBlobPropertiesOnce(t *testing.T) {
	in := getBlobsIn{IDs: []jmap.Id{}, Properties: slices.Repeat([]string{"size", "digest:sha-512"}, 1000)}
	if err := in.check(&call{server: &Server{limits: Limits{}.orDefaults()}}); err != nil || len(in.Properties) != 2 {
		t.Errorf("%v: %d properties", err, len(in.Properties))
	}
}
