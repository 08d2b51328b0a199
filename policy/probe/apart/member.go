package apart

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
)

// Problems: why a member, or a container's members, could not be had in full. "" is none.
const (
	Encrypted   = "encrypted"   // a password is needed
	TooDeep     = "too_deep"    // a container below Limits.Depth: not opened
	TooMany     = "too_many"    // Limits.Members were reached: what follows was not seen
	TooLarge    = "too_large"   // Limits.Each or Limits.Total was reached
	Ratio       = "ratio"       // a container grew beyond Limits.Ratio: a bomb
	Damaged     = "damaged"     // the octets are not what the format demands
	Unsupported = "unsupported" // a container or a method that is not read
	TimeOut     = "time"        // the time was up
)

// gravity sorts problems: the one that hides most stands last.
var gravity = []string{"", Encrypted, Unsupported, Damaged, TooDeep, Ratio, TooLarge, TooMany, TimeOut}

// worse gives the graver of two problems.
func worse(a, b string) string {
	for i := len(gravity) - 1; i >= 0; i-- {
		if gravity[i] == a || gravity[i] == b {
			return gravity[i]
		}
	}
	return a
}

// A Member is a file while it is visited: the one Walk was given, or one that was found in it.
type Member struct {
	Path      []string // names from the outermost file inwards, its own last
	Name      string   // its name as its container has it, with the folders, as UTF-8; "" for none
	Kind      Kind     // what it is by its content; "" where there are no octets to tell by
	Claimed   string   // the media type it was declared with, lower case; "" for none
	Size      int64    // octets unpacked: those at hand, or where they could not be had those its container tells
	Depth     int      // containers around it
	Encrypted bool     // it, or what is in it, is under a password

	// Problem is why its octets are not all there, or why its members can't be had, as far as that is known before they are
	// read; what shows later is in Outcome.Troubles.
	Problem string

	data   io.ReaderAt // what could be unpacked
	length int64
	dir    any // what its kind was told by, kept for opening it
}

// Octets gives what could be unpacked, for reading in any order, and how much that is. It is nothing where the member is
// encrypted, and may be a beginning where there is a Problem. It stays valid after the visit, and keeps memory as long as it is held.
func (m *Member) Octets() (io.ReaderAt, int64) {
	if m.data == nil {
		return strings.NewReader(""), 0
	}
	return m.data, m.length
}

// Open reads what Octets gives from its beginning. It never fails.
func (m *Member) Open() (io.ReadCloser, error) {
	r, size := m.Octets()
	return io.NopCloser(io.NewSectionReader(r, 0, size)), nil
}

// File is a Member in short, for keeping and for sending.
type File struct {
	Path      []string `json:"path"`
	Name      string   `json:"name"`
	Kind      Kind     `json:"kind,omitempty"`
	Claimed   string   `json:"claimed,omitempty"`
	Size      int64    `json:"size"`
	Depth     int      `json:"depth,omitempty"`
	SHA256    string   `json:"sha256,omitempty"` // of the octets, in hexadecimal; "" where they are not all there
	Encrypted bool     `json:"encrypted,omitempty"`
	Problem   string   `json:"problem,omitempty"`
}

// File gives the member in short. It reads all octets for their hash, but of those that were cut.
func (m *Member) File() File {
	f := File{Path: m.Path, Name: m.Name, Kind: m.Kind, Claimed: m.Claimed, Size: m.Size, Depth: m.Depth, Encrypted: m.Encrypted, Problem: m.Problem}
	if m.data == nil || m.Size != m.length {
		return f
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(m.data, 0, m.length)); err == nil {
		f.SHA256 = hex.EncodeToString(h.Sum(nil))
	}
	return f
}

// A Trouble is a problem and where it is.
type Trouble struct {
	Path    []string `json:"path"`
	Problem string   `json:"problem"`
}

// Outcome tells how a walk went.
type Outcome struct {
	Members int   `json:"members"` // that were counted, the file itself and folders included
	Depth   int   `json:"depth"`   // the deepest that was visited
	Octets  int64 `json:"octets"`  // unpacked
	// Problem is the gravest of Troubles; "" when everything was seen.
	Problem string `json:"problem,omitempty"`
	// Troubles are all problems in the order they showed, the first maxTroubles of them.
	Troubles []Trouble `json:"troubles,omitempty"`
}

// maxTroubles is how many problems of one walk are told.
const maxTroubles = 1000

// Has tells whether a problem showed anywhere.
func (o *Outcome) Has(problem string) bool {
	for _, t := range o.Troubles {
		if t.Problem == problem {
			return true
		}
	}
	return o.Problem == problem && problem != ""
}

// note adds a problem.
func (o *Outcome) note(path []string, problem string) {
	if problem == "" {
		return
	}
	o.Problem = worse(o.Problem, problem)
	if len(o.Troubles) < maxTroubles {
		o.Troubles = append(o.Troubles, Trouble{Path: path, Problem: problem})
	}
}
