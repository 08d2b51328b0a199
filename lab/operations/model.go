package operations

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
)

// model is one tenant as the contract tells it, in slices by the order things were made in. gone ones stay.
type model struct {
	objects  []*modelObject
	acts     int
	accounts [accounts]modelAccount
	boxes    []*modelBox
	messages []*modelMessage
	items    []*modelItem
}

type modelObject struct {
	thing
	gone bool
}

type modelAccount struct {
	modSeq   mail.ModSeq
	keywords []string
}

type modelBox struct {
	folder
	gone     bool
	departed []left
}

type modelMessage struct {
	letter
	box  int
	gone bool
}

type modelItem struct {
	job
	due, gone bool
}

// Model runs a program on the model.
func Model(p Program) History {
	var world [tenants]*model
	for i := range world {
		world[i] = &model{}
	}
	var h History
	for _, t := range p {
		var pg page
		if t.Claim {
			for i, m := range world {
				m.claim(&pg, i)
			}
		}
		m := world[t.Tenant].clone()
		for _, o := range t.Ops {
			what, err := m.do(o)
			pg.result(o, what, err)
		}
		if !t.Fails {
			world[t.Tenant] = m
		}
		for i, m := range world {
			pg.add("tenant %d", i)
			m.dump(&pg)
		}
		h = append(h, pg)
	}
	return h
}

// clone copies everything that can change.
func (m *model) clone() *model {
	c := &model{acts: m.acts, accounts: m.accounts}
	c.objects, c.boxes, c.messages, c.items = copies(m.objects), copies(m.boxes), copies(m.messages), copies(m.items)
	for _, b := range c.boxes {
		b.departed = slices.Clone(b.departed)
	}
	for i := range c.accounts {
		c.accounts[i].keywords = slices.Clone(c.accounts[i].keywords)
	}
	return c
}

func copies[T any](list []*T) []*T {
	c := make([]*T, len(list))
	for i, v := range list {
		one := *v
		c[i] = &one
	}
	return c
}

// pick chooses the n-th of a list; false if it is empty.
func pick[T any](list []T, n int) (v T, ok bool) {
	if len(list) == 0 {
		return v, false
	}
	return choose(list, n), true
}

func refuse(kind mail.Kind) (string, error) { return "", mail.E("model", kind, "") }

// nothing is the result of an operation on something that was never made.
const nothing = "nothing there yet"

func (m *model) do(o Op) (string, error) {
	switch o.Verb {
	case PutObject, ChangeObject, DeleteObject:
		return m.doObject(o)
	case CreateMailbox, SetMailbox, DeleteMailbox:
		return m.doMailbox(o)
	case AddKeyword:
		return m.keyword(o)
	case PutItem, ChangeItem, DeleteItem:
		return m.doItem(o)
	}
	return m.doMessage(o)
}

func (m *model) doObject(o Op) (string, error) {
	if o.Verb == PutObject {
		v := &modelObject{thing: thingOf(len(m.objects), o.objectOf(choose(kinds, o.A)))}
		if m.taken(v) {
			return refuse(mail.Conflict)
		}
		m.acts++
		m.objects = append(m.objects, v)
		return name("object", v.n), nil
	}
	v, ok := pick(m.objects, o.A)
	if !ok {
		return nothing, nil
	}
	stale := o.A%4 == 3
	if o.Verb == DeleteObject {
		switch {
		case v.gone:
			return refuse(mail.NotFound)
		case stale:
			return refuse(mail.Conflict)
		}
		v.gone = true
		m.acts++
		return "ok", nil
	}
	changed := *v
	changed.thing = thingOf(v.n, o.objectOf(v.kind))
	if v.gone || stale || m.taken(&changed) {
		return refuse(mail.Conflict)
	}
	*v = changed
	m.acts++
	return "ok", nil
}

// taken tells whether another object holds the unique key of v.
func (m *model) taken(v *modelObject) bool {
	return v.unique != "" && slices.ContainsFunc(m.objects, func(other *modelObject) bool {
		return !other.gone && other.n != v.n && other.unique == v.unique
	})
}

func (m *model) doMailbox(o Op) (string, error) {
	if o.Verb == CreateMailbox {
		b := &modelBox{folder: folder{n: len(m.boxes), account: o.Account, uidNext: 1}}
		b.place(m, o)
		if err := m.fits(b); err != nil {
			return "", err
		}
		b.modSeq = m.next(b.account)
		m.boxes = append(m.boxes, b)
		return name("mailbox", b.n), nil
	}
	b, ok := pick(m.boxes, o.A)
	switch {
	case !ok:
		return nothing, nil
	case b.gone:
		return refuse(mail.NotFound)
	case o.Verb == SetMailbox:
		changed := *b
		changed.place(m, o)
		if err := m.fits(&changed); err != nil {
			return "", err
		}
		changed.modSeq = m.next(b.account)
		*b = changed
		return "ok", nil
	}
	for _, child := range m.boxes {
		if !child.gone && child.parent == b.n {
			return refuse(mail.Conflict)
		}
	}
	b.gone = true
	m.next(b.account)
	for _, msg := range m.messages {
		if msg.box == b.n {
			msg.gone = true
		}
	}
	return "ok", nil
}

// place sets what a CreateMailbox or SetMailbox says.
func (b *modelBox) place(m *model, o Op) {
	b.name, b.role, b.subscribed, b.parent = choose(names, o.B), choose(roles, o.C), o.C%2 == 0, -1
	if o.B%3 == 0 && len(m.boxes) > 0 {
		b.parent = choose(m.boxes, o.C).n
	}
}

// fits judges whether a mailbox may stand where it wants to.
func (m *model) fits(b *modelBox) error {
	for up := b.parent; up != -1; up = m.boxes[up].parent {
		if up == b.n {
			return mail.E("model", mail.Invalid, "")
		}
		if m.boxes[up].gone || m.boxes[up].account != b.account {
			return mail.E("model", mail.NotFound, "")
		}
	}
	for _, other := range m.boxes {
		if other.gone || other.n == b.n || other.account != b.account {
			continue
		}
		if other.parent == b.parent && other.name == b.name || b.role != "" && other.role == b.role {
			return mail.E("model", mail.Conflict, "")
		}
	}
	return nil
}

func (m *model) next(account int) mail.ModSeq {
	m.accounts[account].modSeq++
	return m.accounts[account].modSeq
}

func (m *model) keyword(o Op) (string, error) {
	a, word := &m.accounts[o.Account], choose(words, o.A)
	n := slices.IndexFunc(a.keywords, func(k string) bool { return strings.EqualFold(k, word) })
	if n < 0 {
		n = len(a.keywords)
		a.keywords = append(a.keywords, word)
	}
	return name("keyword", n), nil
}

func (m *model) doMessage(o Op) (string, error) {
	if o.Verb == AddMessage {
		b, ok := pick(m.boxes, o.A)
		if !ok {
			return nothing, nil
		}
		return m.add(b, letter{flags: flags(o.C), size: int64(choose(sizes, o.B))})
	}
	msg, ok := pick(m.messages, o.A)
	switch {
	case !ok:
		return nothing, nil
	case msg.gone:
		return refuse(mail.NotFound)
	}
	switch o.Verb {
	case SetFlags:
		if f := flags(o.B); f != msg.flags {
			msg.flags, msg.modSeq = f, m.next(m.boxes[msg.box].account)
			m.boxes[msg.box].modSeq = msg.modSeq
		}
		return mark(msg.uid, msg.flags, msg.modSeq), nil
	case Expunge:
		m.leave(msg, m.next(m.boxes[msg.box].account))
		msg.gone = true
		return "ok", nil
	}
	to := choose(m.boxes, o.B)
	if o.Verb == CopyMessage {
		return m.add(to, letter{flags: msg.flags, size: msg.size})
	}
	from := m.boxes[msg.box]
	if to.gone || to.account != from.account {
		return refuse(mail.NotFound)
	}
	modSeq := m.next(from.account)
	m.leave(msg, modSeq)
	msg.box, msg.uid, msg.modSeq = to.n, to.uidNext, modSeq
	to.uidNext++
	to.modSeq = modSeq
	return mark(msg.uid, msg.flags, msg.modSeq), nil
}

func (m *model) add(b *modelBox, l letter) (string, error) {
	if b.gone {
		return refuse(mail.NotFound)
	}
	l.n, l.uid, l.modSeq = len(m.messages), b.uidNext, m.next(b.account)
	b.uidNext++
	b.modSeq = l.modSeq
	m.messages = append(m.messages, &modelMessage{letter: l, box: b.n})
	return name("message", l.n) + " " + mark(l.uid, l.flags, l.modSeq), nil
}

// leave notes that a message is no longer in its mailbox.
func (m *model) leave(msg *modelMessage, modSeq mail.ModSeq) {
	b := m.boxes[msg.box]
	b.departed = append(b.departed, left{msg.uid, modSeq, msg.n})
	b.modSeq = modSeq
}

func (m *model) doItem(o Op) (string, error) {
	if o.Verb == PutItem {
		i := &modelItem{job: job{n: len(m.items), state: int(itemState(o.A)), route: choose(routes, o.C)}, due: o.B%4 != 0}
		if o.fromBirth() {
			i.leased, i.tries = true, 1
		}
		m.items = append(m.items, i)
		return name("item", i.n), nil
	}
	i, ok := pick(m.items, o.A)
	if !ok {
		return nothing, nil
	}
	fenced := o.C%2 == 0 && i.tries > 0 // brings the fence of its last lease
	if fenced != i.leased && (i.leased || fenced) {
		return refuse(mail.Conflict)
	}
	if o.Verb == DeleteItem {
		if i.gone {
			return refuse(mail.NotFound)
		}
		i.gone, i.leased = true, false
		return "ok", nil
	}
	i.state, i.leased, i.gone = int(itemState(o.B)), fenced && o.renews(), false
	return "ok", nil
}

// claim leases all that is due.
func (m *model) claim(p *page, tenant int) {
	for _, i := range m.items {
		if i.gone || i.leased || !i.due || i.state != int(store.ItemWaiting) {
			continue
		}
		i.leased = true
		i.tries++
		p.add("tenant %d claimed item %d, tries %d", tenant, i.n, i.tries)
	}
}

// dump writes everything there is.
func (m *model) dump(p *page) {
	for _, kind := range kinds {
		for _, o := range m.objects {
			if !o.gone && o.kind == kind {
				p.add("%+v", o.thing)
			}
		}
	}
	p.add("acts %d", m.acts)
	for a := range accounts {
		m.dumpAccount(p, a)
	}
	for _, i := range m.items {
		if !i.gone {
			p.add("%+v", i.job)
		}
	}
	for _, route := range routes {
		var on []int
		for _, i := range m.items {
			if !i.gone && i.route == route && i.state != int(store.ItemSettled) {
				on = append(on, i.n)
			}
		}
		p.route(route, len(on), on)
	}
}

func (m *model) dumpAccount(p *page, a int) {
	var used, count int64
	for _, b := range m.boxes {
		b.messages, b.unseen, b.deletedN, b.size = 0, 0, 0, 0
	}
	for _, msg := range m.messages {
		if b := m.boxes[msg.box]; !msg.gone && b.account == a {
			b.count(msg.letter)
			used += msg.size
			count++
		}
	}
	p.box(a, m.accounts[a].modSeq, used, count, m.accounts[a].keywords)
	for _, b := range m.boxes {
		if !b.gone && b.account == a {
			p.add("%+v", b.folder)
			m.dumpMessages(p, b, m.accounts[a].modSeq/2)
		}
	}
}

func (b *modelBox) count(l letter) {
	b.messages++
	b.size += l.size
	if !l.flags.Has(mail.Seen) {
		b.unseen++
	}
	if l.flags.Has(mail.Deleted) {
		b.deletedN++
	}
}

func (m *model) dumpMessages(p *page, b *modelBox, since mail.ModSeq) {
	var list []letter
	for _, msg := range m.messages {
		if !msg.gone && msg.box == b.n {
			list = append(list, msg.letter)
		}
	}
	slices.SortFunc(list, func(x, y letter) int { return cmp.Compare(x.uid, y.uid) })
	for _, l := range list {
		p.add("%+v", l)
	}
	slices.SortFunc(list, func(x, y letter) int { return cmp.Compare(x.modSeq, y.modSeq) })
	for _, l := range list {
		if l.modSeq > since {
			p.add("since %d: %s", since, mark(l.uid, l.flags, l.modSeq))
		}
	}
	for _, g := range b.departed {
		if g.modSeq > since {
			p.add("since %d: %+v", since, g)
		}
	}
}

// thingOf writes an object down.
func thingOf(n int, o store.Object) thing {
	return thing{n: n, kind: o.Kind, unique: keys(o.Unique), mark: keys(o.Marks), doc: string(o.Doc)}
}

func keys(list []store.Key) string {
	values := map[string]bool{}
	for _, k := range list {
		values[k.Value] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(values)), ",")
}
