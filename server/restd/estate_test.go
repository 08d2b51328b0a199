package restd_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"tegami/billing"
	"tegami/directory"
	"tegami/directory/ldap"
	"tegami/directory/passkey"
	"tegami/domains"
	"tegami/jobs"
	"tegami/jobs/files"
	"tegami/jobs/syncs"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/quarantine"
	"tegami/queue"
	"tegami/server/door"
	"tegami/server/restd"
	"tegami/store"
	"tegami/store/faulty"
	"tegami/trace"
	"tegami/webhooks"
	"tegami/wire/dns/dnstest"
)

// whole gives the API all services, as the program does, over a store that fails as planned.
func whole(plan *faulty.Plan) func(*restd.Config, store.Store) {
	return func(c *restd.Config, st store.Store) {
		st = faulty.Wrap(st, plan)
		log := slog.New(slog.DiscardHandler)
		c.Directory = directory.New(st, directory.Config{Provision: mailbox.Provision, Share: mailbox.Share, Passkeys: passkey.New("Tegami", "mail.tegami.example")})
		c.Mailboxes = mailbox.New(st, c.Directory, mailbox.Config{})
		c.Queue, c.Sessions = queue.New(st), &door.Sessions{}
		c.Trace = trace.New(trace.Config{Store: st})
		c.LDAP = ldap.New(ldap.Config{Store: st, Directory: c.Directory})
		c.Jobs = jobs.New(jobs.Config{Store: st, Directory: c.Directory, Kinds: []jobs.Kind{files.Kind(), syncs.Kind(c.LDAP)}, Log: log})
		c.Domains = domains.New(st, c.Directory, domains.Config{})
		c.Webhooks = webhooks.New(webhooks.Config{Store: st, Directory: c.Directory})
		c.Quarantine = quarantine.New(quarantine.Config{
			Store: st, Directory: c.Directory, Allow: directory.AllowSender,
			Release: func(tx store.Tx, to directory.Account, e *quarantine.Entry) error {
				_, err := mailbox.Deliver(tx, to, mailbox.NewMail{Blob: e.Blob, Received: e.Received})
				return err
			},
			Forward: func(store.Tx, directory.Account, *quarantine.Entry, mail.Address) error { return nil },
		})
		c.Billing = billing.New(st, c.Directory)
		c.Lookup = dnstest.Zone("")
		c.Machine = restd.Machine{
			Doors: func() []restd.NodeDoor { return nil }, Certificate: func() time.Time { return time.Time{} },
			Ping: func(context.Context) error { return nil },
		}
	}
}

// password fits everybody in an estate.
const password = "correct horse battery 7"

// An estate is a company with one of everything that an operation of the API can name.
type estate struct {
	*house
	id      mail.TenantID
	domain  string
	ids     map[string]string            // what stands in a path, by its parameter's name
	session map[directory.Role]string    // sessions of the accounts with a role; "" for one without
	account map[string]directory.Account // "" the plain user, else by role, "victim"
}

// estate opens a company that is in service.
func (h *house) estate(domain string) *estate {
	h.Helper()
	t, err := h.dir.OpenTenant(h.ctx, h.ops, directory.TenantSpec{Name: domain + " Inc."})
	h.must(err)
	e := &estate{house: h, id: t.ID, domain: domain, ids: map[string]string{"tenant": t.ID.String(), "domain": domain, "seq": "1", "name": "nowhere.example"},
		session: map[directory.Role]string{}, account: map[string]directory.Account{}}
	_, err = h.dir.Company(t.ID).AddDomain(h.ctx, h.ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 30})
	h.must(err)
	for _, name := range append([]string{"", "victim", "second"}, roleNames()...) {
		e.person(name)
	}
	e.belongings()
	e.papers()
	return e
}

func roleNames() (names []string) {
	for _, r := range directory.Roles() {
		names = append(names, string(r))
	}
	return names
}

// person makes an account, named by its role, "victim", or "" for one without a role.
func (e *estate) person(name string) {
	e.Helper()
	address, err := mail.ParseAddress(strings.TrimSuffix("user-"+name, "-") + "@" + e.domain)
	e.must(err)
	spec := directory.AccountSpec{Address: address, Password: password}
	if name != "" && name != "victim" && name != "second" {
		spec.Roles = []directory.Role{directory.Role(name)}
	}
	a, err := e.dir.Company(e.id).AddAccount(e.ctx, e.ops, spec)
	e.must(err)
	e.account[name] = a
}

// signIn gives the session of a person.
func (e *estate) signIn(name string) string {
	e.Helper()
	if s := e.session[directory.Role(name)]; s != "" {
		return s
	}
	from := directory.Browser{Origin: mail.Origin{Door: "web", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr("192.0.2.1"), Session: "test"}, Agent: "test"}
	step, err := e.dir.BeginWeb(e.ctx, from, e.account[name].Address.String(), password)
	e.must(err)
	if step.Step == directory.StepEnrol {
		step, err = e.dir.PutOff(e.ctx, from, step.Token)
		e.must(err)
	}
	if step.Step != directory.StepDone {
		e.Fatalf("%s: %s", name, step.Step)
	}
	e.session[directory.Role(name)] = step.Token
	return step.Token
}

// signInOperator gives the session of a new operator.
func (h *house) signInOperator(role directory.OperatorRole) string {
	h.Helper()
	name := "walker-" + string(role)
	_, err := h.dir.AddOperator(h.ctx, h.ops, directory.OperatorSpec{Name: name, Password: password, Role: role})
	h.must(err)
	from := directory.Browser{Origin: mail.Origin{Door: "web", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr("192.0.2.1"), Session: "test"}}
	step, err := h.dir.BeginWeb(h.ctx, from, name, password)
	h.must(err)
	if step.Step == directory.StepEnrol {
		step, err = h.dir.PutOff(h.ctx, from, step.Token)
		h.must(err)
	}
	if step.Step != directory.StepDone {
		h.Fatalf("%s: %s", name, step.Step)
	}
	return step.Token
}

// made makes something through the API as the operator, and notes its id.
func (e *estate) made(param, path string, body any, headers ...string) {
	e.Helper()
	var got struct{ ID string }
	e.operate("POST", "/tenants/"+e.ids["tenant"]+path, body, headers...).into(&got)
	if got.ID == "" {
		e.Fatalf("%s has no id", path)
	}
	e.ids[param] = got.ID
}

// belongings are what the victim and the company have.
func (e *estate) belongings() {
	e.Helper()
	victim := e.account["victim"]
	e.ids["account"], e.ids["member"] = victim.ID.String(), e.account["second"].ID.String()
	if r := e.operate("PATCH", "/tenants/"+e.ids["tenant"]+"/accounts/"+e.ids["account"], object{"department": "Sales"}); r.Code >= 300 {
		e.Fatal(r.Body)
	}
	e.made("shared", "/accounts", object{"address": "shared@" + e.domain, "shared": true})
	if r := e.operate("PUT", "/tenants/"+e.ids["tenant"]+"/accounts/"+e.ids["shared"]+"/seats/"+e.ids["member"], object{"right": "read"}); r.Code >= 300 {
		e.Fatal(r.Body)
	}
	e.made("group", "/groups", object{"name": e.domain + " group"})
	e.made("contact", "/gal/contacts", object{"address": "contact@elsewhere.example", "displayName": e.domain + " contact"})
	e.made("list", "/lists", object{"address": "list@" + e.domain})
	e.made("key", "/keys", object{"name": "payroll", "grants": []object{{"role": "read-only"}}})
	e.made("source", "/ldap", object{"name": "corp", "url": "ldaps://127.0.0.1", "base": "dc=corp,dc=example"})
	e.made("webhook", "/webhooks", object{"url": "https://127.0.0.1/" + e.domain, "events": []string{"*"}})
	e.made("job", "/imports/accounts?dryRun=true", "メールアドレス\r\n", "Content-Type", "text/csv")
	company := e.dir.Company(e.id)
	app, _, err := company.AddAppPassword(e.ctx, e.ops, victim.ID, directory.AppPasswordSpec{Name: "phone"})
	e.must(err)
	e.ids["app"] = app.ID.String()
	e.ids["address"] = "alias@" + e.domain
	alias, err := mail.ParseAddress(e.ids["address"])
	e.must(err)
	e.must(company.AddAlias(e.ctx, e.ops, alias, victim.ID))
	e.signIn("victim")
	sessions, err := company.AccountSessions(e.ctx, victim.ID)
	e.must(err)
	e.ids["session"] = sessions[0].ID.String()
	e.must(e.store.Tenant(e.id).Update(e.ctx, e.ops, "test", func(tx store.Tx) error {
		item := e.waiting()
		err := queue.Put(tx, item)
		e.ids["item"] = item.ID.String()
		return err
	}))
	e.ids["id"] = e.held(victim, "unwanted").String()
	e.ids["passkey"], e.ids["browser"] = victim.ID.String(), victim.ID.String() // nobody has one: any id is unknown
}

// waiting is a message of the victim's that waits.
func (e *estate) waiting() *queue.Item {
	to := mail.Address{Local: "somebody", Domain: "nowhere.example"}
	return &queue.Item{State: store.ItemWaiting, Due: time.Now().Add(time.Hour), Route: queue.RouteRemote(to.Domain), Doc: queue.Doc{
		From: e.account["victim"].Address, Sender: e.account["victim"].ID, Subject: e.domain + " subject", To: []queue.Recipient{{Recipient: mail.Recipient{Address: to}}},
	}}
}

// papers are what operators have.
func (e *estate) papers() {
	e.Helper()
	var got struct{ ID string }
	e.operate("POST", "/operators", object{"name": "op-" + strings.ReplaceAll(e.domain, ".", "-"), "role": "operator"}).into(&got)
	e.ids["operator"] = got.ID
	order := object{"kind": "domain", "tenant": e.ids["tenant"], "domain": object{"name": "more." + e.domain, "plan": "3GB", "ids": 10}}
	e.operate("POST", "/orders", order).into(&got)
	e.ids["order"] = got.ID
}

// object is a JSON object.
type object = map[string]any

// fill puts ids into the places of a path.
func (c call) fill(ids func(name string) string) string {
	path := strings.TrimPrefix(c.path, restd.Prefix)
	for _, m := range placeInPath.FindAllStringSubmatch(c.path, -1) {
		path = strings.ReplaceAll(path, m[0], ids(m[1]))
	}
	return path
}

// need gives the id of a place, and fails the test for one that nobody made.
func (e *estate) need(o call, name string) string {
	e.Helper()
	id := e.ids[name]
	switch {
	case o.ID == "revokeOperatorKey":
		id = e.ids["group"] // any id: it is none of a key
	case o.ID == "resumeMember" && name == "address":
		id = "nobody@" + e.domain
	case strings.HasSuffix(o.ID, "Seat") && name == "account":
		id = e.ids["shared"]
	}
	if id == "" {
		e.Fatalf("%s: give the walks an id for {%s} (estate_test.go)", o.ID, name)
	}
	return id
}

func (e *estate) String() string { return fmt.Sprintf("%s (%s)", e.domain, e.id) }
