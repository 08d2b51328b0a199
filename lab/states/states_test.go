package states_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"tegami/lab/platform"
	"tegami/lab/states"
)

// TestStates lets random clients of every speech work on one account and finds no contradiction. TEGAMI_STATES is the number
// of clients, TEGAMI_STATES_SECONDS how long they work; make states does it with 50 clients for a minute.
func TestStates(t *testing.T) {
	p := platform.Start(t, 2)
	user := platform.User(0)
	can, err := states.Capable(p.Demo.IMAP, user, platform.Password, []states.Speech{states.Plain, states.Rev2, states.Condstore, states.Qresync, states.UIDOnly})
	if err != nil {
		t.Fatal(err)
	}
	clients, seconds := number(t, "TEGAMI_STATES", 15), number(t, "TEGAMI_STATES_SECONDS", 6)
	rounds := max(2, seconds/5)
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d clients, %d s, speeches %v, seed %d", clients, seconds, can, seed)
	report, err := states.Run(states.Plan{
		Addr: p.Demo.IMAP, User: user, Guest: platform.User(1), Password: platform.Password, Speeches: can,
		Clients: clients, Rounds: rounds, Round: time.Duration(seconds) * time.Second / time.Duration(rounds), Seed: seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("commands: %v", report.Commands)
	t.Logf("refused: %v", report.Refused)
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
