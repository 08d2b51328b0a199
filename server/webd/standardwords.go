package webd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tegami/i18n"
	"tegami/wire/jmap"
)

// How dates are written: today, this year, and in full.
var dateForms = map[i18n.Lang][3]string{
	i18n.Japanese: {"15:04", "1月2日", "2006/01/02"},
	i18n.English:  {"15:04", "2 Jan", "2 Jan 2006"},
}

// weekdays are those of Japanese, from Sunday.
var weekdays = []string{"日", "月", "火", "水", "木", "金", "土"}

// Short is a time as it stands in a row: the hour today, the day this year, else the year too.
func (v *visit) Short(at jmap.UTCDate) string {
	t, now, form := at.In(v.zone), v.now.In(v.zone), dateForms[v.Lang]
	switch {
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return t.Format(form[0])
	case t.Year() == now.Year():
		return t.Format(form[1])
	}
	return t.Format(form[2])
}

// Full is a day with its weekday, hour and minute.
func (v *visit) Full(t time.Time) string {
	t = t.In(v.zone)
	if v.Lang == i18n.Japanese {
		return t.Format("2006年1月2日(") + weekdays[t.Weekday()] + t.Format(") 15:04")
	}
	return t.Format("Mon, 2 Jan 2006, 15:04")
}

// When is when an email was sent, else when it came.
func (v *visit) When(e email) string {
	if e.Sent != nil && !e.Sent.IsZero() {
		return v.Full(e.Sent.Time)
	}
	return v.Full(e.Received.Time)
}

// Bytes is a size in binary units (SV-4).
func (v *visit) Bytes(n int64) string { return sizeText(n) }

func sizeText(n int64) string {
	units := []string{"KB", "MB", "GB", "TB"}
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, unit := float64(n)/1024, 0
	for f >= 999.5 && unit < len(units)-1 {
		f, unit = f/1024, unit+1
	}
	if f < 9.95 && unit > 0 {
		return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") + " " + units[unit]
	}
	return fmt.Sprintf("%.0f %s", f, units[unit])
}

// Percent is how full the mailbox is.
func (q quota) Percent() int64 {
	if q.Limit <= 0 {
		return 0
	}
	return min(999, q.Used*100/q.Limit)
}

// State is the colour of the quota indicator (SV-6): "full", "high", or "" while there is room.
func (q quota) State() string {
	switch {
	case q.Limit > 0 && q.Used >= q.Limit:
		return "full"
	case q.Warn > 0 && q.Used >= q.Warn, q.Percent() >= 90:
		return "high"
	}
	return ""
}

// Name is what somebody is called.
func (p person) String() string {
	if p.Name == "" || p.Name == p.Email {
		return p.Email
	}
	return p.Name + " <" + p.Email + ">"
}

// Name is what somebody is called in a row: his name, else his address.
func (v *visit) Name(p person) string {
	switch {
	case strings.EqualFold(p.Email, v.Me()):
		return v.T("webmail.me")
	case p.Name != "":
		return p.Name
	}
	return p.Email
}

// Names are what some are called, at most so many of them.
func (v *visit) Names(list []person, most int) string {
	var names []string
	for i, p := range list {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, v.Name(p))
	}
	return strings.Join(names, v.T("webmail.comma"))
}

// Written are names with addresses.
func (v *visit) Written(list []person) string {
	var names []string
	for _, p := range list {
		names = append(names, p.String())
	}
	return strings.Join(names, ", ")
}

// People are who a row is about: who wrote it, of what one sent oneself to whom.
func (v *visit) People(e email) string {
	if len(e.From) > 0 && !strings.EqualFold(e.From[0].Email, v.Me()) {
		return v.Name(e.From[0])
	}
	if to := append(append([]person{}, e.To...), e.Cc...); len(to) > 0 {
		return v.T("webmail.to_whom", v.Names(to, 3))
	}
	return v.T("webmail.no_recipients")
}

// Subject is what an email is about.
func (v *visit) Subject(e email) string {
	if text := strings.TrimSpace(e.Subject); text != "" {
		return text
	}
	return v.T("webmail.no_subject")
}

// Indent are blanks before a folder within another one, for lists of choices.
func (b box) Indent() string { return strings.Repeat("\u3000", b.Depth) }

// inside tells whether an address is the company's own.
func (v *visit) inside(address string) bool {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	for _, own := range v.Branding.Domains {
		if domain == own {
			return true
		}
	}
	return false
}
