package arc

import (
	"context"
	"sync"

	"tegami/mail"
	"tegami/wire/dns"
)

// A zone is a Lookup of TXT records. One with the text "FAIL" cannot be had.
type zone struct {
	dns.Lookup // nil: nothing else is asked
	txt        map[string][]string
	mu         sync.Mutex
	asked      int
}

func (z *zone) TXT(_ context.Context, name string) ([]string, dns.Meta, error) {
	z.mu.Lock()
	z.asked++
	z.mu.Unlock()
	texts, ok := z.txt[name]
	switch {
	case !ok:
		return nil, dns.Meta{}, mail.E("zone.TXT", mail.NotFound, "dns.nxdomain")
	case len(texts) == 1 && texts[0] == "FAIL":
		return nil, dns.Meta{}, mail.E("zone.TXT", mail.Unavailable, "dns.failed")
	}
	return texts, dns.Meta{}, nil
}
