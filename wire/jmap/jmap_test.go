package jmap

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestCheck: what is I-JSON (RFC 7493 §2), and what only nearly.
func TestCheck(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	many := make([]string, 40)
	for i := range many {
		many[i] = `"n` + strings.Repeat("x", i) + `":1`
	}
	for _, c := range []struct {
		text string
		want bool
	}{
		{`{}`, true}, {`[]`, true}, {` {"a" : [1, -2.5e3, true, null, "x\n"]} `, true}, {`"\ud83d\ude00"`, true}, {deep(MaxDepth), true},
		{"{" + strings.Join(many, ",") + "}", true},
		{``, false}, {`{`, false}, {`{}}`, false}, {`{"a":1,}`, false}, {`[1 2]`, false}, {`{a:1}`, false}, {`'a'`, false}, {`01`, false}, {`1.`, false},
		{`+1`, false}, {`NaN`, false}, {`tru`, false}, {"\"a\nb\"", false}, {`"\x"`, false}, {`"\ud83d"`, false}, {`"\ude00\ud83d"`, false}, {"\"\xff\"", false},
		{`{"a":1,"a":2}`, false}, {`{"a":1,"\u0061":2}`, false}, {"{" + strings.Join(many, ",") + `,"nx":2}`, false}, {deep(MaxDepth + 2), false},
	} {
		if err := Check([]byte(c.text)); (err == nil) != c.want {
			t.Errorf("%.60s: %v", c.text, err)
		}
	}
}

// FuzzCheck: what passes is JSON, has the value encoding/json reads, and nothing else of it is lost in Members and Select.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{`{"a":[1,{"b":"c\u00e9"}],"d":null}`, `[[],{},"",0]`, `{"a":1,"a":2}`, `"\ud800"`, `{"using":[],"methodCalls":[["Core/echo",{},"0"]]}`} {
		f.Add([]byte(seed), "/a/*/b")
	}
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		if Check(text) != nil {
			return
		}
		if !json.Valid(text) || !utf8.Valid(text) {
			t.Fatalf("passed: %q", text)
		}
		if got, ok := Select(text, path); ok && !json.Valid(got) {
			t.Errorf("%q at %q: %q", text, path, got)
		}
		var doc map[string]json.RawMessage
		if !isObject(text) || json.Unmarshal(text, &doc) != nil {
			return
		}
		if list, ok := Members(text); !ok || len(list) != len(doc) {
			t.Errorf("%q has %d members: %v %v", text, len(doc), list, ok)
		}
		if _, err := ParseRequest(text, Limits{Size: 1 << 20, Calls: 16}); err != nil {
			var refused *RequestError
			if !asRequestError(err, &refused) {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

func asRequestError(err error, into **RequestError) bool {
	e, ok := err.(*RequestError)
	*into = e
	return ok
}

// TestPointer: paths of result references (RFC 8620 §3.7, RFC 6901 §5).
func TestPointer(t *testing.T) {
	const doc = `{"list":[{"id":"a","emailIds":["1","2"]},{"id":"b","emailIds":["3"]},{"id":"c","emailIds":[]}],"a/b":1,"m~n":2,"":3,"added":[{"id":"x"}],"n":null}`
	for _, c := range []struct{ path, want string }{
		{"/added/*/id", `["x"]`}, {"/list/*/id", `["a","b","c"]`}, {"/list/*/emailIds", `["1","2","3"]`}, {"/list/1/id", `"b"`}, {"/list/0/emailIds/1", `"2"`},
		{"/a~1b", `1`}, {"/m~0n", `2`}, {"/", `3`}, {"/n", `null`}, {"", doc},
		{"/none", ""}, {"/list/9", ""}, {"/list/-", ""}, {"/list/01", ""}, {"list", ""}, {"/list/*/none", ""}, {"/n/x", ""}, {"/" + strings.Repeat("x", maxPath), ""},
	} {
		got, ok := Select(json.RawMessage(doc), c.path)
		if ok != (c.want != "") || ok && string(got) != c.want {
			t.Errorf("%.40q: %s %v, want %s", c.path, got, ok, c.want)
		}
	}
}

// TestReferences: an argument under "#" takes its value from an earlier response, of the right method, and never stands beside itself.
func TestReferences(t *testing.T) {
	before := []Invocation{{Name: "Email/query", Args: json.RawMessage(`{"ids":["a","b"]}`), CallID: "0"}}
	for _, c := range []struct{ args, want, wrong string }{
		{`{"accountId":"x","#ids":{"resultOf":"0","name":"Email/query","path":"/ids"}}`, `["a","b"]`, ""},
		{`{"#ids":{"resultOf":"1","name":"Email/query","path":"/ids"}}`, "", InvalidResultReference},
		{`{"#ids":{"resultOf":"0","name":"Email/get","path":"/ids"}}`, "", InvalidResultReference},
		{`{"#ids":{"resultOf":"0","name":"Email/query","path":"/none"}}`, "", InvalidResultReference},
		{`{"ids":[],"#ids":{"resultOf":"0","name":"Email/query","path":"/ids"}}`, "", InvalidArguments},
	} {
		got, err := Invocation{Name: "Email/get", Args: json.RawMessage(c.args), CallID: "1"}.Resolve(before)
		switch {
		case c.wrong != "":
			if err == nil || err.Type != c.wrong {
				t.Errorf("%s: %v, want %s", c.args, err, c.wrong)
			}
		case err != nil:
			t.Errorf("%s: %v", c.args, err)
		default:
			var args struct{ Ids json.RawMessage }
			if json.Unmarshal(got, &args) != nil || string(args.Ids) != c.want {
				t.Errorf("%s: %s", c.args, got)
			}
		}
	}
}

// TestPatch changes records (RFC 8620 §5.3).
func TestPatch(t *testing.T) {
	const record = `{"name":"Inbox","keywords":{"$seen":true},"list":[1],"empty":null}`
	for _, c := range []struct{ patch, want string }{
		{`{"name":"Post"}`, `{"empty":null,"keywords":{"$seen":true},"list":[1],"name":"Post"}`},
		{`{"keywords/$flagged":true,"keywords/$seen":null}`, `{"empty":null,"keywords":{"$flagged":true},"list":[1],"name":"Inbox"}`},
		{`{"keywords/a~1b":true}`, `{"empty":null,"keywords":{"$seen":true,"a/b":true},"list":[1],"name":"Inbox"}`},
		{`{"list/0":2}`, ""}, {`{"none/deep":1}`, ""}, {`{"name/x":1}`, ""}, {`{"keywords":{},"keywords/$seen":null}`, ""}, {`{"":1}`, ""}, {`{"/name":1}`, ""},
	} {
		var p Patch
		if err := json.Unmarshal([]byte(c.patch), &p); err != nil {
			t.Fatal(err)
		}
		got, wrong := p.Apply(json.RawMessage(record))
		if (wrong != nil) != (c.want == "") || wrong == nil && string(got) != c.want {
			t.Errorf("%s: %s %+v", c.patch, got, wrong)
		}
	}
}

// TestRequests: what is read, and how what can't be is refused (RFC 8620 §3.6.1).
func TestRequests(t *testing.T) {
	limits := Limits{Size: 200, Calls: 2}
	for _, c := range []struct {
		text, wrong string
	}{
		{`{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",{"a":1},"c0"]]}`, ""},
		{`{"using":[],"methodCalls":[],"createdIds":{"k1":"M1"},"new":"ignored"}`, ""},
		{`{"using":[]`, NotJSON}, {`{"using":[],"using":[],"methodCalls":[]}`, NotJSON},
		{`[]`, NotRequest}, {`{"using":[]}`, NotRequest}, {`{"using":[],"methodCalls":[["x",{}]]}`, NotRequest}, {`{"using":[],"methodCalls":[["x",[],"0"]]}`, NotRequest},
		{`{"using":[],"methodCalls":[],"createdIds":{"k 1":"M1"}}`, NotRequest},
		{`{"using":[],"methodCalls":[["a",{},"0"],["a",{},"0"],["a",{},"0"]]}`, LimitError}, {strings.Repeat(" ", 201), LimitError},
	} {
		q, err := Decode(strings.NewReader(c.text), limits)
		var refused *RequestError
		switch {
		case c.wrong == "":
			if err != nil || q == nil {
				t.Errorf("%s: %v", c.text, err)
			}
		case err == nil || !asRequestError(err, &refused) || refused.Type != c.wrong:
			t.Errorf("%.60s: %v, want %s", c.text, err, c.wrong)
		}
	}
}

// TestIds: what may be one (RFC 8620 §1.2), and which stand for one to be made.
func TestIds(t *testing.T) {
	for text, want := range map[string]bool{"a06jfnvv1r0008": true, "A-_9": true, "": false, "a b": false, "é": false, "#k": false, strings.Repeat("x", MaxID): true, strings.Repeat("x", MaxID+1): false} {
		if Id(text).Valid() != want {
			t.Errorf("%.20q", text)
		}
	}
	if made, ok := Id("#draft").Creation(); !ok || made != "draft" {
		t.Error(made, ok)
	}
	if _, ok := Id("draft").Creation(); ok {
		t.Error("an id is no creation id")
	}
}

// FuzzRequest: whatever is sent, it is a request or a refusal of one, and its references resolve within their bounds or not at all.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"using":["urn:ietf:params:jmap:core"],"methodCalls":[["Core/echo",{"a":[{"b":1}]},"0"],["Core/echo",{"#c":{"resultOf":"0","name":"Core/echo","path":"/a/*/b"}},"1"]],"createdIds":{"a":"b"}}`))
	f.Add([]byte(`{"using":[],"methodCalls":[["a",{},""]],"using":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		q, err := ParseRequest(text, Limits{Size: 1 << 16, Calls: 16})
		if err != nil {
			if _, refusal := err.(*RequestError); !refusal {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		var before []Invocation
		for _, i := range q.MethodCalls {
			args, failed := i.Resolve(before)
			if failed != nil {
				continue
			}
			if Check(args) != nil {
				t.Fatalf("%s became %s", i.Args, args)
			}
			before = append(before, Invocation{Name: i.Name, Args: args, CallID: i.CallID})
		}
		r := Response{MethodResponses: before, CreatedIds: q.CreatedIds}
		if out, err := r.Append(nil); err != nil || Check(out) != nil {
			t.Fatalf("%s %v", out, err)
		}
	})
}
