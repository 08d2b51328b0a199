package mime

import (
	"strings"
	"time"

	"tegami/mail"
)

// ParseDate reads a Date field's value by RFC 5322 §3.3, and leniently beyond: any
// weekday or none, obsolete and military zones, two-digit years, missing seconds or zone,
// comments, full month names, ISO 8601, and the order of Unix's ctime. Without a zone the
// time is UTC. The error's kind is Invalid.
func ParseDate(raw string) (time.Time, error) {
	p := dateParser{zone: noZone}
	for _, w := range dateWords(raw) {
		p.word(w)
	}
	if t, ok := p.time(); ok {
		return t, nil
	}
	return time.Time{}, mail.E("mime.ParseDate", mail.Invalid, "date.malformed", raw)
}

// noZone marks a date without a zone.
const noZone = -1 << 30

// maxDateWords is how many words of a date are looked at.
const maxDateWords = 16

// dateWords splits at white space and commas and leaves comments out, but keeps them if
// nothing else tells the zone.
func dateWords(s string) []string {
	var words []string
	depth, start := 0, -1
	flush := func(i int) {
		if start >= 0 && depth == 0 && len(words) < maxDateWords {
			words = append(words, s[start:i])
		}
		start = -1
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(':
			flush(i)
			depth++
		case c == ')':
			start = -1
			depth = max(depth-1, 0)
		case c <= ' ' || c == ',' || c == '"':
			flush(i)
		case start < 0:
			start = i
		}
	}
	flush(len(s))
	return words
}

// dateParser gathers the parts of a date as its words tell them.
type dateParser struct {
	year, month, day  int
	hour, minute, sec int
	timed             bool
	zone              int // seconds east
	pm, am            bool
}

func (p *dateParser) word(w string) {
	switch {
	case w[0] == '+' || w[0] == '-':
		p.offset(w)
	case strings.IndexByte(w, ':') > 0:
		p.clock(w)
	case w[0] >= '0' && w[0] <= '9':
		p.digits(w)
	default:
		p.letters(w)
	}
}

// clock reads hh:mm, hh:mm:ss and fractions, and a zone that touches it.
func (p *dateParser) clock(w string) {
	if date, rest, ok := strings.Cut(w, "T"); ok && strings.Count(date, "-") == 2 {
		p.digits(date)
		w = rest
	}
	if i := strings.IndexAny(w, "+-Zz"); i > 0 {
		if c := w[i]; c == 'Z' || c == 'z' {
			p.zone = 0
		} else {
			p.offset(w[i:])
		}
		w = w[:i]
	}
	part := strings.SplitN(w, ":", 4)
	if len(part) < 2 || p.timed {
		return
	}
	h, ok1 := number(part[0])
	m, ok2 := number(part[1])
	s := 0
	if len(part) > 2 {
		s, _ = number(cutFraction(part[2])) // what can't be read is 0
	}
	if ok1 && ok2 && h < 25 && m < 60 && s < 62 {
		p.hour, p.minute, p.sec, p.timed = h, m, s, true
	}
}

func cutFraction(s string) string {
	if i := strings.IndexAny(s, ".,"); i >= 0 {
		return s[:i]
	}
	return s
}

// number reads a number of up to four digits.
func number(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || i == 4 {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != ""
}

// offset reads +hhmm, +hh:mm and +hh.
func (p *dateParser) offset(w string) {
	d := strings.ReplaceAll(w[1:], ":", "")
	n, ok := number(d)
	if !ok || p.zone != noZone {
		return
	}
	if len(d) <= 2 {
		n *= 100
	}
	p.zone = (n/100*60 + n%100) * 60
	if p.zone >= 24*3600 {
		p.zone = 0
	}
	if w[0] == '-' {
		p.zone = -p.zone
	}
}

// digits reads a day, a year, or a date written with hyphens or slashes.
func (p *dateParser) digits(w string) {
	if strings.IndexAny(w, "-/.") > 0 {
		part := strings.FieldsFunc(w, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
		if len(part) == 3 {
			p.numeric(part)
			return
		}
	}
	n, ok := number(w)
	switch {
	case !ok:
	case len(w) <= 2 && p.day == 0:
		p.day = n
	case p.year == 0:
		p.year = fullYear(n, len(w))
	}
}

// numeric reads 2026-11-23, 23-Nov-2026 and 23/11/2026.
func (p *dateParser) numeric(part []string) {
	if len(part[0]) == 4 {
		part[0], part[2] = part[2], part[0]
	}
	d, ok1 := number(part[0])
	y, ok2 := number(part[2])
	m, ok3 := number(part[1])
	if !ok3 {
		m = monthOf(part[1])
	}
	if ok1 && ok2 && m > 0 {
		p.day, p.month, p.year = d, m, fullYear(y, len(part[2]))
	}
}

// fullYear reads the years of two and three digits (RFC 5322 §4.3), and those of programs that write 0126.
func fullYear(n, digits int) int {
	switch {
	case digits >= 3 && n < 1000:
		return n + 1900
	case digits > 3:
		return n
	case n < 50:
		return n + 2000
	}
	return n + 1900
}

// letters reads a month, a zone, or a.m. and p.m.; a weekday says nothing that the date doesn't.
func (p *dateParser) letters(w string) {
	if m := monthOf(w); m > 0 && p.month == 0 {
		p.month = m
		return
	}
	switch strings.ToLower(w) {
	case "pm":
		p.pm = true
	case "am":
		p.am = true
	default:
		p.named(w)
	}
}

func monthOf(w string) int {
	if len(w) < 3 {
		return 0
	}
	i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(w[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return i/3 + 1
}

// zones are the zones with names, hours east (RFC 5322 §4.3), and such as stand in real mail.
var zones = map[string]int{
	"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0,
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"JST": 9, "KST": 9, "HKT": 8, "CET": 1, "MET": 1, "CEST": 2, "MEST": 2, "BST": 1, "EET": 2, "EEST": 3, "MSK": 3,
}

// named reads a zone's name. GMT+0900 is read as well; single letters mean nothing (RFC 5322 §4.3).
func (p *dateParser) named(w string) {
	name, offset := w, ""
	if i := strings.IndexAny(w, "+-"); i > 0 {
		name, offset = w[:i], w[i:]
	}
	hours, ok := zones[strings.ToUpper(name)]
	switch {
	case !p.timed || p.zone != noZone:
	case ok && offset != "":
		p.offset(offset)
	case ok:
		p.zone = hours * 3600
	case len(w) == 1:
		p.zone = 0
	}
}

func (p *dateParser) time() (time.Time, bool) {
	if p.year == 0 || p.month < 1 || p.month > 12 || p.day < 1 || p.day > 31 {
		return time.Time{}, false
	}
	switch {
	case p.pm && p.hour < 12:
		p.hour += 12
	case p.am && p.hour == 12:
		p.hour = 0
	}
	zone := time.UTC
	if p.zone != noZone && p.zone != 0 {
		zone = time.FixedZone("", p.zone)
	}
	return time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.sec, 0, zone), true
}
