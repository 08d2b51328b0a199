package restd

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"tegami/directory"
	"tegami/directory/bulk"
	"tegami/i18n"
	"tegami/jobs"
	"tegami/mail"
)

// JobSheet is what a job hands out once.
type JobSheet struct {
	Ready bool      `json:"ready" doc:"It can be fetched by who started the job"`
	Until time.Time `json:"until,omitzero" doc:"Then it is destroyed"`
	Taken time.Time `json:"taken,omitzero" doc:"When it was fetched"`
}

// JobFailure is why a job did nothing.
type JobFailure struct {
	Key    string `json:"key" doc:"A stable name of what happened"`
	Detail string `json:"detail" doc:"In the language of the request"`
}

// Job is long work.
type Job struct {
	ID      mail.ObjectID   `json:"id"`
	Kind    string          `json:"kind" doc:"import, sync"`
	Title   string          `json:"title,omitempty" doc:"Such as the name of a file"`
	By      string          `json:"by" doc:"Who started it"`
	State   jobs.State      `json:"state" enum:"waiting,running,done,failed,cancelled,interrupted"`
	Phase   string          `json:"phase,omitempty" doc:"reading, judging, hashing, writing"`
	Done    int             `json:"done" doc:"How much of the phase is done"`
	Total   int             `json:"total" doc:"How much there is in the phase; 0 = unknown"`
	Good    int             `json:"good" doc:"Lines that are good"`
	Bad     int             `json:"bad" doc:"Lines that are not"`
	Created time.Time       `json:"created"`
	Started time.Time       `json:"started,omitzero"`
	Ended   time.Time       `json:"ended,omitzero"`
	Failure *JobFailure     `json:"failure,omitempty"`
	Counts  map[string]int  `json:"counts,omitempty" doc:"What was done or, in a dry run, would be: added, updated, deleted, unchanged"`
	Lines   int             `json:"lines" doc:"How many lines its report has"`
	Sheet   *JobSheet       `json:"sheet,omitempty" doc:"Initial passwords"`
	Params  json.RawMessage `json:"params,omitempty" doc:"How it was ordered"`
}

// JobLine is a line of a job's report.
type JobLine struct {
	Line   int    `json:"line,omitempty" doc:"Of the file, from 1, that with the columns' names; absent: the file as a whole"`
	Column string `json:"column,omitempty"`
	Code   string `json:"code" doc:"A stable name of what is wrong"`
	Text   string `json:"text" doc:"In the language of the request"`
	Remark bool   `json:"remark,omitempty" doc:"Not a fault"`
}

// InJob is the path of a job.
type InJob struct {
	InTenant
	Job Ref[mail.ObjectID] `path:"job" doc:"The job's id"`
}

func (s *Server) addJobs() {
	add(s, operation{ID: "listJobs", Method: http.MethodGet, Path: "/tenants/{tenant}/jobs", Right: directory.RightOverview, Tag: "jobs",
		Summary: "List the jobs the caller may see, the newest first."}, s.listJobs)
	add(s, operation{ID: "getJob", Method: http.MethodGet, Path: "/tenants/{tenant}/jobs/{job}", Right: directory.RightOverview, Tag: "jobs",
		Summary: "Tell how far a job is."}, s.getJob)
	add(s, operation{ID: "cancelJob", Method: http.MethodPost, Path: "/tenants/{tenant}/jobs/{job}/cancel", Right: directory.RightOverview, Tag: "jobs",
		Status: http.StatusOK, Summary: "End a job that waits or runs, as who started it or could have; what is committed stays."}, s.cancelJob)
	add(s, operation{ID: "getJobReport", Method: http.MethodGet, Path: "/tenants/{tenant}/jobs/{job}/report", Right: directory.RightOverview, Tag: "jobs",
		Summary: "Give the lines of a job's report."}, s.jobReport)
	add(s, operation{ID: "getJobReportCSV", Method: http.MethodGet, Path: "/tenants/{tenant}/jobs/{job}/report.csv", Right: directory.RightOverview, Tag: "jobs",
		Summary: "Give a job's report as CSV."}, s.jobReportCSV)
	add(s, operation{ID: "takeJobSheet", Method: http.MethodPost, Path: "/tenants/{tenant}/jobs/{job}/sheet", Right: directory.RightOverview, Tag: "jobs",
		Unkept: true, Status: http.StatusOK, Summary: "Fetch the initial passwords a job made, once: they are destroyed by that."}, s.takeJobSheet)
}

// job is a job as it is shown to a caller.
func (s *Server) job(c *Call, j *jobs.Job) Job {
	out := Job{
		ID: j.ID, Kind: j.Kind, Title: j.Title, By: j.By, State: j.State, Phase: j.Phase, Done: j.Done, Total: j.Total, Good: j.Good, Bad: j.Bad,
		Created: j.Created, Started: j.Started, Ended: j.Ended, Counts: j.Counts, Lines: j.Lines, Params: j.Params,
	}
	if j.Failure.Key != "" {
		out.Failure = &JobFailure{j.Failure.Key, s.lineText(c, &j.Failure)}
	}
	if j.Sheet != (jobs.Sheet{}) {
		out.Sheet = &JobSheet{j.Sheet.Name != "" && time.Now().Before(j.Sheet.Until), j.Sheet.Until, j.Sheet.Taken}
	}
	return out
}

// lineText is what a line of a report says to a caller.
func (s *Server) lineText(c *Call, l *jobs.Line) string {
	args := make([]any, len(l.Args))
	for i, a := range l.Args {
		args[i] = a
	}
	return s.words.Text(i18n.Lang(c.Lang), l.Key, args...)
}

func (s *Server) listJobs(ctx context.Context, c *Call, _ *InTenant) (*List[Job], error) {
	all, err := s.config.Jobs.Jobs(ctx, c.Caller, c.TenantID)
	if err != nil {
		return nil, err
	}
	out := listed(make([]Job, 0, len(all)), "")
	for i := range all {
		out.Body.Items = append(out.Body.Items, s.job(c, &all[i]))
	}
	out.Body.Total = len(all)
	return out, nil
}

func (s *Server) getJob(ctx context.Context, c *Call, in *InJob) (*struct{ Body Job }, error) {
	j, err := s.config.Jobs.Job(ctx, c.Caller, c.TenantID, in.Job.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Job }{s.job(c, &j)}, nil
}

func (s *Server) cancelJob(ctx context.Context, c *Call, in *InJob) (*struct{ Body Job }, error) {
	j, err := s.config.Jobs.Cancel(ctx, c.Caller, c.Actor(), c.TenantID, in.Job.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Job }{s.job(c, &j)}, nil
}

// report gives a job's report in the caller's words.
func (s *Server) report(ctx context.Context, c *Call, id mail.ObjectID) ([]JobLine, error) {
	lines, err := s.config.Jobs.Report(ctx, c.Caller, c.TenantID, id)
	out := make([]JobLine, 0, len(lines))
	for i := range lines {
		l := &lines[i]
		out = append(out, JobLine{l.Line, l.Column, l.Key, s.lineText(c, l), l.Remark})
	}
	return out, err
}

func (s *Server) jobReport(ctx context.Context, c *Call, in *struct {
	InJob
	Limit  int `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many lines at most"`
	Offset int `query:"offset" minimum:"0" maximum:"10000" doc:"How many lines to leave out at the beginning"`
}) (*List[JobLine], error) {
	lines, err := s.report(ctx, c, in.Job.ID)
	if err != nil {
		return nil, err
	}
	from := min(in.Offset, len(lines))
	out := listed(lines[from:min(from+in.Limit, len(lines))], "")
	out.Body.Total = len(lines)
	return out, nil
}

func (s *Server) jobReportCSV(ctx context.Context, c *Call, in *InJob) (*download, error) {
	lines, err := s.report(ctx, c, in.Job.ID)
	if err != nil {
		return nil, err
	}
	told := make([]bulk.Told, len(lines))
	for i, l := range lines {
		told[i] = bulk.Told{Line: l.Line, Column: l.Column, Code: l.Code, Text: l.Text}
	}
	var text bytes.Buffer
	if err := bulk.WriteReport(&text, told, c.Lang == string(i18n.Japanese)); err != nil {
		return nil, err
	}
	return newDownload("report.csv", text.Bytes()), nil
}

func (s *Server) takeJobSheet(ctx context.Context, c *Call, in *InJob) (*download, error) {
	text, name, err := s.config.Jobs.TakeSheet(ctx, c.Caller, c.Actor(), c.TenantID, in.Job.ID)
	if err != nil {
		return nil, err
	}
	return newDownload(name, text), nil
}

// download is a CSV file as an answer.
type download struct {
	Type string `header:"Content-Type"`
	Name string `header:"Content-Disposition"`
	Body []byte `contentType:"text/csv"`
}

func newDownload(name string, text []byte) *download {
	return &download{"text/csv; charset=utf-8", `attachment; filename="` + name + `"`, text}
}
