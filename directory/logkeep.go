package directory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"tegami/mail"
	"tegami/store"
)

// defaultKeepLog is how long lines of the operation log are kept where Config does not say.
const defaultKeepLog = 2 * store.KeepActs

// forgottenDoc is what a line says of the lines that were removed before it.
type forgottenDoc struct {
	Lines int       `json:"lines"`
	Until time.Time `json:"until"`
}

// KeepLogs does what operation logs need now and then: it removes lines that are older than Config.KeepLog, and brings into the
// companies' logs what operators did to their contracts, where a crash left that out. For the one who leads such duties, daily.
func (d *Directory) KeepLogs(ctx context.Context) (removed int, err error) {
	const op = "directory.KeepLogs"
	tenants, err := d.Tenants(ctx)
	if err != nil {
		return 0, mail.Wrap(op, err)
	}
	removed, err = d.forget(ctx, d.platform)
	errs := []error{err}
	for i := range tenants {
		t := &tenants[i]
		if t.State == TenantOrdered { // its store is not made yet
			continue
		}
		n, err := d.forget(ctx, d.store.Tenant(t.ID))
		removed += n
		errs = append(errs, err, d.copyContract(ctx, atWork().For("after an interruption"), op, t))
	}
	return removed, mail.Wrap(op, errors.Join(errs...))
}

// forget removes old lines of one log, a thousand a commit, and says so in the log.
func (d *Directory) forget(ctx context.Context, in store.Tenant) (removed int, err error) {
	const op = "directory.ForgetLog"
	until := time.Now().Add(-max(cmp.Or(d.cfg.KeepLog, defaultKeepLog), store.KeepActs)).UTC().Truncate(time.Second)
	for {
		n := 0
		err := in.Update(ctx, atWork(), op, func(tx store.Tx) (err error) {
			if n, err = tx.ForgetActs(until, 0); err != nil || n == 0 {
				return err
			}
			doc, err := json.Marshal(forgottenDoc{n, until})
			if err != nil {
				return mail.Because(op, mail.Other, "directory.document", err)
			}
			return tx.Note(kindLog, 0, doc)
		})
		removed += n
		if err != nil || n < store.MaxPage {
			return removed, mail.Wrap(op, err)
		}
	}
}
