package restd

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// Toys are operations for tests of the frame alone.
type Toys struct {
	Made  atomic.Int64  // how many were made
	Enter chan struct{} // a make sends here first, where it is not nil
	Leave chan struct{} // and waits here
	Actor mail.Actor    // who made the last
}

// Toy has a field of each kind that huma checks.
type Toy struct {
	Name  string    `json:"name" minLength:"2" maxLength:"5" pattern:"^[a-z]+$"`
	Count int       `json:"count,omitempty" minimum:"1" maximum:"9"`
	Mode  string    `json:"mode,omitempty" enum:"red,blue"`
	At    time.Time `json:"at,omitzero"`
	Mail  string    `json:"mail,omitempty" format:"email"`
	Tags  []string  `json:"tags,omitempty" maxItems:"2" uniqueItems:"true"`
	On    bool      `json:"on,omitempty"`
}

type toyIn struct{ Body Toy }

type toyInTenant struct {
	InTenant
	Body Toy
}

type toyOut struct {
	Location string `header:"Location"`
	Body     struct {
		Number int64 `json:"number"`
	}
}

type toyQuery struct {
	Paging
	Size int `query:"size"`
}

// AddToys puts the toys beside the operations of a server.
func AddToys(s *Server) *Toys {
	t := &Toys{}
	toy := operation{Method: http.MethodGet, Tag: "toys", Summary: "Test.", Right: directory.RightAny}
	with := func(id, method, path string) operation {
		o := toy
		o.ID, o.Method, o.Path = id, method, path
		return o
	}
	add(s, with("checkToy", http.MethodPut, "/toys"), func(_ context.Context, _ *Call, in *toyIn) (*toyIn, error) { return in, nil })
	add(s, with("listToys", http.MethodGet, "/toys"), t.list)
	add(s, with("makeToy", http.MethodPost, "/tenants/{tenant}/toys"), t.make)
	add(s, with("panicToy", http.MethodDelete, "/toys"), func(context.Context, *Call, *struct{}) (*struct{}, error) { panic("toy") })
	slow := with("slowToy", http.MethodPatch, "/toys")
	slow.Deadline = time.Millisecond
	add(s, slow, func(ctx context.Context, _ *Call, _ *struct{}) (*struct{}, error) {
		<-ctx.Done()
		return nil, mail.Wrap("toy", ctx.Err())
	})
	public := with("openToy", http.MethodGet, "/toys/open")
	public.Public = true
	add(s, public, func(context.Context, *Call, *struct{}) (*struct{}, error) { return nil, nil })
	return t
}

func (t *Toys) make(ctx context.Context, c *Call, in *toyInTenant) (*toyOut, error) {
	if t.Enter != nil {
		t.Enter <- struct{}{}
		<-t.Leave
	}
	t.Actor = c.Actor()
	out := &toyOut{Location: "/toys/1"}
	out.Body.Number = t.Made.Add(1)
	switch in.Body.Name {
	case "down":
		return nil, mail.E("toy", mail.Unavailable, "kind.unavailable")
	case "taken":
		return nil, mail.E("toy", mail.Conflict, "key.taken", "x")
	case "panic":
		panic("toy")
	}
	return out, nil
}

func (t *Toys) list(_ context.Context, _ *Call, q *toyQuery) (*Tagged[[]string], error) {
	at, err := q.after("listToys")
	if err != nil {
		return nil, err
	}
	body := append(at, strings.Fields(strings.Repeat("abcdefghi ", q.Size/12))...)
	return tagged(7, append(body, fmt.Sprint("limit ", q.Limit))), nil
}

// CursorAt makes a cursor.
func CursorAt(list string, at ...string) string { return cursorAt(list, at...) }

// VersionOf reads an If-Match.
func VersionOf(text string) (uint64, error) { return Matching{text}.version() }
