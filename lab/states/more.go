package states

import (
	"bufio"
	"compress/flate"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// guestEvery is which of the clients are the guest's. It shares no divisor with the number of speeches, so that he speaks in all.
const guestEvery = 4

// path is how the client names a mailbox.
func (c *client) path(mailbox string) string {
	if c.owner == "" {
		return mailbox
	}
	return `"Other Users/` + c.owner + "/" + mailbox + `"`
}

// prepare makes what all clients work with.
func (c *client) prepare(guest string) error {
	if _, err := c.run("CREATE " + mailboxes[1]); err != nil || guest == "" {
		return err
	}
	for _, mailbox := range mailboxes {
		if _, err := c.must("SETACL " + mailbox + " " + guest + " lrswipkxte"); err != nil {
			return err
		}
	}
	return nil
}

// signIn signs in, compresses at random, and says how the client speaks.
func (c *client) signIn() error {
	if _, err := c.must("LOGIN " + c.user + " " + c.password); err != nil {
		return err
	}
	if c.rnd != nil && c.rnd.IntN(3) == 0 {
		if _, err := c.must("COMPRESS DEFLATE"); err != nil {
			return err
		}
		if err := c.conn.compress(); err != nil {
			return err
		}
	}
	if names := c.speech.enables(); names != "" {
		if _, err := c.must("ENABLE " + names); err != nil {
			return err
		}
	}
	c.notified = c.rnd != nil && c.rnd.IntN(4) == 0
	if !c.notified {
		return nil
	}
	_, err := c.must("NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))")
	return err
}

// compress begins compression in both directions (RFC 4978).
func (k *conn) compress() error {
	out, err := flate.NewWriter(k.net, flate.BestSpeed)
	plain := k.in
	k.in = bufio.NewReader(flate.NewReader(plain))
	k.net = &deflated{k.net, out}
	return err
}

// deflated compresses what is written.
type deflated struct {
	net.Conn
	out *flate.Writer
}

func (d *deflated) Write(p []byte) (int, error) {
	n, err := d.out.Write(p)
	if err == nil {
		err = d.out.Flush()
	}
	return n, err
}

// signInAgain forgets who was signed in and signs in anew (RFC 8437).
func (c *client) signInAgain() error {
	if _, compressed := c.conn.net.(*deflated); compressed {
		return c.noop()
	}
	if _, err := c.must("UNAUTHENTICATE"); err != nil {
		return err
	}
	if err := c.signIn(); err != nil {
		return err
	}
	return c.open(c.mailbox)
}

// replaceOne puts a message in the place of another (RFC 8508).
func (c *client) replaceOne() error {
	_, uids := c.pickUIDs(1)
	if len(uids) == 0 {
		return nil
	}
	subject := c.ids.fresh()
	text := "Subject: " + subject + "\r\n\r\nreplaced\r\n"
	o, err := c.run(fmt.Sprintf("UID REPLACE %d %s (%s) {%d+}\r\n%s", uids[0], c.path(c.mailbox), flagNames[c.rnd.IntN(len(flagNames))], len(text), text))
	if err != nil || o.status != "OK" {
		return err
	}
	for _, r := range o.untagged {
		if name, args := r.code(); name == "APPENDUID" && len(args) == 2 {
			validity, _ := strconv.ParseUint(args[0], 10, 32)
			uid, _ := strconv.ParseUint(args[1], 10, 32)
			return c.ids.is(c.mailbox, uint32(validity), uint32(uid), subject)
		}
	}
	return contradict("REPLACE without APPENDUID")
}

// sort asks for an order while others change the mailbox; whether it is right is seen when all is quiet.
func (c *client) sort() error {
	_, err := c.must([]string{"UID SORT (SUBJECT) UTF-8 ALL", "UID SORT (REVERSE ARRIVAL SIZE) UTF-8 UNSEEN", "UID THREAD REFERENCES UTF-8 ALL"}[c.rnd.IntN(3)])
	return err
}

// found holds searches by text, sorting and parts of results to the truth.
func (c *client) found(truth *model) error {
	subjects := c.subjects(truth)
	order, err := c.ask("UID SORT (SUBJECT) UTF-8 ALL", "SORT")
	if err != nil {
		return err
	}
	uids := make([]uint32, len(truth.rows))
	for i, r := range truth.rows {
		uids[i] = r.uid
	}
	if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, uids) {
		return contradict("SORT gives %v, and there are %v", sorted, uids)
	}
	order = slices.DeleteFunc(order, func(uid uint32) bool { return subjects[uid] == "" })
	if !slices.IsSortedFunc(order, func(a, b uint32) int { return strings.Compare(subjects[a], subjects[b]) }) {
		return contradict("SORT by subject gives %v of %v", order, subjects)
	}
	if len(order) == 0 {
		return nil
	}
	word := subjects[order[c.rnd.IntN(len(order))]]
	for _, key := range []string{"SUBJECT", "TEXT"} {
		if err := c.findWord(key, word, subjects); err != nil {
			return err
		}
	}
	return nil
}

// subjects gives those that are known of the messages there are.
func (c *client) subjects(truth *model) map[uint32]string {
	known := map[uint32]string{}
	c.ids.mu.Lock()
	defer c.ids.mu.Unlock()
	for _, r := range truth.rows {
		known[r.uid] = c.ids.subjects[fmt.Sprintf("%s %d %d", c.mailbox, c.model.validity, r.uid)]
	}
	return known
}

// findWord looks for messages by a subject.
func (c *client) findWord(key, word string, subjects map[uint32]string) error {
	got, err := c.ask("UID SEARCH RETURN () "+key+" "+word, "ESEARCH")
	if err != nil {
		return err
	}
	for uid, subject := range subjects {
		if subject != "" && strings.Contains(subject, word) != slices.Contains(got, uid) {
			return contradict("SEARCH %s %s gives %v, and UID %d has %q", key, word, got, uid, subject)
		}
	}
	return nil
}

// ask runs a search and gives the numbers of its answer.
func (c *client) ask(command, name string) (list []uint32, err error) {
	o, err := c.must(command)
	if err != nil {
		return nil, err
	}
	for _, r := range o.untagged {
		if r.word(0) != name {
			continue
		}
		values := r.values[1:]
		if name == "ESEARCH" {
			if r.word(len(r.values)-2) != "ALL" {
				return nil, nil
			}
			values = r.values[len(r.values)-1:]
		}
		for _, v := range values {
			some, err := numbers(v.text)
			if err != nil {
				return nil, err
			}
			list = append(list, some...)
		}
		return list, nil
	}
	return nil, contradict("%s is not answered", command)
}
