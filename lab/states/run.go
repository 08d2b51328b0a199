package states

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Plan says what Run does.
type Plan struct {
	Addr     string // of IMAP, in the clear
	Other    string // another process's door to the same accounts, which every third client uses; "" = none
	User     string
	Guest    string // another account, which may do everything in the user's mailboxes (RFC 4314); every fourth client is his. "" = none
	Password string
	Speeches []Speech // the clients take turns in them
	Clients  int
	Rounds   int           // each ends in quiet, when all models are compared
	Round    time.Duration // how long a round lasts
	Seed     uint64
}

// Report is what a run did.
type Report struct {
	Commands map[string]int // by name
	Refused  map[string]int // NO, by response code
}

// Run lets the clients work, and gives the first thing the server got wrong.
func Run(p Plan) (Report, error) {
	clients, err := p.gather()
	if err != nil {
		return Report{}, err
	}
	defer func() {
		for _, c := range clients {
			if c.conn != nil {
				c.drop()
			}
		}
	}()
	for range p.Rounds {
		if err := p.round(clients); err != nil {
			return Report{}, err
		}
	}
	r := Report{Commands: map[string]int{}, Refused: map[string]int{}}
	for _, c := range clients {
		for name, n := range c.done {
			r.Commands[name] += n
		}
		for code, n := range c.refused {
			r.Refused[code] += n
		}
	}
	return r, nil
}

// gather makes the clients, signed in and with a mailbox open.
func (p *Plan) gather() (clients []*client, err error) {
	ids := &identities{subjects: map[string]string{}}
	for i := range p.Clients {
		speech := p.Speeches[i%len(p.Speeches)]
		c := &client{
			name: fmt.Sprintf("client %d (%s)", i, speech), addr: p.Addr, user: p.User, password: p.Password, speech: speech,
			rnd: rand.New(rand.NewPCG(p.Seed, uint64(i))), ids: ids, done: map[string]int{}, refused: map[string]int{},
		}
		if p.Guest != "" && i%guestEvery == guestEvery-1 {
			c.user, c.owner = p.Guest, p.User
		}
		if p.Other != "" && i%3 == 2 {
			c.addr = p.Other
		}
		clients = append(clients, c)
		if err := c.connect(); err != nil {
			return clients, c.blame(err)
		}
		if i == 0 {
			if err := c.prepare(p.Guest); err != nil {
				return clients, c.blame(err)
			}
		}
		if err := c.open(mailboxes[i%2]); err != nil {
			return clients, c.blame(err)
		}
	}
	return clients, nil
}

// Capable leaves the speeches that a server can, by what it announces after sign-in.
func Capable(addr, user, password string, speeches []Speech) (can []Speech, err error) {
	c := &client{addr: addr, user: user, password: password, done: map[string]int{}, refused: map[string]int{}}
	if err := c.connect(); err != nil {
		return nil, err
	}
	defer c.drop()
	o, err := c.must("CAPABILITY")
	if err != nil {
		return nil, err
	}
	announced := strings.Fields(strings.ToUpper(last(o.untagged)))
	for _, s := range speeches {
		for _, name := range announced {
			if name == s.needs() {
				can = append(can, s)
			}
		}
	}
	return can, nil
}

// round lets all work for a while, then compares.
func (p *Plan) round(clients []*client) error {
	end := time.Now().Add(p.Round)
	err := together(clients, func(c *client) error {
		for time.Now().Before(end) {
			if err := c.step(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return compare(clients)
}

// compare settles all clients, now that nobody changes anything, and holds them against each other.
func compare(clients []*client) error {
	var mu sync.Mutex
	seen := map[string]string{} // by mailbox
	return together(clients, func(c *client) error {
		text, err := c.settle()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if other, ok := seen[c.mailbox]; ok && other != text {
			return contradict("two clients see different mailboxes:\n%s\nand\n%s", other, text)
		}
		seen[c.mailbox] = text
		return nil
	})
}

// together runs a function for all clients at a time, and gives the first error.
func together(clients []*client, fn func(*client) error) error {
	errs := make(chan error, len(clients))
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() {
			if err := fn(c); err != nil {
				errs <- c.blame(err)
			}
		})
	}
	all.Wait()
	close(errs)
	return <-errs
}

// blame says whose finding it is, and what was said last.
func (c *client) blame(err error) error {
	return fmt.Errorf("%s: %w\n\t%s", c.name, err, strings.Join(c.lines, "\n\t"))
}
