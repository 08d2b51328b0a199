package jobs

import (
	"encoding/json"
	"time"

	"tegami/directory"
	"tegami/mail"
)

// State is where a job stands.
type State string

// States of jobs. All behind Running are final.
const (
	Waiting     State = "waiting"
	Running     State = "running"
	Done        State = "done"        // it did what it could; what it refused stands in the report
	Failed      State = "failed"      // it did nothing: Failure says why
	Cancelled   State = "cancelled"   // by somebody, before it did anything
	Interrupted State = "interrupted" // the process ended while it ran, and its kind can't be run again
)

// Ended tells whether nothing happens any more.
func (s State) Ended() bool { return s != Waiting && s != Running }

// Limits of jobs.
const (
	// MaxOpen is how many jobs of a company wait or run.
	MaxOpen = 20
	// MaxKept is how many jobs of a company are kept: beyond that the oldest that ended goes.
	MaxKept = 200
	// MaxInput is the size of a job's input in octets.
	MaxInput = 10 << 20
	// MaxReport is how many lines of a report are kept. The rest is counted.
	MaxReport = 10_000
	// KeptFor is how long a job that ended can be seen.
	KeptFor = 30 * 24 * time.Hour
	// SheetFor is how long a sheet that nobody fetched is kept.
	SheetFor = 24 * time.Hour
)

// Job is long work as it is shown.
type Job struct {
	ID      mail.ObjectID
	Tenant  mail.TenantID
	Kind    string
	Title   string // what it is about, such as the name of a file
	By      string // who started it
	State   State
	Params  json.RawMessage
	Created time.Time
	Started time.Time // zero = not yet
	Ended   time.Time // zero = not yet
	Progress
	Failure Line           // why it failed; zero otherwise
	Counts  map[string]int // of what it did, or would do: "added", "updated" …
	Lines   int            // of the report
	Sheet   Sheet
}

// Progress is how far a job is. The zero value is before the beginning.
type Progress struct {
	Phase string `json:"phase,omitempty"` // a word of the kind: "reading", "hashing", "writing"
	Done  int    `json:"done"`            // of Total, in this phase
	Total int    `json:"total"`           // 0 = unknown
	Good  int    `json:"good"`
	Bad   int    `json:"bad"`
}

// Sheet tells about what a job hands out once and only to who started it, such as initial passwords.
type Sheet struct {
	Name  string    `json:"name,omitempty"` // of the file; "" = there is none, or it is gone
	Until time.Time `json:"until,omitzero"` // then it is destroyed
	Taken time.Time `json:"taken,omitzero"` // when it was fetched, zero = never
}

// Line is one line of a report.
type Line struct {
	Line   int      `json:"line,omitempty"`   // of the input, from 1; 0 = the whole
	Column string   `json:"column,omitempty"` // "" = the whole line
	Key    string   `json:"key"`              // of the catalogue
	Args   []string `json:"args,omitempty"`
	Remark bool     `json:"remark,omitempty"` // it was done nevertheless
}

// jobDoc is a job as stored.
type jobDoc struct {
	Kind    string            `json:"kind"`
	Title   string            `json:"title,omitempty"`
	Starter directory.Starter `json:"starter"`
	State   State             `json:"state"`
	Fence   uint64            `json:"fence,omitempty"` // of the leader who runs it
	Cancel  bool              `json:"cancel,omitempty"`
	Params  json.RawMessage   `json:"params,omitempty"`
	Created time.Time         `json:"created"`
	Started time.Time         `json:"started,omitzero"`
	Ended   time.Time         `json:"ended,omitzero"`
	Progress
	Failure Line           `json:"failure,omitzero"`
	Counts  map[string]int `json:"counts,omitempty"`
	Lines   int            `json:"lines,omitempty"`
	Sheet   Sheet          `json:"sheet,omitzero"`
}

func (d *jobDoc) job(id mail.ObjectID, tenant mail.TenantID) Job {
	return Job{
		ID: id, Tenant: tenant, Kind: d.Kind, Title: d.Title, By: d.Starter.Name, State: d.State, Params: d.Params,
		Created: d.Created, Started: d.Started, Ended: d.Ended, Progress: d.Progress, Failure: d.Failure,
		Counts: d.Counts, Lines: d.Lines, Sheet: d.Sheet,
	}
}

// nextDue is when a job that ended has to be looked at again: its sheet goes, or itself.
func (d *jobDoc) nextDue() time.Time {
	if d.Sheet.Name != "" {
		return d.Sheet.Until
	}
	return d.Ended.Add(KeptFor)
}
