package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/wire/mime"
)

// BenchmarkAccept takes a 4 KB message for one recipient, and for a hundred, from Begin to the commit.
func BenchmarkAccept(b *testing.B) {
	h := newHouse(b)
	h.company("alpha.example", 100)
	body := text + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n", 60)
	for _, n := range []int{1, 100} {
		l := letter{origin: outside, from: "a@b.example", text: body}
		for i := range n {
			l.to = append(l.to, fmt.Sprintf("user%d@alpha.example", i))
		}
		b.Run(fmt.Sprintf("recipients=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.accepted(l)
			}
		})
	}
}

// BenchmarkRecipients is what 100 recipients cost before the message comes.
func BenchmarkRecipients(b *testing.B) {
	h := newHouse(b)
	h.company("alpha.example", 100)
	var list []mail.Recipient
	for i := range 100 {
		list = append(list, to(fmt.Sprintf("user%d@alpha.example", i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		tx, err := h.Begin(h.ctx, outside, nil, addr("a@b.example"), mail.Options{Size: 4096})
		h.must(err)
		for _, r := range list {
			h.must(tx.Recipient(h.ctx, r))
		}
		tx.Abort()
	}
}

// BenchmarkParse is the part of accepting that reads the message's structure.
func BenchmarkParse(b *testing.B) {
	chunks := [][]byte{[]byte(text + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n", 60))}
	b.ReportAllocs()
	for b.Loop() {
		mime.ParseChunks(chunks, mime.Limits{}).Encode(nil)
	}
}
