package mime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tegami/lab/archives"
)

// The JSON that stands beside the mails of mail-parser.
type (
	stalwartMessage struct {
		Parts []stalwartPart `json:"parts"`
	}
	stalwartPart struct {
		Headers []struct {
			Name  any             `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"headers"`
		Body                                json.RawMessage `json:"body"`
		OffsetHeader, OffsetBody, OffsetEnd int64
	}
	stalwartValue struct {
		Text        *string
		TextList    []string
		DateTime    *stalwartDate
		ContentType *stalwartType
		Address     *struct {
			List  []stalwartAddress
			Group []struct {
				Name      *string
				Addresses []stalwartAddress
			}
		}
	}
	stalwartAddress struct{ Name, Address *string }
	stalwartType    struct {
		Type       string  `json:"c_type"`
		Subtype    *string `json:"c_subtype"`
		Attributes []struct{ Name, Value string }
	}
	stalwartDate struct {
		Year, Month, Day, Hour, Minute, Second int
		West                                   bool `json:"tz_before_gmt"`
		ZoneHour                               int  `json:"tz_hour"`
		ZoneMinute                             int  `json:"tz_minute"`
	}
	stalwartBody struct {
		Text, Html *string
		Multipart  []int
		Message    *stalwartMessage
	}
)

func (p *stalwartPart) UnmarshalJSON(b []byte) error {
	type plain stalwartPart
	var offsets struct {
		H int64 `json:"offset_header"`
		B int64 `json:"offset_body"`
		E int64 `json:"offset_end"`
	}
	if err := json.Unmarshal(b, (*plain)(p)); err != nil {
		return err
	}
	err := json.Unmarshal(b, &offsets)
	p.OffsetHeader, p.OffsetBody, p.OffsetEnd = offsets.H, offsets.B, offsets.E
	return err
}

// TestStalwart compares with what mail-parser expects of its mails, with LF and with CRLF.
func TestStalwart(t *testing.T) {
	const archive = "mime-mailparser-stalwart"
	dir := filepath.Join(archives.Unpack(t, archive), archive)
	x := loadExceptions(t, archive)
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.eml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no mails", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		raw = bytes.ReplaceAll(raw, []byte("\r"), nil) // as mail-parser's own test does
		name, _ := filepath.Rel(dir, file)
		base := strings.TrimSuffix(file, ".eml")
		compareStalwart(t, x, name, base+".json", raw)
		compareStalwart(t, x, name+" crlf", base+".crlf.json", bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")))
	}
	x.done()
}

func compareStalwart(t *testing.T, x *exceptions, name, expect string, raw []byte) {
	b, err := os.ReadFile(expect)
	if err != nil {
		t.Fatal(err)
	}
	var want stalwartMessage
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatalf("%s: %v", expect, err)
	}
	m := checkStructure(t, raw, 5)
	c := stalwartCompare{x: x, file: name, raw: raw, want: want.Parts}
	c.part(m.Root, 0, "")
}

// stalwartCompare compares one message, or one inside of another.
type stalwartCompare struct {
	x    *exceptions
	file string
	raw  []byte
	want []stalwartPart
}

func (c *stalwartCompare) equal(place string, got, want any) {
	if !sameBut(fmt.Sprint(got), fmt.Sprint(want)) {
		c.x.report(c.file, place, "got %q, want %q", fmt.Sprint(got), fmt.Sprint(want))
	}
}

// sameBut compares, but where U+FFFD was expected any character of 8-bit text will do: the
// expectation has lost it.
func sameBut(got, want string) bool {
	for got != "" && want != "" {
		g, n := utf8.DecodeRuneInString(got)
		w, k := utf8.DecodeRuneInString(want)
		if g != w && (w != utf8.RuneError || g < 0x80) {
			return false
		}
		got, want = got[n:], want[k:]
	}
	return got == want
}

func (c *stalwartCompare) part(p *Part, i int, place string) {
	w := &c.want[i]
	c.equal(place+" header", p.HeaderStart, w.OffsetHeader)
	c.equal(place+" body", p.BodyStart, w.OffsetBody)
	seen := map[string]bool{}
	for _, h := range w.Headers {
		if name, ok := h.Name.(string); ok && !seen[name] {
			seen[name] = true
			c.header(p, place+" "+name, name, h.Value)
		}
	}
	var body stalwartBody
	if err := json.Unmarshal(w.Body, &body); err != nil {
		c.x.t.Fatal(err)
	}
	switch {
	case body.Multipart != nil:
		c.equal(place+" parts", len(p.Children), len(body.Multipart))
		for j := range min(len(p.Children), len(body.Multipart)) {
			c.part(p.Children[j], body.Multipart[j], fmt.Sprintf("%s.%d", place, j+1))
		}
	case body.Message != nil:
		c.equal(place+" message", len(p.Children), 1)
		if len(p.Children) == 1 {
			inner := stalwartCompare{x: c.x, file: c.file, raw: c.raw, want: body.Message.Parts}
			inner.part(p.Children[0], 0, place+".m")
		}
	case body.Text != nil:
		c.text(p, place, *body.Text, w.OffsetEnd)
	case body.Html != nil:
		c.text(p, place, *body.Html, w.OffsetEnd)
	}
}

func (c *stalwartCompare) text(p *Part, place, want string, end int64) {
	c.equal(place+" end", p.BodyEnd, end)
	r := TextReader(p, DecodedReader(p, bytes.NewReader(c.raw[p.BodyStart:p.BodyEnd])))
	got, err := io.ReadAll(r)
	if err != nil {
		c.x.t.Fatal(err)
	}
	c.equal(place+" text", string(got), want)
}

func (c *stalwartCompare) header(p *Part, place, name string, value json.RawMessage) {
	var v stalwartValue
	if string(value) == `"Empty"` {
		v.Text = new(string)
	} else if err := json.Unmarshal(value, &v); err != nil {
		c.x.t.Fatalf("%s: %v: %s", place, err, value)
	}
	switch name {
	case "content_type":
		c.contentType(p.Type, p.Subtype, p.Params, place, v.ContentType)
	case "content_disposition":
		if v.ContentType != nil {
			c.contentType(p.Disposition, "", p.DispositionParams, place, v.ContentType)
		}
	case "content_id":
		c.equal(place, strings.Trim(p.ID, "<>"), *v.Text)
	case "content_description":
		c.equal(place, DecodeHeader(p.Description), *v.Text)
	case "content_transfer_encoding":
		c.equal(place, p.Encoding, strings.ToLower(*v.Text))
	case "content_language":
		c.equal(place, strings.Join(p.Language, ","), *v.Text)
	default:
		if p.Envelope != nil {
			c.envelope(p.Envelope, place, name, v)
		}
	}
}

func (c *stalwartCompare) contentType(typ, subtype string, params []Param, place string, want *stalwartType) {
	c.equal(place, typ, strings.ToLower(want.Type))
	if want.Subtype != nil {
		c.equal(place+" subtype", subtype, strings.ToLower(*want.Subtype))
	}
	got := map[string]string{}
	for _, q := range params {
		if _, seen := got[q.Name]; !seen || q.Extended {
			got[q.Name] = q.Value
		}
	}
	for _, a := range want.Attributes {
		if a.Name != "charset" {
			c.equal(place+" "+a.Name, got[a.Name], a.Value)
			continue
		}
		c.equal(place+" "+a.Name, strings.ToLower(got[a.Name]), strings.ToLower(a.Value))
	}
}

func (c *stalwartCompare) envelope(e *Envelope, place, name string, v stalwartValue) {
	switch name {
	case "subject":
		c.equal(place, e.SubjectText(), *v.Text)
	case "message_id":
		c.equal(place, strings.Trim(e.MessageID, "<>"), *v.Text)
	case "in_reply_to":
		c.equal(place, strings.Trim(e.InReplyTo, "<>"), *v.Text)
	case "references":
		if v.TextList == nil {
			v.TextList = []string{*v.Text}
		}
		c.equal(place, e.References, v.TextList)
	case "date":
		got, err := e.Time()
		if v.DateTime == nil {
			c.equal(place, err != nil, true)
			return
		}
		c.equal(place, got.UTC(), v.DateTime.time())
	case "from":
		c.addresses(e.From, place, v)
	case "to":
		c.addresses(e.To, place, v)
	case "cc":
		c.addresses(e.Cc, place, v)
	case "reply_to":
		c.addresses(e.ReplyTo, place, v)
	}
}

func (d *stalwartDate) time() time.Time {
	zone := d.ZoneHour*3600 + d.ZoneMinute*60
	if d.West {
		zone = -zone
	}
	return time.Date(d.Year, time.Month(d.Month), d.Day, d.Hour, d.Minute, d.Second, 0, time.FixedZone("", zone)).UTC()
}

func (c *stalwartCompare) addresses(got []Address, place string, v stalwartValue) {
	var g, w []string
	for _, a := range got {
		switch {
		case a.Kind == GroupStart:
			g = append(g, a.Name()+":")
		case a.Kind == Mailbox && a.Domain == "":
			g = append(g, a.Local+" <>") // there a bare word is a name
		case a.Kind == Mailbox:
			g = append(g, a.Name()+" <"+a.Local+"@"+a.Domain+">")
		}
	}
	add := func(list []stalwartAddress) {
		for _, a := range list {
			w = append(w, deref(a.Name)+" <"+deref(a.Address)+">")
		}
	}
	if v.Address != nil {
		add(v.Address.List)
		for _, group := range v.Address.Group {
			if group.Name != nil {
				w = append(w, *group.Name+":")
			}
			add(group.Addresses)
		}
	}
	c.equal(place, strings.Join(g, ", "), strings.Join(w, ", "))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
