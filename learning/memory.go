package learning

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Memory is what one company's filter asks about a message. Its methods answer from memory or by one read, and keep to the deadline of ctx.
type Memory struct {
	service *Service
	id      mail.TenantID
	tenant  store.Tenant
}

// Memory gives the memory of a tenant. It reads nothing.
func (s *Service) Memory(tenant mail.TenantID) *Memory {
	return &Memory{s, tenant, s.cfg.Store.Tenant(tenant)}
}

// Tokens tells in how many lessons of spam and of other mail each token was, in the order of tokens, and how many lessons there were. Where
// nothing was taught, list is nil. At most store.MaxCounts tokens that are not in memory are looked at.
func (m *Memory) Tokens(ctx context.Context, tokens []uint64) (list []Count, all Count, err error) {
	list, ask, all, fresh := m.service.known(m.id, tokens)
	if fresh && (len(ask) == 0 || all == (Count{})) {
		return list, all, nil
	}
	found := make(map[uint64]Count, len(ask))
	gen := m.service.generation(m.id)
	err = m.tenant.View(ctx, func(r store.Reader) error {
		clear(found)
		sums, err := r.Counts(kindLessons, []int64{allLessons})
		if err != nil || len(sums) == 0 {
			return err
		}
		all = Count{clamp(sums[0].A), clamp(sums[0].B)}
		return lookUp(r, ask, found)
	})
	if err != nil {
		return nil, Count{}, mail.Wrap("learning.Tokens", err)
	}
	m.service.learnedOf(m.id, gen, all, found)
	if all == (Count{}) {
		return nil, all, nil
	}
	for i, t := range tokens {
		if c, ok := found[t]; ok {
			list[i] = c
		}
	}
	return list, all, nil
}

// lookUp reads tokens. One that is not there is noted too, so that it need not be asked for again.
func lookUp(r store.Reader, ask []uint64, found map[uint64]Count) error {
	keys := make([]int64, len(ask))
	for i, t := range ask {
		keys[i] = int64(t)
		found[t] = Count{}
	}
	there, err := r.Counts(kindTokens, keys)
	for _, c := range there {
		found[uint64(c.Key)] = Count{clamp(c.A), clamp(c.B)}
	}
	return err
}

// Count is in how many lessons something was.
type Count struct{ Spam, Ham uint32 }

// clamp makes a number of the store one of lessons.
func clamp(n int64) uint32 { return uint32(min(max(n, 0), 1<<32-1)) }

// Reputation is what a network or a domain brought, in messages, of which older ones count less: half after FadeDays.
type Reputation struct{ Good, Bad float64 }

// Reputation tells what the company got from networks and domains, in the order of keys; keys past MaxKeys are not looked at.
func (m *Memory) Reputation(ctx context.Context, keys []string) ([]Reputation, error) {
	list := make([]Reputation, len(keys))
	keys = keys[:min(len(keys), MaxKeys)]
	if len(keys) == 0 {
		return list, nil
	}
	hashes := make([]int64, len(keys))
	for i, k := range keys {
		hashes[i] = hashed(k)
	}
	found := make(map[int64]Reputation, len(keys))
	now := time.Now()
	err := m.tenant.View(ctx, func(r store.Reader) error {
		there, err := r.Counts(kindReputations, hashes)
		for _, c := range there {
			found[c.Key] = faded(c, now)
		}
		return err
	})
	if err != nil {
		return nil, mail.Wrap("learning.Reputation", err)
	}
	m.service.mu.Lock()
	defer m.service.mu.Unlock()
	recent := m.service.tenants[m.id]
	for i, h := range hashes {
		list[i] = found[h]
		if recent != nil {
			if c, ok := recent.reputations[h]; ok { // not written yet
				young := faded(c, now)
				list[i].Good, list[i].Bad = list[i].Good+young.Good, list[i].Bad+young.Bad
			}
		}
	}
	return list, nil
}

// FirstContact tells whether the company never had mail with an address: it got none from it that was let in, and sent it none. The null
// sender is nobody.
func (m *Memory) FirstContact(ctx context.Context, from mail.Address) (bool, error) {
	if from.IsNull() {
		return false, nil
	}
	key := hashed(from.Key())
	if m.service.met(m.id, key) {
		return false, nil
	}
	first := false
	err := m.tenant.View(ctx, func(r store.Reader) error {
		there, err := r.Counts(kindContacts, []int64{key})
		first = err == nil && len(there) == 0
		return err
	})
	return first, mail.Wrap("learning.FirstContact", err)
}

// Near tells how many messages like one were seen in the last NearFor, and how many of them were spam. It answers from the memory of this
// process.
func (m *Memory) Near(_ context.Context, digest uint64) (seen, spam int, err error) {
	seen, spam = m.service.near(m.id, digest)
	return seen, spam, nil
}
