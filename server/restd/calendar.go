package restd

import (
	"context"
	"net/http"
	"time"

	"tegami/billing"
	"tegami/directory"
)

// Calendar is what is known about business days.
type Calendar struct {
	From     int       `json:"from" doc:"The first year whose holidays are known"`
	Until    int       `json:"until" doc:"The last year; for later dates nothing can be promised"`
	Loaded   time.Time `json:"loaded,omitzero" doc:"When the holidays were loaded; absent: the program came with them"`
	By       string    `json:"by,omitempty" doc:"Who loaded them"`
	Holidays []Holiday `json:"holidays" doc:"Of the year asked for, or of the years from this one on"`
	Soon     bool      `json:"soon,omitempty" doc:"The holidays run out within a year: those of the next one should be loaded"`
}

// Holiday is a public holiday.
type Holiday struct {
	Date string `json:"date" format:"date"`
	Name string `json:"name"`
}

// CalendarSettings are how openings are promised.
type CalendarSettings struct {
	LeadDays int  `json:"leadDays" minimum:"0" maximum:"250" doc:"Business days from receipt to opening"`
	YearEnd  bool `json:"yearEnd" doc:"29 December to 3 January are no business days"`
}

func (s *Server) addCalendar() {
	const path, tag = "/calendar", "calendar"
	get, put, right := http.MethodGet, http.MethodPut, directory.RightOrder
	add(s, operation{ID: "getCalendar", Method: get, Path: path, Right: right, Tag: tag, Summary: "Show the public holidays that are known, and until which year."}, s.getCalendar)
	add(s, operation{ID: "loadHolidays", Method: put, Path: path + "/holidays", Right: right, Tag: tag, MaxBody: 2 * billing.MaxHolidayFile, Summary: "Load the Cabinet Office's file syukujitsu.csv, in Shift_JIS or UTF-8."}, s.loadHolidays)
	add(s, operation{ID: "getCalendarSettings", Method: get, Path: path + "/settings", Right: right, Tag: tag, Summary: "Show how openings are promised."}, s.getCalendarSettings)
	add(s, operation{ID: "setCalendarSettings", Method: put, Path: path + "/settings", Right: right, Tag: tag, Summary: "Set how the openings of later orders are promised."}, s.setCalendarSettings)
	add(s, operation{ID: "promiseOpening", Method: get, Path: path + "/promise", Right: right, Tag: tag, Summary: "Compute on which day an order received on a day would be opened."}, s.promiseOpening)
}

func (s *Server) getCalendar(ctx context.Context, _ *Call, in *struct {
	Year int `query:"year" minimum:"0" maximum:"2199"`
}) (*struct{ Body Calendar }, error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	l, err := book.Holidays(ctx)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Calendar }{calendarBody(l, in.Year)}, nil
}

func calendarBody(l billing.Loaded, year int) Calendar {
	this := billing.DateOf(time.Now()).Year
	body := Calendar{From: l.From, Until: l.Until, Loaded: l.At, By: l.By, Holidays: []Holiday{}, Soon: l.Until <= this}
	for _, h := range l.Holidays {
		if year != 0 && h.Date.Year == year || year == 0 && h.Date.Year >= this {
			body.Holidays = append(body.Holidays, Holiday{h.Date.String(), h.Name})
		}
	}
	return body
}

func (s *Server) loadHolidays(ctx context.Context, c *Call, in *struct {
	RawBody []byte `contentType:"text/csv"`
}) (*struct{ Body Calendar }, error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	l, err := book.LoadHolidays(ctx, c.Actor(), in.RawBody)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Calendar }{calendarBody(l, 0)}, nil
}

func (s *Server) getCalendarSettings(ctx context.Context, _ *Call, _ *struct{}) (*Tagged[CalendarSettings], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	set, version, err := book.Settings(ctx)
	return tagged(version, CalendarSettings(set)), err
}

func (s *Server) setCalendarSettings(ctx context.Context, c *Call, in *struct {
	Matching
	Body CalendarSettings
}) (*Tagged[CalendarSettings], error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	version, err := in.version()
	if err == nil {
		err = book.SetSettings(ctx, c.Actor(), version, billing.Settings(in.Body))
	}
	if err != nil {
		return nil, err
	}
	return s.getCalendarSettings(ctx, c, nil)
}

// Promise is a promised opening.
type Promise struct {
	Received string `json:"received" format:"date"`
	Promised string `json:"promised" format:"date"`
}

func (s *Server) promiseOpening(ctx context.Context, _ *Call, in *struct {
	Received string `query:"received" format:"date" doc:"Absent: today"`
}) (*struct{ Body Promise }, error) {
	book, err := s.book()
	if err != nil {
		return nil, err
	}
	received, err := dateOf(in.Received)
	if err != nil {
		return nil, err
	}
	if received.IsZero() {
		received = billing.DateOf(time.Now())
	}
	promised, err := book.Promise(ctx, received)
	return &struct{ Body Promise }{Promise{received.String(), promised.String()}}, err
}
