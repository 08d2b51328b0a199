package queue

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unicode/utf8"

	"tegami/mail"
)

// The document is written for every message, so it is compact and costs one
// allocation: a version, then the fields in a fixed order. Numbers are varints, a string
// is its length and its octets, a time is milliseconds since 1970 with 0 for none.
// A new field goes to the end, of the document or of each recipient, under a new version; old versions stay readable.
//
//	1  Of to HeaderFrom, To with Address to Email
//	2  each recipient's Status, Host and Answer; then the bits, Attempts, Sign, Hold, Prefix, Facts
//	3  each recipient's Into and TLS; then Subject, Size, Repeats, Deferrals
//	4  Submission
const docVersion = 4

// appendDoc writes a document behind b.
func appendDoc(b []byte, d *Doc) []byte {
	if b == nil {
		b = make([]byte, 0, 256+64*len(d.To))
	}
	b = append(b, docVersion)
	b = appendID(b, d.Of)
	b = appendString(b, d.Trace)
	b = appendAddress(b, d.From)
	b = appendOptions(b, &d.Opts)
	b = appendOrigin(b, &d.Origin)
	b = appendID(b, d.Sender)
	b = appendString(b, d.MessageID)
	b = appendString(b, d.HeaderFrom)
	b = binary.AppendUvarint(b, uint64(len(d.To)))
	for i := range d.To {
		b = appendRecipient(b, &d.To[i])
	}
	b = append(b, docBits(d))
	b = binary.AppendUvarint(b, uint64(d.Attempts))
	b = appendString(b, d.Sign)
	b = appendString(b, d.Hold)
	b = appendOctets(b, d.Prefix)
	b = appendOctets(b, d.Facts)
	b = appendString(b, clip(d.Subject, MaxSubject))
	b = binary.AppendUvarint(b, uint64(d.Size))
	b = binary.AppendUvarint(b, uint64(d.Repeats))
	b = binary.AppendUvarint(b, uint64(len(d.Deferrals)))
	for i := range d.Deferrals {
		b = appendDeferral(b, &d.Deferrals[i])
	}
	return appendID(b, d.Submission)
}

func appendDeferral(b []byte, f *Deferral) []byte {
	b = appendTime(appendTime(b, f.At), f.Last)
	b = binary.AppendUvarint(b, uint64(f.Times))
	b = appendString(appendString(b, f.Reason), f.Status)
	return appendString(appendString(b, f.Host), f.Answer)
}

// Bits of a document.
const (
	bitAuto = 1 << iota
	bitSpam
	bitWarned
	bitFiltered
	bitService
)

func docBits(d *Doc) (bits byte) {
	if d.Auto {
		bits |= bitAuto
	}
	if d.Spam {
		bits |= bitSpam
	}
	if d.Warned {
		bits |= bitWarned
	}
	if d.Filtered {
		bits |= bitFiltered
	}
	if d.Service {
		bits |= bitService
	}
	return bits
}

func appendOptions(b []byte, o *mail.Options) []byte {
	var bits byte
	if o.UTF8 {
		bits |= bitUTF8
	}
	if o.RequireTLS {
		bits |= bitRequireTLS
	}
	b = append(b, byte(o.Body), byte(o.Ret), bits)
	b = binary.AppendVarint(b, o.Size)
	b = appendString(b, o.EnvID)
	return appendTime(b, o.HoldUntil)
}

// Bits of the options.
const (
	bitUTF8 = 1 << iota
	bitRequireTLS
)

func appendOrigin(b []byte, o *mail.Origin) []byte {
	b = appendString(b, o.Door)
	b = appendString(b, string(o.Zone))
	b = appendAddr(b, o.Remote)
	b = appendString(b, o.Helo)
	b = appendString(b, o.TLS)
	b = appendString(b, o.Session)
	return appendTime(b, o.Received)
}

func appendRecipient(b []byte, r *Recipient) []byte {
	b = appendAddress(b, r.Address)
	b = appendString(b, r.Orcpt)
	b = append(b, byte(r.Notify), byte(r.Outcome))
	b = appendString(b, r.Reason)
	b = appendTime(b, r.At)
	b = appendID(b, r.Account)
	b = appendID(b, r.Email)
	b = appendString(b, r.Status)
	b = appendString(b, r.Host)
	b = appendString(b, clip(r.Answer, MaxAnswer))
	b = append(b, byte(r.Into))
	return appendString(b, r.TLS)
}

// clip cuts a text to at most limit octets, between two characters.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for cut := limit; cut > max(limit-utf8.UTFMax, 0); cut-- {
		if utf8.RuneStart(s[cut]) {
			return s[:cut]
		}
	}
	return s[:limit] // no UTF-8
}

func appendAddress(b []byte, a mail.Address) []byte {
	b = appendString(b, a.Local)
	return appendString(b, a.Domain)
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendOctets(b, octets []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(octets)))
	return append(b, octets...)
}

func appendID[K any](b []byte, id mail.ID[K]) []byte { return binary.AppendUvarint(b, uint64(id)) }

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, 0)
	}
	return binary.AppendVarint(b, t.UnixMilli())
}

// appendAddr writes an IP address: its 0, 4 or 16 octets as a string. A zone is left out.
func appendAddr(b []byte, ip netip.Addr) []byte {
	switch {
	case ip.Is4():
		a := ip.As4()
		return append(append(b, 4), a[:]...)
	case ip.IsValid():
		a := ip.As16()
		return append(append(b, 16), a[:]...)
	}
	return append(b, 0)
}
