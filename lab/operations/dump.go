package operations

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// dump writes everything a tenant has, in names.
func (t *table) dump(p *page, r store.Reader) error {
	for _, kind := range kinds {
		list, err := r.Objects(kind, store.Page{})
		if err != nil {
			return err
		}
		for _, o := range list {
			n := slices.IndexFunc(t.objects, func(v store.Object) bool { return v.ID == o.ID })
			p.add("%+v", thingOf(n, o))
		}
	}
	acts, err := r.Acts(0, 0)
	if err != nil {
		return err
	}
	p.add("acts %d", len(acts))
	for a := range accounts {
		if err := t.dumpAccount(p, r, a); err != nil {
			return err
		}
	}
	return t.dumpItems(p, r)
}

func (t *table) dumpAccount(p *page, r store.Reader, a int) error {
	box, err := r.Box(accountID(a))
	if err != nil {
		return err
	}
	keywords, err := r.Keywords(accountID(a))
	if err != nil {
		return err
	}
	p.box(a, box.ModSeq, box.Used, box.Messages, keywords)
	list, err := r.Mailboxes(accountID(a))
	if err != nil {
		return err
	}
	for _, m := range list {
		f := folder{
			n: slices.Index(t.mailboxes, m.ID), account: a, parent: slices.Index(t.mailboxes, m.Parent), name: m.Name, role: m.Role,
			subscribed: m.Subscribed, uidNext: m.UIDNext, modSeq: m.ModSeq,
			messages: m.Messages, unseen: m.Unseen, deletedN: m.Deleted, size: m.Size,
		}
		p.add("%+v", f)
		if err := t.dumpMessages(p, r, m.ID, box.ModSeq/2); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) dumpMessages(p *page, r store.Reader, m mail.MailboxID, since mail.ModSeq) error {
	var list []letter
	err := r.Messages(m, 1, 1<<32-1, 0, func(msg *store.Message) bool {
		list = append(list, letter{n: t.message(msg.ID), uid: msg.UID, flags: msg.Flags, modSeq: msg.ModSeq, size: msg.Blob.Size})
		return true
	})
	if err != nil {
		return err
	}
	for _, l := range list {
		p.add("%+v", l)
	}
	err = r.Marks(m, since, func(k store.Mark) bool {
		p.add("since %d: %s", since, mark(k.UID, k.Flags, k.ModSeq))
		return true
	})
	if err != nil {
		return err
	}
	return r.Gone(m, since, func(g store.Gone) bool {
		p.add("since %d: %+v", since, left{g.UID, g.ModSeq, t.message(g.Email)})
		return true
	})
}

// message gives the name of a message.
func (t *table) message(id mail.EmailID) int {
	return slices.IndexFunc(t.messages, func(m placed) bool { return m.id == id })
}

func (t *table) dumpItems(p *page, r store.Reader) error {
	items, err := r.Items(0, 0, 0)
	if err != nil {
		return err
	}
	for _, i := range items {
		n := slices.IndexFunc(t.items, func(v store.Item) bool { return v.ID == i.ID })
		p.add("%+v", job{n: n, state: int(i.State), leased: i.Fence != 0 && !i.Until.IsZero(), tries: i.Tries, route: i.Route})
	}
	return t.dumpRoutes(p, r)
}

func (t *table) dumpRoutes(p *page, r store.Reader) error {
	counts, err := r.Routes(0)
	if err != nil {
		return err
	}
	for _, route := range routes {
		items, err := r.ItemsOn(route, 0, 0)
		if err != nil {
			return err
		}
		count := 0
		if n := slices.IndexFunc(counts, func(c store.RouteCount) bool { return c.Route == route }); n >= 0 {
			count = counts[n].Items
		}
		var on []int
		for _, i := range items {
			on = append(on, slices.IndexFunc(t.items, func(v store.Item) bool { return v.ID == i.ID }))
		}
		p.route(route, count, on)
	}
	return nil
}

// verify reads all messages there are and compares their octets with what was written.
func (t *table) verify(ctx context.Context) error {
	for n, m := range t.messages {
		var ref mail.BlobRef
		err := t.tenant.View(ctx, func(r store.Reader) error {
			msg, err := r.Email(m.id)
			ref = msg.Blob
			return err
		})
		if mail.Is(err, mail.NotFound) {
			continue
		}
		if err == nil {
			err = t.compare(ctx, ref, m.text)
		}
		if err != nil {
			return fmt.Errorf("octets of %s: %w", name("message", n), err)
		}
	}
	return nil
}

func (t *table) compare(ctx context.Context, ref mail.BlobRef, text int) error {
	b, err := t.tenant.Blobs().Open(ctx, ref)
	if err != nil {
		return err
	}
	defer b.Close()
	var got bytes.Buffer
	if _, err := b.WriteRange(&got, 0, b.Size()); err != nil {
		return err
	}
	if !bytes.Equal(got.Bytes(), octetsOf(text)) {
		return errors.New("they are not those that were written")
	}
	return nil
}
