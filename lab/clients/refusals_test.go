package clients

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2/imapclient"

	"tegami/lab/platform"
	"tegami/mail"
)

// fullBox is an account of the demo's second company whose box the test fills.
const fullBox = "user0@beta.example"

// TestML7ToML9AndSV5Refusals lets swaks, and curl where swaks lacks a parameter, run into each refusal, and compares the code that the
// program saw.
func TestML7ToML9AndSV5Refusals(t *testing.T) {
	need(t, "swaks")
	need(t, "curl")
	p := demo(t)
	fill100MB(t, p)
	smtp := []string{"swaks", "--server", p.Demo.SMTP}
	smtps := []string{"swaks", "--server", "localhost:" + port(t, p.Demo.SMTPS), "--tls-on-connect", "--tls-verify", "--tls-ca-path", p.Demo.CA}
	as := func(user string) []string {
		return append(smtps[:len(smtps):len(smtps)], "--auth", "PLAIN", "--auth-user", user, "--auth-password", platform.Password, "--from", user)
	}
	over, largest := write(t, "over.eml", message(mail.MaxMessageSize+1)), write(t, "largest.eml", message(mail.MaxMessageSize))
	for name, c := range map[string]struct {
		program []string
		args    []string
		want    string // the code of the refusal; "" = there is none
		exit    int    // of swaks: 23 MAIL, 24 all RCPT, 26 the content; of curl: 55 at MAIL
	}{
		"ML-7 relaying on 25":                  {smtp, []string{"--from", "out@example.org", "--to", "else@example.net"}, "550 5.7.1", 24},
		"ML-7 relaying on 25 as one of us":     {smtp, []string{"--from", platform.User(11), "--to", "else@example.net"}, "550 5.7.1", 24},
		"ML-7 465 without AUTH":                {smtps, []string{"--from", platform.User(11), "--to", platform.User(12)}, "530 5.7.0", 23},
		"ML-8 too many recipients":             {as(platform.User(11)), []string{"--to", strangers(mail.MaxRecipients + 1), "--quit-after", "RCPT"}, "452 4.5.3", 0},
		"ML-9 too large by its content on 25":  {smtp, []string{"--from", "out@example.org", "--to", platform.User(12), "--data", "@" + over}, "552 5.3.4", 26},
		"ML-9 too large by its content on 465": {as(platform.User(11)), []string{"--to", platform.User(12), "--data", "@" + over}, "552 5.3.4", 26},
		"ML-8 as many as may be":               {as(platform.User(11)), []string{"--to", strangers(mail.MaxRecipients), "--quit-after", "RCPT"}, "", 0},
		"ML-9 as large as may be": {[]string{"curl", "-v", "-sS", "--mail-from", "out@example.org", "--mail-rcpt", platform.User(13)},
			[]string{"-T", largest, "smtp://" + p.Demo.SMTP}, "", 0},
		"ML-9 too large by SIZE": {[]string{"curl", "-v", "-sS", "--mail-from", "out@example.org", "--mail-rcpt", platform.User(12)},
			[]string{"-T", over, "smtp://" + p.Demo.SMTP}, "552 5.3.4", 55},
		"SV-5 the recipient's box is full": {smtp, []string{"--from", "out@example.org", "--to", fullBox}, "552 5.2.2", 24},
		"SV-5 the sender's box is full":    {as(fullBox), []string{"--to", platform.User(12)}, "552 5.2.2", 23},
	} {
		t.Run(name, func(t *testing.T) {
			command := append(c.program[:len(c.program):len(c.program)], c.args...)
			out, err := try(t, "", command[0], command[1:]...)
			got := refusals(out)
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
				t.Errorf("refused with %q, want %q\n%s", got, c.want, tail(out))
			}
			exit := 0
			if e, ok := err.(*exec.ExitError); ok {
				exit = e.ExitCode()
			}
			if exit != c.exit {
				t.Errorf("%s ended with %v, want exit status %d", command[0], err, c.exit)
			}
		})
	}
}

// refused matches a 4xx or 5xx reply, as swaks and curl show it.
var refused = regexp.MustCompile(`(?m)^<(?:[*~]\*)? +([45]\d\d [45]\.\d+\.\d+.*?)\r?$`)

// refusals gives the refusals a program saw.
func refusals(out string) (all []string) {
	for _, m := range refused.FindAllStringSubmatch(out, -1) {
		all = append(all, m[1])
	}
	return all
}

// tail is the end of a program's output.
func tail(out string) string { return out[max(0, len(out)-2000):] }

// strangers is n addresses of another host.
func strangers(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("u%d@example.net", i)
	}
	return strings.Join(list, ",")
}

// message is a message of n octets as SMTP counts them.
func message(n int) string {
	const head = "From: <out@example.org>\r\nSubject: large\r\n\r\n"
	line := strings.Repeat("x", 98) + "\r\n"
	text := head + strings.Repeat(line, n/len(line))
	if len(text) >= n {
		text = text[:n-2]
	} else {
		text += strings.Repeat("y", n-len(text)-2)
	}
	return text + "\r\n"
}

// fill100MB fills fullBox to its last octet.
func fill100MB(t *testing.T, p *platform.Platform) {
	t.Helper()
	out, err := exec.Command(platform.Binary(t), "admin", "--data", p.Dir, "domain", "set", "beta.example", "--plan", "100MB").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c, err := imapclient.DialInsecure(p.Demo.IMAP, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(fullBox, platform.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	for left := int(mail.Plan100MB); left > 0; {
		text := message(min(left, mail.MaxMessageSize))
		left -= len(text)
		cmd := c.Append("INBOX", int64(len(text)), nil)
		if _, err := cmd.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.Wait(); err != nil {
			t.Fatalf("%d octets before the box is full: %v", left, err)
		}
	}
}
