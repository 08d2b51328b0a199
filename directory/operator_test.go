package directory_test

import (
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
)

func (h *house) operator(name string, role directory.OperatorRole) directory.OperatorAccount {
	h.Helper()
	o, err := h.AddOperator(h.ctx, h.ops, directory.OperatorSpec{Name: name, Password: password, Role: role})
	h.must(err)
	return o
}

// TestCP6Operators: operators have accounts on the platform; their names are no addresses.
func TestCP6Operators(t *testing.T) {
	h := newHouse(t, directory.Config{})
	root := h.operator("Root", directory.OperatorFull)
	if root.Name != "root" || root.Lang != "ja" || root.State != directory.AccountActive {
		t.Errorf("the operator is %+v", root)
	}
	for _, bad := range []struct {
		spec directory.OperatorSpec
		key  string
	}{
		{directory.OperatorSpec{Name: "root", Role: directory.OperatorFull}, "operator.taken"},
		{directory.OperatorSpec{Name: "sato@alpha.example", Role: directory.OperatorFull}, "operator.name"},
		{directory.OperatorSpec{Name: "", Role: directory.OperatorFull}, "operator.name"},
		{directory.OperatorSpec{Name: strings.Repeat("x", 33), Role: directory.OperatorFull}, "operator.name"},
		{directory.OperatorSpec{Name: "x"}, "role.unknown"},
		{directory.OperatorSpec{Name: "x", Role: directory.OperatorFull, Lang: "fr"}, "lang.unknown"},
		{directory.OperatorSpec{Name: "x", Role: directory.OperatorFull, Password: "\x00"}, "password.malformed"},
	} {
		_, err := h.AddOperator(h.ctx, h.ops, bad.spec)
		if key, _ := mail.TextOf(err); key != bad.key {
			t.Errorf("%+v: %v, want %s", bad.spec, err, bad.key)
		}
	}
	guest := h.operator("guest", directory.OperatorReadOnly)
	list, err := h.Operators(h.ctx)
	h.must(err)
	if len(list) != 2 || list[0] != guest || list[1] != root {
		t.Errorf("the operators are %+v", list)
	}
	changed, err := h.ChangeOperator(h.ctx, h.ops, guest.ID, directory.OperatorChange{Version: guest.Version, Lang: new("en")})
	h.must(err)
	if changed.Lang != "en" || changed.Role != directory.OperatorReadOnly || changed.Version == guest.Version {
		t.Errorf("the operator is %+v", changed)
	}
	_, err = h.ChangeOperator(h.ctx, h.ops, guest.ID, directory.OperatorChange{Version: guest.Version, Lang: new("ja")})
	h.says(err, mail.Conflict, "object.changed")
	h.must(h.RemoveOperator(h.ctx, h.ops, guest.ID))
	h.says(h.RemoveOperator(h.ctx, h.ops, guest.ID), mail.NotFound, "operator.unknown")
	h.says(h.SetOperatorPassword(h.ctx, h.ops, guest.ID, password), mail.NotFound, "operator.unknown")
	h.operator("guest", directory.OperatorFull) // the name is free again
}

// TestCP6LastOperatorStays: the last active operator with all rights can't be taken away but by the machine itself.
func TestCP6LastOperatorStays(t *testing.T) {
	h := newHouse(t, directory.Config{})
	root := h.operator("root", directory.OperatorFull)
	guest := h.operator("guest", directory.OperatorReadOnly)
	by := mail.MintActor(mail.Operator, 0, root.ID, "operator:root", mail.Origin{})
	h.says(h.RemoveOperator(h.ctx, by, root.ID), mail.Conflict, "operator.last")
	for _, change := range []directory.OperatorChange{
		{State: new(directory.AccountSuspended)}, {Role: new(directory.OperatorReadOnly)},
	} {
		_, err := h.ChangeOperator(h.ctx, by, root.ID, change)
		h.says(err, mail.Conflict, "operator.last")
	}
	_, err := h.ChangeOperator(h.ctx, by, guest.ID, directory.OperatorChange{Role: new(directory.OperatorFull)})
	h.must(err)
	_, err = h.ChangeOperator(h.ctx, by, root.ID, directory.OperatorChange{State: new(directory.AccountSuspended)})
	h.must(err)
	_, err = h.AddOperator(h.ctx, by, directory.OperatorSpec{Name: "late", Role: directory.OperatorFull})
	h.says(err, mail.Denied, "actor.denied") // he is suspended by now
	h.must(h.RemoveOperator(h.ctx, h.ops, guest.ID))
}

// TestCP6OperatorsSayWhy: an operator's act in a company stands in that company's own log with a reason; what the machine itself
// does has one without saying it.
func TestCP6OperatorsSayWhy(t *testing.T) {
	h := newHouse(t, directory.Config{})
	c := h.company("alpha.example", 10)
	by := mail.MintActor(mail.Operator, 0, 7, "operator:sato", mail.Origin{})
	_, err := c.AddAccount(h.ctx, by, directory.AccountSpec{Address: addr("a@alpha.example")})
	h.says(err, mail.Invalid, "reason.required")
	_, err = c.AddAccount(h.ctx, by.For("お電話でのご依頼"), directory.AccountSpec{Address: addr("a@alpha.example")})
	h.must(err)
	h.account(c, "b@alpha.example")
	tenant := c.ID()
	_, err = h.SetTenantState(h.ctx, by, tenant, directory.TenantSuspended)
	h.says(err, mail.Invalid, "reason.required")
	_, err = h.SetTenantState(h.ctx, by.For("unpaid"), tenant, directory.TenantSuspended)
	h.must(err)

	page, err := c.Log(h.ctx, directory.LogQuery{})
	h.must(err)
	reasons := make(map[string]string)
	for _, l := range page.Lines {
		reasons[l.Kind+" "+l.Name] = l.Actor + ": " + l.Reason
	}
	for what, want := range map[string]string{
		"account a@alpha.example": "operator:sato: お電話でのご依頼",
		"account b@alpha.example": "operator:test: " + directory.MachineReason,
	} {
		if reasons[what] != want {
			t.Errorf("%s by %q, want %q", what, reasons[what], want)
		}
	}
	if l := page.Lines[0]; l.Kind != "contract" || l.Reason != "unpaid" || l.Actor != "operator:sato" {
		t.Errorf("the contract's change is %+v", l)
	}
}
