package mailbox

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"tegami/mail"
	"tegami/store"
)

// Register is a picture of the mail of an account at one ModSeq, as somebody sees it. It never changes, and costs a pointer: all sessions of the
// account share what is in it. Hold it as long as a request.
type Register struct {
	post   *Post
	shared *sharedPicture
	pic    *picture
	shares map[mail.MailboxID]share // somebody else's mailboxes that may be looked up; nil: all, and the account's own
	sees   []bool                   // which mailboxes may be read, by number; nil: all
	seen   uint32                   // State.Seen
	boxes  func() []Box
}

// Register gives the newest picture of the mail: all changes committed before the call are in it. Where nothing changed since the last, nothing
// is read. Denied "mailbox.no_right" where nothing is shared any more.
func (p *Post) Register(ctx context.Context) (*Register, error) {
	const op = "mailbox.Register"
	a := p.account
	a.service.texts.active.Add(1)
	r := &Register{post: p, shared: a.service.pictures.take(a.tenant, p.key())}
	if p.foreign {
		var err error
		if r.shares, err = p.shares(ctx, op); err != nil {
			return nil, err
		}
	}
	var err error
	if r.pic, err = r.shared.fresh(ctx, a.id.Actor()); err != nil {
		return nil, mail.Wrap(op, err)
	}
	a.service.pictures.grew(r.shared, r.pic.rows.n)
	if p.foreign {
		r.narrow()
	}
	r.boxes = sync.OnceValue(r.makeBoxes)
	return r, nil
}

// key names the account for what sessions share.
func (p *Post) key() textAccount { return textAccount{p.account.id.Tenant(), p.of.ID} }

// shares gives which mailboxes of somebody else the one who works with his mail may look up. Denied "mailbox.no_right" for none.
func (p *Post) shares(ctx context.Context, op mail.Op) (map[mail.MailboxID]share, error) {
	all, err := p.account.shares(ctx, op)
	if err != nil {
		return nil, err
	}
	shares := map[mail.MailboxID]share{}
	for _, s := range all {
		if s.of == p.of.ID {
			shares[s.box] = s
		}
	}
	if len(shares) == 0 {
		return nil, mail.E(op, mail.Denied, "mailbox.no_right", RightLookup.String())
	}
	return shares, nil
}

// narrow leaves what the rights let be seen.
func (r *Register) narrow() {
	r.sees = make([]bool, len(r.pic.boxIDs))
	for i := range r.pic.boxes {
		b := &r.pic.boxes[i]
		r.sees[b.number] = r.shares[b.ID].rights.Has(RightRead)
	}
	r.seen = seenHash(r.shares)
}

// State is the picture's.
func (r *Register) State() State { return State{ModSeq: r.pic.modseq, Seen: r.seen} }

// lookup tells whether a mailbox may be known of.
func (r *Register) lookup(id mail.MailboxID) bool { return r.shares == nil || r.shares[id].box == id }

// Mailboxes gives the mailboxes that may be looked up, ascending by id. Of somebody else's mailboxes Parent is zero where the one above may
// not be looked up.
func (r *Register) Mailboxes() []Box { return slices.Clone(r.boxes()) }

func (r *Register) makeBoxes() []Box {
	counts := r.pic.counts
	if r.sees != nil {
		own := r.pic.count(r.sees)
		counts = func() []boxCount { return own }
	}
	list := make([]Box, 0, len(r.pic.boxes))
	paths := r.pic.paths()
	for i := range r.pic.boxes {
		if b := &r.pic.boxes[i]; r.lookup(b.ID) {
			list = append(list, r.told(b, paths[i], counts()))
		}
	}
	return list
}

// Mailbox gives one of them.
func (r *Register) Mailbox(id mail.MailboxID) (Box, bool) {
	list := r.boxes()
	i, ok := slices.BinarySearchFunc(list, id, func(b Box, id mail.MailboxID) int { return cmp.Compare(b.ID, id) })
	if !ok {
		return Box{}, false
	}
	return list[i], true
}

// told is a mailbox as it is told.
func (r *Register) told(b *boxEntry, levels []string, counts []boxCount) Box {
	c := counts[b.number]
	out := Box{
		Mailbox: b.Mailbox, Path: joinPath(levels), Rights: AllRights,
		Emails: c.emails, Unread: c.unread, Threads: c.threads, UnreadThreads: c.unreadThreads,
	}
	if r.shares == nil {
		return out
	}
	s := r.shares[b.ID]
	out.Path, out.Rights, out.Subscribed = othersPath(r.post.of.Address, levels), s.rights, s.wanted
	if !r.lookup(b.Parent) {
		out.Parent = 0
	}
	return out
}

// levels gives the names from the top down to each mailbox.
func (p *picture) makePaths() [][]string {
	byID := make(map[mail.MailboxID]*store.Mailbox, len(p.boxes))
	for i := range p.boxes {
		byID[p.boxes[i].ID] = &p.boxes[i].Mailbox
	}
	paths := make([][]string, len(p.boxes))
	for i := range p.boxes {
		paths[i] = levelsOf(byID, &p.boxes[i].Mailbox)
	}
	return paths
}

// email finds a message that may be seen.
func (r *Register) email(id mail.EmailID) (*row, uint32, bool) {
	m, at, ok := r.pic.rows.find(id)
	return m, at, ok && m.seenBy(r.sees)
}

// Email gives a message.
func (r *Register) Email(id mail.EmailID) (Row, bool) {
	m, _, ok := r.email(id)
	if !ok {
		return Row{}, false
	}
	return r.pic.row(m), true
}

// Emails is how many messages there are.
func (r *Register) Emails() (n int) {
	counts := r.pic.counts()
	for i := range counts {
		if r.sees == nil || r.sees[i] {
			n += counts[i].emails
		}
	}
	return n
}

// Thread gives the messages of a thread, ascending by Received; nil where there is none.
func (r *Register) Thread(id mail.ThreadID) (ids []mail.EmailID) {
	number, ok := r.pic.thread(id)
	if !ok {
		return nil
	}
	for _, i := range r.pic.members().of(number) {
		if m := r.pic.rows.at(i); m.seenBy(r.sees) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// systemKeywords are the keywords that stand for system flags (RFC 8621 §4.1.1). Of \Deleted nothing is told.
var systemKeywords = []struct {
	name string
	flag mail.Flags
}{{"$seen", mail.Seen}, {"$answered", mail.Answered}, {"$flagged", mail.Flagged}, {"$draft", mail.Draft}}

// Keywords gives the names of flags in JMAP's form, in small letters: "$seen".
func (r *Register) Keywords(flags mail.Flags) (names []string) {
	for _, k := range systemKeywords {
		if flags.Has(k.flag) {
			names = append(names, k.name)
		}
	}
	for n, name := range r.pic.keywords {
		if flags.Has(mail.Keyword(n)) {
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}

// flag gives the flag of a keyword as JMAP has it; false where no message can have it.
func (p *picture) flag(keyword string) (mail.Flags, bool) {
	for _, k := range systemKeywords {
		if strings.EqualFold(k.name, keyword) {
			return k.flag, true
		}
	}
	n := slices.IndexFunc(p.keywords, func(k string) bool { return strings.EqualFold(k, keyword) })
	if n < 0 {
		return 0, false
	}
	return mail.Keyword(n), true
}

// messagesAtOnce is how many messages one View of Messages reads.
const messagesAtOnce = 64

// Messages calls fn for the messages with these ids, in their order, with what is asked for. What is gone is left out. m, its Index and what
// OpenBody gives of it are valid until fn returns. fn runs outside transactions and may be slow; its error ends Messages and is
// returned as it is.
func (r *Register) Messages(ctx context.Context, ids []mail.EmailID, with With, fn func(*Message) error) error {
	const op = "mailbox.Messages"
	p := portions.Get().(*portion)
	defer portions.Put(p)
	for len(ids) > 0 {
		part := ids[:min(len(ids), messagesAtOnce)]
		var places []int
		err := r.post.account.view(ctx, op, func(v store.Reader) (err error) {
			places, err = r.read(v, p, part, with)
			return err
		})
		if err != nil {
			return err
		}
		for _, at := range places {
			if at < 0 {
				continue
			}
			if err := fn(&p.messages[at]); err != nil {
				return err
			}
		}
		ids = ids[len(places):]
	}
	return nil
}

// read reads the first of some messages into a portion, as many as go into it. places are theirs there, -1 for one that is gone.
func (r *Register) read(v store.Reader, p *portion, ids []mail.EmailID, with With) (places []int, err error) {
	p.reset()
	places = make([]int, len(ids))
	wanted := make([]wantedMessage, 0, len(ids))
	for i, id := range ids {
		places[i] = -1
		if m, _, ok := r.email(id); ok {
			wanted = append(wanted, wantedMessage{row: m, at: i})
		}
	}
	slices.SortStableFunc(wanted, func(a, b wantedMessage) int {
		return cmp.Or(cmp.Compare(a.box, b.box), cmp.Compare(a.uid, b.uid))
	})
	for rest := wanted; len(rest) > 0; {
		n := closeBy(rest)
		if err := r.readRange(v, p, rest[:n], with, places); err != nil {
			return nil, err
		}
		rest = rest[n:]
	}
	return places, r.readMoved(v, p, wanted, places)
}

// wantedMessage is a message to be read, and its place in the list that was asked for.
type wantedMessage struct {
	*row
	at int
}

// closeBy is how many of the first stand so close that one query reads them.
func closeBy(list []wantedMessage) int {
	n := 1
	for n < len(list) && list[n].box == list[0].box && list[n].uid-list[n-1].uid <= maxSkip+1 {
		n++
	}
	return n
}

// readRange reads messages that stand close by.
func (r *Register) readRange(v store.Reader, p *portion, list []wantedMessage, with With, places []int) error {
	return v.Messages(r.pic.boxIDs[list[0].box], list[0].uid, list[len(list)-1].uid, with, func(m *store.Message) bool {
		for len(list) > 0 && list[0].uid < m.UID {
			list = list[1:]
		}
		for len(list) > 0 && list[0].uid == m.UID && list[0].id == m.ID {
			places[list[0].at] = len(p.messages)
			list = list[1:]
			if len(list) == 0 || list[0].uid != m.UID {
				p.add(0, m)
			}
		}
		return len(list) > 0
	})
}

// readMoved looks for those that are not where they were: they may be elsewhere meanwhile.
func (r *Register) readMoved(v store.Reader, p *portion, list []wantedMessage, places []int) error {
	for _, w := range list {
		if places[w.at] >= 0 {
			continue
		}
		m, err := v.Email(w.id)
		if mail.Is(err, mail.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if b, ok := r.pic.box(m.Mailbox); m.Account == r.pic.account && (r.sees == nil || ok && r.sees[b.number]) {
			places[w.at] = len(p.messages)
			p.add(0, &m)
		}
	}
	return nil
}

// OpenBody gives the octets of a message that Messages gave. Close the Body.
func (r *Register) OpenBody(ctx context.Context, m *Message) (Body, error) {
	const op = "mailbox.OpenBody"
	if _, _, ok := r.email(m.ID); !ok {
		return nil, mail.E(op, mail.NotFound, "message.unknown")
	}
	body, err := r.post.account.tenant.Blobs().OpenAt(ctx, m.Blob, m.Place)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	return body, nil
}
