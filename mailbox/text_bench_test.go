package mailbox_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/lab/archives"
	"tegami/mailbox"
	"tegami/store"
	"tegami/wire/mime"
)

// corpus makes letters of about 8 KB whose words are as frequent as those of a language.
type corpus struct {
	rng   *rand.Rand
	zipf  *rand.Zipf
	words []string
	space string
}

func newCorpus(seed uint64, japanese bool) *corpus {
	rng := rand.New(rand.NewPCG(seed, 1))
	c := &corpus{rng: rng, zipf: rand.NewZipf(rng, 1.05, 8, 19_999), space: " "}
	syllables := strings.Fields("the in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur")
	for range 20_000 {
		var word string
		if c.space = ""; japanese {
			for range 1 + rng.IntN(3) {
				word += string(rune(0x4e00 + int(rng.ExpFloat64()*400)%3000))
			}
			word += []string{"の", "は", "を", "に", "する", "です。", "、", ""}[rng.IntN(8)]
		} else {
			c.space = " "
			for range 1 + rng.IntN(4) {
				word += syllables[rng.IntN(len(syllables))]
			}
		}
		c.words = append(c.words, word)
	}
	return c
}

func (c *corpus) word() string { return c.words[c.zipf.Uint64()] }

func (c *corpus) text(octets int) string {
	var b strings.Builder
	for line := 0; b.Len() < octets; {
		w := c.word()
		b.WriteString(w)
		if line += len(w); line > 70 {
			b.WriteString("\r\n")
			line = 0
			continue
		}
		b.WriteString(c.space)
	}
	return b.String()
}

// letter makes a letter; every hundredth has the word zebrafish.
func (c *corpus) letter(i int) string {
	text := c.text(7000)
	if i%100 == 42 {
		text += "\r\n動物園 zebrafish 展示\r\n"
	}
	head := fmt.Sprintf("Received: from mx%d.example.net (mx%d.example.net [192.0.2.%d])\r\n\tby mail.alpha.example with ESMTPS id %012x;\r\n"+
		"\tMon, 2 Mar 2026 10:%02d:%02d +0900\r\nFrom: %s <user%d@example.net>\r\nTo: sato@alpha.example\r\nSubject: =?utf-8?B?%s?=\r\n"+
		"Date: Mon, 2 Mar 2026 10:00:00 +0900\r\nMessage-ID: <%016x@example.net>\r\nMIME-Version: 1.0\r\n",
		i%7, i%7, i%250, c.rng.Uint64()>>16, i/60%60, i%60, c.word(), i%500, base64.StdEncoding.EncodeToString([]byte(c.text(30))), c.rng.Uint64())
	if c.space == "" {
		body := base64.StdEncoding.EncodeToString([]byte(text))
		var b strings.Builder
		for ; len(body) > 76; body = body[76:] {
			b.WriteString(body[:76] + "\r\n")
		}
		return head + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b.String() + body + "\r\n"
	}
	return head + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text
}

// put delivers n letters into the inbox.
func (c *corpus) put(h *house, a *mailbox.Account, n int) (octets int) {
	for from := 0; from < n; from += 500 {
		var letters []string
		for i := from; i < min(n, from+500); i++ {
			letters = append(letters, c.letter(i))
			octets += len(letters[i-from])
		}
		putAll(h, a, letters)
	}
	return octets
}

// putAll delivers letters into the inbox in one transaction.
func putAll(h *house, a *mailbox.Account, letters []string) {
	ctx := h.Context()
	v := h.selectBox(a, "INBOX")
	tenant, into := h.store.Tenant(a.Identity().Tenant()), v.Folder().ID
	var staged []store.Staged
	var index [][]byte
	for _, text := range letters {
		s, err := tenant.Blobs().Stage(ctx, int64(len(text)))
		h.must(err)
		defer s.Release()
		_, err = s.Write([]byte(text))
		h.must(err)
		h.must(s.Seal(ctx))
		staged, index = append(staged, s), append(index, mime.ParseChunks(s.Chunks(), mime.Limits{}).Encode(nil))
	}
	h.must(tenant.Update(ctx, a.Identity().Actor(), "test.corpus", func(tx store.Tx) error {
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
}

// wildLetters delivers 3,000 mails that people got in 2002, most of them English, a few in HTML.
func wildLetters(h *house, a *mailbox.Account) (n, octets int) {
	var letters []string
	err := filepath.WalkDir(archives.Unpack(h, "spam-spamassassin"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		letters = append(letters, strings.ReplaceAll(string(raw), "\n", "\r\n"))
		return err
	})
	h.must(err)
	for part := range slices.Chunk(letters, 500) {
		putAll(h, a, part)
	}
	for _, text := range letters {
		octets += len(text)
	}
	return len(letters), octets
}

// BenchmarkIndex puts a mailbox into the index: letters of 8 KB, and real mail.
func BenchmarkIndex(b *testing.B) {
	const n = 4000
	for name, put := range map[string]func(*house, *mailbox.Account) (n, octets int){
		"English":  func(h *house, a *mailbox.Account) (int, int) { return n, newCorpus(1, false).put(h, a, n) },
		"Japanese": func(h *house, a *mailbox.Account) (int, int) { return n, newCorpus(1, true).put(h, a, n) },
		"real":     wildLetters,
	} {
		b.Run(name, func(b *testing.B) {
			h, a := one(b)
			n, octets := put(h, a)
			id := a.Identity()
			b.ReportAllocs()
			var took time.Duration
			for b.Loop() {
				done, err := h.boxes.Reindex(b.Context(), id.Tenant(), id.Account().ID, nil)
				h.must(err)
				if done.Messages != n || done.Skipped != 0 {
					b.Fatal(done)
				}
				took += done.Took
			}
			size, err := h.boxes.IndexSize(b.Context(), id.Tenant(), id.Account().ID)
			h.must(err)
			b.ReportMetric(float64(n*b.N)/took.Seconds(), "msg/s")
			b.ReportMetric(float64(size.Octets)/float64(octets), "index/mail")
			b.ReportMetric(float64(size.Octets)/float64(n), "B/msg")
		})
	}
}

// BenchmarkCandidates asks for messages among 20,000.
func BenchmarkCandidates(b *testing.B) {
	h, a := one(b)
	newCorpus(1, false).put(h, a, 10_000)
	newCorpus(2, true).put(h, a, 10_000)
	id := a.Identity()
	done, err := h.boxes.IndexNow(b.Context(), id.Tenant(), id.Account().ID)
	h.must(err)
	size, err := h.boxes.IndexSize(b.Context(), id.Tenant(), id.Account().ID)
	h.must(err)
	b.Logf("%d messages indexed in %v, %+v", done.Messages, done.Took, size)
	v := h.selectBox(a, "INBOX")
	for _, needle := range []string{"zebrafish", "zeb", "動物園", "動物", "展", "subject", "192.0.2.7", "there is nothing like this in it"} {
		b.Run(needle, func(b *testing.B) {
			var c mailbox.Candidates
			for b.Loop() {
				c, err = v.Candidates(b.Context(), []string{needle})
				h.must(err)
			}
			if !c.Use || len(c.Rest) != 0 {
				b.Fatal(c.Use, len(c.Rest))
			}
			b.ReportMetric(float64(len(c.Seqs)), "hits")
		})
	}
}
