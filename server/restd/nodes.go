package restd

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"syscall"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
)

// Machine is what the door knows of the process it runs in. The zero value of a field is not shown.
type Machine struct {
	Version  string // of the program
	Hostname string
	Node     int
	Store    string    // "embedded" or "cluster"
	Started  time.Time // of the process
	Data     string    // the data folder, for the room on its disk
	Doors    func() []NodeDoor
	// Certificate tells when the certificate of the server ends.
	Certificate func() time.Time
	// Ping tells whether the store answers.
	Ping func(context.Context) error
	// Engines asks the virus engines of the boot file whether they answer: how many there are, and the problems of those that do not. nil: unknown.
	Engines func(context.Context) (int, error)
	// Cells tells how those who take attachments apart are. nil: nobody does in processes of their own.
	Cells func() Cells
}

// Cells are the processes that take attachments apart.
type Cells struct {
	Children int    // that live
	Lost     int    // that ended in the midst of their work
	Open     string // what they could not give up, in English; "" for nothing
	Err      error  // why none could be started
}

// Node is a process of the platform.
type Node struct {
	Name       string         `json:"name" doc:"Its host's name"`
	Number     int            `json:"number"`
	Version    string         `json:"version"`
	Go         string         `json:"go" doc:"The Go it was built with"`
	Store      string         `json:"store" enum:"embedded,cluster"`
	Started    time.Time      `json:"started"`
	Uptime     int64          `json:"uptimeSeconds"`
	Goroutines int            `json:"goroutines"`
	Heap       uint64         `json:"heapOctets"`
	Doors      []NodeDoor     `json:"doors"`
	Sessions   map[string]int `json:"sessions" doc:"Open sessions by protocol"`
	SignedIn   map[string]int `json:"signedIn" doc:"Those of them in which somebody signed in"`
}

// NodeDoor is a door that is open.
type NodeDoor struct {
	Protocol string `json:"protocol"`
	Address  string `json:"address"`
	Zone     string `json:"zone"`
}

// Health is how the parts of the platform stand.
type Health struct {
	OK     bool    `json:"ok" doc:"No part has failed"`
	Parts  []Part  `json:"parts"`
	Alerts []Alert `json:"alerts"`
}

// Part is one of them.
type Part struct {
	Name   string `json:"name" enum:"store,dns,certificate,disk,trace,search,queue,virus,attachments" doc:"A stable name"`
	State  string `json:"state" enum:"ok,warning,failed,unknown"`
	Detail string `json:"detail,omitempty" doc:"For operators, in English"`
	Value  int64  `json:"value,omitempty" doc:"What was measured"`
	Unit   string `json:"unit,omitempty" enum:"milliseconds,seconds,octets,days,items"`
	Most   int64  `json:"most,omitempty" doc:"What there is at most, in the same unit"`
}

// SessionInfo is an open session at a door for mail software.
type SessionInfo struct {
	ID        string         `json:"id"`
	Protocol  string         `json:"protocol"`
	Zone      string         `json:"zone"`
	Remote    string         `json:"remote"`
	TLS       string         `json:"tls,omitempty"`
	Since     time.Time      `json:"since"`
	Tenant    mail.TenantID  `json:"tenant,omitzero"`
	Account   mail.AccountID `json:"account,omitzero"`
	Address   string         `json:"address,omitempty"`
	Mechanism string         `json:"mechanism,omitempty"`
	Command   string         `json:"command,omitempty"`
	CommandAt time.Time      `json:"commandAt,omitzero"`
}

func (s *Server) addNodes() {
	add(s, operation{ID: "listNodes", Method: http.MethodGet, Path: "/nodes", Right: directory.RightOrder, Tag: "platform",
		Summary: "Tell which processes run, and who is at their doors."}, s.listNodes)
	add(s, operation{ID: "getHealth", Method: http.MethodGet, Path: "/health", Right: directory.RightOrder, Tag: "platform",
		Summary: "Tell how the parts of the platform stand."}, s.health)
	add(s, operation{ID: "listDoorSessions", Method: http.MethodGet, Path: "/sessions", Right: directory.RightOrder, Tag: "platform",
		Summary: "List the open sessions at the doors for mail software, the oldest first."}, s.listDoorSessions)
}

func (s *Server) listNodes(context.Context, *Call, *struct{}) (*List[Node], error) {
	m := s.config.Machine
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	n := Node{
		Name: m.Hostname, Number: m.Node, Version: m.Version, Go: runtime.Version(), Store: m.Store, Started: utc(m.Started),
		Uptime: int64(time.Since(m.Started) / time.Second), Goroutines: runtime.NumGoroutine(), Heap: memory.HeapAlloc,
		Doors: []NodeDoor{}, Sessions: map[string]int{}, SignedIn: map[string]int{},
	}
	if m.Doors != nil {
		n.Doors = append(n.Doors, m.Doors()...)
	}
	for _, i := range s.config.Sessions.All() {
		n.Sessions[i.Protocol]++
		if !i.Account.IsZero() {
			n.SignedIn[i.Protocol]++
		}
	}
	out := &List[Node]{}
	out.Body.Items, out.Body.Total = []Node{n}, 1
	return out, nil
}

func (s *Server) listDoorSessions(_ context.Context, _ *Call, in *struct {
	Paging
	Protocol string              `query:"protocol" maxLength:"20"`
	Tenant   Ref[mail.TenantID]  `query:"tenant"`
	Account  Ref[mail.AccountID] `query:"account"`
}) (*List[SessionInfo], error) {
	const list = "listDoorSessions"
	at, err := in.after(list)
	if err != nil {
		return nil, err
	}
	out := &List[SessionInfo]{}
	out.Body.Items = []SessionInfo{}
	for _, i := range s.config.Sessions.All() {
		if in.Protocol != "" && i.Protocol != in.Protocol || !in.Tenant.ID.IsZero() && i.Tenant != in.Tenant.ID ||
			!in.Account.ID.IsZero() && i.Account != in.Account.ID || at != nil && i.ID <= at[0] {
			continue
		}
		out.Body.Total++
		out.Body.Items = append(out.Body.Items, SessionInfo{
			ID: i.ID, Protocol: i.Protocol, Zone: string(i.Zone), Remote: i.Remote.String(), TLS: i.TLS, Since: utc(i.Since), Tenant: i.Tenant,
			Account: i.Account, Address: i.Address.String(), Mechanism: i.Mechanism, Command: i.Command, CommandAt: utc(i.CommandAt),
		})
	}
	slices.SortFunc(out.Body.Items, func(a, b SessionInfo) int { return cmp.Compare(a.ID, b.ID) })
	if len(out.Body.Items) > in.Limit {
		out.Body.Items = out.Body.Items[:in.Limit]
		out.Body.Next = cursorAt(list, out.Body.Items[in.Limit-1].ID)
	}
	return out, nil
}

const (
	// partFor is how long one part may take to answer.
	partFor = 3 * time.Second
	// certificateSoon is how long before its end a certificate is told of, diskLeast which part of a disk must be free, and
	// indexLate how far an index may be behind.
	certificateSoon = 14 * 24 * time.Hour
	diskLeast       = 10
	indexLate       = 10 * time.Minute
)

func (s *Server) health(ctx context.Context, c *Call, _ *struct{}) (*struct{ Body Health }, error) {
	h := Health{OK: true, Parts: []Part{}, Alerts: []Alert{}}
	for _, check := range []func(context.Context) Part{s.storeHealth, s.dnsHealth, s.certificateHealth, s.diskHealth, s.traceHealth, s.searchHealth, s.queueHealth, s.virusHealth, s.cellsHealth} {
		ctx, cancel := context.WithTimeout(ctx, partFor)
		p := check(ctx)
		cancel()
		h.Parts = append(h.Parts, p)
		if p.State == "failed" {
			h.OK = false
		}
		if a, ok := s.partAlert(c, &p); ok {
			h.Alerts = append(h.Alerts, a)
		}
	}
	return &struct{ Body Health }{h}, nil
}

// partAlert is what there is to say of a part.
func (s *Server) partAlert(c *Call, p *Part) (Alert, bool) {
	switch {
	case p.State == "failed":
		return s.alert(c, "error", Alert{Kind: "partFailed"}, p.Name), true
	case p.State != "warning":
		return Alert{}, false
	}
	kinds := map[string]string{"certificate": "certificateEnds", "disk": "diskFull", "trace": "indexLate", "search": "searchLate", "queue": "destinationDown"}
	kind, known := kinds[p.Name]
	return s.alert(c, "warning", Alert{Kind: kind, Count: int(p.Value)}, p.Value), known
}

// alert gives an alert its level and its text.
func (s *Server) alert(c *Call, level string, a Alert, args ...any) Alert {
	a.Level = level
	if key := alertTexts[a.Kind]; s.words.Has(i18n.Lang(c.Lang), key) {
		a.Text = s.words.Text(i18n.Lang(c.Lang), key, args...)
	}
	return a
}

func (s *Server) storeHealth(ctx context.Context) Part {
	p := Part{Name: "store", State: "unknown", Unit: "milliseconds"}
	if s.config.Machine.Ping == nil {
		return p
	}
	begun := time.Now()
	err := s.config.Machine.Ping(ctx)
	p.Value = time.Since(begun).Milliseconds()
	if p.State = "ok"; err != nil {
		p.State, p.Detail = "failed", err.Error()
	}
	return p
}

// dnsHealth asks for the root's name servers: everybody's resolver knows them.
func (s *Server) dnsHealth(ctx context.Context) Part {
	p := Part{Name: "dns", State: "unknown", Unit: "milliseconds"}
	if s.config.Lookup == nil || s.config.Machine.Hostname == "" {
		return p
	}
	begun := time.Now()
	_, _, err := s.config.Lookup.MX(ctx, s.config.Machine.Hostname)
	p.Value = time.Since(begun).Milliseconds()
	if p.State = "ok"; err != nil && !mail.Is(err, mail.NotFound) {
		p.State, p.Detail = "failed", err.Error()
	}
	return p
}

func (s *Server) certificateHealth(context.Context) Part {
	p := Part{Name: "certificate", State: "unknown", Unit: "days"}
	if s.config.Machine.Certificate == nil {
		return p
	}
	end := s.config.Machine.Certificate()
	if end.IsZero() {
		return p
	}
	left := time.Until(end)
	p.Value, p.Detail = int64(left/(24*time.Hour)), "ends "+end.UTC().Format(time.RFC3339)
	switch {
	case left <= 0:
		p.State = "failed"
	case left < certificateSoon:
		p.State = "warning"
	default:
		p.State = "ok"
	}
	return p
}

func (s *Server) diskHealth(context.Context) Part {
	p := Part{Name: "disk", State: "unknown", Unit: "octets"}
	if s.config.Machine.Data == "" {
		return p
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.config.Machine.Data, &fs); err != nil {
		p.Detail = err.Error()
		return p
	}
	p.Value, p.Most = int64(fs.Bavail)*fs.Bsize, int64(fs.Blocks)*fs.Bsize
	if p.State = "ok"; p.Value < p.Most/diskLeast {
		p.State = "warning"
	}
	return p
}

// traceHealth tells how far the index of the trace is behind, for the company where that is most.
func (s *Server) traceHealth(context.Context) Part {
	if s.config.Trace == nil {
		return Part{Name: "trace", State: "unknown", Unit: "seconds"}
	}
	return behind("trace", s.config.Trace.Lag())
}

// searchHealth tells how far the full-text index is behind the mail.
func (s *Server) searchHealth(context.Context) Part {
	if s.config.Mailboxes == nil {
		return Part{Name: "search", State: "unknown", Unit: "seconds"}
	}
	return behind("search", s.config.Mailboxes.IndexLag())
}

// behind is the health of an index that is so far behind.
func behind(name string, lag time.Duration) Part {
	p := Part{Name: name, State: "ok", Unit: "seconds", Value: int64(lag / time.Second)}
	if lag > indexLate {
		p.State = "warning"
	}
	return p
}

// virusHealth tells whether the virus engines answer (VC-4). Without any, only the test file is known: that is to be told.
func (s *Server) virusHealth(ctx context.Context) Part {
	p := Part{Name: "virus", State: "unknown", Unit: "items"}
	if s.config.Machine.Engines == nil {
		return p
	}
	n, err := s.config.Machine.Engines(ctx)
	p.Value = int64(n)
	switch {
	case err != nil:
		p.State, p.Detail = "failed", err.Error()
	case n == 0:
		p.State, p.Detail = "warning", "no engine but for the test file: see [virus] of the boot file"
	default:
		p.State = "ok"
	}
	return p
}

// cellsHealth tells how those who take attachments apart are, and how many of them files ended.
func (s *Server) cellsHealth(context.Context) Part {
	p := Part{Name: "attachments", State: "unknown", Unit: "items"}
	if s.config.Machine.Cells == nil {
		return p
	}
	c := s.config.Machine.Cells()
	p.Value = int64(c.Children)
	switch {
	case c.Err != nil:
		p.State, p.Detail = "failed", c.Err.Error()
	case c.Open != "":
		p.State, p.Detail = "warning", c.Open
	default:
		p.State, p.Detail = "ok", fmt.Sprintf("%d lost", c.Lost)
	}
	return p
}

// queueHealth counts the destinations that cannot be served.
func (s *Server) queueHealth(context.Context) Part {
	p := Part{Name: "queue", State: "ok", Unit: "items"}
	for _, d := range s.config.Runner.Destinations() {
		if !d.Until.IsZero() {
			p.Value++
			p.State = "warning"
		}
	}
	return p
}
