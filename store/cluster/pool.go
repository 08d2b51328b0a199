package cluster

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"tegami/mail"
)

// pool keeps connections, up to a limit.
type pool struct {
	config  *pgconn.Config
	queries []string
	slots   chan struct{} // one for each connection in use
	ended   chan struct{} // closed by close
	mu      sync.Mutex
	idle    []*conn // the last used at the end
	closed  bool
}

// errClosed is what a closed store answers.
var errClosed = mail.E("cluster.Connection", mail.Unavailable, "storage.closed")

func newPool(config *pgconn.Config, queries []string, limit int) *pool {
	return &pool{config: config, queries: queries, slots: make(chan struct{}, limit), ended: make(chan struct{})}
}

// get gives a connection, waiting until one is free or ctx ends.
func (p *pool) get(ctx context.Context) (*conn, error) {
	const op mail.Op = "cluster.Connection"
	if err := ctx.Err(); err != nil {
		return nil, mail.Wrap(op, err)
	}
	select {
	case p.slots <- struct{}{}:
	case <-p.ended:
		return nil, errClosed
	case <-ctx.Done():
		return nil, mail.Because(op, mail.Busy, "storage.busy", ctx.Err())
	}
	c, err := p.take(ctx)
	if err != nil {
		<-p.slots
		return nil, mail.Wrap(op, err)
	}
	c.open(ctx)
	return c, nil
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	for {
		c, err := p.pop()
		switch {
		case err != nil:
			return nil, err
		case c == nil:
			pg, err := connect(ctx, p.config)
			if err != nil {
				return nil, err
			}
			return newConn(pg, p.queries), nil
		//lint:ignore SA1019 it costs no round trip; what it misses, the transaction's retry finds
		case c.pg.CheckConn() == nil:
			return c, nil
		}
		drop(c)
	}
}

// pop takes the connection that was used last; nil if there is none.
func (p *pool) pop() (*conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if len(p.idle) == 0 {
		return nil, nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c, nil
}

// put takes a connection back.
func (p *pool) put(c *conn) {
	usable := c.done()
	p.mu.Lock()
	if usable = usable && !p.closed; usable {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !usable {
		drop(c)
	}
	<-p.slots
}

// drop closes a connection that is of no more use. How that ends says nothing: the server sees it gone either way.
func drop(c *conn) {
	ctx, cancel := context.WithTimeout(context.Background(), pollEvery)
	defer cancel()
	_ = c.pg.Close(ctx)
}

// close waits until all connections came back, and closes them.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	close(p.ended)
	for _, c := range idle {
		drop(c)
	}
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
}
