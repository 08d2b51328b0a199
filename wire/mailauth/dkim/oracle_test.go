package dkim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// A python is dkimpy behind a pipe.
type python struct {
	t  *testing.T
	to *json.Encoder
	in *json.Decoder
}

// dkimpy starts dkimpy, or skips the test.
func dkimpy(t *testing.T) *python {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import dkim, nacl, authres").Run() != nil {
			continue
		}
		cmd := exec.Command(name, "testdata/dkimpy.py")
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		to, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		from, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			to.Close()
			if err := cmd.Wait(); err != nil {
				t.Errorf("dkimpy: %v\n%s", err, &complaints)
			}
		})
		return &python{t, json.NewEncoder(to), json.NewDecoder(from)}
	}
	t.Skip("dkimpy (Debian: python3-dkim, python3-nacl, python3-authres) is not installed")
	return nil
}

// do asks one question.
func (p *python) do(question map[string]any, answer any) {
	p.t.Helper()
	if err := p.to.Encode(question); err != nil {
		p.t.Fatal(err)
	}
	if err := p.in.Decode(answer); err != nil {
		p.t.Fatal(err)
	}
}

// privateText is a private key as dkimpy and opendkim want it.
func privateText(k Key) string {
	switch s := k.Signer.(type) {
	case *rsa.PrivateKey:
		return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(s)}))
	case ed25519.PrivateKey:
		return base64.StdEncoding.EncodeToString(s.Seed())
	}
	return ""
}

// oracleMessages are messages on which implementations differ if they differ.
func oracleMessages() map[string]string {
	const from = "From: A <a@example.org>\r\nTo: b@example.com\r\n"
	return map[string]string{
		"plain":           from + "Subject: Hello\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.org>\r\n\r\nHello\r\nworld\r\n",
		"folded":          from + "Subject: a \t b\r\n\tc  \r\n   d\r\nList-Unsubscribe:\r\n <https://example.org/>\r\n\r\n Hello \t world \r\n\t\r\nx  \r\n",
		"no final CRLF":   from + "\r\nHello",
		"empty lines":     from + "\r\n\r\nHello\r\n\r\n\r\n",
		"no body":         from + "\r\n",
		"only lines":      from + "\r\n\r\n\r\n",
		"two To":          "To: c@example.com\r\nSubject: 1\r\n" + from + "Subject: 2\r\n\r\nx\r\n",
		"8-bit":           from + "Subject: \xe6\x89\x8b\xe7\xb4\x99\r\nX-Empty:\r\n\r\n\xe6\x89\x8b\xe7\xb4\x99\r\n",
		"many recipients": from + "Cc: " + strings.Repeat("somebody@example.com,\r\n ", 50) + "c@example.com\r\n\r\n" + strings.Repeat("a line of text\r\n", 5000),
	}
}

// TestDkimpyVerifiesOurs: dkimpy takes what we sign, with RSA and Ed25519.
func TestDkimpyVerifiesOurs(t *testing.T) {
	p := dkimpy(t)
	records := map[string]string{}
	for _, k := range keys() {
		records[Name(k.Selector, k.Domain)] = FormatRecord(k.Signer.Public())
	}
	for name, m := range oracleMessages() {
		header, body := split(m)
		signed := string(sign(t, header, body, Options{Time: time.Now(), Lifetime: time.Hour, Identity: "a@example.org"})) + body
		var got struct{ Results []any }
		p.do(map[string]any{"do": "verify", "message": []byte(signed), "records": records}, &got)
		if fmt.Sprint(got.Results) != "[true true]" {
			t.Errorf("%s: %v\n%s", name, got.Results, signed)
		}
		changed := strings.Replace(signed, "b@example.com", "c@example.com", 1)
		p.do(map[string]any{"do": "verify", "message": []byte(changed), "records": records}, &got)
		if fmt.Sprint(got.Results) != "[false false]" {
			t.Errorf("%s, changed: %v", name, got.Results)
		}
	}
}

// TestWeVerifyDkimpys: we take what dkimpy signs, in all four forms, with RSA and Ed25519, with and without l=.
func TestWeVerifyDkimpys(t *testing.T) {
	p := dkimpy(t)
	z := keyZone(keys()...)
	for name, m := range oracleMessages() {
		header, body := split(m)
		for _, k := range keys() {
			for form := range 8 {
				canon := []string{[]string{"simple", "relaxed"}[form&1], []string{"simple", "relaxed"}[form>>1&1]}
				var got struct{ Field []byte }
				p.do(map[string]any{
					"do": "sign", "message": []byte(m), "algorithm": k.Algorithm(), "key": privateText(k),
					"domain": k.Domain, "selector": k.Selector, "canon": canon, "length": form&4 != 0,
				}, &got)
				signed := append(got.Field, header...)
				if all := Verify(t.Context(), z, signed, strings.NewReader(body), Limits{}); !slices.Equal(statusesOf(all), []string{"pass"}) {
					t.Errorf("%s %v %s: %v\n%s", name, canon, k.Algorithm(), all[0].Err, signed)
				}
			}
		}
	}
}
