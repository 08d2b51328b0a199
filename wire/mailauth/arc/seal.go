package arc

import (
	"crypto/sha256"
	"io"
	"strconv"
	"time"

	"tegami/mail"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mailauth/internal/canon"
)

// Options of a seal.
type Options struct {
	Results authres.Field // what we found out when the message came, with arc= as c says; it is sealed in
	Time    time.Time     // t=; zero: none is written

	headers  []string // h= of the message signature; nil: the usual ones
	straight bool     // no folds, as the test suite wants it
}

// Seal gives the next set of a message's chain: three fields with CRLF, to be put in front of the header. c is what [Verify]
// said when the message came; header and body are as they go out, with the sets that c has seen.
//
// A chain that had failed is sealed as such, so that nobody must find out again (RFC 8617 §5.1.2). Nothing, and no error, is given where
// the chain is at its end: it says itself that it has failed, or it has MaxSets sets; and where it could
// not be checked, as a seal would say more than we know.
//
// Errors: Invalid "dkim.bad_key"; Conflict "arc.changed", the header has other sets than c. Errors of body are wrapped.
func Seal(header []byte, body io.Reader, key dkim.Key, c Chain, o Options) (fields []byte, err error) {
	const op = "arc.Seal"
	if c.ended || c.Temp || c.Sets >= MaxSets {
		return nil, nil
	}
	h := canon.NewHeader(header)
	sets, highest, err := collect(h)
	if highest != c.Sets || err != nil && c.Status != Fail {
		return nil, mail.E(op, mail.Conflict, "arc.changed")
	}
	if c.Status == Fail {
		sets = nil
	}
	w := &writer{Options: o, key: key, instance: highest + 1, before: appendSets(nil, h, sets)}
	if w.message, err = dkim.AppendARC(nil, header, body, key, dkim.ARCOptions{
		Instance: w.instance, Time: o.Time, Headers: o.headers, Straight: o.straight,
	}); err != nil {
		return nil, mail.Wrap(op, err)
	}
	seal, err := w.seal(c.Status)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return append(append(seal, w.message...), w.results...), nil
}

// A writer makes the seal of a set.
type writer struct {
	Options
	key      dkim.Key
	instance int
	before   []byte // the sets before, canonical
	results  []byte // the new fields
	message  []byte
}

// seal makes the ARC-Seal (RFC 8617 §4.1.3).
func (w *writer) seal(cv Status) ([]byte, error) {
	w.results = w.Results.AppendARC(nil, w.instance)
	f := canon.Folder{Straight: w.straight}
	f.Start(fieldSeal)
	f.Tag("a", w.key.Algorithm())
	f.Open()
	f.Tag("cv", cv.String())
	f.Tag("d", w.key.Domain)
	f.Tag("i", strconv.Itoa(w.instance))
	f.Tag("s", w.key.Selector)
	if !w.Time.IsZero() {
		f.Tag("t", strconv.FormatInt(w.Time.Unix(), 10))
	}
	octets := append(canon.AppendWritten(w.before, w.results), '\r', '\n')
	octets = append(canon.AppendWritten(octets, w.message), '\r', '\n')
	digest := sha256.Sum256(canon.AppendWritten(octets, f.B))
	value, err := w.key.Sign(digest[:])
	if err != nil {
		return nil, err
	}
	f.Fill(value)
	f.End()
	return f.B, nil
}
