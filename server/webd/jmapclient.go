package webd

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/wire/jmap"
)

// JMAP is what the Standard webmail reads and writes mail by: the methods of the JMAP door, called within this process (*jmapd.Server).
type JMAP interface {
	// Do answers a request of somebody.
	Do(ctx context.Context, who *directory.Identity, lang i18n.Lang, q *jmap.Request) (*jmap.Response, error)
	// Upload takes octets in for an hour, which become part of mail by their blob id.
	Upload(ctx context.Context, who *directory.Identity, account jmap.Id, size int64, kind string, r io.Reader) (*jmap.Uploaded, error)
}

// using is what the Standard webmail knows.
var using = []string{
	jmap.Core, jmap.Mail, jmap.Submission, jmap.Vacation, jmap.Quota, jmap.Contacts, jmap.TegamiMail, jmap.TegamiSettings, jmap.TegamiRules, jmap.TegamiDirectory, jmap.TegamiFilter,
}

// args are the arguments of a method.
type args = map[string]any

// ask is a call of a method. Its answer is read into out, which may be nil. The account is added.
type ask struct {
	method string
	args   args
	out    any
}

// refer is a reference to what an earlier call of the request gave (RFC 8620 §3.7). call counts from 0.
func refer(call int, method, path string) args {
	return args{"resultOf": strconv.Itoa(call), "name": method, "path": path}
}

// refusal is an error of JMAP, in words for people.
type refusal struct {
	kind  string // of MethodError or SetError
	words string // "" = none were given
}

func (r *refusal) Error() string { return r.kind + ": " + r.words }

// talk carries out calls in one request. The first that is refused is the error, a *refusal.
func (v *visit) talk(asks ...ask) error {
	const op = "webd.talk"
	q := &jmap.Request{Using: using}
	for n, a := range asks {
		named := args{"accountId": v.account}
		for k, x := range a.args {
			named[k] = x
		}
		text, err := jmap.Marshal(named)
		if err != nil {
			return mail.Because(op, mail.Other, "", err)
		}
		q.MethodCalls = append(q.MethodCalls, jmap.Invocation{Name: a.method, Args: text, CallID: strconv.Itoa(n)})
	}
	got, err := v.server.config.JMAP.Do(v.r.Context(), v.who, v.Lang, q)
	if err != nil {
		return mail.Wrap(op, err)
	}
	for _, r := range got.MethodResponses {
		n, err := strconv.Atoi(r.CallID)
		if err != nil || n < 0 || n >= len(asks) {
			return mail.E(op, mail.Other, "")
		}
		if r.Name == "error" {
			var e jmap.MethodError
			if err := json.Unmarshal(r.Args, &e); err != nil {
				return mail.Because(op, mail.Other, "", err)
			}
			return &refusal{e.Type, e.Description}
		}
		if asks[n].out == nil || r.Name != asks[n].method {
			continue // what follows from a call is answered under its id
		}
		if err := json.Unmarshal(r.Args, asks[n].out); err != nil {
			return mail.Because(op, mail.Other, "", err)
		}
	}
	return nil
}

// listOf is the answer of a /get.
type listOf[T any] struct {
	List     []T       `json:"list"`
	NotFound []jmap.Id `json:"notFound"`
}

// first gives the first record, false where there is none.
func (l *listOf[T]) first() (t T, ok bool) {
	if len(l.List) == 0 {
		return t, false
	}
	return l.List[0], true
}

// found is the answer of a /query.
type found struct {
	IDs   []jmap.Id `json:"ids"`
	Total int       `json:"total"`
}

// changed is the answer of a /set.
type changed struct {
	Created      map[jmap.Id]struct{ ID jmap.Id } `json:"created"`
	NotCreated   map[jmap.Id]setError             `json:"notCreated"`
	NotUpdated   map[jmap.Id]setError             `json:"notUpdated"`
	NotDestroyed map[jmap.Id]setError             `json:"notDestroyed"`
}

type setError struct {
	Type        string   `json:"type"`
	Description string   `json:"description"`
	Properties  []string `json:"properties"`
}

// err gives the first refusal of a /set, nil where all was done.
func (c *changed) err() error {
	for _, list := range []map[jmap.Id]setError{c.NotCreated, c.NotUpdated, c.NotDestroyed} {
		for _, e := range list {
			return &refusal{e.Type, e.Description}
		}
	}
	return nil
}

// set carries out a /set alone, and gives the id of what was made under "new".
func (v *visit) set(method string, change args) (jmap.Id, error) {
	var out changed
	if err := v.talk(ask{method, change, &out}); err != nil {
		return "", err
	}
	return out.Created["new"].ID, out.err()
}

// words says an error in the reader's language.
func (v *visit) words(err error) string {
	var r *refusal
	if errors.As(err, &r) {
		if r.words != "" {
			return r.words
		}
		if r.kind == jmap.NotFound {
			return v.T("webmail.gone")
		}
		return v.T("webmail.problem.unknown")
	}
	if text := v.server.config.Words.Error(v.Lang, err); text != "" {
		return text
	}
	return v.T("webmail.problem.unknown")
}

// The records that the pages show, with the properties they show of them.
type (
	person struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	box struct {
		ID       jmap.Id `json:"id"`
		Name     string  `json:"name"`
		ParentID jmap.Id `json:"parentId"`
		Role     string  `json:"role"`
		Order    int     `json:"sortOrder"`
		Total    int     `json:"totalEmails"`
		Unread   int     `json:"unreadEmails"`
		Rights   struct {
			Create bool `json:"mayCreateChild"`
			Rename bool `json:"mayRename"`
			Delete bool `json:"mayDelete"`
		} `json:"myRights"`
		Depth int    `json:"-"` // of the tree of folders
		Label string `json:"-"` // what it is called for the reader
	}
	part struct {
		PartID      string  `json:"partId"`
		BlobID      jmap.Id `json:"blobId"`
		Size        int64   `json:"size"`
		Name        string  `json:"name"`
		Type        string  `json:"type"`
		Disposition string  `json:"disposition"`
		CID         string  `json:"cid"`
	}
	bodyValue struct {
		Value   string `json:"value"`
		Cut     bool   `json:"isTruncated"`
		Blocked int    `json:"blockedPictures"`
	}
	email struct {
		ID         jmap.Id              `json:"id"`
		BlobID     jmap.Id              `json:"blobId"`
		Boxes      map[jmap.Id]bool     `json:"mailboxIds"`
		Keywords   map[string]bool      `json:"keywords"`
		Size       int64                `json:"size"`
		Received   jmap.UTCDate         `json:"receivedAt"`
		Sent       *jmap.Date           `json:"sentAt"`
		From       []person             `json:"from"`
		To         []person             `json:"to"`
		Cc         []person             `json:"cc"`
		Bcc        []person             `json:"bcc"`
		ReplyTo    []person             `json:"replyTo"`
		Subject    string               `json:"subject"`
		MessageID  []string             `json:"messageId"`
		InReplyTo  []string             `json:"inReplyTo"`
		References []string             `json:"references"`
		Attachment bool                 `json:"hasAttachment"`
		Preview    string               `json:"preview"`
		TextBody   []part               `json:"textBody"`
		HTMLBody   []part               `json:"htmlBody"`
		Parts      []part               `json:"attachments"`
		Values     map[string]bodyValue `json:"bodyValues"`
		Marks      senderMarks          `json:"tegami:senderMarks"`
	}
	senderMarks struct {
		FirstTime bool   `json:"firstTime"`
		LookAlike string `json:"lookAlike"`
		Colleague string `json:"colleague"`
		Other     string `json:"otherAddress"`
		Proved    string `json:"authentication"`
		Outside   bool   `json:"outside"`
	}
	identity struct {
		ID        jmap.Id  `json:"id"`
		Name      string   `json:"name"`
		Email     string   `json:"email"`
		ReplyTo   []person `json:"replyTo"`
		Signature string   `json:"textSignature"`
	}
	settings struct {
		Client    string `json:"client"`
		Language  string `json:"language"`
		TimeZone  string `json:"timeZone"`
		PageSize  int    `json:"pageSize"`
		Undo      int    `json:"undoSeconds"`
		Pictures  string `json:"remotePictures"`
		Signature string `json:"signaturePlace"`
		Confirm   bool   `json:"confirmOutside"`
		Charset   string `json:"composeCharset"`
	}
	branding struct {
		Company        string   `json:"company"`
		LogoURL        string   `json:"logoUrl"`
		Domains        []string `json:"domains"`
		Confirm        bool     `json:"confirmOutside"`
		Forwarding     string   `json:"forwarding"`
		ForwardDomains []string `json:"forwardDomains"`
		VacationAway   bool     `json:"vacationOutside"`
		MaxSize        int64    `json:"maxSize"`
		MaxRecipients  int      `json:"maxRecipients"`
	}
	quota struct {
		Used  int64 `json:"used"`
		Limit int64 `json:"hardLimit"`
		Warn  int64 `json:"warnLimit"`
	}
)

// Unread tells whether it was not opened yet.
func (e email) Unread() bool { return !e.Keywords["$seen"] }

// Starred tells whether it has a star.
func (e email) Starred() bool { return e.Keywords["$flagged"] }

// Draft tells whether it was not sent yet.
func (e email) Draft() bool { return e.Keywords["$draft"] }

// Failed tells whether the sender could not be verified.
func (m senderMarks) Failed() bool { return m.Proved == "fail" }
