package jmapd_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// replica is what a client keeps of a type of records, and brings up to date by /changes and /get.
type replica struct {
	kind       string
	properties []string
	most       int // changes asked for at once
	state      string
	records    map[jmap.Id]string
}

// start gets everything.
func (r *replica) start(u *user, all []jmap.Id) {
	u.Helper()
	r.records = map[jmap.Id]string{}
	r.state = r.get(u, all)
}

// get gets records and gives the state they are of.
func (r *replica) get(u *user, ids []jmap.Id) string {
	u.Helper()
	var out jmap.GetOut
	u.call(r.kind+"/get", object{"ids": ids, "properties": r.properties}, &out)
	for _, id := range out.NotFound {
		delete(r.records, id)
	}
	for _, text := range out.List {
		var record struct{ ID jmap.Id }
		u.must(json.Unmarshal(text, &record))
		r.records[record.ID] = canonical(u, text)
	}
	return out.State
}

// canonical writes a record with its names sorted: sets have no order.
func canonical(u *user, text json.RawMessage) string {
	var record map[string]any
	u.must(json.Unmarshal(text, &record))
	sorted, err := json.Marshal(record)
	u.must(err)
	return string(sorted)
}

// sync brings the replica up to date as RFC 8620 §5.2 tells a client to. No id may stand in two lists of an answer.
func (r *replica) sync(u *user) {
	u.Helper()
	for range 10_000 {
		var out jmap.ChangesOut
		u.call(r.kind+"/changes", object{"sinceState": r.state, "maxChanges": r.most}, &out)
		seen := map[jmap.Id]bool{}
		for _, id := range slices.Concat(out.Created, out.Updated, out.Destroyed) {
			if seen[id] {
				u.Errorf("%s/changes tells %s twice: %+v", r.kind, id, out)
			}
			seen[id] = true
		}
		if len(seen) > r.most || len(seen) == 0 && out.HasMoreChanges || out.OldState != r.state {
			u.Errorf("%s/changes since %s, at most %d: %+v", r.kind, r.state, r.most, out)
		}
		for _, id := range out.Destroyed {
			delete(r.records, id)
		}
		r.get(u, append(append([]jmap.Id{}, out.Created...), out.Updated...))
		r.state = out.NewState
		if !out.HasMoreChanges {
			return
		}
	}
	u.Fatalf("%s/changes never ends", r.kind)
}

// worker does random things to an account, as several clients would.
type worker struct {
	*user
	rand    *rand.Rand
	account *mailbox.Account
	emails  []jmap.Id
	boxes   []jmap.Id
	n       int
}

func (w *worker) email() jmap.Id { return w.emails[w.rand.IntN(len(w.emails))] }
func (w *worker) box() jmap.Id   { return w.boxes[w.rand.IntN(len(w.boxes))] }
func (w *worker) keyword() string {
	return []string{"$seen", "$flagged", "$draft", "work", "later"}[w.rand.IntN(5)]
}

// letter makes a message that may belong to one before it.
func (w *worker) letter() string {
	w.n++
	of := w.rand.IntN(w.n)
	return fmt.Sprintf("Message-ID: <%d@x>\nIn-Reply-To: <%d@x>\nSubject: Re: letter\n\nText %d\n", w.n, of, w.n)
}

// step does one thing. What is refused is refused: an email may be gone.
func (w *worker) step() {
	w.Helper()
	switch n := w.rand.IntN(20); {
	case n < 4 || len(w.emails) == 0:
		w.emails = append(w.emails, w.keep(w.box(), w.letter()))
	case n < 6:
		out := w.set("Email/set", object{"create": object{"k": object{"mailboxIds": set(w.box()), "subject": "made", "keywords": object{w.keyword(): true}}}})
		if id := out.Created["k"].ID; id != "" {
			w.emails = append(w.emails, id)
		}
	case n < 10:
		w.set("Email/set", object{"update": object{string(w.email()): object{"keywords/" + w.keyword(): []any{true, nil}[w.rand.IntN(2)]}}})
	case n < 12:
		w.set("Email/set", object{"update": object{string(w.email()): object{"mailboxIds": set(w.box())}, string(w.email()): object{"keywords": object{w.keyword(): true}}}})
	case n < 14:
		w.set("Email/set", object{"destroy": []jmap.Id{w.email(), w.email()}})
	case n < 15:
		if id := w.set("Mailbox/set", object{"create": object{"k": object{"name": fmt.Sprint("box ", w.n)}}}).Created["k"].ID; id != "" {
			w.boxes = append(w.boxes, id)
		}
	case n < 16:
		w.set("Mailbox/set", object{"destroy": []jmap.Id{w.box()}, "onDestroyRemoveEmails": w.rand.IntN(2) == 0})
		w.living()
	default:
		w.imap()
	}
}

// living forgets mailboxes that are gone.
func (w *worker) living() {
	w.Helper()
	w.boxes = w.boxes[:0]
	for _, b := range w.mailboxes() {
		w.boxes = append(w.boxes, b.ID)
	}
	slices.Sort(w.boxes)
}

// imap does what a client of IMAP does: flags, \Deleted among them, MOVE, COPY, APPEND and EXPUNGE.
func (w *worker) imap() {
	w.Helper()
	ctx := w.Context()
	folders, err := w.account.Folders(ctx)
	w.must(err)
	path := folders[w.rand.IntN(len(folders))].Path
	v, err := w.account.Select(ctx, path)
	w.must(err)
	defer v.Close()
	if v.Len() == 0 {
		return
	}
	one := []uint32{uint32(w.rand.IntN(v.Len()) + 1)}
	switch w.rand.IntN(6) {
	case 0:
		_, _, err = v.Store(ctx, one, mailbox.Add, mail.Deleted, 0)
	case 1:
		_, _, err = v.Store(ctx, one, mailbox.Remove, mail.Deleted, 0)
	case 2:
		_, _, err = v.Store(ctx, one, mailbox.Set, mail.Seen|mail.Answered, 0)
	case 3:
		_, err = v.Expunge(ctx, nil)
	case 4:
		_, _, _, err = v.Move(ctx, one, folders[w.rand.IntN(len(folders))].Path)
	case 5:
		_, _, _, err = v.Copy(ctx, one, folders[w.rand.IntN(len(folders))].Path)
	}
	w.must(err)
}

// TestSyncProperty: after random things that clients of JMAP and IMAP do, what a client keeps by Email/changes, Thread/changes and
// Mailbox/changes with their /get is what the server has.
func TestSyncProperty(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			u := one(t)
			account, err := u.boxes.Open(t.Context(), u.who)
			u.must(err)
			w := &worker{user: u, rand: rand.New(rand.NewPCG(seed, 1)), account: account}
			w.living()
			emails := &replica{kind: "Email", properties: []string{"mailboxIds", "keywords", "threadId", "size"}, most: 3 + int(seed)*20}
			threads := &replica{kind: "Thread", properties: []string{"emailIds"}, most: 2 + int(seed)*20}
			boxes := &replica{kind: "Mailbox", most: 1 + int(seed)*20}
			emails.start(u, []jmap.Id{})
			threads.start(u, []jmap.Id{})
			boxes.start(u, w.boxes)
			for round := range 30 {
				for range 1 + w.rand.IntN(12) {
					w.step()
				}
				emails.sync(u)
				threads.sync(u)
				boxes.sync(u)
				w.compare(emails, threads, boxes)
				if t.Failed() {
					t.Fatalf("in round %d", round)
				}
			}
		})
	}
}

// compare holds replicas against all that the server has now.
func (w *worker) compare(emails, threads, boxes *replica) {
	w.Helper()
	ids := w.query(object{}).IDs
	now := &replica{kind: "Email", properties: emails.properties}
	now.start(w.user, ids)
	w.same(now, emails)
	var of []jmap.Id
	for _, text := range now.records {
		var e struct{ ThreadID jmap.Id }
		w.must(json.Unmarshal([]byte(text), &e))
		of = append(of, e.ThreadID)
	}
	now = &replica{kind: "Thread", properties: threads.properties}
	now.start(w.user, append([]jmap.Id{}, slices.Compact(slices.Sorted(slices.Values(of)))...))
	w.same(now, threads)
	now = &replica{kind: "Mailbox"}
	now.start(w.user, nil)
	w.same(now, boxes)
}

func (w *worker) same(server, client *replica) {
	w.Helper()
	if maps.Equal(server.records, client.records) {
		return
	}
	for id, text := range server.records {
		if have := client.records[id]; have != text {
			w.Errorf("%s %s: the server has %s, the client %q", server.kind, id, text, have)
		}
	}
	for id, text := range client.records {
		if _, ok := server.records[id]; !ok {
			w.Errorf("%s %s: the server has none, the client %s", server.kind, id, text)
		}
	}
}
