package mailbox

import (
	"context"

	"tegami/mail"
	"tegami/store"
)

// WatchOf is Account.Watch for the account that a folder of List belongs to.
func (a *Account) WatchOf(ctx context.Context, f *Folder) <-chan mail.ModSeq {
	return a.tenant.Watch(ctx, f.Account)
}

// CanonicalPath writes a path as Folder.Path has it. Invalid for what can't be one.
func CanonicalPath(path string) (string, error) {
	levels, err := parsePath("mailbox.CanonicalPath", path)
	return joinPath(levels), err
}

// rouse gives an account a new ModSeq by touching its inbox, so that its sessions look again at what is kept in objects, which
// have none. An account without inbox has no sessions that look.
func rouse(tx store.Tx, acc mail.AccountID) error {
	all, err := tx.Mailboxes(acc)
	if err != nil {
		return err
	}
	if i := childOf(all, 0, Inbox); i >= 0 {
		return tx.SetMailbox(all[i])
	}
	return nil
}
