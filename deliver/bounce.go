package deliver

import (
	"errors"
	"io"
	"strings"

	"tegami/wire/mime"
)

const (
	// maxBounce is how many octets of a delivery status notification are looked at: the status comes before the
	// returned message (RFC 6522 §3).
	maxBounce = 256 << 10
	// maxStatus is how many octets of its status part are read.
	maxStatus = 64 << 10
)

// hardBounce tells whether a message is a delivery status notification (RFC 3464) of a failure that says the address is
// bad.
func (m *message) hardBounce() (bool, error) {
	b := make([]byte, min(m.blob.Size(), maxBounce))
	if n, err := m.blob.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	} else {
		b = b[:n]
	}
	return hardBounce(b), nil
}

// hardBounce looks for a failure in the status part of a notification.
func hardBounce(b []byte) (hard bool) {
	mime.ParseBytes(b, mime.Limits{}).Root.Walk(func(p *mime.Part) bool {
		if p.Type != "message" || p.Subtype != "delivery-status" && p.Subtype != "global-delivery-status" {
			return true
		}
		raw := strings.NewReader(string(b[p.BodyStart:p.BodyEnd]))
		text, err := io.ReadAll(io.LimitReader(mime.DecodedReader(p, raw), maxStatus))
		hard = err == nil && badAddress(text)
		return false
	})
	return hard
}

// badAddress tells whether one of the groups of fields behind the first (RFC 3464 §2.1) says that a recipient failed for good.
func badAddress(text []byte) bool {
	for i, group := range groups(text) {
		h := mime.Header(group)
		if i > 0 && strings.EqualFold(firstWord(h.Get("Action")), "failed") && isHard(firstWord(h.Get("Status"))) {
			return true
		}
	}
	return false
}

// groups cuts text at its blank lines.
func groups(text []byte) []string {
	s := strings.ReplaceAll(string(text), "\r\n", "\n")
	return strings.Split(strings.TrimLeft(s, "\n"), "\n\n")
}

// firstWord is a value without comment.
func firstWord(s string) string {
	word, _, _ := strings.Cut(s, "(")
	word, _, _ = strings.Cut(strings.TrimSpace(word), " ")
	return word
}

// isHard tells whether an enhanced status code (RFC 3463) speaks of a bad address. A full box, a message that is too
// large and one that is not liked are failures for good too, but say nothing about the address.
func isHard(status string) bool {
	class, detail, _ := strings.Cut(status, ".")
	if class != "5" {
		return false
	}
	for _, soft := range []string{"2.2", "2.3", "3.4", "6.", "7."} {
		if detail == soft || strings.HasSuffix(soft, ".") && strings.HasPrefix(detail, soft) {
			return false
		}
	}
	return true
}
