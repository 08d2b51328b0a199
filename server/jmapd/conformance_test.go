package jmapd_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tegami/i18n"
	"tegami/wire/jmap"
)

// TestConformance holds the dialogs of testdata/conformance, which follow the examples and rules of the standards. A line "C:" are method
// calls, the line "S:" behind it their results: "*" stands for any value, a member "*" for any further members, "=name" keeps a value and "$name" is
// one that was kept. $account is the caller's. He has one message, "first".
func TestConformance(t *testing.T) {
	files, err := filepath.Glob("testdata/conformance/*.jmap")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".jmap"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			u := one(t, withAll)
			u.deliver("first")
			d := dialog{user: u, kept: map[string]any{"account": string(u.id)}}
			for n, line := range strings.Split(string(text), "\n") {
				switch {
				case strings.HasPrefix(line, "C: "):
					d.say(n+1, line[3:])
				case strings.HasPrefix(line, "S: "):
					d.hear(n+1, line[3:])
				case line != "" && line[0] != '#':
					t.Fatalf("line %d is none: %s", n+1, line)
				}
			}
		})
	}
}

// dialog is a client at work on a file.
type dialog struct {
	*user
	kept map[string]any
	said any // the last results
}

// say makes the calls of a line.
func (d *dialog) say(n int, line string) {
	d.Helper()
	var calls []jmap.Invocation
	text, err := json.Marshal(d.filled(decoded(d, n, line)))
	d.must(err)
	d.must(json.Unmarshal(text, &calls))
	r, err := d.Do(d.Context(), d.who, i18n.English, &jmap.Request{Using: d.using, MethodCalls: calls})
	d.must(err)
	out, err := json.Marshal(r.MethodResponses)
	d.must(err)
	d.said = decoded(d, n, string(out))
}

// hear holds the results against a line.
func (d *dialog) hear(n int, line string) {
	d.Helper()
	if where := d.differs("", decoded(d, n, line), d.said); where != "" {
		said, _ := json.MarshalIndent(d.said, "", " ")
		d.Fatalf("line %d: %s\n%s", n, where, said)
	}
}

func decoded(t *dialog, n int, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("line %d: %v", n, err)
	}
	return v
}

// filled puts kept values in the place of their names.
func (d *dialog) filled(v any) any {
	switch v := v.(type) {
	case string:
		if name, ok := strings.CutPrefix(v, "$"); ok && d.kept[name] != nil {
			return d.kept[name]
		}
	case []any:
		for i := range v {
			v[i] = d.filled(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[fmt.Sprint(d.filled(name))] = d.filled(inner)
		}
		return out
	}
	return v
}

// differs tells where a value is other than it should be; "" for nowhere.
func (d *dialog) differs(at string, want, got any) string {
	switch want := want.(type) {
	case string:
		if name, keep := strings.CutPrefix(want, "="); keep {
			d.kept[name] = got
			return ""
		}
		if want == "*" || reflect.DeepEqual(d.filled(want), got) {
			return ""
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Sprintf("%s: %v, want %v", at, got, want)
		}
		for i := range want {
			if where := d.differs(fmt.Sprintf("%s/%d", at, i), want[i], list[i]); where != "" {
				return where
			}
		}
		return ""
	case map[string]any:
		return d.object(at, want, got)
	default:
		if reflect.DeepEqual(want, got) {
			return ""
		}
	}
	return fmt.Sprintf("%s: %v, want %v", at, got, want)
}

// object is differs for an object.
func (d *dialog) object(at string, want map[string]any, got any) string {
	have, ok := got.(map[string]any)
	if !ok {
		return fmt.Sprintf("%s: %v, want %v", at, got, want)
	}
	want = maps.Clone(want)
	_, more := want["*"]
	delete(want, "*")
	for name, inner := range want {
		value, ok := have[fmt.Sprint(d.filled(name))]
		if !ok {
			return at + "/" + name + " is not there"
		}
		if where := d.differs(at+"/"+name, inner, value); where != "" {
			return where
		}
	}
	for name := range have {
		if _, ok := want[name]; !ok && !more {
			return at + "/" + name + " should not be there"
		}
	}
	return ""
}
