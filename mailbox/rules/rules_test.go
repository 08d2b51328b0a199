package rules_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"tegami/mail"
	"tegami/mailbox/rules"
	"tegami/wire/jmap"
	"tegami/wire/mime"
	"tegami/wire/sieve"
)

var (
	box   = mail.MailboxID(mail.FirstID(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)))
	boxID = jmap.Of(jmap.LetterMailbox, box)
	names = rules.Names{Domains: []string{"alpha.example", "beta.example"}, Paths: map[mail.MailboxID]string{box: `Work/"A"`}}
)

const message = "From: =?utf-8?B?5bGx55Sw5aSq6YOO?= <taro@customer.example>\r\nTo: sato@alpha.example\r\nCc: ito@alpha.example\r\nSubject: Invoice No. 5*\r\n" +
	"List-Id: <news.customer.example>\r\nX-Tag: one\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease pay by Friday.\r\n" +
	"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nfile\r\n--b--\r\n"

// run runs a list on the message, and tells what it does.
func run(t *testing.T, l rules.List, from string, now time.Time) string {
	t.Helper()
	text, err := l.Script(names)
	if err != nil {
		t.Fatal(err)
	}
	script, err := sieve.Compile(text, sieve.Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		t.Fatal(err)
	}
	to, _ := mail.ParseAddress("sato@alpha.example")
	r, err := script.Run(context.Background(), &sieve.Input{
		From: sender, To: to, Octets: strings.NewReader(message), Structure: mime.ParseBytes([]byte(message), mime.Limits{}), Now: now,
		Owner: sieve.Owner{Addresses: []mail.Address{to}},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var done []string
	for _, a := range r.Actions {
		switch a := a.(type) {
		case sieve.Keep:
			done = append(done, strings.TrimSpace("keep "+strings.Join(a.Flags, " ")))
		case sieve.FileInto:
			done = append(done, strings.TrimSpace(fmt.Sprintf("file %s%s%s %s", a.Mailbox, a.SpecialUse, a.MailboxID, strings.Join(a.Flags, " "))))
		case sieve.Redirect:
			done = append(done, "to "+a.To.String())
		case sieve.Vacation:
			done = append(done, fmt.Sprintf("answer %s: %s (%v)", a.Subject, a.Text, a.Period))
		default:
			done = append(done, fmt.Sprintf("%T", a))
		}
	}
	return strings.Join(done, "; ")
}

// TestML12Conditions: what each condition asks.
func TestML12Conditions(t *testing.T) {
	for _, c := range []struct {
		field, op, value string
		want             bool
	}{
		{"from", "contains", "山田", true},
		{"from", "contains", "CUSTOMER", true},
		{"from", "notContains", "customer", false},
		{"from", "is", "taro@customer.example", true},
		{"from", "is", "taro", false},
		{"from", "isNot", "taro@customer.example", false},
		{"from", "ends", "@customer.example", true},
		{"from", "begins", "taro@", true},
		{"to", "is", "sato@alpha.example", true},
		{"cc", "is", "sato@alpha.example", false},
		{"recipient", "is", "ito@alpha.example", true},
		{"subject", "contains", "invoice", true},
		{"subject", "is", "invoice no. 5*", true},
		{"subject", "ends", "5*", true},
		{"subject", "ends", "No*", false},
		{"subject", "begins", "?nvoice", false},
		{"subject", "contains", `" ] { discard; } #`, false},
		{"body", "contains", "FRIDAY", true},
		{"body", "notContains", "Monday", true},
		{"list", "contains", "news", true},
		{"header", "is", "one", true},
		{"size", "over", "100", true},
		{"size", "over", "10000", false},
		{"size", "under", "10000", true},
		{"attachment", "is", "true", true},
		{"attachment", "is", "false", false},
	} {
		condition := rules.Condition{Field: c.field, Op: c.op, Value: c.value}
		if c.field == "header" {
			condition.Header = "X-Tag"
		}
		l := rules.List{Rules: []rules.Rule{{Name: "r\n\"x\"", On: true, Match: "all", Conditions: []rules.Condition{condition}, Actions: []rules.Action{{Do: "flag"}}}}}
		if err := l.Check(); err != nil {
			t.Fatal(err)
		}
		want := "keep"
		if c.want {
			want = `keep \Flagged`
		}
		if got := run(t, l, "taro@customer.example", time.Now()); got != want {
			t.Errorf("%s %s %q: %s", c.field, c.op, c.value, got)
		}
	}
}

// TestML12Actions: what rules do, one after the other.
func TestML12Actions(t *testing.T) {
	yes := rules.Condition{Field: "subject", Op: "contains", Value: "invoice"}
	no := rules.Condition{Field: "subject", Op: "contains", Value: "nothing"}
	rule := func(match string, conditions []rules.Condition, do ...rules.Action) rules.Rule {
		return rules.Rule{Name: "r", On: true, Match: match, Conditions: conditions, Actions: do}
	}
	move, stop := rules.Action{Do: "move", MailboxID: boxID}, rules.Action{Do: "stop"}
	moved := `file Work/"A"` + box.String()
	off := rule("all", nil, rules.Action{Do: "delete"})
	off.On = false
	for _, c := range []struct {
		list []rules.Rule
		want string
	}{
		{[]rules.Rule{rule("all", []rules.Condition{yes, no}, move)}, "keep"},
		{[]rules.Rule{rule("any", []rules.Condition{yes, no}, move)}, moved},
		{[]rules.Rule{rule("any", nil, move)}, moved},
		{[]rules.Rule{off}, "keep"},
		{[]rules.Rule{rule("all", nil, move, rules.Action{Do: "markRead"}, rules.Action{Do: "tag", Keyword: "$work"})}, moved + ` \Seen $work`},
		{[]rules.Rule{rule("all", nil, rules.Action{Do: "copy", MailboxID: boxID})}, moved + "; keep"},
		{[]rules.Rule{rule("all", nil, rules.Action{Do: "delete"})}, `file Trash\Trash`},
		{[]rules.Rule{rule("all", nil, rules.Action{Do: "forward", To: "x@beta.example"})}, "to x@beta.example"},
		{[]rules.Rule{rule("all", nil, rules.Action{Do: "forward", To: "x@beta.example", Keep: true})}, "to x@beta.example; keep"},
		{[]rules.Rule{rule("all", nil, move), rule("all", nil, rules.Action{Do: "delete"})}, moved + `; file Trash\Trash`},
		{[]rules.Rule{rule("all", nil, move, stop), rule("all", nil, rules.Action{Do: "delete"})}, moved},
		{[]rules.Rule{rule("all", nil, rules.Action{Do: "move", MailboxID: jmap.Of(jmap.LetterMailbox, box+1)})}, "keep"},
	} {
		l := rules.List{Rules: c.list}
		if err := l.Check(); err != nil {
			t.Fatal(err)
		}
		if got := run(t, l, "taro@customer.example", time.Now()); got != c.want {
			t.Errorf("%+v: %s, want %s", c.list, got, c.want)
		}
	}
}

// TestML12Absence: who is answered what, and when: at most every 7 days.
func TestML12Absence(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 12, n, 9, 0, 0, 0, time.UTC) }
	note := rules.Absence{On: true, From: day(10), Until: day(20), Subject: "不在", Text: "I am away.\nBye."}
	two := note
	two.Inside, two.InsideSubject, two.InsideText = true, "In", "Call 123."
	only := note
	only.InsideOnly = true
	html := rules.Absence{On: true, Text: "plain", HTML: "<p>html</p>"}
	const out, in, week = "someone@customer.example", "someone@beta.example", " (168h0m0s); keep"
	for _, c := range []struct {
		note rules.Absence
		from string
		day  int
		want string
	}{
		{note, out, 10, "answer 不在: I am away.\nBye." + week},
		{note, in, 19, "answer 不在: I am away.\nBye." + week},
		{note, out, 9, "keep"},
		{note, out, 20, "keep"},
		{two, out, 15, "answer 不在: I am away.\nBye." + week},
		{two, in, 15, "answer In: Call 123." + week},
		{two, in, 21, "keep"},
		{only, out, 15, "keep"},
		{only, in, 15, "answer 不在: I am away.\nBye." + week},
		{rules.Absence{}, out, 15, "keep"},
		{html, out, 15, "answer Auto: Invoice No. 5*: Content-Type: multipart/alternative; boundary=\"tegami-absence\"\n\n" +
			"--tegami-absence\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\ncGxhaW4=\n" +
			"--tegami-absence\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\nPHA+aHRtbDwvcD4=\n--tegami-absence--\n" + week},
	} {
		// The message is not of a list for this: nobody answers those.
		got := runPlain(t, rules.List{Absence: c.note}, c.from, day(c.day))
		if got != c.want {
			t.Errorf("%+v from %s on %d:\n%q, want\n%q", c.note, c.from, c.day, got, c.want)
		}
	}
}

func runPlain(t *testing.T, l rules.List, from string, now time.Time) string {
	t.Helper()
	text, err := l.Script(names)
	if err != nil {
		t.Fatal(err)
	}
	script, err := sieve.Compile(text, sieve.Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	sender, _ := mail.ParseAddress(from)
	to, _ := mail.ParseAddress("sato@alpha.example")
	plain := "From: " + from + "\r\nTo: sato@alpha.example\r\nSubject: Invoice No. 5*\r\n\r\nx\r\n"
	r, err := script.Run(context.Background(), &sieve.Input{
		From: sender, To: to, Octets: strings.NewReader(plain), Structure: mime.ParseBytes([]byte(plain), mime.Limits{}), Now: now,
		Owner: sieve.Owner{Addresses: []mail.Address{to}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	for _, a := range r.Actions {
		switch a := a.(type) {
		case sieve.Keep:
			done = append(done, "keep")
		case sieve.Vacation:
			done = append(done, fmt.Sprintf("answer %s: %s (%v)", a.Subject, a.Text, a.Period))
		}
	}
	return strings.Join(done, "; ")
}

// TestReadsBack: a script of ours tells its list, and one that was changed by hand none.
func TestReadsBack(t *testing.T) {
	l := rules.List{
		Rules:   []rules.Rule{{Name: strings.Repeat("請求書", 60), On: true, Match: "all", Conditions: []rules.Condition{{Field: "subject", Op: "is", Value: "x\r\ny"}}, Actions: []rules.Action{{Do: "stop"}}}},
		Absence: rules.Absence{Text: strings.Repeat("x", 5000)}, Include: `mine "own"`,
	}
	text, err := l.Script(names)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sieve.Compile(text, sieve.Limits{}); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got, ours := rules.Read(text)
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(l)
	if !ours || string(a) != string(b) {
		t.Errorf("%s\n%s", a, b)
	}
	for _, other := range []string{"", "keep;", string(text) + "\r\nkeep;", strings.Replace(string(text), "stop;", "keep;", 1), strings.ReplaceAll(string(text), "\r\n", "\n")} {
		if _, ours := rules.Read([]byte(other)); ours {
			t.Errorf("taken for ours: %.200s", other)
		}
	}
}

// TestCheck refuses what can't be.
func TestCheck(t *testing.T) {
	good := func() rules.Rule {
		return rules.Rule{Name: "r", On: true, Match: "all", Conditions: []rules.Condition{{Field: "from", Op: "is", Value: "x"}}, Actions: []rules.Action{{Do: "stop"}}}
	}
	for name, spoil := range map[string]func(*rules.Rule){
		"name":     func(r *rules.Rule) { r.Name = strings.Repeat("x", 201) },
		"match":    func(r *rules.Rule) { r.Match = "some" },
		"field":    func(r *rules.Rule) { r.Conditions[0].Field = "bcc" },
		"op":       func(r *rules.Rule) { r.Conditions[0].Op = "over" },
		"no value": func(r *rules.Rule) { r.Conditions[0].Value = "" },
		"size":     func(r *rules.Rule) { r.Conditions[0] = rules.Condition{Field: "size", Op: "over", Value: "1K"} },
		"header": func(r *rules.Rule) {
			r.Conditions[0] = rules.Condition{Field: "header", Header: "a b", Op: "is", Value: "x"}
		},
		"no actions": func(r *rules.Rule) { r.Actions = nil },
		"deed":       func(r *rules.Rule) { r.Actions[0].Do = "explode" },
		"mailbox":    func(r *rules.Rule) { r.Actions[0] = rules.Action{Do: "move", MailboxID: "mx"} },
		"keyword":    func(r *rules.Rule) { r.Actions[0] = rules.Action{Do: "tag", Keyword: "a b"} },
		"address":    func(r *rules.Rule) { r.Actions[0] = rules.Action{Do: "forward", To: "nobody"} },
		"many":       func(r *rules.Rule) { r.Conditions = make([]rules.Condition, 31) },
	} {
		r := good()
		spoil(&r)
		if err := (&rules.List{Rules: []rules.Rule{r}}).Check(); !mail.Is(err, mail.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&rules.List{Rules: make([]rules.Rule, 201)}).Check(); !mail.Is(err, mail.Full) {
		t.Error(err)
	}
	now := time.Now()
	if err := (&rules.List{Absence: rules.Absence{From: now, Until: now}}).Check(); !mail.Is(err, mail.Invalid) {
		t.Error(err)
	}
}

// FuzzScript: whatever a list says, its script compiles and reads back.
func FuzzScript(f *testing.F) {
	f.Add(`{"rules":[{"name":"a","on":true,"match":"any","conditions":[{"field":"subject","op":"begins","value":"\\\"*"}],"actions":[{"do":"tag","keyword":"$x"}]}],"absence":{"on":true,"text":"x"}}`)
	f.Add(`{"include":"\"\\","absence":{"on":true,"inside":true,"html":"<p>","until":"2026-01-01T00:00:00Z"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var l rules.List
		if json.Unmarshal([]byte(text), &l) != nil || l.Check() != nil || strings.ContainsFunc(l.Include, unicode.IsControl) {
			return
		}
		script, err := l.Script(names)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sieve.Compile(script, sieve.Limits{}); err != nil && len(script) < 100<<10 {
			t.Fatalf("%v\n%s", err, script)
		}
		if _, ours := rules.Read(script); !ours {
			t.Fatalf("not ours:\n%s", script)
		}
	})
}
