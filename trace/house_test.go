package trace_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/trace"
)

const (
	tenant = mail.TenantID(1)
	sato   = mail.AccountID(11)
	suzuki = mail.AccountID(12)
)

// house is a store with one company and its trace.
type house struct {
	testing.TB
	store store.Store
	trace *trace.Service
}

func newHouse(t testing.TB) *house {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if err := st.CreateTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	return &house{t, st, trace.New(trace.Config{Store: st, IndexAfter: -time.Hour})}
}

func address(text string) mail.Address {
	a, err := mail.ParseAddress(text)
	if err != nil {
		panic(err)
	}
	return a
}

// inbound is an item of a message from outside that was put into boxes.
func inbound(n int, from string, to ...string) *queue.Item {
	it := &queue.Item{State: store.ItemSettled, Route: queue.RouteLocal, Doc: queue.Doc{
		Trace: fmt.Sprintf("k3f9%04d-1", n), From: address(from), HeaderFrom: from, MessageID: fmt.Sprintf("<%d@outside.example>", n),
		Subject: fmt.Sprintf("見積書 %d", n), Size: 4096,
		Origin: mail.Origin{Door: "smtp", Zone: mail.ZoneInternet, Remote: netip.MustParseAddr("192.0.2.7"), Helo: "mx.outside.example",
			TLS: "TLS1.3 TLS_AES_128_GCM_SHA256", Session: fmt.Sprintf("k3f9%04d", n), Received: time.Now()},
	}}
	for _, a := range to {
		it.To = append(it.To, queue.Recipient{Recipient: mail.Recipient{Address: address(a)}, Outcome: queue.Delivered, Into: queue.IntoInbox, At: time.Now()})
	}
	return it
}

// outbound is an item of a message of sato's that goes to another host.
func outbound(n int, to ...string) *queue.Item {
	it := inbound(n, "sato@alpha.example", to...)
	it.Route, it.Sender, it.Sign, it.Origin.Door = queue.RouteRemote(address(to[0]).Domain), sato, "alpha.example", "smtps"
	for i := range it.To {
		r := &it.To[i]
		r.Outcome, r.Into, r.Host, r.Answer, r.TLS = queue.Relayed, 0, "mx.beta.example", "250 2.0.0 ok", "TLS1.3 TLS_AES_128_GCM_SHA256"
	}
	return it
}

// put writes items, in their order.
func (h *house) put(items ...*queue.Item) {
	h.Helper()
	err := h.store.Tenant(tenant).Update(context.Background(), queue.Worker(), "test", func(tx store.Tx) error {
		for _, it := range items {
			if err := queue.Put(tx, it); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) index() {
	h.Helper()
	if err := h.trace.Index(context.Background(), tenant); err != nil {
		h.Fatal(err)
	}
}

// find gives the trace ids of what a search finds, page after page.
func (h *house) find(q trace.Query, sees trace.Sees) (list []string) {
	h.Helper()
	for range 1000 {
		page, err := h.trace.Search(context.Background(), tenant, q, sees)
		if err != nil {
			h.Fatal(err)
		}
		for i := range page.Entries {
			list = append(list, page.Entries[i].Trace)
		}
		if q.Before = page.Next; q.Before.IsZero() {
			return list
		}
	}
	h.Fatal("the search does not end")
	return nil
}
