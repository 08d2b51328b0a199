package states

import (
	"strings"
	"testing"
)

// heard feeds lines of a server to a client that has a model, and gives the first contradiction.
func heard(c *client, lines ...string) error {
	for _, line := range lines {
		tag, rest, _ := strings.Cut(line, " ")
		p := parser{rest: rest}
		if err := c.apply(&response{tag: tag, values: p.list(), line: line}); err != nil {
			return err
		}
	}
	return nil
}

// The model notices what a server must not say. Each case ends in a contradiction, and only there.
func TestContradictions(t *testing.T) {
	tests := []struct {
		name   string
		speech Speech
		right  []string
		wrong  string
	}{
		{"fewer messages without a word", Plain, []string{"* 3 EXISTS"}, "* 2 EXISTS"},
		{"expunge past the end", Plain, []string{"* 3 EXISTS", "* 3 EXPUNGE", "* 2 EXPUNGE"}, "* 2 EXPUNGE"},
		{"fetch past the end", Plain, []string{"* 3 EXISTS"}, "* 4 FETCH (UID 4)"},
		{"another UID", Plain, []string{"* 3 EXISTS", "* 2 FETCH (UID 7)"}, "* 2 FETCH (UID 8)"},
		{"a number that stayed", Plain, []string{"* 3 EXISTS", "* 2 FETCH (UID 7)", "* 1 EXPUNGE", "* 1 FETCH (UID 7)"}, "* 2 FETCH (UID 7)"},
		{"UIDs that descend", Plain, []string{"* 3 EXISTS", "* 1 FETCH (UID 7)"}, "* 2 FETCH (UID 6)"},
		{"VANISHED not asked for", Condstore, []string{"* 3 EXISTS"}, "* VANISHED 1"},
		{"EXPUNGE in place of VANISHED", Qresync, []string{"* 3 EXISTS"}, "* 1 EXPUNGE"},
		{"VANISHED of what is not there", Qresync, []string{"* 1 EXISTS", "* 1 FETCH (UID 7 FLAGS ())"}, "* VANISHED 8"},
		{"VANISHED of a UID in between", Qresync, []string{"* 2 EXISTS", "* 1 FETCH (UID 7 FLAGS ())", "* VANISHED (EARLIER) 1:6"}, "* VANISHED 6"},
		{"a ModSeq that goes back", Condstore, []string{"* 1 EXISTS", "* 1 FETCH (MODSEQ (9))"}, "* 1 FETCH (MODSEQ (8))"},
		{"HIGHESTMODSEQ goes back", Condstore, []string{"* OK [HIGHESTMODSEQ 9] x"}, "* OK [HIGHESTMODSEQ 8] x"},
		{"numbers for UIDONLY", UIDOnly, []string{"* 1 EXISTS", "* 5 UIDFETCH (FLAGS ())"}, "* 1 FETCH (UID 5)"},
		{"the end", Plain, nil, "* BYE so long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &client{speech: tt.speech, ids: &identities{subjects: map[string]string{}}}
			if err := heard(c, tt.right...); err != nil {
				t.Fatalf("too early: %v", err)
			}
			if err := heard(c, tt.wrong); !isFinding(err) {
				t.Errorf("%v", err)
			}
		})
	}
}

// While a command uses numbers they stay.
func TestNoExpungeAmongNumbers(t *testing.T) {
	c := &client{}
	if err := heard(c, "* 3 EXISTS"); err != nil {
		t.Fatal(err)
	}
	c.numbered = true
	if err := heard(c, "* 1 EXPUNGE"); !isFinding(err) {
		t.Errorf("%v", err)
	}
}

// A message cannot become another.
func TestIdentity(t *testing.T) {
	c := &client{mailbox: "INBOX", ids: &identities{subjects: map[string]string{}}}
	first := "* 1 FETCH (UID 5 BODY[HEADER.FIELDS (SUBJECT)] {12}\r\nSubject: a\r\n)"
	if err := heard(c, "* 1 EXISTS", first, first); err != nil {
		t.Fatal(err)
	}
	if err := heard(c, strings.Replace(first, "Subject: a", "Subject: b", 1)); !isFinding(err) {
		t.Errorf("%v", err)
	}
}

// In quiet the model is what the server shows.
func TestDiffers(t *testing.T) {
	base := model{rows: []row{{1, "", 5}, {2, `\seen`, 6}}}
	if err := base.differs(&model{rows: []row{{1, "", 5}, {2, `\seen`, 6}}}); err != nil {
		t.Error(err)
	}
	for name, now := range map[string]model{
		"fewer": {rows: base.rows[:1]}, "UID": {rows: []row{{1, "", 5}, {3, `\seen`, 6}}},
		"flags": {rows: []row{{1, "", 5}, {2, "", 6}}}, "modseq": {rows: []row{{1, "", 5}, {2, `\seen`, 7}}},
	} {
		if err := base.differs(&now); err == nil {
			t.Errorf("%s: not seen", name)
		}
	}
}

// Without numbers, a message that was not named yet may stand anywhere, but one that was named must be there.
func TestDiffersUnplaced(t *testing.T) {
	m := model{unplaced: true, rows: []row{{1, "", 5}, {4, "", 6}, {0, unknownFlags, 0}}}
	if err := m.differs(&model{rows: []row{{1, "", 5}, {2, "", 9}, {4, "", 6}}}); err != nil {
		t.Error(err)
	}
	if err := m.differs(&model{rows: []row{{1, "", 5}, {2, "", 9}, {3, "", 6}}}); err == nil {
		t.Error("UID 4 is gone, and nobody noticed")
	}
}
