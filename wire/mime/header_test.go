package mime

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

const sampleHeader = "From x@y Mon Nov 23 10:00:00 2026\n" +
	"Subject : one\r\n two\r\n" +
	"no colon here\r\n" +
	"TO:a@x\r\n" +
	"to: b@x\n" +
	"X-Empty:\r\n" +
	"\r\n"

func TestHeaderFields(t *testing.T) {
	h := Header(sampleHeader)
	var got []string
	for f := range h.Fields() {
		got = append(got, fmt.Sprintf("%s|%s|%d-%d", f.Name, f.Value, f.Start, f.End))
	}
	want := []string{
		"|From x@y Mon Nov 23 10:00:00 2026|0-34", "Subject| one\r\n two|34-55", "|no colon here|55-70",
		"TO|a@x|70-78", "to| b@x|78-86", "X-Empty||86-96",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	if h.Get("subject") != "one two" || h.Get("To") != "a@x" || h.Get("none") != "" {
		t.Error("Get")
	}
	if _, ok := h.Lookup("x-empty"); !ok {
		t.Error("an empty field is there")
	}
	if all := h.All("to"); !slices.Equal(all, []string{"a@x", "b@x"}) {
		t.Errorf("All = %q", all)
	}
}

func TestSelectHeaderFields(t *testing.T) {
	for _, c := range []struct {
		raw   string
		names []string
		not   bool
		want  string
	}{
		{sampleHeader, []string{"to", "SUBJECT"}, false, "Subject : one\r\n two\r\nTO:a@x\r\nto: b@x\n\r\n"},
		{sampleHeader, []string{"to", "SUBJECT", "x-empty"}, true, "From x@y Mon Nov 23 10:00:00 2026\nno colon here\r\n\r\n"},
		{sampleHeader, nil, true, sampleHeader},
		{sampleHeader, []string{"none"}, false, "\r\n"},
		{"A: b\r\n", []string{"a"}, false, "A: b\r\n"},
		{"A: b\r\n", []string{"b"}, false, ""},
		{"", []string{"b"}, true, ""},
		{"\n", nil, true, "\n"},
	} {
		if got := string(AppendHeaderFields(nil, []byte(c.raw), c.names, c.not)); got != c.want {
			t.Errorf("%q not %v = %q, want %q", c.names, c.not, got, c.want)
		}
	}
	if r := HeaderFields([]byte(sampleHeader), nil, true); len(r) != 1 {
		t.Errorf("neighbours are merged: %v", r)
	}
}

func TestUnfold(t *testing.T) {
	for in, want := range map[string]string{
		" a": "a", "a\r\n b": "a b", "a\n\tb ": "a\tb", "a\r\n\r\n": "a", "a\rb": "a b", "a\r\rb\r": "a  b", "a\x00b": "ab", "": "", "\r\n ": "",
	} {
		if got := Unfold([]byte(in)); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	for in, want := range map[string][]string{
		"<a@x>":               {"a@x"},
		"<a@x><b@x>\t<c@x>":   {"a@x", "b@x", "c@x"},
		"Your mail of <a@x> ": {"a@x"},
		"<a@x <b@x>":          {"b@x"},
		"a@x b@x words":       {"a@x", "b@x"},
		"<>":                  nil,
		"words":               nil,
		"":                    nil,
	} {
		if got := ParseMessageIDs(in); !slices.Equal(got, want) {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

// TestManyHeaderFields: many names choose what few do.
func TestManyHeaderFields(t *testing.T) {
	raw := "From: a\r\nX-1: b\r\nno field\r\nSUBJECT: c\r\n\r\n"
	many := []string{"from", "Subject"}
	for i := range 2 * fewNames {
		many = append(many, "Y-"+strconv.Itoa(i))
	}
	for _, not := range []bool{false, true} {
		few := string(AppendHeaderFields(nil, []byte(raw), []string{"from", "Subject"}, not))
		if got := string(AppendHeaderFields(nil, []byte(raw), many, not)); got != few || len(got) == len(raw) {
			t.Errorf("not %t: %q, want %q", not, got, few)
		}
	}
}
