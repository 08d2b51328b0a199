package main

import (
	"fmt"
	"strconv"
	"time"

	"tegami/directory"
	"tegami/mailbox"
)

// reindexCommand makes full-text indexes anew.
type reindexCommand struct {
	Tenant  string `help:"Only of this company: its id, or a domain it has."`
	Account string `help:"Only of this account: one of its addresses."`
	Show    bool   `help:"Make nothing; show what there is."`
}

// indexRow is an account's index as it is printed.
type indexRow struct {
	Address  string        `json:"address"`
	Messages int           `json:"messages"` // in the index
	Segments int           `json:"segments"`
	Size     int64         `json:"size"`    // octets
	Skipped  int           `json:"skipped"` // could not be read in full; searches look at them themselves
	Took     time.Duration `json:"took"`    // nanoseconds
}

var indexHeadings = []string{"cli.address", "cli.messages", "cli.segments", "cli.size", "cli.skipped", "cli.took"}

func (r indexRow) columns() []string {
	return []string{
		r.Address, strconv.Itoa(r.Messages), strconv.Itoa(r.Segments), fmt.Sprintf("%.1f MB", float64(r.Size)/1e6),
		strconv.Itoa(r.Skipped), r.Took.Round(time.Millisecond).String(),
	}
}

// Run indexes account by account and lists what came of it. How far it is goes to standard error.
func (c reindexCommand) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		var rows []indexRow
		err := c.each(d, func(acc directory.Account) error {
			r, err := c.one(d, acc)
			if err == nil {
				rows = append(rows, r)
			}
			return err
		})
		if err != nil {
			return err
		}
		return printList(sh, a.format, indexHeadings, rows)
	})
}

// each goes through the accounts that are meant.
func (c reindexCommand) each(d *desk, do func(directory.Account) error) error {
	if c.Account != "" {
		_, acc, err := d.account(c.Account)
		if err != nil {
			return err
		}
		return do(acc)
	}
	companies, err := d.companies(c.Tenant)
	if err != nil {
		return err
	}
	for _, company := range companies {
		for page := (directory.AccountPage{}); ; {
			list, err := company.Accounts(d.ctx, page)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				break
			}
			for _, acc := range list {
				if err := do(acc); err != nil {
					return err
				}
				page.After = acc.ID
			}
		}
	}
	return nil
}

// tellEvery is how many messages go by between two lines of progress.
const tellEvery = 5000

// one makes an account's index anew, unless it is only to be shown.
func (c reindexCommand) one(d *desk, acc directory.Account) (indexRow, error) {
	boxes := d.platform.Mailboxes()
	r := indexRow{Address: acc.Address.String()}
	if !c.Show {
		told := 0
		done, err := boxes.Reindex(d.ctx, acc.Tenant, acc.ID, func(x mailbox.Indexed) {
			if x.Messages-told >= tellEvery {
				told = x.Messages
				fmt.Fprintln(d.err, d.text("cli.reindexing", r.Address, x.Messages))
			}
		})
		if err != nil {
			return r, err
		}
		r.Skipped, r.Took = done.Skipped, done.Took
	}
	size, err := boxes.IndexSize(d.ctx, acc.Tenant, acc.ID)
	r.Messages, r.Segments, r.Size = size.Docs, size.Segments, size.Octets
	return r, err
}
