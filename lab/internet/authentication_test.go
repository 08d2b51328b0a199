package internet

import (
	"strings"
	"testing"
)

// testBetween: one platform believes the other, and says so for each of its signatures.
func (w *world) testBetween(t *testing.T) {
	w.submit(t, "arno@alpha.example", "bob@beta.example", "between")
	m := w.arrived(t, "bob@beta.example", "the letter", subject("between"))
	m.holds(t, "Return-Path", "<arno@alpha.example>")
	m.holds(t, "Received", "from mx.alpha.example ([127.0.1.1])", "SMTPS (TLS1.3")
	m.holds(t, "Authentication-Results", "mx.beta.example", "spf=pass smtp.mailfrom=arno@alpha.example", "header.a=rsa-sha256", "header.a=ed25519-sha256",
		"dmarc=pass header.from=alpha.example")
	if results := m.header.Get("Authentication-Results"); strings.Count(results, "dkim=pass") != 2 {
		t.Errorf("both signatures should pass: %s", results)
	}
}

// testBelieved: what a platform sends passes SPF, DKIM with both algorithms, and DMARC at Postfix's side.
func (w *world) testBelieved(t *testing.T) {
	w.needPostfix(t)
	w.submit(t, "arno@alpha.example", "clara@gamma.example", "believed")
	m := w.arrived(t, "clara@gamma.example", "the letter", subject("believed"))
	j := w.judge(t, m, alphaIP)
	j.wants(t, "pass", "pass")
	j.signedBy(t, "alpha.example", "rsa-sha256", "ed25519-sha256")
}

// testBelievedHere: a platform finds the same of what Postfix sends.
func (w *world) testBelievedHere(t *testing.T) {
	w.needPostfix(t)
	w.post(t, "clara@gamma.example", "arno@alpha.example", w.signed(t, letter("clara@gamma.example", "arno@alpha.example", "believed-here")))
	m := w.arrived(t, "arno@alpha.example", "the letter", subject("believed-here"))
	m.holds(t, "Authentication-Results", "mx.alpha.example", "spf=pass", "dkim=pass", "dmarc=pass")
	m.holds(t, "Received", "from mx.gamma.example ([127.0.1.3])", "SMTPS (TLS1.3")
}

// testForged: what comes in the name of a domain that allows nobody is refused in the session, and Postfix's sender hears why.
func (w *world) testForged(t *testing.T) {
	w.needPostfix(t)
	w.post(t, "cyril@gamma.example", "arno@alpha.example", letter("boss@omega.example", "arno@alpha.example", "forged"))
	m := w.arrived(t, "cyril@gamma.example", "Postfix's notification", bounce)
	if !strings.Contains(string(m.raw), "550 5.7.1") {
		t.Errorf("it was not refused with 550 5.7.1:\n%s", m.raw)
	}
	for _, raw := range w.box(t, "arno@alpha.example") {
		if subject("forged")(parse(t, raw)) {
			t.Errorf("delivered:\n%s", raw)
		}
	}
}
