package idle

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tegami/lab/platform"
)

// patience is how long a response may take.
const patience = 30 * time.Second

// number gives a setting from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// conn is a connection that is spoken with line by line.
type conn struct {
	net.Conn
	in *bufio.Reader
}

func dial(addr string, secure bool) (*conn, error) {
	var c net.Conn
	var err error
	if secure {
		c, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	} else {
		c, err = net.Dial("tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReaderSize(c, 1024)}, nil
}

// until sends text and reads up to a line that begins with want.
func (c *conn) until(text, want string) error {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte(text)); err != nil {
		return err
	}
	for {
		line, err := c.in.ReadString('\n')
		switch {
		case err != nil:
			return fmt.Errorf("waiting for %q: %w", want, err)
		case strings.HasPrefix(line, want):
			return nil
		}
	}
}

// wait opens a connection in IDLE.
func wait(addr, user string, secure bool) (*conn, error) {
	c, err := dial(addr, secure)
	if err != nil {
		return nil, err
	}
	for _, step := range [][2]string{
		{"", "* OK "}, {"a LOGIN " + user + " " + platform.Password + "\r\n", "a OK"}, {"b SELECT INBOX\r\n", "b OK"}, {"c IDLE\r\n", "+ "},
	} {
		if err := c.until(step[0], step[1]); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// crowd opens connections in IDLE, several at a time, each of an account from the first on. They end with the test.
func crowd(t *testing.T, p *platform.Platform, n, first, accounts int, secure bool) {
	t.Helper()
	addr := p.Demo.IMAP
	if secure {
		addr = p.Demo.IMAPS
	}
	var all sync.WaitGroup
	places := make(chan int)
	for range 16 {
		all.Go(func() {
			for i := range places {
				c, err := wait(addr, platform.User(first+i%accounts), secure)
				if err != nil {
					t.Error(err)
					continue
				}
				t.Cleanup(func() { c.Close() })
			}
		})
	}
	for i := range n {
		places <- i
	}
	close(places)
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// letters sends mail over one SMTP connection.
func letters(t *testing.T, p *platform.Platform) *conn {
	t.Helper()
	c, err := dial(p.Demo.SMTP, false)
	if err == nil {
		err = c.until("", "220 ")
	}
	if err == nil {
		err = c.until("EHLO client.example.net\r\n", "250 ")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestIDLEIsToldAtOnce: from the 250 to the untagged EXISTS. The figure is printed; that each message is told is tested.
func TestIDLEIsToldAtOnce(t *testing.T) {
	mails, others := number(t, "TEGAMI_IDLE_MAILS", 20), number(t, "TEGAMI_IDLE_OTHERS", 20)
	accounts := min(others, 200)
	p := platform.Start(t, accounts+1)
	crowd(t, p, others, 1, accounts, false)
	idler, err := wait(p.Demo.IMAP, platform.User(0), false)
	if err != nil {
		t.Fatal(err)
	}
	defer idler.Close()
	smtp := letters(t, p)
	took := make([]time.Duration, 0, mails)
	for i := range mails {
		heard := make(chan error, 1)
		var at time.Time
		go func() {
			err := idler.until("", fmt.Sprintf("* %d EXISTS", i+1))
			at = time.Now()
			heard <- err
		}()
		send(t, smtp, platform.User(0), i)
		accepted := time.Now()
		if err := <-heard; err != nil {
			t.Fatal(err)
		}
		took = append(took, at.Sub(accepted))
	}
	slices.Sort(took)
	t.Logf("250 to EXISTS, %d messages, %d others in IDLE: median %v, 99th of 100 %v, longest %v",
		mails, others, took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
}

func send(t *testing.T, smtp *conn, to string, n int) {
	t.Helper()
	for _, step := range [][2]string{
		{"MAIL FROM:<sender@example.net>\r\n", "250 "}, {"RCPT TO:<" + to + ">\r\n", "250 "}, {"DATA\r\n", "354 "},
		{fmt.Sprintf("From: sender@example.net\r\nTo: %s\r\nSubject: %d\r\n\r\nHello.\r\n.\r\n", to, n), "250 "},
	} {
		if err := smtp.until(step[0], step[1]); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyIdle: the server's memory with many connections in IDLE. The figure is printed; that all are served is tested.
func TestManyIdle(t *testing.T) {
	n, secure := number(t, "TEGAMI_IDLE_CONNECTIONS", 100), os.Getenv("TEGAMI_IDLE_TLS") != ""
	accounts := max(1, min(n/10, 200))
	p := platform.Start(t, accounts)
	crowd(t, p, accounts, 0, accounts, secure) // all accounts have signed in once, their boxes are known
	before := resident(t, p)
	crowd(t, p, n-accounts, 0, accounts, secure)
	after := resident(t, p)
	t.Logf("%d connections in IDLE (TLS %v) of %d accounts: %.0f MB in all, %.1f KB each above the first %d",
		n, secure, accounts, float64(after)/1e6, float64(after-before)/1e3/float64(max(n-accounts, 1)), accounts)
}

// resident lets the server come to rest and gives its memory.
func resident(t *testing.T, p *platform.Platform) int64 {
	t.Helper()
	least := int64(0)
	for range 3 {
		time.Sleep(time.Second)
		now, err := p.Resident()
		if err != nil {
			t.Fatal(err)
		}
		if least == 0 || now < least {
			least = now
		}
	}
	return least
}
