package webd

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/mail"
	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// writePath is where a message is written.
const writePath = "/standard/write"

// attached is a file of a draft: octets of the account that have a blob id.
type attached struct {
	Blob jmap.Id `json:"b"`
	Name string  `json:"n"`
	Type string  `json:"t"`
	Size int64   `json:"s"`
}

// letter is a message that is being written. All of it stands in the form, so that nothing is lost whatever is refused.
type letter struct {
	Saved         jmap.Id // the draft that holds it; "" = none yet
	Identity      jmap.Id
	To, Cc, Bcc   string // as typed
	Subject, Text string
	Files         []attached
	Source        jmap.Id // what it answers or passes on
	Mark          string  // the keyword that marks that: "$answered", "$forwarded"
	InReplyTo     []string
	References    []string

	Identities []identity
	Wrong      []string // of addresses
	Confirm    []domainOf
	Questions  []string
	people     [3][]person // To, Cc, Bcc as read
}

// domainOf are recipients outside of the company, by their domain.
type domainOf struct {
	Domain string
	People []string
}

// Recipients counts those of the letter (ML-8).
func (l *letter) Recipients() int {
	return len(l.people[0]) + len(l.people[1]) + len(l.people[2])
}

// readPeople reads the recipients as they were typed. What is no address is kept in Wrong.
func (l *letter) readPeople() {
	l.Wrong = nil
	seen := map[string]bool{}
	for i, text := range []string{l.To, l.Cc, l.Bcc} {
		l.people[i] = nil
		text = strings.NewReplacer("\r\n", ",", "\n", ",", "；", ",", ";", ",").Replace(text)
		for _, a := range mime.ParseAddressList(text) {
			address, err := a.Mail()
			if err != nil {
				l.Wrong = append(l.Wrong, strings.Trim(a.Display+" "+a.Local, " "))
				continue
			}
			if key := address.Key(); !seen[key] {
				seen[key] = true
				l.people[i] = append(l.people[i], person{a.Name(), address.String()})
			}
		}
	}
}

// The size of a message that is to be written (ML-9), a little above rather than below.
const (
	sizeHead = 1200 // octets of the header, with what is added on the way
	sizePart = 400  // octets of a part's own header
)

// coded is how many octets so many become in base64, with its line ends (RFC 2045 §6.8).
func coded(octets int64) int64 { return (octets + 56) / 57 * 78 }

// Size is how large the message will be when it is sent, in octets.
func (l *letter) Size() int64 {
	n := int64(sizeHead + sizePart)
	n += coded(int64(len(l.Text)+strings.Count(l.Text, "\n"))) + coded(int64(len(l.Subject)))
	n += int64(len(l.To) + len(l.Cc) + len(l.Bcc))
	for _, f := range l.Files {
		n += l.sizeOf(f)
	}
	return n
}

func (l *letter) sizeOf(f attached) int64 { return sizePart + int64(4*len(f.Name)) + coded(f.Size) }

// Carried is a file as a field of the form carries it.
func (f attached) Carried() string { return carried(f) }

// readFile reads what Carried wrote.
func readFile(text string) (f attached, ok bool) {
	err := json.Unmarshal([]byte(text), &f)
	return f, err == nil && f.Blob.Valid() && len(f.Name) <= maxQuery && f.Size >= 0
}

// write shows the form: empty, as an answer, or with a draft.
func (v *visit) write() {
	q := v.r.URL.Query()
	l := &letter{To: q.Get("to"), Subject: q.Get("subject")}
	if err := v.identities(l); err != nil {
		v.fail(err)
		return
	}
	switch kind := q.Get("kind"); kind {
	case "", "new":
		l.Text = v.signed("", l)
	default:
		e, ok := v.open(q.Get("id"))
		if !ok {
			return
		}
		v.beginWith(l, e, kind)
	}
	l.Source, l.Mark = jmap.Id(orText(q.Get("source"), string(l.Source))), orText(markOf(q.Get("mark")), l.Mark)
	l.readPeople()
	v.said()
	if q.Get("confirm") != "" {
		v.confirm(l)
		return
	}
	if name := q.Get("refused"); name != "" {
		v.Wrong = v.T("webmail.compose.too_large", name, sizeText(v.Branding.MaxSize), q.Get("over"))
	}
	v.showLetter(l)
}

// markOf is a keyword that marks what was answered or passed on.
func markOf(name string) string {
	if name == "$answered" || name == "$forwarded" {
		return name
	}
	return ""
}

func orText(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// showLetter shows the form.
func (v *visit) showLetter(l *letter) {
	status := 200
	if v.Wrong != "" {
		status = 422
	}
	v.showAs(status, "write", v.T("webmail.compose.new"), l)
}

// identities reads as whom the reader may write.
func (v *visit) identities(l *letter) error {
	var got listOf[identity]
	err := v.talk(ask{"Identity/get", args{"ids": nil}, &got})
	l.Identities = got.List
	if len(got.List) > 0 && l.Identity == "" {
		l.Identity = got.List[0].ID
	}
	return err
}

// from is as whom the letter is written.
func (l *letter) from() identity {
	for _, i := range l.Identities {
		if i.ID == l.Identity {
			return i
		}
	}
	return identity{}
}

// signed is a text with the signature of who writes it.
func (v *visit) signed(quote string, l *letter) string {
	sign := l.from().Signature
	switch {
	case sign == "" && quote == "":
		return ""
	case sign == "":
		return "\n\n" + quote
	case v.Settings.Signature == "below":
		return "\n\n" + quote + "\n\n" + sign
	}
	return "\n\n" + sign + "\n\n" + quote
}

var (
	replyPrefix   = regexp.MustCompile(`(?i)^re\s*[:：]`)
	forwardPrefix = regexp.MustCompile(`(?i)^(?:fwd?|転送)\s*[:：]`)
)

// maxReferences is how many messages before it a letter names.
const maxReferences = 50

// beginWith fills the form from a message: to answer it, to pass it on, or to go on with it.
func (v *visit) beginWith(l *letter, e email, kind string) {
	for _, i := range l.Identities { // as the one it came to
		if slices.ContainsFunc(append(append(append([]person{}, e.To...), e.Cc...), e.From...), func(p person) bool { return strings.EqualFold(p.Email, i.Email) }) {
			l.Identity = i.ID
			break
		}
	}
	switch kind {
	case "draft", "again":
		v.takeUp(l, e, kind == "draft")
	case "forward":
		l.Subject = e.Subject
		if !forwardPrefix.MatchString(l.Subject) {
			l.Subject = "Fwd: " + l.Subject
		}
		lines := []string{"---------- " + v.T("webmail.compose.forwarded") + " ----------", v.T("webmail.from") + ": " + v.Written(e.From), v.T("webmail.date") + ": " + v.When(e),
			v.T("webmail.subject") + ": " + v.Subject(e), v.T("webmail.to") + ": " + v.Written(e.To), "", plainOf(e)}
		l.Text = v.signed(strings.Join(lines, "\n"), l)
		l.Files = filesOf(e, v.T("webmail.unnamed"))
		l.Source, l.Mark = e.ID, "$forwarded"
	default:
		v.answer(l, e, kind == "all")
	}
}

// takeUp goes on with a draft, or makes a new letter of one that was sent.
func (v *visit) takeUp(l *letter, e email, draft bool) {
	l.To, l.Cc, l.Bcc, l.Subject, l.Text = v.Written(e.To), v.Written(e.Cc), v.Written(e.Bcc), e.Subject, plainOf(e)
	l.Files = filesOf(e, v.T("webmail.unnamed"))
	if draft {
		l.Saved, l.InReplyTo, l.References = e.ID, e.InReplyTo, e.References
	}
}

// filesOf are a message's attachments as those of another.
func filesOf(e email, unnamed string) (list []attached) {
	for _, p := range e.Parts {
		list = append(list, attached{p.BlobID, orText(p.Name, unnamed), p.Type, p.Size})
	}
	return list
}

// answer fills the form with an answer to who wrote, or to all (RFC 5322 §3.6.3).
func (v *visit) answer(l *letter, e email, all bool) {
	to := e.From
	if len(e.ReplyTo) > 0 {
		to = e.ReplyTo
	}
	if len(e.From) > 0 && strings.EqualFold(e.From[0].Email, v.Me()) { // one's own letter: to whom it went
		to = e.To
	}
	others := func(list []person) (out []person) {
		for _, p := range list {
			if !strings.EqualFold(p.Email, v.Me()) && !slices.ContainsFunc(to, func(t person) bool { return strings.EqualFold(t.Email, p.Email) }) {
				out = append(out, p)
			}
		}
		return out
	}
	l.To = v.Written(to)
	if all {
		l.To = v.Written(append(append([]person{}, to...), others(e.To)...))
		l.Cc = v.Written(others(e.Cc))
	}
	l.Subject = e.Subject
	if !replyPrefix.MatchString(l.Subject) {
		l.Subject = "Re: " + l.Subject
	}
	lead := v.T("webmail.compose.wrote", v.When(e), v.Written(e.From))
	l.Text = v.signed(lead+"\n"+quoted(plainOf(e)), l)
	l.InReplyTo = e.MessageID
	before := e.References
	if len(before) == 0 {
		before = e.InReplyTo
	}
	l.References = append(append([]string{}, before...), e.MessageID...)
	l.References = l.References[max(0, len(l.References)-maxReferences):]
	l.Source, l.Mark = e.ID, "$answered"
}

// quoted is a text with the mark of quotation before each line.
func quoted(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ">") {
			lines[i] = ">" + line
		} else {
			lines[i] = "> " + line
		}
	}
	return strings.Join(lines, "\n")
}

// record is the letter as an Email of JMAP.
func (v *visit) record(l *letter, drafts jmap.Id) args {
	from := l.from()
	e := args{
		"mailboxIds": args{string(drafts): true}, "keywords": args{"$draft": true, "$seen": true}, "from": []args{{"name": nothing(from.Name), "email": orText(from.Email, v.Me())}},
		"subject": l.Subject, "textBody": []args{{"partId": "text", "type": "text/plain"}}, "bodyValues": args{"text": args{"value": strings.ReplaceAll(l.Text, "\r\n", "\n")}},
	}
	for i, name := range []string{"to", "cc", "bcc"} {
		if len(l.people[i]) > 0 {
			e[name] = addresses(l.people[i])
		}
	}
	if len(from.ReplyTo) > 0 {
		e["replyTo"] = addresses(from.ReplyTo)
	}
	if len(l.InReplyTo) > 0 {
		e["inReplyTo"] = l.InReplyTo
	}
	if len(l.References) > 0 {
		e["references"] = l.References
	}
	if len(l.Files) > 0 {
		var files []args
		for _, f := range l.Files {
			files = append(files, args{"blobId": f.Blob, "type": orText(f.Type, "application/octet-stream"), "name": f.Name, "disposition": "attachment"})
		}
		e["attachments"] = files
	}
	return e
}

// nothing is null for an empty text.
func nothing(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func addresses(list []person) (out []args) {
	for _, p := range list {
		out = append(out, args{"name": nothing(p.Name), "email": p.Email})
	}
	return out
}

// save keeps the letter among the drafts: a new message, and the one before it goes when that stands.
func (v *visit) save(l *letter) error {
	drafts, err := v.need("drafts")
	if err != nil {
		return err
	}
	id, err := v.set("Email/set", args{"create": args{"new": v.record(l, drafts)}})
	if err != nil {
		return err
	}
	before := l.Saved
	l.Saved = id
	if before != "" && before != id {
		if _, err := v.set("Email/set", args{"destroy": []jmap.Id{before}}); err != nil {
			v.server.log.Debug("webmail", "draft before", err) // it stays among the drafts: nothing is lost
		}
	}
	return nil
}

// obstacle says why a letter can't go out as it is; "" where it can.
func (v *visit) obstacle(l *letter) string {
	switch {
	case len(l.Wrong) > 0:
		return v.T("webmail.compose.wrong_address", l.Wrong[0])
	case l.Recipients() == 0:
		return v.T("webmail.compose.no_recipients")
	case v.Branding.MaxRecipients > 0 && l.Recipients() > v.Branding.MaxRecipients: // ML-8
		return v.T("webmail.compose.too_many", l.Recipients(), v.Branding.MaxRecipients)
	case v.Branding.MaxSize > 0 && l.Size() > v.Branding.MaxSize: // ML-9
		return v.T("webmail.compose.over_limit")
	}
	return ""
}

var attachedWords = regexp.MustCompile(`(?i)添付|同封|attach|enclos`)

// questions are those that a letter raises before it goes out.
func (v *visit) questions(l *letter) {
	if v.Branding.Confirm || v.Settings.Confirm {
		by := map[string]int{}
		for _, list := range l.people {
			for _, p := range list {
				_, domain, _ := strings.Cut(strings.ToLower(p.Email), "@")
				if v.inside(p.Email) {
					continue
				}
				at, ok := by[domain]
				if !ok {
					at = len(l.Confirm)
					by[domain] = at
					l.Confirm = append(l.Confirm, domainOf{Domain: domain})
				}
				l.Confirm[at].People = append(l.Confirm[at].People, p.String())
			}
		}
	}
	if len(l.Confirm) > 0 {
		l.Questions = append(l.Questions, v.T("webmail.confirm.outside"))
	}
	if strings.TrimSpace(l.Subject) == "" {
		l.Questions = append(l.Questions, v.T("webmail.confirm.subject"))
	}
	own, _, _ := strings.Cut(l.Text, "\n>")
	if len(l.Files) == 0 && attachedWords.MatchString(l.Subject+"\n"+own) {
		l.Questions = append(l.Questions, v.T("webmail.confirm.attachment"))
	}
}

// confirm shows what is asked before the letter goes out.
func (v *visit) confirm(l *letter) {
	v.questions(l)
	v.show("confirm", v.T("webmail.confirm.title"), l)
}

// send submits the draft that holds the letter.
func (v *visit) send(l *letter) (jmap.Id, error) {
	sent, err := v.need("sent")
	if err != nil {
		return "", err
	}
	envelope := args{"mailFrom": args{"email": orText(l.from().Email, v.Me()), "parameters": nil}}
	if v.Settings.Undo > 0 {
		envelope["mailFrom"].(args)["parameters"] = args{"HOLDFOR": number(v.Settings.Undo)}
	}
	var to []args
	for _, list := range l.people {
		for _, p := range list {
			to = append(to, args{"email": p.Email, "parameters": nil})
		}
	}
	envelope["rcptTo"] = to
	out, err := v.set("EmailSubmission/set", args{
		"create":               args{"new": args{"identityId": l.Identity, "emailId": l.Saved, "envelope": envelope}},
		"onSuccessUpdateEmail": args{"#new": args{"mailboxIds": args{string(sent): true}, "keywords/$draft": nil}},
	})
	if err == nil && l.Source != "" && l.Mark != "" {
		if _, err := v.set("Email/set", args{"update": args{string(l.Source): args{"keywords/" + l.Mark: true}}}); err != nil {
			v.server.log.Debug("webmail", "mark", err) // a mark, no more
		}
	}
	return out, err
}

// undo takes a letter back that was sent, while that is possible, and shows it again.
func (v *visit) undo() {
	id := jmap.Id(v.r.PostFormValue("out"))
	var got listOf[struct {
		EmailID jmap.Id `json:"emailId"`
	}]
	var done changed
	err := v.talk(ask{"EmailSubmission/get", args{"ids": []jmap.Id{id}, "properties": []string{"emailId"}}, &got},
		ask{"EmailSubmission/set", args{"update": args{string(id): args{"undoStatus": "canceled"}}}, &done})
	if err == nil {
		err = done.err()
	}
	s, ok := got.first()
	if err != nil || !ok {
		v.Wrong = v.T("webmail.compose.too_late")
		v.At = listAt{Page: 1}
		v.list()
		return
	}
	drafts, err := v.need("drafts")
	if err == nil {
		_, err = v.set("Email/set", args{"update": args{string(s.EmailID): args{"mailboxIds": args{string(drafts): true}, "keywords/$draft": true}}})
	}
	if err != nil {
		v.fail(err)
		return
	}
	v.leave(writePath, url.Values{"kind": {"draft"}, "id": {string(s.EmailID)}, "done": {"taken"}})
}

// cleanText is what was typed, as valid text.
func cleanText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// maxLetter is how much text a letter may have, in octets: far above what anybody types, far below what a mail may have.
const maxLetter = 2 << 20

var errTooLong = mail.E("webd.written", mail.Full, "standard.too_long")
