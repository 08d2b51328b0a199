package console

import (
	"testing"

	"tegami/docs"
	"tegami/server/restd/openapi"
)

// grammar is that of the API as it is.
func grammar(t testing.TB) (*openapi.Document, []Command) {
	t.Helper()
	d, err := openapi.Parse(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	return d, Commands(d)
}

// TestCP10EveryOperationIsACommand: no two operations are typed the same, no command has two values of a name, and the words are
// those people know.
func TestCP10EveryOperationIsACommand(t *testing.T) {
	d, list := grammar(t)
	if len(list) != len(d.Operations()) || len(list) < 100 {
		t.Fatalf("%d commands of %d operations", len(list), len(d.Operations()))
	}
	seen := map[string]string{}
	for _, c := range list {
		typed := c.Resource + " " + c.Verb
		if seen[typed] != "" {
			t.Errorf("%s is %s and %s", typed, seen[typed], c.Operation.ID)
		}
		seen[typed] = c.Operation.ID
		names := map[string]bool{}
		for _, v := range append(c.Args, c.Flags...) {
			if names[v.flag()] {
				t.Errorf("%s: two values are --%s", typed, v.flag())
			}
			names[v.flag()] = true
		}
	}
	for typed, id := range map[string]string{
		"account add": "createAccount", "account list": "listAccounts", "account show": "getAccount", "account set": "updateAccount",
		"account delete": "deleteAccount", "account suspend": "suspendAccount", "account reset-password": "resetPassword",
		"domain add": "addDomain", "domain set": "changeDomain", "alias add": "addAlias", "group add": "createGroup", "list set-members": "changeMembers",
		"tenant open": "openTenant", "key revoke": "revokeKey", "self show": "getSelf", "settings set": "setSettings",
	} {
		if seen[typed] != id {
			t.Errorf("%s is %q, want %s", typed, seen[typed], id)
		}
	}
}

// TestSplit cuts names into words.
func TestSplit(t *testing.T) {
	for name, want := range map[string]string{
		"listAccounts": "list-accounts", "getDomainSTS": "get-domain-sts", "listGAL": "list-gal", "testLDAPSource": "test-ldap-source", "id": "id",
		"dmarcOverride": "dmarc-override", "getJobReportCSV": "get-job-report-csv",
	} {
		if got := kebab(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
