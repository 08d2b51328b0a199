package jmap

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestReferencesAreBounded: what a call refers to can't become more than a method needs, however often it is named.
func TestReferencesAreBounded(t *testing.T) {
	before := []Invocation{{Name: "Core/echo", CallID: "0", Args: json.RawMessage(`{"a":"` + strings.Repeat("x", 2<<20) + `","l":[1]}`)}}
	args := func(n int, path string) json.RawMessage {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"#a%d":{"resultOf":"0","name":"Core/echo","path":%q}`, i, path)
		}
		return json.RawMessage(`{"x":1` + b.String() + `}`)
	}
	for _, c := range []struct {
		name, want string
		args       json.RawMessage
	}{
		{"a few", "", args(3, "/a")},
		{"many small ones", "", args(maxReferences, "/l")},
		{"more than a method has", RequestTooLarge, args(maxReferences+1, "/l")},
		{"large together", RequestTooLarge, args(maxReferences, "/a")},
		{"a long way", InvalidResultReference, args(1, strings.Repeat("/*", maxSteps+1))},
	} {
		got, err := Invocation{Name: "Core/echo", Args: c.args, CallID: "1"}.Resolve(before)
		switch {
		case (err == nil) != (c.want == ""), err != nil && err.Type != c.want:
			t.Errorf("%s: %+v, want %q", c.name, err, c.want)
		case err == nil && len(got) > maxResolved:
			t.Errorf("%s: %d octets", c.name, len(got))
		}
	}
}

// TestPatchIsBounded: a path lies below another wherever that sorts, and none is deeper than anything can be.
func TestPatchIsBounded(t *testing.T) {
	for _, c := range []Patch{
		{"a": nil, "a!": nil, "a/b/c": nil},
		{"a/b": nil, "a/b/c": nil},
		{strings.Repeat("a/", MaxDepth) + "b": nil},
	} {
		if err := c.check(); err == nil || err.Type != InvalidPatch {
			t.Errorf("%v: %+v", c.Paths(), err)
		}
	}
	many := Patch{}
	for i := range 200_000 { // each is looked at once, not beside each other
		many[fmt.Sprint("keywords/", i)] = nil
	}
	if err := many.check(); err != nil {
		t.Error(err)
	}
}
