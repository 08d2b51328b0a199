package jmapd_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"tegami/contacts"
	"tegami/deliver"
	"tegami/i18n"
	"tegami/intake"
	"tegami/outbox"
	"tegami/queue"
	"tegami/server/jmapd"
	"tegami/wire/jmap"
)

// withAll gives a door everything there is behind it.
func withAll(h *house, c *jmapd.Config) {
	log := slog.New(slog.DiscardHandler)
	q := queue.New(h.store)
	local := deliver.New(deliver.Config{Store: h.store, Directory: h.dir, Mailbox: h.boxes, Hostname: "mail.tegami.example", Log: log})
	runner := queue.NewRunner(queue.Config{Queue: q, Log: log})
	in := intake.New(intake.Config{Store: h.store, Directory: h.dir, Mailbox: h.boxes, House: local, Runner: runner, Hostname: "mail.tegami.example", Log: log})
	c.Outbox = outbox.New(outbox.Config{Store: h.store, Directory: h.dir, Mailbox: h.boxes, Intake: in, Queue: q, Log: log})
	withQuarantine(h, c)
	c.Contacts = contacts.New(h.store, h.dir, contacts.Config{Words: i18n.New()})
}

// TestIsolationByAccount walks the table: no method does anything for an account that the caller does not reach, whether it is a colleague's,
// another company's, or nobody's; and each asks which account is meant.
func TestIsolationByAccount(t *testing.T) {
	h := newHouse(t, withAll)
	h.company("alpha.example", "sato", "ito")
	h.company("beta.example", "mallory")
	u, colleague, stranger := h.user("sato@alpha.example"), h.user("ito@alpha.example"), h.user("mallory@beta.example")
	for _, m := range jmapd.Methods() {
		if m.Free {
			continue
		}
		for _, id := range []jmap.Id{colleague.id, stranger.id, "a0000000000001", "a", "anything", "*", u.id + "x"} {
			u.refuses(m.Name, object{"accountId": id}, jmap.AccountNotFound)
		}
		if got, text := u.invoke(m.Name, object{"accountId": nil}); got != jmap.ErrorName || !strings.Contains(string(text), "accountId") {
			t.Errorf("%s without an account: %s", m.Name, text)
		}
		if strings.HasSuffix(m.Name, "/copy") {
			for _, id := range []jmap.Id{colleague.id, stranger.id, "a0000000000001"} {
				u.refuses(m.Name, object{"fromAccountId": id}, jmap.FromAccountNotFound)
			}
		}
	}
}

// TestCapabilitiesOfMethods: no method is there for a client that does not use its capability, and all capabilities of the table are
// the server's.
func TestCapabilitiesOfMethods(t *testing.T) {
	u := one(t, withAll)
	for _, m := range jmapd.Methods() {
		if !slices.Contains(jmapd.Capabilities, m.Capability) {
			t.Errorf("%s: %s is no capability", m.Name, m.Capability)
		}
		u.using = slices.DeleteFunc(slices.Clone(jmapd.Capabilities), func(c string) bool { return c == m.Capability })
		u.refuses(m.Name, object{}, jmap.UnknownMethod)
	}
}

// TestIsolationByID walks the table with ids of a colleague's records, inside the caller's own account: they name nothing there.
func TestIsolationByID(t *testing.T) {
	h := newHouse(t, withAll)
	h.company("alpha.example", "sato", "ito")
	u, other := h.user("sato@alpha.example"), h.user("ito@alpha.example")
	foreign := other.records()
	methods := map[string]bool{}
	for _, m := range jmapd.Methods() {
		methods[m.Name] = true
	}
	for kind, ids := range foreign {
		if len(ids) == 0 {
			t.Errorf("%s: there is none to try with", kind)
		}
		var got struct {
			List     []json.RawMessage
			NotFound []jmap.Id
		}
		u.call(kind+"/get", object{"ids": ids}, &got)
		if len(got.List) != 0 || len(got.NotFound) != len(ids) {
			t.Errorf("%s/get gives a colleague's: %s", kind, got.List)
		}
		if !methods[kind+"/set"] {
			continue
		}
		update := object{}
		for _, id := range ids {
			update[string(id)] = object{}
		}
		for _, args := range []object{{"update": update}, {"destroy": ids}} {
			var out jmap.SetOut
			u.call(kind+"/set", args, &out)
			if len(out.Updated)+len(out.Destroyed) != 0 || len(out.NotUpdated)+len(out.NotDestroyed) != len(ids) {
				t.Errorf("%s/set reaches a colleague's: %+v", kind, out)
			}
			for _, e := range slices.Concat(slices.Collect(maps.Values(out.NotUpdated)), slices.Collect(maps.Values(out.NotDestroyed))) {
				if e.Type != jmap.NotFound {
					t.Errorf("%s/set tells of a colleague's: %+v", kind, e)
				}
			}
		}
	}
	if after := other.records(); !maps.EqualFunc(foreign, after, slices.Equal[[]jmap.Id]) {
		t.Errorf("a colleague's records changed: %v, %v", foreign, after)
	}
	u.noBlobs(other, foreign)
}

// records are the ids of what somebody has, after he made one of everything that is made by itself.
func (u *user) records() map[string][]jmap.Id {
	u.Helper()
	var q jmap.QueryOut
	u.call("Email/query", object{}, &q)
	if len(q.IDs) == 0 {
		u.deliver("one")
		u.call("Email/query", object{}, &q)
		var up jmap.Uploaded
		u.must(json.Unmarshal(u.http("POST", "/jmap/upload/"+string(u.id)+"/", "keep;").is(201).Body.Bytes(), &up))
		var books struct{ List []struct{ ID jmap.Id } }
		u.call("AddressBook/get", object{"ids": nil}, &books)
		u.call("ContactCard/set", object{"create": object{"c": object{"addressBookIds": object{string(books.List[0].ID): true}, "name": object{"full": "X"}}}}, nil)
		u.held("one")
		u.call("SieveScript/set", object{"create": object{"s": object{"name": "s", "blobId": up.BlobID}}}, nil)
	}
	all := map[string][]jmap.Id{"Email": q.IDs}
	for _, kind := range []string{"Mailbox", "Identity", "AddressBook", "ContactCard", "SieveScript"} {
		var got struct{ List []struct{ ID jmap.Id } }
		u.call(kind+"/get", object{"ids": nil}, &got)
		for _, r := range got.List {
			all[kind] = append(all[kind], r.ID)
		}
	}
	all["QuarantinedEmail"] = u.waiting(object{}).IDs
	var got struct{ List []struct{ ThreadID jmap.Id } }
	u.call("Email/get", object{"ids": q.IDs, "properties": []string{"threadId"}}, &got)
	for _, r := range got.List {
		all["Thread"] = append(all["Thread"], r.ThreadID)
	}
	return all
}

// noBlobs tries the blobs of a colleague in the caller's own account.
func (u *user) noBlobs(other *user, foreign map[string][]jmap.Id) {
	u.Helper()
	var up jmap.Uploaded
	u.must(json.Unmarshal(other.http("POST", "/jmap/upload/"+string(other.id)+"/", "secret").is(201).Body.Bytes(), &up))
	var scripts struct{ List []struct{ BlobID jmap.Id } }
	other.call("SieveScript/get", object{"ids": nil}, &scripts)
	email := jmap.Id("b" + string(foreign["Email"][0][1:]))
	blobs := []jmap.Id{up.BlobID, email, email + "-1", scripts.List[0].BlobID}
	for _, blob := range blobs {
		other.http("GET", "/jmap/download/"+string(other.id)+"/"+string(blob)+"/x", "").is(200)
		u.http("GET", "/jmap/download/"+string(u.id)+"/"+string(blob)+"/x", "").is(404)
		u.http("GET", "/jmap/download/"+string(other.id)+"/"+string(blob)+"/x", "").is(404)
		var out struct {
			NotCreated map[string]jmap.SetError
			Created    map[string]any
		}
		u.call("Blob/upload", object{"create": object{"x": object{"data": []object{{"blobId": blob}}}}}, &out)
		if out.NotCreated["x"].Type != "blobNotFound" {
			u.Errorf("Blob/upload %s: %+v", blob, out)
		}
		u.call("SieveScript/set", object{"create": object{"x": object{"blobId": blob}}}, &out)
		if out.NotCreated["x"].Type != "blobNotFound" {
			u.Errorf("SieveScript/set %s: %+v", blob, out)
		}
		var mine struct{ List []struct{ ID jmap.Id } }
		u.call("Mailbox/get", object{"ids": nil}, &mine)
		u.call("Email/import", object{"emails": object{"x": object{"blobId": blob, "mailboxIds": object{string(mine.List[0].ID): true}}}}, &out)
		if out.NotCreated["x"].Type == "" {
			u.Errorf("Email/import %s: %+v", blob, out)
		}
	}
	for name, args := range map[string]object{"Blob/get": {"ids": blobs}, "Blob/lookup": {"ids": blobs, "typeNames": []string{"Email"}}} {
		var got struct {
			List     []json.RawMessage
			NotFound []jmap.Id
		}
		u.call(name, args, &got)
		if len(got.List) != 0 || len(got.NotFound) != len(blobs) {
			u.Errorf("%s: %s", name, got.List)
		}
	}
	var parsed struct{ Parsed map[jmap.Id]any }
	u.call("Email/parse", object{"blobIds": blobs}, &parsed)
	if len(parsed.Parsed) != 0 {
		u.Errorf("Email/parse: %v", parsed.Parsed)
	}
}
