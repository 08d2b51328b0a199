package jmapd_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tegami/wire/jmap"
)

// box is a mailbox as it came.
type box struct {
	ID                                                     jmap.Id
	Name                                                   string
	ParentID                                               *jmap.Id
	Role                                                   *string
	SortOrder                                              int
	TotalEmails, UnreadEmails, TotalThreads, UnreadThreads int
	MyRights                                               map[string]bool
	IsSubscribed                                           bool
}

// boxes gives the mailboxes by their names.
func (u *user) mailboxes() map[string]box {
	u.Helper()
	var out struct{ List []box }
	u.call("Mailbox/get", object{}, &out)
	named := map[string]box{}
	for _, b := range out.List {
		named[b.Name] = b
	}
	return named
}

// TestMailboxGet: an account has its mailboxes with roles, rights and counts (RFC 8621 §2).
func TestMailboxGet(t *testing.T) {
	u := one(t)
	inbox := u.role("inbox")
	u.keep(inbox, "Message-ID: <1@x>\nSubject: a thread\n\nx\n")
	u.keep(inbox, "Message-ID: <2@x>\nIn-Reply-To: <1@x>\nReferences: <1@x>\nSubject: Re: a thread\n\nx\n", "$seen")
	u.keep(u.role("trash"), "Message-ID: <3@x>\nIn-Reply-To: <1@x>\nReferences: <1@x>\nSubject: Re: a thread\n\nx\n")
	all := u.mailboxes()
	b := all["Inbox"]
	if *b.Role != "inbox" || b.TotalEmails != 2 || b.UnreadEmails != 1 || b.TotalThreads != 1 || b.UnreadThreads != 1 || b.ParentID != nil || !b.IsSubscribed {
		t.Errorf("inbox %+v", b)
	}
	if b.MyRights["mayRename"] || b.MyRights["mayDelete"] || !b.MyRights["mayReadItems"] || !b.MyRights["maySetKeywords"] || len(b.MyRights) != 9 {
		t.Errorf("rights %v", b.MyRights)
	}
	for _, role := range []string{"drafts", "sent", "trash", "junk", "archive"} {
		u.role(role)
	}
	var out jmap.GetOut
	u.call("Mailbox/get", object{"ids": []jmap.Id{inbox, "m0000000000002", "x"}, "properties": []string{"name"}}, &out)
	if len(out.List) != 1 || string(out.List[0]) != `{"id":"`+string(inbox)+`","name":"Inbox"}` || len(out.NotFound) != 2 {
		t.Errorf("%s, not found %v", out.List, out.NotFound)
	}
	u.refuses("Mailbox/get", object{"properties": []string{"size"}}, jmap.InvalidArguments)
}

// TestMailboxSet makes, renames, moves and destroys mailboxes (RFC 8621 §2.5).
func TestMailboxSet(t *testing.T) {
	u := one(t)
	out := u.set("Mailbox/set", object{"create": object{
		"below": object{"name": "子", "parentId": "#top", "sortOrder": 7, "isSubscribed": false},
		"top":   object{"name": "親"},
	}})
	top, below := out.Created["top"].ID, out.Created["below"].ID
	all := u.mailboxes()
	if b := all["子"]; b.ParentID == nil || *b.ParentID != top || b.SortOrder != 7 || b.IsSubscribed || b.ID != below {
		t.Errorf("made %+v; not made %v", b, out.NotCreated)
	}
	if !all["親"].IsSubscribed {
		t.Error("who makes a mailbox wants to see it")
	}
	for name, c := range map[string]struct {
		record object
		about  string
	}{
		"no name":       {object{}, "name"},
		"a name twice":  {object{"name": "親"}, "name"},
		"a slash":       {object{"name": "a/b"}, "name"},
		"no parent":     {object{"name": "x", "parentId": "m0000000000002"}, "parentId"},
		"a taken role":  {object{"name": "x", "role": "sent"}, "role"},
		"a strange one": {object{"name": "x", "role": "nothing"}, "role"},
		"counts":        {object{"name": "x", "totalEmails": 1}, "totalEmails"},
	} {
		e := u.set("Mailbox/set", object{"create": object{"k": c.record}}).NotCreated["k"]
		if e == nil || e.Type != jmap.InvalidProperties || !slices.Equal(e.Properties, []string{c.about}) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	out = u.set("Mailbox/set", object{"update": object{
		string(below):           object{"name": "新", "parentId": nil, "sortOrder": nil, "isSubscribed": true},
		string(top):             object{"parentId": below},
		string(u.role("inbox")): object{"name": "Inbox", "role": "inbox", "sortOrder": 3},
		"m0000000000002":        object{"name": "x"},
	}})
	if out.NotUpdated["m0000000000002"].Type != jmap.NotFound || len(out.NotUpdated) != 1 {
		t.Errorf("not updated %v", out.NotUpdated)
	}
	all = u.mailboxes()
	if b := all["新"]; b.ParentID != nil || b.SortOrder != 0 || !b.IsSubscribed || *all["親"].ParentID != below || all["Inbox"].SortOrder != 3 {
		t.Errorf("changed %+v", b)
	}
	sent := u.role("sent")
	out = u.set("Mailbox/set", object{"update": object{string(sent): object{"role": nil}, string(below): object{"role": "sent"}}})
	if len(out.NotUpdated) != 0 || u.role("sent") != below {
		t.Errorf("a role that goes from one to another: %v", out.NotUpdated)
	}
	inbox := u.role("inbox")
	out = u.set("Mailbox/set", object{"update": object{string(inbox): object{"name": "x"}, string(below): object{"parentId": top}}})
	if out.NotUpdated[inbox].Type != jmap.Forbidden || out.NotUpdated[below] == nil {
		t.Errorf("not updated %v", out.NotUpdated)
	}

	u.keep(top, listMail)
	out = u.set("Mailbox/set", object{"destroy": []jmap.Id{below, inbox, "x"}})
	if out.NotDestroyed[below].Type != "mailboxHasChild" || out.NotDestroyed[inbox].Type != jmap.Forbidden || out.NotDestroyed["x"].Type != jmap.NotFound {
		t.Errorf("not destroyed %v", out.NotDestroyed)
	}
	out = u.set("Mailbox/set", object{"destroy": []jmap.Id{below, top}})
	if out.NotDestroyed[top].Type != "mailboxHasEmail" {
		t.Errorf("not destroyed %v", out.NotDestroyed)
	}
	out = u.set("Mailbox/set", object{"destroy": []jmap.Id{below, top}, "onDestroyRemoveEmails": true})
	if !slices.Equal(out.Destroyed, []jmap.Id{top, below}) {
		t.Errorf("destroyed %v, not %v", out.Destroyed, out.NotDestroyed)
	}
}

// TestMailboxQuery filters and sorts mailboxes, as a list and as a tree (RFC 8621 §2.3).
func TestMailboxQuery(t *testing.T) {
	u := one(t)
	out := u.set("Mailbox/set", object{"create": object{
		"a": object{"name": "Alpha", "sortOrder": 100}, "b": object{"name": "beta", "parentId": "#a"}, "c": object{"name": "Gamma", "parentId": "#b", "isSubscribed": false},
	}})
	a, b, c := out.Created["a"].ID, out.Created["b"].ID, out.Created["c"].ID
	for name, q := range map[string]struct {
		args object
		want []jmap.Id
	}{
		"below":        {object{"filter": object{"parentId": a}}, []jmap.Id{b}},
		"by name":      {object{"filter": object{"name": "ＡＬＰ"}}, []jmap.Id{a}},
		"no role":      {object{"filter": object{"hasAnyRole": false}, "sort": []object{{"property": "name", "isAscending": false}}}, []jmap.Id{c, b, a}},
		"null role":    {object{"filter": object{"role": nil}, "sort": []object{{"property": "name"}}}, []jmap.Id{a, b, c}},
		"operators":    {object{"filter": object{"operator": "AND", "conditions": []object{{"hasAnyRole": false}, {"operator": "NOT", "conditions": []object{{"name": "beta"}}}}}, "sort": []object{{"property": "name"}}}, []jmap.Id{a, c}},
		"as tree":      {object{"filter": object{"isSubscribed": true, "hasAnyRole": false}, "sortAsTree": true, "sort": []object{{"property": "name", "isAscending": false}}}, []jmap.Id{a, b}},
		"tree filter":  {object{"filter": object{"hasAnyRole": false, "operator": nil}, "filterAsTree": true}, nil},
		"within limit": {object{"filter": object{"hasAnyRole": false}, "sort": []object{{"property": "name"}}, "position": 1, "limit": 1}, []jmap.Id{b}},
	} {
		if name == "tree filter" {
			q.args = object{"filter": object{"operator": "OR", "conditions": []object{{"name": "Alpha"}, {"name": "Gamma"}}}, "filterAsTree": true, "sort": []object{{"property": "name"}}}
			q.want = []jmap.Id{a}
		}
		var got jmap.QueryOut
		u.call("Mailbox/query", q.args, &got)
		if !slices.Equal(got.IDs, q.want) {
			t.Errorf("%s: %v, want %v", name, got.IDs, q.want)
		}
	}
	u.refuses("Mailbox/query", object{"sort": []object{{"property": "size"}}}, jmap.UnsupportedSort)
	u.refuses("Mailbox/queryChanges", object{"sinceQueryState": "1"}, jmap.CannotCalculateChanges)
}

// TestMailboxChanges: new mail changes counts and nothing else (RFC 8621 §2.2).
func TestMailboxChanges(t *testing.T) {
	u := one(t)
	inbox := u.role("inbox")
	var state struct{ State string }
	u.call("Mailbox/get", object{"ids": []jmap.Id{}}, &state)
	u.keep(inbox, listMail)
	var out struct {
		jmap.ChangesOut
		UpdatedProperties []string
	}
	u.call("Mailbox/changes", object{"sinceState": state.State}, &out)
	if !slices.Equal(out.Updated, []jmap.Id{inbox}) || !slices.Contains(out.UpdatedProperties, "totalEmails") || slices.Contains(out.UpdatedProperties, "name") {
		t.Errorf("%+v", out)
	}
	made := u.set("Mailbox/set", object{"create": object{"k": object{"name": "x"}}}).Created["k"].ID
	text := u.call("Mailbox/changes", object{"sinceState": state.State}, &out)
	if !slices.Equal(out.Created, []jmap.Id{made}) || !strings.Contains(string(text), `"updatedProperties":null`) && !slices.Equal(out.Updated, []jmap.Id{inbox}) {
		t.Errorf("%s", text)
	}
	u.refuses("Mailbox/changes", object{"sinceState": "nonsense"}, jmap.CannotCalculateChanges)
	u.refuses("Mailbox/changes", object{"sinceState": out.NewState, "maxChanges": 0}, jmap.InvalidArguments)
}

// TestThreadGet: a thread has its emails, the oldest first (RFC 8621 §3).
func TestThreadGet(t *testing.T) {
	u := one(t)
	inbox := u.role("inbox")
	first := u.keep(inbox, "Message-ID: <1@x>\nSubject: a thread\n\nx\n")
	reply := u.keep(u.role("sent"), "Message-ID: <2@x>\nIn-Reply-To: <1@x>\nSubject: Re: a thread\n\nx\n")
	other := u.keep(inbox, "Message-ID: <3@x>\nSubject: another\n\nx\n")
	var thread, alone jmap.Id
	u.must(json.Unmarshal(u.get(reply, nil, "threadId")["threadId"], &thread))
	u.must(json.Unmarshal(u.get(other, nil, "threadId")["threadId"], &alone))
	var out struct {
		List []struct {
			ID       jmap.Id
			EmailIDs []jmap.Id
		}
		NotFound []jmap.Id
	}
	u.call("Thread/get", object{"ids": []jmap.Id{thread, alone, "t0000000000002"}}, &out)
	if len(out.List) != 2 || !slices.Equal(out.List[0].EmailIDs, []jmap.Id{first, reply}) || !slices.Equal(out.List[1].EmailIDs, []jmap.Id{other}) || len(out.NotFound) != 1 {
		t.Errorf("%+v", out)
	}
	u.call("Thread/get", object{"ids": nil}, &out)
	if len(out.List) != 2 {
		t.Errorf("all threads are %+v", out.List)
	}
}
