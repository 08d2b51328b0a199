package states

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// row is what a client knows of a message. A UID of 0 and flags of "?" are not known yet.
type row struct {
	uid    uint32
	flags  string
	modseq uint64
}

const unknownFlags = "?"

// model is a mailbox as a client knows it from the server's responses.
type model struct {
	rows     []row
	validity uint32
	highest  uint64 // the last HIGHESTMODSEQ or MODSEQ that counts for resuming
	told     bool   // that the mailbox has been opened: EXISTS came
	unplaced bool   // there are no numbers (UIDONLY): where a message stands that was not named yet is not known
}

// contradiction is what a server cannot have meant.
type contradiction struct{ what string }

func (c *contradiction) Error() string { return c.what }

func contradict(format string, args ...any) error {
	return &contradiction{fmt.Sprintf(format, args...)}
}

// exists takes "n EXISTS": messages come, but do not go (RFC 9051 §7.4.1).
func (m *model) exists(n uint32) error {
	if m.told && int(n) < len(m.rows) {
		return contradict("%d EXISTS, and %d are known", n, len(m.rows))
	}
	m.told = true
	for len(m.rows) < int(n) {
		m.rows = append(m.rows, row{flags: unknownFlags})
	}
	return nil
}

// expunge takes "n EXPUNGE" (RFC 9051 §7.5.1).
func (m *model) expunge(n uint32) error {
	if n < 1 || int(n) > len(m.rows) {
		return contradict("%d EXPUNGE of %d messages", n, len(m.rows))
	}
	m.rows = slices.Delete(m.rows, int(n-1), int(n))
	return nil
}

// vanished takes VANISHED (RFC 7162 §3.2.10). One whose UID was not asked for yet is among those at the end.
// Earlier ones may never have been seen here.
func (m *model) vanished(uids []uint32, earlier bool) error {
	for _, uid := range uids {
		i := slices.IndexFunc(m.rows, func(r row) bool { return r.uid == uid })
		if i < 0 && earlier {
			continue
		}
		if i < 0 {
			i = m.unnamed(uid)
		}
		if i < 0 {
			return contradict("VANISHED %d, which is not there", uid)
		}
		m.rows = slices.Delete(m.rows, i, i+1)
	}
	return nil
}

// unnamed finds a message whose UID is not known yet and can be this one, by its neighbours; -1 if there is none.
func (m *model) unnamed(uid uint32) int {
	for i, r := range m.rows {
		if r.uid == 0 && (m.unplaced || m.between(i, uid) == nil) {
			return i
		}
	}
	return -1
}

// told is what a FETCH response says of a message; zero values are not said.
type fetched struct {
	uid      uint32
	flags    string
	hasFlags bool
	modseq   uint64
}

// fetch takes "n FETCH": a number stands for the same message until an EXPUNGE, UIDs ascend, and ModSeqs do not go back.
func (m *model) fetch(n uint32, f fetched) error {
	if n < 1 || int(n) > len(m.rows) {
		return contradict("%d FETCH of %d messages", n, len(m.rows))
	}
	return m.learn(int(n-1), f)
}

// uidFetch takes a UIDFETCH (RFC 9586 §3.3). Who has no numbers does not know the places of messages that were not named
// yet: they stand at the end until they are.
func (m *model) uidFetch(f fetched) error {
	i := slices.IndexFunc(m.rows, func(r row) bool { return r.uid == f.uid })
	if i >= 0 {
		return m.learn(i, f)
	}
	if i = slices.IndexFunc(m.rows, func(r row) bool { return r.uid == 0 }); i < 0 {
		return contradict("UIDFETCH %d, which is not there", f.uid)
	}
	m.rows = slices.Delete(m.rows, i, i+1)
	i = slices.IndexFunc(m.rows, func(r row) bool { return r.uid == 0 || r.uid > f.uid })
	if i < 0 {
		i = len(m.rows)
	}
	m.rows = slices.Insert(m.rows, i, row{uid: f.uid, flags: unknownFlags})
	return m.learn(i, f)
}

func (m *model) learn(i int, f fetched) error {
	r := &m.rows[i]
	if f.uid != 0 {
		if r.uid != 0 && r.uid != f.uid {
			return contradict("message %d has UID %d, and had %d", i+1, f.uid, r.uid)
		}
		if err := m.between(i, f.uid); err != nil {
			return err
		}
		r.uid = f.uid
	}
	if f.hasFlags {
		r.flags = f.flags
	}
	if f.modseq != 0 {
		if f.modseq < r.modseq {
			return contradict("the ModSeq of UID %d went from %d back to %d", r.uid, r.modseq, f.modseq)
		}
		r.modseq = f.modseq
	}
	return nil
}

// between holds a UID to its neighbours (RFC 9051 §2.3.1.1).
func (m *model) between(i int, uid uint32) error {
	for _, r := range m.rows[:i] {
		if r.uid >= uid {
			return contradict("message %d has UID %d, behind %d", i+1, uid, r.uid)
		}
	}
	for _, r := range m.rows[i+1:] {
		if r.uid != 0 && r.uid <= uid {
			return contradict("message %d has UID %d, before %d", i+1, uid, r.uid)
		}
	}
	return nil
}

// differs compares with what the server shows when all is quiet. What is not known here is no difference.
func (m *model) differs(now *model) error {
	if len(m.rows) != len(now.rows) {
		return contradict("%d messages are known, and %d are there", len(m.rows), len(now.rows))
	}
	rows := m.rows
	if m.unplaced {
		var err error
		if rows, err = m.placed(now); err != nil {
			return err
		}
	}
	for i, have := range rows {
		is := now.rows[i]
		switch {
		case have.uid != 0 && have.uid != is.uid:
			return contradict("message %d is known as UID %d, and is %d", i+1, have.uid, is.uid)
		case have.flags != unknownFlags && have.flags != is.flags:
			return contradict("UID %d is known with flags %q, and has %q", is.uid, have.flags, is.flags)
		case have.modseq != 0 && have.modseq != is.modseq && is.modseq != 0:
			return contradict("UID %d is known with ModSeq %d, and has %d", is.uid, have.modseq, is.modseq)
		}
	}
	return nil
}

// placed gives the rows with those that were not named yet put between the others, where the server shows messages that are not
// known.
func (m *model) placed(now *model) (rows []row, err error) {
	named := slices.DeleteFunc(slices.Clone(m.rows), func(r row) bool { return r.uid == 0 })
	for _, is := range now.rows {
		if len(named) > 0 && named[0].uid <= is.uid {
			rows, named = append(rows, named[0]), named[1:]
		} else {
			rows = append(rows, row{flags: unknownFlags})
		}
	}
	if len(named) > 0 {
		return nil, contradict("UID %d is known, and is not there", named[0].uid)
	}
	return rows, nil
}

// text writes UIDs and flags, for comparing what two clients see.
func (m *model) text() string {
	var b strings.Builder
	for _, r := range m.rows {
		fmt.Fprintf(&b, "%d %s\n", r.uid, r.flags)
	}
	return b.String()
}

// unknown tells whether something of a message is not known yet.
func (m *model) unknown() bool {
	return slices.ContainsFunc(m.rows, func(r row) bool { return r.uid == 0 || r.flags == unknownFlags })
}

// flagText writes flags in one way, whatever their order; \Recent is the session's own.
func flagText(list []value) string {
	var names []string
	for _, v := range list {
		if n := strings.ToLower(v.text); n != `\recent` {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

// numbers reads a set such as 1:3,7. A set of more than maxSet numbers is an error.
func numbers(set string) (list []uint32, err error) {
	const maxSet = 1 << 20
	for part := range strings.SplitSeq(set, ",") {
		from, to, isRange := strings.Cut(part, ":")
		if !isRange {
			to = from
		}
		lo, err1 := strconv.ParseUint(from, 10, 32)
		hi, err2 := strconv.ParseUint(to, 10, 32)
		if err1 != nil || err2 != nil {
			return nil, contradict("%q is no set", set)
		}
		if lo > hi {
			lo, hi = hi, lo
		}
		if len(list)+int(hi-lo) > maxSet {
			return nil, contradict("the set %q is too large", set)
		}
		for n := lo; n <= hi; n++ {
			list = append(list, uint32(n))
		}
	}
	return list, nil
}
