package jmapd

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// nullable is a value that may be null, or missing.
type nullable[T comparable] struct {
	given bool
	value *T // nil: null
}

// UnmarshalJSON reads a value or null.
func (n *nullable[T]) UnmarshalJSON(text []byte) error {
	n.given = true
	if string(text) == "null" {
		return nil
	}
	n.value = new(T)
	return json.Unmarshal(text, n.value)
}

// is tells whether a value that may be missing is this one; true where this one is not given.
func (n nullable[T]) is(value *T) bool {
	switch {
	case !n.given:
		return true
	case n.value == nil || value == nil:
		return n.value == nil && value == nil
	}
	return *n.value == *value
}

// setMailboxesIn are the arguments of Mailbox/set (RFC 8621 §2.5).
type setMailboxesIn struct {
	jmap.SetIn
	OnDestroyRemoveEmails bool `json:"onDestroyRemoveEmails"`
}

// setMailboxes is Mailbox/set (RFC 8621 §2.5).
func setMailboxes(ctx context.Context, c *call, in *setMailboxesIn) (*jmap.SetOut, error) {
	p, err := c.post(ctx, c.at)
	if err != nil {
		return nil, err
	}
	w := &folderWork{c, p}
	if err := w.childrenFirst(ctx, in.Destroy); err != nil {
		return nil, err
	}
	out, err := set(ctx, c, &in.SetIn, setter{
		state: w.state, create: w.create, update: w.update,
		destroy: func(ctx context.Context, ref jmap.Id) error { return w.destroy(ctx, ref, in.OnDestroyRemoveEmails) },
	})
	if err != nil || len(out.NotUpdated) == 0 || len(in.Update) < 2 {
		return out, err
	}
	w.again(ctx, in.Update, out)
	out.NewState, err = w.state(ctx)
	return out, err
}

// again tries changes that failed once more: one may have needed the name, the role or the place that another gave up only behind it.
func (w *folderWork) again(ctx context.Context, patches map[jmap.Id]jmap.Patch, out *jmap.SetOut) {
	for _, ref := range slices.Sorted(maps.Keys(out.NotUpdated)) {
		id, ok := w.c.id(ref)
		if !ok || out.NotUpdated[ref].Type != jmap.InvalidProperties {
			continue
		}
		if changed, err := w.update(ctx, id, patches[ref]); err == nil {
			delete(out.NotUpdated, ref)
			updated(out, id, changed)
		}
	}
}

// folderWork is a Mailbox/set at work.
type folderWork struct {
	c    *call
	post *mailbox.Post
}

func (w *folderWork) state(ctx context.Context) (string, error) {
	reg, err := w.post.Register(ctx)
	if err != nil {
		return "", err
	}
	return reg.State().String(), nil
}

// childrenFirst puts mailboxes to be destroyed before those above them, so that a tree can be destroyed at once.
func (w *folderWork) childrenFirst(ctx context.Context, refs []jmap.Id) error {
	if len(refs) < 2 {
		return nil
	}
	reg, err := w.post.Register(ctx)
	if err != nil {
		return err
	}
	depth := func(ref jmap.Id) (n int) {
		id, _ := w.c.mailboxID(ref)
		for b, ok := reg.Mailbox(id); ok && n < mailbox.MaxDepth; b, ok = reg.Mailbox(b.Parent) {
			n++
		}
		return n
	}
	slices.SortStableFunc(refs, func(a, b jmap.Id) int { return cmp.Compare(depth(b), depth(a)) })
	return nil
}

// folderWishes are the properties of a mailbox that a client sets.
type folderWishes struct {
	Name         *string           `json:"name"`
	ParentID     nullable[jmap.Id] `json:"parentId"`
	Role         nullable[string]  `json:"role"`
	SortOrder    *uint32           `json:"sortOrder"`
	IsSubscribed *bool             `json:"isSubscribed"`
}

// read takes properties one by one, so that a wrong one can be named; false with its name.
func (f *folderWishes) read(name string, value json.RawMessage) bool {
	into := map[string]any{"name": &f.Name, "parentId": &f.ParentID, "role": &f.Role, "sortOrder": &f.SortOrder, "isSubscribed": &f.IsSubscribed}[name]
	if into == nil {
		return false
	}
	null := bytes.Equal(value, []byte("null"))
	if null && name != "parentId" && name != "role" {
		return name == "sortOrder" // its default
	}
	return json.Unmarshal(value, into) == nil
}

// parent reads the mailbox above; zero for the top. false for one that can't be.
func (w *folderWork) parent(f *folderWishes) (id mail.MailboxID, ok bool) {
	if f.ParentID.value == nil {
		return 0, true
	}
	return w.c.mailboxID(*f.ParentID.value)
}

func (f *folderWishes) role() string {
	if f.Role.value == nil {
		return ""
	}
	return *f.Role.value
}

// create makes a mailbox. It is subscribed unless the client says otherwise: who makes one wants to see it (RFC 8621 §2).
func (w *folderWork) create(ctx context.Context, record json.RawMessage) (jmap.Id, any, error) {
	var f folderWishes
	members, _ := jmap.Members(record)
	for _, m := range members {
		if !f.read(m.Name, m.Value) {
			return "", nil, jmap.BadProperties(m.Name)
		}
	}
	parent, ok := w.parent(&f)
	switch {
	case f.Name == nil:
		return "", nil, jmap.BadProperties("name")
	case !ok:
		return "", nil, jmap.BadProperties("parentId")
	}
	n := mailbox.NewMailbox{Name: *f.Name, Parent: parent, Role: f.role(), Subscribed: f.IsSubscribed == nil || *f.IsSubscribed}
	if f.SortOrder != nil {
		n.Order = *f.SortOrder
	}
	m, _, err := w.post.CreateMailbox(ctx, n)
	if err != nil {
		return "", nil, w.failed(err, true)
	}
	reg, err := w.post.Register(ctx)
	if err != nil {
		return "", nil, err
	}
	made := any(nil)
	if b, ok := reg.Mailbox(m.ID); ok {
		made = folderOf(reg, &b)
	}
	return mailboxRef(m.ID), made, nil
}

// failed says why a mailbox could not be made or changed. there tells that it exists, or need not: then what is not there is the one above it.
func (w *folderWork) failed(err error, there bool) *jmap.SetError {
	about := "name"
	key, _ := mail.TextOf(err)
	switch key {
	case "mailbox.role", "mailbox.role_taken":
		about = "role"
	case "mailbox.too_deep", "mailbox.unknown", "mailbox.below_itself":
		about = "parentId"
	}
	e := w.c.setError(err, about)
	if key == "mailbox.unknown" && there {
		e.Type, e.Properties = jmap.InvalidProperties, []string{about}
	}
	return e
}

// update changes a mailbox.
func (w *folderWork) update(ctx context.Context, ref jmap.Id, p jmap.Patch) (any, error) {
	id, ok := parseMailbox(ref)
	if !ok {
		return nil, &jmap.SetError{Type: jmap.NotFound}
	}
	var f folderWishes
	for _, path := range p.Paths() {
		if !f.read(path, p[path]) {
			return nil, jmap.BadProperties(path)
		}
	}
	change := mailbox.MailboxChange{Name: f.Name, Order: f.SortOrder, Subscribed: f.IsSubscribed}
	if _, ok := p["sortOrder"]; ok && f.SortOrder == nil {
		change.Order = new(uint32)
	}
	if f.Role.given {
		role := f.role()
		change.Role = &role
	}
	if f.ParentID.given {
		parent, ok := w.parent(&f)
		if !ok {
			return nil, jmap.BadProperties("parentId")
		}
		change.Parent = &parent
	}
	there, err := w.keepInbox(ctx, id, &change)
	if err != nil {
		return nil, err
	}
	if _, err = w.post.ChangeMailbox(ctx, id, change); err != nil {
		return nil, w.failed(err, there)
	}
	return nil, nil
}

// keepInbox takes out of a change what the inbox has already: it is told under another name than it is kept under, and with its role. there
// tells whether there is such a mailbox.
func (w *folderWork) keepInbox(ctx context.Context, id mail.MailboxID, change *mailbox.MailboxChange) (there bool, err error) {
	reg, err := w.post.Register(ctx)
	if err != nil {
		return false, err
	}
	b, there := reg.Mailbox(id)
	if !there || !isInbox(&b) {
		return there, nil
	}
	if change.Name != nil && *change.Name == inboxName {
		change.Name = nil
	}
	if change.Role != nil && *change.Role == inboxRole {
		change.Role = nil
	}
	return true, nil
}

// destroy removes a mailbox, withMail with the emails in it.
func (w *folderWork) destroy(ctx context.Context, ref jmap.Id, withMail bool) error {
	id, ok := parseMailbox(ref)
	if !ok {
		return &jmap.SetError{Type: jmap.NotFound}
	}
	_, err := w.post.DestroyMailbox(ctx, id, withMail)
	return err
}
