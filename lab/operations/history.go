package operations

import (
	"fmt"
	"slices"
	"strings"

	"tegami/mail"
)

// History is what a program saw: for each transaction the results and the state after it, a line each.
type History [][]string

// Compare gives the first difference of two histories as an error.
func Compare(nameA string, a History, nameB string, b History) error {
	for i := range min(len(a), len(b)) {
		if slices.Equal(a[i], b[i]) {
			continue
		}
		j := 0
		for j < len(a[i]) && j < len(b[i]) && a[i][j] == b[i][j] {
			j++
		}
		return fmt.Errorf("transaction %d, line %d:\n%-10s %s\n%-10s %s\nafter:\n  %s",
			i, j, nameA, at(a[i], j), nameB, at(b[i], j), strings.Join(a[i][:j], "\n  "))
	}
	if len(a) != len(b) {
		return fmt.Errorf("%s has %d transactions, %s %d", nameA, len(a), nameB, len(b))
	}
	return nil
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// page collects lines. The model and the runs on stores write the same ones.
type page []string

func (p *page) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *page) result(o Op, what string, err error) {
	if err != nil {
		what = mail.KindOf(err).String()
	}
	p.add("%v: %s", o, what)
}

// box is a line of an account.
func (p *page) box(account int, modseq mail.ModSeq, used, messages int64, keywords []string) {
	p.add("account %d: modseq %d, %d octets, %d messages, keywords %q", account, modseq, used, messages, keywords)
}

// route writes what waits or is held on a route.
func (p *page) route(route string, count int, items []int) {
	p.add("route %s: %d items, %v", route, count, items)
}

// folder is what a line of a mailbox tells.
type folder struct {
	n, account, parent         int
	name, role                 string
	subscribed                 bool
	uidNext                    mail.UID
	modSeq                     mail.ModSeq
	messages, unseen, deletedN uint32
	size                       int64
}

// letter is what a line of a message tells.
type letter struct {
	n      int
	uid    mail.UID
	flags  mail.Flags
	modSeq mail.ModSeq
	size   int64
}

// left is what a line of one that is gone tells.
type left struct {
	uid    mail.UID
	modSeq mail.ModSeq
	n      int
}

// thing is what a line of an object tells.
type thing struct {
	n            int
	kind         string
	unique, mark string
	doc          string
}

// job is what a line of an item tells.
type job struct {
	n, state int
	leased   bool
	tries    int
	route    string
}
