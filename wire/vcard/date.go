package vcard

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// date is a date of which parts may be missing; 0 = missing.
type date struct{ year, month, day int }

// parseDate reads a date in the forms of all versions: 1985-04-12, 19850412, 1985-04, 1985, --0412, --04, ---12. A time behind it is left out.
func parseDate(s string) (d date, ok bool) {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "T")
	s, _, _ = strings.Cut(s, " ")
	digits := strings.ReplaceAll(s, "/", "-")
	switch {
	case strings.HasPrefix(digits, "---"):
		ok = number(digits[3:], 2, &d.day)
	case strings.HasPrefix(digits, "--"):
		rest := strings.ReplaceAll(digits[2:], "-", "")
		ok = len(rest) >= 2 && number(rest[:2], 2, &d.month) && (len(rest) == 2 || number(rest[2:], 2, &d.day))
	default:
		parts := strings.Split(digits, "-")
		if len(parts) == 1 && len(digits) == 8 {
			parts = []string{digits[:4], digits[4:6], digits[6:]}
		}
		ok = len(parts) <= 3 && number(parts[0], 4, &d.year)
		if ok && len(parts) > 1 {
			ok = number(parts[1], 2, &d.month)
		}
		if ok && len(parts) > 2 {
			ok = number(parts[2], 2, &d.day)
		}
	}
	return d, ok && d.month <= 12 && d.day <= 31
}

// number reads at most so many digits.
func number(s string, most int, to *int) bool {
	n, err := strconv.Atoi(s)
	if err != nil || len(s) > most || n <= 0 {
		return false
	}
	*to = n
	return true
}

func two(n int) string  { return fmt.Sprintf("%02d", n) }
func four(n int) string { return fmt.Sprintf("%04d", n) }

// String is the date as version 4.0 writes it (RFC 6350 §4.3.1).
func (d date) String() string {
	switch {
	case d.year != 0 && d.month != 0 && d.day != 0:
		return four(d.year) + two(d.month) + two(d.day)
	case d.year != 0 && d.month != 0:
		return four(d.year) + "-" + two(d.month)
	case d.year != 0:
		return four(d.year)
	case d.month != 0 && d.day != 0:
		return "--" + two(d.month) + two(d.day)
	case d.month != 0:
		return "--" + two(d.month)
	case d.day != 0:
		return "---" + two(d.day)
	}
	return ""
}

// partial is the date as PartialDate (RFC 9553 §2.8.1).
func (d date) partial() map[string]any {
	o := map[string]any{}
	for name, n := range map[string]int{"year": d.year, "month": d.month, "day": d.day} {
		if n != 0 {
			o[name] = float64(n)
		}
	}
	return o
}

// partialDate reads a PartialDate; false where a part is none.
func partialDate(o map[string]any) (d date, ok bool) {
	for name, to := range map[string]*int{"year": &d.year, "month": &d.month, "day": &d.day} {
		if v, there := o[name]; there {
			n, isNumber := v.(float64)
			if !isNumber || n != float64(int(n)) || n < 1 || n > 9999 {
				return d, false
			}
			*to = int(n)
		}
	}
	return d, d != date{} && d.month <= 12 && d.day <= 31
}

// instants are the forms of times in vCard (RFC 6350 §4.3.5), and as old software writes them.
var instants = []string{"20060102T150405Z", "20060102T150405Z0700", "20060102T150405-07", "2006-01-02T15:04:05Z07:00", "20060102T150405", "2006-01-02T15:04:05"}

// parseInstant reads a time.
func parseInstant(s string) (time.Time, bool) {
	for _, form := range instants {
		if at, err := time.Parse(form, strings.TrimSpace(s)); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// utcDate is a time as JSContact writes it (RFC 9553 §1.4.2).
func utcDate(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }
