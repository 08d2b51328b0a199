package sieve

import (
	"fmt"
	"testing"
)

// TestML5Redirects: the addresses that stand in a script, each once; none of those that are put together when it runs.
func TestML5Redirects(t *testing.T) {
	s, err := Compile([]byte(`require ["copy", "variables"];
if true { redirect "a@x.example"; } else { redirect :copy "\"A\" <b@x.example>"; redirect "A@X.example"; }
set "to" "c@x.example"; redirect "${to}"; keep;`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Redirects()); got != "[a@x.example b@x.example]" {
		t.Errorf("got %s", got)
	}
}
