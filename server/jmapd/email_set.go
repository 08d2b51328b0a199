package jmapd

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// setEmails is Email/set (RFC 8621 §4.6). Emails are made one by one; all changes are one commit, and so is all that is destroyed.
func setEmails(ctx context.Context, c *call, in *jmap.SetIn) (*jmap.SetOut, error) {
	p, err := c.post(ctx, c.at)
	if err != nil {
		return nil, err
	}
	out, err := c.beginSet(ctx, in, func(ctx context.Context) (string, error) { return postState(ctx, p) })
	if err != nil {
		return nil, err
	}
	for _, name := range creationOrder(in.Create) {
		id, made, err := c.createEmail(ctx, p, in.Create[name])
		if err != nil {
			notCreated(out, name, c.setError(err))
			continue
		}
		c.created(out, name, id, made)
	}
	if err := c.updateEmails(ctx, p, in, out); err != nil {
		return nil, err
	}
	if err := c.destroyEmails(ctx, p, in.Destroy, out); err != nil {
		return nil, err
	}
	out.NewState, err = postState(ctx, p)
	return out, err
}

// postState is the state of an account's mail.
func postState(ctx context.Context, p *mailbox.Post) (string, error) {
	reg, err := p.Register(ctx)
	if err != nil {
		return "", err
	}
	return reg.State().String(), nil
}

// updateEmails changes emails.
func (c *call) updateEmails(ctx context.Context, p *mailbox.Post, in *jmap.SetIn, out *jmap.SetOut) error {
	if len(in.Update) == 0 {
		return nil
	}
	reg, err := p.Register(ctx)
	if err != nil {
		return err
	}
	var refs []jmap.Id
	var list []mailbox.EmailChange
	for _, ref := range slices.Sorted(maps.Keys(in.Update)) {
		change, err := c.emailChange(reg, ref, in.Update[ref])
		if slices.Contains(in.Destroy, ref) {
			err = &jmap.SetError{Type: jmap.WillDestroy}
		}
		if err != nil {
			notUpdated(out, ref, err)
			continue
		}
		refs, list = append(refs, ref), append(list, change)
	}
	if len(list) == 0 {
		return nil
	}
	done, err := p.ChangeEmails(ctx, list)
	if err != nil {
		return err
	}
	for i, ref := range refs {
		if failed := done.Errs[i]; failed != nil {
			notUpdated(out, ref, c.emailError(failed))
			continue
		}
		updated(out, emailRef(list[i].ID), nil)
	}
	return nil
}

// emailChange reads a patch of an email: keywords and mailboxIds, whole or in parts (RFC 8621 §4.6).
func (c *call) emailChange(reg *mailbox.Register, ref jmap.Id, p jmap.Patch) (change mailbox.EmailChange, failed *jmap.SetError) {
	id, _ := c.emailID(ref)
	row, ok := reg.Email(id)
	if !ok {
		return change, &jmap.SetError{Type: jmap.NotFound}
	}
	change.ID = id
	boxes := map[jmap.Id]bool{mailboxRef(row.Mailbox): true}
	for _, path := range p.Paths() {
		property, rest, deeper := jmap.Split(path)
		switch property {
		case "keywords":
			failed = patchKeywords(&change, rest, deeper, p[path])
		case "mailboxIds":
			boxes, failed = patchMailboxes(boxes, rest, deeper, p[path])
		default:
			failed = jmap.BadProperties(path)
		}
		if failed != nil {
			return change, failed
		}
	}
	change.Mailbox, failed = c.oneMailbox(boxes)
	if change.Mailbox == row.Mailbox {
		change.Mailbox = 0
	}
	return change, failed
}

// patchKeywords takes a change of all keywords, or of one.
func patchKeywords(change *mailbox.EmailChange, name string, one bool, value json.RawMessage) *jmap.SetError {
	if !one {
		words, ok := readSet[string](value)
		if !ok || change.Keywords != nil {
			return jmap.BadProperties("keywords")
		}
		change.Keywords, change.Replace = words, true
		return nil
	}
	if change.Replace {
		return &jmap.SetError{Type: jmap.InvalidPatch, Properties: []string{"keywords"}}
	}
	if change.Keywords == nil {
		change.Keywords = map[string]bool{}
	}
	name, _, deeper := jmap.Split(name)
	on, ok := readSwitch(value)
	if !ok || deeper {
		return jmap.BadProperties("keywords")
	}
	change.Keywords[name] = on
	return nil
}

// patchMailboxes takes a change of all mailboxes, or of one.
func patchMailboxes(boxes map[jmap.Id]bool, name string, one bool, value json.RawMessage) (map[jmap.Id]bool, *jmap.SetError) {
	if !one {
		all, ok := readSet[jmap.Id](value)
		if !ok {
			return nil, jmap.BadProperties("mailboxIds")
		}
		return all, nil
	}
	on, ok := readSwitch(value)
	if !ok {
		return nil, jmap.BadProperties("mailboxIds")
	}
	if delete(boxes, jmap.Id(name)); on {
		boxes[jmap.Id(name)] = true
	}
	return boxes, nil
}

// readSet reads an object whose values are all true: how JMAP writes a set.
func readSet[K ~string](value json.RawMessage) (set map[K]bool, ok bool) {
	if json.Unmarshal(value, &set) != nil || set == nil {
		return nil, false
	}
	for _, on := range set {
		if !on {
			return nil, false
		}
	}
	return set, true
}

// readSwitch reads true, or null for off.
func readSwitch(value json.RawMessage) (on, ok bool) {
	text := string(value)
	return text == "true", text == "true" || text == "null"
}

// oneMailbox gives the mailbox an email is to be in: here it is one, always (maxMailboxesPerEmail).
func (c *call) oneMailbox(boxes map[jmap.Id]bool) (mail.MailboxID, *jmap.SetError) {
	switch len(boxes) {
	case 0:
		return 0, jmap.BadProperties("mailboxIds")
	case 1:
	default:
		return 0, &jmap.SetError{Type: "tooManyMailboxes"} // RFC 8621 §4.6
	}
	for ref := range boxes {
		if id, ok := c.mailboxID(ref); ok {
			return id, nil
		}
	}
	return 0, jmap.BadProperties("mailboxIds")
}

// destroyEmails destroys emails for good.
func (c *call) destroyEmails(ctx context.Context, p *mailbox.Post, refs []jmap.Id, out *jmap.SetOut) error {
	var list []mail.EmailID
	var known []jmap.Id
	for _, ref := range refs {
		id, ok := c.emailID(ref)
		switch {
		case !ok:
			notDestroyed(out, ref, &jmap.SetError{Type: jmap.NotFound})
		case !slices.Contains(list, id):
			list, known = append(list, id), append(known, ref)
		}
	}
	if len(list) == 0 {
		return nil
	}
	done, err := p.DestroyEmails(ctx, list)
	if err != nil {
		return err
	}
	for i, ref := range known {
		if failed := done.Errs[i]; failed != nil {
			notDestroyed(out, ref, c.setError(failed))
			continue
		}
		out.Destroyed = append(out.Destroyed, emailRef(list[i]))
	}
	return nil
}

// emailPlace is where a new email goes, and how: mailboxIds, keywords and receivedAt, which Email/set, /import and /copy have in common.
type emailPlace struct {
	mailbox  mail.MailboxID
	keywords []string
	received jmap.UTCDate
}

// place reads one of the three properties; false where the name is none of them.
func (c *call) place(to *emailPlace, name string, value json.RawMessage) (mine bool, failed *jmap.SetError) {
	switch name {
	case "mailboxIds":
		boxes, ok := readSet[jmap.Id](value)
		if !ok {
			return true, jmap.BadProperties(name)
		}
		to.mailbox, failed = c.oneMailbox(boxes)
		return true, failed
	case "keywords":
		words, ok := readSet[string](value)
		if !ok {
			return true, jmap.BadProperties(name)
		}
		for _, word := range slices.Sorted(maps.Keys(words)) {
			to.keywords = append(to.keywords, strings.ToLower(word))
		}
		return true, nil
	case "receivedAt":
		if json.Unmarshal(value, &to.received) != nil {
			return true, jmap.BadProperties(name)
		}
		return true, nil
	}
	return false, nil
}

// madeEmail is what the client doesn't know of an email that was made (RFC 8621 §4.6).
type madeEmail struct {
	ID       jmap.Id `json:"id"`
	BlobID   jmap.Id `json:"blobId"`
	ThreadID jmap.Id `json:"threadId"`
	Size     int64   `json:"size"`
}

// add puts an email that is staged into an account.
func (c *call) add(ctx context.Context, p *mailbox.Post, u mailbox.Upload, to *emailPlace) (jmap.Id, any, error) {
	if to.mailbox.IsZero() {
		return "", nil, jmap.BadProperties("mailboxIds")
	}
	m, _, err := p.AddEmail(ctx, mailbox.NewEmail{Upload: u, Mailbox: to.mailbox, Keywords: to.keywords, Received: to.received.Time})
	if err != nil {
		return "", nil, c.emailError(err)
	}
	id := emailRef(m.ID)
	return id, madeEmail{id, jmap.Of(jmap.LetterBlob, m.ID), threadRef(m.Thread), m.Blob.Size}, nil
}

// emailError says why an email could not be made or changed: a mailbox that isn't there is a wrong property, and no email that is
// not found.
func (c *call) emailError(err error) *jmap.SetError {
	failed := c.setError(err, "keywords")
	if isKey(err, "mailbox.unknown") {
		return &jmap.SetError{Type: jmap.InvalidProperties, Properties: []string{"mailboxIds"}, Description: failed.Description}
	}
	return failed
}
