package inspect

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/mime"
)

const (
	// peopleFor is for how long the names of a company's people are taken as they were read.
	peopleFor = 10 * time.Minute
	// maxNames is how many names of a company are known; more are not protected.
	maxNames = 100_000
	// minName is how many characters a name has at least that strangers may not use: shorter ones are everybody's.
	minName = 3
	// maxCrews is of how many companies the names are in memory.
	maxCrews = 1000
)

// crews are the people of companies, read now and then.
type crews struct {
	dir *directory.Directory
	log *slog.Logger

	mu   sync.Mutex
	held map[mail.TenantID]*crew
}

// crew are the people of one company, by the names they are shown under.
type crew struct {
	dir    *directory.Directory
	tenant mail.TenantID
	names  map[string]mail.Address
	read   time.Time
}

// of gives the people of a company. What can't be read now is nobody; the filter then says less.
func (c *crews) of(ctx context.Context, tenant mail.TenantID) *crew {
	c.mu.Lock()
	k := c.held[tenant]
	c.mu.Unlock()
	if k != nil && time.Since(k.read) < peopleFor {
		return k
	}
	k = &crew{dir: c.dir, tenant: tenant, names: map[string]mail.Address{}, read: time.Now()}
	_, err := c.dir.Company(tenant).EachGAL(ctx, 0, k.add)
	if err != nil {
		c.log.Warn("the names of a company's people are not known to the filter", "tenant", tenant.String(), "err", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) >= maxCrews {
		clear(c.held)
	}
	c.held[tenant] = k
	return k
}

// add notes one person.
func (k *crew) add(card directory.Card) {
	if card.Kind != directory.CardAccount || len(k.names) >= maxNames {
		return
	}
	for _, name := range []string{card.Profile.Name(), card.Profile.Kana()} {
		if key := nameKey(name); len([]rune(key)) >= minName {
			k.names[key] = card.Address
		}
	}
}

// nameKey is a name as it is compared: in any width and case, without spaces.
func nameKey(name string) string { return mime.NormalizeTight(name) }

// Name implements spam.OwnPeople.
func (k *crew) Name(display string) (mail.Address, bool) {
	a, ok := k.names[nameKey(display)]
	return a, ok
}

// Domain implements spam.OwnPeople. The domains of the house are in memory.
func (k *crew) Domain(domain string) bool {
	owner, ours, err := k.dir.LocalDomain(context.Background(), domain)
	return err == nil && ours && owner == k.tenant
}
