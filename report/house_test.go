package report

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"sync"
	"testing"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/i18n"
	"tegami/lab/stores"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/store"
	"tegami/wire/dns/dnstest"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mailauth/dmarc"
	"tegami/wire/mailauth/spf"
	"tegami/wire/mime"
)

// A house is the service with what it stands on. post stands for deliver.House: it commits what goes with a letter and keeps the letter.
type house struct {
	testing.TB
	*Service
	store  store.Store
	dir    *directory.Directory
	names  *dnstest.Names
	post   *post
	tenant mail.TenantID
	ctx    context.Context
	clock  time.Time
}

type post struct {
	store   store.Store
	mu      sync.Mutex
	letters []deliver.Letter
	before  error // given instead of committing
	after   error // given although it was committed
}

func (p *post) Post(ctx context.Context, l deliver.Letter, with func(store.Tx) error) (mail.ItemID, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before != nil {
		return 0, p.before
	}
	if err := p.store.Tenant(l.Tenant).Update(ctx, queue.Worker(), "test.Post", with); err != nil {
		return 0, err
	}
	p.letters = append(p.letters, l)
	return 1, p.after
}

const zone = `
	_dmarc.example.com.     TXT "v=DMARC1; p=reject; rua=mailto:d@example.com"
	_dmarc.other.example.   TXT "v=DMARC1; p=none; rua=mailto:d@collector.example"
	other.example._report._dmarc.collector.example. TXT "v=DMARC1"
	_dmarc.refused.example. TXT "v=DMARC1; p=none; rua=mailto:d@victim.example"
	_smtp._tls.example.com. TXT "v=TLSRPTv1; rua=mailto:t@elsewhere.example"
	_smtp._tls.web.example. TXT "v=TLSRPTv1; rua=https://web.example/report"
`

func newHouse(t testing.TB) *house {
	t.Helper()
	st := stores.Open(t)
	h := &house{
		TB: t, store: st, dir: directory.New(st, directory.Config{Provision: mailbox.Provision}), names: dnstest.Zone(zone),
		post: &post{store: st}, ctx: context.Background(), clock: time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC),
	}
	h.tenant = h.company("alpha.example")
	h.Service = h.service()
	return h
}

// service makes another process over the same store.
func (h *house) service() *Service {
	s := New(Config{
		Store: h.store, Directory: h.dir, House: h.post, Words: i18n.New(), Lookup: h.names,
		Hostname: "mx.tegami.example", Organization: "Tegami", Sender: h.tenant,
	})
	s.now = func() time.Time { return h.clock }
	return s
}

func (h *house) company(domain string) mail.TenantID {
	h.Helper()
	ops := directory.Operator("test", "")
	t, err := h.dir.OpenTenant(h.ctx, ops, directory.TenantSpec{Name: domain, Lang: "en"})
	h.must(err)
	_, err = h.dir.Company(t.ID).AddDomain(h.ctx, ops, directory.DomainSpec{Name: domain, Plan: directory.Plan100MB, IDs: 10})
	h.must(err)
	return t.ID
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// says wants an error with a catalogue key; "" for none.
func (h *house) says(err error, key string) {
	h.Helper()
	if got, _ := mail.TextOf(err); got != key || (err == nil) != (key == "") {
		h.Errorf("got %v, want [%s]", err, key)
	}
}

// seen is a message in the name of a domain, as DMARC judges it with the names of the house.
func (h *house) seen(ip, author, spfDomain string) Seen {
	m := Seen{
		Remote: netip.MustParseAddr(ip), From: mail.Address{Local: "b", Domain: spfDomain}, Author: author,
		SPF:  spf.Result{Status: spf.Pass, Domain: spfDomain, Scope: spf.MailFrom},
		DKIM: []dkim.Result{{Status: dkim.Fail, Domain: "list.example", Selector: "x"}},
	}
	m.DMARC = dmarc.Check(h.ctx, h.names, author, dmarc.Identifier{Domain: spfDomain, Pass: true}, nil)
	m.Disposition = dmarc.Disposition(m.DMARC.Policy)
	return m
}

// attachment gives the content of the part of a mail with a type.
func (h *house) attachment(octets []byte, typ string) []byte {
	h.Helper()
	var found []byte
	mime.ParseBytes(octets, mime.Limits{}).Root.Walk(func(p *mime.Part) bool {
		if p.Type+"/"+p.Subtype == typ {
			b, err := io.ReadAll(mime.DecodedReader(p, bytes.NewReader(octets[p.BodyStart:p.BodyEnd])))
			h.must(err)
			found = b
		}
		return true
	})
	if found == nil {
		h.Fatalf("no %s in\n%s", typ, octets)
	}
	return found
}

// dmarcReport reads the report of a letter.
func (h *house) dmarcReport(l deliver.Letter) *dmarc.Report {
	h.Helper()
	r, err := dmarc.ReadReport(bytes.NewReader(h.attachment(l.Octets, "application/gzip")), nil)
	h.must(err)
	return r
}

// octets are a message at rest.
type octets struct{ *bytes.Reader }

func (octets) Close() error { return nil }

func (o octets) WriteRange(w io.Writer, from, n int64) (int64, error) {
	return io.Copy(w, io.NewSectionReader(o.Reader, from, n))
}

// receive hands a mail to a tenant's address for reports.
func (h *house) receive(tenant mail.TenantID, text []byte, it *queue.Item) error {
	return h.Receive(h.ctx, tenant, mail.Address{Local: directory.DMARCReports, Domain: "alpha.example"}, it, octets{bytes.NewReader(text)})
}
