package learning

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Figures tell how much a company learned.
type Figures struct {
	Spam, Ham   uint32 // lessons
	Tokens      int
	Reputations int
	Contacts    int
}

// Figures counts what a company learned. It looks at an index entry of each.
func (s *Service) Figures(ctx context.Context, tenant mail.TenantID) (f Figures, err error) {
	err = s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		f = Figures{}
		all, err := r.Counts(kindLessons, []int64{allLessons})
		if err != nil {
			return err
		}
		if len(all) > 0 {
			f.Spam, f.Ham = clamp(all[0].A), clamp(all[0].B)
		}
		for kind, n := range map[store.CountKind]*int{kindTokens: &f.Tokens, kindReputations: &f.Reputations, kindContacts: &f.Contacts} {
			if *n, err = r.CountCounts(kind); err != nil {
				return err
			}
		}
		return nil
	})
	return f, mail.Wrap("learning.Figures", err)
}

// Export writes what a company learned of words as CSV with a header: token, spam, ham, last. token is 16 hexadecimal digits, or "lessons" in the
// first line, which counts these; last is the day it was taught last. Words can't be read from tokens.
func (s *Service) Export(ctx context.Context, tenant mail.TenantID, w io.Writer) error {
	const op mail.Op = "learning.Export"
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "token,spam,ham,last\r\n")
	line := func(name string, c store.Count) {
		fmt.Fprintf(out, "%s,%d,%d,%s\r\n", name, clamp(c.A), clamp(c.B), time.Unix(c.Turn*24*60*60, 0).UTC().Format(time.DateOnly))
	}
	var list []store.Count
	read := func(fn func(store.Reader) ([]store.Count, error)) error {
		return s.cfg.Store.Tenant(tenant).View(ctx, func(r store.Reader) (err error) {
			list, err = fn(r)
			return err
		})
	}
	err := read(func(r store.Reader) ([]store.Count, error) { return r.Counts(kindLessons, []int64{allLessons}) })
	for _, c := range list {
		line("lessons", c)
	}
	for at, from := int64(math.MinInt64), true; err == nil; from = false {
		err = read(func(r store.Reader) ([]store.Count, error) { return r.CountsAfter(kindTokens, at, from, 0) })
		for _, c := range list {
			at = c.Key
			line(fmt.Sprintf("%016x", uint64(c.Key)), c)
		}
		if len(list) < store.MaxPage {
			break
		}
	}
	if err == nil {
		err = out.Flush()
	}
	return mail.Wrap(op, err)
}
