package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

// session is a connection with the mailbox open.
type session struct {
	name string
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	tag  int
}

// patience is how long one command may take.
const patience = 5 * time.Minute

// mailbox is what is filled and read.
const mailbox = "Reading"

// open signs in and makes the mailbox.
func open(s server) (*session, error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	k := &session{name: s.name, conn: c, in: bufio.NewReaderSize(c, 1<<16), out: bufio.NewWriter(c)}
	if _, err := k.in.ReadString('\n'); err != nil {
		return nil, err
	}
	if _, err := k.run("LOGIN " + s.user + " " + s.password); err != nil {
		return nil, err
	}
	_, err = k.run("CREATE " + mailbox)
	return k, err
}

func (k *session) close() { k.conn.Close() }

// run sends a command and gives the untagged lines.
func (k *session) run(command string) (lines []string, err error) {
	if err := k.send(command); err != nil {
		return nil, err
	}
	return k.answer()
}

func (k *session) send(command string) error {
	k.tag++
	k.conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(k.out, "a%d %s\r\n", k.tag, command)
	return k.out.Flush()
}

// answer reads up to the tagged response, which must be OK.
func (k *session) answer() (lines []string, err error) {
	tag := fmt.Sprintf("a%d ", k.tag)
	for {
		line, err := k.in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		rest, tagged := strings.CutPrefix(line, tag)
		switch {
		case tagged && strings.HasPrefix(rest, "OK"):
			return lines, nil
		case tagged:
			return nil, fmt.Errorf("refused: %s", strings.TrimSpace(rest))
		}
		lines = append(lines, line)
	}
}

// count runs a command and counts the numbers in what it found.
func (k *session) count(command string) (found int, err error) {
	lines, err := k.run(command)
	for _, line := range lines {
		for _, verb := range []string{"* SEARCH", "* SORT", "* THREAD"} {
			if rest, ok := strings.CutPrefix(line, verb); ok {
				found += len(strings.FieldsFunc(rest, func(r rune) bool { return r < '0' || r > '9' }))
			}
		}
	}
	return found, err
}

// fill appends n messages, the same for every server, and opens the mailbox.
func (k *session) fill(n int) (took time.Duration, err error) {
	began := time.Now()
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		text := message(rnd, i)
		flags := []string{"", `\Seen`}[rnd.IntN(2)]
		at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour).Format("02-Jan-2006 15:04:05 -0700")
		if err := k.append(flags, at, text); err != nil {
			return 0, err
		}
	}
	took = time.Since(began)
	_, err = k.run("SELECT " + mailbox)
	return took, err
}

func (k *session) append(flags, at, text string) error {
	if err := k.send(fmt.Sprintf("APPEND %s (%s) \"%s\" {%d}", mailbox, flags, at, len(text))); err != nil {
		return err
	}
	if line, err := k.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "+") {
		return fmt.Errorf("APPEND: %v %s", err, line)
	}
	io.WriteString(k.out, text+"\r\n")
	if err := k.out.Flush(); err != nil {
		return err
	}
	_, err := k.answer()
	return err
}

var words = strings.Fields("meeting report budget project schedule customer invoice contract delivery question answer review release server network " +
	"monday tuesday please regards attached document version update change request order product quality team office travel plan")

var japanese = strings.Fields("会議 資料 予算 計画 納品 契約 確認 連絡 お願い 検討 報告 注文 製品 品質 出張 日程 見積 請求 回答 質問")

// message makes the i-th message: a third in Japanese, a third an answer to an earlier one, one in a hundred with a rare word.
func message(rnd *rand.Rand, i int) string {
	subject, body := sentence(rnd, words, " ", 4), ""
	for range 40 + rnd.IntN(40) {
		body += sentence(rnd, words, " ", 12) + ".\r\n"
	}
	if i%3 == 0 {
		subject = sentence(rnd, japanese, "の", 3)
		body = ""
		for range 30 + rnd.IntN(20) {
			body += sentence(rnd, japanese, "を", 8) + "。\r\n"
		}
	}
	if i%100 == 50 {
		subject, body = subject+" zebrafish", body+"a zebrafish, and 稟議書\r\n"
	}
	b := fmt.Sprintf("Message-ID: <%d.bench@example.org>\r\nFrom: \"Person %d\" <person%d@example.org>\r\nTo: user@example.org\r\n", i, i%150, i%150)
	if i > 10 && rnd.IntN(3) == 0 {
		parent := i - 1 - rnd.IntN(10)
		b += fmt.Sprintf("In-Reply-To: <%d.bench@example.org>\r\nReferences: <%d.bench@example.org>\r\n", parent, parent)
		subject = "Re: " + subject
	}
	date := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*time.Hour - time.Duration(rnd.IntN(7200))*time.Second)
	return b + "Date: " + date.Format(time.RFC1123Z) + "\r\nSubject: =?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(subject)) +
		"?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body
}

func sentence(rnd *rand.Rand, from []string, between string, n int) string {
	picked := make([]string, n)
	for i := range picked {
		picked[i] = from[rnd.IntN(len(from))]
	}
	return strings.Join(picked, between)
}
