package imapd

import (
	"cmp"
	"slices"

	"tegami/wire/imap"
)

// threader puts messages into threads by RFC 5256 §3. It only ever notes who is whose parent; lists of children are
// made at the end, from the messages in their order, so that each step is one pass.
type threader struct {
	nodes      []threadNode
	messages   int
	byID       map[uint64]int32 // node of a message id
	order      []int32          // nodes of messages by sent date
	roots      []int32          // in the order in which they are told
	references []uint64         // scratch
}

// threadMessage is what is known of a message.
type threadMessage struct {
	sent       int64    // sent date in seconds
	subject    uint32   // number of its base subject, 0 where that is empty
	reply      bool     // its subject has a mark of a reply or forward
	id         uint64   // number of its message id, 0 = none
	references []uint64 // oldest first
}

// threadNode is a message, or a dummy for one that is not there.
type threadNode struct {
	message int32 // place of the message, none for a dummy
	parent  int32
	kids    int32 // how many have it as parent
	sent    int64
	subject uint32
	reply   bool

	first, next int32 // child and sibling, at the end
}

// none stands for no node and no message.
const none = -1

func newThreader(n int) *threader {
	return &threader{nodes: make([]threadNode, 0, n+n/4), byID: make(map[uint64]int32, n)}
}

func (t *threader) node() int32 {
	t.nodes = append(t.nodes, threadNode{message: none, parent: none, first: none, next: none})
	return int32(len(t.nodes) - 1)
}

// add takes the next message in the order of the mailbox (step 1).
func (t *threader) add(m *threadMessage) {
	own := t.own(m.id)
	n := &t.nodes[own]
	n.message, n.sent, n.subject, n.reply = int32(t.messages), m.sent, m.subject, m.reply
	t.messages++
	t.order = append(t.order, own)
	last := int32(none)
	for _, id := range m.references {
		ref, ok := t.byID[id]
		if !ok {
			ref = t.node()
			t.byID[id] = ref
		}
		if t.nodes[ref].parent == none {
			t.link(last, ref)
		}
		last = ref
	}
	t.unlink(own)
	t.link(last, own)
}

// own gives the node of a message: the dummy that stood for its id, or a new one. A second message with an id has none.
func (t *threader) own(id uint64) int32 {
	if id == 0 {
		return t.node()
	}
	n, ok := t.byID[id]
	switch {
	case !ok:
		n = t.node()
		t.byID[id] = n
	case t.nodes[n].message != none:
		n = t.node()
	}
	return n
}

// link makes a node the child of another, unless it would become its own ancestor.
func (t *threader) link(parent, child int32) {
	if parent == none || parent == child {
		return
	}
	if t.nodes[child].kids > 0 {
		for n := parent; n != none; n = t.nodes[n].parent {
			if n == child {
				return
			}
		}
	}
	t.nodes[child].parent = parent
	t.nodes[parent].kids++
}

func (t *threader) unlink(child int32) {
	if parent := t.nodes[child].parent; parent != none {
		t.nodes[parent].kids--
		t.nodes[child].parent = none
	}
}

// sortBySent puts the messages in the order of their sent dates, and of the mailbox where those are equal.
func (t *threader) sortBySent() {
	slices.SortFunc(t.order, func(a, b int32) int {
		x, y := &t.nodes[a], &t.nodes[b]
		if x.sent != y.sent {
			return cmp.Compare(x.sent, y.sent)
		}
		return cmp.Compare(x.message, y.message)
	})
}

// bySubject is ORDEREDSUBJECT: of the messages with one subject the first is the parent of all others.
func (t *threader) bySubject() {
	t.sortBySent()
	first := map[uint32]int32{}
	for _, n := range t.order {
		head, ok := first[t.nodes[n].subject]
		if !ok {
			first[t.nodes[n].subject] = n
			continue
		}
		t.nodes[n].parent = head
	}
	t.finish()
}

// byReferences is REFERENCES, behind its step 1.
func (t *threader) byReferences() {
	t.sortBySent()
	t.prune()
	t.gather()
	t.finish()
}

// prune takes dummies out (step 3): what is below one becomes the child of the next message above, or of the dummy at the top if
// that has more than one child.
func (t *threader) prune() {
	for i := range t.nodes {
		t.nodes[i].parent = t.upper(int32(i))
	}
	for i := range t.nodes {
		t.nodes[i].kids = 0
	}
	for _, n := range t.order {
		if p := t.nodes[n].parent; p != none {
			t.nodes[p].kids++
		}
	}
	for _, n := range t.order {
		if p := t.nodes[n].parent; p != none && t.dummy(p) && t.nodes[p].kids == 1 {
			t.nodes[n].parent = none
		}
	}
}

func (t *threader) dummy(n int32) bool { return t.nodes[n].message == none }

// upper gives the parent of a node that is a message or stands at the top. Dummies on the way learn it too.
func (t *threader) upper(n int32) int32 {
	top := t.nodes[n].parent
	for top != none && t.dummy(top) && t.nodes[top].parent != none {
		top = t.nodes[top].parent
	}
	for at := t.nodes[n].parent; at != top; {
		at, t.nodes[at].parent = t.nodes[at].parent, top
	}
	return top
}

// gather joins threads with the same subject (step 5).
func (t *threader) gather() {
	roots := t.tops()
	table := map[uint32]int32{}
	for _, r := range roots {
		have, ok := table[r.subject]
		if !ok || !t.dummy(have) && (t.dummy(r.node) || t.nodes[have].reply && !t.nodes[r.node].reply) {
			table[r.subject] = r.node
		}
	}
	joined := map[int32]int32{} // dummies that became another
	for _, r := range roots {
		have := table[r.subject]
		switch {
		case r.subject == 0 || have == r.node:
		case t.dummy(have) && t.dummy(r.node):
			joined[r.node] = have
		case t.dummy(have), t.nodes[r.node].reply && !t.nodes[have].reply:
			t.nodes[r.node].parent = have
		default:
			d := t.node()
			t.nodes[r.node].parent, t.nodes[have].parent = d, d
			table[r.subject] = d
		}
	}
	for _, n := range t.order {
		if to, ok := joined[t.nodes[n].parent]; ok {
			t.nodes[n].parent = to
		}
	}
}

// top is a node under the root, and the subject of its thread: that of the first message of it.
type top struct {
	node    int32
	subject uint32
}

// tops gives the nodes under the root by the sent date of the first message (steps 2 and 4).
func (t *threader) tops() (list []top) {
	seen := map[int32]bool{}
	for _, n := range t.order {
		node := n
		if p := t.nodes[n].parent; p != none {
			if !t.dummy(p) || seen[p] {
				continue
			}
			node = p
			seen[p] = true
		}
		list = append(list, top{node, t.nodes[n].subject})
	}
	return list
}

// finish makes the lists of siblings by sent date (step 6).
func (t *threader) finish() {
	for _, r := range t.tops() {
		t.roots = append(t.roots, r.node)
	}
	for _, n := range slices.Backward(t.order) {
		if p := t.nodes[n].parent; p != none {
			t.nodes[n].next, t.nodes[p].first = t.nodes[p].first, n
		}
	}
}

// appendTo writes the threads (RFC 5256 §5 thread-data); numbers are those of the messages by their place.
func (t *threader) appendTo(dst []byte, numbers []uint32) []byte {
	for _, root := range t.roots {
		dst = t.appendThread(dst, root, numbers)
	}
	return dst
}

// appendThread writes one thread-list. heads are the first members of the lists that are open: threads may be as deep as the mailbox.
func (t *threader) appendThread(dst []byte, at int32, numbers []uint32) []byte {
	heads := []int32{at}
	for dst = append(dst, '('); len(heads) > 0; {
		for {
			n := &t.nodes[at]
			if n.message != none {
				dst = imap.AppendUint(dst, numbers[n.message])
			}
			if n.first == none {
				break
			}
			if n.message != none {
				dst = append(dst, ' ')
			}
			if at = n.first; n.message == none || t.nodes[at].next != none {
				dst, heads = append(dst, '('), append(heads, at)
			}
		}
		for len(heads) > 0 {
			head := heads[len(heads)-1]
			dst, heads = append(dst, ')'), heads[:len(heads)-1]
			if len(heads) > 0 && t.nodes[head].next != none {
				at = t.nodes[head].next
				dst, heads = append(dst, '('), append(heads, at)
				break
			}
		}
	}
	return dst
}
