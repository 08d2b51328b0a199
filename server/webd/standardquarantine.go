package webd

import (
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/jmap"
)

// Where the quarantine and the lists of senders stand.
const (
	quarantinePath = "/standard/quarantine"
	sendersPath    = "/standard/senders"
)

// heldPage is how many messages in quarantine a page has.
const heldPage = 20

// held is a message in quarantine, as JMAP has it (urn:tegami:params:jmap:filter).
type held struct {
	ID         jmap.Id      `json:"id"`
	Received   jmap.UTCDate `json:"receivedAt"`
	Ends       jmap.UTCDate `json:"expiresAt"`
	From       []person     `json:"from"`
	Envelope   string       `json:"envelopeFrom"`
	Recipient  string       `json:"recipient"`
	Subject    string       `json:"subject"`
	Percent    float64      `json:"percent"`
	Rule       string       `json:"rule"`
	Reasons    []reason     `json:"reasons"`
	NotSpam    bool         `json:"notSpam"`
	To         []person     `json:"to"`
	Text       string       `json:"textBody"`
	Links      []link       `json:"links"`
	Files      []part       `json:"attachments"`
	Cut        bool         `json:"isTruncated"`
	Restricted heldAt       `json:"-"` // the list it stands in
}

// reason is one thing that spoke for or against a message, in the reader's language.
type reason struct {
	Text   string  `json:"text"`
	Weight float64 `json:"weight"`
}

// link is where a link of the message leads.
type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
	// Misleading: the text names another host.
	Misleading bool `json:"isMisleading"`
}

// Likely is how likely the message is unwanted, with two decimals.
func (h held) Likely() string { return strconv.FormatFloat(h.Percent, 'f', 2, 64) + " %" }

// Points is what the reason weighs, with its sign.
func (r reason) Points() string {
	text := strconv.FormatFloat(r.Weight, 'f', 1, 64)
	if r.Weight >= 0 {
		return "+" + text
	}
	return strings.Replace(text, "-", "−", 1)
}

// heldAt says which list of the quarantine is meant. It stands in the address of each page of it.
type heldAt struct {
	Text, Sort string
	Page       int // from 1
}

// heldSorts are the orders there are.
var heldSorts = []choice{
	{"", "webmail.sort.newest"}, {"oldest", "webmail.sort.oldest"}, {"from", "webmail.sort.from"}, {"subject", "webmail.sort.subject"}, {"percent", "webmail.quarantine.sort.percent"},
	{"size", "webmail.sort.size"},
}

func readHeldAt(q url.Values) heldAt {
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil {
		page = 1
	}
	return heldAt{Text: q.Get("q")[:min(len(q.Get("q")), maxQuery)], Sort: q.Get("sort"), Page: max(1, min(maxPage, page))}
}

func (l heldAt) values() url.Values {
	q := url.Values{}
	if l.Text != "" {
		q.Set("q", l.Text)
	}
	if l.Sort != "" {
		q.Set("sort", l.Sort)
	}
	if l.Page > 1 {
		q.Set("page", strconv.Itoa(l.Page))
	}
	return q
}

// Query is the list as part of an address, with more.
func (l heldAt) Query(more ...string) template.URL {
	return queryWith(l.values(), more)
}

// With is another page of the list.
func (l heldAt) With(page int) template.URL {
	l.Page = page
	return l.Query()
}

// order is the list's, as JMAP has it.
func (l heldAt) order() args {
	by := args{"property": "receivedAt", "isAscending": l.Sort == "oldest"}
	switch l.Sort {
	case "from", "subject":
		by = args{"property": l.Sort, "isAscending": true}
	case "percent", "size":
		by = args{"property": l.Sort, "isAscending": false}
	}
	return by
}

// quarantinePage is what a page of the quarantine shows.
type quarantinePage struct {
	At              heldAt
	List            []held
	Total, From, To int
	Last            int // page
	Sorts           []choice
}

// heldProperties are those of a row.
var heldProperties = []string{"id", "receivedAt", "expiresAt", "from", "envelopeFrom", "subject", "percent", "notSpam"}

// quarantine lists the messages in quarantine (SF-4), the newest first, a page at a time.
func (v *visit) quarantine() { v.showQuarantine(200) }

func (v *visit) showQuarantine(status int) {
	p := quarantinePage{At: readHeldAt(v.r.URL.Query()), Sorts: heldSorts}
	filter := args{}
	if p.At.Text != "" {
		filter["text"] = p.At.Text
	}
	var ids found
	var got listOf[held]
	err := v.talk(
		ask{"QuarantinedEmail/query", args{"filter": filter, "sort": []args{p.At.order()}, "position": (p.At.Page - 1) * heldPage, "limit": heldPage, "calculateTotal": true}, &ids},
		ask{"QuarantinedEmail/get", args{"#ids": refer(0, "QuarantinedEmail/query", "/ids"), "properties": heldProperties}, &got},
	)
	if err != nil {
		v.fail(err)
		return
	}
	p.List, p.Total = inOrder(ids.IDs, got.List), ids.Total
	p.From, p.To = min((p.At.Page-1)*heldPage+1, p.Total), (p.At.Page-1)*heldPage+len(p.List)
	p.Last = max(1, (p.Total+heldPage-1)/heldPage)
	v.said()
	v.showAs(status, "quarantine", v.T("webmail.quarantine.title"), p)
}

// inOrder puts records in the order in which they were found.
func inOrder(ids []jmap.Id, list []held) []held {
	known := make(map[jmap.Id]held, len(list))
	for _, h := range list {
		known[h.ID] = h
	}
	out := make([]held, 0, len(list))
	for _, id := range ids {
		if h, ok := known[id]; ok {
			out = append(out, h)
		}
	}
	return out
}

// held shows a message in quarantine as text, with the reasons why it is there. Nothing of it loads or leads anywhere.
func (v *visit) held() {
	var got listOf[held]
	properties := append([]string{"recipient", "rule", "reasons", "to", "textBody", "links", "attachments", "isTruncated"}, heldProperties...)
	if err := v.talk(ask{"QuarantinedEmail/get", args{"ids": []string{v.r.URL.Query().Get("id")}, "properties": properties}, &got}); err != nil {
		v.fail(err)
		return
	}
	h, ok := got.first()
	if !ok {
		v.fail(mail.E("webd.held", mail.NotFound, "quarantine.unknown"))
		return
	}
	h.Restricted = readHeldAt(v.r.URL.Query())
	v.said()
	v.show("held", v.Called(h), h)
}

// Called is the subject of a message in quarantine.
func (v *visit) Called(h held) string {
	if h.Subject == "" {
		return v.T("webmail.no_subject")
	}
	return h.Subject
}

// By is who a message in quarantine says it is from.
func (v *visit) By(h held) string {
	switch {
	case len(h.From) > 0:
		return v.Name(h.From[0])
	case h.Envelope != "":
		return h.Envelope
	}
	return v.T("webmail.nobody")
}

// DaysLeft is in how many days a message in quarantine is deleted.
func (v *visit) DaysLeft(h held) string {
	const day = 24 * time.Hour
	return v.T("webmail.quarantine.days_left", max(0, int((h.Ends.Sub(v.now)+day-1)/day)))
}

// heldDeeds are what a form of the quarantine can ask for, beside deleting.
var heldDeeds = map[string]args{"release": {"release": true}, "allow": {"release": "allow"}, "notspam": {"notSpam": true}}

// changeQuarantine does something with chosen messages. What is thrown away can't be had back, so that is asked first.
func (v *visit) changeQuarantine() {
	at, chosen, do := readHeldAt(v.r.URL.Query()), v.r.PostForm["id"], v.r.PostFormValue("do")
	patch, known := heldDeeds[do]
	switch {
	case len(chosen) == 0 || len(chosen) > maxChosen || !known && do != "delete":
		v.Wrong = v.T("standard.choose_first")
		v.showQuarantine(422)
		return
	case do == "delete" && v.r.PostFormValue("sure") == "":
		q := question{Title: v.T("panel.delete"), Text: v.T("webmail.quarantine.delete_title", len(chosen)) + " " + v.T("webmail.quarantine.delete_loses"), Fields: []line{{"do", "delete"}}}
		q.Path, q.Back = quarantinePath+"?"+string(at.Query()), quarantinePath+"?"+string(at.Query())
		for _, id := range chosen {
			q.Fields = append(q.Fields, line{"id", id})
		}
		v.ask(q)
		return
	}
	change := args{"destroy": chosen}
	if do != "delete" {
		update := args{}
		for _, id := range chosen {
			update[id] = patch
		}
		change = args{"update": update}
	}
	if _, err := v.set("QuarantinedEmail/set", change); err != nil {
		v.Wrong = v.words(err)
		v.showQuarantine(422)
		return
	}
	q := at.values()
	q.Set("done", "held_"+do)
	q.Set("count", strconv.Itoa(len(chosen)))
	v.leave(quarantinePath, q)
}

// senderLists are the senders that the reader lets in or keeps out (SF-5).
type senderLists struct {
	Allow     []string `json:"allow"`
	Deny      []string `json:"deny"`
	Permitted bool     `json:"allowPermitted"`
	Digest    bool     `json:"digest"`        // the reader hears by mail what is new in his quarantine
	Offered   bool     `json:"digestOffered"` // the company sends such mail
	Limit     int      `json:"limit"`
}

// Sides are both lists, for the page.
func (l senderLists) Sides() []senderSide {
	return []senderSide{{Name: "deny", List: l.Deny, Limit: l.Limit, Holds: true}, {Name: "allow", List: l.Allow, Limit: l.Limit, Holds: l.Permitted}}
}

// senderSide is one of the lists.
type senderSide struct {
	Name  string // "allow" or "deny"
	List  []string
	Limit int
	Holds bool // the company lets it hold
}

// Heading, About, None and Adding are what the list is called.
func (s senderSide) Heading() string { return s.word("webmail.senders.allow", "webmail.senders.deny") }

// About says what the list does.
func (s senderSide) About() string {
	return s.word("webmail.senders.allow.text", "webmail.senders.deny.text")
}

// None says that nobody is on it.
func (s senderSide) None() string {
	return s.word("webmail.senders.allow.empty", "webmail.senders.deny.empty")
}

// Adding is the name of the field of a new entry.
func (s senderSide) Adding() string {
	return s.word("webmail.senders.allow.add", "webmail.senders.deny.add")
}

func (s senderSide) word(allow, deny string) string {
	if s.Name == "allow" {
		return allow
	}
	return deny
}

func (v *visit) senderLists() (l senderLists, err error) {
	var got listOf[senderLists]
	err = v.talk(ask{"SenderLists/get", args{"ids": nil}, &got})
	l, _ = got.first()
	return l, err
}

// sendersPage is what the page of the lists shows. Typed is what could not be added.
type sendersPage struct {
	senderLists
	Side, Typed string
}

// senders shows the lists of senders.
func (v *visit) senders() {
	l, err := v.senderLists()
	if err != nil {
		v.fail(err)
		return
	}
	v.said()
	v.show("senders", v.T("webmail.senders.title"), sendersPage{senderLists: l})
}

// changeSenders adds to a list what was typed, or takes out of it what was chosen.
func (v *visit) changeSenders() {
	l, err := v.senderLists()
	if err != nil {
		v.fail(err)
		return
	}
	if v.r.PostFormValue("do") == "digest" {
		_, err := v.set("SenderLists/set", args{"update": args{"singleton": args{"digest": v.r.PostFormValue("digest") != ""}}})
		v.keptSenders(err, sendersPage{senderLists: l})
		return
	}
	side, entries := v.r.PostFormValue("list"), l.Deny
	if side == "allow" {
		entries = l.Allow
	} else {
		side = "deny"
	}
	typed := v.typed("entry")
	if v.r.PostFormValue("do") == "remove" {
		gone := map[string]bool{}
		for _, e := range v.r.PostForm["gone"] {
			gone[e] = true
		}
		entries = without(entries, gone)
	} else {
		entries = append(entries, strings.FieldsFunc(typed, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;、，\u3000", r) })...)
	}
	if entries == nil {
		entries = []string{}
	}
	_, err = v.set("SenderLists/set", args{"update": args{"singleton": args{side: entries}}})
	v.keptSenders(err, sendersPage{l, side, typed})
}

// keptSenders goes back to the lists, or says why they were not changed.
func (v *visit) keptSenders(err error, p sendersPage) {
	if err != nil {
		v.Wrong = v.words(err)
		v.showAs(422, "senders", v.T("webmail.senders.title"), p)
		return
	}
	v.leave(sendersPath, url.Values{"done": {"kept"}})
}

// without leaves entries out of a list.
func without(list []string, gone map[string]bool) (out []string) {
	for _, e := range list {
		if !gone[e] {
			out = append(out, e)
		}
	}
	return out
}
