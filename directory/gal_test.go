package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

// gal gives the names that the users of a domain see, in order.
func (h *house) gal(c *directory.Company, q directory.GALQuery) string {
	h.Helper()
	var names []string
	q.Limit = 2
	for {
		page, err := c.GAL(h.ctx, q)
		h.must(err)
		for _, card := range page.Cards {
			names = append(names, card.Address.Local)
			if card.Profile.Memo != "" {
				h.Errorf("%s shows the memo of administrators", card.Address)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return strings.Join(names, " ")
		}
	}
}

// TestML6AddressBook: every address of the domain, by reading, for the users of that domain; hidden ones are left out.
func TestML6AddressBook(t *testing.T) {
	h, c, made := people(t)
	alpha, sub := made["sato"].Domain, made["schmidt"].Domain
	see := func(viewer mail.DomainID, text, want string) {
		t.Helper()
		if got := h.gal(c, directory.GALQuery{For: viewer, Text: text}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	see(alpha, "", "abe sato suzuki")
	see(sub, "", "schmidt")
	see(0, "", "schmidt abe sato suzuki")
	see(alpha, "ｻﾄｳ", "sato")
	see(alpha, "さとう", "sato")

	_, err := c.ChangeAccount(h.ctx, h.ops, made["sato"].ID, directory.AccountChange{
		Hidden: new(true), Profile: directory.ProfileChange{Memo: new("employee 7")},
	})
	h.must(err)
	see(alpha, "", "abe suzuki")
	if _, err := h.resolve("sato@alpha.example"); err != nil {
		t.Errorf("a hidden account gets no mail: %v", err)
	}
	_, err = c.ChangeAccount(h.ctx, h.ops, made["sato"].ID, directory.AccountChange{Hidden: new(false)})
	h.must(err)
	see(alpha, "", "abe sato suzuki")

	h.list(c, "team@alpha.example", "sato@alpha.example")
	_, err = c.AddList(h.ctx, h.ops, addr("secret@alpha.example"), directory.ListSpec{Hidden: true})
	h.must(err)
	see(alpha, "", "team abe sato suzuki")
	h.must(c.DeleteAccount(h.ctx, h.ops, made["abe"].ID))
	see(alpha, "", "team sato suzuki")

	h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{GALWide: true}))
	see(sub, "", "schmidt team sato suzuki")
}

// TestML6Contacts: administrators put people from outside into the address book, users don't.
func TestML6Contacts(t *testing.T) {
	h, c, made := people(t)
	alpha, sub := made["sato"].Domain, made["schmidt"].Domain
	spec := directory.ContactSpec{Domain: alpha, Address: addr("tanaka@partner.example"), Profile: directory.Profile{LastName: "田中", LastKana: "タナカ", Company: "取引先"}}
	one, err := c.AddContact(h.ctx, h.ops, spec)
	h.must(err)
	_, err = c.AddContact(h.ctx, h.ops, spec)
	h.says(err, mail.Conflict, "contact.exists")
	spec.Domain = sub
	_, err = c.AddContact(h.ctx, h.ops, spec)
	h.must(err)
	spec.Domain = 12345
	_, err = c.AddContact(h.ctx, h.ops, spec)
	h.says(err, mail.NotFound, "domain.unknown")
	if got := h.gal(c, directory.GALQuery{For: alpha, Text: "取引先 ﾀﾅｶ"}); got != "tanaka" {
		t.Errorf("found %q", got)
	}

	h.must(c.SetPassword(h.ctx, h.ops, made["sato"].ID, password))
	_, err = c.AddContact(h.ctx, h.signIn("sato@alpha.example").Actor(), directory.ContactSpec{Address: addr("x@partner.example")})
	h.says(err, mail.Denied, "actor.denied")

	one.Profile.Title = "部長"
	set, err := c.SetContact(h.ctx, h.ops, one.ID, one.Version, one.ContactSpec)
	h.must(err)
	_, err = c.SetContact(h.ctx, h.ops, one.ID, one.Version, one.ContactSpec)
	h.says(err, mail.Conflict, "object.changed")
	if got, err := c.Contact(h.ctx, one.ID); err != nil || got != set || got.Profile.Title != "部長" {
		t.Errorf("got %+v, %v; want %+v", got, err, set)
	}
	h.must(c.DeleteContact(h.ctx, h.ops, one.ID))
	h.says(c.DeleteContact(h.ctx, h.ops, one.ID), mail.NotFound, "contact.unknown")
}

// TestML6AddressBookChanges: who has read the book learns what changed, and which entries are gone; of other domains nothing.
func TestML6AddressBookChanges(t *testing.T) {
	h, c, made := people(t)
	alpha := made["sato"].Domain
	page, err := c.GAL(h.ctx, directory.GALQuery{For: alpha})
	h.must(err)
	token := page.Token
	see := func(step, changed, gone string) {
		t.Helper()
		ch, err := c.GALChanges(h.ctx, alpha, token)
		h.must(err)
		var names, ids []string
		for _, card := range ch.Changed {
			names = append(names, card.Address.Local)
		}
		for _, id := range ch.Gone {
			for name, a := range made {
				if mail.ObjectID(a.ID) == id {
					ids = append(ids, name)
				}
			}
		}
		slices.Sort(names)
		if got := fmt.Sprintf("%s/%s", strings.Join(names, " "), strings.Join(ids, " ")); got != changed+"/"+gone || ch.Reset {
			t.Errorf("%s: %q, reset %v; want %q", step, got, ch.Reset, changed+"/"+gone)
		}
		token = ch.Token
	}
	set := func(name string, ch directory.AccountChange) {
		t.Helper()
		_, err := c.ChangeAccount(h.ctx, h.ops, made[name].ID, ch)
		h.must(err)
	}
	see("nothing happened", "", "")
	set("sato", directory.AccountChange{Profile: directory.ProfileChange{Title: new("部長")}})
	set("schmidt", directory.AccountChange{Profile: directory.ProfileChange{Title: new("部長")}})
	see("a title", "sato", "")
	h.must(c.AddAlias(h.ctx, h.ops, addr("info@alpha.example"), made["sato"].ID))
	see("what is not in the book", "", "")
	made["mori"] = h.person(c, "mori@alpha.example", directory.Profile{})
	set("abe", directory.AccountChange{Hidden: new(true)})
	see("one came, one hides", "mori", "abe")
	set("abe", directory.AccountChange{Hidden: new(false)})
	set("abe", directory.AccountChange{Hidden: new(true)})
	see("to and fro", "", "")
	set("mori", directory.AccountChange{Address: new(addr("mori@sub.alpha.example"))})
	see("moved away", "", "mori")
	set("mori", directory.AccountChange{Address: new(addr("mori@alpha.example"))})
	h.must(c.DeleteAccount(h.ctx, h.ops, made["suzuki"].ID))
	see("back, and one deleted", "mori", "suzuki")
	h.destroy(c, made["mori"])
	see("destroyed", "", "mori")

	h.must(c.SetSettings(h.ctx, h.ops, directory.Settings{GALWide: true}))
	ch, err := c.GALChanges(h.ctx, alpha, token)
	if h.must(err); !ch.Reset {
		t.Error("a change of what everybody sees is no reset")
	}
	_, err = c.GALChanges(h.ctx, alpha, "yesterday")
	h.says(err, mail.Invalid, "cursor.malformed")
	if ch, err = c.GALChanges(h.ctx, alpha, "999999999"); err != nil || !ch.Reset {
		t.Errorf("a token of the future: %+v, %v", ch, err)
	}
}
