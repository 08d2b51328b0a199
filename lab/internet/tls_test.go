package internet

import (
	"path/filepath"
	"testing"
)

// needHTTPS skips where nobody can serve an MTA-STS policy.
func (w *world) needHTTPS(t *testing.T) {
	t.Helper()
	if w.https != 443 {
		t.Skip("port 443 of 127.0.1.0/24 cannot be had here, and MTA-STS knows no other (RFC 8461 §3.3)")
	}
}

// testSTS: beta's policy is fetched and kept to (RFC 8461 §5).
func (w *world) testSTS(t *testing.T) {
	w.needHTTPS(t)
	w.submit(t, "alice@alpha.example", "bob@beta.example", "sts-kept")
	m := w.arrived(t, "bob@beta.example", "the letter", subject("sts-kept"))
	m.holds(t, "Received", "from mx.alpha.example ([127.0.1.1])", "SMTPS (TLS1.3")
	if w.names.Asked("mta-sts.beta.example") == 0 {
		t.Error("nobody looked for beta's policy")
	}
}

// testBrokenCertificate: delta demands a certificate for its host's name and shows another. Mail waits, is not sent in
// plain, and goes once the certificate is right.
func (w *world) testBrokenCertificate(t *testing.T) {
	w.needHTTPS(t)
	w.submit(t, "alice@alpha.example", "dora@delta.example", "sts-broken")
	w.deferred(t, "delta.example", "4.7.5")
	if got := w.box(t, "dora@delta.example"); len(got) != 0 {
		t.Fatalf("delivered to a host that proved nothing:\n%s", got)
	}
	w.delta.Stop(t)
	w.ca.issue(t, filepath.Join(w.dir, "delta"), "mta-sts.delta.example", "mx.delta.example")
	w.delta.Run(t)
	w.alpha.Admin(t, "", "queue", "flush", "--route", "remote delta.example")
	w.arrived(t, "dora@delta.example", "the letter", subject("sts-broken")).holds(t, "Received", "SMTPS (TLS1.3")
}

// testDANE: Postfix's key is the one its TLSA record names (RFC 7672).
func (w *world) testDANE(t *testing.T) {
	w.needPostfix(t)
	w.submit(t, "anna@alpha.example", "carol@gamma.example", "dane-kept")
	m := w.arrived(t, "carol@gamma.example", "the letter", subject("dane-kept"))
	m.holds(t, "Received", "from mx.alpha.example (unknown [127.0.1.1])", "using TLSv1.3")
	if w.names.Asked("_25._tcp.mx.gamma.example") == 0 {
		t.Error("nobody looked for gamma's TLSA record")
	}
}

// testBrokenDANE: the TLSA record names another key, so that mail waits.
func (w *world) testBrokenDANE(t *testing.T) {
	w.needPostfix(t)
	w.submit(t, "anna@alpha.example", "carol@epsilon.example", "dane-broken")
	item := w.deferred(t, "epsilon.example", "4.7.5")
	if got := w.inbox(t, "carol@epsilon.example"); len(got) != 0 {
		t.Fatalf("delivered to a host that proved nothing:\n%s", got)
	}
	w.alpha.Admin(t, "", "queue", "delete", item.ID, "--tenant", "alpha.example")
	w.arrived(t, "anna@alpha.example", "the notification of its removal", bounce)
}
