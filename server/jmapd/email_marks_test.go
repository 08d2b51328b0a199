package jmapd_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/server/jmapd"
	"tegami/wire/jmap"
)

// TestSenderMarks says of senders what is to be said: who is new, who looks like somebody else, who was not proved.
func TestSenderMarks(t *testing.T) {
	u := one(t, func(_ *house, c *jmapd.Config) { c.Hostname = "mx.tegami.example" })
	inbox := u.role("inbox")
	from := func(who, results string) string { return results + "From: " + who + "\nSubject: x\n\nx\n" }
	pass := "Authentication-Results: mx.tegami.example; dmarc=pass header.from=new.example\n"
	fail := "Authentication-Results: mx.tegami.example;\n dmarc=fail header.from=alpha.example\n"
	foreign := "Authentication-Results: elsewhere.example; dmarc=pass header.from=new.example\n"
	none := `"firstTime":false,"lookAlike":null,"colleague":null,"otherAddress":null,"authentication":"none","outside":false`
	for _, c := range []struct{ name, raw, want string }{
		{"a stranger", from("New <a@new.example>", pass), `"firstTime":true,"lookAlike":null,"colleague":null,"otherAddress":null,"authentication":"pass","outside":true`},
		{"somebody else of there", from("b@new.example", foreign), `"firstTime":true,"lookAlike":null,"colleague":null,"otherAddress":null,"authentication":"none","outside":true`},
		{"a colleague", from("sato@alpha.example", ""), none},
		{"somebody who feigns one", from("sato@alpha.example", fail), strings.Replace(none, `"none"`, `"fail"`, 1)},
		{"a neighbour's letter", from("x@a1pha.example", ""), `"firstTime":true,"lookAlike":"alpha.example","colleague":null,"otherAddress":null,"authentication":"none","outside":true`},
		{"another address in the name", from(`"sato@alpha.example" <c@new.example>`, ""), `"firstTime":true,"lookAlike":null,"colleague":null,"otherAddress":"sato@alpha.example","authentication":"none","outside":true`},
	} {
		got := u.get(u.keep(inbox, c.raw), nil, "tegami:senderMarks")
		u.wants(c.name, got, map[string]string{"tegami:senderMarks": "{" + c.want + "}"})
	}
	u.wants("nobody", u.get(u.keep(inbox, "Subject: x\n\nx\n"), nil, "tegami:senderMarks"), map[string]string{"tegami:senderMarks": "null"})

	// Who wrote before is no stranger.
	old := u.create(object{"mailboxIds": set(inbox), "from": []object{{"email": "d@new.example"}}, "receivedAt": "2020-01-01T00:00:00Z"})
	next := u.keep(inbox, from("d@new.example", ""))
	for id, want := range map[jmap.Id]string{old: `"firstTime":true`, next: `"firstTime":false`} {
		if got := string(u.get(id, nil, "tegami:senderMarks")["tegami:senderMarks"]); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestUnsubscribe leaves a list with one click (RFC 8058), and reaches nobody within closed networks by itself.
func TestUnsubscribe(t *testing.T) {
	var got []string
	list := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, r.Method+" "+r.URL.Path+" "+string(text)+" "+r.Header.Get("Cookie"))
		if strings.HasSuffix(r.URL.Path, "gone") {
			w.WriteHeader(http.StatusGone)
		}
	}))
	defer list.Close()
	u := one(t, func(_ *house, c *jmapd.Config) { c.OneClick = list.Client() })
	inbox := u.role("inbox")
	put := func(path string) jmap.Id {
		return u.keep(inbox, "List-Unsubscribe: <"+list.URL+path+">\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n\nx\n")
	}
	leave := func(id jmap.Id) string { return "/jmap/unsubscribe/" + string(u.id) + "/" + string(id) }
	u.http("POST", leave(put("/out")), "").is(http.StatusNoContent)
	if len(got) != 1 || got[0] != "POST /out List-Unsubscribe=One-Click " {
		t.Errorf("the list was asked %q", got)
	}
	u.http("POST", leave(put("/gone")), "").is(http.StatusServiceUnavailable)
	u.http("POST", leave(u.keep(inbox, "List-Unsubscribe: <"+list.URL+">\n\nx\n")), "").is(http.StatusBadRequest)
	u.http("POST", leave("e0000000000002"), "").is(http.StatusNotFound)

	closed := one(t)
	id := closed.keep(closed.role("inbox"), "List-Unsubscribe: <"+list.URL+">\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n\nx\n")
	before := len(got)
	if err := closed.Unsubscribe(t.Context(), closed.who, closed.id, id); !mail.Is(err, mail.Unavailable) || len(got) != before {
		t.Errorf("a server in a closed network: %v, asked %d times", err, len(got)-before)
	}
}
