// Command reading measures how fast IMAP servers search, sort and thread, one beside the other, with the same commands on
// the same mailbox. scripts/bench-reading.sh starts the servers.
//
//	reading -n 20000 -runs 5 -server ours=127.0.0.1:24002,user0@alpha.example,secret -server dovecot=127.0.0.1:1143,bench,secret
//
// The first server named is the one the others are compared with. It talks to loopback addresses only.
package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// server is one to be measured.
type server struct{ name, addr, user, password string }

// servers is the value of -server.
type servers []server

func (s *servers) String() string { return fmt.Sprint(*s) }

func (s *servers) Set(text string) error {
	name, rest, _ := strings.Cut(text, "=")
	parts := strings.SplitN(rest, ",", 3)
	if len(parts) != 3 {
		return fmt.Errorf("want NAME=ADDRESS,USER,PASSWORD")
	}
	at, err := netip.ParseAddrPort(parts[0])
	if err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("%s is no loopback address and port", parts[0])
	}
	*s = append(*s, server{name, parts[0], parts[1], parts[2]})
	return nil
}

// figures are the commands that are timed. Each is run once to warm what a server caches, then -runs times.
var figures = []struct{ name, command string }{
	{"search-from-since", "SEARCH FROM person7 SINCE 1-Jan-2025"},
	{"search-subject", "SEARCH SUBJECT zebrafish"},
	{"search-subject-ja", "SEARCH CHARSET UTF-8 SUBJECT {6+}\r\n会議"},
	{"search-text", "SEARCH TEXT zebrafish"},
	{"search-body", "SEARCH BODY zebrafish"},
	{"search-body-ja", "SEARCH CHARSET UTF-8 BODY {6+}\r\n稟議"},
	{"search-to", "SEARCH TO nobody-at-all"},
	{"search-header", "SEARCH HEADER Message-ID <777.bench@example.org>"},
	{"search-unseen", "SEARCH UNSEEN"},
	{"sort-arrival", "SORT (ARRIVAL) UTF-8 ALL"},
	{"sort-date", "SORT (REVERSE DATE) UTF-8 ALL"},
	{"sort-subject", "SORT (SUBJECT) UTF-8 ALL"},
	{"sort-from", "SORT (FROM DATE) UTF-8 ALL"},
	{"sort-size", "SORT (SIZE) UTF-8 ALL"},
	{"thread-references", "THREAD REFERENCES UTF-8 ALL"},
	{"thread-orderedsubject", "THREAD ORDEREDSUBJECT UTF-8 ALL"},
}

func main() {
	n := flag.Int("n", 20_000, "messages in the mailbox")
	runs := flag.Int("runs", 5, "how often each figure is measured; the median counts")
	settle := flag.Duration("settle", 30*time.Second, "how long servers may work in the background once the mailbox is filled")
	only := flag.String("only", "", "figures whose name contains this")
	var list servers
	flag.Var(&list, "server", "NAME=ADDRESS,USER,PASSWORD; several times")
	flag.Parse()
	if len(list) == 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := measure(list, *n, *runs, *settle, *only); err != nil {
		fmt.Fprintln(os.Stderr, "reading:", err)
		os.Exit(1)
	}
}

// measure fills the mailboxes and prints a row for each figure.
func measure(list []server, n, runs int, settle time.Duration, only string) error {
	sessions := make([]*session, len(list))
	for i, s := range list {
		k, err := open(s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		defer k.close()
		sessions[i] = k
		took, err := k.fill(n)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Printf("%s: filled with %d messages, %.0f/s\n", s.name, n, float64(n)/took.Seconds())
	}
	time.Sleep(settle)
	fmt.Print("| figure | hits |")
	for _, s := range list {
		fmt.Printf(" %s ms |", s.name)
	}
	fmt.Println(" ratio |")
	for _, f := range figures {
		if strings.Contains(f.name, only) {
			if err := row(sessions, f.name, f.command, runs); err != nil {
				return err
			}
		}
	}
	return nil
}

// row measures one figure on all servers in turn.
func row(sessions []*session, name, command string, runs int) error {
	var medians []float64
	var hits []int
	for _, k := range sessions {
		found, err := k.count(command) // warms, and shows what comes
		if err != nil {
			return fmt.Errorf("%s: %s: %w", k.name, name, err)
		}
		hits = append(hits, found)
		var times []time.Duration
		for range runs {
			began := time.Now()
			if _, err := k.run(command); err != nil {
				return err
			}
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		medians = append(medians, float64(times[len(times)/2].Microseconds())/1000)
	}
	fmt.Printf("| %s | %d |", name, hits[0])
	for _, m := range medians {
		fmt.Printf(" %.2f |", m)
	}
	fmt.Printf(" %.2f |", medians[len(medians)-1]/medians[0])
	if slices.Min(hits) != slices.Max(hits) {
		fmt.Printf(" the servers differ: %v", hits)
	}
	fmt.Println()
	return nil
}
