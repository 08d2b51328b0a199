package states

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sizes between which the clients keep a mailbox.
const (
	fewMessages  = 20
	manyMessages = 250
)

// act is something a client does at random, the oftener the more weight it has.
type act struct {
	weight int
	do     func(*client) error
}

var acts = []act{
	{10, (*client).noop},
	{10, (*client).look},
	{8, (*client).lookByUID},
	{8, (*client).identify},
	{14, (*client).storeByUID},
	{10, (*client).storeByNumber},
	{6, (*client).storeUnchanged},
	{10, (*client).appendOne},
	{8, (*client).expungeOne},
	{2, (*client).expungeAll},
	{5, (*client).copySome},
	{5, (*client).moveSome},
	{6, (*client).search},
	{6, (*client).idle},
	{5, (*client).reopen},
	{3, (*client).lose},
	{5, (*client).pipeline},
	{4, (*client).replaceOne},
	{2, (*client).signInAgain},
	{3, (*client).sort},
}

// step does one thing.
func (c *client) step() error {
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	n := c.rnd.IntN(total)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			return a.do(c)
		}
	}
	return nil
}

var mailboxes = []string{"INBOX", "Other"}

// other gives the mailbox that is not open.
func (c *client) other() string {
	if c.mailbox == mailboxes[0] {
		return mailboxes[1]
	}
	return mailboxes[0]
}

func (c *client) noop() error {
	_, err := c.must("NOOP")
	return err
}

// pick gives a random range of sequence numbers; ok is false in an empty mailbox.
func (c *client) pick(most int) (set string, lo, hi int, ok bool) {
	n := len(c.model.rows)
	if n == 0 {
		return "", 0, 0, false
	}
	lo = 1 + c.rnd.IntN(n)
	hi = min(n, lo+c.rnd.IntN(most))
	return fmt.Sprintf("%d:%d", lo, hi), lo, hi, true
}

// pickUIDs gives some UIDs the client knows.
func (c *client) pickUIDs(most int) (set string, uids []uint32) {
	_, lo, hi, ok := c.pick(most)
	if !ok {
		return "", nil
	}
	var text []string
	for _, r := range c.model.rows[lo-1 : hi] {
		if r.uid != 0 {
			uids = append(uids, r.uid)
			text = append(text, strconv.FormatUint(uint64(r.uid), 10))
		}
	}
	return strings.Join(text, ","), uids
}

func (c *client) look() error {
	if c.speech == UIDOnly {
		return c.lookByUID()
	}
	set, _, _, ok := c.pick(20)
	if !ok {
		return nil
	}
	_, err := c.must("FETCH " + set + " (FLAGS UID)")
	return err
}

func (c *client) lookByUID() error {
	set, uids := c.pickUIDs(20)
	if len(uids) == 0 {
		return c.complete()
	}
	if _, err := c.must("UID FETCH " + set + " (FLAGS)"); err != nil {
		return err
	}
	return c.complete()
}

// identify looks whether messages are still the ones they were.
func (c *client) identify() error {
	set, uids := c.pickUIDs(5)
	if len(uids) == 0 {
		return nil
	}
	_, err := c.run("UID FETCH " + set + " (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
	return err
}

var flagNames = []string{`\Seen`, `\Flagged`, `\Answered`, `\Draft`, "$Forwarded", "Work"}

// change is a random change of flags.
func (c *client) change() (item, flag string, silent bool) {
	flag = flagNames[c.rnd.IntN(len(flagNames))]
	item = []string{"+FLAGS", "-FLAGS", "FLAGS"}[c.rnd.IntN(3)]
	return item, flag, c.rnd.IntN(3) == 0
}

func (c *client) storeByUID() error {
	set, uids := c.pickUIDs(6)
	if len(uids) == 0 {
		return nil
	}
	return c.store("UID STORE "+set, func(i int) bool { return slices.Contains(uids, c.model.rows[i].uid) })
}

func (c *client) storeByNumber() error {
	if c.speech == UIDOnly {
		return c.storeByUID()
	}
	set, lo, hi, ok := c.pick(6)
	if !ok {
		return nil
	}
	return c.store("STORE "+set, func(i int) bool { return i >= lo-1 && i < hi })
}

// store changes flags. What a silent change made of them the client works out by itself (RFC 9051 §6.4.6): the model
// takes it on, so that a server that forgets to tell what others changed is found.
func (c *client) store(command string, touches func(place int) bool) error {
	item, flag, silent := c.change()
	if !silent || c.notified { // what was told on the way would be taken for what came of it
		_, err := c.run(fmt.Sprintf("%s %s (%s)", command, item, flag))
		return err
	}
	want := make(map[int]string)
	for i := range c.model.rows {
		if r := &c.model.rows[i]; touches(i) && r.flags != unknownFlags {
			want[i] = changed(r.flags, item, strings.ToLower(flag))
		}
	}
	for i, flags := range want {
		c.model.rows[i].flags = flags
	}
	_, err := c.run(fmt.Sprintf("%s %s.SILENT (%s)", command, item, flag))
	return err
}

// changed works out what becomes of flags.
func changed(flags, item, flag string) string {
	have := strings.Fields(flags)
	at := slices.Index(have, flag)
	switch {
	case item == "FLAGS":
		have = []string{flag}
	case item == "+FLAGS" && at < 0:
		have = append(have, flag)
	case item == "-FLAGS" && at >= 0:
		have = slices.Delete(have, at, at+1)
	}
	slices.Sort(have)
	return strings.Join(have, " ")
}

// storeUnchanged changes flags unless somebody else did (RFC 7162 §3.1.3).
func (c *client) storeUnchanged() error {
	if c.speech < Condstore {
		return c.storeByUID()
	}
	set, uids := c.pickUIDs(4)
	if len(uids) == 0 {
		return nil
	}
	item, flag, _ := c.change()
	_, err := c.run(fmt.Sprintf("UID STORE %s (UNCHANGEDSINCE %d) %s (%s)", set, max(c.model.highest, 1), item, flag))
	return err
}

func (c *client) appendOne() error {
	if len(c.model.rows) > manyMessages {
		return c.expungeOne()
	}
	mailbox := c.mailbox
	if c.rnd.IntN(4) == 0 {
		mailbox = c.other()
	}
	subject := c.ids.fresh()
	text := "Subject: " + subject + "\r\nFrom: a@example.org\r\n\r\n" + strings.Repeat("line\r\n", c.rnd.IntN(50))
	o, err := c.must(fmt.Sprintf("APPEND %s (%s) {%d+}\r\n%s", c.path(mailbox), flagNames[c.rnd.IntN(len(flagNames))], len(text), text))
	if err != nil {
		return err
	}
	name, args := o.tagged.code()
	if name != "APPENDUID" || len(args) != 2 {
		return contradict("APPEND without APPENDUID: %s", o.tagged.line)
	}
	validity, _ := strconv.ParseUint(args[0], 10, 32)
	uid, _ := strconv.ParseUint(args[1], 10, 32)
	return c.ids.is(mailbox, uint32(validity), uint32(uid), subject)
}

func (c *client) expungeOne() error {
	if len(c.model.rows) < fewMessages {
		return c.appendOne()
	}
	set, uids := c.pickUIDs(3)
	if len(uids) == 0 {
		return nil
	}
	if _, err := c.run("UID STORE " + set + ` +FLAGS (\Deleted)`); err != nil {
		return err
	}
	_, err := c.must("UID EXPUNGE " + set)
	return err
}

func (c *client) expungeAll() error {
	_, err := c.must("EXPUNGE")
	return err
}

func (c *client) copySome() error { return c.transfer("UID COPY") }
func (c *client) moveSome() error { return c.transfer("UID MOVE") }

// transfer copies or moves messages. They must be there under the UIDs that COPYUID names, which identify finds out.
func (c *client) transfer(verb string) error {
	set, uids := c.pickUIDs(3)
	if len(uids) == 0 || len(c.model.rows) < fewMessages || len(c.model.rows) > manyMessages {
		return nil
	}
	from, validity := c.mailbox, c.model.validity
	o, err := c.run(verb + " " + set + " " + c.path(c.other()))
	if err != nil || o.status != "OK" {
		return err
	}
	for _, r := range append(o.untagged, o.tagged) {
		if name, args := r.code(); name == "COPYUID" && len(args) == 3 {
			return c.follow(from, validity, args)
		}
	}
	return nil // nothing of the set was left
}

// follow notes which message a copy is.
func (c *client) follow(from string, validity uint32, args []string) error {
	to, _ := strconv.ParseUint(args[0], 10, 32)
	old, err1 := numbers(args[1])
	made, err2 := numbers(args[2])
	if err1 != nil || err2 != nil || len(old) != len(made) {
		return contradict("COPYUID %v", args)
	}
	for i := range old {
		c.ids.mu.Lock()
		subject, ok := c.ids.subjects[fmt.Sprintf("%s %d %d", from, validity, old[i])]
		c.ids.mu.Unlock()
		if !ok {
			continue
		}
		if err := c.ids.is(c.other(), uint32(to), made[i], subject); err != nil {
			return err
		}
	}
	return nil
}

// search asks for messages by flags. What it names must be there; whether it names all is seen when all is quiet.
func (c *client) search() error {
	command := "SEARCH RETURN (ALL) UNSEEN"
	if c.speech == UIDOnly || c.rnd.IntN(2) == 0 {
		command = "UID " + command
	}
	o, err := c.must(command)
	if err != nil || len(o.untagged) == 0 || strings.HasPrefix(command, "UID") {
		return err
	}
	for _, r := range o.untagged {
		if r.word(0) != "ESEARCH" || r.word(len(r.values)-2) != "ALL" {
			continue
		}
		set, err := numbers(r.values[len(r.values)-1].text)
		if err != nil {
			return err
		}
		if top := slices.Max(set); int(top) > len(c.model.rows) {
			return contradict("SEARCH names %d of %d", top, len(c.model.rows))
		}
	}
	return nil
}

// idle hears for a moment what others do (RFC 2177).
func (c *client) idle() error {
	tag, err := c.send("IDLE")
	if err != nil {
		return err
	}
	r, err := c.conn.read()
	for ; err == nil && r.tag != "+"; r, err = c.conn.read() {
		if err := c.apply(r); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(c.rnd.IntN(60)) * time.Millisecond) // what comes meanwhile is in the buffer
	if _, err := c.conn.net.Write([]byte("DONE\r\n")); err != nil {
		return err
	}
	if _, err = c.until(tag, c.apply); err != nil {
		return err
	}
	return c.complete()
}

// reopen goes to a mailbox, the same or the other.
func (c *client) reopen() error {
	return c.open(mailboxes[c.rnd.IntN(len(mailboxes))])
}

// lose loses the connection and comes back.
func (c *client) lose() error {
	if c.rnd.IntN(2) == 0 { // in the midst of a command
		c.send("UID FETCH 1:* (FLAGS BODY.PEEK[])")
	}
	c.drop()
	if err := c.connect(); err != nil {
		return err
	}
	return c.open(c.mailbox)
}

// pipeline sends several commands at once. They are answered as if they had come one by one.
func (c *client) pipeline() error {
	set, uids := c.pickUIDs(3)
	if len(uids) == 0 {
		return nil
	}
	commands := []string{"NOOP", "UID FETCH " + set + " (FLAGS)", "UID STORE " + set + ` +FLAGS (\Answered)`, "NOOP"}
	var tags []string
	for _, command := range commands {
		tag, err := c.send(command)
		if err != nil {
			return err
		}
		tags = append(tags, tag)
	}
	for _, tag := range tags {
		if _, err := c.until(tag, c.apply); err != nil {
			return err
		}
	}
	return nil
}
