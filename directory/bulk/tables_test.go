package bulk_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/directory/bulk"
	"tegami/mail"
)

// same imports what was exported, which must change nothing.
func (h *hall) same(kind string, lines int) {
	h.Helper()
	for _, form := range []bulk.Form{{}, {Japanese: true, Charset: bulk.CP932}} {
		text := h.export(kind, form)
		out, err := h.load(kind, []byte(text), bulk.Options{})
		if err != nil {
			h.Fatalf("%s: %v %v", kind, err, findings(out))
		}
		if out.Good != lines || out.Added+out.Deleted != 0 || kind != "list-members" && out.Same != lines {
			h.Errorf("%s changed something, or has not %d lines: %+v\n%s", kind, lines, out, text)
		}
	}
}

// TestCP5Aliases: further addresses are added, moved to another account and taken away.
func TestCP5Aliases(t *testing.T) {
	h := newHall(t, 10)
	h.loads("accounts", "action,address\nadd,a@alpha.example\nadd,b@alpha.example\n")
	h.loads("aliases", "action,alias,address\nadd,info@alpha.example,a@alpha.example\nadd,postmaster@alpha.example,a@alpha.example\n")
	h.same("aliases", 2)
	out := h.loads("aliases", "処理,エイリアス,メールアドレス\n変更,info@alpha.example,b@alpha.example\n")
	if b := h.find("info@alpha.example"); out.Updated != 1 || b.Address.Local != "b" {
		t.Errorf("%+v", b)
	}
	out, err := h.load("aliases", []byte("action,alias,address\nadd,a@alpha.example,b@alpha.example\nadd,x@gamma.example,b@alpha.example\nadd,y@alpha.example,nobody@alpha.example\ndelete,z@alpha.example,\n"), bulk.Options{})
	h.says(err, mail.Invalid, "import.refused")
	if got := fmt.Sprint(findings(out)); got != "[2 alias address.taken [a@alpha.example] 3 alias domain.unknown [gamma.example] 4 address account.unknown [nobody@alpha.example] 5 alias alias.unknown [z@alpha.example]]" {
		t.Error(got)
	}
	_, err = h.load("aliases", []byte("action,alias,address\ndelete,info@alpha.example,\n"), bulk.Options{ConfirmDeletes: 1})
	h.must(err)
	if len(h.find("b@alpha.example").Aliases) != 0 {
		t.Error("the alias is still there")
	}
}

// TestCP5GroupsAndTheirMembers: groups are made, renamed and deleted, and people put into them.
func TestCP5GroupsAndTheirMembers(t *testing.T) {
	h := newHall(t, 10)
	h.loads("accounts", "action,address\nadd,a@alpha.example\nadd,b@alpha.example\n")
	h.loads("groups", "処理,グループ,説明\n追加,営業部,東京\n追加,開発部,\n")
	h.loads("group-members", "group,action,address\n営業部,add,a@alpha.example\n営業部,add,b@alpha.example\n開発部,add,a@alpha.example\n")
	h.same("groups", 2)
	h.same("group-members", 3)
	h.loads("groups", "action,group,new_name,description\nupdate,営業部,営業本部,-\n")
	g, err := h.company.FindGroup(h.ctx, "営業本部")
	h.must(err)
	if n, err := h.company.Group(h.ctx, g.ID); err != nil || n.Accounts != 2 || n.Description != "" {
		t.Errorf("%+v %v", n, err)
	}
	_, err = h.load("groups", []byte("action,group\nadd,開発部\nupdate,人事部\n"), bulk.Options{})
	h.says(err, mail.Invalid, "import.refused")
	_, err = h.load("group-members", []byte("group,action,address\n営業本部,delete,b@alpha.example\n"), bulk.Options{ConfirmDeletes: 1})
	h.must(err)
	if len(h.find("b@alpha.example").Groups) != 0 {
		t.Error("still in the group")
	}
}

// TestLI5ListsAndTheirMembers: lists are made and changed, and addresses put on them and taken off.
func TestLI5ListsAndTheirMembers(t *testing.T) {
	h := newHall(t, 10)
	h.loads("lists", "action,list_address,name,posting,owners,moderated,gal_visible\nadd,team@alpha.example,班,メンバー,o@alpha.example;p@beta.example,yes,no\nadd,other@alpha.example,,,,,\n")
	h.loads("list-members", "list_address,action,member_address,member_name,can_post\n"+
		"team@alpha.example,add,a@elsewhere.example,\"Abe, A.\",no\nother@alpha.example,add,'-b@elsewhere.example,'=1+1,yes\n")
	cp932 := sjis(t, "リストアドレス,処理,メンバーアドレス,メンバー名\r\nteam@alpha.example,追加,sato@elsewhere.example,佐藤\r\nteam@alpha.example,変更,a@elsewhere.example,\r\n")
	_, err := h.load("list-members", cp932, bulk.Options{})
	h.must(err)
	l, err := h.company.FindList(h.ctx, mail.Address{Local: "team", Domain: "alpha.example"})
	h.must(err)
	members, err := h.company.Members(h.ctx, l.ID)
	h.must(err)
	if len(members) != 2 || members[0].Name != "Abe, A." || members[0].CanPost || members[1].Name != "佐藤" || !members[1].CanPost {
		t.Errorf("%+v", members)
	}
	if l.Posting != directory.PostMembers || len(l.Owners) != 2 || !l.Moderated || !l.Hidden {
		t.Errorf("%+v", l)
	}
	h.same("lists", 2)
	h.same("list-members", 3)
	var text bytes.Buffer
	w, err := bulk.MemberWriter(&text, bulk.Form{})
	h.must(err)
	h.must(bulk.ExportMembers(h.ctx, h.company, l.ID, w))
	h.must(w.Close())
	if got := rows(t, text.String()); len(got) != 3 || got[1][2] != "a@elsewhere.example" || got[1][4] != "no" {
		t.Errorf("%q", got)
	}
	_, err = h.load("lists", []byte("action,list_address\ndelete,other@alpha.example\n"), bulk.Options{ConfirmDeletes: 1})
	h.must(err)
}

// TestLI5ImportIsAllOrNothing tells each bad line, and changes nothing.
func TestLI5ImportIsAllOrNothing(t *testing.T) {
	h := newHall(t, 10)
	h.loads("lists", "action,list_address\nadd,team@alpha.example\n")
	h.loads("list-members", "action,list_address,member_address\nadd,team@alpha.example,x@elsewhere.example\n")
	out, err := h.load("list-members", []byte("action,list_address,member_address,can_post\n"+
		"add,team@alpha.example,good@elsewhere.example,\n"+
		"add,nolist@alpha.example,a@elsewhere.example,\n"+
		"add,team@alpha.example,no address,\n"+
		"put,team@alpha.example,a@elsewhere.example,\n"+
		"add,team@alpha.example,a@elsewhere.example,perhaps\n"+
		"add,team@alpha.example,team@alpha.example,\n"+
		"delete,team@alpha.example,nobody@elsewhere.example,\n"), bulk.Options{})
	h.says(err, mail.Invalid, "import.refused")
	want := []string{
		"3 list_address list.unknown [nolist@alpha.example]", "4 member_address address.malformed [no address]", "5 action import.action [put]",
		"6 can_post import.answer [perhaps]", "7 member_address list.cycle [team@alpha.example team@alpha.example]",
		"8 member_address list.no_member [nobody@elsewhere.example]",
	}
	if got := findings(out); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if text := h.export("list-members", bulk.Form{}); strings.Count(text, "\r\n") != 2 {
		t.Errorf("%q", text)
	}
}

// TestLI3ImportPastAThousandMembers: the 1,001st member is refused, whatever the file's lines before did.
func TestLI3ImportPastAThousandMembers(t *testing.T) {
	h := newHall(t, 10)
	h.loads("lists", "action,list_address\nadd,team@alpha.example\n")
	var b strings.Builder
	b.WriteString("action,list_address,member_address\n")
	for i := range directory.MaxMembers + 1 {
		fmt.Fprintf(&b, "add,team@alpha.example,m%d@elsewhere.example\n", i)
	}
	out, err := h.load("list-members", []byte(b.String()), bulk.Options{GoodLinesOnly: true})
	h.must(err)
	if got := fmt.Sprint(findings(out)); out.Added != directory.MaxMembers || got != "[1002  list.members_full [1000]]" {
		t.Errorf("%d: %s", out.Added, got)
	}
}

// TestML5ForwardsAndML6Contacts: forwards and the people outside in the address book come by file too; zeros in front stay.
func TestML5ForwardsAndML6Contacts(t *testing.T) {
	h := newHall(t, 10)
	h.loads("accounts", "action,address\nadd,a@alpha.example\nadd,b@alpha.example\n")
	h.loads("forwards", "action,address,forward_to,keep_copy\nadd,a@alpha.example,x@beta.example、y@beta.example,yes\n")
	h.same("forwards", 1)
	h.loads("forwards", "処理,メールアドレス,転送先,コピーを残す\n変更,a@alpha.example,,no\n")
	if f := h.find("a@alpha.example").Forward; len(f.To) != 2 || f.Keep {
		t.Errorf("%+v", f)
	}
	_, err := h.load("forwards", []byte("action,address\ndelete,a@alpha.example\n"), bulk.Options{ConfirmDeletes: 1})
	h.must(err)
	if h.find("a@alpha.example").Forward.On() {
		t.Error("still forwards")
	}
	h.loads("contacts", "action,address,domain,last_name,company,phone\nadd,c@beta.example,,山本,ベータ社,0312345678\nadd,c@beta.example,alpha.example,山本,,+81-3\n")
	h.same("contacts", 2)
	if text := h.export("contacts", bulk.Form{}); !strings.Contains(text, ",0312345678,") || !strings.Contains(text, ",'+81-3,") {
		t.Errorf("%q", text)
	}
	out := h.loads("contacts", "action,address,domain,phone\nupdate,c@beta.example,,-\n")
	if text := h.export("contacts", bulk.Form{}); out.Updated != 1 || strings.Contains(text, "0312345678") {
		t.Errorf("%q", text)
	}
}
