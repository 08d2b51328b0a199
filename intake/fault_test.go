package intake_test

import (
	"testing"

	"tegami/mail"
	"tegami/store/embedded"
	"tegami/store/faulty"
)

// TestFaults lets the store fail wherever it can while a message comes in: no message
// that was refused is in a box, each that was accepted is there once, and all is well afterwards.
func TestFaults(t *testing.T) {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var plan faulty.Plan
	h := houseOn(t, faulty.Wrap(st, &plan))
	user := h.company("alpha.example", 10)[0]
	accepted := 0
	for name, c := range map[string]struct {
		at  faulty.Point
		err error
	}{
		"disk full when staging":        {faulty.Stage, faulty.DiskFull},
		"too much in flight":            {faulty.Stage, faulty.TooBusy},
		"disk full when writing":        {faulty.Write, faulty.DiskFull},
		"failing flush when sealing":    {faulty.Seal, faulty.DiskFailed},
		"failing before the commit":     {faulty.Update, faulty.DiskFailed},
		"disk full when committing":     {faulty.Commit, faulty.DiskFull},
		"failing flush when committing": {faulty.Commit, faulty.DiskFailed},
	} {
		plan.Fail(c.at, 1, c.err)
		_, err := h.send(letter{outside, nil, "a@b.example", []string{"user0@alpha.example"}, text})
		if !mail.Is(err, mail.KindOf(c.err)) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		if n := len(h.inbox(user)); n != accepted {
			t.Errorf("%s: %d messages, want %d", name, n, accepted)
		}
		plan.Heal()
		h.accepted(letter{outside, nil, "a@b.example", []string{"user0@alpha.example"}, text})
		accepted++
	}
	if n := len(h.inbox(user)); n != accepted {
		t.Errorf("%d messages at the end, want %d", n, accepted)
	}
	h.check()
}

// TestSecondTenantFails has one company's share on disk when the other's fails: the
// message is refused for now, and when the sender comes again nobody has lost it.
func TestSecondTenantFails(t *testing.T) {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var plan faulty.Plan
	h := houseOn(t, faulty.Wrap(st, &plan))
	alpha, beta := h.company("alpha.example", 10), h.company("beta.example", 10)
	l := letter{outside, nil, "a@b.example", []string{"user0@alpha.example", "user0@beta.example"}, text}
	plan.Fail(faulty.Commit, 2, faulty.DiskFull)
	_, err = h.send(l)
	h.says(err, mail.Unavailable, "storage.full")
	plan.Heal()
	h.accepted(l)
	if a, b := len(h.inbox(alpha[0])), len(h.inbox(beta[0])); a != 2 || b != 1 {
		t.Errorf("%d and %d messages; the first company may have it twice, the second once", a, b)
	}
	h.check()
}
