package sieve

import (
	"fmt"
	"strings"
	"time"

	"tegami/wire/mime"
)

// dateParts are the parts of a date that can be compared (RFC 5260 §4.2).
var dateParts = map[string]func(time.Time) string{
	"year":    func(t time.Time) string { return fmt.Sprintf("%04d", t.Year()) },
	"month":   func(t time.Time) string { return t.Format("01") },
	"day":     func(t time.Time) string { return t.Format("02") },
	"date":    func(t time.Time) string { return t.Format("2006-01-02") },
	"julian":  func(t time.Time) string { return fmt.Sprint(julian(t)) },
	"hour":    func(t time.Time) string { return t.Format("15") },
	"minute":  func(t time.Time) string { return t.Format("04") },
	"second":  func(t time.Time) string { return t.Format("05") },
	"time":    func(t time.Time) string { return t.Format("15:04:05") },
	"iso8601": func(t time.Time) string { return t.Format("2006-01-02T15:04:05-07:00") },
	"std11":   func(t time.Time) string { return t.Format("Mon, 02 Jan 2006 15:04:05 -0700") },
	"zone":    func(t time.Time) string { return t.Format("-0700") },
	"weekday": func(t time.Time) string { return fmt.Sprint(int(t.Weekday())) },
}

// julian is the modified Julian day of a date: days since 17 November 1858, by the calendar of its own zone.
func julian(t time.Time) int {
	const unixEpoch = 40587
	y, m, d := t.Date()
	return unixEpoch + int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/86400)
}

// checkDate checks date and currentdate (RFC 5260 §4, §5).
func checkDate(k *compiler, c *call) {
	part := &c.args[len(c.args)-2].list[0]
	if _, ok := dateParts[strings.ToLower(part.fixed)]; part.constant() && !ok {
		k.fault(c.line, "sieve.date_part", part.fixed)
		return
	}
	if v := c.tag("zone"); v != nil && v.list[0].constant() {
		if _, ok := parseZone(v.list[0].fixed); !ok {
			k.fault(c.line, "sieve.zone", v.list[0].fixed)
			return
		}
	}
	k.indexed(c)
	checkMatch(k, c)
}

// parseZone reads an offset such as +0900 (RFC 5322 §3.3).
func parseZone(s string) (*time.Location, bool) {
	if len(s) != 5 || s[0] != '+' && s[0] != '-' || strings.Trim(s[1:], "0123456789") != "" {
		return nil, false
	}
	n := 0
	for _, d := range s[1:] {
		n = n*10 + int(d-'0')
	}
	seconds := (n/100*60 + n%100) * 60
	if n%100 > 59 || seconds >= 24*3600 {
		return nil, false
	}
	if s[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), true
}

// zone is where a test wants its dates: nil for the zone a date has itself.
func (r *run) zone(c *call) *time.Location {
	if c.has("originalzone") {
		return nil
	}
	if v := c.tag("zone"); v != nil {
		if z, ok := parseZone(r.string(v)); ok {
			return z
		}
	}
	if r.in.Zone != nil {
		return r.in.Zone
	}
	return time.UTC
}

// datePart gives a part of a date, in the zone a test wants. It is not ok when there is no such part.
func (r *run) datePart(c *call, t time.Time) (string, bool) {
	if z := r.zone(c); z != nil {
		t = t.In(z)
	}
	part := dateParts[strings.ToLower(r.string(&c.args[len(c.args)-2]))]
	if part == nil {
		return "", false
	}
	return part(t), true
}

// testDate compares the date in a field, in Received and such behind the last semicolon (RFC 5260 §4).
func testDate(r *run, c *call) (bool, error) {
	h, err := r.message.head(r.message.root)
	if err != nil {
		return false, err
	}
	var values []string
	for _, f := range pick(c, h.named(r.string(&c.args[0]))) {
		s := f.value()[strings.LastIndexByte(f.value(), ';')+1:]
		t, err := mime.ParseDate(s)
		if err != nil {
			continue // what is no date fits nothing
		}
		if v, ok := r.datePart(c, t); ok {
			values = append(values, v)
		}
		if !c.has("index") {
			break // without :index the first counts (RFC 5260 §6)
		}
	}
	return r.compare(c, values)
}

// testCurrentDate compares the time of the run (RFC 5260 §5).
func testCurrentDate(r *run, c *call) (bool, error) {
	v, ok := r.datePart(c, r.now())
	if !ok {
		return false, nil
	}
	return r.compare(c, []string{v})
}
