package sieve

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// duplicateTags are those of the test duplicate (RFC 7352 §3).
var duplicateTags = []tagSpec{
	{name: "handle", value: stringArg},
	{name: "header", group: "unique", value: stringArg},
	{name: "uniqueid", group: "unique", value: stringArg},
	{name: "seconds", value: numberArg},
	{name: "last"},
}

func checkDuplicate(k *compiler, c *call) {
	if v := c.tag("header"); v != nil && v.list[0].constant() && !validFieldName(v.list[0].fixed) {
		k.fault(c.line, "sieve.field_name", v.list[0].fixed)
	}
}

// testDuplicate tells whether a message of the same unique id came before (RFC 7352 §3). The id is remembered when the
// run has ended well.
func testDuplicate(r *run, c *call) (bool, error) {
	value, ok, err := r.unique(c)
	if !ok || err != nil {
		return false, err
	}
	handle := ""
	if v := c.tag("handle"); v != nil {
		handle = r.string(v)
	}
	id := digest("duplicate", handle, value)
	if err := r.spend(c, askCost); err != nil {
		return false, err
	}
	seen, err := r.host.Seen(r.ctx, id)
	if err != nil {
		return false, hostError(err)
	}
	if !seen || c.has("last") {
		r.track(Track{ID: id, For: r.trackFor(c)})
	}
	return seen, nil
}

// unique gives what tells a message from others. It is not ok when the message has no such thing.
func (r *run) unique(c *call) (string, bool, error) {
	if v := c.tag("uniqueid"); v != nil {
		return "id:" + r.string(v), true, nil
	}
	name := "Message-ID"
	if v := c.tag("header"); v != nil {
		name = r.string(v)
	}
	h, err := r.message.head(r.message.root)
	if err != nil {
		return "", false, err
	}
	fields := h.named(name)
	if len(fields) == 0 || fields[0].value() == "" {
		return "", false, nil
	}
	return "header:" + strings.ToLower(name) + ":" + fields[0].value(), true, nil
}

// trackFor is how long an id is remembered (RFC 7352 §3.3).
func (r *run) trackFor(c *call) time.Duration {
	if v := c.tag("seconds"); v != nil {
		return seconds(v.number, r.limits.TrackMax)
	}
	return r.limits.TrackDefault
}

// seconds makes a duration of a number, at most the longest.
func seconds(n uint64, longest time.Duration) time.Duration {
	if n > uint64(longest/time.Second) {
		return longest
	}
	return time.Duration(n) * time.Second
}

// track notes an id once; the last word counts.
func (r *run) track(t Track) {
	r.result.tracks = slices.DeleteFunc(r.result.tracks, func(have Track) bool { return have.ID == t.ID })
	if len(r.result.tracks) < r.limits.Actions {
		r.result.tracks = append(r.result.tracks, t)
	}
}

// digest names a list of strings in few octets.
func digest(list ...string) string {
	h := sha256.New()
	for _, s := range list {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:24])
}
