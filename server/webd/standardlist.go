package webd

import (
	"html/template"
	"net/url"
	"strconv"
	"time"

	"tegami/mail"
	"tegami/wire/jmap"
)

// Limits of what is asked for on a page.
const (
	maxQuery  = 500    // octets of each word that is searched for
	maxPage   = 40_000 // the last page that can be asked for
	maxChosen = 100    // messages that are changed at once
)

// listAt says which list of messages is meant: a folder or a search, and which page of it. It stands in the address of every page on the way, so
// that the way back is known.
type listAt struct {
	Box, Text, From, To, Subject string
	After, Before                string // days, 2026-11-23
	Only                         string // "unread", "starred", "files"
	Page                         int    // from 1
	N                            int    // place of a message in the list, from 1; 0 = not known
}

func readListAt(q url.Values) listAt {
	word := func(name string) string { return q.Get(name)[:min(len(q.Get(name)), maxQuery)] }
	number := func(name string) int {
		n, err := strconv.Atoi(q.Get(name))
		if err != nil {
			return 0
		}
		return n
	}
	return listAt{
		Box: word("box"), Text: word("q"), From: word("from"), To: word("to"), Subject: word("subject"), After: word("after"), Before: word("before"), Only: word("only"),
		Page: max(1, min(maxPage, number("page"))), N: max(0, number("n")),
	}
}

// Searching tells whether something is searched for.
func (l listAt) Searching() bool {
	return l.Text != "" || l.From != "" || l.To != "" || l.Subject != "" || l.After != "" || l.Before != ""
}

// values are the list as an address has it.
func (l listAt) values() url.Values {
	q := url.Values{}
	for name, text := range map[string]string{
		"box": l.Box, "q": l.Text, "from": l.From, "to": l.To, "subject": l.Subject, "after": l.After, "before": l.Before, "only": l.Only,
	} {
		if text != "" {
			q.Set(name, text)
		}
	}
	if l.Page > 1 {
		q.Set("page", strconv.Itoa(l.Page))
	}
	return q
}

// Query is the list as part of an address, with more.
func (l listAt) Query(more ...string) template.URL {
	return queryWith(l.values(), more)
}

// queryWith is a query as part of an address, with names and values that take the place of what it has.
func queryWith(q url.Values, more []string) template.URL {
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return template.URL(q.Encode()) // nothing in it needs an escape
}

// With is another page of the list.
func (l listAt) With(page int) template.URL {
	l.Page = page
	return l.Query()
}

// Restricted is the list with another restriction.
func (l listAt) Restricted(only string) template.URL {
	l.Page, l.Only = 1, only
	return l.Query()
}

// having is the list as JMAP has it. Without a folder, junk and the trash are not searched.
func (v *visit) having(l listAt) args {
	var all []any
	add := func(name string, value any) { all = append(all, args{name: value}) }
	if b := v.boxOf(l.Box); b != nil {
		add("inMailbox", b.ID)
	} else {
		var without []jmap.Id
		for _, role := range []string{"junk", "trash"} {
			if b := v.boxOf(role); b != nil {
				without = append(without, b.ID)
			}
		}
		if len(without) > 0 {
			add("inMailboxOtherThan", without)
		}
	}
	for name, text := range map[string]string{"text": l.Text, "from": l.From, "to": l.To, "subject": l.Subject} {
		if text != "" {
			add(name, text)
		}
	}
	if day, err := time.ParseInLocation(time.DateOnly, l.After, v.zone); err == nil {
		add("after", jmap.UTCDate{Time: day})
	}
	if day, err := time.ParseInLocation(time.DateOnly, l.Before, v.zone); err == nil {
		add("before", jmap.UTCDate{Time: day})
	}
	switch l.Only {
	case "unread":
		add("notKeyword", "$seen")
	case "starred":
		add("hasKeyword", "$flagged")
	case "files":
		add("hasAttachment", true)
	}
	return args{"operator": "AND", "conditions": all}
}

// newest is the order of lists.
var newest = []args{{"property": "receivedAt", "isAscending": false}}

// listPage is what the page of a list shows.
type listPage struct {
	Box              *box
	Emails           []email
	Total, From, To  int
	Last             int // page
	First            int // place of the first row
	Destroys, IsJunk bool
}

// N is the place of a row in the whole list, from 1.
func (l listPage) N(i int) int { return l.First + i + 1 }

// listProperties are those of a row.
var listProperties = []string{"id", "keywords", "receivedAt", "from", "to", "cc", "subject", "hasAttachment", "preview", "mailboxIds"}

// list shows a folder or what a search found, a page at a time.
func (v *visit) list() {
	if v.At.Box == "" && !v.At.Searching() && v.At.Only == "" {
		v.At.Box = "inbox"
	}
	p := listPage{Box: v.boxOf(v.At.Box), First: (v.At.Page - 1) * v.Settings.PageSize}
	if v.At.Box != "" && p.Box == nil {
		v.fail(mail.E("webd.list", mail.NotFound, "webmail.folder.gone"))
		return
	}
	if cookie(v.r, versionCookie) != standard {
		rememberVersion(v.w, standard)
	}
	var ids found
	var emails listOf[email]
	err := v.talk(
		ask{"Email/query", args{"filter": v.having(v.At), "sort": newest, "position": p.First, "limit": v.Settings.PageSize, "calculateTotal": true}, &ids},
		ask{"Email/get", args{"#ids": refer(0, "Email/query", "/ids"), "properties": listProperties}, &emails},
	)
	if err != nil {
		v.fail(err)
		return
	}
	p.Emails, p.Total = emails.List, ids.Total
	p.From, p.To = min(p.First+1, p.Total), p.First+len(p.Emails)
	p.Last = max(1, (p.Total+v.Settings.PageSize-1)/v.Settings.PageSize)
	title := v.T("webmail.search.results")
	if p.Box != nil {
		title = p.Box.Label
		p.Destroys, p.IsJunk = p.Box.Role == "trash", p.Box.Role == "junk"
	}
	v.said()
	v.show("list", title, p)
}

// notes are what a page may say was done, by a word in its address: an address can't make it say anything else.
var notes = map[string]string{
	"deleted": "webmail.done.deleted", "destroyed": "webmail.done.destroyed", "moved": "webmail.done.moved", "archived": "webmail.done.archived", "junk": "webmail.done.junk",
	"notjunk": "webmail.done.not_junk", "sent": "webmail.compose.sent", "saved": "webmail.compose.saved", "taken": "webmail.compose.taken_back", "kept": "standard.kept", "discarded": "standard.discarded",
	"held_release": "webmail.quarantine.done.release", "held_allow": "webmail.quarantine.done.allow", "held_notspam": "webmail.quarantine.done.not_spam", "held_delete": "webmail.quarantine.done.delete",
}

// said takes what was done from the address.
func (v *visit) said() {
	q := v.r.URL.Query()
	key := notes[q.Get("done")]
	if key == "" {
		return
	}
	n, err := strconv.Atoi(q.Get("count"))
	if err != nil {
		n = 1
	}
	into := ""
	if b := v.boxOf(q.Get("into")); b != nil {
		into = b.Label
	}
	v.Note = v.T(key, n, into)
	if q.Get("done") == "sent" && v.Settings.Undo > 0 {
		v.UndoID = jmap.Id(q.Get("out"))
	}
}

// searchForm shows all that can be searched for.
func (v *visit) searchForm() { v.show("search", v.T("webmail.search"), nil) }

// change is what becomes of chosen messages.
type change struct {
	patch   args
	done    string // of notes, "" for nothing to say
	into    string // folder
	destroy bool
}

// asked is what a form of the list or of a message asks for. False for nothing that there is.
func (v *visit) asked() (c change, ok bool) {
	move := func(role, done string) (change, bool) {
		id, err := v.need(role)
		return change{patch: args{"mailboxIds": args{string(id): true}}, done: done, into: string(id)}, err == nil
	}
	switch v.r.PostFormValue("do") {
	case "delete":
		if b := v.boxOf(v.At.Box); b != nil && b.Role == "trash" {
			return change{done: "destroyed", destroy: true}, true
		}
		return move("trash", "deleted")
	case "archive":
		return move("archive", "archived")
	case "junk":
		c, ok = move("junk", "junk")
		c.patch["keywords/$junk"], c.patch["keywords/$notjunk"] = true, nil
		return c, ok
	case "notjunk":
		c, ok = move("inbox", "notjunk")
		c.patch["keywords/$notjunk"], c.patch["keywords/$junk"] = true, nil
		return c, ok
	case "move":
		b := v.boxOf(v.r.PostFormValue("into"))
		if b == nil {
			return c, false
		}
		return change{patch: args{"mailboxIds": args{string(b.ID): true}}, done: "moved", into: string(b.ID)}, true
	case "read":
		return change{patch: args{"keywords/$seen": true}}, true
	case "unread":
		return change{patch: args{"keywords/$seen": nil}}, true
	case "star":
		return change{patch: args{"keywords/$flagged": true}}, true
	case "unstar":
		return change{patch: args{"keywords/$flagged": nil}}, true
	}
	return c, false
}

// act changes the chosen messages and goes back to the list. What is destroyed for good is asked for once more.
func (v *visit) act() {
	chosen := v.r.PostForm["id"]
	c, ok := v.asked()
	switch {
	case len(chosen) == 0 || len(chosen) > maxChosen || !ok:
		v.Wrong = v.T("standard.choose_first")
		v.list()
		return
	case c.destroy && v.r.PostFormValue("sure") == "":
		v.show("destroy", v.T("webmail.destroy.title"), chosen)
		return
	}
	in := args{"destroy": chosen}
	if !c.destroy {
		update := args{}
		for _, id := range chosen {
			update[id] = c.patch
		}
		in = args{"update": update}
	}
	if _, err := v.set("Email/set", in); err != nil {
		v.Wrong = v.words(err)
		if b := v.boxOf(v.At.Box); b != nil || v.At.Searching() {
			v.list()
			return
		}
		v.fail(err)
		return
	}
	q := v.At.values()
	if c.done != "" {
		q.Set("done", c.done)
		q.Set("count", strconv.Itoa(len(chosen)))
		q.Set("into", c.into)
	}
	v.leave(standardPath, q)
}
