package jmapd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"tegami/contacts"
	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/server/jmapd"
	"tegami/wire/jmap"
	"tegami/wire/vcard"
)

// withContacts gives a door address books.
func withContacts(h *house, c *jmapd.Config) {
	c.Contacts = contacts.New(h.store, h.dir, contacts.Config{Words: i18n.New()})
}

// contactSet is the answer to a /set, as clients read it.
type contactSet struct {
	OldState, NewState     string
	Created                map[string]map[string]any
	Updated                map[string]any
	Destroyed              []string
	NotCreated, NotUpdated map[string]jmap.SetError
	NotDestroyed           map[string]jmap.SetError
}

func (u *user) writes(kind string, args object) (out contactSet) {
	u.Helper()
	u.call(kind+"/set", args, &out)
	return out
}

// books gives the ids of the address books, in their order.
func (u *user) addressBooks() (ids []string) {
	u.Helper()
	var out struct{ List []struct{ ID string } }
	u.call("AddressBook/get", object{}, &out)
	for _, b := range out.List {
		ids = append(ids, b.ID)
	}
	return ids
}

// TestML6BooksByJMAP: the two books from the start stay as they are, others come and go (RFC 9610 §2).
func TestML6BooksByJMAP(t *testing.T) {
	u := one(t, withContacts)
	var got struct {
		State string
		List  []map[string]any
	}
	u.call("AddressBook/get", object{}, &got)
	if len(got.List) != 2 || got.List[0]["tegami:role"] != "contacts" || got.List[1]["tegami:role"] != "emailed" || got.List[0]["isDefault"] != true || got.State == "0" {
		t.Fatalf("%+v", got)
	}
	ids := u.addressBooks()
	made := u.writes("AddressBook", object{"create": object{"a": object{"name": "取引先", "tegami:color": "#00ff00", "sortOrder": 3}, "b": object{"name": ""}, "c": object{"name": "x", "odd": 1}}, "onSuccessSetIsDefault": "#a"})
	if made.Created["a"]["name"] != "取引先" || made.NotCreated["b"].Properties[0] != "name" || made.NotCreated["c"].Properties[0] != "odd" {
		t.Errorf("%+v", made)
	}
	id := made.Created["a"]["id"].(string)
	done := u.writes("AddressBook", object{"update": object{id: object{"name": "顧客"}, ids[0]: object{"name": "x"}, "oabc": object{"name": "x"}}, "destroy": []string{ids[1], "oxyz"}})
	if _, ok := done.Updated[id]; !ok || done.NotUpdated[ids[0]].Type != "forbidden" || done.NotUpdated["oabc"].Type != "notFound" || done.NotDestroyed[ids[1]].Type != "forbidden" || done.NotDestroyed["oxyz"].Type != "notFound" {
		t.Errorf("%+v", done)
	}
	card := u.writes("ContactCard", object{"create": object{"c": object{"name": object{"full": "A"}, "addressBookIds": object{id: true}}}})
	if len(card.Created) != 1 {
		t.Fatalf("%+v", card)
	}
	if out := u.writes("AddressBook", object{"destroy": []string{id}}); out.NotDestroyed[id].Type != "addressBookHasContents" {
		t.Errorf("%+v", out)
	}
	def := u.writes("AddressBook", object{"onSuccessSetIsDefault": id})
	if !reflect.DeepEqual(def.Updated[id], map[string]any{"isDefault": true}) || !reflect.DeepEqual(def.Updated[ids[0]], map[string]any{"isDefault": false}) {
		t.Errorf("%+v", def)
	}
	if out := u.writes("AddressBook", object{"destroy": []string{id}, "onDestroyRemoveContents": true}); len(out.Destroyed) != 1 {
		t.Errorf("%+v", out)
	}
	var ch jmap.ChangesOut
	u.call("AddressBook/changes", object{"sinceState": got.State}, &ch)
	if len(ch.Created) != 0 || len(ch.Destroyed) != 0 || !slices.Contains(ch.Updated, jmap.Id(ids[0])) {
		t.Errorf("%+v", ch)
	}
	u.refuses("AddressBook/changes", object{"sinceState": "x"}, "cannotCalculateChanges")
}

// TestML6CardsByJMAP: cards are made, patched, moved, found and removed, and a client keeps up by states (RFC 9610 §3).
func TestML6CardsByJMAP(t *testing.T) {
	u := one(t, withContacts)
	ids := u.addressBooks()
	yamada := object{"@type": "Card", "version": "1.0", "name": object{"components": []object{{"kind": "surname", "value": "山田", "phonetic": "やまだ"}, {"kind": "given", "value": "太郎"}}},
		"emails": object{"e": object{"address": "taro@x.example"}}, "example.com:x": object{"y": 1}}
	made := u.writes("ContactCard", object{"create": object{
		"a": yamada,
		"b": object{"name": object{"full": "B"}, "addressBookIds": object{ids[1]: true}},
		"c": object{"emails": object{"1": object{}}}, "d": object{"addressBookIds": object{ids[0]: true, ids[1]: true}}, "e": object{"addressBookIds": object{"oxx": true}}, "f": object{"id": "x"},
	}})
	a := made.Created["a"]["id"].(string)
	if made.Created["a"]["uid"] == nil || made.Created["a"]["addressBookIds"].(map[string]any)[ids[0]] != true || made.Created["a"]["emails"] != nil {
		t.Errorf("%+v", made.Created["a"])
	}
	for name, property := range map[string]string{"c": "emails", "d": "addressBookIds", "e": "addressBookIds", "f": "id"} {
		if e := made.NotCreated[name]; e.Type != "invalidProperties" || !slices.Contains(e.Properties, property) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	var got struct {
		State    string
		List     []map[string]any
		NotFound []string
	}
	u.call("ContactCard/get", object{"ids": []string{a, "oxx"}}, &got)
	if len(got.List) != 1 || got.List[0]["example.com:x"] == nil || !reflect.DeepEqual(got.NotFound, []string{"oxx"}) || got.State != made.NewState {
		t.Fatalf("%+v", got)
	}
	done := u.writes("ContactCard", object{"ifInState": got.State, "update": object{
		a: object{"emails/e/label": "仕事", "notes": object{"1": object{"note": "x"}}, "addressBookIds": object{ids[1]: true}},
	}})
	if changed, _ := done.Updated[a].(map[string]any); changed["updated"] == nil {
		t.Errorf("%+v", done)
	}
	u.refuses("ContactCard/set", object{"ifInState": got.State, "destroy": []string{a}}, "stateMismatch")
	wrong := u.writes("ContactCard", object{"update": object{a: object{"emails/none/label": "x"}}})
	if wrong.NotUpdated[a].Type != "invalidPatch" {
		t.Errorf("%+v", wrong)
	}
	for _, p := range []object{{"id": "x"}, {"addressBookIds": nil}, {"emails/e/address": 5}, {"uid": nil}} {
		if e := u.writes("ContactCard", object{"update": object{a: p}}).NotUpdated[a]; e.Type != "invalidProperties" {
			t.Errorf("%v: %+v", p, e)
		}
	}
	got.List = nil
	u.call("ContactCard/get", object{"ids": []string{a}, "properties": []string{"emails", "addressBookIds"}}, &got)
	if want := map[string]any{"id": a, "addressBookIds": map[string]any{ids[1]: true}, "emails": map[string]any{"e": map[string]any{"address": "taro@x.example", "label": "仕事"}}}; !reflect.DeepEqual(got.List[0], want) {
		t.Errorf("%+v", got.List[0])
	}

	b := made.Created["b"]["id"].(string)
	var q jmap.QueryOut
	u.call("ContactCard/query", object{"filter": object{"inAddressBook": ids[1]}, "sort": []object{{"property": "name/surname"}}, "calculateTotal": true}, &q)
	if !reflect.DeepEqual(q.IDs, []jmap.Id{jmap.Id(b), jmap.Id(a)}) || *q.Total != 2 || !q.CanCalculateChanges {
		t.Errorf("%+v", q)
	}
	var none jmap.QueryOut
	u.call("ContactCard/query", object{"filter": object{"operator": "AND", "conditions": []object{{"text": "ﾔﾏﾀﾞ"}, {"operator": "NOT", "conditions": []object{{"email": "taro"}}}}}}, &none)
	if len(none.IDs) != 0 {
		t.Errorf("%+v", none)
	}
	u.refuses("ContactCard/query", object{"sort": []object{{"property": "shoeSize"}}}, "unsupportedSort")
	u.refuses("ContactCard/query", object{"filter": object{"shoeSize": 1}}, "unsupportedFilter")

	before := q.QueryState
	u.writes("ContactCard", object{"destroy": []string{b}, "create": object{"n": object{"name": object{"full": "新しい"}, "addressBookIds": object{ids[1]: true}}}})
	var moved jmap.QueryChangesOut
	u.call("ContactCard/queryChanges", object{"filter": object{"inAddressBook": ids[1]}, "sort": []object{{"property": "name/surname"}}, "sinceQueryState": before}, &moved)
	if !reflect.DeepEqual(moved.Removed, []jmap.Id{jmap.Id(b)}) || len(moved.Added) != 1 || moved.Added[0].Index != 0 {
		t.Errorf("%+v", moved)
	}
	var ch jmap.ChangesOut
	u.call("ContactCard/changes", object{"sinceState": before, "maxChanges": 1}, &ch)
	if len(ch.Created)+len(ch.Updated)+len(ch.Destroyed) != 1 || !ch.HasMoreChanges {
		t.Errorf("%+v", ch)
	}
	u.refuses("ContactCard/copy", object{"fromAccountId": u.id, "create": object{}}, "invalidArguments")
}

// TestML6PicturesByBlob: a picture that was uploaded becomes part of a card (RFC 9610 §3).
func TestML6PicturesByBlob(t *testing.T) {
	u := one(t, withContacts)
	up, err := u.Upload(t.Context(), u.who, u.id, 4, "image/png", strings.NewReader("\x89PNG"))
	u.must(err)
	made := u.writes("ContactCard", object{"create": object{"a": object{"name": object{"full": "A"}, "media": object{"1": object{"kind": "photo", "blobId": up.BlobID, "mediaType": "image/png"}}}, "b": object{"media": object{"1": object{"kind": "photo", "blobId": "unone"}}}}})
	if made.NotCreated["b"].Type != "invalidProperties" {
		t.Errorf("%+v", made)
	}
	text := u.call("ContactCard/get", object{"ids": []any{made.Created["a"]["id"]}}, nil)
	if !strings.Contains(string(text), "data:image/png;base64,iVBORw==") {
		t.Errorf("%s", text)
	}
}

// TestML6FilesByJMAP: a file of a Japanese spreadsheet comes in, what is wrong is told by line, and goes out again.
func TestML6FilesByJMAP(t *testing.T) {
	u := one(t, withContacts)
	csv, err := japanese.ShiftJIS.NewEncoder().String("姓,名,姓フリガナ,メールアドレス,謎\r\n山田,太郎,ヤマダ,taro@x.example,1\r\n佐藤,,ｻﾄｳ,sato@x.example,,余分\r\n")
	u.must(err)
	up, err := u.Upload(t.Context(), u.who, u.id, 0, "text/csv", strings.NewReader(csv))
	u.must(err)
	var in struct {
		Format, Charset, NewState string
		Added, Skipped            int
		Failed                    []struct {
			Line              int
			Type, Description string
		}
		IgnoredColumns []string
	}
	u.call("Contacts/import", object{"blobId": up.BlobID, "addressBookId": u.addressBooks()[1]}, &in)
	if in.Format != "csv" || in.Charset != "cp932" || in.Added != 1 || len(in.Failed) != 1 || in.Failed[0].Line != 3 || in.Failed[0].Description == "" || !reflect.DeepEqual(in.IgnoredColumns, []string{"謎"}) {
		t.Errorf("%+v", in)
	}
	u.call("Contacts/import", object{"blobId": up.BlobID, "addressBookId": u.addressBooks()[1]}, &in)
	if in.Skipped != 1 {
		t.Errorf("%+v", in)
	}
	for _, args := range []object{{"format": "csv", "charset": "cp932", "layout": "outlook"}, {"format": "vcard", "version": "4.0"}, {"format": "csv"}} {
		var out struct {
			BlobID     jmap.Id
			Type, Name string
			Size       int64
		}
		u.call("Contacts/export", args, &out)
		o, err := u.Download(t.Context(), u.who, u.id, out.BlobID)
		u.must(err)
		b, err := io.ReadAll(o)
		u.must(err)
		o.Close()
		text := string(b)
		if args["charset"] != nil {
			text, _ = japanese.ShiftJIS.NewDecoder().String(text)
		}
		if int64(len(b)) != out.Size || !strings.Contains(text, "ヤマダ") || !strings.HasPrefix(out.Name, "contacts.") {
			t.Errorf("%v: %+v %s", args, out, text)
		}
	}
	u.refuses("Contacts/export", object{"format": "xml"}, "invalidArguments")
	u.refuses("Contacts/import", object{"blobId": "unone"}, "invalidArguments")
	u.refuses("Contacts/import", object{"blobId": up.BlobID, "addressBookId": "oxx"}, "invalidArguments")
}

// TestML6DirectoryByJMAP: the company's address book by ふりがな, and completion over it and the own books.
func TestML6DirectoryByJMAP(t *testing.T) {
	h := newHouse(t, withContacts)
	c := h.company("alpha.example", "sato")
	for i, kana := range []string{"わたなべ", "アオキ", "ｶﾄｳ"} {
		_, err := c.AddAccount(t.Context(), h.ops, directory.AccountSpec{Address: mail.Address{Local: fmt.Sprint("u", i), Domain: "alpha.example"}, Password: password,
			Profile: directory.Profile{LastName: fmt.Sprint("名", i), LastKana: kana, Department: "営業部"}, Hidden: false})
		h.must(err)
	}
	u := h.user("sato@alpha.example")
	var q jmap.QueryOut
	u.call("DirectoryEntry/query", object{"filter": object{"department": "営業部"}, "sort": []object{{"property": "kana"}}, "limit": 2, "calculateTotal": true}, &q)
	if len(q.IDs) != 2 || *q.Total != 3 {
		t.Fatalf("%+v", q)
	}
	var got struct{ List []map[string]string }
	u.call("DirectoryEntry/get", object{"ids": q.IDs, "properties": []string{"kana", "email", "department"}}, &got)
	if want := map[string]string{"id": string(q.IDs[0]), "kana": "アオキ", "email": "u1@alpha.example", "department": "営業部"}; !reflect.DeepEqual(got.List[0], want) || got.List[1]["kana"] != "ｶﾄｳ" {
		t.Errorf("%+v", got.List)
	}
	u.refuses("DirectoryEntry/get", object{"ids": nil}, "requestTooLarge")
	u.refuses("DirectoryEntry/query", object{"sort": []object{{"property": "size"}}}, "unsupportedSort")
	u.writes("ContactCard", object{"create": object{"a": object{"name": object{"full": "加藤商店"}, "nicknames": object{"1": object{"name": "かとうさん"}}, "emails": object{"1": object{"address": "k@x.example"}}}}})
	var out struct {
		List []struct{ Source, Name, Email, Department string }
	}
	u.call("Recipient/complete", object{"text": "ｶﾄ"}, &out)
	if len(out.List) != 2 || out.List[0].Source != "gal" && out.List[1].Source != "gal" {
		t.Errorf("%+v", out)
	}
	u.call("Recipient/complete", object{"text": "営業", "limit": 1}, &out)
	if len(out.List) != 1 || out.List[0].Department != "営業部" {
		t.Errorf("%+v", out)
	}
}

// TestML6ContactsIsolationByJMAP: ids of another account's books and cards name nothing, and his account is not found.
func TestML6ContactsIsolationByJMAP(t *testing.T) {
	h := newHouse(t, withContacts)
	h.company("alpha.example", "sato", "suzuki")
	owner, other := h.user("sato@alpha.example"), h.user("suzuki@alpha.example")
	book := owner.addressBooks()[0]
	card := owner.writes("ContactCard", object{"create": object{"a": object{"name": object{"full": "secret"}}}}).Created["a"]["id"].(string)
	var got struct{ NotFound []string }
	other.call("ContactCard/get", object{"ids": []string{card}}, &got)
	other.call("AddressBook/get", object{"ids": []string{book}}, &struct{ NotFound *[]string }{&got.NotFound})
	if len(got.NotFound) != 1 {
		t.Errorf("%+v", got)
	}
	if out := other.writes("ContactCard", object{"update": object{card: object{"notes": object{}}}, "create": object{"x": object{"addressBookIds": object{book: true}}}}); out.NotUpdated[card].Type != "notFound" || len(out.Created) != 0 {
		t.Errorf("%+v", out)
	}
	if out := other.writes("ContactCard", object{"destroy": []string{card}}); out.NotDestroyed[card].Type != "notFound" {
		t.Errorf("%+v", out)
	}
	var q jmap.QueryOut
	other.call("ContactCard/query", object{"filter": object{"inAddressBook": book}}, &q)
	if len(q.IDs) != 0 {
		t.Errorf("%+v", q)
	}
	for _, method := range []string{"AddressBook/get", "AddressBook/changes", "AddressBook/set", "ContactCard/get", "ContactCard/changes", "ContactCard/query", "ContactCard/queryChanges", "ContactCard/set",
		"DirectoryEntry/get", "DirectoryEntry/query", "Recipient/complete", "Contacts/import", "Contacts/export"} {
		other.refuses(method, object{"accountId": owner.id}, "accountNotFound")
	}
	other.refuses("ContactCard/copy", object{"fromAccountId": owner.id}, "fromAccountNotFound")
}

// TestML6ContactsCapability: the session tells what address books can (RFC 9610 §1.4).
func TestML6ContactsCapability(t *testing.T) {
	u := one(t, withContacts)
	s, err := u.Session(t.Context(), u.who)
	u.must(err)
	text, err := json.Marshal(s.Accounts[u.id].Capabilities)
	u.must(err)
	for _, want := range []string{`"urn:ietf:params:jmap:contacts":{"maxAddressBooksPerCard":1,"mayCreateAddressBook":true}`, `"maxSuggestions":20`, fmt.Sprintf(`"maxSizeCard":%d`, vcard.MaxCard)} {
		if !strings.Contains(string(text), want) {
			t.Errorf("without %s: %s", want, text)
		}
	}
}
