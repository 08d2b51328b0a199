package queue

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"tegami/mail"
)

// leastRecipient is how many octets a recipient takes at least, in any version: it bounds what a damaged count allocates.
const leastRecipient = 9

// mostAttempts is what a count of tries cannot pass: it would take longer than anything is kept.
const mostAttempts = 1 << 30

// parseDoc reads what appendDoc wrote, in this version or an earlier one. The error's kind is Other.
func parseDoc(b []byte) (Doc, error) {
	const op = "queue.parseDoc"
	if len(b) == 0 || b[0] == 0 || b[0] > docVersion {
		return Doc{}, mail.E(op, mail.Other, "item.version")
	}
	r := docReader{version: b[0], b: b[1:], text: string(b[1:])}
	d := Doc{
		Of:    readID[mail.ItemID](&r),
		Trace: r.string(),
		From:  r.address(),
		Opts:  r.options(),
	}
	d.Origin = r.origin()
	d.Sender = readID[mail.AccountID](&r)
	d.MessageID = r.string()
	d.HeaderFrom = r.string()
	d.To = r.recipients()
	if r.version >= 2 {
		r.second(&d)
	}
	if r.version >= 3 {
		r.third(&d)
	}
	if r.version >= 4 {
		d.Submission = readID[mail.ObjectID](&r)
	}
	if r.bad || len(r.b) > 0 {
		return Doc{}, mail.E(op, mail.Other, "item.damaged")
	}
	return d, nil
}

// docReader takes a document apart. After the first thing that isn't there it is bad and gives zeros.
// Strings share one copy of the document.
type docReader struct {
	version byte
	b       []byte
	text    string // the same octets from the same place on
	bad     bool
}

// second reads what version 2 has behind the recipients.
func (r *docReader) second(d *Doc) {
	bits := r.byte()
	d.Auto, d.Spam, d.Warned = bits&bitAuto != 0, bits&bitSpam != 0, bits&bitWarned != 0
	d.Filtered, d.Service = bits&bitFiltered != 0, bits&bitService != 0
	n := r.uint()
	r.bad = r.bad || n > mostAttempts
	d.Attempts = int(n)
	d.Sign, d.Hold = r.string(), r.string()
	d.Prefix, d.Facts = r.octets(), r.octets()
}

// third reads what version 3 has behind that.
func (r *docReader) third(d *Doc) {
	d.Subject = clip(r.string(), MaxSubject)
	size, repeats := r.uint(), r.uint()
	r.bad = r.bad || size > math.MaxInt64 || repeats > mostAttempts
	d.Size, d.Repeats = int64(size), int(repeats)
	n := r.uint()
	r.bad = r.bad || n > MaxDeferrals
	if r.bad || n == 0 {
		return
	}
	d.Deferrals = make([]Deferral, n)
	for i := range d.Deferrals {
		r.deferral(&d.Deferrals[i])
	}
}

func (r *docReader) deferral(f *Deferral) {
	f.At, f.Last = r.time(), r.time()
	times := r.uint()
	r.bad = r.bad || times > mostAttempts
	f.Times = int(times)
	f.Reason, f.Status, f.Host, f.Answer = r.string(), r.string(), r.string(), clip(r.string(), MaxAnswer)
}

// take gives the next n octets.
func (r *docReader) take(n uint64) (b []byte, text string) {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil, ""
	}
	b, text = r.b[:n], r.text[:n]
	r.b, r.text = r.b[n:], r.text[n:]
	return b, text
}

func (r *docReader) byte() byte {
	b, _ := r.take(1)
	if r.bad {
		return 0
	}
	return b[0]
}

func (r *docReader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	if r.bad {
		return 0
	}
	return v
}

func (r *docReader) int() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	if r.bad {
		return 0
	}
	return v
}

// skip passes a number that took n octets; none is bad.
func (r *docReader) skip(n int) {
	if n <= 0 {
		r.bad = true
		return
	}
	r.take(uint64(n))
}

func (r *docReader) string() string {
	_, s := r.take(r.uint())
	return s
}

// octets gives octets of their own capacity, nil for none.
func (r *docReader) octets() []byte {
	b, _ := r.take(r.uint())
	if len(b) == 0 {
		return nil
	}
	return b[:len(b):len(b)]
}

func readID[I ~int64](r *docReader) I { return I(r.uint()) }

func (r *docReader) time() time.Time {
	ms := r.int()
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func (r *docReader) address() mail.Address {
	local := r.string()
	return mail.Address{Local: local, Domain: r.string()}
}

func (r *docReader) options() mail.Options {
	o := mail.Options{Body: mail.Body(r.byte()), Ret: mail.Ret(r.byte())}
	bits := r.byte()
	o.UTF8, o.RequireTLS = bits&bitUTF8 != 0, bits&bitRequireTLS != 0
	o.Size = r.int()
	o.EnvID = r.string()
	o.HoldUntil = r.time()
	return o
}

func (r *docReader) origin() mail.Origin {
	o := mail.Origin{Door: r.string(), Zone: mail.Zone(r.string())}
	ip, _ := r.take(uint64(r.byte()))
	if len(ip) > 0 {
		var ok bool
		o.Remote, ok = netip.AddrFromSlice(ip)
		r.bad = r.bad || !ok
	}
	o.Helo, o.TLS, o.Session = r.string(), r.string(), r.string()
	o.Received = r.time()
	return o
}

func (r *docReader) recipients() []Recipient {
	n := r.uint()
	if n > uint64(len(r.b)/leastRecipient) {
		r.bad = true
		return nil
	}
	to := make([]Recipient, n)
	for i := range to {
		t := &to[i]
		t.Address = r.address()
		t.Orcpt = r.string()
		t.Notify, t.Outcome = mail.Notify(r.byte()), Outcome(r.byte())
		t.Reason = r.string()
		t.At = r.time()
		t.Account = readID[mail.AccountID](r)
		t.Email = readID[mail.EmailID](r)
		if r.version >= 2 {
			t.Status, t.Host, t.Answer = r.string(), r.string(), clip(r.string(), MaxAnswer)
		}
		if r.version >= 3 {
			t.Into, t.TLS = Into(r.byte()), r.string()
			r.bad = r.bad || t.Into >= endOfInto
		}
	}
	return to
}
