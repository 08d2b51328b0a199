package billing

import (
	"cmp"
	"time"

	"tegami/mail"
)

// Date is a day of the calendar, without a time and a zone. The zero Date is no day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Zone is where the days of orders begin and end.
var Zone = time.FixedZone("Asia/Tokyo", 9*60*60)

// DateOf is the day of a moment in Zone.
func DateOf(t time.Time) Date {
	y, m, d := t.In(Zone).Date()
	return Date{y, m, d}
}

// ParseDate reads "2026-09-11". Invalid "date.malformed".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, mail.E("billing.ParseDate", mail.Invalid, "date.malformed", s)
	}
	y, m, d := t.Date()
	return Date{y, m, d}, nil
}

// IsZero tells whether it is no day.
func (d Date) IsZero() bool { return d == Date{} }

// String gives "2026-09-11", "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.utc().Format(time.DateOnly)
}

// Time is the day's first moment in Zone.
func (d Date) Time() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, Zone) }

// Next is the day after.
func (d Date) Next() Date {
	y, m, day := d.utc().AddDate(0, 0, 1).Date()
	return Date{y, m, day}
}

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// Compare is negative for an earlier day than other, 0 for the same.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// MarshalText writes the form of String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of String; nothing is the zero Date.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	*d, err = ParseDate(string(text))
	return err
}
