package dkim

import (
	"bytes"
	"crypto"
	"io"
	"strings"
	"testing"
	"time"
)

// A free key signs for nothing, so that what is measured is all but the key's work.
type free struct{ crypto.Signer }

func (free) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return make([]byte, 64), nil }

// benchMessages are a message of ordinary text of a size.
func benchMessage(size int) (header, body []byte) {
	header = []byte("Received: from a.example (a.example [192.0.2.1])\r\n\tby mx.example.org with ESMTPS id 123\r\n\tfor <b@example.org>; Fri, 11 Jul 2003 21:00:37 -0700\r\n" +
		"From: A <a@example.org>\r\nTo: b@example.com\r\nSubject: =?utf-8?Q?Hello?=\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.org>\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
	line := "The quick brown fox jumps over the lazy dog, and then it does so again. \r\n"
	return header, []byte(strings.Repeat(line, size/len(line)))
}

var benchSizes = map[string]int{"4K": 4 << 10, "1M": 1 << 20}

// BenchmarkSign signs for two keys; the keys' own work is left out.
func BenchmarkSign(b *testing.B) {
	ed := keys()[1]
	ed.Signer = free{ed.Signer}
	for name, size := range benchSizes {
		header, body := benchMessage(size)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(header) + len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Sign(header, bytes.NewReader(body), []Key{ed, ed}, Options{Time: time.Unix(1e9, 0)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify verifies two signatures up to the keys' work: the signatures have the wrong length.
func BenchmarkVerify(b *testing.B) {
	ed := keys()[1]
	ed.Signer = free{ed.Signer}
	z := keyZone(keys()...)
	for name, size := range benchSizes {
		header, body := benchMessage(size)
		fields, err := Sign(header, bytes.NewReader(body), []Key{ed, ed}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		signed := append(bytes.ReplaceAll(fields, []byte("b=AAAA"), []byte("b=")), header...)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(header) + len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if r := Verify(b.Context(), z, signed, bytes.NewReader(body), Limits{}); reason(r[1].Err) != "dkim.forged" {
					b.Fatalf("%+v", r)
				}
			}
		})
	}
}
