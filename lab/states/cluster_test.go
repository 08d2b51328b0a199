package states_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"tegami/directory"
	"tegami/lab/postgres"
	"tegami/lab/states"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/server/imapd"
	"tegami/store"
	"tegami/store/cluster"
)

// process is one of those that share a cluster: a store with its rooms and a door.
type process struct {
	store store.Store
	dir   *directory.Directory
	door  string
}

func startProcess(t *testing.T, config cluster.Config) process {
	st, err := cluster.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	dir := directory.New(st, directory.Config{Provision: mailbox.Provision})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	boxes := mailbox.New(st, dir, mailbox.Config{})
	door := imapd.New(imapd.Config{Name: "imap", Hostname: "mail.example", Zone: mail.ZoneInternet, AllowPlainAuth: true}, dir, boxes)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); door.Serve(ctx, ln) }()
	t.Cleanup(func() { cancel(); <-ended })
	return process{st, dir, ln.Addr().String()}
}

// TestStatesOnCluster is TestStates where the clients speak with two processes that share a database.
func TestStatesOnCluster(t *testing.T) {
	db := postgres.Start(t).Database(t)
	config := cluster.Config{DSN: db.App, OwnerDSN: db.Owner, Objects: cluster.Folder{Dir: t.TempDir()}, Bus: &cluster.LocalBus{}}
	first := startProcess(t, config)
	config.Node = 1
	second := startProcess(t, config)

	ctx, by := t.Context(), directory.Operator("test", "")
	tenant, err := first.dir.OpenTenant(ctx, by, directory.TenantSpec{Name: "Alpha", Lang: "en", Start: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	company := first.dir.Company(tenant.ID)
	domain := directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10, Options: []directory.Option{directory.OptionIMAPS}}
	if _, err := company.AddDomain(ctx, by, domain); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		spec := directory.AccountSpec{Address: mail.Address{Local: fmt.Sprintf("user%d", n), Domain: "alpha.example"}, Password: "correct horse 1"}
		if _, err := company.AddAccount(ctx, by, spec); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	clients, seconds := number(t, "TEGAMI_STATES", 12), number(t, "TEGAMI_STATES_SECONDS", 6)
	rounds := max(2, seconds/5)
	t.Logf("%d clients, %d s, seed %d", clients, seconds, seed)
	report, err := states.Run(states.Plan{
		Addr: first.door, Other: second.door, User: "user0@alpha.example", Guest: "user1@alpha.example", Password: `"correct horse 1"`,
		Speeches: []states.Speech{states.Plain, states.Rev2, states.Condstore, states.Qresync, states.UIDOnly},
		Clients:  clients, Rounds: rounds, Round: time.Duration(seconds) * time.Second / time.Duration(rounds), Seed: seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("commands: %v", report.Commands)
	t.Logf("refused: %v", report.Refused)
}
