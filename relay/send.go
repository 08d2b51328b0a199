package relay

import (
	"context"

	"tegami/mail"
	"tegami/queue"
	"tegami/wire/smtp"
)

// send gives a message to those recipients of the item that wait, and writes what became of them into it. Who still waits without
// a verdict of this attempt is in left: the connection is lost, and another host may take them.
func (s *session) send(ctx context.Context, it *queue.Item, o *octets, which []int) (left []int, lost *verdict) {
	which, opts := s.fit(it, o, which)
	for len(which) > 0 {
		env := mail.Envelope{From: it.From, Opts: opts, To: make([]mail.Recipient, len(which))}
		for i, at := range which {
			env.To[i] = it.To[at].Recipient
		}
		o.rewind()
		s.sent++
		sent, err := s.client.Send(ctx, env, o.size(), o)
		again, v := s.settle(it, which, &sent, err)
		if v != nil {
			return again, v
		}
		which = again
	}
	return nil, nil
}

// fit fails those recipients that the host can't have the message for, and gives the others, with the options to send
// it with.
//
// 8-bit text goes also to a host that did not say 8BITMIME, just so: there is hardly one left that
// damages it, and turning it into quoted-printable would break the sender's signature for certain.
func (s *session) fit(it *queue.Item, o *octets, which []int) ([]int, mail.Options) {
	opts := it.Opts
	all := func(v *verdict) ([]int, mail.Options) {
		v.at(s.host, "").apply(it, which)
		return nil, opts
	}
	if limit := s.maxSize(); limit > 0 && o.size() > limit {
		return all(failed("remote.too_big", "5.3.4"))
	}
	if opts.Body == mail.BodyBinaryMIME && !(s.offers("BINARYMIME") && s.offers("CHUNKING")) {
		return all(failed("remote.binary", "5.6.3"))
	}
	if s.offers("SMTPUTF8") {
		return which, opts
	}
	if !ascii(it.From.Local) || opts.UTF8 && o.eightBitHeader() {
		return all(failed("remote.utf8", "5.6.7"))
	}
	opts.UTF8 = false // it was asked for, but what goes out does not need it (RFC 6531 §3.6)
	fit := make([]int, 0, len(which))
	for _, i := range which {
		if ascii(it.To[i].Local) {
			fit = append(fit, i)
		} else {
			failed("remote.utf8", "5.6.7").at(s.host, "").apply(it, []int{i})
		}
	}
	return fit, opts
}

// settle writes what the host answered into the item. With a verdict the session is over, and left are those it said
// nothing about; without, left are those to be sent to at once in a transaction of their own.
func (s *session) settle(it *queue.Item, which []int, sent *smtp.Sent, err error) (left []int, lost *verdict) {
	if smtp.InStep(err) { // refused by our own client: such an address can't be written
		failed("remote.envelope", "5.1.3").apply(it, which)
		return nil, nil
	}
	if bye := farewell(sent); bye != nil && !sent.Ended {
		return which, putOff(s.host, *bye)
	}
	switch {
	case err != nil && !sent.Ended:
		return which, broken(s.host, err)
	case err == nil && !sent.From.OK():
		replied(s.host, sent.From, queue.Relayed).over(s.tls()).apply(it, which)
		return nil, nil
	}
	accepted := 0
	for i := range sent.To {
		if sent.To[i].OK() {
			accepted++
		}
	}
	end := s.verdictOf(sent, err).over(s.tls())
	for i, at := range which {
		switch r := sent.To[i]; {
		case r.OK() && end.status == "" || tooMany(r) && accepted > 0 && sent.Data.OK():
			left = append(left, at)
		case r.OK():
			end.apply(it, which[i:i+1])
		default:
			replied(s.host, r, queue.Relayed).over(s.tls()).apply(it, which[i:i+1])
		}
	}
	switch {
	case err != nil:
		return nil, waiting("remote.unsure", "4.4.2").at(s.host, cause(err))
	case sent.Data.Code == 421:
		return left, putOff(s.host, sent.Data)
	}
	return left, nil
}

// verdictOf is what the end of a transaction means for the recipients the host took. One without status leaves them
// to another host.
func (s *session) verdictOf(sent *smtp.Sent, err error) *verdict {
	switch {
	case err != nil: // the body went out, and no answer came: see the package's words on doubles
		return waiting("remote.unsure", "4.4.2").at(s.host, cause(err))
	case sent.Data.Code == 421:
		return &verdict{}
	case s.offers("DSN"): // RFC 3461 §5.2.1: the host tells the sender what the sender wants to hear
		return replied(s.host, sent.Data, queue.Delivered)
	}
	return replied(s.host, sent.Data, queue.Relayed)
}

// farewell gives the reply by which a host ends the session (RFC 5321 §3.8), nil without.
func farewell(sent *smtp.Sent) *smtp.Reply {
	if sent.From.Code == 421 {
		return &sent.From
	}
	for i := range sent.To {
		if sent.To[i].Code == 421 {
			return &sent.To[i]
		}
	}
	if sent.Data.Code == 421 {
		return &sent.Data
	}
	return nil
}

// tooMany tells whether a host wants the recipient in another transaction (RFC 5321 §4.5.3.1.10). 552 was the
// code for it once; with another enhanced status, such as 5.2.2, it is about the recipient.
func tooMany(r smtp.Reply) bool {
	return r.Code == 452 && (r.Enhanced == [3]int{} || r.Enhanced == [3]int{4, 5, 3}) || r.Code == 552 && r.Enhanced == [3]int{5, 5, 3}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
