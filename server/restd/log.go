package restd

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
)

// LogLine is a line of the operation log.
type LogLine struct {
	Seq     uint64        `json:"seq" doc:"Its number; the next has one more"`
	Time    time.Time     `json:"time"`
	Actor   string        `json:"actor" doc:"An address, operator:name, key:name, platform:part"`
	Role    string        `json:"role" enum:"user,admin,operator,observer,platform" doc:"In what capacity"`
	Remote  string        `json:"remote,omitempty" doc:"The address from where"`
	Agent   string        `json:"agent,omitempty" doc:"What the actor's program calls itself"`
	Request string        `json:"request,omitempty" doc:"The id of the request or session, as in the server's log"`
	Op      mail.Op       `json:"op" doc:"A stable name of what was done"`
	What    string        `json:"what" doc:"What was done, in the request's language"`
	Kind    string        `json:"kind" doc:"Of what kind of thing the line tells"`
	ID      mail.ObjectID `json:"id,omitempty" doc:"Of which one"`
	Name    string        `json:"name,omitempty" doc:"What that is called, as far as the line tells"`
	Reason  string        `json:"reason,omitempty" doc:"Why, as the actor said"`
	Seen    bool          `json:"seen,omitempty" doc:"Nothing was changed: somebody looked"`
	Refused string        `json:"refused,omitempty" doc:"Why the attempt was refused, as a problem's key"`
	Changes []LogChange   `json:"changes" doc:"What was different afterwards; secrets are masked"`
	Hash    string        `json:"hash" doc:"SHA-256 over the line and the hash of the one before, in hexadecimal"`
}

// LogChange is one value that is different.
type LogChange struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// LogState is what a verification of the log found.
type LogState struct {
	First     uint64 `json:"first" doc:"The oldest line there is"`
	Last      uint64 `json:"last"`
	Lines     int    `json:"lines"`
	Unchained int    `json:"unchained" doc:"Lines from before the log was chained"`
	Head      string `json:"head" doc:"Hash of the last line, in hexadecimal: who keeps it can prove later that nothing before it was changed"`
	Whole     bool   `json:"whole" doc:"Every line is as it was written, and none is missing"`
	Broken    uint64 `json:"broken,omitempty" doc:"The first line that is not as it was written"`
}

// logRoles are the names of actors' capacities.
var logRoles = map[mail.ActorRole]string{
	mail.User: "user", mail.Admin: "admin", mail.Operator: "operator", mail.Observer: "observer", mail.Platform: "platform",
}

// LogFilter says which lines are asked for.
type LogFilter struct {
	Since time.Time          `query:"since" doc:"From this time on"`
	Until time.Time          `query:"until" doc:"Before this time"`
	Actor string             `query:"actor" maxLength:"320" doc:"Who, exactly as in a line"`
	Op    string             `query:"op" maxLength:"100" doc:"What, by its stable name"`
	Kind  string             `query:"kind" maxLength:"50" doc:"Of what kind of thing"`
	ID    Ref[mail.ObjectID] `query:"id" doc:"Of which one"`
	Text  string             `query:"text" maxLength:"100" doc:"Stands in actor, address, reason, or in a value before or after"`
}

// query is the filter for the directory. Who may read the log of a part of the company only finds what stands there.
func (f *LogFilter) query(c *Call) directory.LogQuery {
	q := directory.LogQuery{Since: f.Since, Until: f.Until, Actor: f.Actor, Op: mail.Op(f.Op), Kind: f.Kind, ID: f.ID.ID, Text: f.Text}
	if !c.Operator() && !c.Whole(directory.RightLogRead) {
		q.Within = append([]directory.Grant{}, c.Grants()...)
	}
	return q
}

func (s *Server) addLog() {
	const tag, path, platform = "log", "/tenants/{tenant}/log", "/log"
	read, order := directory.RightLogRead, directory.RightOrder
	get := http.MethodGet
	add(s, operation{ID: "listLog", Method: get, Path: path, Right: read, Tag: tag, Summary: "Search the operation log of a company, the newest lines first."}, s.listLog)
	add(s, operation{ID: "getLogLine", Method: get, Path: path + "/{seq}", Right: read, Tag: tag, Summary: "Give a line of the operation log."}, s.getLogLine)
	add(s, operation{ID: "exportLog", Method: get, Path: path + ".csv", Right: read, Tag: tag, Deadline: logExportTime, Summary: "Give what a search of the operation log finds as a CSV file."}, s.exportLog)
	add(s, operation{ID: "verifyLog", Method: get, Path: "/tenants/{tenant}/log-state", Right: read, Tag: tag, Deadline: logExportTime, Summary: "Verify that every line of the operation log is as it was written."}, s.verifyLog)
	add(s, operation{ID: "listPlatformLog", Method: get, Path: platform, Right: order, Tag: tag, Summary: "Search the operation log of the platform, the newest lines first."}, s.listPlatformLog)
	add(s, operation{ID: "exportPlatformLog", Method: get, Path: platform + ".csv", Right: order, Tag: tag, Deadline: logExportTime, Summary: "Give what a search of the platform's operation log finds as a CSV file."}, s.exportPlatformLog)
	add(s, operation{ID: "verifyPlatformLog", Method: get, Path: "/log-state", Right: order, Tag: tag, Deadline: logExportTime, Summary: "Verify the operation log of the platform."}, s.verifyPlatformLog)
}

// logExportTime is how long a whole log may take.
const logExportTime = 5 * time.Minute

func (s *Server) logLine(c *Call, l *directory.LogLine) LogLine {
	out := LogLine{
		Seq: l.Seq, Time: l.At, Actor: l.Actor, Role: logRoles[l.Role], Remote: l.Remote, Agent: l.Agent, Request: l.Session,
		Op: l.Op, What: s.say(c, directory.OpText(l)), Kind: l.Kind, ID: l.ID, Name: l.Name, Reason: l.Reason, Seen: l.Seen,
		Refused: l.Refused, Changes: make([]LogChange, len(l.Changes)), Hash: hex.EncodeToString(l.Hash),
	}
	for i, change := range l.Changes {
		out.Changes[i] = LogChange(change)
	}
	return out
}

// say gives a text in the language of a call.
func (s *Server) say(c *Call, key string) string { return s.words.Text(i18n.Lang(c.Lang), key) }

// logPage searches one of the logs.
func (s *Server) logPage(ctx context.Context, c *Call, q directory.LogQuery, at Paging, search func(context.Context, directory.LogQuery) (directory.LogPage, error)) (*List[LogLine], error) {
	const list = "log"
	before, err := at.after(list)
	if err != nil {
		return nil, err
	}
	if before != nil {
		if q.Before, err = strconv.ParseUint(before[0], 10, 63); err != nil {
			return nil, mail.E("restd.logPage", mail.Invalid, "cursor.malformed")
		}
	}
	q.Limit = at.Limit
	page, err := search(ctx, q)
	if err != nil {
		return nil, err
	}
	items, next := make([]LogLine, len(page.Lines)), ""
	for i := range page.Lines {
		items[i] = s.logLine(c, &page.Lines[i])
	}
	if page.Next != 0 {
		next = cursorAt(list, strconv.FormatUint(page.Next, 10))
	}
	return listed(items, next), nil
}

func (s *Server) listLog(ctx context.Context, c *Call, in *struct {
	InTenant
	Paging
	LogFilter
}) (*List[LogLine], error) {
	return s.logPage(ctx, c, in.query(c), in.Paging, c.Company.Log)
}

func (s *Server) listPlatformLog(ctx context.Context, c *Call, in *struct {
	Paging
	LogFilter
}) (*List[LogLine], error) {
	return s.logPage(ctx, c, in.query(c), in.Paging, s.dir.Log)
}

func (s *Server) getLogLine(ctx context.Context, c *Call, in *struct {
	InTenant
	Seq uint64 `path:"seq" minimum:"1" maximum:"9007199254740991" doc:"The line's number"`
}) (*struct{ Body LogLine }, error) {
	q := (&LogFilter{}).query(c)
	q.Before, q.Limit = in.Seq+1, 1
	page, err := c.Company.Log(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(page.Lines) == 0 || page.Lines[0].Seq != in.Seq {
		return nil, mail.E("restd.getLogLine", mail.NotFound, "log.unknown", in.Seq)
	}
	return &struct{ Body LogLine }{s.logLine(c, &page.Lines[0])}, nil
}

// zoneOf is the zone of the times in a file: what was asked for, else that of the service.
func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		name = "Asia/Tokyo"
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, mail.E("restd.zoneOf", mail.Invalid, "settings.zone", name)
	}
	return zone, nil
}

// LogExport asks for a file.
type LogExport struct {
	LogFilter
	Zone string `query:"zone" maxLength:"50" doc:"Time zone of the times beside those in UTC; absent: Asia/Tokyo"`
}

// logFile streams a file of lines. An error before its first octets is an answer like any other; one behind them ends the answer
// in the middle, which the client sees as an answer that broke off.
func (s *Server) logFile(c *Call, in *LogExport, export func(w *headed, q directory.LogQuery, f directory.LogFile) error) (*huma.StreamResponse, error) {
	zone, err := zoneOf(in.Zone)
	if err != nil {
		return nil, err
	}
	f := directory.LogFile{Words: s.words, Lang: i18n.Lang(c.Lang), Zone: zone}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		w := &headed{hc: hc}
		err := export(w, in.query(c), f)
		switch {
		case err != nil && !w.begun:
			s.refuse(c.answer, err)
		case err != nil:
			s.log.Error("export", "request", c.answer.id, "err", err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

// headed writes the header of a CSV file before its first octets.
type headed struct {
	hc    huma.Context
	begun bool
}

func (w *headed) Write(b []byte) (int, error) {
	if !w.begun {
		w.begun = true
		w.hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
		w.hc.SetHeader("Content-Disposition", `attachment; filename="operation-log.csv"`)
		w.hc.SetStatus(http.StatusOK)
	}
	return w.hc.BodyWriter().Write(b)
}

func (s *Server) exportLog(ctx context.Context, c *Call, in *struct {
	InTenant
	LogExport
}) (*huma.StreamResponse, error) {
	return s.logFile(c, &in.LogExport, func(w *headed, q directory.LogQuery, f directory.LogFile) error {
		return c.Company.ExportLog(ctx, c.Actor(), w, q, f)
	})
}

func (s *Server) exportPlatformLog(ctx context.Context, c *Call, in *LogExport) (*huma.StreamResponse, error) {
	return s.logFile(c, in, func(w *headed, q directory.LogQuery, f directory.LogFile) error {
		return s.dir.ExportLog(ctx, w, q, f)
	})
}

func newLogState(v directory.LogState) *struct{ Body LogState } {
	return &struct{ Body LogState }{LogState{v.First, v.Last, v.Lines, v.Unchained, hex.EncodeToString(v.Head), v.Broken == 0, v.Broken}}
}

func (s *Server) verifyLog(ctx context.Context, c *Call, _ *InTenant) (*struct{ Body LogState }, error) {
	v, err := c.Company.VerifyLog(ctx)
	if err != nil {
		return nil, err
	}
	return newLogState(v), nil
}

func (s *Server) verifyPlatformLog(ctx context.Context, _ *Call, _ *struct{}) (*struct{ Body LogState }, error) {
	v, err := s.dir.VerifyLog(ctx)
	if err != nil {
		return nil, err
	}
	return newLogState(v), nil
}
