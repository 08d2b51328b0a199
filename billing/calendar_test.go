package billing_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"

	"tegami/billing"
	"tegami/mail"
)

func date(t testing.TB, s string) billing.Date {
	t.Helper()
	d, err := billing.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestSV12BusinessDays counts the golden vectors of the specification.
func TestSV12BusinessDays(t *testing.T) {
	h := newHouse(t)
	l, err := h.Holidays(h.ctx)
	h.must(err)
	for _, c := range []struct {
		from    string
		n       int
		yearEnd bool
		want    string
	}{
		{"2026-09-11", 11, true, "2026-10-01"}, // 9/21 to 9/23 are holidays, 9/22 since it lies between two
		{"2026-12-14", 11, true, "2027-01-04"},
		{"2026-12-14", 11, false, "2026-12-29"},
		{"2026-05-01", 1, true, "2026-05-07"}, // Golden Week; 5/6 substitutes 5/3, a Sunday
		{"2027-03-19", 1, true, "2027-03-23"}, // 3/22 substitutes 3/21, a Sunday
		{"2026-07-17", 1, true, "2026-07-21"}, // from a Friday over the weekend and 海の日
		{"2026-07-18", 1, true, "2026-07-21"}, // the day of receipt need not be a business day
		{"2026-07-16", 0, true, "2026-07-16"},
		{"2026-12-28", 1, false, "2026-12-29"},
		{"2026-12-28", 1, true, "2027-01-04"},
	} {
		calendar := billing.NewCalendar(l.Holidays, l.From, l.Until, c.yearEnd)
		got, err := calendar.After(date(t, c.from), c.n)
		if err != nil || got.String() != c.want {
			t.Errorf("%s + %d: %s, %v; want %s", c.from, c.n, got, err, c.want)
		}
	}
}

// TestSV12CalendarFailsLoudly promises nothing for years whose holidays are not known.
func TestSV12CalendarFailsLoudly(t *testing.T) {
	h := newHouse(t)
	_, err := h.Promise(h.ctx, date(t, "2027-12-20"))
	h.says(err, mail.Conflict, "calendar.exhausted")
	if _, args := mail.TextOf(err); len(args) != 2 || args[0] != 2028 || args[1] != 2027 {
		t.Errorf("the answer names %v", args)
	}
	_, err = h.Promise(h.ctx, date(t, "2025-12-01"))
	h.says(err, mail.Conflict, "calendar.exhausted")
	got, err := h.Promise(h.ctx, date(t, "2027-12-10"))
	h.must(err)
	if got.String() != "2027-12-27" {
		t.Errorf("promised for %s", got)
	}
	c, _, err := h.Calendar(h.ctx)
	h.must(err)
	_, err = c.After(date(t, "2028-01-01"), 0)
	h.says(err, mail.Conflict, "calendar.exhausted")
	_, err = c.After(date(t, "2026-01-01"), billing.MaxLead+1)
	h.says(err, mail.Invalid, "calendar.days")
}

const heading = "国民の祝日・休日月日,国民の祝日・休日名称\n"

// year is a list of holidays with everything a year must have.
func year(y string) string {
	var b strings.Builder
	for _, d := range []string{"1/1", "1/12", "2/11", "3/20", "4/29", "5/3", "5/4", "5/5", "9/23", "11/3", "11/23"} {
		b.WriteString(y + "/" + d + ",休日\n")
	}
	return b.String()
}

// TestSV12HolidaysAreData loads the list of a further year, in both encodings and with line ends of both kinds.
func TestSV12HolidaysAreData(t *testing.T) {
	text := heading + year("2027") + year("2028")
	sjis, err := japanese.ShiftJIS.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"UTF-8": text, "UTF-8 with a mark": "\ufeff" + text, "Shift_JIS": sjis, "CRLF": strings.ReplaceAll(sjis, "\n", "\r\n"),
	} {
		h := newHouse(t)
		l, err := h.LoadHolidays(h.ctx, h.ops, []byte(file))
		h.must(err)
		if l.From != 2026 || l.Until != 2028 || l.By != "operator:test" || l.At.IsZero() || l.Holidays[0].Name != "元日" {
			t.Errorf("%s: %d to %d by %q", name, l.From, l.Until, l.By)
		}
		got, err := h.Promise(h.ctx, date(t, "2027-12-20"))
		h.must(err)
		if got.String() != "2028-01-10" {
			t.Errorf("%s: promised for %s", name, got)
		}
		_, err = h.LoadHolidays(h.ctx, h.ops, []byte(heading+year("2027")))
		h.says(err, mail.Conflict, "holidays.older")
		_, err = h.LoadHolidays(h.ctx, h.ops, []byte(heading+year("2030")))
		h.says(err, mail.Conflict, "holidays.gap")
		_, err = h.LoadHolidays(h.ctx, mail.Actor{}, []byte(file))
		h.says(err, mail.Denied, "actor.denied")
	}
}

// TestSV12HolidayFilesAreValidated refuses whatever is not exactly the known layout.
func TestSV12HolidayFilesAreValidated(t *testing.T) {
	for name, c := range map[string]struct{ file, key string }{
		"nothing":             {"", "holidays.layout"},
		"no heading":          {year("2026"), "holidays.layout"},
		"the layout of 2017":  {"平成28年(2016年),,平成29年(2017年),,平成30年(2018年),\n名称,月日,名称,月日,名称,月日\n", "holidays.layout"},
		"three columns":       {heading + "2026/1/1,元日,x\n", "holidays.line"},
		"no date":             {heading + "元日,2026/1/1\n", "holidays.line"},
		"no such day":         {heading + "2026/2/30,休日\n", "holidays.line"},
		"no name":             {heading + "2026/1/1,\n", "holidays.line"},
		"not in order":        {heading + year("2027") + year("2026"), "holidays.line"},
		"a day twice":         {heading + "2026/1/1,元日\n2026/1/1,元日\n", "holidays.line"},
		"a year far away":     {heading + "9999/1/1,元日\n", "holidays.line"},
		"cut off":             {heading + strings.TrimSuffix(year("2026"), "2026/11/23,休日\n"), "holidays.incomplete"},
		"a year left out":     {heading + year("2026") + year("2028"), "holidays.incomplete"},
		"headings alone":      {heading, "holidays.incomplete"},
		"another encoding":    {"\xa5\xa5\xff\xfe\x80" + heading, "holidays.encoding"},
		"an unfinished quote": {heading + "\"2026/1/1,元日\n", "holidays.line"},
	} {
		_, err := billing.ParseHolidays([]byte(c.file))
		if key, _ := mail.TextOf(err); key != c.key || !mail.Is(err, mail.Invalid) {
			t.Errorf("%s: %v, want %s", name, err, c.key)
		}
	}
	_, err := billing.ParseHolidays(bytes.Repeat([]byte("x"), billing.MaxHolidayFile+1))
	if !mail.Is(err, mail.Full) {
		t.Errorf("a huge file: %v", err)
	}
}

func FuzzParseHolidays(f *testing.F) {
	f.Add([]byte(heading + year("2026")))
	sjis, _ := japanese.ShiftJIS.NewEncoder().String(heading + year("2027"))
	f.Add([]byte(sjis))
	f.Add([]byte(heading + "\"2026/1/1"))
	f.Fuzz(func(t *testing.T, file []byte) {
		list, err := billing.ParseHolidays(file)
		if err != nil {
			if key, _ := mail.TextOf(err); !strings.HasPrefix(key, "holidays.") {
				t.Fatalf("no words for %v", err)
			}
			return
		}
		from, until := billing.Years(list)
		c := billing.NewCalendar(list, from, until, true)
		if _, err := c.After(billing.Date{Year: from, Month: time.January, Day: 1}, 5); err != nil {
			t.Fatalf("a list that was taken counts no days: %v", err)
		}
	})
}

func TestDates(t *testing.T) {
	if d := billing.DateOf(time.Date(2026, 12, 31, 15, 0, 0, 0, time.UTC)); d.String() != "2027-01-01" {
		t.Errorf("the day in Tokyo is %s", d)
	}
	var d billing.Date
	for text, good := range map[string]bool{"2026-02-28": true, "2026-02-29": false, "2028-02-29": true, "x": false, "": true} {
		if err := d.UnmarshalText([]byte(text)); (err == nil) != good || good && d.String() != text {
			t.Errorf("%q is %v, %v", text, d, err)
		}
	}
}
