package states

import (
	"fmt"
	"slices"
	"strings"
)

// open selects a mailbox. A client that can, takes up what it knew of it.
func (c *client) open(mailbox string) error {
	known := c.model
	resume := c.canResume() && c.mailbox == mailbox && known.told && known.highest > 0 && known.named()
	c.mailbox, c.model = mailbox, model{unplaced: c.speech == UIDOnly}
	command := "SELECT " + c.path(mailbox)
	if resume {
		command += fmt.Sprintf(" (QRESYNC (%d %d%s))", known.validity, known.highest, knownUIDs(known.rows))
	}
	tag, err := c.send(command)
	if err != nil {
		return err
	}
	var later []*response // what speaks of messages: in the order in which it makes sense (RFC 7162 §3.2.5)
	o, err := c.until(tag, func(r *response) error {
		if name, _ := r.code(); name == "CLOSED" { // what came before was of the other mailbox (RFC 7162 §3.2.11)
			later = nil
		}
		if _, numbered := r.number(0); numbered || r.word(0) == "VANISHED" {
			later = append(later, r)
			return nil
		}
		return c.apply(r)
	})
	if err != nil {
		return err
	}
	if o.status != "OK" {
		return contradict("SELECT refused: %s", o.tagged.line)
	}
	if resume && c.model.validity == known.validity {
		c.model.rows = known.rows
	}
	return c.takeUp(later)
}

func (c *client) canResume() bool { return c.speech == Qresync || c.speech == UIDOnly }

// named tells whether the UIDs of all messages are known. One that was not asked for is none that VANISHED could name.
func (m *model) named() bool {
	return !slices.ContainsFunc(m.rows, func(r row) bool { return r.uid == 0 })
}

// knownUIDs is the third argument of QRESYNC: what the client has.
func knownUIDs(rows []row) string {
	var uids []string
	for _, r := range rows {
		uids = append(uids, fmt.Sprint(r.uid))
	}
	if len(uids) == 0 {
		return ""
	}
	return " " + strings.Join(uids, ",")
}

// takeUp takes what SELECT told of messages: first what went, then what is there, then what changed.
func (c *client) takeUp(later []*response) error {
	for _, kind := range []string{"VANISHED", "EXISTS", "FETCH"} {
		for _, r := range later {
			if r.word(0) != kind && !strings.HasSuffix(r.word(1), kind) {
				continue
			}
			if err := c.apply(r); err != nil {
				return err
			}
		}
	}
	return c.complete()
}

// complete asks for what is not known.
func (c *client) complete() error {
	if !c.model.unknown() {
		return nil
	}
	items := "(UID FLAGS)"
	if c.speech != Plain && c.speech != Rev2 {
		items = "(UID FLAGS MODSEQ)"
	}
	_, err := c.must("UID FETCH 1:* " + items)
	return err
}

// settle hears all that is to be told, and compares the model with what the server shows. Nobody may change the mailbox meanwhile.
func (c *client) settle() (string, error) {
	if _, err := c.must("NOOP"); err != nil {
		return "", err
	}
	truth, err := c.truth()
	if err != nil {
		return "", err
	}
	if err := c.model.differs(truth); err != nil {
		return "", err
	}
	if err := c.counts(truth); err != nil {
		return "", err
	}
	if err := c.found(truth); err != nil {
		return "", err
	}
	c.model.rows = truth.rows
	return truth.text(), nil
}

// truth reads the whole mailbox into a model of its own.
func (c *client) truth() (*model, error) {
	truth := &model{}
	c.into = truth
	defer func() { c.into = nil }()
	command := "FETCH 1:* (UID FLAGS)"
	switch c.speech {
	case Condstore, Qresync:
		command = "FETCH 1:* (UID FLAGS MODSEQ)"
	case UIDOnly:
		command = "UID FETCH 1:* (FLAGS MODSEQ)"
	}
	_, err := c.must(command)
	return truth, err
}

// counts holds SEARCH and STATUS to the truth.
func (c *client) counts(truth *model) error {
	unseen := 0
	for _, r := range truth.rows {
		if !strings.Contains(r.flags, `\seen`) {
			unseen++
		}
	}
	o, err := c.must("STATUS " + c.path(c.mailbox) + " (MESSAGES UNSEEN)")
	if err != nil {
		return err
	}
	want := fmt.Sprintf("(MESSAGES %d UNSEEN %d)", len(truth.rows), unseen)
	if !strings.Contains(last(o.untagged), want) {
		return contradict("STATUS says %s, and it is %s", last(o.untagged), want)
	}
	if o, err = c.must("UID SEARCH RETURN (COUNT) UNSEEN"); err != nil {
		return err
	}
	if want = fmt.Sprintf("COUNT %d", unseen); !strings.HasSuffix(last(o.untagged), want) {
		return contradict("SEARCH says %s, and it is %s", last(o.untagged), want)
	}
	return nil
}

func last(list []*response) string {
	if len(list) == 0 {
		return "nothing"
	}
	return list[len(list)-1].line
}
