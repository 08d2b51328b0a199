package scimd

import (
	"encoding/json"
	"testing"
)

// sample is a resource for the fuzzers.
const sample = `{"schemas":["x"],"userName":"a@b.example","active":true,"n":1.5,"name":{"familyName":"佐藤"},"emails":[{"value":"a@b.example","type":"work"},"odd"],
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"営業"},"members":[{"value":"1"},{"value":"2"}]}`

func resource(t testing.TB) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(sample), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// FuzzFilter reads any text as a filter: one that is read can be asked, and its negation says the opposite.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`userName eq "a@b.example"`, `not (active eq true) and n gt 1 or emails[type eq "work" and not (value pr)].x pr`, `name.familyName co "佐"`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "営業"`, `((a pr))`, `a eq null`, `a eq "\u0041"`,
	} {
		f.Add(s)
	}
	o := resource(f)
	f.Fuzz(func(t *testing.T, s string) {
		one, err := parseFilter(s)
		if err != nil {
			return
		}
		is := one.match(o)
		if len(s)+6 > maxFilter {
			return
		}
		if other, err := parseFilter("not (" + s + ")"); err == nil && other.match(o) == is {
			t.Errorf("%q and its negation both say %v", s, is)
		}
	})
}

// FuzzPatch applies any operation: what can be done leaves a resource that is JSON, and what is read as a user or a group never breaks.
func FuzzPatch(f *testing.F) {
	for _, s := range [][3]string{
		{"add", "emails", `[{"value":"x"}]`}, {"replace", `emails[type eq "work"].value`, `"x"`}, {"remove", "members", `[{"value":"1"}]`}, {"remove", `members[value eq "1"]`, `null`},
		{"add", "", `{"name.familyName":"x"}`}, {"replace", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", `"x"`}, {"add", "name.familyName", `{}`},
		{"replace", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", `{"department":"x"}`}, {"add", `x[a eq 1 and b eq "c"].d`, `[1]`},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, verb, path, value string) {
		var v any
		if json.Unmarshal([]byte(value), &v) != nil {
			return
		}
		o := resource(t)
		if patch(o, []patchOp{{verb, path, v}}) != nil {
			return
		}
		if _, err := json.Marshal(o); err != nil {
			t.Errorf("%s %q %s: %v", verb, path, value, err)
		}
		userWish(o)
		groupWish(o)
	})
}
