package restd_test

import (
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/server/restd"
)

// manned is a company with an owner and the owner's key.
func manned(t *testing.T) (h *house, tenant mail.TenantID, path, key string) {
	h = newHouse(t)
	tenant = h.company("alpha.example")
	k, text, err := h.dir.Company(tenant).AddKey(h.ctx, h.ops, directory.KeySpec{Name: "owner", Grants: directory.WholeGrants(directory.RoleOwner)})
	h.must(err)
	_ = k
	return h, tenant, "/tenants/" + tenant.String(), text
}

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
	Total int    `json:"total"`
}

// account makes an account and gives its id.
func (h *house) account(tenant mail.TenantID, address string, roles ...directory.Role) string {
	h.Helper()
	addr, err := mail.ParseAddress(address)
	h.must(err)
	a, err := h.dir.Company(tenant).AddAccount(h.ctx, h.ops, directory.AccountSpec{Address: addr, Roles: roles})
	h.must(err)
	return a.ID.String()
}

// TestCP3AppointingOverTheAPI: an owner gives roles by version, sees who has them, and can't leave the company without an owner.
func TestCP3AppointingOverTheAPI(t *testing.T) {
	h, tenant, path, key := manned(t)
	sato, abe := h.account(tenant, "sato@alpha.example", directory.RoleOwner), h.account(tenant, "abe@alpha.example")
	of := path + "/accounts/" + abe + "/grants"
	var none restd.Grants
	got := h.ask(key, http.MethodGet, of, nil).into(&none)
	if len(none.Grants) != 0 {
		t.Errorf("the roles are %+v", none)
	}
	give := restd.Grants{Grants: directory.WholeGrants(directory.RoleHelpDesk)}
	h.ask(key, http.MethodPut, of, give, "If-Match", `"99"`).says(http.StatusPreconditionFailed, "object.changed")
	var given restd.Grants
	h.ask(key, http.MethodPut, of, give, "If-Match", got.Header().Get("ETag")).into(&given)
	if len(given.Grants) != 1 || given.Grants[0].Role != directory.RoleHelpDesk {
		t.Errorf("the roles are %+v", given)
	}
	h.ask(key, http.MethodPut, of, map[string]any{"grants": []any{map[string]any{"role": "king"}}}).says(http.StatusUnprocessableEntity, "role.unknown")

	var who page[restd.Administrator]
	h.ask(key, http.MethodGet, path+"/administrators", nil).into(&who)
	if who.Total != 2 || who.Items[0].Address.String() != "abe@alpha.example" || who.Items[1].Grants[0].Role != directory.RoleOwner {
		t.Errorf("the administrators are %+v", who)
	}
	last := path + "/accounts/" + sato + "/grants"
	h.ask(key, http.MethodPut, last, restd.Grants{Grants: []directory.Grant{}}).says(http.StatusConflict, "account.last_admin")
	h.operate(http.MethodPut, last, restd.Grants{Grants: []directory.Grant{}}).into(&none)
}

// TestCP6RoleTable: the table of roles names each in the request's language, and those of operators to operators only.
func TestCP6RoleTable(t *testing.T) {
	h, _, _, key := manned(t)
	var company, platform page[restd.Role]
	h.ask(key, http.MethodGet, "/roles", nil, "Accept-Language", "ja").into(&company)
	h.operate(http.MethodGet, "/roles", nil).into(&platform)
	if len(company.Items) != len(directory.Roles()) || len(platform.Items) != len(directory.Roles())+2 {
		t.Errorf("%d and %d roles", len(company.Items), len(platform.Items))
	}
	for i, r := range company.Items {
		if r.Name == platform.Items[i].Name || strings.HasPrefix(r.Name, "role.") || len(r.Rights) == 0 {
			t.Errorf("a role is %+v", r)
		}
		for _, right := range r.Rights {
			if !directory.Role(r.Role).Gives(right) {
				t.Errorf("%s is said to have %s", r.Role, right)
			}
		}
	}
}

// TestCP6KeysOverTheAPI: a key is shown once, works at once, and stops at the next request after it was revoked.
func TestCP6KeysOverTheAPI(t *testing.T) {
	h, _, path, key := manned(t)
	var made restd.NewKey
	h.ask(key, http.MethodPost, path+"/keys", restd.KeySpec{Name: "monitor", Grants: directory.WholeGrants(directory.RoleReadOnly)}).into(&made)
	if !strings.HasPrefix(made.Secret, directory.KeyPrefix) || made.Maker != "key:owner" || made.Name != "monitor" {
		t.Errorf("the key is %+v", made)
	}
	list := h.ask(made.Secret, http.MethodGet, path+"/keys", nil)
	var keys page[restd.Key]
	list.into(&keys)
	if keys.Total != 2 || strings.Contains(list.Body.String(), "tgm_") || strings.Contains(list.Body.String(), "hash") {
		t.Errorf("the keys are %s", list.Body)
	}
	h.ask(made.Secret, http.MethodPost, path+"/keys", restd.KeySpec{Name: "more", Grants: directory.WholeGrants(directory.RoleReadOnly)}).says(http.StatusForbidden, "actor.denied")
	if r := h.ask(key, http.MethodDelete, path+"/keys/"+made.ID.String(), nil); r.Code != http.StatusNoContent {
		t.Errorf("revoking: %d %s", r.Code, r.Body)
	}
	h.ask(made.Secret, http.MethodGet, path+"/keys", nil).says(http.StatusUnauthorized, "auth.failed")
}

// TestCP6OperatorsOverTheAPI: operators are made, changed and removed by operators, and one who only looks changes nothing.
func TestCP6OperatorsOverTheAPI(t *testing.T) {
	h, tenant, path, owner := manned(t)
	var guest restd.NewKey
	h.operate(http.MethodPost, "/operator-keys", restd.OperatorKeySpec{Name: "guest", Operator: directory.OperatorReadOnly}).into(&guest)
	var made restd.Operator
	tag := h.operate(http.MethodPost, "/operators", restd.OperatorSpec{Name: "root", Password: "a long password 1", Role: directory.OperatorFull}).into(&made).Header().Get("ETag")
	h.operate(http.MethodPatch, "/operators/"+made.ID.String(), map[string]any{"lang": "en"}, "If-Match", tag).into(&made)
	if made.Lang != "en" || made.Name != "root" {
		t.Errorf("the operator is %+v", made)
	}
	var all page[restd.Operator]
	h.ask(guest.Secret, http.MethodGet, "/operators", nil).into(&all)
	if all.Total != 1 {
		t.Errorf("the operators are %+v", all)
	}
	for _, try := range []struct{ method, path string }{
		{http.MethodDelete, "/operators/" + made.ID.String()}, {http.MethodDelete, "/operator-keys/" + guest.ID.String()},
		{http.MethodDelete, path + "/accounts/" + h.account(tenant, "sato@alpha.example")},
	} {
		h.ask(guest.Secret, try.method, try.path, nil, restd.ReasonHeader, "x").says(http.StatusForbidden, "actor.denied")
	}
	h.ask(owner, http.MethodGet, "/operators", nil).says(http.StatusForbidden, "actor.denied")
	if r := h.operate(http.MethodPut, "/operators/"+made.ID.String()+"/password", map[string]any{"password": "another long one 2"}); r.Code != http.StatusNoContent {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := h.operate(http.MethodDelete, "/operators/"+made.ID.String(), nil); r.Code != http.StatusNoContent {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// TestCP7LogOverTheAPI: who did what stands in the log with the operator's reason, also who looked; it is searched page by page, given
// line by line, exported and verified.
func TestCP7LogOverTheAPI(t *testing.T) {
	h, tenant, path, key := manned(t)
	var root restd.NewKey
	h.operate(http.MethodPost, "/operator-keys", restd.OperatorKeySpec{Name: "root", Operator: directory.OperatorFull}).into(&root)
	id := h.account(tenant, "sato@alpha.example")
	h.ask(root.Secret, http.MethodPut, path+"/accounts/"+id+"/grants", restd.Grants{Grants: directory.WholeGrants(directory.RoleAudit)},
		restd.ReasonHeader, "UTF-8''%E3%81%94%E4%BE%9D%E9%A0%BC", "User-Agent", "curl/8").into(&restd.Grants{})

	var found page[restd.LogLine]
	h.ask(key, http.MethodGet, path+"/log?op=directory.SetGrants", nil).into(&found)
	if len(found.Items) != 1 {
		t.Fatalf("the log has %+v", found)
	}
	l := found.Items[0]
	if l.Actor != "operator-key:root" || l.Role != "operator" || l.Reason != "ご依頼" || l.Agent != "curl/8" || l.Request == "" || l.What == "" || strings.HasPrefix(l.What, "act.") ||
		l.ID.String() != id || l.Name != "sato@alpha.example" || !slices.Contains(l.Changes, restd.LogChange{Path: "grants.0.role", After: "audit-officer"}) {
		t.Errorf("the line is %+v", l)
	}
	var again restd.LogLine
	h.ask(key, http.MethodGet, path+"/log/"+"1", nil).into(&again)
	h.ask(key, http.MethodGet, path+"/log/99999", nil).says(http.StatusNotFound, "log.unknown")

	var seqs []uint64
	for next := ""; ; {
		var p page[restd.LogLine]
		h.ask(key, http.MethodGet, path+"/log?limit=2&cursor="+next, nil).into(&p)
		for _, l := range p.Items {
			seqs = append(seqs, l.Seq)
		}
		if next = p.Next; next == "" || len(seqs) > 100 {
			break
		}
	}
	if len(seqs) < 3 || seqs[len(seqs)-1] != 1 || len(seqs) != int(seqs[0]) {
		t.Errorf("by pages: %v", seqs)
	}

	file := h.ask(key, http.MethodGet, path+"/log.csv?kind=account", nil)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.Body.String(), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 3 || file.Header().Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(file.Body.String(), "\ufeff") {
		t.Errorf("%d: %v, %d rows, %v", file.Code, err, len(rows), file.Header())
	}
	h.ask(key, http.MethodGet, path+"/log.csv?zone=Nowhere", nil).says(http.StatusUnprocessableEntity, "settings.zone")

	var state restd.LogState
	h.ask(key, http.MethodGet, path+"/log-state", nil).into(&state)
	if !state.Whole || state.Lines != int(state.Last) || len(state.Head) != 64 {
		t.Errorf("the log's state is %+v", state)
	}
	var platform page[restd.LogLine]
	h.operate(http.MethodGet, "/log", nil).into(&platform)
	h.operate(http.MethodGet, "/log-state", nil).into(&state)
	if len(platform.Items) == 0 || !state.Whole {
		t.Errorf("the platform's log: %d lines, %+v", len(platform.Items), state)
	}
	h.ask(key, http.MethodGet, "/log", nil).says(http.StatusForbidden, "actor.denied")
}

// TestCP7LooksAreLogged: whoever reads personal data by the API stands in the log, once for a list however long.
func TestCP7LooksAreLogged(t *testing.T) {
	h, tenant, path, key := manned(t)
	id := h.account(tenant, "sato@alpha.example")
	for range 5 {
		if r := h.ask(key, http.MethodGet, path+"/accounts/"+id, nil); r.Code != http.StatusOK {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
	}
	var found page[restd.LogLine]
	h.ask(key, http.MethodGet, path+"/log?op=restd.getAccount", nil).into(&found)
	if len(found.Items) != 1 || !found.Items[0].Seen || found.Items[0].Actor != "key:owner" || found.Items[0].ID.String() != id {
		t.Errorf("looks: %+v", found.Items)
	}
}
