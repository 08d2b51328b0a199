package restd

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/queue"
	"tegami/trace"
)

// TraceQuery is how the trace is searched. All conditions must hold.
type TraceQuery struct {
	Sender    string    `query:"sender" maxLength:"320" doc:"An address or a domain: of the envelope's sender or the header's From"`
	Recipient string    `query:"recipient" maxLength:"320" doc:"An address or a domain"`
	MessageID string    `query:"messageId" maxLength:"512" doc:"The Message-ID field, with or without angle brackets"`
	Trace     string    `query:"trace" maxLength:"128" doc:"The id in our Received field, in refusals and answers; or a session's id"`
	Subject   string    `query:"subject" maxLength:"256" doc:"A part of the subject; needs the right to see subjects"`
	Remote    string    `query:"remote" maxLength:"255" doc:"The host that gave us the message: IP address, network, or the name it called itself by"`
	Since     time.Time `query:"since" doc:"Not before"`
	Until     time.Time `query:"until" doc:"Before"`
	Result    string    `query:"result" enum:"delivered,waiting,delayed,error,held,quarantined,removed,refused,forwarded,expanded,filtered" doc:"What became of a recipient"`
	Direction string    `query:"direction" enum:"in,out,internal,system" doc:"Which way the message went"`
}

// TraceRecipient is a recipient with what became of the message for it.
type TraceRecipient struct {
	Address string         `json:"address"`
	Account mail.AccountID `json:"account,omitzero" doc:"Whose box, when it is here"`
	Result  string         `json:"result" enum:"delivered,waiting,delayed,error,held,quarantined,removed,refused,forwarded,expanded,filtered"`
	Into    string         `json:"into,omitempty" doc:"Where it went here: inbox, junk, folder, nothing, filter, forward, list, company, remote, owners, return, reader"`
	Reason  string         `json:"reason,omitempty" doc:"A stable name of why"`
	Text    string         `json:"text,omitempty" doc:"The reason in the request's language"`
	Status  string         `json:"status,omitempty" doc:"Enhanced status code (RFC 3463)"`
	Host    string         `json:"host,omitempty" doc:"The other host that said so"`
	Answer  string         `json:"answer,omitempty" doc:"Its words"`
	TLS     string         `json:"tls,omitempty" doc:"Version and cipher of the connection to it"`
	At      time.Time      `json:"at,omitzero"`
}

// TraceEntry is a message, or the part of it that goes one way.
type TraceEntry struct {
	ID         mail.ItemID      `json:"id"`
	Trace      string           `json:"trace" doc:"The same for all parts of a message"`
	At         time.Time        `json:"at" doc:"When it came"`
	From       string           `json:"from" doc:"The envelope's sender; empty for a bounce"`
	HeaderFrom string           `json:"headerFrom,omitempty"`
	Sender     mail.AccountID   `json:"sender,omitzero" doc:"The account that submitted it"`
	MessageID  string           `json:"messageId,omitempty"`
	Subject    string           `json:"subject,omitempty" doc:"Only for who may see it"`
	Size       int64            `json:"size,omitempty" doc:"Octets"`
	Direction  string           `json:"direction" enum:"in,out,internal,system"`
	Result     string           `json:"result" enum:"delivered,waiting,delayed,error,held,quarantined,removed,refused,forwarded,expanded,filtered" doc:"The worst of its recipients' results"`
	Recipients []TraceRecipient `json:"recipients" doc:"In a list: the first ones"`
	Count      int              `json:"count" doc:"How many recipients there are for who asks"`
	Hidden     int              `json:"hidden,omitempty" doc:"How many more who asks may not see"`
	Repeats    int              `json:"repeats,omitempty" doc:"Of a refusal: how many more like it there were"`
	State      string           `json:"state" enum:"waiting,held,settled"`
	Route      string           `json:"route"`
	Door       string           `json:"door,omitempty" doc:"By which protocol it came"`
	Zone       string           `json:"zone,omitempty"`
	Remote     string           `json:"remote,omitempty" doc:"IP address of the peer"`
	Helo       string           `json:"helo,omitempty" doc:"What it called itself"`
	TLS        string           `json:"tls,omitempty" doc:"Version and cipher of the connection it came over; absent: in the clear"`
}

// TraceStep is one thing that happened to a message.
type TraceStep struct {
	At     time.Time   `json:"at"`
	Until  time.Time   `json:"until,omitzero" doc:"Of several alike: the last"`
	Times  int         `json:"times,omitempty" doc:"How many alike"`
	Kind   string      `json:"kind" enum:"accepted,refused,delivered,sent,deferred,failed,expired,held,removed,expanded,forwarded,filtered,handedOver,waiting,notified,notifyLater"`
	Item   mail.ItemID `json:"item"`
	Route  string      `json:"route,omitempty"`
	To     []string    `json:"to,omitempty" doc:"Whom it concerns; the first ones"`
	Count  int         `json:"count,omitempty" doc:"How many those are"`
	Into   string      `json:"into,omitempty"`
	Reason string      `json:"reason,omitempty"`
	Text   string      `json:"text,omitempty" doc:"The reason in the request's language"`
	Status string      `json:"status,omitempty"`
	Host   string      `json:"host,omitempty"`
	Answer string      `json:"answer,omitempty"`
	TLS    string      `json:"tls,omitempty"`
	Next   time.Time   `json:"next,omitzero" doc:"When it is tried next"`
}

// TraceMessage is all that is known of one message.
type TraceMessage struct {
	Entries []TraceEntry `json:"entries" doc:"Its parts, the oldest first"`
	Steps   []TraceStep  `json:"steps" doc:"In the order of time"`
	Facts   *trace.Facts `json:"facts,omitempty" doc:"What was found out when it came: SPF, DKIM, DMARC, ARC"`
	Cut     bool         `json:"cut,omitempty" doc:"It has more parts than are shown"`
}

func (s *Server) addTrace() {
	add(s, operation{ID: "searchTrace", Method: http.MethodGet, Path: "/tenants/{tenant}/trace", Right: directory.RightTraceRead, Tag: "trace", View: true,
		Summary: "Search the message trace, the newest first."}, s.searchTrace)
	add(s, operation{ID: "exportTrace", Method: http.MethodGet, Path: "/tenants/{tenant}/trace.csv", Right: directory.RightTraceRead, Tag: "trace", View: true, Deadline: exportFor,
		Summary: "Export what a search of the message trace finds as CSV."}, s.exportTrace)
	add(s, operation{ID: "getTrace", Method: http.MethodGet, Path: "/tenants/{tenant}/trace/{item}", Right: directory.RightTraceRead, Tag: "trace", View: true,
		Summary: "Tell every step of one message."}, s.getTrace)
	add(s, operation{ID: "searchOwnTrace", Method: http.MethodGet, Path: "/self/trace", Right: directory.RightSelf, Tag: "self",
		Summary: "Search the trace of one's own mail, the newest first."}, s.searchOwnTrace)
	add(s, operation{ID: "getOwnTrace", Method: http.MethodGet, Path: "/self/trace/{item}", Right: directory.RightSelf, Tag: "self",
		Summary: "Tell every step of one of one's own messages."}, s.getOwnTrace)
}

// listedTo is how many recipients an entry of a list names.
const listedTo = 20

// traceList names the list that cursors of the trace are of.
const traceList = "trace"

// traceQuery reads the conditions.
func (q *TraceQuery) traceQuery(p Paging) (trace.Query, error) {
	var before mail.ItemID
	err := afterID(p, traceList, &before)
	return trace.Query{
		Sender: q.Sender, Recipient: q.Recipient, MessageID: q.MessageID, Trace: q.Trace, Subject: q.Subject, Remote: q.Remote,
		Since: q.Since, Until: q.Until, Result: trace.Result(q.Result), Direction: trace.Direction(q.Direction),
		Before: before, Limit: p.Limit,
	}, err
}

// reach is what a caller may see under a right; nil: all of the company.
func (s *Server) reach(ctx context.Context, c *Call, right directory.Right) (trace.Sees, error) {
	if c.Whole(right) {
		return nil, nil
	}
	domains, err := c.Company.Domains(ctx)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]mail.DomainID, len(domains))
	for _, d := range domains {
		ids[d.Name] = d.ID
	}
	groups := make(map[mail.AccountID][]mail.ObjectID)
	return func(id mail.AccountID, a mail.Address) bool {
		in := directory.Place{Domain: ids[a.Domain]}
		if c.MayIn(right, in) || id.IsZero() {
			return c.MayIn(right, in)
		}
		list, known := groups[id]
		if !known {
			if account, err := c.Company.Account(ctx, id); err == nil { // one that is gone is in no group
				list = account.Groups
			}
			groups[id] = list
		}
		in.Groups = list
		return c.MayIn(right, in)
	}, nil
}

// tracing is a search for somebody: what may be seen, and of which messages the subjects.
type tracing struct {
	*Server
	call     *Call
	sees     trace.Sees
	subjects trace.Sees
}

// nobody sees nothing.
func nobody(mail.AccountID, mail.Address) bool { return false }

func (s *Server) tracing(ctx context.Context, c *Call) (*tracing, error) {
	t := &tracing{Server: s, call: c, subjects: nobody}
	var err error
	if t.sees, err = s.reach(ctx, c, directory.RightTraceRead); err == nil && c.May(directory.RightSubjects) {
		t.subjects, err = s.reach(ctx, c, directory.RightSubjects)
	}
	return t, err
}

// search searches. Who may not see all subjects cannot search by them: what is found would tell them.
func (t *tracing) search(ctx context.Context, tenant mail.TenantID, q trace.Query) (trace.Page, error) {
	if q.Subject != "" && t.subjects != nil && t.call.Company != nil {
		return trace.Page{}, mail.E("restd.searchTrace", mail.Denied, "trace.subjects")
	}
	return t.config.Trace.Search(ctx, tenant, q, t.sees)
}

func (s *Server) searchTrace(ctx context.Context, c *Call, in *struct {
	InTenant
	Paging
	TraceQuery
}) (*List[TraceEntry], error) {
	q, err := in.traceQuery(in.Paging)
	if err != nil {
		return nil, err
	}
	t, err := s.tracing(ctx, c)
	if err != nil {
		return nil, err
	}
	return t.list(ctx, c.TenantID, q)
}

// list answers a search.
func (t *tracing) list(ctx context.Context, tenant mail.TenantID, q trace.Query) (*List[TraceEntry], error) {
	page, err := t.search(ctx, tenant, q)
	if err != nil {
		return nil, err
	}
	items, next := make([]TraceEntry, len(page.Entries)), ""
	for i := range page.Entries {
		items[i] = t.entry(&page.Entries[i], listedTo)
	}
	if !page.Next.IsZero() {
		next = cursorAt(traceList, page.Next.String())
	}
	return listed(items, next), nil
}

// entry shows an item with so many recipients at most.
func (t *tracing) entry(e *trace.Entry, most int) TraceEntry {
	out := TraceEntry{
		ID: e.ID, Trace: e.Trace, At: e.Origin.Received.UTC(), From: e.From.String(), HeaderFrom: e.HeaderFrom, Sender: e.Sender,
		MessageID: e.MessageID, Size: e.Size, Direction: string(e.Direction), Result: string(e.Result()), Count: len(e.To),
		Hidden: e.Hidden, Repeats: e.Repeats, State: queue.StateName(e.State), Route: e.Route, Door: e.Origin.Door, Zone: string(e.Origin.Zone),
		Helo: e.Origin.Helo, TLS: e.Origin.TLS, Recipients: []TraceRecipient{},
	}
	if e.Origin.Remote.IsValid() {
		out.Remote = e.Origin.Remote.String()
	}
	if t.maySubject(e) {
		out.Subject = e.Subject
	}
	for i := range e.To[:min(len(e.To), most)] {
		r := &e.To[i]
		out.Recipients = append(out.Recipients, TraceRecipient{
			Address: r.Address.String(), Account: r.Account, Result: string(trace.ResultOf(&e.Item, r)), Into: trace.IntoName(r.Into),
			Reason: r.Reason, Text: t.reason(t.call.Lang, r.Reason), Status: r.Status, Host: r.Host, Answer: r.Answer, TLS: r.TLS, At: utc(r.At),
		})
	}
	return out
}

// utc puts a time into UTC, none staying none.
func utc(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.UTC()
}

// maySubject tells whether the caller sees the subject of an entry.
func (t *tracing) maySubject(e *trace.Entry) bool {
	if t.subjects == nil || t.subjects(e.Sender, e.From) {
		return true
	}
	for i := range e.To {
		if t.subjects(e.To[i].Account, e.To[i].Address) {
			return true
		}
	}
	return false
}

// reason is the text of a reason; "" for none.
func (s *Server) reason(lang, key string) string {
	if key == "" || !s.words.Has(i18n.Lang(lang), key) {
		return ""
	}
	return s.words.Text(i18n.Lang(lang), key)
}

// InTrace is the path of one message.
type InTrace struct {
	Item Ref[mail.ItemID] `path:"item" doc:"The id of one of its parts"`
}

func (s *Server) getTrace(ctx context.Context, c *Call, in *struct {
	InTenant
	InTrace
}) (*struct{ Body TraceMessage }, error) {
	t, err := s.tracing(ctx, c)
	if err != nil {
		return nil, err
	}
	return t.message(ctx, c.TenantID, in.Item.ID)
}

// message answers with a message.
func (t *tracing) message(ctx context.Context, tenant mail.TenantID, id mail.ItemID) (*struct{ Body TraceMessage }, error) {
	m, err := t.config.Trace.Message(ctx, tenant, id, t.sees)
	if err != nil {
		return nil, err
	}
	out := TraceMessage{Entries: []TraceEntry{}, Steps: []TraceStep{}, Facts: m.Facts, Cut: m.Cut}
	for i := range m.Entries {
		out.Entries = append(out.Entries, t.entry(&m.Entries[i], len(m.Entries[i].To)))
	}
	for i := range m.Steps {
		out.Steps = append(out.Steps, t.step(&m.Steps[i]))
	}
	return &struct{ Body TraceMessage }{out}, nil
}

func (t *tracing) step(st *trace.Step) TraceStep {
	out := TraceStep{
		At: utc(st.At), Until: utc(st.Until), Times: st.Times, Kind: string(st.Kind), Item: st.Item, Route: st.Route, Count: st.Count,
		Into: trace.IntoName(st.Into), Reason: st.Reason, Text: t.reason(t.call.Lang, st.Reason), Status: st.Status, Host: st.Host,
		Answer: st.Answer, TLS: st.TLS, Next: utc(st.Next),
	}
	for _, a := range st.To {
		out.To = append(out.To, a.String())
	}
	return out
}

// own is the search of somebody through what he sent and got. He sees all of it: it is his mail.
func (s *Server) own(c *Call) *tracing {
	sees := trace.Only(c.Identity().Account().ID)
	return &tracing{Server: s, call: c, sees: sees, subjects: sees}
}

func (s *Server) searchOwnTrace(ctx context.Context, c *Call, in *struct {
	Paging
	TraceQuery
}) (*List[TraceEntry], error) {
	q, err := in.traceQuery(in.Paging)
	if err != nil {
		return nil, err
	}
	q.Account = c.Identity().Account().ID
	return s.own(c).list(ctx, c.Tenant(), q)
}

func (s *Server) getOwnTrace(ctx context.Context, c *Call, in *InTrace) (*struct{ Body TraceMessage }, error) {
	return s.own(c).message(ctx, c.Tenant(), in.Item.ID)
}

// maxTraceExport is how many lines an export has at most: it is made in memory.
const maxTraceExport = 20_000

// exportFor is how long an export may take.
const exportFor = 2 * time.Minute

// traceCSV are the columns of an export: one line for each recipient.
var traceCSV = []string{
	"time", "trace", "item", "direction", "from", "header_from", "to", "result", "into", "reason", "status", "host", "answer", "tls_out",
	"result_time", "subject", "message_id", "size", "remote", "helo", "tls_in", "repeats",
}

// csvFile is a CSV file as an answer.
type csvFile struct {
	Type string `header:"Content-Type"`
	Name string `header:"Content-Disposition"`
	Cut  bool   `header:"Tegami-Cut" doc:"There is more than one file holds: ask for a shorter time"`
	Body []byte
}

func (s *Server) exportTrace(ctx context.Context, c *Call, in *struct {
	InTenant
	TraceQuery
}) (*csvFile, error) {
	q, err := in.traceQuery(Paging{Limit: trace.MaxPage})
	if err != nil {
		return nil, err
	}
	t, err := s.tracing(ctx, c)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	text.WriteString("\ufeff") // so that spreadsheets read UTF-8
	w := csv.NewWriter(&text)
	w.UseCRLF = true
	_ = w.Write(traceCSV) // into memory
	lines := 0
	for more := true; more && lines < maxTraceExport; {
		page, err := t.search(ctx, c.TenantID, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Entries {
			lines += t.lines(w, &page.Entries[i])
		}
		q.Before, more = page.Next, !page.Next.IsZero()
	}
	w.Flush()
	return &csvFile{
		Type: "text/csv; charset=utf-8", Name: `attachment; filename="trace.csv"`, Cut: lines >= maxTraceExport, Body: text.Bytes(),
	}, nil
}

// lines writes the lines of an entry.
func (t *tracing) lines(w *csv.Writer, e *trace.Entry) (n int) {
	line := t.entry(e, len(e.To))
	to := line.Recipients
	if len(to) == 0 {
		to = []TraceRecipient{{Result: line.Result}}
	}
	for i := range to {
		r := &to[i]
		fields := []string{
			moment(line.At), line.Trace, line.ID.String(), line.Direction, line.From, line.HeaderFrom, r.Address, r.Result, r.Into, r.Reason,
			r.Status, r.Host, r.Answer, r.TLS, moment(r.At), line.Subject, line.MessageID, strconv.FormatInt(line.Size, 10), line.Remote,
			line.Helo, line.TLS, strconv.Itoa(line.Repeats),
		}
		for i := range fields {
			fields[i] = harmless(fields[i])
		}
		_ = w.Write(fields) // into memory
	}
	return len(to)
}

// moment writes a time for people and programs; "" for none.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.RFC3339)
}

// harmless keeps a spreadsheet from taking a text for a formula (DOMAIN §16.1).
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
