// Package filter sends mail that is unwanted or harmful through the real program, and looks at what comes out of it: in the boxes, in
// the replies of SMTP, and in the notices.
package filter

import (
	"archive/zip"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"tegami/lab/platform"
	"tegami/wire/mime"
)

// eicar is the test file of virus engines, in pieces, so that this file is none. gtube is that of spam filters.
const (
	eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
)

// send sends a message; signed in as from where that is an account here. It gives the error of the reply to its end.
func send(t *testing.T, p *platform.Platform, from, to, text string) error {
	t.Helper()
	var conn net.Conn
	var err error
	inside := strings.HasSuffix(from, "@alpha.example")
	if inside {
		conn, err = tls.Dial("tcp", p.Demo.SMTPS, &tls.Config{InsecureSkipVerify: true}) // its own certificate; TLS is tested elsewhere
	} else {
		conn, err = net.Dial("tcp", p.Demo.SMTP)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if inside {
		if err := c.Auth(smtp.PlainAuth("", from, platform.Password, "localhost")); err != nil {
			t.Fatal(err)
		}
	}
	if err = c.Mail(from); err == nil {
		err = c.Rcpt(to)
	}
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(w, "From: <%s>\r\nTo: <%s>\r\nDate: Mon, 23 Nov 2026 09:30:00 +0900\r\n%s", from, to, text)
	return w.Close()
}

// box reads all of an account's inbox, once it has so many messages.
func box(t *testing.T, p *platform.Platform, account string, messages int) (list []string) {
	t.Helper()
	c, err := imapclient.DialInsecure(p.Demo.IMAP, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(account, platform.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		at, err := c.Select("INBOX", nil).Wait()
		if err != nil {
			t.Fatal(err)
		}
		if int(at.NumMessages) >= messages {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s has %d messages; %d were waited for", account, at.NumMessages, messages)
		}
	}
	if messages == 0 {
		return nil
	}
	var all imap.SeqSet
	all.AddRange(1, 0)
	found, err := c.Fetch(all, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{{Peek: true}}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range found {
		for _, section := range m.BodySection {
			list = append(list, string(section.Bytes))
		}
	}
	return list
}

// texts gives the subject and all text of a message, decoded.
func texts(t *testing.T, message string) string {
	t.Helper()
	subject, _ := mime.Header(message).Lookup("Subject")
	out := mime.DecodeHeader(subject) + "\n"
	at := strings.NewReader(message)
	mime.ParseBytes([]byte(message), mime.Limits{}).Root.Walk(func(p *mime.Part) bool {
		if p.IsText() {
			text, err := io.ReadAll(mime.DecodedReader(p, io.NewSectionReader(at, p.BodyStart, p.BodyEnd-p.BodyStart)))
			if err != nil {
				t.Error(err)
			}
			out += string(text) + "\n"
		}
		return true
	})
	return out
}

// withFile is a message of a text and a file, from the Subject on.
func withFile(name, content string) string {
	return "Subject: =?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte("お見積書")) + "?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n" +
		"--b\r\nContent-Type: application/octet-stream; name=\"" + name + "\"\r\nContent-Disposition: attachment; filename=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(content)) + "\r\n--b--\r\n"
}

// holds tells that texts have some words.
func holds(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s: %q is not in\n%s", what, w, text)
		}
	}
}

// TestVC3Inbound: harmful mail from outside by SMTP. A virus in the text: the message is deleted; in a file: a note stands in its place; the
// recipient and the administrators get a warning, and nobody outside does.
func TestVC3Inbound(t *testing.T) {
	p := platform.Start(t, 4)
	for _, text := range []string{"Subject: x\r\n\r\n" + eicar + "\r\n", withFile("kenkyu.com", eicar)} {
		if err := send(t, p, "abe@outside.example", platform.User(2), text); err != nil {
			t.Fatal(err)
		}
	}
	var warnings int
	for _, m := range box(t, p, platform.User(2), 3) {
		text := texts(t, m)
		if strings.Contains(m, "abe@outside.example") && strings.Contains(m, "Content-Type: multipart/mixed; boundary=b") {
			holds(t, "the message", text, "お見積書", "see the file", "EICAR", "kenkyu.com")
			holds(t, "the name of the note", m, "filename*")
			continue
		}
		warnings++
		holds(t, "the warning", text, "【警告】受信メールからウイルスを検出しました", "EICAR")
		if strings.Contains(text, "kenkyu.com") {
			holds(t, "the warning of the file", text, "お見積書")
		} else {
			holds(t, "the warning of the body", text, "mail body")
		}
		holds(t, "the warning", m, "Auto-Submitted: auto-generated")
	}
	if warnings != 2 {
		t.Errorf("%d warnings", warnings)
	}
	admin := box(t, p, platform.User(0), 2) // postmaster@ is the first administrator's
	holds(t, "the administrator's warning", texts(t, admin[0]), "【管理者通知】ウイルス検出(受信)", platform.User(2))
}

// TestVC1Archive: a virus in an archive in an archive, which only taking it apart shows (no engine is asked here): a note stands in its place, and it
// is not sent.
func TestVC1Archive(t *testing.T) {
	p := platform.Start(t, 4)
	archive := zipped(t, "inner.7z.zip", zipped(t, "kenkyu.com", eicar))
	if err := send(t, p, "abe@outside.example", platform.User(2), withFile("shiryo.zip", archive)); err != nil {
		t.Fatal(err)
	}
	for _, m := range box(t, p, platform.User(2), 2) {
		holds(t, "the message or the warning", texts(t, m), "EICAR", "shiryo.zip")
	}
	var reply *textproto.Error
	if err := send(t, p, platform.User(2), platform.User(3), withFile("shiryo.zip", archive)); !errors.As(err, &reply) || reply.Code != 554 {
		t.Errorf("the reply is %v", err)
	}
	box(t, p, platform.User(3), 0)
}

// zipped is an archive of one file.
func zipped(t *testing.T, name, content string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = io.WriteString(f, content)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestVC2Outbound: somebody of ours sends a virus: SMTP says no and which, nothing leaves, he and the administrators are warned.
func TestVC2Outbound(t *testing.T) {
	p := platform.Start(t, 4)
	var reply *textproto.Error
	if err := send(t, p, platform.User(2), platform.User(3), withFile("a.com", eicar)); !errors.As(err, &reply) || reply.Code != 554 || !strings.HasPrefix(reply.Msg, "5.7.1 Message refused: virus detected (EICAR") {
		t.Errorf("the reply is %v", err)
	}
	holds(t, "the sender's warning", texts(t, box(t, p, platform.User(2), 1)[0]), "【警告】送信メールからウイルスを検出したため送信を中止しました", "EICAR", "a.com", platform.User(3))
	holds(t, "the administrator's warning", texts(t, box(t, p, platform.User(0), 1)[0]), "【管理者通知】ウイルス検出(送信)", platform.User(2))
	box(t, p, platform.User(3), 0)
}

// TestSF1GTUBE: the line by which filters are tried is spam for sure: by default it has [SPAM!!] in the subject, from outside and among colleagues (SF-3).
func TestSF1GTUBE(t *testing.T) {
	p := platform.Start(t, 4)
	for _, from := range []string{"abe@outside.example", platform.User(1)} {
		if err := send(t, p, from, platform.User(2), "Subject: =?ISO-2022-JP?B?GyRCOCtAURsoQg==?=\r\n\r\n"+gtube+"\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range box(t, p, platform.User(2), 2) {
		holds(t, "the message", m, "X-EM-Spam-Check: 100.00%\r\n", "Subject: [SPAM!!] =?ISO-2022-JP?B?GyRCOCtAURsoQg==?=\r\n")
	}
}
