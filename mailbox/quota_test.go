package mailbox_test

import (
	"strings"
	"sync"
	"testing"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
)

// small gives an account a quota of its own, so that a test need not fill 100 MB.
func small(a *mailbox.Account, quota int64) directory.Account {
	acc := a.Identity().Account()
	acc.Quota = quota
	return acc
}

// TestSV5Concurrent: deliveries at the same time, each in a transaction of its own, do not overrun the
// quota by an octet; all that fit are put away.
func TestSV5Concurrent(t *testing.T) {
	h, a := one(t)
	const size, fit, senders = 1000, 37, 16
	acc := small(a, size*fit+size/2)
	tenant, ctx := h.store.Tenant(acc.Tenant), t.Context()
	staged, err := tenant.Blobs().Stage(ctx, size)
	h.must(err)
	defer staged.Release()
	_, err = staged.Write([]byte(strings.Repeat("0123456789abcdefgh\r\n", size/20)))
	h.must(err)
	h.must(staged.Seal(ctx))
	var blob mail.BlobRef
	h.must(tenant.Update(ctx, h.operator, "test.Keep", func(tx store.Tx) (err error) {
		blob, err = tx.Keep(staged, nil)
		if err == nil {
			_, err = h.boxes.Deliver(tx, acc, mailbox.NewMail{Blob: blob})
		}
		return err
	}))
	var wait sync.WaitGroup
	refused := make([]int, senders)
	for i := range senders {
		wait.Go(func() {
			for range 5 {
				err := tenant.Update(ctx, h.operator, "test.Deliver", func(tx store.Tx) error {
					_, err := h.boxes.Deliver(tx, acc, mailbox.NewMail{Blob: blob})
					return err
				})
				if err != nil {
					h.refused(err, mail.Full, "box.full")
					refused[i]++
				}
			}
		})
	}
	wait.Wait()
	box, err := tenant.Usage(ctx, acc.ID)
	h.must(err)
	h.equal("used", []int64{box.Used, box.Messages}, []int64{size * fit, fit})
	total := 0
	for _, n := range refused {
		total += n
	}
	h.equal("refused", total, senders*5-(fit-1))
}

// TestSV5Service: the platform's own word goes into a full box, up to 1 MB in all and no octet more.
func TestSV5Service(t *testing.T) {
	h, a := one(t)
	const quota, size = 10_000, 1 << 18
	acc := small(a, quota)
	_, err := h.deliver(acc, mailbox.NewMail{}, strings.Repeat("x", quota))
	h.must(err)
	_, err = h.deliver(acc, mailbox.NewMail{}, "x")
	h.refused(err, mail.Full, "box.full")
	for range mailbox.ServiceRoom / size {
		_, err = h.deliver(acc, mailbox.NewMail{Service: true}, strings.Repeat("s", size))
		h.must(err)
	}
	fill, err := h.boxes.Fill(t.Context(), acc)
	h.must(err)
	h.equal("used", fill, mailbox.Fill{Used: quota + mailbox.ServiceRoom, Quota: quota})
	_, err = h.deliver(acc, mailbox.NewMail{Service: true}, "s")
	h.refused(err, mail.Full, "box.full")
}

// TestSV5Near: who delivers learns how full the box became, and from 90 % on that it is near its end.
func TestSV5Near(t *testing.T) {
	h, a := one(t)
	acc := small(a, 1000)
	for i, want := range []bool{false, true, true} {
		n := []int{899, 1, 100}[i]
		m, err := h.deliver(acc, mailbox.NewMail{}, strings.Repeat("x", n))
		h.must(err)
		if m.Fill.Near() != want {
			t.Errorf("%+v is near: %v", m.Fill, !want)
		}
	}
	for _, c := range []struct {
		fill mailbox.Fill
		near bool
		want int
	}{
		{mailbox.Fill{Used: 0, Quota: mail.Plan10GB}, false, 0},
		{mailbox.Fill{Used: mail.Plan3GB / 10 * 9, Quota: mail.Plan3GB}, true, 90},
		{mailbox.Fill{Used: mail.Plan3GB + 1, Quota: mail.Plan3GB}, true, 100},
		{mailbox.Fill{Used: 1, Quota: 0}, true, 100},
	} {
		if c.fill.Near() != c.near || c.fill.Percent() != c.want {
			t.Errorf("%+v: near %v, %d %%", c.fill, c.fill.Near(), c.fill.Percent())
		}
	}
}
