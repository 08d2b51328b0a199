package billing

import (
	"bytes"
	_ "embed" // the holidays that are known from the beginning
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"

	"tegami/mail"
)

// Holiday is a public holiday: a 国民の祝日, a substitute for one, or a day between two.
type Holiday struct {
	Date Date   `json:"date"`
	Name string `json:"name"`
}

// Limits of files of holidays.
const (
	// MaxHolidayFile is its size in octets. That of 1955 to 2027 has 21 KB.
	MaxHolidayFile = 1 << 20
	// MaxHolidays is how many holidays it has.
	MaxHolidays = 10_000
	maxHoliday  = 100 // octets of a name
	firstYear   = 1949
	lastYear    = 2199
	fewest      = 9 // holidays a year: there were so many from the beginning
	most        = 40
)

// initial are the holidays that are known before an operator loads any.
//
//go:embed holidays.csv
var initial []byte

// Years are the years of a list of holidays, which are in order.
func Years(list []Holiday) (from, until int) {
	if len(list) == 0 {
		return 0, 0
	}
	return list[0].Date.Year, list[len(list)-1].Date.Year
}

// ParseHolidays reads the Cabinet Office's file syukujitsu.csv, in Shift_JIS or UTF-8: a line of headings, then a date as 2026/1/1
// and a name in each. Its layout has changed before, so what is not exactly that is refused: Invalid "holidays.encoding",
// "holidays.layout", "holidays.line" with its number, "holidays.incomplete" with a year that lacks what every year has; Full
// "holidays.too_big".
func ParseHolidays(file []byte) ([]Holiday, error) {
	const op = "billing.ParseHolidays"
	if len(file) > MaxHolidayFile {
		return nil, mail.E(op, mail.Full, "holidays.too_big", MaxHolidayFile>>10)
	}
	text, err := decodeHolidays(file)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = 2
	head, err := r.Read()
	if err != nil || !strings.Contains(head[0], "月日") || !strings.Contains(head[1], "名称") {
		return nil, mail.E(op, mail.Invalid, "holidays.layout")
	}
	var list []Holiday
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, complete(list)
		}
		line := len(list) + 2 // each holiday is one, after the headings
		var h Holiday
		if err == nil {
			h, err = holidayOf(fields)
		}
		if err != nil || len(list) == MaxHolidays || len(list) > 0 && list[len(list)-1].Date.Compare(h.Date) >= 0 {
			return nil, &mail.Error{Op: op, Kind: mail.Invalid, Text: "holidays.line", Args: []any{line}, Err: err}
		}
		list = append(list, h)
	}
}

// decodeHolidays gives the file as UTF-8.
func decodeHolidays(file []byte) ([]byte, error) {
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	if utf8.Valid(file) {
		return file, nil
	}
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(file)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return nil, mail.E("billing.decodeHolidays", mail.Invalid, "holidays.encoding")
	}
	return text, nil
}

// holidayOf reads a line.
func holidayOf(fields []string) (Holiday, error) {
	t, err := time.Parse("2006/1/2", strings.TrimSpace(fields[0]))
	if err != nil {
		return Holiday{}, err
	}
	y, m, d := t.Date()
	name := strings.TrimSpace(fields[1])
	if y < firstYear || y > lastYear || name == "" || len(name) > maxHoliday {
		return Holiday{}, errors.New("a year or a name that cannot be")
	}
	return Holiday{Date{y, m, d}, name}, nil
}

// complete refuses a list that lacks a year, or of a year what every year has: New Year's Day, Labour Thanksgiving Day late in the
// year, and a certain number of days. A file that was cut off is found so.
func complete(list []Holiday) error {
	count, have := map[int]int{}, map[Date]bool{}
	for _, h := range list {
		count[h.Date.Year]++
		have[h.Date] = true
	}
	from, until := Years(list)
	for y := from; y <= until; y++ {
		if n := count[y]; y == 0 || n < fewest || n > most || !have[Date{y, time.January, 1}] || !have[Date{y, time.November, 23}] {
			return mail.E("billing.complete", mail.Invalid, "holidays.incomplete", y)
		}
	}
	return nil
}

// join puts a list that was read into one that was known: it replaces the years it has, the years before stay. Conflict
// "holidays.older" for one that ends before what is known, "holidays.gap" for one that leaves out years.
func join(known, read []Holiday) ([]Holiday, error) {
	const op = "billing.join"
	_, last := Years(known)
	from, until := Years(read)
	switch {
	case until < last:
		return nil, mail.E(op, mail.Conflict, "holidays.older", until, last)
	case last != 0 && from > last+1:
		return nil, mail.E(op, mail.Conflict, "holidays.gap", last, from)
	}
	var joined []Holiday
	for _, h := range known {
		if h.Date.Year < from {
			joined = append(joined, h)
		}
	}
	return append(joined, read...), nil
}
