package states

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Speech is how a client speaks.
type Speech uint8

// Ways to speak.
const (
	Plain     Speech = iota // IMAP4rev1 as RFC 3501 has it
	Rev2                    // ENABLE IMAP4rev2
	Condstore               // ENABLE CONDSTORE
	Qresync                 // ENABLE QRESYNC, and connections are resumed with it
	UIDOnly                 // ENABLE UIDONLY, with QRESYNC
	speeches  = 5
)

func (s Speech) String() string {
	return [...]string{"rev1", "rev2", "condstore", "qresync", "uidonly"}[s]
}

// enables is what ENABLE is given.
func (s Speech) enables() string {
	return [...]string{"", "IMAP4rev2", "CONDSTORE", "QRESYNC", "QRESYNC UIDONLY"}[s]
}

// needs is the capability the speech is possible with.
func (s Speech) needs() string {
	return [...]string{"IMAP4REV1", "IMAP4REV2", "CONDSTORE", "QRESYNC", "UIDONLY"}[s]
}

// identities is what all clients know together: which message a UID is. That never changes (RFC 9051 §2.3.1.1).
type identities struct {
	mu       sync.Mutex
	subjects map[string]string // by mailbox, UIDVALIDITY and UID
	serial   int
}

// is notes or checks a message's subject.
func (d *identities) is(mailbox string, validity, uid uint32, subject string) error {
	key := fmt.Sprintf("%s %d %d", mailbox, validity, uid)
	d.mu.Lock()
	defer d.mu.Unlock()
	if old, ok := d.subjects[key]; ok && old != subject {
		return contradict("%s is %q, and was %q", key, subject, old)
	}
	d.subjects[key] = subject
	return nil
}

// fresh makes a subject nobody else has.
func (d *identities) fresh() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.serial++
	return "check-" + strconv.Itoa(d.serial)
}

// transcriptLines is how much of a client's dialogue a finding shows.
const transcriptLines = 200

// client is one client: a connection, a model, and what it did last.
type client struct {
	name     string
	addr     string
	user     string
	password string
	speech   Speech
	rnd      *rand.Rand
	ids      *identities

	owner    string // whose mailboxes these are; "" = the user's own
	notified bool   // it hears of the open mailbox while no command runs (RFC 5465)

	conn     *conn
	mailbox  string
	model    model
	into     *model // where FETCH responses go while the truth is read; nil = the model
	numbered bool   // a command that uses numbers runs: nothing may be expunged (RFC 9051 §7.5.1)
	lines    []string
	done     map[string]int // commands, by their name
	refused  map[string]int // NO, by response code
}

// connect signs in and says how the client speaks.
func (c *client) connect() error {
	k, err := dial(c.addr)
	if err != nil {
		return err
	}
	c.conn = k
	return c.signIn()
}

// drop loses the connection, as a train in a tunnel does.
func (c *client) drop() {
	c.conn.net.Close()
	c.conn = nil
}

// must is run for what may not be refused.
func (c *client) must(command string) (*outcome, error) {
	o, err := c.run(command)
	if err == nil && o.status != "OK" {
		err = contradict("refused: %s", o.tagged.line)
	}
	return o, err
}

// outcome is what came back for a command.
type outcome struct {
	status   string
	tagged   *response
	untagged []*response
}

// run sends a command, takes all responses into the model, and gives what came.
func (c *client) run(command string) (*outcome, error) {
	tag, err := c.send(command)
	if err != nil {
		return nil, err
	}
	return c.until(tag, c.apply)
}

// send begins a command.
func (c *client) send(command string) (tag string, err error) {
	verb := strings.Fields(command)
	name := verb[0]
	if name == "UID" {
		name += " " + verb[1]
	}
	c.done[name]++
	c.numbered = name == "FETCH" || name == "STORE" || name == "SEARCH"
	c.note("C: " + command)
	return c.conn.send(command)
}

// until reads to the end of a command.
func (c *client) until(tag string, apply func(*response) error) (*outcome, error) {
	o := &outcome{}
	for {
		r, err := c.conn.read()
		if err != nil {
			return nil, fmt.Errorf("while reading: %w", err)
		}
		c.note("S: " + r.line)
		switch r.tag {
		case "*":
			o.untagged = append(o.untagged, r)
			if err := apply(r); err != nil {
				return nil, err
			}
		case tag:
			return c.finish(o, r)
		default:
			return nil, contradict("a response for %q while %s runs", r.tag, tag)
		}
	}
}

func (c *client) finish(o *outcome, r *response) (*outcome, error) {
	o.tagged, o.status = r, r.word(0)
	c.numbered = false
	switch o.status {
	case "OK":
		if name, args := r.code(); name == "HIGHESTMODSEQ" {
			return o, c.reached(args)
		}
		return o, nil
	case "NO":
		code, _ := r.code()
		c.refused[code]++
		return o, nil
	}
	return nil, contradict("%s", r.line)
}

func (c *client) note(line string) {
	if len(c.lines) == transcriptLines {
		c.lines = slices.Delete(c.lines, 0, 1)
	}
	if len(line) > 400 {
		line = line[:400] + " …"
	}
	c.lines = append(c.lines, line)
}

// apply takes an untagged response into the model.
func (c *client) apply(r *response) error {
	if n, ok := r.number(0); ok {
		return c.applyNumbered(r, n)
	}
	switch r.word(0) {
	case "VANISHED":
		return c.applyVanished(r)
	case "BYE":
		return contradict("%s", r.line)
	case "OK":
		return c.applyCode(r)
	}
	return nil
}

func (c *client) applyNumbered(r *response, n uint32) error {
	switch r.word(1) {
	case "EXISTS":
		return c.model.exists(n)
	case "EXPUNGE":
		if c.numbered {
			return contradict("EXPUNGE while a command with numbers runs")
		}
		if c.speech == Qresync || c.speech == UIDOnly {
			return contradict("EXPUNGE for who asked for VANISHED")
		}
		return c.model.expunge(n)
	case "FETCH":
		if c.speech == UIDOnly {
			return contradict("FETCH for who asked for UIDFETCH")
		}
		return c.applyFetch(r, n)
	case "UIDFETCH":
		f, err := c.fetched(r)
		f.uid = n
		if err != nil {
			return err
		}
		if c.into != nil {
			c.into.rows = append(c.into.rows, row{uid: n, flags: f.flags, modseq: f.modseq})
			return nil
		}
		return c.model.uidFetch(f)
	}
	return nil
}

func (c *client) applyFetch(r *response, n uint32) error {
	f, err := c.fetched(r)
	if err != nil {
		return err
	}
	if c.into != nil {
		if int(n) != len(c.into.rows)+1 {
			return contradict("message %d is shown after %d", n, len(c.into.rows))
		}
		c.into.rows = append(c.into.rows, row{uid: f.uid, flags: f.flags, modseq: f.modseq})
		return nil
	}
	return c.model.fetch(n, f)
}

// fetched reads the items of a FETCH response, and checks which message it is where that is told.
func (c *client) fetched(r *response) (f fetched, err error) {
	f.flags = unknownFlags
	if len(r.values) < 3 || !r.values[2].isList {
		return f, contradict("FETCH without items: %s", r.line)
	}
	items, subject := r.values[2].list, ""
	for i := 0; i+1 < len(items); i += 2 {
		v := items[i+1]
		switch name := strings.ToUpper(items[i].text); {
		case name == "UID":
			n, _ := strconv.ParseUint(v.text, 10, 32)
			f.uid = uint32(n)
		case name == "FLAGS":
			f.flags, f.hasFlags = flagText(v.list), true
		case name == "MODSEQ" && len(v.list) == 1:
			f.modseq, _ = strconv.ParseUint(v.list[0].text, 10, 64)
		case strings.HasPrefix(name, "BODY["):
			subject = v.text
		}
	}
	if subject != "" {
		uid := f.uid
		if uid == 0 {
			uid, _ = r.number(0) // a UIDFETCH
		}
		_, text, _ := strings.Cut(strings.TrimSpace(subject), ": ")
		err = c.ids.is(c.mailbox, c.model.validity, uid, text)
	}
	return f, err
}

func (c *client) applyVanished(r *response) error {
	if c.speech != Qresync && c.speech != UIDOnly {
		return contradict("VANISHED for who did not ask for it")
	}
	earlier := len(r.values) > 2 && r.values[1].isList
	set, err := numbers(r.values[len(r.values)-1].text)
	if err != nil {
		return err
	}
	if c.numbered && !earlier {
		return contradict("VANISHED while a command with numbers runs")
	}
	return c.model.vanished(set, earlier)
}

// applyCode takes response codes that say something of the mailbox.
func (c *client) applyCode(r *response) error {
	switch name, args := r.code(); name {
	case "UIDVALIDITY":
		n, err := strconv.ParseUint(args[0], 10, 32)
		c.model.validity = uint32(n)
		return err
	case "HIGHESTMODSEQ":
		return c.reached(args)
	case "NOMODSEQ":
		return contradict("%s", r.line)
	}
	return nil
}

// reached takes a HIGHESTMODSEQ.
func (c *client) reached(args []string) error {
	n, err := strconv.ParseUint(args[0], 10, 64)
	if err == nil && n < c.model.highest {
		return contradict("HIGHESTMODSEQ went from %d back to %d", c.model.highest, n)
	}
	c.model.highest = n
	return err
}

// isFinding tells whether an error is the server's contradiction and not a connection that was lost.
func isFinding(err error) bool {
	var c *contradiction
	return errors.As(err, &c)
}
