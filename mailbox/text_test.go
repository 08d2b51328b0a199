package mailbox_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/store/faulty"
	"tegami/wire/mime"
)

// indexNow indexes an account's mail.
func (h *house) indexNow(a *mailbox.Account) mailbox.Indexed {
	h.Helper()
	done, err := h.boxes.IndexNow(h.Context(), a.Identity().Tenant(), a.Identity().Account().ID)
	h.must(err)
	return done
}

// candidates asks the index, as "use [seqs] [rest]".
func (h *house) candidates(v *mailbox.View, needles ...string) string {
	h.Helper()
	c, err := v.Candidates(h.Context(), needles)
	h.must(err)
	return fmt.Sprint(c.Use, c.Seqs, c.Rest)
}

func (h *house) put(a *mailbox.Account, path string, letters ...string) {
	h.Helper()
	for _, text := range letters {
		_, err := a.Append(h.Context(), path, []mailbox.Appended{{Upload: h.upload(a, text)}})
		h.must(err)
	}
}

// scribe writes mails of random words in the ways of the world.
type scribe struct{ rng *rand.Rand }

var (
	plainWords = strings.Split("invoice|2026-11-30|Tokyo|request for quotation|at|NDA|[URGENT]|foo_bar|(draft)|12,345", "|")
	kanjiWords = strings.Split("御請求書|について|会議|議事録|東京都|手紙|メールサービス|データベース|ﾃﾞｰﾀ|ｶﾞｽ|ＡＢＣ商事|社外秘|がんばる|ー|、|。|「見積」|～", "|")
	otherWords = strings.Split("🎉|👩‍💻|か\u3099ぞう|Straße|naïve|①|㈱手紙|\u200bzero\u200b|co\u00adop|한국어|Москва|Ａ|e\u0301te\u0301|ﾊﾟﾝ\uff9e", "|")
)

// words makes text; a charset of Japan has not all of them.
func (s scribe) words(n int, all bool) string {
	lists := [][]string{plainWords, kanjiWords, kanjiWords}
	if all {
		lists = append(lists, otherWords)
	}
	var b strings.Builder
	for range n {
		list := lists[s.rng.IntN(len(lists))]
		b.WriteString(list[s.rng.IntN(len(list))])
		b.WriteString([]string{"", "", " ", "\r\n", "　"}[s.rng.IntN(5)])
	}
	return strings.TrimSpace(b.String())
}

// header encodes a value.
func (s scribe) header(text string) string {
	text = strings.NewReplacer("\r\n", " ").Replace(text)
	switch s.rng.IntN(3) {
	case 0:
		return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
	case 1:
		if jis, err := japanese.ISO2022JP.NewEncoder().String(text); err == nil {
			return "=?ISO-2022-JP?B?" + base64.StdEncoding.EncodeToString([]byte(jis)) + "?="
		}
	}
	return text // in UTF-8 as it is
}

// body encodes a text with the header fields that say how.
func (s scribe) body(kind, text string) string {
	head := "Content-Type: " + kind + "; charset="
	sjis, sjisErr := japanese.ShiftJIS.NewEncoder().String(text)
	jis, jisErr := japanese.ISO2022JP.NewEncoder().String(text)
	switch n := s.rng.IntN(6); {
	case n == 0:
		return head + "utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(text)) + "\r\n"
	case n == 1:
		var b strings.Builder
		w := quotedprintable.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return head + "utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b.String() + "\r\n"
	case n == 2 && sjisErr == nil:
		return head + "Shift_JIS\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + sjis + "\r\n"
	case n == 3 && jisErr == nil:
		return head + "ISO-2022-JP\r\n\r\n" + jis + "\r\n"
	}
	return head + "utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + text + "\r\n"
}

// letter writes a mail and gives the texts in it.
func (s scribe) letter() (letter string, texts []string) {
	all := s.rng.IntN(2) == 0
	subject, name, text, shown, file := s.words(3, all), s.words(1, all), s.words(20, all), s.words(8, all), s.words(2, all)
	file = strings.NewReplacer("\r\n", "", " ", "").Replace(file)
	half := len([]rune(shown)) / 2
	html := "<html><head><style>.x{}</style></head><body><p>" + string([]rune(shown)[:half]) + "<b>" + string([]rune(shown)[half:]) + "</b></p></body></html>"
	head := "From: " + s.header(name) + " <sato@alpha.example>\r\nTo: suzuki@alpha.example\r\nSubject: " + s.header(subject) + "\r\nMIME-Version: 1.0\r\n"
	within := s.words(4, all)
	letter = head + "Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n" + s.body("text/plain", text) +
		"\r\n--q\r\n" + s.body("text/html", html) +
		"\r\n--q\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''" + percent(file) + "\r\n\r\nxx\r\n" +
		"--q\r\nContent-Type: message/rfc822\r\n\r\nSubject: " + s.header(within) + "\r\n" + s.body("text/plain", within) + "\r\n--q--\r\n"
	return letter, []string{subject, name, text, shown, file, within, "sato@alpha.example"}
}

func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// needle takes a part of a text and writes it another way.
func (s scribe) needle(text string) string {
	runes := []rune(text)
	from := s.rng.IntN(len(runes))
	part := string(runes[from : from+1+s.rng.IntN(min(12, len(runes)-from))])
	switch s.rng.IntN(8) {
	case 0:
		return mime.Normalize(part)
	case 1:
		return mime.NormalizeTight(part)
	case 2:
		return norm.NFD.String(part)
	case 3:
		return width.Fold.String(part)
	case 4:
		return strings.ToUpper(part)
	case 5:
		return mime.Searchable(part)
	}
	return part
}

// TestCandidatesHaveWhatIsThere: whatever part of a mail is looked for, the index proposes the mail.
func TestCandidatesHaveWhatIsThere(t *testing.T) {
	h, a := one(t)
	s := scribe{rand.New(rand.NewPCG(1, 2))}
	var letters [][]string
	var in []mailbox.Appended
	for range 100 {
		letter, texts := s.letter()
		letters, in = append(letters, texts), append(in, mailbox.Appended{Upload: h.upload(a, letter)})
	}
	_, err := a.Append(t.Context(), "INBOX", in)
	h.must(err)
	h.equal("indexed", h.indexNow(a).Messages, 100)
	v := h.selectBox(a, "INBOX")
	used, proposed := 0, 0
	for i, texts := range letters {
		for range 30 {
			n := 1 + s.rng.IntN(2)
			var needles []string
			for range n {
				if text := texts[s.rng.IntN(len(texts))]; text != "" {
					needles = append(needles, s.needle(text))
				}
			}
			c, err := v.Candidates(t.Context(), needles)
			h.must(err)
			if !c.Use {
				continue
			}
			used++
			proposed += len(c.Seqs)
			if !slices.Contains(c.Seqs, uint32(i+1)) {
				t.Fatalf("%q of message %d %q: not among %v", needles, i+1, texts, c.Seqs)
			}
			if !slices.IsSorted(c.Seqs) || len(c.Rest) > 0 {
				t.Fatal(c)
			}
		}
	}
	if used < 1500 || proposed > used*50 {
		t.Errorf("the index was used %d times and proposed %d messages", used, proposed)
	}
	t.Logf("%d of 3000 searches by the index, %.1f messages proposed each", used, float64(proposed)/float64(used))
}

func TestCandidatesFollowTheMail(t *testing.T) {
	h, a := one(t)
	h.put(a, "INBOX", letter("alpha beta"), letter("alpha gamma"))
	v := h.selectBox(a, "INBOX")
	h.equal("before it is indexed", h.candidates(v, "alpha"), "false [] []")
	h.indexNow(a)
	h.equal("indexed", h.candidates(v, "alpha"), "true [1 2] []")
	h.equal("both needles", h.candidates(v, "alpha", "gamma"), "true [2] []")
	h.equal("nowhere", h.candidates(v, "delta"), "true [] []")
	h.equal("too short", h.candidates(v, "al"), "false [] []")
	h.equal("one too short", h.candidates(v, "al", "gamma"), "true [2] []")
	h.equal("no needle", h.candidates(v), "false [] []")

	h.put(a, "INBOX", letter("alpha delta"))
	h.equal("the view does not know it", h.candidates(v, "delta"), "true [] []")
	h.poll(v, true)
	h.equal("not indexed yet", h.candidates(v, "beta"), "true [1] [3]")
	h.indexNow(a)
	h.equal("indexed too", h.candidates(v, "delta"), "true [3] []")

	_, _, _, err := v.Copy(t.Context(), []uint32{1}, "Archive")
	h.must(err)
	_, _, _, err = v.Move(t.Context(), []uint32{2}, "Archive")
	h.must(err)
	h.poll(v, true)
	archive := h.selectBox(a, "Archive")
	h.indexNow(a)
	h.equal("copied and moved", h.candidates(archive, "alpha"), "true [1 2] []")
	h.equal("moved away", h.candidates(v, "alpha"), "true [1 2] []")
	h.equal("moved away", h.candidates(v, "gamma"), "true [] []")
}

// TestIndexForgets: what is expunged leaves the index, as do mailboxes and accounts that are deleted.
func TestIndexForgets(t *testing.T) {
	h, a := one(t)
	ctx := t.Context()
	_, err := a.Create(ctx, "Old", "")
	h.must(err)
	h.fill(a, "Old", 10)
	h.fill(a, "INBOX", 100)
	h.indexNow(a)
	id := a.Identity()
	docs := func() int {
		size, err := h.boxes.IndexSize(ctx, id.Tenant(), id.Account().ID)
		h.must(err)
		return size.Docs
	}
	h.equal("messages in the index", docs(), 110)
	v := h.selectBox(a, "INBOX")
	_, _, err = v.Store(ctx, seqs(1, 60), mailbox.Add, mail.Deleted, 0)
	h.must(err)
	_, err = v.Expunge(ctx, nil)
	h.must(err)
	h.must(a.Delete(ctx, "Old"))
	h.indexNow(a)
	h.equal("messages left in the index", docs(), 40)
	h.equal("found by their new numbers", h.candidates(v, "Subject: 61"), "true [1] []")

	c := h.dir.Company(id.Tenant())
	_, err = c.AddAccount(ctx, h.operator, directory.AccountSpec{Address: mail.Address{Local: "extra", Domain: "alpha.example"}, Name: "x", Password: password})
	h.must(err)
	b := h.open("extra@alpha.example")
	h.fill(b, "INBOX", 3)
	h.must(h.boxes.Walk(ctx))
	accounts, err := h.store.Tenant(id.Tenant()).Texts().Accounts(ctx)
	h.must(err)
	h.equal("accounts with an index", len(accounts), 2)
	h.destroy(b)
	h.must(h.boxes.Walk(ctx))
	accounts, err = h.store.Tenant(id.Tenant()).Texts().Accounts(ctx)
	h.must(err)
	h.equal("accounts left with an index", accounts, []mail.AccountID{id.Account().ID})
}

// TestIndexWithoutAMessage: a message that cannot be read keeps no other from the index, and every search looks at it.
func TestIndexWithoutAMessage(t *testing.T) {
	h, a := one(t)
	h.put(a, "INBOX", letter("alpha"), letter("beta"), letter("gamma"))
	plan := &faulty.Plan{}
	plan.Fail(faulty.Open, 2, errors.New("a bad disk"))
	failing := mailbox.New(faulty.Wrap(h.store, plan), h.dir, mailbox.Config{})
	id := a.Identity()
	done, err := failing.IndexNow(t.Context(), id.Tenant(), id.Account().ID)
	h.must(err)
	h.equal("indexed", fmt.Sprint(done.Messages, done.Skipped), "3 1")
	v := h.selectBox(a, "INBOX")
	h.equal("found, and what is not known", h.candidates(v, "gamma"), "true [2 3] []")
	h.equal("what is not known", h.candidates(v, "nowhere"), "true [2] []")
	again, err := h.boxes.Reindex(t.Context(), id.Tenant(), id.Account().ID, nil)
	h.must(err)
	h.equal("made anew", fmt.Sprint(again.Messages, again.Skipped), "3 0")
	h.equal("all known", h.candidates(v, "nowhere"), "true [] []")
}

// TestIndexOfAnotherPast: an index that went further than the mail, which came back from a copy, is not believed.
func TestIndexOfAnotherPast(t *testing.T) {
	for name, upto := range map[string]mail.UID{"further": 10, "other messages": 2} {
		t.Run(name, func(t *testing.T) {
			h, a := one(t)
			h.put(a, "INBOX", letter("alpha"), letter("beta"), letter("gamma"))
			v := h.selectBox(a, "INBOX")
			id, box := a.Identity(), v.Folder().ID
			texts := h.store.Tenant(id.Tenant()).Texts()
			h.must(texts.Add(t.Context(), id.Account().ID, store.TextPortion{Mailbox: box, Upto: upto, Email: 12345, Docs: []store.TextDoc{{UID: 1}}}))
			h.equal("not believed", h.candidates(v, "gamma"), "false [] []")
			h.indexNow(a)
			h.equal("made anew", h.candidates(v, "gamma"), "true [3] []")
		})
	}
}

func TestNoIndex(t *testing.T) {
	h := newHouse(t, mailbox.Config{NoTextIndex: true})
	tenant := h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	h.put(a, "INBOX", letter("alpha"))
	h.boxes.Index(t.Context()) // ends at once
	h.equal("not used", h.candidates(h.selectBox(a, "INBOX"), "alpha"), "false [] []")
	_, err := h.boxes.Reindex(t.Context(), tenant, a.Identity().Account().ID, nil)
	h.refused(err, mail.Denied, "text.off")
}

// TestIndexRuns: mail that comes in is indexed without being asked for.
func TestIndexRuns(t *testing.T) {
	h, a := one(t)
	h.put(a, "INBOX", letter("from before"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { h.boxes.Index(ctx) })
	defer running.Wait()
	defer cancel()
	v := h.selectBox(a, "INBOX")
	until := func(want string) {
		for h.candidates(v, "from before") != want {
			if err := ctx.Err(); err != nil {
				t.Fatalf("%v: %s, want %s", err, h.candidates(v, "from before"), want)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	until("true [1] []") // found by looking at all
	h.fill(a, "INBOX", 80)
	h.poll(v, true)
	until("true [1] []") // found because it was noted
}

// TestIndexTogether indexes, searches, delivers and drops at the same time. What is there is always found.
func TestIndexTogether(t *testing.T) {
	h, a := one(t)
	id := a.Identity()
	h.put(a, "INBOX", letter("always here"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	loop := func(n int, fn func() error) {
		group.Go(func() {
			for range n {
				if err := fn(); err != nil && ctx.Err() == nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	loop(30, func() error {
		u, err := a.Stage(ctx, 0)
		if err != nil {
			return err
		}
		defer u.Release()
		if _, err = io.WriteString(u, letter("more")); err == nil {
			_, err = a.Append(ctx, "INBOX", []mailbox.Appended{{Upload: u}})
		}
		return err
	})
	loop(40, func() error {
		_, err := h.boxes.IndexNow(ctx, id.Tenant(), id.Account().ID)
		return err
	})
	loop(10, func() error {
		_, err := h.boxes.Reindex(ctx, id.Tenant(), id.Account().ID, nil)
		return err
	})
	for range 2 {
		v := h.selectBox(a, "INBOX")
		loop(300, func() error {
			c, err := v.Candidates(ctx, []string{"always here"})
			if err == nil && c.Use && !slices.Contains(c.Seqs, 1) && !slices.Contains(c.Rest, 1) {
				err = fmt.Errorf("not found: %+v", c)
			}
			return err
		})
	}
	group.Wait()
	h.must(failed)
	h.indexNow(a)
	v := h.selectBox(a, "INBOX")
	h.equal("at last", h.candidates(v, "always here"), "true [1] []")
	h.equal("messages", v.Len(), 31)
}
