package storetest

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"tegami/mail"
	"tegami/store"
)

var textPromises = []promise{
	{"TextsBeginEmpty", textsBeginEmpty},
	{"TextsFindWhatWasAdded", textsFindWhatWasAdded},
	{"TextsAreAddedInOrder", textsAreAddedInOrder},
	{"TextsGiveWhatIsNotKnown", textsGiveWhatIsNotKnown},
	{"TextsAreTrimmed", textsAreTrimmed},
	{"TextsAreDropped", textsAreDropped},
	{"TextsOfOthersStayApart", textsOfOthersStayApart},
	{"TextsAreReadWhileWritten", textsAreReadWhileWritten},
	{"TextsAreAddedOnce", textsAreAddedOnce},
}

// textBox is a mailbox's index as it should be.
type textBox struct {
	*fixture
	rng     *rand.Rand
	account mail.AccountID
	box     mail.MailboxID
	upto    mail.UID
	email   mail.EmailID
	docs    []store.TextDoc
}

func (f *fixture) textBox(seed uint64) *textBox {
	return &textBox{fixture: f, rng: rand.New(rand.NewPCG(seed, 1)), account: mail.AccountID(f.newID()), box: mail.MailboxID(f.newID())}
}

// beside is another mailbox of the account.
func (b *textBox) beside() *textBox {
	other := b.textBox(b.rng.Uint64())
	other.account = b.account
	return other
}

// doc makes a message. The grams below 12 are in many messages, the others in few.
func (b *textBox) doc(uid mail.UID) store.TextDoc {
	grams := map[store.Gram]bool{}
	for g := range store.Gram(12) {
		if b.rng.IntN(12) >= int(g) {
			grams[g*0x15555555] = true
		}
	}
	for range b.rng.IntN(60) {
		grams[store.Gram(b.rng.Uint32()>>(b.rng.IntN(20)))] = true
	}
	d := store.TextDoc{UID: uid, Any: b.rng.IntN(100) == 0}
	for g := range grams {
		d.Grams = append(d.Grams, g)
	}
	return d
}

// portion makes the next n messages, some UIDs left out.
func (b *textBox) portion(n int) store.TextPortion {
	p := store.TextPortion{Mailbox: b.box, After: b.upto, Email: mail.EmailID(b.newID())}
	uid := b.upto
	for range n {
		uid += 1 + mail.UID(b.rng.IntN(3)/2)
		p.Docs = append(p.Docs, b.doc(uid))
	}
	p.Upto = uid + 1 + mail.UID(b.rng.IntN(2))
	return p
}

// add indexes the next n messages.
func (b *textBox) add(n int) {
	p := b.portion(n)
	b.ok(b.tenant.Texts().Add(context.Background(), b.account, p))
	b.took(p)
}

func (b *textBox) took(p store.TextPortion) {
	b.upto, b.email = p.Upto, p.Email
	b.docs = append(b.docs, p.Docs...)
}

// having gives the messages with all grams, and those not known.
func (b *textBox) having(grams []store.Gram) (uids []mail.UID) {
	for _, d := range b.docs {
		all := true
		for _, g := range grams {
			all = all && slices.Contains(d.Grams, g)
		}
		if all || d.Any {
			uids = append(uids, d.UID)
		}
	}
	return uids
}

// look holds the index against what it should be: no message with the grams is missing, and none without them is there.
func (b *textBox) look() {
	for range 40 {
		var grams []store.Gram
		if len(b.docs) > 0 {
			from := b.docs[b.rng.IntN(len(b.docs))].Grams
			for range b.rng.IntN(9) {
				if len(from) > 0 {
					grams = append(grams, from[b.rng.IntN(len(from))])
				}
			}
		}
		if len(grams) == 0 {
			grams = []store.Gram{store.Gram(b.rng.Uint32())}
		}
		b.same("found", b.find(grams), b.having(grams))
	}
	all, err := b.tenant.Texts().Cursors(context.Background(), b.account)
	b.ok(err)
	if b.upto > 0 {
		b.same("cursor", all[b.box], store.TextCursor{Upto: b.upto, Email: b.email, Docs: len(b.docs)})
	}
}

func (b *textBox) find(grams []store.Gram) []mail.UID {
	found, upto, err := b.tenant.Texts().Find(context.Background(), b.account, b.box, grams)
	b.ok(err)
	b.same("indexed up to", upto, b.upto)
	return found
}

func textsBeginEmpty(f *fixture) {
	b := f.textBox(1)
	b.look()
	ctx := context.Background()
	texts := f.tenant.Texts()
	all, err := texts.Cursors(ctx, b.account)
	f.ok(err)
	f.same("cursors", len(all), 0)
	size, err := texts.Size(ctx, b.account)
	f.ok(err)
	f.same("size", size, store.TextSize{})
	accounts, err := texts.Accounts(ctx)
	f.ok(err)
	f.same("accounts", len(accounts), 0)
	f.ok(texts.Drop(ctx, b.account))
	f.ok(texts.Drop(ctx, b.account, b.box))
	f.ok(texts.Trim(ctx, b.account, b.box, 0, slices.Values([]mail.UID{})))
	_, err = f.store.Tenant(f.id+999).Texts().Cursors(ctx, b.account)
	f.is(err, mail.NotFound)
}

func textsFindWhatWasAdded(f *fixture) {
	b := f.textBox(2)
	other := b.beside()
	for _, n := range []int{1, 0, 3, 200, 1, 1, 1, 1, 1, 1, 1, 1, 1, 40, 0, 500, 2} {
		b.add(n)
		other.add(n / 2)
		b.look()
	}
	for range 30 { // until segments are merged
		b.add(b.rng.IntN(60))
	}
	b.look()
	other.look()
	size, err := f.tenant.Texts().Size(context.Background(), b.account)
	f.ok(err)
	f.same("messages", size.Docs, len(b.docs)+len(other.docs))
	f.same("segments are merged", size.Segments > 0 && size.Segments < 40, true)
	f.same("octets", size.Octets > int64(size.Docs), true)
}

func textsAreAddedInOrder(f *fixture) {
	b := f.textBox(3)
	b.add(5)
	p := b.portion(3)
	add := func(p store.TextPortion) error { return f.tenant.Texts().Add(context.Background(), b.account, p) }
	early, late := p, p
	early.After--
	late.After++
	f.says(add(early), mail.Conflict, "text.moved")
	f.says(add(late), mail.Conflict, "text.moved")
	for what, wrong := range map[string]func(*store.TextPortion){
		"nothing":      func(p *store.TextPortion) { p.Upto, p.Docs = p.After, nil },
		"past the end": func(p *store.TextPortion) { p.Upto = p.Docs[len(p.Docs)-1].UID - 1 },
		"descending":   func(p *store.TextPortion) { p.Docs = slices.Clone(p.Docs); slices.Reverse(p.Docs) },
		"indexed":      func(p *store.TextPortion) { p.Docs = append([]store.TextDoc{{UID: p.After}}, p.Docs...) },
		"too many":     func(p *store.TextPortion) { p.Docs = manyDocs(p.After, store.MaxTextDocs+1); p.Upto += 1 << 20 },
	} {
		bad := p
		wrong(&bad)
		if err := add(bad); !mail.Is(err, mail.Invalid) {
			f.Fatalf("%s: %v", what, err)
		}
	}
	b.look()
	f.ok(add(p))
	b.took(p)
	b.look()
	most := store.TextPortion{Mailbox: b.box, After: b.upto, Docs: manyDocs(b.upto, store.MaxTextDocs), Upto: b.upto + store.MaxTextDocs}
	f.ok(add(most))
	b.took(most)
	b.look()
}

func manyDocs(after mail.UID, n int) []store.TextDoc {
	docs := make([]store.TextDoc, n)
	for i := range docs {
		docs[i] = store.TextDoc{UID: after + 1 + mail.UID(i), Grams: []store.Gram{store.Gram(i)}}
	}
	return docs
}

func textsGiveWhatIsNotKnown(f *fixture) {
	b := f.textBox(4)
	for range 20 {
		b.add(3)
		p := b.portion(1)
		p.Docs[0].Any, p.Docs[0].Grams = true, nil
		b.ok(f.tenant.Texts().Add(context.Background(), b.account, p))
		b.took(p)
	}
	b.look()
	f.same("no message has it", b.find([]store.Gram{0xfffffff0}), b.having([]store.Gram{0xfffffff0}))
}

func textsAreTrimmed(f *fixture) {
	b := f.textBox(5)
	for range 20 {
		b.add(b.rng.IntN(50))
	}
	ctx := context.Background()
	upto := b.upto
	trim := func(keep func(store.TextDoc) bool) {
		var live []mail.UID
		for _, d := range b.docs {
			if keep(d) {
				live = append(live, d.UID)
			}
		}
		f.ok(f.tenant.Texts().Trim(ctx, b.account, b.box, upto, slices.Values(live)))
	}
	trim(func(store.TextDoc) bool { return true })
	b.look()
	keep := func(d store.TextDoc) bool { return d.UID%3 == 0 }
	trim(keep)
	b.docs = slices.DeleteFunc(b.docs, func(d store.TextDoc) bool { return !keep(d) })
	b.look()
	b.add(7)
	b.look()
	earlier := slices.Clone(b.docs)
	for range 20 { // others add while messages are found to be gone
		b.add(3)
	}
	upto = earlier[len(earlier)-1].UID
	trim(func(d store.TextDoc) bool { return d.UID <= upto })
	b.look()
	upto = b.upto
	trim(func(store.TextDoc) bool { return false })
	b.docs = nil
	b.look()
	b.add(9)
	b.look()
}

func textsAreDropped(f *fixture) {
	ctx := context.Background()
	texts := f.tenant.Texts()
	b, alien := f.textBox(6), f.textBox(7)
	other := b.beside()
	for _, x := range []*textBox{b, other, alien} {
		x.add(50)
	}
	accounts := func(want ...mail.AccountID) {
		got, err := texts.Accounts(ctx)
		f.ok(err)
		slices.Sort(want)
		f.same("accounts", got, want)
	}
	accounts(b.account, alien.account)
	f.ok(texts.Drop(ctx, b.account, b.box))
	b.docs, b.upto = nil, 0
	b.look()
	other.look()
	b.add(3)
	b.look()
	f.ok(texts.Drop(ctx, b.account))
	for _, x := range []*textBox{b, other} {
		x.docs, x.upto = nil, 0
		x.look()
	}
	accounts(alien.account)
	alien.look()
	b.add(4)
	b.look()
	accounts(b.account, alien.account)
}

func textsOfOthersStayApart(f *fixture) {
	other := f.on(f.newTenant())
	mine, theirs := f.textBox(8), other.textBox(9)
	theirs.account, theirs.box = mine.account, mine.box
	mine.add(30)
	theirs.look()
	theirs.add(20)
	mine.look()
	theirs.look()
	alien := f.textBox(10)
	alien.box = mine.box // the same number under another account
	alien.look()
	f.ok(f.tenant.Texts().Drop(context.Background(), mine.account))
	theirs.look()
}

// textsAreReadWhileWritten looks while portions are added: what was indexed before a search began is found.
func textsAreReadWhileWritten(f *fixture) {
	b := f.textBox(11)
	const every store.Gram = 77
	var added atomic.Int64
	ctx, cancel := context.WithTimeout(context.Background(), f.patience)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- caught(func() {
			for range 40 {
				p := b.portion(10)
				for i := range p.Docs {
					p.Docs[i].Grams = []store.Gram{every}
				}
				b.ok(f.tenant.Texts().Add(context.Background(), b.account, p))
				b.took(p)
				added.Store(int64(len(b.docs)))
			}
		})
	}()
	looks := 0
	for ctx.Err() == nil {
		before := added.Load()
		found, _, err := f.tenant.Texts().Find(context.Background(), b.account, b.box, []store.Gram{every})
		f.ok(err)
		if int64(len(found)) < before || len(found)%10 != 0 || !slices.IsSorted(found) {
			f.Fatalf("%d found when %d were there", len(found), before)
		}
		looks++
		time.Sleep(100 * time.Microsecond)
	}
	f.ok(<-done)
	f.same("looked", looks > 0, true)
	b.find([]store.Gram{every})
}

// textsAreAddedOnce lets several add the same portions: each is taken from one of them.
func textsAreAddedOnce(f *fixture) {
	b := f.textBox(12)
	var portions []store.TextPortion
	for range 10 {
		p := b.portion(4)
		portions = append(portions, p)
		b.took(p)
	}
	var taken atomic.Int64
	f.together(4, func(int) error {
		for _, p := range portions {
			switch err := f.tenant.Texts().Add(context.Background(), b.account, p); {
			case err == nil:
				taken.Add(1)
			case !mail.Is(err, mail.Conflict):
				return err
			}
		}
		return nil
	})
	f.same("portions taken", taken.Load(), int64(len(portions)))
	b.look()
}
