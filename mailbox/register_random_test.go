package mailbox_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"tegami/mail"
	"tegami/mailbox"
)

// mirror is what a client of JMAP knows of an account.
type mirror struct {
	state   [3]mailbox.State // of emails, threads, mailboxes
	emails  map[mail.EmailID]mailbox.Row
	threads map[mail.ThreadID][]mail.EmailID
	boxes   map[mail.MailboxID]mailbox.Box
	results map[string][]mail.EmailID // of queries, as of queried
	queried mailbox.State
}

// look makes a mirror of all there is.
func look(h *house, r *mailbox.Register) *mirror {
	m := &mirror{
		state:  [3]mailbox.State{r.State(), r.State(), r.State()},
		emails: map[mail.EmailID]mailbox.Row{}, threads: map[mail.ThreadID][]mail.EmailID{}, boxes: map[mail.MailboxID]mailbox.Box{},
		results: map[string][]mail.EmailID{}, queried: r.State(),
	}
	for _, b := range r.Mailboxes() {
		m.boxes[b.ID] = told(b)
	}
	found, err := r.Query(h.Context(), mailbox.Query{Total: true})
	h.must(err)
	for _, id := range found.IDs {
		row, ok := r.Email(id)
		if !ok {
			h.Fatalf("a query finds %s, which is not there", id)
		}
		m.emails[id] = row
		m.threads[row.Thread] = r.Thread(row.Thread)
	}
	for name, q := range queries(r) {
		found, err := r.Query(h.Context(), q)
		h.must(err)
		m.results[name] = found.IDs
	}
	return m
}

// told is a mailbox with what JMAP tells of it.
func told(b mailbox.Box) mailbox.Box {
	return mailbox.Box{
		Mailbox: mailbox.Mailbox{ID: b.ID, Parent: b.Parent, Name: b.Name, Role: b.Role, Subscribed: b.Subscribed, Place: b.Place},
		Rights:  b.Rights, Emails: b.Emails, Unread: b.Unread, Threads: b.Threads, UnreadThreads: b.UnreadThreads,
	}
}

// catchUp brings the mirror up to a register by what it tells of changes, some at a time. between runs after each answer that says there is
// more; it gives a newer register, or nil.
func (m *mirror) catchUp(h *house, r *mailbox.Register, max int, between func() *mailbox.Register) *mailbox.Register {
	next := func(more bool) bool {
		if newer := between(); more && newer != nil {
			r = newer
		}
		return more
	}
	for more := true; more; more = next(more) {
		c, err := r.EmailChanges(h.Context(), m.state[0], max)
		h.must(err)
		merge(h, m.emails, c, max, r.Email)
		m.state[0], more = c.New, c.More
		if !more {
			break
		}
	}
	for more := true; more; more = next(more) {
		c, err := r.ThreadChanges(h.Context(), m.state[1], max)
		h.must(err)
		merge(h, m.threads, c, max, func(id mail.ThreadID) ([]mail.EmailID, bool) { list := r.Thread(id); return list, list != nil })
		m.state[1], more = c.New, c.More
		if !more {
			break
		}
	}
	for more := true; more; more = next(more) {
		c, err := r.MailboxChanges(h.Context(), m.state[2], max)
		h.must(err)
		before := maps.Clone(m.boxes)
		merge(h, m.boxes, c, max, func(id mail.MailboxID) (mailbox.Box, bool) { b, ok := r.Mailbox(id); return told(b), ok })
		for _, id := range c.Updated {
			was, is := before[id], m.boxes[id]
			was.Emails, was.Unread, was.Threads, was.UnreadThreads = is.Emails, is.Unread, is.Threads, is.UnreadThreads
			if c.CountsOnly && was != is {
				h.Errorf("only counts changed, it says, from %+v to %+v", before[id], is)
			}
		}
		m.state[2], more = c.New, c.More
		if !more {
			break
		}
	}
	return r
}

// merge applies changes to what is known of things. One that was made may be gone again by now.
func merge[ID ~int64, T any](h *house, known map[ID]T, c mailbox.Changes[ID], max int, get func(ID) (T, bool)) {
	h.Helper()
	if n := len(c.Created) + len(c.Updated) + len(c.Destroyed); max > 0 && n > max || c.More && n == 0 {
		h.Fatalf("%d changes where %d were asked for, more: %v", n, max, c.More)
	}
	for _, id := range c.Created {
		if thing, ok := get(id); ok {
			known[id] = thing
		}
	}
	for _, id := range c.Updated {
		// Of a thread all of whose messages were hidden at the state, shown again and gone, nobody can tell that it was not there.
		if _, ok := known[id]; !ok && reflect.TypeFor[ID]() != reflect.TypeFor[mail.ThreadID]() {
			if _, there := get(id); there {
				h.Fatalf("%T %v was changed, but nobody was told that it was made", id, int64(id))
			}
		}
		if thing, ok := get(id); ok {
			known[id] = thing
		}
	}
	for _, id := range c.Destroyed {
		delete(known, id)
	}
}

// queries are those whose changes are followed.
func queries(r *mailbox.Register) map[string]mailbox.Query {
	inbox := mail.MailboxID(0)
	for _, b := range r.Mailboxes() {
		if b.Role == "inbox" {
			inbox = b.ID
		}
	}
	list := map[string]mailbox.Query{"all": {}}
	for name, w := range map[string]mailbox.Where{
		"inbox": {InMailbox: inbox}, "elsewhere": {InMailboxOtherThan: []mail.MailboxID{inbox}}, "seen": {HasKeyword: "$seen"},
		"not work": {NotKeyword: "work"}, "some flagged": {SomeInThread: "$flagged"}, "all seen": {AllInThread: "$seen"},
		"large or flagged": {Op: mailbox.WhereOr, Of: []mailbox.Where{{MinSize: 330}, {HasKeyword: "$flagged"}}},
	} {
		list[name] = mailbox.Query{Filter: w}
		list[name+", threads"] = mailbox.Query{Filter: w, Collapse: true, Sort: []mailbox.Sort{{By: mailbox.SortReceived, Descend: true}}}
		list[name+", sorted"] = mailbox.Query{Filter: w, Sort: []mailbox.Sort{{By: mailbox.SortKeyword, Keyword: "$flagged", Descend: true}, {By: mailbox.SortSize}}}
	}
	return list
}

// follow brings the results of queries up to a register.
func (m *mirror) follow(h *house, r *mailbox.Register) {
	for name, q := range queries(r) {
		c, err := r.QueryChanges(h.Context(), q, m.queried, 0, 0)
		h.must(err)
		list := slices.DeleteFunc(slices.Clone(m.results[name]), func(id mail.EmailID) bool { return slices.Contains(c.Removed, id) })
		for _, a := range c.Added {
			if a.Index > len(list) || slices.Contains(list, a.ID) {
				h.Fatalf("%s: %v is added at %d of %d", name, a.ID, a.Index, len(list))
			}
			list = slices.Insert(list, a.Index, a.ID)
		}
		found, err := r.Query(h.Context(), q)
		h.must(err)
		if !slices.Equal(list, found.IDs) {
			h.Fatalf("%s: by its changes it is %v, but it is %v", name, list, found.IDs)
		}
		h.equal(name+" in all", c.Total, len(list))
		m.results[name] = list
	}
	m.queried = r.State()
}

// gambler does things at random.
type gambler struct {
	*house
	a    *mailbox.Account
	rng  *rand.Rand
	made int
}

// pick gives one of what there is; zero for nothing.
func pick[T any](g *gambler, list []T) (one T) {
	if len(list) == 0 {
		return one
	}
	return list[g.rng.IntN(len(list))]
}

func (g *gambler) now() *mailbox.Register {
	r, err := g.a.Register(g.Context())
	g.must(err)
	return r
}

// do does one thing, through JMAP or through IMAP.
func (g *gambler) do() {
	r := g.now()
	boxes := r.Mailboxes()
	all, err := r.Query(g.Context(), mailbox.Query{})
	g.must(err)
	ctx, p := g.Context(), g.a.Post()
	box := pick(g, boxes)
	switch n := g.rng.IntN(20); {
	case n < 7:
		g.made++
		text := letter(fmt.Sprintf("Re: topic %d", g.made%5))
		text = fmt.Sprintf("Message-ID: <%d@x>\r\nIn-Reply-To: <%d@x>\r\n", g.made, g.rng.IntN(g.made+1)) + text
		_, _, err = p.AddEmail(ctx, mailbox.NewEmail{
			Upload: g.upload(g.a, text), Mailbox: box.ID, Keywords: pick(g, [][]string{nil, {"$seen"}, {"work", "$flagged"}}),
			Received: time.Unix(1_700_000_000+int64(g.rng.IntN(1000)), 0),
		})
	case n < 10:
		var changes []mailbox.EmailChange
		for range 1 + g.rng.IntN(5) {
			c := mailbox.EmailChange{ID: pick(g, all.IDs), Keywords: map[string]bool{pick(g, []string{"$seen", "$flagged", "work"}): g.rng.IntN(2) == 0}, Replace: g.rng.IntN(4) == 0}
			if g.rng.IntN(2) == 0 {
				c.Mailbox = pick(g, boxes).ID
			}
			changes = append(changes, c)
		}
		_, err = p.ChangeEmails(ctx, changes)
	case n < 11:
		_, err = p.DestroyEmails(ctx, []mail.EmailID{pick(g, all.IDs), pick(g, all.IDs)})
	case n < 12:
		_, _, err = p.CreateMailbox(ctx, mailbox.NewMailbox{Name: fmt.Sprint("box ", g.rng.IntN(6)), Parent: pick(g, []mail.MailboxID{0, box.ID}), Order: 3})
	case n < 13:
		name := fmt.Sprint("box ", g.rng.IntN(6))
		_, err = p.ChangeMailbox(ctx, box.ID, mailbox.MailboxChange{Name: &name})
	case n < 14:
		_, err = p.DestroyMailbox(ctx, box.ID, g.rng.IntN(2) == 0)
	default:
		g.imap(box, boxes)
	}
	switch mail.KindOf(err) {
	case mail.Conflict, mail.Denied, mail.NotFound, mail.Invalid:
	default:
		g.must(err)
	}
}

// imap does something with a mailbox that JMAP would not do.
func (g *gambler) imap(box mailbox.Box, boxes []mailbox.Box) {
	v, err := g.a.Select(g.Context(), box.Path)
	g.must(err)
	defer v.Close()
	if v.Len() == 0 {
		return
	}
	lo := 1 + g.rng.IntN(v.Len())
	some := seqs(uint32(lo), uint32(min(v.Len(), lo+g.rng.IntN(4))))
	switch g.rng.IntN(6) {
	case 0:
		_, err = v.Expunge(g.Context(), nil)
	case 1:
		_, _, _, err = v.Move(g.Context(), some, pick(g, boxes).Path)
	case 2:
		_, _, _, err = v.Copy(g.Context(), some, pick(g, boxes).Path)
	default:
		_, _, err = v.Store(g.Context(), some, pick(g, []mailbox.FlagOp{mailbox.Add, mailbox.Remove}), pick(g, []mail.Flags{mail.Deleted, mail.Deleted, mail.Seen, mail.Flagged}), 0)
	}
	g.must(err)
}

// TestRegisterByChanges: whoever follows the changes from any earlier state, in portions of any size, while things go on happening, has in the
// end what is there; and what is kept up by changes is what a process sees that reads it for the first time.
func TestRegisterByChanges(t *testing.T) {
	for seed := range uint64(3) {
		h, a := one(t)
		g := &gambler{house: h, a: a, rng: rand.New(rand.NewPCG(seed, 8))}
		mirrors := []*mirror{look(h, g.now())}
		for range 25 {
			for range 1 + g.rng.IntN(6) {
				g.do()
			}
			r := g.now()
			fresh := look(h, r)
			other := mailbox.New(h.store, h.dir, mailbox.Config{})
			again, err := other.Open(h.Context(), a.Identity())
			h.must(err)
			anew, err := again.Register(h.Context())
			h.must(err)
			same(h, "read anew", look(h, anew), fresh)
			m := mirrors[g.rng.IntN(len(mirrors))]
			m.follow(h, r)
			busy := g.rng.IntN(2) == 0
			r = m.catchUp(h, r, g.rng.IntN(5), func() *mailbox.Register {
				if !busy || g.rng.IntN(3) > 0 {
					return nil
				}
				g.do()
				return g.now()
			})
			r = m.catchUp(h, r, 0, func() *mailbox.Register { return nil })
			fresh = look(h, r)
			m.follow(h, r)
			same(h, "by changes", m, fresh)
			if len(mirrors) < 8 {
				mirrors = append(mirrors, fresh)
			}
		}
	}
}

// same fails the test where two mirrors differ.
func same(h *house, what string, got, want *mirror) {
	h.Helper()
	for _, c := range []struct {
		name      string
		got, want any
	}{{"emails", got.emails, want.emails}, {"threads", got.threads, want.threads}, {"mailboxes", got.boxes, want.boxes}, {"results", got.results, want.results}} {
		if !reflect.DeepEqual(c.got, c.want) {
			h.Fatalf("%s: %s are\n%+v\nbut should be\n%+v", what, c.name, c.got, c.want)
		}
	}
}
