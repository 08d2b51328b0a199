package arc

import (
	"context"
	"crypto/sha256"
	"io"
	"sync"

	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mailauth/internal/canon"
	"tegami/wire/mime"
)

// Verify checks the chain of a message (RFC 8617 §5.2). The body is read, to its end, only when there is one.
func Verify(ctx context.Context, l dns.Lookup, header []byte, body io.Reader) Chain {
	h := canon.NewHeader(header)
	sets, highest, err := collect(h)
	c := Chain{Sets: highest}
	if highest > 0 && sets[highest-1].tags != nil {
		last, sealErr := parseSeal(sets[highest-1].tags)
		c.ended = sealErr == nil && last.status == Fail
	}
	switch {
	case err != nil:
		return c.fail(err)
	case c.ended:
		return c.fail(mail.E("arc.Verify", mail.Denied, "arc.ended"))
	case highest == 0:
		return c
	}
	seals, err := sealsOf(sets)
	if err != nil {
		return c.fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	l = &memo{Lookup: l, answers: map[string]func() answer{}}
	if c.Oldest, err = messageSignatures(ctx, l, header, body, sets); err != nil {
		return c.fail(err)
	}
	if err := checkSeals(ctx, l, h, sets, seals); err != nil {
		return c.fail(err)
	}
	c.Status, c.First = Pass, sets[0].found
	for _, s := range seals {
		c.Sealers = append(c.Sealers, s.domain)
	}
	return c
}

func (c Chain) fail(err error) Chain {
	c.Status, c.Err, c.Oldest = Fail, err, 0
	c.Temp = mail.Is(err, mail.Unavailable)
	return c
}

// sealsOf takes all seals apart: the first says that there was no chain before, all others that it held
// (RFC 8617 §5.2, step 3).
func sealsOf(sets []set) ([]seal, error) {
	seals := make([]seal, len(sets))
	for i := range sets {
		s, err := parseSeal(sets[i].tags)
		want := Pass
		if i == 0 {
			want = None
		}
		if err != nil || s.status != want {
			return nil, malformed()
		}
		seals[i] = s
	}
	return seals, nil
}

// messageSignatures checks the message signatures. The last must hold; oldest is the lowest from
// which on all hold, 0 where all do (RFC 8617 §5.2, steps 4 and 5).
func messageSignatures(ctx context.Context, l dns.Lookup, header []byte, body io.Reader, sets []set) (oldest int, err error) {
	const op = "arc.Verify"
	fields := make([]mime.Field, len(sets))
	for i := range sets {
		fields[i] = sets[i].message
	}
	results := dkim.VerifyARC(ctx, l, header, body, fields)
	oldest = len(results)
	for oldest > 0 && results[oldest-1].Status == dkim.Pass {
		oldest--
	}
	switch last := results[len(results)-1]; {
	case last.Status == dkim.TempError:
		return 0, mail.Because(op, mail.Unavailable, "arc.unchecked", last.Err)
	case last.Status != dkim.Pass:
		return 0, mail.Because(op, mail.Denied, "arc.message", last.Err)
	case oldest == 0:
		return 0, nil
	}
	return oldest + 1, nil
}

// checkSeals checks all seals (RFC 8617 §5.2, step 6).
func checkSeals(ctx context.Context, l dns.Lookup, h canon.Header, sets []set, seals []seal) error {
	const op = "arc.Verify"
	records := make([]dkim.Record, len(seals))
	errs := make([]error, len(seals))
	turns := make(chan struct{}, maxLookups)
	var all sync.WaitGroup
	for i, s := range seals {
		all.Go(func() {
			turns <- struct{}{}
			records[i], errs[i] = dkim.Find(ctx, l, s.selector, s.domain)
			<-turns
		})
	}
	all.Wait()
	var before []byte // the sets before, canonical
	for i, s := range seals {
		octets := h.AppendField(before, sets[i].results, true)
		octets = h.AppendField(octets, sets[i].message, true)
		end := len(octets)
		octets = h.AppendUnsigned(octets, sets[i].seal, true)
		digest := sha256.Sum256(octets)
		if errs[i] == nil {
			errs[i] = records[i].Check(s.algorithm, digest[:], s.value)
		}
		switch {
		case mail.Is(errs[i], mail.Unavailable):
			return mail.Because(op, mail.Unavailable, "arc.unchecked", errs[i])
		case errs[i] != nil:
			return mail.Because(op, mail.Denied, "arc.seal", errs[i])
		}
		before = h.AppendField(octets[:end], sets[i].seal, true)
	}
	return nil
}

// A memo asks for each TXT record once: most chains name the same key several times.
type memo struct {
	dns.Lookup
	mu      sync.Mutex
	answers map[string]func() answer
}

type answer struct {
	texts []string
	meta  dns.Meta
	err   error
}

// TXT asks for a name that was not asked for, or waits for the answer.
func (m *memo) TXT(ctx context.Context, name string) ([]string, dns.Meta, error) {
	m.mu.Lock()
	ask := m.answers[name]
	if ask == nil {
		ask = sync.OnceValue(func() (a answer) {
			a.texts, a.meta, a.err = m.Lookup.TXT(ctx, name)
			return a
		})
		m.answers[name] = ask
	}
	m.mu.Unlock()
	a := ask()
	return a.texts, a.meta, a.err
}
