package relay

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tegami/queue"
	"tegami/wire/smtp"
)

// A verdict is what became of recipients, as it is written into the item.
type verdict struct {
	outcome queue.Outcome
	reason  string // a key of the catalogue; "" = it went well
	status  string
	host    string
	answer  string
	tls     string // of the connection, as in mail.Origin; "" = in the clear
}

// failed and waiting make verdicts of our own.
func failed(reason, status string) *verdict {
	return &verdict{outcome: queue.Failed, reason: reason, status: status}
}

func waiting(reason, status string) *verdict {
	return &verdict{outcome: queue.Waiting, reason: reason, status: status}
}

// at names the host a verdict is about, and what it said.
func (v *verdict) at(host, answer string) *verdict {
	v.host, v.answer = host, clean(answer)
	return v
}

// over notes the TLS of the connection.
func (v *verdict) over(tls string) *verdict {
	v.tls = tls
	return v
}

// apply writes a verdict into recipients of an item.
func (v *verdict) apply(it *queue.Item, which []int) {
	at := time.Now()
	for _, i := range which {
		to := &it.To[i]
		to.Outcome, to.Reason, to.Status, to.Host, to.Answer, to.TLS, to.At = v.outcome, v.reason, v.status, v.host, v.answer, v.tls, at
	}
}

// down is the error of Carry for a destination that can't be served.
func (v *verdict) down() error {
	return &queue.Failure{Reason: v.reason, Status: v.status, Host: v.host, Answer: v.answer}
}

// better gives the verdict to keep of two about the same destination: hope outranks failure, as the
// host that can't be reached may take what the other did not; else the newer.
func better(old, now *verdict) *verdict {
	if old != nil && old.outcome == queue.Waiting && now.outcome == queue.Failed {
		return old
	}
	return now
}

// replied is the verdict of a host's reply: 2xx is ok, 5xx for good, and all else may go better later.
func replied(host string, r smtp.Reply, ok queue.Outcome) *verdict {
	v := &verdict{outcome: ok, host: host, answer: clean(r.String()), status: statusOf(r, 2)}
	switch {
	case r.OK():
	case r.Code/100 == 5:
		v.outcome, v.reason, v.status = queue.Failed, "remote.refused", statusOf(r, 5)
	default:
		v.outcome, v.reason, v.status = queue.Waiting, "remote.deferred", statusOf(r, 4)
	}
	return v
}

// putOff is the verdict of a reply that concerns the host and not the message: even a 5xx is
// no word about the recipient, as another host, or this one tomorrow, may take it.
func putOff(host string, r smtp.Reply) *verdict {
	v := waiting("remote.deferred", statusOf(r, 4))
	return v.at(host, r.String())
}

// statusOf gives the enhanced status of a reply with the class the verdict has (RFC 3463 §2): the host's own, or X.0.0.
func statusOf(r smtp.Reply, class int) string {
	return strconv.Itoa(class) + "." + strconv.Itoa(r.Enhanced[1]) + "." + strconv.Itoa(r.Enhanced[2])
}

// broken is the verdict of a connection that failed.
func broken(host string, err error) *verdict {
	if errors.Is(err, smtp.ErrReply) {
		return waiting("remote.protocol", "4.5.0").at(host, "")
	}
	return waiting("remote.lost", "4.4.2").at(host, cause(err))
}

// cause says in a few words why a connection failed, without addresses and names of functions.
func cause(err error) string {
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	}
	return err.Error()
}

// clean makes the words of another host fit to be kept: at most queue.MaxAnswer octets of UTF-8 without control characters.
func clean(s string) string {
	if len(s) <= queue.MaxAnswer && isPlain(s) {
		return s
	}
	s = strings.ToValidUTF8(s[:min(len(s), 4*queue.MaxAnswer)], "?")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, s)
	if len(s) > queue.MaxAnswer {
		s = strings.ToValidUTF8(s[:queue.MaxAnswer], "") // the cut may go through a character
	}
	return s
}

// isPlain tells whether s is printable ASCII.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
