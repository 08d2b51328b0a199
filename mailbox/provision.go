package mailbox

import (
	"tegami/mail"
	"tegami/store"
)

// provisioned are the mailboxes every new account has, with their roles (RFC 8621 §2, RFC 6154 §2)
// and their names by language. They belong to the user and are not translated later.
var provisioned = []struct{ role, en, ja string }{
	{"inbox", Inbox, Inbox},
	{"sent", "Sent", "送信済み"},
	{"drafts", "Drafts", "下書き"},
	{"junk", "Junk", "迷惑メール"},
	{"trash", "Trash", "ごみ箱"},
	{"archive", "Archive", "アーカイブ"},
}

// Provision makes the mailboxes of a new account, subscribed, with names in lang ("ja", else English).
func Provision(tx store.Tx, account mail.AccountID, lang string) error {
	for _, p := range provisioned {
		name := p.en
		if lang == "ja" {
			name = p.ja
		}
		_, err := tx.CreateMailbox(store.Mailbox{Account: account, Name: name, Role: p.role, Subscribed: true})
		if err != nil {
			return mail.Wrap("mailbox.Provision", err)
		}
	}
	return nil
}
