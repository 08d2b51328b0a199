package imapd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"tegami/lab/archives"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/mime"
)

// open signs a user in and opens the account.
func (h *house) open(t testing.TB, user string) *mailbox.Account {
	t.Helper()
	id, err := h.dir.SignIn(context.Background(), mail.Origin{Door: "imap"}, "imap", user, password)
	if err != nil {
		t.Fatal(err)
	}
	account, err := h.boxes.Open(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// put appends messages to a user's inbox.
func (h *house) put(t testing.TB, user string, messages [][]byte) {
	t.Helper()
	ctx, account := context.Background(), h.open(t, user)
	for part := range slices.Chunk(messages, 10) {
		var in []mailbox.Appended
		for _, raw := range part {
			up, err := account.Stage(ctx, int64(len(raw)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := up.Write(raw); err != nil {
				t.Fatal(err)
			}
			in = append(in, mailbox.Appended{Upload: up})
		}
		if _, err := account.Append(ctx, "INBOX", in); err != nil {
			t.Fatal(err)
		}
		for _, a := range in {
			a.Release()
		}
	}
}

// index makes the full-text index of a user's account.
func (h *house) index(t testing.TB, user string) {
	t.Helper()
	id := h.open(t, user).Identity()
	done, err := h.boxes.Reindex(context.Background(), id.Tenant(), id.Account().ID, nil)
	if err != nil || done.Messages == 0 {
		t.Fatal(done, err)
	}
}

// numbers sends a search and gives what it found.
func (c *client) numbers(t testing.TB, command string) (found []int) {
	t.Helper()
	fmt.Fprintf(c, "t %s\r\n", command)
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			t.Fatal(command, err)
		}
		if rest, ok := strings.CutPrefix(line, "* SEARCH"); ok {
			for _, word := range strings.Fields(rest) {
				n, err := strconv.Atoi(word)
				if err != nil {
					t.Fatal(line)
				}
				found = append(found, n)
			}
		}
		if strings.HasPrefix(line, "t ") {
			if !strings.HasPrefix(line, "t OK") {
				t.Fatalf("%s: %s", command, line)
			}
			return found
		}
	}
}

// wildMail gives messages that others wrote, without those that are too large for a test.
func wildMail(t testing.TB) (all [][]byte) {
	for _, name := range []string{"mime-rspamd", "mime-mimekit", "mime-mailparser-stalwart", "mox-messages", "mime-gmime", "mime-cyrus"} {
		err := filepath.WalkDir(archives.Unpack(t, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil || len(raw) > 200<<10 {
				return err
			}
			if strings.HasSuffix(path, ".eml") || strings.HasSuffix(path, ".txt") {
				all = append(all, bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n")))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d messages", len(all))
	}
	return all
}

// japanese writes a message in a charset and a form of its own.
func japanese(rng *rand.Rand, n int) []byte {
	words := strings.Split("社外秘 御見積書 佐藤 花子 会議室 第3四半期 ﾃﾞｰﾀ ＴＥＧＡＭＩ 添付 ご確認 お願い致します 〜 東京都 Re: alpha Straße 議事録 ㈱手紙 9:30〜10:15 １２３ か\u3099く", " ")
	var text strings.Builder
	for range 40 {
		text.WriteString(words[rng.IntN(len(words))])
		text.WriteString([]string{"", "", " ", "、", "\r\n", "。\r\n", "　"}[rng.IntN(7)])
	}
	charset := []string{"utf-8", "iso-2022-jp", "shift_jis", "utf-8"}[n%4]
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: =?utf-8?b?5L2Q6Jek?= <sato%d@alpha.example>\r\nSubject: %s\r\nMIME-Version: 1.0\r\n", n%7,
		mime.EncodeHeader(words[rng.IntN(len(words))]+"の件 "+words[rng.IntN(len(words))], charset))
	body := text.String()
	if n%5 == 0 {
		body = "<html><style>p { color: red }</style><p>" + strings.ReplaceAll(body, "社外", "社<b>外</b>") + "</p><a href=\"https://beta.example/" + strconv.Itoa(n) + "\">x</a></html>"
		fmt.Fprintf(&b, "Content-Type: text/html; charset=%s\r\n\r\n", "utf-8")
		b.WriteString(body)
		return b.Bytes()
	}
	encoded, name, encoding := mime.EncodeText(body, charset)
	fmt.Fprintf(&b, "Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n%s", name, encoding, encoded)
	return b.Bytes()
}

// shownText is all that a reader sees of a message's texts.
func shownText(t testing.TB, raw []byte) string {
	m := mime.ParseBytes(raw, mime.Limits{})
	var all strings.Builder
	m.Root.Walk(func(p *mime.Part) bool {
		if p.IsText() {
			var content io.Reader = mime.TextReader(p, mime.DecodedReader(p, bytes.NewReader(raw[p.BodyStart:p.BodyEnd])))
			if p.Subtype == "html" {
				content = mime.HTMLText(content)
			}
			text, err := io.ReadAll(content)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
			all.WriteString("\x00")
		}
		return true
	})
	return all.String()
}

// cutWord takes some characters out of a text, none of them a control character.
func cutWord(rng *rand.Rand, text string) string {
	runes := []rune(text)
	for range 20 {
		if len(runes) == 0 {
			return ""
		}
		from := rng.IntN(len(runes))
		to := min(from+1+rng.IntN(9), len(runes))
		word := string(runes[from:to])
		if utf8.ValidString(word) && !strings.ContainsFunc(word, func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' || r == utf8.RuneError }) &&
			mime.Searchable(word) != "" && strings.Contains(mime.Searchable(text), mime.Searchable(word)) {
			return word
		}
	}
	return ""
}

// disguise writes a word in another way that means the same to a search.
func disguise(rng *rand.Rand, word string) string {
	switch rng.IntN(5) {
	case 0:
		return strings.ToUpper(word)
	case 1:
		return strings.Map(func(r rune) rune { // full width
			if '!' <= r && r <= '~' {
				return r - '!' + '！'
			}
			return r
		}, word)
	case 2:
		return strings.ReplaceAll(word, "\r\n", " ")
	}
	return word
}

// TestT11SearchWithIndex: what the full-text index proposes and what is found without it is the same, for random words of real
// mail and of Japanese mail; and each word is found in the message that has it, however it is written there.
func TestT11SearchWithIndex(t *testing.T) {
	h := newHouse(t)
	plain := &house{store: h.store, dir: h.dir, boxes: mailbox.New(h.store, h.dir, mailbox.Config{NoTextIndex: true}), company: h.company, admin: h.admin}
	with, without := dial(t, h.door(t, Config{AllowPlainAuth: true})), dial(t, plain.door(t, Config{AllowPlainAuth: true}))
	user := h.user(t, "alpha.example")
	messages := wildMail(t)
	rng := rand.New(rand.NewPCG(5256, 5267))
	for n := range 120 {
		messages = append(messages, japanese(rng, n))
	}
	h.put(t, user, messages)
	h.index(t, user)
	for _, c := range []*client{with, without} {
		defer c.Close()
		c.do(t, "LOGIN "+user+" \""+password+"\"")
		c.do(t, "SELECT INBOX")
	}
	literal := func(s string) string { return fmt.Sprintf("{%d+}\r\n%s", len(s), s) }
	same := func(key string) []int {
		t.Helper()
		a, b := with.numbers(t, "SEARCH CHARSET UTF-8 "+key), without.numbers(t, "SEARCH CHARSET UTF-8 "+key)
		if !slices.Equal(a, b) {
			t.Errorf("%q: with index %v, without %v", key, a, b)
		}
		return b
	}
	found := 0
	for range 100 {
		seq := rng.IntN(len(messages))
		raw := messages[seq]
		word := cutWord(rng, shownText(t, raw))
		if word == "" {
			continue
		}
		key := []string{"BODY ", "TEXT "}[rng.IntN(2)]
		if hits := same(key + literal(disguise(rng, word))); !slices.Contains(hits, seq+1) {
			t.Errorf("%s%q is not found in message %d: %v", key, word, seq+1, hits)
		}
		found++
		header := mime.ParseBytes(raw, mime.Limits{}).Root.Envelope
		if word := cutWord(rng, header.SubjectText()); word != "" {
			if hits := same("SUBJECT " + literal(disguise(rng, word))); !slices.Contains(hits, seq+1) {
				t.Errorf("SUBJECT %q is not found in message %d: %v", word, seq+1, hits)
			}
			same("HEADER Subject " + literal(word) + " FUZZY TEXT " + literal(word))
		}
		if len(header.From) > 0 {
			a := header.From[0]
			if word := cutWord(rng, a.Name()+" <"+a.Local+"@"+a.Domain+">"); word != "" {
				same("FROM " + literal(disguise(rng, word)))
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d words", found)
	}
}
