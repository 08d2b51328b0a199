package internet

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"tegami/lab/platform"
)

// patience is how long anything in this internet may take.
const patience = 30 * time.Second

// poll waits until something holds.
func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(25 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// letter writes a message. Its subject is how it is found again.
func letter(from, to, subject string) string {
	return fmt.Sprintf("From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s.%d@lab.example>\r\n\r\nThis is %s.\r\n.\r\nEnd.\r\n",
		from, to, subject, time.Now().Format(time.RFC1123Z), subject, time.Now().UnixNano(), subject)
}

// submit sends a letter from an account of a platform by SMTPS.
func (w *world) submit(t *testing.T, from, to, subject string) {
	t.Helper()
	host, ip := w.hostOf(t, from)
	conn, err := tls.Dial("tcp", at(ip, w.port+1), w.trusting(t, host))
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtp.NewClient(conn, "localhost")
	if err == nil {
		err = c.Auth(smtp.PlainAuth("", from, password, "localhost"))
	}
	if err == nil {
		err = send(c, from, to, letter(from, to, subject))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// post lets Postfix send a message.
func (w *world) post(t *testing.T, from, to, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", at(gammaIP, w.port))
	if err != nil {
		t.Fatal(err)
	}
	c, err := smtp.NewClient(conn, "localhost")
	if err == nil {
		err = send(c, from, to, text)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// send sends one message and closes the connection.
func send(c *smtp.Client, from, to, text string) error {
	defer c.Close()
	if err := c.Mail(from); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	data, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write([]byte(text)); err != nil {
		return err
	}
	if err := data.Close(); err != nil {
		return err
	}
	return c.Quit()
}

// hostOf finds the platform of an address.
func (w *world) hostOf(t *testing.T, address string) (*platform.Server, string) {
	t.Helper()
	switch _, domain, _ := strings.Cut(address, "@"); domain {
	case "alpha.example":
		return w.alpha, alphaIP
	case "beta.example":
		return w.beta, betaIP
	case "delta.example":
		return w.delta, deltaIP
	}
	t.Fatalf("nobody has %s", address)
	return nil, ""
}

// trusting trusts a platform's own authority. delta has a certificate of the lab's for other names: only the authority counts.
func (w *world) trusting(t *testing.T, host *platform.Server) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	file, name := host.Authority(), "localhost"
	if host == w.delta {
		file, name = w.ca.file, "mta-sts.delta.example"
	}
	text, err := os.ReadFile(file)
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatalf("%s: no certificate: %v", file, err)
	}
	return &tls.Config{RootCAs: roots, ServerName: name}
}

// box reads a whole inbox.
func (w *world) box(t *testing.T, address string) (messages [][]byte) {
	t.Helper()
	host, ip := w.hostOf(t, address)
	c, err := imapclient.DialTLS(at(ip, w.port+2), &imapclient.Options{TLSConfig: w.trusting(t, host)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(address, password).Wait(); err != nil {
		t.Fatal(err)
	}
	selected, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if selected.NumMessages == 0 {
		return nil
	}
	whole := &imap.FetchItemBodySection{Peek: true}
	found, err := c.Fetch(imap.SeqSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{whole}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range found {
		messages = append(messages, one.FindBodySection(whole))
	}
	return messages
}

// message is one that arrived.
type message struct {
	raw    []byte
	header mail.Header
	body   *mail.Message
}

func parse(t *testing.T, raw []byte) *message {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	return &message{raw, m.Header, m}
}

// arrived waits for a message in an inbox, at a platform or at Postfix.
func (w *world) arrived(t *testing.T, address, what string, is func(*message) bool) (found *message) {
	t.Helper()
	var seen []string
	defer func() {
		if found == nil {
			t.Logf("%s has:\n%s", address, strings.Join(seen, "\n---\n"))
		}
	}()
	poll(t, what+" comes to "+address, func() bool {
		seen = nil
		for _, raw := range w.inbox(t, address) {
			seen = append(seen, string(raw))
			if m := parse(t, raw); is(m) {
				found = m
			}
		}
		return found != nil
	})
	return found
}

// inbox gives all messages of an address.
func (w *world) inbox(t *testing.T, address string) (all [][]byte) {
	t.Helper()
	if !strings.HasSuffix(address, "@gamma.example") && !strings.HasSuffix(address, "@epsilon.example") {
		return w.box(t, address)
	}
	for _, name := range w.gamma.files(t, address) {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw)
	}
	return all
}

// subject looks for a message by its subject.
func subject(s string) func(*message) bool {
	return func(m *message) bool { return m.header.Get("Subject") == s }
}

// bounce looks for a delivery status notification.
func bounce(m *message) bool {
	return strings.Contains(strings.ToLower(m.header.Get("Content-Type")), "multipart/report")
}

// holds wants texts in a header field, whatever field of that name it is.
func (m *message) holds(t *testing.T, field string, texts ...string) {
	t.Helper()
	values := strings.Join(m.header[field], "\n")
	for _, text := range texts {
		if !strings.Contains(values, text) {
			t.Errorf("no %q in the fields %s:\n%s\nof\n%s", text, field, values, m.raw)
		}
	}
}
