package notice

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"tegami/deliver"
	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/wire/compose"
)

// Notice is something people have to know. The functions of this package that return one say what and whom.
type Notice struct {
	subject, what, do string // keys of the catalogue; do may be ""
	args              []any  // of all three
	lines             []line // details, one a line

	account mail.AccountID // who is told; zero = nobody by this
	admins  bool           // the tenant's administrators are told
	to      []mail.Address // and these
	lang    string         // theirs; "" = the tenant's
	watch   *watch         // and the administrators who are told of viruses

	once  string        // what it is about: the same is said once in a period; "" = always
	every time.Duration // the period
	most  int           // how often it is said in it; 0 = once
}

// line is a detail: a key of the catalogue for what it is, and the value.
type line struct {
	label key
	value any
}

// someone is an account as an argument. Who it is, is looked up when the notice is written; zero is a
// machine that did not sign in.
type someone mail.AccountID

// named puts names for accounts in a notice's arguments: the address, or the id of one that has gone.
func (s *Service) named(ctx context.Context, tenant mail.TenantID, args []any) []any {
	args = slices.Clone(args)
	for i, a := range args {
		who, ok := a.(someone)
		if !ok {
			continue
		}
		if who == 0 {
			args[i] = key("notice.machine")
		} else if acc, err := s.cfg.Directory.Company(tenant).Account(ctx, mail.AccountID(who)); err == nil {
			args[i] = acc.Address.String()
		} else {
			args[i] = mail.AccountID(who).String()
		}
	}
	return args
}

// MaxReaders is how many people one notice goes to.
const MaxReaders = 20

// reader is one of them.
type reader struct {
	name    string
	address mail.Address
	lang    string
}

// Tell sends a notice to each of its readers, unless the same was said lately. An error means that
// somebody was not told; the rest were.
func (s *Service) Tell(ctx context.Context, tenant mail.TenantID, n Notice) error {
	const op = "notice.Tell"
	first, err := s.first(ctx, tenant, &n)
	if err != nil || !first {
		return mail.Wrap(op, err)
	}
	n.args = s.named(ctx, tenant, n.args)
	readers, err := s.readers(ctx, tenant, &n)
	told := 0
	if err == nil {
		told, err = s.tellAll(ctx, tenant, &n, readers)
	}
	if err != nil && told == 0 && n.once != "" { // so that the next reason for it tries again
		_, undone := s.cfg.Store.Tally(ctx, n.counter(tenant), -1, n.every)
		err = errors.Join(err, undone)
	}
	return mail.Wrap(op, err)
}

// tellAll sends a notice to readers and tells how many got it.
func (s *Service) tellAll(ctx context.Context, tenant mail.TenantID, n *Notice, readers []reader) (told int, err error) {
	set := s.settings(ctx, tenant)
	for _, r := range readers {
		lang, _ := i18n.ParseLang(r.lang)
		langs := []i18n.Lang{lang}
		if set.NoticeBoth || lang == "" {
			langs = i18n.Langs()
		}
		_, failed := s.cfg.House.Post(ctx, deliver.Letter{
			Tenant: tenant, To: []mail.Recipient{{Address: r.address, Notify: mail.NotifyNever}},
			Octets: s.octets(n, r, s.words(&set, langs), rand.Text(), time.Now()),
			Sign:   s.cfg.Hostname, Service: true, Unfiltered: true,
		}, nil)
		if failed == nil {
			told++
		}
		err = errors.Join(err, failed)
	}
	return told, err
}

// counter names the counter of a notice that is not to be repeated.
func (n *Notice) counter(tenant mail.TenantID) string {
	return strings.Join([]string{"notice", n.subject, tenant.String(), n.once}, " ")
}

// first tells whether a notice is to be sent now, and notes that it is. Two who ask at the same
// time do not both hear yes. The counter is kept by the store, over restarts and for all processes.
func (s *Service) first(ctx context.Context, tenant mail.TenantID, n *Notice) (bool, error) {
	if n.once == "" {
		return true, nil
	}
	lately, err := s.cfg.Store.Tally(ctx, n.counter(tenant), 0, n.every)
	most := int64(max(n.most, 1))
	if err != nil || lately >= most {
		return false, err
	}
	lately, err = s.cfg.Store.Tally(ctx, n.counter(tenant), 1, n.every)
	return lately <= most, err
}

// octets writes a notice for one reader.
func (s *Service) octets(n *Notice, r reader, all []words, id string, at time.Time) []byte {
	subjects := make([]string, len(all))
	for i := range all {
		subjects[i] = all[i].text(n.subject, n.args...)
	}
	var h compose.Header
	h.Time("Date", at)
	h.Addresses("From", sender(&all[0], s.cfg.Hostname))
	h.Addresses("To", compose.Mailbox{Name: r.name, Address: r.address})
	h.Text("Subject", strings.Join(subjects, " / "))
	h.IDs("Message-ID", "<"+id+"@"+s.cfg.Hostname+">")
	h.Line("Auto-Submitted", "auto-generated")
	text := bothLanguages(all, func(w *words) string { return n.text(w, r.name, s.cfg.Name) })
	return h.Message(compose.Text(text, tags(all)...))
}

// text writes a notice in one language: whom it is for, what happened, the details, what to do.
func (n *Notice) text(w *words, name, service string) string {
	var b strings.Builder
	dear := w.text("notice.dear", name)
	if name == "" {
		dear = w.text("notice.dear_customer")
	}
	b.WriteString(dear + "\n\n")
	b.WriteString(w.paragraph(w.text("notice.greeting")+" "+w.text(n.what, n.args...)) + "\n\n")
	for _, l := range n.lines {
		b.WriteString("  " + w.text("notice.line", l.label, l.value) + "\n")
	}
	if len(n.lines) > 0 {
		b.WriteString("\n")
	}
	if n.do != "" {
		b.WriteString(w.paragraph(w.text(n.do, n.args...)) + "\n\n")
	}
	return b.String() + w.footer(service, true)
}

// readers finds who is told, each once.
func (s *Service) readers(ctx context.Context, tenant mail.TenantID, n *Notice) ([]reader, error) {
	company := s.cfg.Directory.Company(tenant)
	var list []reader
	if !n.account.IsZero() {
		acc, err := company.Account(ctx, n.account)
		if err != nil {
			return nil, err
		}
		list = append(list, readerOf(&acc))
	}
	if n.admins {
		admins, err := company.Accounts(ctx, directory.AccountPage{Role: directory.RoleOwner, Limit: MaxReaders})
		if err != nil {
			return nil, err
		}
		for i := range admins {
			list = append(list, readerOf(&admins[i]))
		}
	}
	others, err := s.others(ctx, tenant, n)
	return each(append(list, others...)), err
}

// others are the readers that are known by their addresses alone.
func (s *Service) others(ctx context.Context, tenant mail.TenantID, n *Notice) (list []reader, err error) {
	watchers, err := s.watchers(ctx, tenant, n.watch)
	if err != nil {
		return nil, err
	}
	to := slices.Concat(n.to, watchers)
	lang := n.lang
	if lang == "" && len(to) > 0 {
		t, err := s.cfg.Directory.Tenant(ctx, tenant)
		if err != nil {
			return nil, err
		}
		lang = t.Lang
	}
	for _, a := range to {
		list = append(list, reader{"", a, lang})
	}
	return list, nil
}

func readerOf(a *directory.Account) reader { return reader{a.Name, a.Address, a.Lang} }

// each gives every address once, MaxReaders at most.
func each(list []reader) []reader {
	seen := make(map[string]bool, len(list))
	kept := list[:0]
	for _, r := range list {
		if len(kept) < MaxReaders && !r.address.IsNull() && !seen[r.address.Key()] {
			seen[r.address.Key()] = true
			kept = append(kept, r)
		}
	}
	return kept
}
