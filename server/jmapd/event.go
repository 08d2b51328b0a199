package jmapd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegami/push"
	"tegami/wire/jmap"
)

// Bounds of a stream of events.
const (
	minPing = 5   // seconds between signs of life that a client may ask for
	maxPing = 300 // RFC 8620 §7.3
	// quietPing is after how many seconds a stream without pings gets a comment, so that nothing between cuts it and we notice who is gone.
	quietPing = 60
	// eventTime is how long a client may take for one event.
	eventTime = 15 * time.Second
	// maxTypes is how many types a client names.
	maxTypes = 64
)

// stream is what a client asked for of a stream of events (RFC 8620 §7.3).
type stream struct {
	types      []string // nil: all
	closeAfter bool     // it ends after the first change
	ping       int      // seconds; 0: none
	since      positions
}

// readStream reads the query of a stream. *jmap.RequestError for what can't be read.
func readStream(r *http.Request) (q stream, err error) {
	values := r.URL.Query()
	bad := &jmap.RequestError{Type: jmap.NotRequest, Status: http.StatusBadRequest}
	if text := cmp.Or(values.Get("types"), "*"); text != "*" {
		if q.types = strings.Split(text, ","); len(q.types) > maxTypes {
			return q, bad
		}
	}
	switch values.Get("closeafter") {
	case "state":
		q.closeAfter = true
	case "no", "":
	default:
		return q, bad
	}
	if text := values.Get("ping"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return q, bad
		}
		if n > 0 {
			q.ping = min(max(n, minPing), maxPing)
		}
	}
	q.since = readPositions(r.Header.Get("Last-Event-ID"))
	return q, nil
}

// readPositions reads what positions.String wrote; what it can't read is not known.
func readPositions(text string) positions {
	p := positions{}
	for part := range strings.SplitSeq(text, ",") {
		id, state, _ := strings.Cut(part, "=")
		if n, ok := jmap.ParseState(state); ok && len(p) < maxFollowed {
			p[jmap.Id(id)] = n
		}
	}
	return p
}

// serveEvents tells of changes as they come (RFC 8620 §7.3).
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request, who *client) {
	q, err := readStream(r)
	if err != nil {
		s.refuse(w, r, who, err)
		return
	}
	leave, ok := s.gates.Enter("listen/"+who.name(), maxListeners)
	if !ok {
		s.refuse(w, r, who, jmap.TooMuch(jmap.LimitRequests))
		return
	}
	defer leave()
	ctx, cancel := s.untilStop(r.Context())
	defer cancel()
	changes, err := s.follow(ctx, who.identity, q.since)
	if err != nil {
		s.refuse(w, r, who, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // of a proxy before us
	e := events{w: w, of: http.NewResponseController(w), at: positions{}}
	e.of.SetReadDeadline(time.Time{})
	if e.send(": "+who.id+"\n\n") == nil {
		s.tell(ctx, who, q, changes, &e)
	}
}

// tell writes events until the client is gone, may not listen any more, or has what it waited for.
func (s *Server) tell(ctx context.Context, who *client, q stream, changes <-chan moved, e *events) {
	life := time.NewTicker(time.Duration(cmp.Or(q.ping, quietPing)) * time.Second)
	defer life.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case m := <-changes:
			change, wanted := m.change(q.types)
			if !wanted {
				continue
			}
			if err = s.stands(ctx, who); err == nil {
				err = e.change(m, change)
			}
			if q.closeAfter {
				return
			}
		case <-life.C:
			err = e.life(q.ping)
		case <-look.C:
			err = s.stands(ctx, who)
		}
		if err != nil {
			return
		}
	}
}

// untilStop ends a context when the door stops as well.
func (s *Server) untilStop(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if s.config.Stopping == nil {
		return ctx, cancel
	}
	go func() {
		select {
		case <-s.config.Stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// events writes a stream of events.
type events struct {
	w  io.Writer
	of *http.ResponseController
	at positions
}

// send writes text at once.
func (e *events) send(text string) error {
	e.of.SetWriteDeadline(time.Now().Add(eventTime))
	if _, err := io.WriteString(e.w, text); err != nil {
		return err
	}
	return e.of.Flush()
}

// change writes a change under the positions it leads to.
func (e *events) change(m moved, change jmap.StateChange) error {
	text, err := jmap.Marshal(change)
	if err != nil {
		return err
	}
	e.at[m.account] = max(e.at[m.account], m.at)
	return e.send(fmt.Sprintf("event: state\nid: %s\ndata: %s\n\n", e.at, text))
}

// life writes a sign of life: an event where the client asked for such (RFC 8620 §7.3), else a comment.
func (e *events) life(ping int) error {
	if ping == 0 {
		return e.send(":\n\n")
	}
	return e.send(fmt.Sprintf("event: ping\ndata: {\"interval\":%d}\n\n", ping))
}

// knownTypes are those of a list that there are; nil stays nil.
func knownTypes(list []string) []string {
	if list == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool {
		return !push.Known(name)
	})
}
