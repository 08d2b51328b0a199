package jmapd_test

import (
	"fmt"
	"strings"
	"testing"

	"tegami/mailbox"
	"tegami/wire/jmap"
)

// colleagues are two of one company, and somebody elsewhere.
func colleagues(t *testing.T) (owner, other, stranger *user) {
	h := newHouse(t)
	h.company("alpha.example", "sato", "suzuki")
	h.company("beta.example", "smith")
	return h.user("sato@alpha.example"), h.user("suzuki@alpha.example"), h.user("smith@beta.example")
}

// share gives somebody exactly these rights on a mailbox.
func (u *user) share(path, with, letters string) {
	u.Helper()
	a, err := u.boxes.Open(u.Context(), u.who)
	u.must(err)
	rights, err := mailbox.ParseRights(letters)
	u.must(err)
	u.must(a.SetACL(u.Context(), path, with, mailbox.Set, rights))
}

// TestEmailShared: what a colleague shares is another account, as far as its rights go, and nothing else of it can be reached.
func TestEmailShared(t *testing.T) {
	owner, other, stranger := colleagues(t)
	open := owner.set("Mailbox/set", object{"create": object{"k": object{"name": "Open"}}}).Created["k"].ID
	inbox := owner.role("inbox")
	seen, hidden := owner.keep(open, mixedMail, "$seen"), owner.keep(inbox, listMail)
	other.refuses("Email/query", object{"accountId": owner.id}, jmap.AccountNotFound)

	owner.share("Open", other.address, "lr")
	var out struct {
		IDs      []jmap.Id
		List     []email
		NotFound []jmap.Id
	}
	other.call("Email/query", object{"accountId": owner.id}, &out)
	if len(out.IDs) != 1 || out.IDs[0] != seen {
		t.Errorf("a colleague sees %v", out.IDs)
	}
	other.call("Email/get", object{"accountId": owner.id, "ids": []jmap.Id{seen, hidden}, "properties": []string{"subject"}}, &out)
	if len(out.List) != 1 || len(out.NotFound) != 1 || out.NotFound[0] != hidden {
		t.Errorf("a colleague gets %v, not %v", out.List, out.NotFound)
	}
	var boxes struct{ List []box }
	other.call("Mailbox/get", object{"accountId": owner.id}, &boxes)
	if len(boxes.List) != 1 || boxes.List[0].Name != "Open" || boxes.List[0].MyRights["mayAddItems"] || !boxes.List[0].MyRights["mayReadItems"] {
		t.Errorf("a colleague's mailboxes: %+v", boxes.List)
	}
	var parsed struct {
		Parsed   map[jmap.Id]email
		NotFound []jmap.Id
	}
	blob := func(id jmap.Id, part string) jmap.Id { return "b" + id[1:] + jmap.Id(part) }
	other.call("Email/parse", object{"accountId": owner.id, "blobIds": []jmap.Id{blob(seen, "-3"), blob(hidden, "")}, "properties": []string{"subject"}}, &parsed)
	if len(parsed.Parsed) != 1 || len(parsed.NotFound) != 1 {
		t.Errorf("a colleague parses %v, not %v", parsed.Parsed, parsed.NotFound)
	}
	other.refuses("Email/set", object{"accountId": owner.id, "update": object{string(seen): object{"keywords/$seen": nil}}}, jmap.AccountReadOnly)
	other.refuses("Mailbox/set", object{"accountId": owner.id, "create": object{"k": object{"name": "x"}}}, jmap.AccountReadOnly)

	// It is copied into the own mail, octet for octet.
	copied := other.set("Email/copy", object{"fromAccountId": owner.id, "create": object{
		"a": object{"id": seen, "mailboxIds": set(other.role("inbox"))}, "b": object{"id": hidden, "mailboxIds": set(other.role("inbox"))}}})
	if copied.NotCreated["b"].Type != jmap.NotFound {
		t.Errorf("what is not shared is copied: %+v", copied)
	}
	e := other.get(copied.Created["a"].ID, nil, "size", "keywords", "subject", "receivedAt")
	o := owner.get(seen, nil, "size", "receivedAt")
	other.wants("a copy", e, map[string]string{"size": string(o["size"]), "receivedAt": string(o["receivedAt"]), "keywords": `{"$seen":true}`, "subject": `"parts"`})

	owner.share("Open", other.address, "lrswite")
	changed := other.set("Email/set", object{"accountId": owner.id, "update": object{string(seen): object{"keywords/$flagged": true}, string(hidden): object{"keywords/x": true}},
		"create": object{"k": object{"mailboxIds": set(open), "subject": "by a colleague"}, "x": object{"mailboxIds": set(inbox)}}})
	if _, ok := changed.Updated[seen]; !ok || changed.NotUpdated[hidden].Type != jmap.NotFound || changed.Created["k"].ID == "" || changed.NotCreated["x"] == nil {
		t.Errorf("a colleague changes: %+v", changed)
	}
	owner.wants("the owner", owner.get(changed.Created["k"].ID, nil, "subject"), map[string]string{"subject": `"by a colleague"`})
	answer := string(other.ask(fmt.Appendf(nil, `{"using":["urn:ietf:params:jmap:core","urn:ietf:params:jmap:mail"],"methodCalls":[["Email/copy",{"fromAccountId":%q,"accountId":%q,`+
		`"create":{"k":{"id":%q,"mailboxIds":{%q:true},"keywords":{}}},"onSuccessDestroyOriginal":true},"0"]]}`, owner.id, other.id, changed.Created["k"].ID, other.role("inbox"))))
	if !strings.Contains(answer, `"destroyed":["`+string(changed.Created["k"].ID)) {
		t.Errorf("the original stays: %s", answer)
	}
	other.refuses("Identity/get", object{"accountId": owner.id}, jmap.AccountNotSupported)
	stranger.refuses("Email/get", object{"accountId": owner.id, "ids": []jmap.Id{seen}}, jmap.AccountNotFound)
	stranger.call("Email/get", object{"ids": []jmap.Id{seen}}, &out)
	if len(out.NotFound) != 1 {
		t.Errorf("a stranger gets %v", out.List)
	}
}
