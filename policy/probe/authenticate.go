package probe

import (
	"context"
	"io"
	"sync"
	"time"

	"tegami/mail"
	"tegami/policy"
	"tegami/wire/dns"
	"tegami/wire/mailauth/arc"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/mailauth/spf"
)

// Timeout is how long the authentication of one message takes at most: its sender waits.
const Timeout = 10 * time.Second

// Message is what came from outside, as it came.
type Message struct {
	Origin mail.Origin
	From   mail.Address
	Author mail.Address     // the header's only From; null where there is none or several
	Header []byte           // with the blank line
	Body   func() io.Reader // from its beginning, each time
}

// Sender checks SPF at MAIL FROM, before there is a message (RFC 7208 §2.4).
func Sender(ctx context.Context, l dns.Lookup, o mail.Origin, from mail.Address) spf.Result {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return spf.Check(ctx, l, o.Remote, o.Helo, from)
}

// Found is what authentication found out, in full. Facts keeps what judging needs.
type Found struct {
	SPF   spf.Result
	DKIM  []dkim.Result
	ARC   arc.Chain
	DMARC dmarc.Result // zero without an author
}

// Authenticate checks a message by SPF, DKIM, ARC and DMARC (RFC 7208, 6376, 8617, 9989). What asks the DNS runs
// at the same time; sender is what Sender found, nil where nobody asked yet.
func Authenticate(ctx context.Context, l dns.Lookup, m Message, sender *spf.Result) Found {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	var f Found
	var all sync.WaitGroup
	all.Go(func() {
		if sender == nil {
			f.SPF = spf.Check(ctx, l, m.Origin.Remote, m.Origin.Helo, m.From)
		} else {
			f.SPF = *sender
		}
	})
	all.Go(func() { f.ARC = arc.Verify(ctx, l, m.Header, m.Body()) })
	f.DKIM = dkim.Verify(ctx, l, m.Header, m.Body(), dkim.Limits{})
	all.Wait()
	if m.Author.Domain != "" {
		f.DMARC = dmarc.Check(ctx, l, m.Author.Domain, f.sender(), f.signers())
	}
	return f
}

// sender is what SPF proved for DMARC: the domain of MAIL FROM, never of HELO (RFC 9989 §4.4.2).
func (f *Found) sender() dmarc.Identifier {
	if f.SPF.Scope != spf.MailFrom {
		return dmarc.Identifier{}
	}
	return dmarc.Identifier{Domain: f.SPF.Domain, Pass: f.SPF.Status == spf.Pass, Temp: f.SPF.Status == spf.TempError}
}

func (f *Found) signers() (list []dmarc.Identifier) {
	for _, r := range f.DKIM {
		if r.Domain != "" {
			list = append(list, dmarc.Identifier{Domain: r.Domain, Pass: r.Status == dkim.Pass, Temp: r.Status == dkim.TempError})
		}
	}
	return list
}

// Into adds what was found to the facts of a message.
func (f *Found) Into(facts *policy.Facts) {
	facts.SPF = &policy.SPF{Result: string(f.SPF.Status), Domain: f.SPF.Domain, Helo: f.SPF.Scope == spf.Helo}
	for _, r := range f.DKIM {
		if r.Status != dkim.None {
			facts.DKIM = append(facts.DKIM, policy.DKIM{Result: r.Status.String(), Domain: r.Domain, Selector: r.Selector})
		}
	}
	if f.ARC.Status != arc.None {
		first, _ := f.ARC.First.Get("dmarc")
		facts.ARC = &policy.ARC{Result: f.ARC.Status.String(), Sealers: f.ARC.Sealers, DMARCPassed: first.Value == "pass"}
	}
	if d := f.DMARC; d.Status != "" {
		facts.DMARC = &policy.DMARC{Result: string(d.Status), Domain: d.Discovery.Domain, Record: d.Discovery.Where, Policy: string(d.Policy)}
	}
	facts.Late = f.late()
}

// late names what had no answer in time.
func (f *Found) late() (list []string) {
	if f.SPF.Status == spf.TempError {
		list = append(list, "spf")
	}
	for _, r := range f.DKIM {
		if r.Status == dkim.TempError {
			list = append(list, "dkim")
			break
		}
	}
	if f.ARC.Temp {
		list = append(list, "arc")
	}
	if f.DMARC.Status == dmarc.TempError {
		list = append(list, "dmarc")
	}
	return list
}

// Results is the Authentication-Results field that tells what was found (RFC 8601), in the name of server.
func (f *Found) Results(server string, m Message) authres.Field {
	field := authres.Field{Server: server, Results: []authres.Result{f.spfResult(m)}}
	for _, r := range f.DKIM {
		field.Results = append(field.Results, r.Report())
	}
	if f.ARC.Status != arc.None {
		field.Results = append(field.Results, f.ARC.Report())
	}
	if d := f.DMARC; d.Status != "" {
		r := authres.Result{Method: "dmarc", Value: string(d.Status), Props: []authres.Prop{{Type: "header", Name: "from", Value: d.Discovery.Domain}}}
		if d.Status == dmarc.Fail {
			r.Props = append(r.Props, authres.Prop{Type: "policy", Name: "dmarc", Value: string(d.Policy)}) // RFC 9989 §9
		}
		field.Results = append(field.Results, r)
	}
	return field
}

func (f *Found) spfResult(m Message) authres.Result {
	r := authres.Result{Method: "spf", Value: string(f.SPF.Status)}
	if f.SPF.Scope == spf.Helo {
		r.Props = []authres.Prop{{Type: "smtp", Name: "helo", Value: m.Origin.Helo}}
	} else {
		r.Props = []authres.Prop{{Type: "smtp", Name: "mailfrom", Value: m.From.String()}}
	}
	return r
}
