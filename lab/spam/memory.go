package spam

import (
	"context"

	"tegami/mail"
	engine "tegami/policy/spam"
)

// A Memory remembers tokens as a company's does. It knows no networks, no senders and no other mail.
type Memory struct {
	counts map[uint64]engine.Count
	total  engine.Count
}

// NewMemory gives an empty memory.
func NewMemory() *Memory { return &Memory{counts: map[uint64]engine.Count{}} }

// Teach counts one message.
func (m *Memory) Teach(tokens []uint64, spam bool) {
	for _, t := range tokens {
		c := m.counts[t]
		count(&c, spam)
		m.counts[t] = c
	}
	count(&m.total, spam)
}

func count(c *engine.Count, spam bool) {
	if spam {
		c.Spam++
	} else {
		c.Ham++
	}
}

// Tokens implements the engine's Memory.
func (m *Memory) Tokens(_ context.Context, tokens []uint64) ([]engine.Count, engine.Count, error) {
	list := make([]engine.Count, len(tokens))
	for i, t := range tokens {
		list[i] = m.counts[t]
	}
	return list, m.total, nil
}

// Reputation implements the engine's Memory.
func (*Memory) Reputation(_ context.Context, keys []string) ([]engine.Rep, error) {
	return make([]engine.Rep, len(keys)), nil
}

// FirstContact implements the engine's Memory.
func (*Memory) FirstContact(context.Context, mail.Address) (bool, error) { return false, nil }

// Near implements the engine's Memory.
func (*Memory) Near(context.Context, engine.Simhash) (seen, spam int, err error) { return 0, 0, nil }
