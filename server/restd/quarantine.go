package restd

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/quarantine"
	"tegami/wire/mime"
)

// QuarantineBox is an account with mail in quarantine.
type QuarantineBox struct {
	Account  mail.AccountID `json:"account"`
	Address  string         `json:"address"`
	Name     string         `json:"name"`
	Messages int            `json:"messages"`
	Octets   int64          `json:"octets"`
	Newest   time.Time      `json:"newest" doc:"When the last one came"`
}

// NamedAddress is an address with the name beside it.
type NamedAddress struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"`
}

// QuarantinedReason is one thing that spoke for or against a message.
type QuarantinedReason struct {
	Key    string  `json:"key"`
	Text   string  `json:"text" doc:"In the request's language"`
	Weight float64 `json:"weight" doc:"Below zero speaks for the message"`
}

// Quarantined is a message in quarantine.
type Quarantined struct {
	ID        mail.ObjectID       `json:"id"`
	Received  time.Time           `json:"receivedAt"`
	Ends      time.Time           `json:"expiresAt" doc:"When it is deleted"`
	From      []NamedAddress      `json:"from,omitempty" doc:"Of the header"`
	Envelope  string              `json:"envelopeFrom,omitempty" doc:"Absent: a bounce"`
	Recipient string              `json:"recipient" doc:"The account's address that it came for"`
	Subject   string              `json:"subject,omitempty"`
	MessageID string              `json:"messageId,omitempty"`
	Size      int64               `json:"size" doc:"Octets"`
	Percent   float64             `json:"percent" doc:"How likely it is unwanted"`
	Rule      string              `json:"rule" doc:"What decided: score, or a list"`
	Reasons   []QuarantinedReason `json:"reasons,omitempty" doc:"The weightiest first"`
	NotSpam   bool                `json:"notSpam" doc:"Somebody said that it is wanted"`
	Item      mail.ItemID         `json:"item,omitzero" doc:"Of the message trace"`
}

// QuarantinedMessage is a message in quarantine with its text. Nothing of it can load or run anything.
type QuarantinedMessage struct {
	Quarantined
	To          []NamedAddress          `json:"to,omitempty"`
	Cc          []NamedAddress          `json:"cc,omitempty"`
	Text        string                  `json:"textBody"`
	HTML        string                  `json:"htmlBody,omitempty" doc:"Cleaned: without pictures and scripts, and its links lead nowhere"`
	Links       []QuarantinedLink       `json:"links,omitempty"`
	Attachments []QuarantinedAttachment `json:"attachments,omitempty"`
	Truncated   bool                    `json:"isTruncated,omitempty"`
}

// QuarantinedLink is where a link of a message would lead.
type QuarantinedLink struct {
	Href       string `json:"href"`
	Text       string `json:"text"`
	Misleading bool   `json:"isMisleading,omitempty" doc:"Its text names another host"`
}

// QuarantinedAttachment is an attachment, which nobody can open here.
type QuarantinedAttachment struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size" doc:"Octets in the message, still encoded"`
}

// QuarantineDone tells what was done with messages.
type QuarantineDone struct {
	Done   []mail.ObjectID     `json:"done"`
	Failed []QuarantineFailure `json:"failed,omitempty"`
}

// QuarantineFailure is a message with which something could not be done.
type QuarantineFailure struct {
	ID   mail.ObjectID `json:"id"`
	Key  string        `json:"key"`
	Text string        `json:"text" doc:"In the request's language"`
}

// OfQuarantine is the path of an account's quarantine.
type OfQuarantine struct {
	InTenant
	Account Ref[mail.AccountID] `path:"account" doc:"The account's id"`
}

// chosen are messages with which something is done.
type chosen struct {
	OfQuarantine
	Body struct {
		IDs []mail.ObjectID `json:"ids" minItems:"1" maxItems:"500"`
	}
}

func (s *Server) addQuarantine() {
	const tag, path, box = "quarantine", "/tenants/{tenant}/quarantine", "/tenants/{tenant}/quarantine/{account}"
	right, get, post, ok := directory.RightQuarantine, http.MethodGet, http.MethodPost, http.StatusOK
	add(s, operation{ID: "listQuarantineBoxes", Method: get, Path: path, Right: directory.RightPolicyRead, Tag: tag, Summary: "List the accounts that have mail in quarantine."}, s.listQuarantineBoxes)
	add(s, operation{ID: "listQuarantined", Method: get, Path: box, Right: right, Tag: tag, Summary: "List and search the mail in an account's quarantine; the look is noted."}, s.listQuarantined)
	add(s, operation{ID: "getQuarantined", Method: get, Path: box + "/{id}", Right: right, Tag: tag, Summary: "Show a message in quarantine with the reasons, safely; the look is noted."}, s.getQuarantined)
	add(s, operation{ID: "releaseQuarantined", Method: post, Path: box + "/release", Right: right, Tag: tag, Status: ok, Summary: "Put messages into the inbox and out of quarantine."}, s.releaseQuarantined)
	add(s, operation{ID: "deleteQuarantined", Method: post, Path: box + "/delete", Right: right, Tag: tag, Status: ok, Summary: "Throw messages in quarantine away."}, s.deleteQuarantined)
	add(s, operation{ID: "approveQuarantined", Method: post, Path: box + "/not-spam", Right: right, Tag: tag, Status: ok, Summary: "Say that messages in quarantine are wanted, and leave them there."}, s.approveQuarantined)
	add(s, operation{ID: "forwardQuarantined", Method: post, Path: box + "/forward", Right: right, Tag: tag, Summary: "Send a copy of a message in quarantine to an address."}, s.forwardQuarantined)
}

// desk opens the caller's desk of quarantine boxes.
func (s *Server) desk(c *Call) (*quarantine.Desk, error) {
	if s.config.Quarantine == nil {
		return nil, mail.E("restd.desk", mail.Unavailable, "storage.failed")
	}
	return s.config.Quarantine.Desk(c.Caller, c.Actor(), c.TenantID)
}

// review opens somebody's quarantine. NotFound "account.unknown".
func (s *Server) review(ctx context.Context, c *Call, of *OfQuarantine) (*quarantine.Review, error) {
	desk, err := s.desk(c)
	if err != nil {
		return nil, err
	}
	return desk.Open(ctx, of.Account.ID)
}

// maxBoxScan is how many quarantine boxes one request looks through for a text.
const maxBoxScan = 20_000

func (s *Server) listQuarantineBoxes(ctx context.Context, c *Call, in *struct {
	InTenant
	Paging
	Text string `query:"text" maxLength:"255" doc:"A part of the address or the name"`
}) (*List[QuarantineBox], error) {
	const list = "quarantine"
	desk, err := s.desk(c)
	if err != nil {
		return nil, err
	}
	var after mail.AccountID
	if err := afterID(in.Paging, list, &after); err != nil {
		return nil, err
	}
	text := mime.Searchable(strings.TrimSpace(in.Text))
	var found []QuarantineBox
	for looked := 0; looked < maxBoxScan; {
		boxes, more, err := desk.Boxes(ctx, after, quarantine.MaxPageSize)
		if err != nil {
			return nil, err
		}
		for i := range boxes {
			b := &boxes[i]
			after, looked = b.Account.ID, looked+1
			if text != "" && !strings.Contains(mime.Searchable(b.Account.Address.String()+"\n"+b.Account.Name), text) {
				continue
			}
			found = append(found, QuarantineBox{b.Account.ID, b.Account.Address.String(), b.Account.Name, b.Messages, b.Octets, b.Newest.Time().UTC()})
			if len(found) == in.Limit {
				if more || i+1 < len(boxes) {
					return listed(found, cursorAt(list, after.String())), nil
				}
				return listed(found, ""), nil
			}
		}
		if !more {
			return listed(found, ""), nil
		}
	}
	return listed(found, cursorAt(list, after.String())), nil
}

// quarantinedIn is how mail in quarantine is asked for.
type quarantinedIn struct {
	OfQuarantine
	Paging
	Text  string    `query:"text" maxLength:"255" doc:"Words in subject, sender or recipient; all of them"`
	From  string    `query:"from" maxLength:"320" doc:"An address, or a domain with what is below it"`
	Since time.Time `query:"since" doc:"Not before"`
	Until time.Time `query:"until" doc:"Before"`
	Sort  string    `query:"sort" enum:"received,sender,subject,percent,size,-received,-sender,-subject,-percent,-size" default:"-received" doc:"- for the greatest first"`
}

func (s *Server) listQuarantined(ctx context.Context, c *Call, in *quarantinedIn) (*List[Quarantined], error) {
	const list = "quarantined"
	box, err := s.review(ctx, c, &in.OfQuarantine)
	if err != nil {
		return nil, err
	}
	by, descending := strings.CutPrefix(in.Sort, "-")
	q := quarantine.Query{Text: in.Text, From: in.From, Since: in.Since, Until: in.Until, Sort: quarantine.Sort(by), Ascending: !descending, Limit: min(in.Limit, quarantine.MaxPageSize)}
	at, err := in.after(list)
	if err != nil {
		return nil, err
	}
	if at != nil { // where the order is that of time, what goes meanwhile moves nothing
		q.Offset, err = strconv.Atoi(at[0])
		if len(at) != 2 || err != nil || q.Behind.UnmarshalText([]byte(at[1])) != nil {
			return nil, mail.E("restd.listQuarantined", mail.Invalid, "cursor.malformed")
		}
		if q.Sort == quarantine.ByReceived {
			q.Offset = 0
		} else {
			q.Behind = 0
		}
	}
	page, err := box.List(ctx, q)
	if err != nil {
		return nil, err
	}
	items := make([]Quarantined, len(page.Entries))
	for i := range page.Entries {
		items[i] = s.quarantined(c, &page.Entries[i])
	}
	next := ""
	if n := len(items); page.More && n > 0 {
		next = cursorAt(list, strconv.Itoa(page.Offset+n), items[n-1].ID.String())
	}
	out := listed(items, next)
	out.Body.Total = page.Total
	return out, nil
}

// quarantined is a message as it stands in a list.
func (s *Server) quarantined(c *Call, e *quarantine.Entry) Quarantined {
	q := Quarantined{
		ID: e.ID, Received: e.Received, Ends: e.Ends, Envelope: e.From.String(), Recipient: e.Recipient.String(), Subject: e.Subject, MessageID: e.MessageID,
		Size: e.Blob.Size, Percent: e.Percent, Rule: e.Rule, NotSpam: e.Said != "", Item: e.Item,
	}
	if !e.HeaderFrom.IsNull() {
		q.From = []NamedAddress{{e.Author, e.HeaderFrom.String()}}
	}
	for _, r := range e.Reasons {
		args := make([]any, len(r.Args))
		for i, a := range r.Args {
			args[i] = a
		}
		q.Reasons = append(q.Reasons, QuarantinedReason{r.Key, s.words.Text(i18n.Lang(c.Lang), r.Key, args...), r.Weight})
	}
	return q
}

// OfQuarantined is the path of a message in quarantine.
type OfQuarantined struct {
	OfQuarantine
	ID Ref[mail.ObjectID] `path:"id" doc:"The message's id"`
}

func (s *Server) getQuarantined(ctx context.Context, c *Call, in *OfQuarantined) (*struct{ Body QuarantinedMessage }, error) {
	box, err := s.review(ctx, c, &in.OfQuarantine)
	if err != nil {
		return nil, err
	}
	l, err := box.Read(ctx, in.ID.ID)
	if err != nil {
		return nil, err
	}
	m := QuarantinedMessage{Quarantined: s.quarantined(c, &l.Entry), To: namedAddresses(l.To), Cc: namedAddresses(l.Cc), Text: l.Text, HTML: l.HTML, Truncated: l.Cut}
	if from := namedAddresses(l.From); len(from) > 0 {
		m.From = from
	}
	for _, link := range l.Links {
		m.Links = append(m.Links, QuarantinedLink{link.Target, link.Text, link.Mismatch})
	}
	for _, a := range l.Attachments {
		m.Attachments = append(m.Attachments, QuarantinedAttachment(a))
	}
	return &struct{ Body QuarantinedMessage }{m}, nil
}

// maxShownAddresses is how many addresses of a field are shown.
const maxShownAddresses = 200

// namedAddresses are the addresses of a field.
func namedAddresses(list []mime.Address) (out []NamedAddress) {
	for _, a := range list {
		if a.Kind != mime.Mailbox || len(out) == maxShownAddresses {
			continue
		}
		out = append(out, NamedAddress{a.Name(), a.Spec()})
	}
	return out
}

func (s *Server) releaseQuarantined(ctx context.Context, c *Call, in *struct {
	OfQuarantine
	Body struct {
		IDs   []mail.ObjectID `json:"ids" minItems:"1" maxItems:"500"`
		Allow bool            `json:"allow,omitempty" doc:"And put their senders on the account's list of allowed ones"`
	}
}) (*struct{ Body QuarantineDone }, error) {
	box, err := s.review(ctx, c, &in.OfQuarantine)
	if err != nil {
		return nil, err
	}
	return s.done(c, in.Body.IDs)(box.Take(ctx, in.Body.IDs, quarantine.Take{Allow: in.Body.Allow}))
}

func (s *Server) deleteQuarantined(ctx context.Context, c *Call, in *chosen) (*struct{ Body QuarantineDone }, error) {
	box, err := s.review(ctx, c, &in.OfQuarantine)
	if err != nil {
		return nil, err
	}
	return s.done(c, in.Body.IDs)(box.Delete(ctx, in.Body.IDs))
}

func (s *Server) approveQuarantined(ctx context.Context, c *Call, in *chosen) (*struct{ Body QuarantineDone }, error) {
	box, err := s.review(ctx, c, &in.OfQuarantine)
	if err != nil {
		return nil, err
	}
	return s.done(c, in.Body.IDs)(box.NotSpam(ctx, in.Body.IDs))
}

// done tells what was done with messages. Where nothing was, the answer is why not with the first.
func (s *Server) done(c *Call, ids []mail.ObjectID) func(quarantine.Outcome, error) (*struct{ Body QuarantineDone }, error) {
	return func(out quarantine.Outcome, err error) (*struct{ Body QuarantineDone }, error) {
		if err != nil {
			return nil, err
		}
		if len(out.Done) == 0 && len(ids) > 0 {
			return nil, out.Failed[ids[0]]
		}
		body := QuarantineDone{Done: out.Done}
		for _, id := range slices.Compact(slices.Clone(ids)) {
			if failed := out.Failed[id]; failed != nil {
				key, _ := mail.TextOf(failed)
				body.Failed = append(body.Failed, QuarantineFailure{id, key, s.words.Error(i18n.Lang(c.Lang), failed)})
			}
		}
		return &struct{ Body QuarantineDone }{body}, nil
	}
}

func (s *Server) forwardQuarantined(ctx context.Context, c *Call, in *struct {
	OfQuarantine
	Body struct {
		ID mail.ObjectID `json:"id"`
		To string        `json:"to" maxLength:"320" doc:"An address"`
	}
}) (*struct{}, error) {
	box, err := s.review(ctx, c, &in.OfQuarantine)
	if err != nil {
		return nil, err
	}
	to, err := mail.ParseAddress(in.Body.To)
	if err != nil {
		return nil, err
	}
	return nil, box.Forward(ctx, in.Body.ID, to)
}
