package mailbox_test

import (
	"fmt"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/wire/mime"
)

// large makes an account with n messages of 4 KB in its inbox.
func large(b *testing.B, n int) (*house, *mailbox.Account) {
	h, a := one(b)
	ctx := b.Context()
	v := h.selectBox(a, "INBOX")
	tenant, into := h.store.Tenant(a.Identity().Tenant()), v.Folder().ID
	body := strings.Repeat("All work and no play makes Jack a dull boy, as they say.\r\n", 64)
	for from := 0; from < n; from += 500 {
		var staged []store.Staged
		var index [][]byte
		for i := from; i < min(n, from+500); i++ {
			s, err := tenant.Blobs().Stage(ctx, 4096)
			h.must(err)
			_, err = s.Write([]byte(letter(fmt.Sprint(i)) + body))
			h.must(err)
			h.must(s.Seal(ctx))
			staged, index = append(staged, s), append(index, mime.ParseChunks(s.Chunks(), mime.Limits{}).Encode(nil))
		}
		h.must(tenant.Update(ctx, a.Identity().Actor(), "test.large", func(tx store.Tx) error {
			for i, s := range staged {
				ref, err := tx.Keep(s, index[i])
				if err != nil {
					return err
				}
				if _, err = tx.AddMessage(store.NewMessage{Mailbox: into, Blob: ref}); err != nil {
					return err
				}
			}
			return nil
		}))
		for _, s := range staged {
			s.Release()
		}
	}
	return h, a
}

// BenchmarkSelectWarm is SELECT of a mailbox somebody looked at lately.
func BenchmarkSelectWarm(b *testing.B) {
	h, a := large(b, 20_000)
	h.selectBox(a, "INBOX")
	b.ReportAllocs()
	for b.Loop() {
		v, err := a.Select(b.Context(), "INBOX")
		h.must(err)
		v.Close()
	}
}

// BenchmarkSelect20k is SELECT of a mailbox nobody looked at.
func BenchmarkSelect20k(b *testing.B) {
	h, a := large(b, 20_000)
	b.ReportAllocs()
	for b.Loop() {
		cold, err := mailbox.New(h.store, h.dir, mailbox.Config{}).Open(b.Context(), a.Identity())
		h.must(err)
		v, err := cold.Select(b.Context(), "INBOX")
		h.must(err)
		if v.Len() != 20_000 {
			b.Fatal(v.Len())
		}
		v.Close()
	}
	b.ReportMetric(20_000*float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func benchmarkFetch(b *testing.B, with mailbox.With) {
	h, a := large(b, 20_000)
	v := h.selectBox(a, "INBOX")
	all := seqs(1, 20_000)
	b.ReportAllocs()
	var octets, n int
	for b.Loop() {
		h.must(v.Fetch(b.Context(), all, with, func(_ uint32, m *mailbox.Message) error {
			octets += len(m.Index)
			n++
			return nil
		}))
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(octets)/float64(n), "index-B/msg")
}

func BenchmarkFetch20k(b *testing.B)      { benchmarkFetch(b, 0) }
func BenchmarkFetchIndex20k(b *testing.B) { benchmarkFetch(b, mailbox.WithIndex) }

// BenchmarkStore1 changes one flag in a mailbox of 20,000 and polls, as a client that reads its mail does.
func BenchmarkStore1(b *testing.B) {
	h, a := large(b, 20_000)
	v, idle := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		seq := uint32(i%20_000 + 1)
		op := mailbox.FlagOp(int(mailbox.Add) + i/20_000%2)
		_, _, err := v.Store(b.Context(), []uint32{seq}, op, mail.Seen, 0)
		h.must(err)
		_, err = v.Poll(b.Context(), false)
		h.must(err)
	}
	idle.Close()
}

// BenchmarkPollNothing is NOOP.
func BenchmarkPollNothing(b *testing.B) {
	h, a := large(b, 20_000)
	v := h.selectBox(a, "INBOX")
	b.ReportAllocs()
	for b.Loop() {
		_, err := v.Poll(b.Context(), true)
		h.must(err)
	}
}

// BenchmarkPollOne is what a session pays for a flag another one changed.
func BenchmarkPollOne(b *testing.B) {
	h, a := large(b, 20_000)
	v, other := h.selectBox(a, "INBOX"), h.selectBox(a, "INBOX")
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		_, _, err := other.Store(b.Context(), []uint32{uint32(i%20_000 + 1)}, mailbox.FlagOp(int(mailbox.Add)+i/20_000%2), mail.Seen, 0)
		h.must(err)
		b.StartTimer()
		events, err := v.Poll(b.Context(), true)
		h.must(err)
		if len(events) != 1 {
			b.Fatal(events)
		}
	}
}
