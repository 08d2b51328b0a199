package door

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tegami/mail"
)

// A Sessions lists the sessions of a process's doors. The zero value is ready; a nil one lists nothing.
type Sessions struct {
	mu      sync.Mutex
	servers map[*Server]struct{}
}

// add counts a server in; what it returns counts it out.
func (l *Sessions) add(s *Server) (remove func()) {
	if l == nil {
		return func() {}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.servers == nil {
		l.servers = map[*Server]struct{}{}
	}
	l.servers[s] = struct{}{}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.servers, s)
	}
}

// Info is an open session as somebody sees it who asks.
type Info struct {
	ID        string // as in logs and refusals
	Protocol  string // "imaps", "smtps" …
	Zone      mail.Zone
	Remote    netip.Addr
	TLS       string // as in mail.Origin; "" in the clear
	Since     time.Time
	Tenant    mail.TenantID  // zero before sign-in
	Account   mail.AccountID // zero before sign-in
	Address   mail.Address   // of the account
	Mechanism string         // by which it signed in
	Command   string         // the last one, "" before the first
	CommandAt time.Time
}

// Of lists the sessions in which an account is signed in, the oldest first.
func (l *Sessions) Of(tenant mail.TenantID, account mail.AccountID) []Info {
	return l.list(func(i *Info) bool { return i.Tenant == tenant && i.Account == account })
}

// All lists all sessions, the oldest first.
func (l *Sessions) All() []Info { return l.list(func(*Info) bool { return true }) }

func (l *Sessions) list(wanted func(*Info) bool) []Info {
	if l == nil {
		return nil
	}
	var all []Info
	for _, s := range l.listed() {
		for _, c := range s.conns() {
			if i := c.info(); wanted(&i) {
				all = append(all, i)
			}
		}
	}
	slices.SortFunc(all, func(a, b Info) int { return a.Since.Compare(b.Since) })
	return all
}

// listed are the servers that count in.
func (l *Sessions) listed() []*Server {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.servers))
}

// End ends a session by its id, in its own words if it finds the time. It is false where there is none.
func (l *Sessions) End(id string) bool {
	if l == nil {
		return false
	}
	for _, s := range l.listed() {
		for _, c := range s.conns() {
			if c.Origin.Session == id {
				c.revoke(mail.E("door.End", mail.Denied, "session.ended"))
				return true
			}
		}
	}
	return false
}

// conns are the open connections.
func (s *Server) conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Conn, 0, len(s.open))
	for c := range s.open {
		list = append(list, c)
	}
	return list
}

func (c *Conn) info() Info {
	// Of Origin only what never changes; TLS is written by the session.
	i := Info{ID: c.Origin.Session, Protocol: c.Origin.Door, Zone: c.Origin.Zone, Remote: c.Origin.Remote, Since: c.Origin.Received}
	c.mu.Lock()
	defer c.mu.Unlock()
	i.TLS, i.Mechanism, i.Command, i.CommandAt = c.secured, c.how, c.last, c.lastAt
	if c.who != nil {
		a := c.who.Account()
		i.Tenant, i.Account, i.Address = c.who.Tenant(), a.ID, a.Address
	}
	return i
}

const (
	// sweepers is how many sessions are asked after at once, where the directory has to read.
	sweepers = 8
	// minSweep is how many sessions make a second sweeper worth while.
	minSweep = 500
	// lastWords is how long a session whose sign-in was revoked may take to end by itself: what it runs may be long. With
	// Limits.Sweep it is over within 5 seconds.
	lastWords = 2 * time.Second
)

// sweeping starts sweep; what it returns ends it.
func (s *Server) sweeping(ctx context.Context) (end func()) {
	if s.cfg.Current == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { s.sweep(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// sweep asks again and again after all who signed in, until ctx ends.
func (s *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Limits.Sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		list := s.conns()
		var all sync.WaitGroup
		for part := range slices.Chunk(list, max(minSweep, len(list)/sweepers+1)) {
			all.Go(func() {
				for _, c := range part {
					c.askAfter(ctx)
				}
			})
		}
		all.Wait()
	}
}

// askAfter ends the session if who signed in may not act any more.
func (c *Conn) askAfter(ctx context.Context) {
	c.mu.Lock()
	who := c.who
	c.mu.Unlock()
	if who == nil || c.Ending() != nil {
		return
	}
	if why := c.server.cfg.Current(ctx, who); mail.Is(why, mail.Denied) {
		c.Log.Info("the sign-in is no longer valid", "account", who.Account().Address.String())
		c.revoke(why)
	}
}

// revoke ends the session, in its own words if it finds the time.
func (c *Conn) revoke(why error) {
	c.Log.Info("session ends", "err", why)
	c.end(why)
	time.AfterFunc(lastWords, func() {
		c.cancel()
		c.socket.Close()
	})
}
