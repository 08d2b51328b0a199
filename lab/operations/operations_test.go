package operations

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"tegami/lab/postgres"
	"tegami/store"
	"tegami/store/cluster"
	"tegami/store/embedded"
)

// seeds are how many programs run; TEGAMI_SEEDS asks for more.
func seeds() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("TEGAMI_SEEDS"), 10, 32); err == nil {
		return n
	}
	return 10
}

func openEmbedded(t testing.TB) store.Store {
	s, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s) })
	return s
}

func openCluster(t testing.TB) store.Store {
	db := postgres.Start(t).Database(t)
	s, err := cluster.Open(context.Background(), cluster.Config{
		DSN: db.App, OwnerDSN: db.Owner, Objects: cluster.Folder{Dir: t.TempDir()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s) })
	return s
}

// closed lets a store verify itself and closes it.
func closed(t testing.TB, s store.Store) {
	err := s.Check(context.Background(), false, func(f store.Finding) {
		if !f.Garbage {
			t.Errorf("Check: %+v", f)
		}
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestEmbedded(t *testing.T) {
	stores := map[string]store.Store{"embedded": openEmbedded(t)}
	for seed := range seeds() {
		Check(t, seed, 60, stores)
	}
}

func TestCluster(t *testing.T) {
	stores := map[string]store.Store{"cluster": openCluster(t)}
	for seed := range seeds() {
		Check(t, seed, 60, stores)
	}
}

// TestProgramsDoSomething counts what the programs come to: a generator that makes only refusals tests nothing.
func TestProgramsDoSomething(t *testing.T) {
	results := map[string]int{}
	for seed := range uint64(10) {
		for _, page := range Model(Generate(seed, 60)) {
			for _, line := range page {
				for v := range numVerbs {
					if rest, ok := strings.CutPrefix(line, verbNames[v]+" "); ok {
						_, what, _ := strings.Cut(rest, "): ")
						results[verbNames[v]+" "+strings.Fields(what)[0]]++
					}
				}
			}
		}
	}
	for _, want := range []string{
		"PutObject object", "PutObject conflict", "ChangeObject ok", "ChangeObject conflict", "DeleteObject ok", "DeleteObject conflict",
		"CreateMailbox mailbox", "CreateMailbox conflict", "CreateMailbox not", "SetMailbox ok", "SetMailbox conflict", "SetMailbox invalid", "SetMailbox not",
		"DeleteMailbox ok", "DeleteMailbox conflict", "AddKeyword keyword", "AddMessage message", "AddMessage not", "CopyMessage message",
		"SetFlags uid", "SetFlags not", "MoveMessage uid", "MoveMessage not", "Expunge ok", "Expunge not",
		"PutItem item", "ChangeItem ok", "ChangeItem conflict", "DeleteItem ok", "DeleteItem conflict", "DeleteItem not",
	} {
		if results[want] == 0 {
			t.Errorf("no operation comes to %q; there are %v", want, results)
		}
	}
}

func TestDifferencesAreFoundAndShrunk(t *testing.T) {
	program := Generate(3, 60)
	wrong := func(p Program) History {
		h := Model(p)
		for _, page := range h {
			for i, line := range page {
				if strings.HasPrefix(line, "Expunge") && strings.HasSuffix(line, ": ok") {
					page[i] += " and gone"
				}
			}
		}
		return h
	}
	differs := func(p Program) bool { return Compare("model", Model(p), "wrong", wrong(p)) != nil }
	if !differs(program) {
		t.Fatal("the difference is not found")
	}
	short := Shrink(program, 2000, differs)
	ops := 0
	for _, tx := range short {
		ops += len(tx.Ops)
	}
	if !differs(short) || len(short) > 4 || ops > 5 {
		t.Errorf("shrunk to %d transactions:\n%v", len(short), short)
	}
	if err := Compare("a", History{{"x"}}, "b", History{{"x", "y"}}); err == nil || !strings.Contains(err.Error(), "(nothing)") {
		t.Errorf("a longer page: %v", err)
	}
	if err := Compare("a", History{{"x"}}, "b", nil); err == nil {
		t.Error("a shorter history is no difference")
	}
	once, again := Generate(5, 20), Generate(5, 20)
	if fmt.Sprint(once) != fmt.Sprint(again) {
		t.Error("a seed makes different programs")
	}
}
