package imap

import (
	"strconv"
	"time"
)

// Layouts of RFC 9051 §9 date-text and date-time. The day of the month may have one digit.
const (
	dateLayout     = "_2-Jan-2006"
	dateTimeLayout = "_2-Jan-2006 15:04:05 -0700"
)

// Date takes a date, quoted or not (RFC 9051 §9 date). It is midnight UTC of that day.
func (d *Decoder) Date(dst *time.Time) bool {
	var s string
	if !d.AString(&s) {
		return false
	}
	t, err := time.Parse(dateLayout, s)
	if err != nil || t.Year() < 1 {
		return d.Expected("date")
	}
	*dst = t
	return true
}

// DateTime takes a quoted date-time.
func (d *Decoder) DateTime(dst *time.Time) bool {
	var s string
	if !d.IsNext('"') || !d.quoted(&s) {
		return d.Expected("date-time")
	}
	t, err := time.Parse(dateTimeLayout, s)
	if err != nil || t.Year() < 1 {
		return d.Expected("date-time")
	}
	*dst = t
	return true
}

// AppendDateTime writes t quoted, in its own zone: "17-Jul-1996 02:44:25 -0700".
func AppendDateTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	if t.Day() < 10 {
		dst = append(dst, ' ')
	}
	dst = strconv.AppendInt(dst, int64(t.Day()), 10)
	dst = t.AppendFormat(dst, "-Jan-2006 15:04:05 -0700")
	return append(dst, '"')
}
