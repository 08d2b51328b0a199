package operations

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"tegami/mail"
	"tegami/store"
)

// actor is who runs programs.
func actor() mail.Actor {
	return mail.MintActor(mail.Admin, 0, 0, "lab:operations", mail.Origin{})
}

// shrinkTries is how many shorter programs are tried at most.
const shrinkTries = 200

// Check runs the program of a seed with n transactions on the model and on each store, and fails the
// test at the first difference.
func Check(t testing.TB, seed uint64, n int, stores map[string]store.Store) {
	t.Helper()
	for name, s := range stores {
		differs := func(p Program) error {
			h, err := Run(s, p)
			if err != nil {
				return err
			}
			return Compare("model", Model(p), name, h)
		}
		p := Generate(seed, n)
		first := differs(p)
		if first == nil {
			continue
		}
		p = Shrink(p, shrinkTries, func(p Program) bool { return differs(p) != nil })
		if again := differs(p); again != nil { // else it comes and goes: the first is all there is to show
			first = again
		}
		t.Fatalf("seed %d: the model and %s differ:\n%v\nprogram:\n%v", seed, name, first, p)
	}
}

// Run runs a program on a store, in tenants it makes.
func Run(s store.Store, p Program) (History, error) {
	r := &runner{store: s, ctx: context.Background()}
	last := mail.TenantID(1000)
	there, err := s.Tenants(r.ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range there {
		last = max(last, id)
	}
	for i := range r.tables {
		id := last + mail.TenantID(i) + 1
		if err := s.CreateTenant(r.ctx, id); err != nil {
			return nil, err
		}
		r.tables[i] = &table{id: id, tenant: s.Tenant(id)}
	}
	defer r.release()
	var h History
	for _, t := range p {
		var pg page
		if err := r.transaction(&pg, t); err != nil {
			return nil, err
		}
		h = append(h, pg)
	}
	return h, r.finish()
}

// finish verifies all octets, and leases whatever is due, so that it is not in the way of the next run.
func (r *runner) finish() error {
	for _, t := range r.tables {
		if err := t.verify(r.ctx); err != nil {
			return err
		}
	}
	for {
		list, err := r.store.Claim(r.ctx, "operations", store.MaxPage, time.Hour)
		if err != nil || len(list) == 0 {
			return err
		}
	}
}

// runner is one run of a program.
type runner struct {
	store  store.Store
	ctx    context.Context
	tables [tenants]*table
	staged []store.Staged
}

// table tells which names stand for what in one tenant.
type table struct {
	id        mail.TenantID
	tenant    store.Tenant
	objects   []store.Object // Kind, ID and Version
	mailboxes []mail.MailboxID
	messages  []placed
	items     []store.Item // ID, Fence and Tries as last claimed
}

// placed is where a message is, or was last.
type placed struct {
	id      mail.EmailID
	mailbox mail.MailboxID
	uid     mail.UID
	text    int // of which its octets are made
}

// clone copies a table: a transaction that fails or runs again must not leave names behind.
func (t *table) clone() *table {
	c := *t
	c.objects, c.mailboxes = slices.Clone(t.objects), slices.Clone(t.mailboxes)
	c.messages, c.items = slices.Clone(t.messages), slices.Clone(t.items)
	return &c
}

func (r *runner) release() {
	for _, s := range r.staged {
		s.Release()
	}
}

var errOnPurpose = errors.New("fails on purpose")

// transaction runs one, and writes down what it saw.
func (r *runner) transaction(pg *page, t Transaction) error {
	if t.Claim {
		if err := r.claim(pg); err != nil {
			return err
		}
	}
	octets, err := r.stage(t)
	if err != nil {
		return err
	}
	var names *table
	var lines page
	err = r.tables[t.Tenant].tenant.Update(r.ctx, actor(), "operations", func(tx store.Tx) error {
		names, lines = r.tables[t.Tenant].clone(), nil
		for i, o := range t.Ops {
			what, err := names.do(tx, o, octets[i])
			lines.result(o, what, err)
		}
		if t.Fails {
			return errOnPurpose
		}
		return nil
	})
	*pg = append(*pg, lines...)
	switch {
	case t.Fails && !errors.Is(err, errOnPurpose):
		return fmt.Errorf("a function that failed on purpose: %w", err)
	case !t.Fails && err != nil:
		return err
	case !t.Fails:
		r.tables[t.Tenant] = names
	}
	for i, names := range r.tables {
		pg.add("tenant %d", i)
		if err := names.tenant.View(r.ctx, func(v store.Reader) error { return names.dump(pg, v) }); err != nil {
			return err
		}
	}
	return nil
}

// stage takes in the octets of all new messages of a transaction, by the number of the operation.
func (r *runner) stage(t Transaction) (map[int]store.Staged, error) {
	octets := make(map[int]store.Staged)
	for i, o := range t.Ops {
		if o.Verb != AddMessage {
			continue
		}
		s, err := r.tables[t.Tenant].tenant.Blobs().Stage(r.ctx, 0)
		if err != nil {
			return nil, err
		}
		r.staged = append(r.staged, s)
		octets[i] = s
		if _, err := s.Write(octetsOf(o.B)); err != nil {
			return nil, err
		}
		if err := s.Seal(r.ctx); err != nil {
			return nil, err
		}
	}
	return octets, nil
}

// octetsOf are the octets of a new message: a number, over and over.
func octetsOf(text int) []byte {
	n := choose(sizes, text)
	return bytes.Repeat(binary.BigEndian.AppendUint32(nil, uint32(text)), n/4+1)[:n]
}

// claim leases all that is due, and notes it in order of tenant and name.
func (r *runner) claim(pg *page) error {
	list, err := r.store.Claim(r.ctx, "operations", store.MaxPage, time.Hour)
	if err != nil {
		return err
	}
	for i, names := range r.tables {
		for n, item := range names.items {
			at := slices.IndexFunc(list, func(c store.Claimed) bool { return c.Tenant == names.id && c.Item.ID == item.ID })
			if at >= 0 {
				names.items[n] = list[at].Item
				pg.add("tenant %d claimed item %d, tries %d", i, n, list[at].Item.Tries)
			}
		}
	}
	return nil
}

// name writes a name.
func name(kind string, n int) string { return kind + " " + strconv.Itoa(n) }

func mark(uid mail.UID, f mail.Flags, n mail.ModSeq) string {
	return fmt.Sprintf("uid %d flags %x modseq %d", uid, uint64(f), n)
}

func (t *table) do(tx store.Tx, o Op, octets store.Staged) (string, error) {
	switch o.Verb {
	case PutObject, ChangeObject, DeleteObject:
		return t.doObject(tx, o)
	case CreateMailbox, SetMailbox, DeleteMailbox:
		return t.doMailbox(tx, o)
	case AddKeyword:
		return t.keyword(tx, o)
	case PutItem, ChangeItem, DeleteItem:
		return t.doItem(tx, o)
	}
	return t.doMessage(tx, o, octets)
}

func (t *table) doObject(tx store.Tx, o Op) (string, error) {
	if o.Verb == PutObject {
		v := o.objectOf(choose(kinds, o.A))
		v.ID = mail.ObjectID(tx.NextID())
		version, err := tx.PutObject(v)
		if err != nil {
			return "", err
		}
		v.Version = version
		t.objects = append(t.objects, v)
		return name("object", len(t.objects)-1), nil
	}
	if len(t.objects) == 0 {
		return nothing, nil
	}
	at := &t.objects[o.A%len(t.objects)]
	version := at.Version
	if o.A%4 == 3 {
		version += 7
	}
	if o.Verb == DeleteObject {
		return "ok", tx.DeleteObject(at.Kind, at.ID, version)
	}
	v := o.objectOf(at.Kind)
	v.ID, v.Version = at.ID, version
	version, err := tx.PutObject(v)
	if err == nil {
		at.Version = version
	}
	return "ok", err
}

func (t *table) doMailbox(tx store.Tx, o Op) (string, error) {
	m := store.Mailbox{Account: accountID(o.Account), Name: choose(names, o.B), Role: choose(roles, o.C), Subscribed: o.C%2 == 0}
	if o.B%3 == 0 && len(t.mailboxes) > 0 {
		m.Parent = choose(t.mailboxes, o.C)
	}
	if o.Verb == CreateMailbox {
		made, err := tx.CreateMailbox(m)
		if err != nil {
			return "", err
		}
		t.mailboxes = append(t.mailboxes, made.ID)
		return name("mailbox", len(t.mailboxes)-1), nil
	}
	id, ok := pick(t.mailboxes, o.A)
	if !ok {
		return nothing, nil
	}
	if o.Verb == DeleteMailbox {
		return "ok", tx.DeleteMailbox(id)
	}
	m.ID = id
	return "ok", tx.SetMailbox(m)
}

// accountID gives the account of a number.
func accountID(n int) mail.AccountID { return mail.AccountID(n + 1) }

func (t *table) keyword(tx store.Tx, o Op) (string, error) {
	flag, err := tx.AddKeyword(accountID(o.Account), choose(words, o.A))
	for n := range mail.MaxKeywords {
		if flag == mail.Keyword(n) {
			return name("keyword", n), err
		}
	}
	return "no keyword", err
}

func (t *table) doMessage(tx store.Tx, o Op, octets store.Staged) (string, error) {
	if o.Verb == AddMessage {
		to, ok := pick(t.mailboxes, o.A)
		if !ok {
			return nothing, nil
		}
		ref, err := tx.Keep(octets, nil)
		if err != nil {
			return "", err
		}
		return t.add(tx, store.NewMessage{Mailbox: to, Flags: flags(o.C), Received: time.Unix(1e9, 0), Blob: ref}, o.B)
	}
	if len(t.messages) == 0 {
		return nothing, nil
	}
	m := &t.messages[o.A%len(t.messages)]
	to := choose(t.mailboxes, o.B)
	switch o.Verb {
	case SetFlags:
		k, err := tx.SetFlags(m.mailbox, m.uid, flags(o.B))
		return mark(k.UID, k.Flags, k.ModSeq), err
	case Expunge:
		return "ok", tx.Expunge(m.mailbox, m.uid)
	case CopyMessage:
		source, err := tx.Email(m.id)
		if err != nil {
			return "", err
		}
		return t.add(tx, store.NewMessage{Mailbox: to, Flags: source.Flags, Received: source.Received, Blob: source.Blob}, m.text)
	}
	k, err := tx.MoveMessage(m.mailbox, m.uid, to)
	if err == nil {
		m.mailbox, m.uid = to, k.UID
	}
	return mark(k.UID, k.Flags, k.ModSeq), err
}

func (t *table) add(tx store.Tx, n store.NewMessage, text int) (string, error) {
	m, err := tx.AddMessage(n)
	if err != nil {
		return "", err
	}
	t.messages = append(t.messages, placed{m.ID, m.Mailbox, m.UID, text})
	return name("message", len(t.messages)-1) + " " + mark(m.UID, m.Flags, m.ModSeq), nil
}

func (t *table) doItem(tx store.Tx, o Op) (string, error) {
	if o.Verb == PutItem {
		i := store.Item{ID: mail.ItemID(tx.NextID()), State: itemState(o.A), Due: time.Unix(1e9, 0), Route: choose(routes, o.C)}
		if o.B%4 == 0 {
			i.Due = time.Now().Add(24 * time.Hour)
		}
		written := i
		if o.fromBirth() {
			written.Until = time.Now().Add(time.Hour)
			i.Fence, i.Tries = 1, 1
		}
		t.items = append(t.items, i)
		return name("item", len(t.items)-1), tx.PutItem(written)
	}
	if len(t.items) == 0 {
		return nothing, nil
	}
	at := &t.items[o.A%len(t.items)]
	i := *at
	if o.C%2 != 0 {
		i.Fence = 0
	}
	if o.Verb == DeleteItem {
		return "ok", tx.DeleteItem(i.ID, i.Fence)
	}
	i.State, i.Until = itemState(o.B), time.Time{}
	if o.renews() && i.Fence != 0 {
		i.Until = time.Now().Add(2 * time.Hour)
	}
	return "ok", tx.PutItem(i)
}
