package internet

import (
	"regexp"
	"strings"
	"testing"
)

// returnOf matches the sender of what alpha passes on for one of gamma.example: SRS with time and mark.
var returnOf = regexp.MustCompile(`^<SRS0=[^=]+=[^=]+=gamma\.example=carol@alpha\.example>$`)

// testForward: what alpha forwards for Postfix's sender, whose SPF allows nobody else, passes SPF by the sender's being rewritten
// (SRS), and DMARC by the signature that is left whole; what alpha knew is sealed (RFC 8617).
func (w *world) testForward(t *testing.T) {
	w.needPostfix(t)
	w.alpha.Admin(t, "", "account", "forward", "adam@alpha.example", "--to", "bella@beta.example")
	w.post(t, "carol@gamma.example", "adam@alpha.example", w.signed(t, letter("carol@gamma.example", "adam@alpha.example", "forward")))
	m := w.arrived(t, "bella@beta.example", "the forwarded letter", subject("forward"))
	if from := m.header.Get("Return-Path"); !returnOf.MatchString(from) {
		t.Errorf("forwarded as %s", from)
	}
	m.holds(t, "Authentication-Results", "mx.beta.example", "spf=pass", "dkim=pass", "dmarc=pass", "arc=pass")
	m.holds(t, "Arc-Seal", "i=1", "cv=none", "d=alpha.example")
	m.holds(t, "Arc-Authentication-Results", "mx.alpha.example", "dmarc=pass")
	m.holds(t, "Delivered-To", "adam@alpha.example")
	j := w.judge(t, m, alphaIP)
	j.wants(t, "pass", "pass")
	j.signedBy(t, "gamma.example", "rsa-sha256")
	if j.ARC != "pass" {
		t.Errorf("dkimpy says of the chain %s: %s", j.ARC, j.ARCWhy)
	}
}

// testForwardUnsigned: without a signature DMARC fails behind alpha. beta takes the mail all the same, because it trusts the seal
// of alpha, where DMARC passed.
func (w *world) testForwardUnsigned(t *testing.T) {
	w.needPostfix(t)
	w.alpha.Admin(t, "", "account", "forward", "amos@alpha.example", "--to", "boris@beta.example")
	w.post(t, "carol@gamma.example", "amos@alpha.example", letter("carol@gamma.example", "amos@alpha.example", "forward-unsigned"))
	m := w.arrived(t, "boris@beta.example", "the forwarded letter", subject("forward-unsigned"))
	m.holds(t, "Authentication-Results", "spf=pass", "dkim=none", "dmarc=fail", "arc=pass")
	if j := w.judge(t, m, alphaIP); j.ARC != "pass" {
		t.Errorf("dkimpy says of the chain %s: %s", j.ARC, j.ARCWhy)
	}
}

// testForwardBounce: beta refuses what alpha forwards, and the author at Postfix hears of it.
func (w *world) testForwardBounce(t *testing.T) {
	w.needPostfix(t)
	w.alpha.Admin(t, "", "account", "forward", "anton@alpha.example", "--to", "nobody@beta.example")
	w.post(t, "chloe@gamma.example", "anton@alpha.example", w.signed(t, letter("chloe@gamma.example", "anton@alpha.example", "forward-bounce")))
	m := w.arrived(t, "chloe@gamma.example", "the notification", bounce)
	m.holds(t, "Return-Path", "<>")
	m.holds(t, "Received", "from mx.alpha.example (unknown [127.0.1.1])")
	m.asReport(t).wants(t, "nobody@beta.example", "failed", "5.1.1")
}

// testChainBounce: alpha forwards to beta, and beta to somebody Postfix doesn't know. The notification goes back through both: beta
// knows nobody but alpha.
func (w *world) testChainBounce(t *testing.T) {
	w.needPostfix(t)
	w.alpha.Admin(t, "", "account", "forward", "axel@alpha.example", "--to", "bruno@beta.example")
	w.beta.Admin(t, "", "account", "forward", "bruno@beta.example", "--to", "nobody@gamma.example")
	w.post(t, "cecil@gamma.example", "axel@alpha.example", w.signed(t, letter("cecil@gamma.example", "axel@alpha.example", "chain-bounce")))
	m := w.arrived(t, "cecil@gamma.example", "the notification", bounce)
	m.holds(t, "Return-Path", "<>")
	m.holds(t, "Received", "from mx.alpha.example (unknown [127.0.1.1])", "from mx.beta.example ([127.0.1.2])")
	r := m.asReport(t)
	r.wants(t, "nobody@gamma.example", "failed", "5.1.1")
	if !strings.Contains(r.original, "Subject: chain-bounce") {
		t.Errorf("the original's header came back as\n%s", r.original)
	}
}
