package mailbox_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/wire/mime"
)

// largeBox is an account with n messages in its inbox, a third of them in threads of several, that came in any order.
func largeBox(b *testing.B, n int) (*house, *mailbox.Account) {
	h, a := one(b)
	rng := rand.New(rand.NewPCG(1, 2))
	ctx, tenant := h.Context(), h.store.Tenant(a.Identity().Tenant())
	into := h.selectBox(a, "INBOX").Folder().ID
	for from := 0; from < n; from += 2000 {
		var staged []store.Staged
		var index [][]byte
		for i := from; i < min(n, from+2000); i++ {
			text := fmt.Sprintf("Message-ID: <%d@x>\r\nIn-Reply-To: <%d@x>\r\n", i, i-i%3) + letter(fmt.Sprint("Topic ", i/3))
			s, err := tenant.Blobs().Stage(ctx, int64(len(text)))
			h.must(err)
			_, err = s.Write([]byte(text))
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
				at := time.Unix(1_700_000_000+int64(rng.IntN(50_000_000)), 0)
				if _, err := tx.AddMessage(store.NewMessage{Mailbox: into, Blob: ref, Received: at, Flags: mail.Flags(rng.IntN(2))}); err != nil {
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

// BenchmarkRegister: what JMAP does with 100,000 messages.
func BenchmarkRegister(b *testing.B) {
	h, a := largeBox(b, 100_000)
	ctx := b.Context()
	began := time.Now()
	r, err := a.Register(ctx)
	h.must(err)
	b.Logf("threads of %d messages and the first picture took %v", r.Emails(), time.Since(began))
	inbox := r.Mailboxes()[0]
	page := mailbox.Query{Filter: mailbox.Where{InMailbox: inbox.ID}, Collapse: true, Total: true, Limit: 50}
	change := func() {
		found, err := r.Query(ctx, mailbox.Query{Limit: 1, Position: 500})
		h.must(err)
		row, _ := r.Email(found.IDs[0])
		_, err = a.Post().ChangeEmails(ctx, []mailbox.EmailChange{{ID: row.ID, Keywords: map[string]bool{"$flagged": !row.Flags.Has(mail.Flagged)}}})
		h.must(err)
		r, err = a.Register(ctx)
		h.must(err)
	}
	list := func(q mailbox.Query) {
		found, err := r.Query(ctx, q)
		h.must(err)
		h.must(r.Messages(ctx, found.IDs, mailbox.WithIndex, func(*mailbox.Message) error { return nil }))
	}
	b.Run("FirstPicture", func(b *testing.B) {
		for b.Loop() {
			again, err := mailbox.New(h.store, h.dir, mailbox.Config{}).Open(ctx, a.Identity())
			h.must(err)
			_, err = again.Register(ctx)
			h.must(err)
		}
	})
	b.Run("QueryAndFiftyRows", func(b *testing.B) { // after a change, so that nothing is remembered
		for b.Loop() {
			b.StopTimer()
			change()
			b.StartTimer()
			list(page)
		}
	})
	b.Run("NextPage", func(b *testing.B) {
		q := page
		for b.Loop() {
			q.Position = (q.Position + 50) % 20_000
			list(q)
		}
	})
	b.Run("ChangeAndRegister", func(b *testing.B) {
		for b.Loop() {
			change()
		}
	})
	b.Run("MailboxCounts", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			change()
			b.StartTimer()
			r.Mailboxes()
		}
	})
	b.Run("EmailChanges", func(b *testing.B) {
		before := r.State()
		change()
		for b.Loop() {
			_, err := r.EmailChanges(ctx, before, 0)
			h.must(err)
		}
	})
	b.Run("SortBySubject", func(b *testing.B) {
		q := page
		q.Sort = []mailbox.Sort{{By: mailbox.SortSubject}}
		for b.Loop() {
			b.StopTimer()
			change()
			b.StartTimer()
			list(q)
		}
	})
}

// BenchmarkRegisterText looks for words among 20,000 letters of 8 KB: the first 50 that have them, after a change.
func BenchmarkRegisterText(b *testing.B) {
	h, a := one(b)
	newCorpus(1, false).put(h, a, 10_000)
	newCorpus(2, true).put(h, a, 10_000)
	id, ctx := a.Identity(), b.Context()
	_, err := h.boxes.IndexNow(ctx, id.Tenant(), id.Account().ID)
	h.must(err)
	r, err := a.Register(ctx)
	h.must(err)
	newest, err := r.Query(ctx, mailbox.Query{Limit: 1})
	h.must(err)
	for _, word := range []string{"zebrafish", "動物園", "subject", "the", "there is nothing like this in it"} {
		b.Run(word, func(b *testing.B) {
			hits, on := 0, false
			for b.Loop() {
				b.StopTimer()
				on = !on
				_, err := a.Post().ChangeEmails(ctx, []mailbox.EmailChange{{ID: newest.IDs[0], Keywords: map[string]bool{"$flagged": on}}})
				h.must(err)
				r, err = a.Register(ctx)
				h.must(err)
				b.StartTimer()
				found, err := r.Query(ctx, mailbox.Query{Filter: mailbox.Where{Text: word}, Collapse: true, Limit: 50})
				h.must(err)
				hits = len(found.IDs)
			}
			b.ReportMetric(float64(hits), "hits")
		})
	}
}
