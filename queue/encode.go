package queue

import (
	"encoding/binary"
	"net/netip"
	"time"

	"tegami/mail"
)

// The document is written for every message, so it is compact and costs one
// allocation: a version, then the fields in a fixed order. Numbers are varints, a string
// is its length and its octets, a time is milliseconds since 1970 with 0 for none.
// A new field goes to the end under a new version; old versions stay readable.
const docVersion = 1

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
	return b
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
	return appendID(b, r.Email)
}

func appendAddress(b []byte, a mail.Address) []byte {
	b = appendString(b, a.Local)
	return appendString(b, a.Domain)
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
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
