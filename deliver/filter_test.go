package deliver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/policy"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/mime"
	"tegami/wire/sieve"
)

const scriptPassword = "correct horse 1"

// opened opens an account for its owner.
func (h *house) opened(address string) *mailbox.Account {
	h.Helper()
	a := h.account(address)
	h.must(h.dir.Company(a.Tenant).SetPassword(h.ctx, h.ops, a.ID, scriptPassword))
	id, err := h.dir.SignIn(h.ctx, mail.Origin{Door: "sieve"}, "sieve", address, scriptPassword)
	h.must(err)
	acc, err := h.boxes.Open(h.ctx, id)
	h.must(err)
	return acc
}

// filterBy activates a script for an account.
func (h *house) filterBy(address, script string) *mailbox.Account {
	h.Helper()
	a := h.opened(address)
	h.must(a.PutScript(h.ctx, "main", []byte(script)))
	h.must(a.ActivateScript(h.ctx, "main"))
	return a
}

// filed gives what is in an account's mailboxes, as "path: subject [flags]" lines, sorted.
func (h *house) filed(address string) string {
	h.Helper()
	a := h.account(address)
	var all []string
	tenant := h.store.Tenant(a.Tenant)
	h.must(tenant.View(h.ctx, func(r store.Reader) error {
		all = nil
		boxes, err := r.Mailboxes(a.ID)
		if err != nil {
			return err
		}
		words, err := r.Keywords(a.ID)
		if err != nil {
			return err
		}
		for _, b := range boxes {
			var found []store.Message
			if err := r.Messages(b.ID, 1, 1<<32-1, 0, func(m *store.Message) bool { found = append(found, *m); return true }); err != nil {
				return err
			}
			for _, m := range found {
				subject := mime.Header(h.octets(tenant, m.Blob)).Get("Subject")
				all = append(all, b.Name+": "+subject+flagText(m.Flags, words))
			}
		}
		return nil
	}))
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func flagText(f mail.Flags, words []string) string {
	var all []string
	for flag, name := range map[mail.Flags]string{mail.Seen: `\Seen`, mail.Flagged: `\Flagged`, mail.Deleted: `\Deleted`} {
		if f&flag != 0 {
			all = append(all, name)
		}
	}
	for n, word := range words {
		if f&mail.Keyword(n) != 0 {
			all = append(all, word)
		}
	}
	slices.Sort(all)
	if len(all) == 0 {
		return ""
	}
	return " [" + strings.Join(all, " ") + "]"
}

// proved is a document of a sender whom SPF proved.
func proved(t testing.TB, sender string) queue.Doc {
	t.Helper()
	doc := from(sender)
	var err error
	doc.Facts, err = (&policy.Facts{Author: sender, SPF: &policy.SPF{Result: "pass", Domain: doc.From.Domain}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// written gives the octets of letters that wait for other hosts, by recipient.
func (h *house) written() map[string]string {
	h.Helper()
	all := map[string]string{}
	for to, it := range h.remote() {
		a := h.account("sato@alpha.example")
		all[to] = h.octets(h.store.Tenant(a.Tenant), it.Blob)
	}
	return all
}

// TestML12FilterFiles puts messages where scripts want them.
func TestML12FilterFiles(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"keep", `keep;`, "INBOX: hello"},
		{"nothing", `require "fileinto"; if false { fileinto "Archive"; }`, "INBOX: hello"},
		{"fileinto", `require "fileinto"; fileinto "Archive";`, "Archive: hello"},
		{"inbox in any case", `require "fileinto"; fileinto "inbox";`, "INBOX: hello"},
		{"missing twice", `require "fileinto"; fileinto "Nowhere"; fileinto "Elsewhere"; keep;`, "INBOX: hello"},
		{"replaced", `require ["mime", "foreverypart", "replace"]; foreverypart { replace :subject "gone" "It was taken out."; break; }`, "INBOX: gone"},
		{"missing", `require "fileinto"; fileinto "Nowhere";`, "INBOX: hello"},
		{"create", `require ["fileinto", "mailbox"]; fileinto :create "Work/Invoices";`, "Invoices: hello"},
		{"exists", `require ["fileinto", "mailbox"]; if not mailboxexists "Nowhere" { if mailboxexists "Archive" { fileinto "Archive"; } }`, "Archive: hello"},
		{"special use", `require ["fileinto", "special-use"]; fileinto :specialuse "\\Junk" "Nowhere";`, "Junk: hello"},
		{"no special use", `require ["fileinto", "special-use"]; fileinto :specialuse "\\Important" "Archive";`, "Archive: hello"},
		{"copy", `require ["fileinto", "copy"]; fileinto :copy "Archive";`, "Archive: hello\nINBOX: hello"},
		{"flags", `require ["imap4flags", "fileinto"]; addflag ["\\Flagged", "$Work"]; keep; fileinto :flags "\\Seen" "Archive";`,
			"Archive: hello [\\Seen]\nINBOX: hello [$Work \\Flagged]"},
		{"discard", `discard;`, ""},
		{"envelope", `require ["envelope", "fileinto"]; if allof (envelope "to" "sato@alpha.example", envelope :domain "from" "customer.example") { fileinto "Archive"; }`, "Archive: hello"},
		{"own address", `require ["fileinto", "environment"]; if environment "domain" "alpha.example" { fileinto "Archive"; }`, "Archive: hello"},
		{"edited", `require "editheader"; addheader "X-Filter" "yes"; deleteheader "Subject"; addheader "Subject" "changed";`, "INBOX: changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, deliver.Config{})
			h.company("alpha.example", "sato")
			h.filterBy("sato@alpha.example", c.script)
			sato := h.account("sato@alpha.example")
			h.want("marked", sato.Filter, true)
			h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "hello"), "sato@alpha.example")
			h.drain()
			h.want("filed", h.filed("sato@alpha.example"), c.want)
			h.want("said", h.heard(), "")
			h.want("notices", h.notices(), "")
		})
	}
}

// TestFilterMailboxID files into a mailbox by its id, whatever it is called by now (RFC 9042).
func TestFilterMailboxID(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	a := h.opened("sato@alpha.example")
	made, err := a.Create(h.ctx, "Old", "")
	h.must(err)
	h.filterBy("sato@alpha.example", `require ["fileinto", "mailboxid"]; if mailboxidexists "`+made.ID.String()+`" { fileinto :mailboxid "`+made.ID.String()+`" "Old"; }
		if not mailboxidexists "nothing" { fileinto :mailboxid "nothing" "Archive"; }`)
	h.must(a.Rename(h.ctx, "Old", "New"))
	h.accept(h.account("sato@alpha.example").Tenant, from("abe@customer.example"), letter("abe@customer.example", "hello"), "sato@alpha.example")
	h.drain()
	h.want("filed", h.filed("sato@alpha.example"), "Archive: hello\nNew: hello")
}

// TestML12FilterOff delivers as ever once no script is active, and to accounts without one beside those that have one.
func TestML12FilterOff(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato", "suzuki")
	acc := h.filterBy("sato@alpha.example", `require "fileinto"; fileinto "Archive";`)
	tenant := h.account("sato@alpha.example").Tenant
	doc := from("abe@customer.example")
	h.accept(tenant, doc, letter("abe@customer.example", "one"), "sato@alpha.example", "suzuki@alpha.example")
	h.drain()
	h.want("filtered", h.filed("sato@alpha.example"), "Archive: one")
	h.want("beside", h.filed("suzuki@alpha.example"), "INBOX: one")
	h.must(acc.ActivateScript(h.ctx, ""))
	h.accept(tenant, doc, letter("abe@customer.example", "two"), "sato@alpha.example")
	h.drain()
	h.want("filtered", h.filed("sato@alpha.example"), "Archive: one\nINBOX: two")
}

// TestML5FilterRedirect sends mail on where a script and the company want it, and keeps the rest.
func TestML5FilterRedirect(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato", "suzuki")
	h.filterBy("sato@alpha.example", `redirect "sato@home.example";`)
	sato := h.account("sato@alpha.example")
	send := func(doc queue.Doc, subject string) {
		h.accept(sato.Tenant, doc, letter("abe@customer.example", subject), "sato@alpha.example")
		h.drain()
	}
	// By default a user's filter does not send mail outside.
	send(from("abe@customer.example"), "denied")
	h.want("kept", h.filed("sato@alpha.example"), "INBOX: denied")
	h.want("said", h.heard(), "refused sato@alpha.example sato@home.example")
	h.want("sent", len(h.remote()), 0)
	h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{UserForward: directory.ForwardAny}))
	send(from("abe@customer.example"), "allowed")
	h.want("kept", h.filed("sato@alpha.example"), "INBOX: denied")
	out, ok := h.remote()["sato@home.example"]
	if !ok || out.From.Domain != "alpha.example" || !strings.HasPrefix(out.From.Local, "SRS0=") {
		t.Fatalf("sent on as %+v", out)
	}
	h.want("prefix", string(out.Prefix), "Delivered-To: sato@alpha.example\r\n")
	h.want("notices", h.notices(), "")
	// Spam stays, and so does what has been here before.
	spam := from("x@spam.example")
	spam.Spam = true
	send(spam, "spam")
	h.accept(sato.Tenant, from("abe@customer.example"), "Delivered-To: sato@alpha.example\r\n"+letter("abe@customer.example", "round"), "sato@alpha.example")
	h.drain()
	h.want("kept", h.filed("sato@alpha.example"), "INBOX: denied\nINBOX: round\nINBOX: spam")
	h.want("sent", len(h.remote()), 1)
	// To a colleague it goes by the house.
	h.filterBy("sato@alpha.example", `require "copy"; redirect :copy "suzuki@alpha.example";`)
	send(from("abe@customer.example"), "inside")
	h.want("a colleague's", h.filed("suzuki@alpha.example"), "INBOX: inside")
	if got := h.inbox("suzuki@alpha.example"); len(got) != 1 || !strings.HasPrefix(got[0], "Delivered-To: sato@alpha.example\r\n") {
		t.Errorf("came as %q", got)
	}
	h.want("own copy", strings.Contains(h.filed("sato@alpha.example"), "INBOX: inside"), true)
	// To itself it is kept, not sent round.
	h.filterBy("sato@alpha.example", `redirect "SATO@alpha.example";`)
	send(from("abe@customer.example"), "self")
	h.want("kept", strings.Contains(h.filed("sato@alpha.example"), "INBOX: self"), true)
}

// TestFilterRedirectEdited sends on what the script made of a message, and keeps what it was before.
func TestFilterRedirectEdited(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato", "suzuki")
	h.filterBy("sato@alpha.example", `require ["editheader", "fileinto"]; fileinto "Archive"; addheader "X-Seen" "by sato"; redirect "suzuki@alpha.example";`)
	h.accept(h.account("sato@alpha.example").Tenant, from("abe@customer.example"), letter("abe@customer.example", "x"), "sato@alpha.example")
	h.drain()
	if got := h.inbox("sato@alpha.example"); len(got) != 1 || strings.Contains(got[0], "X-Seen") {
		t.Errorf("kept %q", got)
	}
	if got := h.inbox("suzuki@alpha.example"); len(got) != 1 || !strings.Contains(got[0], "X-Seen: by sato\r\n") || strings.Contains(got[0], "Return-Path: <abe") {
		t.Errorf("sent on %q", got)
	}
}

// TestML5FilterSwitch keeps in the box what a filter sent on before the company forbade it.
func TestML5FilterSwitch(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.filterBy("sato@alpha.example", `discard;`)
	sato := h.account("sato@alpha.example")
	staged, index := h.stage(sato.Tenant, letter("abe@customer.example", "late"))
	defer staged.Release()
	it := queue.Item{State: store.ItemWaiting, Due: time.Now(), Route: queue.RouteForward, Doc: from("abe@customer.example")}
	it.Filtered, it.To = true, []queue.Recipient{{Recipient: mail.Recipient{Address: addr("x@home.example")}, Account: sato.ID}}
	h.must(h.store.Tenant(sato.Tenant).Update(h.ctx, queue.Worker(), "test", func(tx store.Tx) (err error) {
		if it.Blob, err = tx.Keep(staged, index); err != nil {
			return err
		}
		return queue.Put(tx, &it)
	}))
	h.drain()
	h.want("kept", h.filed("sato@alpha.example"), "INBOX: late")
	h.want("said", h.heard(), "refused sato@alpha.example x@home.example")
	h.want("notices", h.notices(), "")
}

// TestFilterReject tells a sender who is proved, and nobody else (RFC 5429 §2.1.1).
func TestFilterReject(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.filterBy("sato@alpha.example", `require "reject"; reject "No more of this.";`)
	sato := h.account("sato@alpha.example")
	for _, doc := range []queue.Doc{from("forged@customer.example"), from("")} {
		h.accept(sato.Tenant, doc, letter("forged@customer.example", "kept"), "sato@alpha.example")
		h.drain()
	}
	h.want("kept", h.filed("sato@alpha.example"), "INBOX: kept\nINBOX: kept")
	h.want("notices", h.notices(), "")
	h.accept(sato.Tenant, proved(t, "abe@customer.example"), letter("abe@customer.example", "refused"), "sato@alpha.example")
	h.drain()
	h.want("kept", h.filed("sato@alpha.example"), "INBOX: kept\nINBOX: kept")
	h.want("notices", h.notices(), "abe@customer.example: sato@alpha.example filter.rejected 5.7.1")
	for _, it := range h.items(store.ItemWaiting) {
		h.want("words", it.To[0].Answer, "No more of this.")
	}
}

// TestFilterVacation answers a sender once in a period, and nobody who is not to be answered.
func TestFilterVacation(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato", "suzuki")
	h.filterBy("sato@alpha.example", "require \"vacation\"; vacation :days 7 :subject \"不在です\" \"I am away.\nTill Monday.\";")
	sato := h.account("sato@alpha.example")
	send := func(doc queue.Doc, head string) {
		text := strings.Replace(letter(doc.From.String(), "question"), "To: list@", head+"To: sato@", 1)
		h.accept(sato.Tenant, doc, text, "sato@alpha.example")
		h.drain()
	}
	send(from("abe@customer.example"), "Message-ID: <q1@customer.example>\r\n")
	send(from("abe@customer.example"), "")
	send(from("Abe@customer.example"), "")
	send(from("ito@customer.example"), "")
	// Nobody answers these.
	send(from(""), "")
	send(from("list@customer.example"), "List-Id: <list.customer.example>\r\n")
	send(from("robot@customer.example"), "Auto-Submitted: auto-generated\r\n")
	send(from("bulk@customer.example"), "Precedence: bulk\r\n")
	spam := from("x@spam.example")
	spam.Spam = true
	send(spam, "")
	forged := from("forged@customer.example")
	forged.Facts, _ = (&policy.Facts{Author: "forged@customer.example", SPF: &policy.SPF{Result: "fail", Domain: "customer.example"}}).Encode()
	send(forged, "")
	auto := from("platform@customer.example")
	auto.Auto = true
	send(auto, "")
	letters := h.written()
	h.want("kept", h.count("sato@alpha.example"), 11)
	h.want("answers", len(letters), 2)
	text := letters["abe@customer.example"]
	for _, want := range []string{
		"From: sato@alpha.example\r\n", "To: abe@customer.example\r\n", "Auto-Submitted: auto-replied", "In-Reply-To: <q1@customer.example>\r\n",
		"References: <q1@customer.example>\r\n", "I am away.\r\nTill Monday.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	h.want("subject", mime.DecodeHeader(mime.Header(text).Get("Subject")), "不在です")
	it := h.remote()["abe@customer.example"]
	h.want("reverse-path", it.From.IsNull(), true)
	h.want("signed by", it.Sign, "alpha.example")
	h.want("automatic", it.Auto, true)
	// A colleague who is away as well is answered, and does not answer back.
	h.filterBy("suzuki@alpha.example", `require "vacation"; vacation "Me too.";`)
	send(from("suzuki@alpha.example"), "")
	h.want("a colleague's", h.count("suzuki@alpha.example"), 1)
	h.want("answers", len(h.remote()), 2)
	// What another handle says is another answer; :mime is taken as it is.
	h.filterBy("sato@alpha.example", "require \"vacation\"; vacation :handle \"other\" :mime text:\nContent-Type: text/html\nX-Evil: yes\n\n<b>away</b>\n.\n;")
	before := h.remote()
	send(from("dan@customer.example"), "")
	html := h.written()["dan@customer.example"]
	h.want("answers", len(h.remote()), len(before)+1)
	if !strings.Contains(html, "Content-Type: text/html\r\n") || strings.Contains(html, "X-Evil") || !strings.HasSuffix(html, "<b>away</b>\r\n") {
		t.Errorf("came as\n%s", html)
	}
}

// TestFilterVacationFrom: an answer comes from an address of the account, whatever its script says.
func TestFilterVacationFrom(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato")
	sato := h.account("sato@alpha.example")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), sato.ID))
	for asked, want := range map[string]string{
		"Info Desk <info@alpha.example>": "Info Desk <info@alpha.example>",
		"boss@alpha.example":             "sato@alpha.example",
		"x@other.example":                "sato@alpha.example",
	} {
		h.filterBy("sato@alpha.example", `require ["vacation", "vacation-seconds"]; vacation :seconds 0 :from "`+asked+`" "away";`)
		h.accept(sato.Tenant, from("abe@customer.example"), strings.Replace(letter("abe@customer.example", "q"), "list@", "sato@", 1), "sato@alpha.example")
		h.drain()
		for _, it := range h.items(store.ItemWaiting) {
			text := h.octets(h.store.Tenant(sato.Tenant), it.Blob)
			h.want(asked, mime.Header(text).Get("From"), want)
			h.must(h.queue.Of(sato.Tenant).Remove(h.ctx, h.ops, it.ID, false))
		}
	}
}

// TestFilterNotify tells somebody by mail, where the company lets filters send mail.
func TestFilterNotify(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato", "suzuki")
	h.filterBy("sato@alpha.example", `require "enotify"; notify :importance "1" :message "Mail came" "mailto:pager@phone.example?cc=suzuki@alpha.example";`)
	sato := h.account("sato@alpha.example")
	send := func(head string) {
		h.accept(sato.Tenant, from("abe@customer.example"), head+letter("abe@customer.example", "x"), "sato@alpha.example")
		h.drain()
	}
	send("")
	h.want("sent", len(h.remote()), 0)
	h.want("said", h.heard(), "refused sato@alpha.example pager@phone.example")
	h.want("inside", h.filed("suzuki@alpha.example"), "INBOX: Mail came")
	h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{UserForward: directory.ForwardAny}))
	send("Auto-Submitted: auto-notified\r\n")
	h.want("to what a program wrote", len(h.remote()), 0)
	send("")
	text := h.written()["pager@phone.example"]
	for _, want := range []string{"To: pager@phone.example\r\n", "Cc: suzuki@alpha.example\r\n", "Importance: high\r\n", `Auto-Submitted: auto-notified; owner-email="sato@alpha.example"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	h.want("kept", h.count("sato@alpha.example"), 3)
}

// TestFilterNotifyIsLimited: a hundred notifications an hour, and no mail is lost for it.
func TestFilterNotifyIsLimited(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato", "suzuki")
	h.filterBy("sato@alpha.example", `require "enotify"; notify "mailto:suzuki@alpha.example";`)
	sato := h.account("sato@alpha.example")
	for range 110 {
		h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "x"), "sato@alpha.example")
	}
	h.drain()
	h.want("told", h.count("suzuki@alpha.example"), 100)
	h.want("kept", h.count("sato@alpha.example"), 110)
}

// TestFilterSendsSoMuch: what a filter answers and sends on in an hour is limited; what it may not send on is kept.
func TestFilterSendsSoMuch(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato", "suzuki")
	sato := h.account("sato@alpha.example")
	for _, x := range []struct{ what, script, kept string }{
		{"answer", `require "vacation"; vacation "I am away.";`, "INBOX: x"},
		{"redirect", `redirect "suzuki@alpha.example";`, "INBOX: x\nINBOX: x"},
	} {
		h.filterBy("sato@alpha.example", x.script)
		key := "filter." + x.what + " " + sato.Tenant.String() + " " + sato.ID.String()
		send := func(sender string) {
			text := strings.Replace(letter(sender, "x"), "To: list@", "To: sato@", 1)
			h.accept(sato.Tenant, from(sender), text, "sato@alpha.example")
			h.drain()
		}
		sent := func() int { return len(h.remote()) + int(h.count("suzuki@alpha.example")) }
		before := sent()
		if x.what == "redirect" {
			send("abe@customer.example")
			h.want("sent on", sent(), before+1)
			before++
		}
		_, err := h.store.Tally(h.ctx, key, 2000, time.Hour)
		h.must(err)
		send("ito@customer.example")
		h.want(x.what+" over the limit", sent(), before)
		h.want("kept", h.filed("sato@alpha.example"), x.kept)
	}
}

// TestFilterWorkIsLimited: a filter whose runs took too long together is not run for a while; its mail is in the inbox.
func TestFilterWorkIsLimited(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.filterBy("sato@alpha.example", `require "fileinto"; if not header "subject" "x" { fileinto "Archive"; }`)
	sato := h.account("sato@alpha.example")
	key := "filter.steps " + sato.Tenant.String() + " " + sato.ID.String()
	send := func(subject string) {
		h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", subject), "sato@alpha.example")
		h.drain()
	}
	send("a")
	h.want("filed", h.filed("sato@alpha.example"), "Archive: a")
	taken, err := h.store.Tally(h.ctx, key, 100_000_000, time.Hour)
	h.must(err)
	if taken <= 100_000_000 {
		t.Errorf("%d steps: those of the run are not among them", taken)
	}
	send("b")
	h.want("kept", h.filed("sato@alpha.example"), "Archive: a\nINBOX: b")
	h.want("said", h.heard(), "failed sato@alpha.example main 1 sieve.limit_steps")
}

// TestFilterEditsAreLimited: a filter that makes many large messages of one fails, rather than that it takes the memory that all mail
// shares; those of many accounts are written a few at a time.
func TestFilterEditsAreLimited(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	users, to := []string{"sato"}, []string{"sato@alpha.example"}
	for i := range 5 {
		users = append(users, fmt.Sprintf("u%d", i))
		to = append(to, users[i+1]+"@alpha.example")
	}
	h.company("alpha.example", users...)
	script := `require ["editheader", "fileinto"]; `
	for i := range 3 {
		script += fmt.Sprintf(`addheader "X-N" "%d"; fileinto :copy "%d"; `, i, i)
	}
	script = strings.Replace(script, `"fileinto"]`, `"fileinto", "copy"]`, 1)
	h.filterBy(to[0], script)
	for _, a := range to[1:] {
		h.filterBy(a, `require "editheader"; addheader "X-N" "1";`)
	}
	text := letter("abe@customer.example", "large") + strings.Repeat(strings.Repeat("x", 62)+"\r\n", 11<<20>>6)
	h.accept(h.account(to[0]).Tenant, from("abe@customer.example"), text, to...)
	h.drain()
	h.want("said", h.heard(), "failed sato@alpha.example main 1 sieve.limit_memory")
	h.want("kept", h.filed(to[0]), "INBOX: large")
	for _, a := range to[1:] {
		h.want(a, h.filed(a), "INBOX: large")
	}
}

// TestFilterDuplicate sees a message again by its id, also where both come at once.
func TestFilterDuplicate(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.filterBy("sato@alpha.example", `require "duplicate"; if duplicate { discard; }`)
	sato := h.account("sato@alpha.example")
	for i := range 20 {
		text := strings.Replace(letter("abe@customer.example", "x"), "Subject:", fmt.Sprintf("Message-ID: <%d@customer.example>\r\nSubject:", i/10), 1)
		h.accept(sato.Tenant, from("abe@customer.example"), text, "sato@alpha.example")
	}
	h.drain()
	h.want("kept", h.count("sato@alpha.example"), 2)
}

// TestFilterInclude runs another script of the account within.
func TestFilterInclude(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	acc := h.opened("sato@alpha.example")
	h.must(acc.PutScript(h.ctx, "rules", []byte(`require "fileinto"; fileinto "Archive";`)))
	h.filterBy("sato@alpha.example", `require "include"; include :personal "rules"; include :optional :personal "none";`)
	sato := h.account("sato@alpha.example")
	for i, want := range []string{"Archive: 0", "Archive: 0\nINBOX: 1"} {
		h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", fmt.Sprint(i)), "sato@alpha.example")
		h.drain()
		h.want("filed", h.filed("sato@alpha.example"), want)
		h.must(acc.PutScript(h.ctx, "rules", []byte(`keep;`)))
	}
}

// TestFilterFails keeps the message in the inbox, and says so once for each version of the script.
func TestFilterFails(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	const broken = "require [\"include\", \"editheader\"];\naddheader \"X\" \"y\";\ninclude :personal \"none\";"
	acc := h.filterBy("sato@alpha.example", broken)
	sato := h.account("sato@alpha.example")
	send := func() {
		h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "hello"), "sato@alpha.example")
		h.drain()
	}
	send()
	if got := h.heard(); !strings.HasPrefix(got, "failed sato@alpha.example main 3 sieve.") {
		t.Errorf("said %q", got)
	}
	send()
	h.want("said again", h.heard(), "")
	h.want("kept", h.filed("sato@alpha.example"), "INBOX: hello\nINBOX: hello")
	for _, text := range h.inbox("sato@alpha.example") {
		h.want("as it came", text, letter("abe@customer.example", "hello"))
	}
	h.must(acc.PutScript(h.ctx, "main", []byte(broken+"\n")))
	send()
	h.want("said of the next version", strings.HasPrefix(h.heard(), "failed sato@alpha.example main 3 sieve."), true)
	h.want("kept", h.count("sato@alpha.example"), 3)
}

// TestFilterNoLongerCompiles: a script that a newer program does not take keeps the message as one that fails.
func TestFilterNoLongerCompiles(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.filterBy("sato@alpha.example", `require "fileinto"; fileinto "Archive";`)
	h.must(h.store.Close())
	h.limits = mailbox.Config{Sieve: sieve.Limits{Script: 10}}
	h.open()
	sato := h.account("sato@alpha.example")
	h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "hello"), "sato@alpha.example")
	h.drain()
	h.want("kept", h.filed("sato@alpha.example"), "INBOX: hello")
	h.want("said", strings.HasPrefix(h.heard(), "failed sato@alpha.example main "), true)
}

// TestSV5FilterFullBox: a box that is full refuses before its filter runs, and after it as any other.
func TestSV5FilterFullBox(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato")
	h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{UserForward: directory.ForwardAny}))
	h.filterBy("sato@alpha.example", `require ["fileinto", "copy"]; redirect :copy "x@home.example"; fileinto "Archive";`)
	sato := h.account("sato@alpha.example")
	item := func(size int64) queue.Doc { d := from("abe@customer.example"); d.Opts.Size = size; return d }
	tenant := h.store.Tenant(sato.Tenant)
	big := letter("abe@customer.example", "big") + strings.Repeat("x", 10<<20)
	for range 12 {
		h.accept(sato.Tenant, item(0), big, "sato@alpha.example")
	}
	h.drain()
	box, err := tenant.Usage(h.ctx, sato.ID)
	h.must(err)
	h.want("messages", box.Messages, 9)
	if box.Used > sato.Quota {
		t.Errorf("%d octets of %d", box.Used, sato.Quota)
	}
	h.want("notices", h.notices(), strings.TrimSuffix(strings.Repeat("abe@customer.example: sato@alpha.example box.full 5.2.2\n", 3), "\n"))
}

// TestFilterOfListMembers: members' filters run, for mail of the list as it comes to them.
func TestFilterOfListMembers(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato", "suzuki")
	l := h.list(c, "team@alpha.example", directory.ListSpec{}, "sato@alpha.example", "suzuki@alpha.example")
	h.filterBy("sato@alpha.example", `require ["fileinto", "vacation"]; vacation "away"; if header :contains "list-id" "team.alpha.example" { fileinto "Archive"; }`)
	h.accept(l.Tenant, from("abe@customer.example"), letter("abe@customer.example", "post"), "team@alpha.example")
	h.drain()
	h.want("filed", h.filed("sato@alpha.example"), "Archive: post")
	h.want("beside", h.filed("suzuki@alpha.example"), "INBOX: post")
	h.want("answers", len(h.remote()), 0)
}

// TestML5ForwardThenFilter: what the administrator forwards is forwarded first; the filter has the copy that stays.
func TestML5ForwardThenFilter(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.filterBy("sato@alpha.example", `require "fileinto"; fileinto "Archive";`)
	for keep, want := range map[bool]string{true: "Archive: x", false: ""} {
		sato := h.forward("sato@alpha.example", keep, "sato@home.example")
		h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "x"), "sato@alpha.example")
		h.drain()
		if keep {
			h.want("kept", h.filed("sato@alpha.example"), want)
		}
	}
	h.want("in the box", h.count("sato@alpha.example"), 1)
}

// TestFilterManyRecipients: a hundred recipients, of whom some have filters, share one item.
func TestFilterManyRecipients(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	var users, to []string
	for i := range 100 {
		users = append(users, fmt.Sprintf("u%02d", i))
		to = append(to, users[i]+"@alpha.example")
	}
	h.company("alpha.example", users...)
	for i := range 40 {
		script := `require "fileinto"; fileinto "Archive";`
		if i%10 == 0 {
			script = `require "include"; include :personal "none";`
		}
		h.filterBy(to[i], script)
	}
	h.accept(h.account(to[0]).Tenant, from("abe@customer.example"), letter("abe@customer.example", "x"), to...)
	h.drain()
	for i, a := range to {
		want := "INBOX: x"
		if i < 40 && i%10 != 0 {
			want = "Archive: x"
		}
		h.want(a, h.filed(a), want)
	}
	items := 0
	for _, it := range h.items(store.ItemSettled) {
		if it.Route == queue.RouteFilter {
			items++
		}
	}
	h.want("items", items, 1)
}

// TestPlatformIsNotFiltered: what the owner must not miss goes into the inbox past a filter; other mail of the platform does not.
func TestPlatformIsNotFiltered(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.filterBy("sato@alpha.example", `discard;`)
	sato := h.account("sato@alpha.example")
	for _, unfiltered := range []bool{true, false} {
		_, err := h.Post(h.ctx, deliver.Letter{
			Tenant: sato.Tenant, To: []mail.Recipient{{Address: sato.Address}}, Octets: []byte("Subject: word\r\n\r\nx\r\n"), Service: true, Unfiltered: unfiltered,
		}, nil)
		h.must(err)
		h.drain()
	}
	h.want("filed", h.filed("sato@alpha.example"), "INBOX: word")
}

// TestFilterSurvivesCrashes: whenever the platform dies, a message is filed once, sent on once, and answered once.
func TestFilterSurvivesCrashes(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	var users, to []string
	for i := range 60 {
		users = append(users, fmt.Sprintf("u%02d", i))
		to = append(to, users[i]+"@alpha.example")
	}
	c := h.company("alpha.example", users...)
	h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{UserForward: directory.ForwardAny}))
	for i, a := range to {
		h.filterBy(a, fmt.Sprintf(`require ["fileinto", "copy", "vacation"]; vacation :addresses "list@alpha.example" "away %d"; redirect :copy "x%d@home.example"; fileinto "Archive";`, i, i))
	}
	tenant := h.account(to[0]).Tenant
	h.accept(tenant, from("abe@customer.example"), letter("abe@customer.example", "x"), to...)
	h.crashing(60, 100) // more commits each time: an item that is carried too often is given up
	for _, a := range to {
		h.want(a, h.filed(a), "Archive: x")
	}
	sent, answers := map[string]int{}, 0
	for _, it := range h.items(store.ItemWaiting) {
		for _, r := range it.To {
			if r.Address == addr("abe@customer.example") {
				answers++
			} else {
				sent[r.Address.String()]++
			}
		}
	}
	h.want("answers", answers, 60)
	h.want("sent on", len(sent), 60)
	for a, n := range sent {
		h.want(a, n, 1)
	}
}

// TestFilterThatCannotRun: while what a filter needs cannot be had, the message waits; after some tries it goes into the inbox.
func TestFilterThatCannotRun(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	h.filterBy("sato@alpha.example", `discard;`)
	sato := h.account("sato@alpha.example")
	h.must(h.store.Close())
	h.blind = true
	h.open()
	h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "x"), "sato@alpha.example")
	begun := time.Now()
	h.drain()
	h.want("kept", h.filed("sato@alpha.example"), "INBOX: x")
	h.want("in time", time.Since(begun) < 20*time.Second, true)
}

// TestFilterMetadata files by what the owner noted on a mailbox (RFC 5490 §3.3).
func TestFilterMetadata(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	h.company("alpha.example", "sato")
	acc := h.filterBy("sato@alpha.example", `require ["fileinto", "mboxmetadata"]; if metadata "Archive" "/private/vendor/tegami/auto" "yes" { fileinto "Archive"; }`)
	sato := h.account("sato@alpha.example")
	for _, value := range []string{"", "no", "yes"} {
		if value != "" {
			h.must(acc.SetMetadata(h.ctx, "Archive", []mailbox.Annotation{{Entry: "/private/vendor/tegami/auto", Value: []byte(value)}}))
		}
		h.accept(sato.Tenant, from("abe@customer.example"), letter("abe@customer.example", "is"+value), "sato@alpha.example")
		h.drain()
	}
	h.want("filed", h.filed("sato@alpha.example"), "Archive: isyes\nINBOX: is\nINBOX: isno")
	for _, entry := range []string{"", "comment", "/private/none"} {
		if _, ok, err := h.boxes.Annotation(h.ctx, &sato, "Archive", entry); ok || err != nil {
			t.Errorf("%q: %v, %v", entry, ok, err)
		}
	}
	if _, ok, err := h.boxes.Annotation(h.ctx, &sato, "Nowhere", "/private/comment"); ok || err != nil {
		t.Errorf("of no mailbox: %v, %v", ok, err)
	}
}

// TestML12NotesStayInside: a company can keep absence notes to its own people.
func TestML12NotesStayInside(t *testing.T) {
	h := newHouse(t, deliver.Config{})
	c := h.company("alpha.example", "sato", "suzuki")
	h.filterBy("sato@alpha.example", `require "vacation"; vacation "away";`)
	h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{NoOutsideVacation: true}))
	sato := h.account("sato@alpha.example")
	for _, who := range []string{"abe@customer.example", "suzuki@alpha.example"} {
		h.accept(sato.Tenant, from(who), strings.Replace(letter(who, "q"), "list@", "sato@", 1), "sato@alpha.example")
	}
	h.drain()
	h.want("outside", len(h.written()), 0)
	h.want("inside", h.count("suzuki@alpha.example"), 1)
}
