package sieve

import "time"

// Limits of the language, in octets where nothing else is said.
const (
	// MaxFaults is how many faults of one script are told.
	MaxFaults = 50
	// MaxName is the length of the name of a command, a test or a tag.
	MaxName = 32
	// MaxArguments is how many arguments a command has.
	MaxArguments = 32
	// MaxBlocks is how deep blocks nest; RFC 5228 §2.10.5 asks for 15 at least.
	MaxBlocks = 32
	// MaxTests is how deep tests nest within one command; RFC 5228 §2.10.5 asks for 15 at least.
	MaxTests = 32
	// MaxLoops is how deep foreverypart nests, included scripts counted along.
	MaxLoops = 4
	// MaxVariableName is the length of a variable's name; RFC 5229 §3 asks for 32 at least.
	MaxVariableName = 64
	// MaxMatchValue is the highest match variable: ${32}; RFC 5229 §3.2 asks for 9 at least.
	MaxMatchValue = 32
	// MaxScriptName is the length of an included script's name (RFC 5804 §1.6).
	MaxScriptName = 512
	// MaxTrackID is the length of an id for the test duplicate, as Track holds it.
	MaxTrackID = 64
	// MaxFlags is how many flags one message gets, and MaxFlag how long one is.
	MaxFlags, MaxFlag = 128, 128
	// MaxHeader is how much of a part's header is read.
	MaxHeader = 1 << 20
	// MaxFields is how many header fields of all parts of a message are read.
	MaxFields = 50_000
)

// Limits bound what a script may ask for. A field that is 0 has the value of DefaultLimits.
type Limits struct {
	Script    int           // size of the source, in octets
	Steps     int           // commands and tests of one run; a comparison of long texts counts as several
	Time      time.Duration // of one run, without what the Host takes
	Memory    int           // octets that variables, edits and texts of one run hold together
	Actions   int           // of one run
	Redirects int           // of one run
	Notifies  int           // of one run
	Body      int           // octets of text that one test of the body, or extracttext, looks at
	Variables int           // of one script
	Variable  int           // length of a variable, in octets; RFC 5229 §3.1 asks for 4,000 characters at least
	Field     int           // length of a field value that addheader writes, in octets
	Includes  int           // included scripts of one run
	Depth     int           // of scripts that include each other
	Regex     int           // length of a regular expression, in octets

	VacationMin, VacationDefault, VacationMax time.Duration // period of vacation (RFC 5230 §4.1)
	TrackDefault, TrackMax                    time.Duration // how long duplicate remembers (RFC 7352 §3.3)
}

// DefaultLimits are the limits of the shipped service. Users write a few hundred octets; a generated filter of a
// thousand rules has about 100 KiB.
func DefaultLimits() Limits {
	const day = 24 * time.Hour
	return Limits{
		Script: 128 << 10, Steps: 1_000_000, Time: 5 * time.Second, Memory: 4 << 20,
		Actions: 32, Redirects: 4, Notifies: 10, Body: 4 << 20,
		Variables: 256, Variable: 64 << 10, Field: 2048, Includes: 64, Depth: 10, Regex: 8 << 10,
		VacationMin: day, VacationDefault: 7 * day, VacationMax: 60 * day,
		TrackDefault: 12 * time.Hour, TrackMax: 7 * day,
	}
}

// orDefaults fills the fields that are 0.
func (l Limits) orDefaults() Limits {
	d := DefaultLimits()
	for _, p := range []struct{ v, d *int }{
		{&l.Script, &d.Script}, {&l.Steps, &d.Steps}, {&l.Memory, &d.Memory}, {&l.Actions, &d.Actions},
		{&l.Redirects, &d.Redirects}, {&l.Notifies, &d.Notifies}, {&l.Body, &d.Body}, {&l.Variables, &d.Variables},
		{&l.Variable, &d.Variable}, {&l.Field, &d.Field}, {&l.Includes, &d.Includes}, {&l.Depth, &d.Depth}, {&l.Regex, &d.Regex},
	} {
		if *p.v == 0 {
			*p.v = *p.d
		}
	}
	for _, p := range []struct{ v, d *time.Duration }{
		{&l.Time, &d.Time}, {&l.VacationMin, &d.VacationMin}, {&l.VacationDefault, &d.VacationDefault},
		{&l.VacationMax, &d.VacationMax}, {&l.TrackDefault, &d.TrackDefault}, {&l.TrackMax, &d.TrackMax},
	} {
		if *p.v == 0 {
			*p.v = *p.d
		}
	}
	return l
}
