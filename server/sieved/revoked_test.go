package sieved

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// TestRevokedPassword: a changed password ends the session that waits, in words.
func TestRevokedPassword(t *testing.T) {
	h := newHouse(t)
	conn, err := net.Dial("tcp", h.open(t, func(c *Config) { c.AllowPlainAuth, c.Limits.Sweep = true, 20*time.Millisecond }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(conn)
	ok := func() {
		t.Helper()
		for line := ""; !strings.HasPrefix(line, "OK"); {
			if line, err = in.ReadString('\n'); err != nil || strings.HasPrefix(line, "NO") {
				t.Fatal(line, err)
			}
		}
	}
	ok()
	fmt.Fprintf(conn, "AUTHENTICATE \"PLAIN\" \"%s\"\r\n", base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)))
	ok()
	address, _ := mail.ParseAddress(user)
	target, err := h.dir.Resolve(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	company := h.dir.Company(target.Tenant)
	if err := company.SetPassword(t.Context(), directory.Operator("test", ""), target.Account.ID, "another good password"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(in); err != nil || !strings.HasPrefix(string(rest), "BYE") || !strings.Contains(string(rest), "The password this session signed in with") {
		t.Errorf("%q, %v", rest, err)
	}
}
