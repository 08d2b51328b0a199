package app

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"tegami/mail"
	"tegami/relay"
	"tegami/wire/tlspolicy"
)

// TestPoliciesOutliveARestart keeps policies on disk until their time is over.
func TestPoliciesOutliveARestart(t *testing.T) {
	p := policyFiles{filepath.Join(t.TempDir(), "sts")}
	ctx := t.Context()
	if _, ok, err := p.Policy(ctx, "nobody.example"); ok || err != nil {
		t.Errorf("one that was never kept: %v, %v", ok, err)
	}
	want := relay.StoredPolicy{
		Policy: tlspolicy.Policy{Mode: tlspolicy.Enforce, MX: []string{"mx.x.example"}, MaxAge: time.Hour},
		ID:     "20261123", Fetched: time.Now().UTC().Truncate(time.Second),
	}
	for range 2 {
		if err := p.PutPolicy(ctx, "x.example", want); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok, err := (policyFiles{p.dir}).Policy(ctx, "x.example"); !ok || err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, %v", got, ok, err)
	}
	old := want
	old.Fetched = time.Now().Add(-2 * time.Hour)
	if err := p.PutPolicy(ctx, "old.example", old); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := p.Policy(ctx, "old.example"); ok || err != nil {
		t.Errorf("one whose time is over: %v, %v", ok, err)
	}
	for _, name := range []string{"../../etc/passwd", "a/b.example", "[192.0.2.1]", ""} {
		if err := p.PutPolicy(ctx, name, want); !mail.Is(err, mail.Invalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if files, err := os.ReadDir(p.dir); err != nil || len(files) != 1 {
		t.Errorf("%d files, %v", len(files), err)
	}
}
