package cell

import (
	"context"
	"io"
	"time"

	"tegami/policy/probe/apart"
)

// A Part is a file to look into: an attachment, decoded.
type Part struct {
	Name string // as the message calls it; "" for none
	Type string // as the message says, such as "application/zip"
	Size int64  // of Octets
	// Octets are read once, to their end.
	Octets io.Reader
}

// Limits bound what one Inspect takes, all its parts together.
type Limits struct {
	Apart apart.Limits  `json:"apart"`
	Text  int           `json:"text"`  // octets of text that are given back
	Texts int           `json:"texts"` // documents whose text is read
	Files int           `json:"files"` // files that are named in a Report; more are looked at and counted
	Part  int64         `json:"part"`  // octets of a part; a larger one is not looked into
	Time  time.Duration `json:"time"`
}

// Default are the limits of the shipped service profile.
func Default() Limits {
	a := apart.Default()
	a.Time = 8 * time.Second
	return Limits{Apart: a, Text: 256 << 10, Texts: 50, Files: 2000, Part: 100 << 20, Time: 10 * time.Second}
}

// A Text is the text of a document.
type Text struct {
	Part int      `json:"part"` // of the parts asked about
	Path []string `json:"path"` // of the document, as apart.File has it
	Body string   `json:"body"` // UTF-8
	Cut  bool     `json:"cut,omitempty"`
	URLs []string `json:"urls,omitempty"` // where its hyperlinks lead
}

// A File is a file that was seen.
type File struct {
	Part int `json:"part"`
	apart.File
}

// A Threat is a file that is known to be harmful.
type Threat struct {
	Part int      `json:"part"`
	Path []string `json:"path"`
	Name string   `json:"name"`
}

// A Report is what was found in the parts.
type Report struct {
	Files   []File   `json:"files"`
	More    int      `json:"more,omitempty"` // files that were seen but are not in Files
	Texts   []Text   `json:"texts,omitempty"`
	Threats []Threat `json:"threats,omitempty"`
	// Problems are what each part could not be looked into for, apart's words; "" for nothing. As many as parts.
	Problems []string `json:"problems"`
}

// blind is the report on parts that nobody could look into.
func blind(parts []Part, problem string) *Report {
	r := &Report{Problems: make([]string, len(parts))}
	for i, p := range parts {
		r.Problems[i] = problem
		r.Files = append(r.Files, File{i, apart.File{Path: []string{p.Name}, Name: p.Name, Claimed: p.Type, Size: p.Size, Problem: problem}})
	}
	return r
}

// An Inspector looks into files.
type Inspector interface {
	// Inspect looks into parts under the limits it was made with and ctx. The error is that of reading a part's octets; whatever else goes
	// wrong is in the report.
	Inspect(ctx context.Context, parts []Part) (*Report, error)
}
