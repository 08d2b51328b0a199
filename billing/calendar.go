package billing

import (
	"time"

	"tegami/mail"
)

// LeadDays is how many business days after receipt an order is promised to be opened, unless set otherwise (SV-12).
const LeadDays = 11

// MaxLead bounds how many business days are counted at once.
const MaxLead = 250

// A Calendar knows which days are business days: not Saturdays, Sundays and public holidays, nor, where YearEnd says so, the days
// from 29 December to 3 January. It does not change once made.
type Calendar struct {
	From, Until int             // the years it knows, both included
	YearEnd     bool            // offices are closed at the year's end
	holidays    map[Date]string // with their names
}

// NewCalendar makes a calendar of public holidays that are complete for the years from and until and those between.
func NewCalendar(holidays []Holiday, from, until int, yearEnd bool) *Calendar {
	c := &Calendar{From: from, Until: until, YearEnd: yearEnd, holidays: make(map[Date]string, len(holidays))}
	for _, h := range holidays {
		c.holidays[h.Date] = h.Name
	}
	return c
}

// Business tells whether a day is a business day. Conflict "calendar.exhausted" with the year asked for and the last one known,
// for a day in a year whose holidays are not known: nobody may promise anything for that.
func (c *Calendar) Business(d Date) (bool, error) {
	if d.Year < c.From || d.Year > c.Until {
		return false, mail.E("billing.Business", mail.Conflict, "calendar.exhausted", d.Year, c.Until)
	}
	if w := d.Weekday(); w == time.Saturday || w == time.Sunday || c.YearEnd && yearEnd(d) {
		return false, nil
	}
	_, holiday := c.holidays[d]
	return !holiday, nil
}

// yearEnd tells whether offices are usually closed: 29 December to 3 January.
func yearEnd(d Date) bool {
	return d.Month == time.December && d.Day >= 29 || d.Month == time.January && d.Day <= 3
}

// After gives the n-th business day after a day, which itself is day 0 and need not be one. Conflict "calendar.exhausted" as in
// Business, Invalid "calendar.days" for an n below 0 or above MaxLead.
func (c *Calendar) After(d Date, n int) (Date, error) {
	if n < 0 || n > MaxLead {
		return Date{}, mail.E("billing.After", mail.Invalid, "calendar.days", MaxLead)
	}
	for n > 0 {
		d = d.Next()
		business, err := c.Business(d)
		if err != nil {
			return Date{}, err
		}
		if business {
			n--
		}
	}
	if _, err := c.Business(d); err != nil { // of n = 0, too
		return Date{}, err
	}
	return d, nil
}
