package jmapd

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tegami/i18n"
	"tegami/mail"
	"tegami/wire/jmap"
)

const (
	// subprotocol is that of JMAP on a WebSocket (RFC 8887 §4.1).
	subprotocol = "jmap"
	// socketPing is how often a client has to show that it is there.
	socketPing = 45 * time.Second
	// socketTime is how long it may take for a message, or for the answer to a ping.
	socketTime = 20 * time.Second
	// socketThreshold is from how many octets on a message is compressed.
	socketThreshold = 1400
	// smallMessage is how many octets of a message are taken from each socket of a client; of longer ones maxLargeMessages come in at once.
	smallMessage     = 256 << 10
	maxLargeMessages = 4
)

// socket is a WebSocket of a client (RFC 8887).
type socket struct {
	server *Server
	who    *client
	conn   *websocket.Conn
	stop   context.CancelFunc

	mu      sync.Mutex
	wanted  []string           // types whose changes are told; nil: all
	follows context.CancelFunc // nil while nothing is told
	at      positions
	busy    sync.WaitGroup
}

// serveSocket takes a WebSocket. A browser's must come from our own pages: its cookie goes with every request to us.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request, who *client) {
	if !ownOrigin(r) {
		s.refuse(w, r, who, mail.E("jmapd.serveSocket", mail.Denied, "auth.foreign_page"))
		return
	}
	leave, ok := s.gates.Enter("listen/"+who.name(), maxListeners)
	if !ok {
		s.refuse(w, r, who, jmap.TooMuch(jmap.LimitRequests))
		return
	}
	defer leave()
	of := http.NewResponseController(w)
	of.SetReadDeadline(time.Time{}) // those of a request end with it
	of.SetWriteDeadline(time.Time{})
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: socketThreshold,
		InsecureSkipVerify: true, // ownOrigin has looked: it compares the scheme too
	})
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	if conn.Subprotocol() != subprotocol {
		conn.Close(websocket.StatusPolicyViolation, "subprotocol jmap")
		return
	}
	conn.SetReadLimit(s.limits.Request)
	ctx, cancel := s.untilStop(r.Context())
	defer cancel()
	c := &socket{server: s, who: who, conn: conn, stop: cancel, at: positions{}}
	go c.live(ctx)
	c.read(ctx)
	cancel()
	c.busy.Wait()
}

// live pings the client, and ends the socket of one that is gone or may not be here any more.
func (c *socket) live(ctx context.Context) {
	defer c.stop()
	tick := time.NewTicker(socketPing)
	defer tick.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			c.conn.Close(websocket.StatusGoingAway, "")
			return
		case <-look.C:
			if c.server.stands(ctx, c.who) != nil {
				c.conn.Close(websocket.StatusPolicyViolation, "auth")
				return
			}
		case <-tick.C:
			late, cancel := context.WithTimeout(ctx, socketTime)
			err := c.conn.Ping(late)
			cancel()
			if err != nil {
				return
			}
		}
	}
}

// read takes messages until the client is gone.
func (c *socket) read(ctx context.Context) {
	for {
		kind, r, err := c.conn.Reader(ctx)
		if err != nil {
			return
		}
		text, err := c.message(r)
		if mail.Is(err, mail.Busy) {
			c.conn.Close(websocket.StatusTryAgainLater, "too many large messages at once")
			return
		}
		if err != nil {
			return
		}
		if kind != websocket.MessageText {
			c.conn.Close(websocket.StatusUnsupportedData, "text only") // RFC 8887 §4.2
			return
		}
		c.take(ctx, text)
	}
}

// message reads a message. Busy past maxLargeMessages: what is half here of many sockets would fill the memory.
func (c *socket) message(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, smallMessage))
	if err != nil || len(text) < smallMessage {
		return text, err
	}
	leave, ok := c.server.gates.Enter("large/"+c.who.name(), maxLargeMessages)
	if !ok {
		return nil, mail.E("jmapd.message", mail.Busy, "storage.busy")
	}
	defer leave()
	rest, err := io.ReadAll(r)
	return append(text, rest...), err
}

// message is what all messages of a client have (RFC 8887 §4.3).
type message struct {
	Type      string   `json:"@type"`
	ID        string   `json:"id"`
	DataTypes []string `json:"dataTypes"`
	PushState string   `json:"pushState"`
}

// take does what a message says.
func (c *socket) take(ctx context.Context, text []byte) {
	var m message
	if err := jmap.Check(text); err != nil {
		c.fail(ctx, "", &jmap.RequestError{Type: jmap.NotJSON, Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	if json.Unmarshal(text, &m) != nil {
		c.fail(ctx, "", notRequest())
		return
	}
	switch m.Type {
	case "Request":
		c.request(ctx, m.ID, text)
	case "WebSocketPushEnable":
		if err := c.enable(ctx, m); err != nil {
			c.fail(ctx, "", err)
		}
	case "WebSocketPushDisable":
		c.disable()
	default:
		c.fail(ctx, m.ID, notRequest())
	}
}

func notRequest() error {
	return &jmap.RequestError{Type: jmap.NotRequest, Status: http.StatusBadRequest}
}

// request answers a request beside others of the same socket (RFC 8887 §4.3.2).
func (c *socket) request(ctx context.Context, id string, text []byte) {
	s := c.server
	leave, ok := s.gates.Enter("api/"+c.who.name(), s.limits.Concurrent)
	if !ok {
		c.fail(ctx, id, jmap.TooMuch(jmap.LimitRequests))
		return
	}
	c.busy.Go(func() {
		defer leave()
		late, cancel := context.WithTimeout(ctx, s.limits.Time)
		defer cancel()
		out, err := c.answer(late, id, text)
		if err != nil {
			c.fail(ctx, id, err)
			return
		}
		c.write(ctx, out)
	})
}

// answer answers a request with a Response (RFC 8887 §4.3.3).
func (c *socket) answer(ctx context.Context, id string, text []byte) ([]byte, error) {
	s := c.server
	if err := c.renew(ctx); err != nil {
		return nil, err
	}
	q, err := jmap.ParseRequest(text, jmap.Limits{Size: s.limits.Request, Calls: s.limits.Calls})
	if err != nil {
		return nil, err
	}
	r, err := s.Do(ctx, c.who.identity, i18n.Lang(c.who.lang), q)
	if err != nil {
		return nil, err
	}
	name, err := jmap.Marshal(id)
	if err != nil {
		return nil, err
	}
	out := append(append([]byte(`{"@type":"Response","requestId":`), name...), ',')
	body, err := r.Append(nil)
	return append(out, body[1:]...), err
}

// renew asks whether the client still may, and counts the request: with a session it is a use of it.
func (c *socket) renew(ctx context.Context) error {
	s := c.server
	if c.who.session == "" {
		if err := s.dir.StillValid(ctx, c.who.identity); err != nil {
			return err
		}
	} else if _, err := s.dir.IdentityBySession(ctx, c.who.origin, c.who.session); err != nil {
		return err
	}
	return s.countCall(ctx, c.who.name())
}

// write sends a message. Who does not take it in time is cut.
func (c *socket) write(ctx context.Context, text []byte) {
	late, cancel := context.WithTimeout(ctx, socketTime)
	defer cancel()
	if c.conn.Write(late, websocket.MessageText, text) != nil {
		c.stop()
	}
}

// fail sends a RequestError (RFC 8887 §4.3.4).
func (c *socket) fail(ctx context.Context, id string, err error) {
	var p *jmap.RequestError
	if !errors.As(err, &p) {
		p = c.server.problem(c.who, err)
	}
	text, err := jmap.Marshal(struct {
		Kind string `json:"@type"`
		jmap.RequestError
		RequestID any `json:"requestId"`
	}{"RequestError", *p, nilIfEmpty(id)})
	if err == nil {
		c.write(ctx, text)
	}
}

func nilIfEmpty(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// enable begins to tell of changes (RFC 8887 §4.3.5.2), from pushState on where that is known. It counts as a request does: it reads as much.
func (c *socket) enable(ctx context.Context, m message) error {
	c.disable()
	if err := c.server.countCall(ctx, c.who.name()); err != nil {
		return err
	}
	until, cancel := context.WithCancel(ctx)
	since := readPositions(m.PushState)
	changes, err := c.server.follow(until, c.who.identity, since)
	if err != nil {
		cancel()
		return err
	}
	c.mu.Lock()
	c.follows, c.wanted, c.at = cancel, knownTypes(m.DataTypes), since
	c.mu.Unlock()
	go c.tell(ctx, until, changes)
	return nil
}

// disable ends telling of changes (RFC 8887 §4.3.5.3).
func (c *socket) disable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.follows != nil {
		c.follows()
		c.follows = nil
	}
}

// tell sends changes until it is switched off. What is on its way then is sent still: a write that is cut ends the socket.
func (c *socket) tell(ctx, until context.Context, changes <-chan moved) {
	for {
		select {
		case <-until.Done():
			return
		case m := <-changes:
			if c.server.stands(ctx, c.who) != nil {
				c.stop()
				return
			}
			if text := c.change(m); text != nil {
				c.write(ctx, text)
			}
		}
	}
}

// change is the message for a change; nil where none of the types is wanted.
func (c *socket) change(m moved) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	change, wanted := m.change(c.wanted)
	if !wanted {
		return nil
	}
	c.at[m.account] = max(c.at[m.account], m.at)
	change.PushState = c.at.String()
	text, err := jmap.Marshal(change)
	if err != nil {
		return nil
	}
	return text
}
