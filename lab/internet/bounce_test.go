package internet

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"
	"unicode"
)

// report is a delivery status notification (RFC 3464).
type report struct {
	text     string
	perRcpt  textproto.MIMEHeader // of the first recipient
	original string
}

// asReport reads a notification, and wants the parts RFC 6522 asks for.
func (m *message) asReport(t *testing.T) (r report) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || !strings.Contains(params["report-type"], "delivery-status") {
		t.Fatalf("%s %v: %v", kind, params, err)
	}
	parts := multipart.NewReader(m.body.Body, params["boundary"])
	for i := 0; ; i++ {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, m.raw)
		}
		text := decoded(t, part)
		switch kind := part.Header.Get("Content-Type"); {
		case i == 0:
			r.text = string(text)
		case strings.HasPrefix(kind, "message/delivery-status"), strings.HasPrefix(kind, "message/global-delivery-status"):
			r.perRcpt = secondGroup(t, text)
		default:
			r.original = string(text)
		}
	}
	if r.perRcpt == nil || r.original == "" {
		t.Fatalf("parts are missing in\n%s", m.raw)
	}
	return r
}

// decoded reads a part; the reader has undone quoted-printable already.
func decoded(t *testing.T, part *multipart.Part) []byte {
	t.Helper()
	var from io.Reader = part
	if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
		from = base64.NewDecoder(base64.StdEncoding, part)
	}
	text, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// secondGroup reads the fields of the first recipient: those of the message stand before them.
func secondGroup(t *testing.T, text []byte) textproto.MIMEHeader {
	t.Helper()
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	_, rest, ok := bytes.Cut(bytes.TrimSpace(text), []byte("\n\n"))
	if !ok {
		t.Fatalf("no recipient in\n%s", text)
	}
	group, _, _ := bytes.Cut(rest, []byte("\n\n"))
	h, err := textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(group), strings.NewReader("\n\n")))).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return h
}

// wants compares the fields of the recipient.
func (r report) wants(t *testing.T, address, action, status string) {
	t.Helper()
	f := r.perRcpt
	if !strings.EqualFold(f.Get("Final-Recipient"), "rfc822; "+address) || f.Get("Action") != action || f.Get("Status") != status {
		t.Errorf("%v is reported; want %s %s with %s", f, address, action, status)
	}
}

// isJapanese tells whether a text has hiragana.
func isJapanese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Hiragana, r) })
}

// testBounce: Postfix doesn't know the recipient, and the sender hears of it in both languages (RFC 3464, RFC 6522).
func (w *world) testBounce(t *testing.T) {
	w.needPostfix(t)
	w.submit(t, "abel@alpha.example", "nobody@gamma.example", "to-nobody")
	m := w.arrived(t, "abel@alpha.example", "the notification", bounce)
	m.holds(t, "Return-Path", "<>")
	m.holds(t, "Auto-Submitted", "auto-")
	r := m.asReport(t)
	r.wants(t, "nobody@gamma.example", "failed", "5.1.1")
	if answer := r.perRcpt.Get("Diagnostic-Code"); !strings.Contains(answer, "550") || !strings.Contains(answer, "User unknown") {
		t.Errorf("Postfix's answer became %q", answer)
	}
	if host := r.perRcpt.Get("Remote-Mta"); !strings.Contains(host, "mx.gamma.example") {
		t.Errorf("the answer is said to be from %q", host)
	}
	if !isJapanese(r.text) || !strings.Contains(r.text, "nobody@gamma.example") || !strings.Contains(r.text, " the ") {
		t.Errorf("not in both languages:\n%s", r.text)
	}
	if !strings.Contains(r.original, "Subject: to-nobody") || strings.Contains(r.original, "This is to-nobody") {
		t.Errorf("the original's header, and it alone, should come back:\n%s", r.original)
	}
}

// testBounceBetween: beta doesn't know the recipient.
func (w *world) testBounceBetween(t *testing.T) {
	w.submit(t, "alice@alpha.example", "nobody@beta.example", "to-nobody-there")
	r := w.arrived(t, "alice@alpha.example", "the notification", bounce).asReport(t)
	r.wants(t, "nobody@beta.example", "failed", "5.1.1")
	if host := r.perRcpt.Get("Remote-Mta"); !strings.Contains(host, "mx.beta.example") {
		t.Errorf("the answer is said to be from %q", host)
	}
}
