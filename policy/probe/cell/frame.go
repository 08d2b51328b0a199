package cell

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Bounds of what crosses the pipe, in octets. The parent believes no child.
const (
	maxQuestion = 1 << 20
	maxAnswer   = 32 << 20
	maxParts    = 1000
	chunkSize   = 64 << 10
)

// A question is what a child is asked; the octets of its parts follow, each in chunks that an empty one ends.
type question struct {
	Limits Limits        `json:"limits"`
	Within time.Duration `json:"within"`
	Parts  []partHead    `json:"parts"`
}

type partHead struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// A hello is the first frame of a child.
type hello struct {
	Confined Confinement `json:"confined"`
}

var errFrame = errors.New("a frame is longer than may be")

// writeFrame writes a value as JSON with its length before it.
func writeFrame(w io.Writer, v any, most int) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > most {
		return fmt.Errorf("%w: %d octets", errFrame, len(b))
	}
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// readFrame reads what writeFrame wrote.
func readFrame(r io.Reader, v any, most int) error {
	b, err := readChunk(r, most)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// readChunk reads octets with their length before them.
func readChunk(r io.Reader, most int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if int64(n) > int64(most) {
		return nil, fmt.Errorf("%w: %d octets", errFrame, n)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// writeOctets writes a part in chunks. An error of reading it is a sourceError.
func writeOctets(w *bufio.Writer, r io.Reader) error {
	buf := make([]byte, chunkSize)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if werr := writeChunk(w, buf[:n]); werr != nil {
				return werr
			}
		}
		switch {
		case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
			return writeChunk(w, nil)
		case err != nil:
			return sourceError{err}
		}
	}
}

func writeChunk(w *bufio.Writer, b []byte) error {
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

// readOctets reads a part of at most most octets; of a longer one nothing is kept, and whole is false.
func readOctets(r io.Reader, most int64) (octets []byte, whole bool, err error) {
	whole = true
	for {
		b, err := readChunk(r, chunkSize)
		if err != nil || len(b) == 0 {
			return octets, whole, err
		}
		if whole = whole && int64(len(octets)+len(b)) <= most; whole {
			octets = append(octets, b...)
		} else {
			octets = nil
		}
	}
}

// A sourceError is that of reading what the caller gave.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }
