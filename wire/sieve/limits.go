package sieve

import "time"

// Limits of the language, in octets where nothing else is said.
const (
	// MaxScript is the size of a script's source. Users write a few hundred octets; a
	// generated filter of a thousand rules has about 100 KiB.
	MaxScript = 128 << 10
	// MaxFaults is how many faults of one script are told.
	MaxFaults = 50
	// MaxTrackID is the length of an id for the test duplicate, as Track holds it.
	MaxTrackID = 64
)

// Limits bound what a script may ask for. A field that is 0 has the value of DefaultLimits.
type Limits struct {
	Script    int           // size of the source, in octets
	Nesting   int           // depth of blocks and tests together
	Steps     int           // commands and tests of one run; a comparison of long texts counts as several
	Time      time.Duration // of one run, without what the Host takes
	Memory    int           // octets that variables and edits of one run may hold together
	Actions   int           // of one run
	Redirects int           // of one run
	Notifies  int           // of one run
	Body      int           // octets of each part's text that the test body reads
	Variables int           // of one run, global ones included
	Variable  int           // length of a variable, in octets; RFC 5229 §3.1 asks for 4,000 characters at least
	Includes  int           // included scripts of one run
	Depth     int           // of scripts that include each other
	Regex     int           // length of a regular expression, in octets

	VacationMin, VacationDefault, VacationMax time.Duration // period of vacation (RFC 5230 §4.1)
	TrackDefault, TrackMax                    time.Duration // how long duplicate remembers (RFC 7352 §3.3)
}

// DefaultLimits are the limits of the shipped service.
func DefaultLimits() Limits { return Limits{} }
