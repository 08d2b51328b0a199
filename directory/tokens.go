package directory

import (
	"context"
	"time"

	"tegami/mail"
)

// Tokens makes addresses that prove themselves: return paths of forwarded mail (SRS), of members' copies
// (VERP), and links to leave a list. It holds the platform's secrets of the moment; get a new one
// for each piece of work. Its methods may be called from many goroutines.
type Tokens struct{ keys [][]byte }

// Tokens gives the tokens of the moment. The first call of an installation makes the secret.
func (d *Directory) Tokens(ctx context.Context) (*Tokens, error) {
	return nil, mail.E("directory.Tokens", mail.Unavailable, "")
}

// RotateTokens makes a new secret. What older ones proved stays valid as long as they are kept.
// Operators only.
func (d *Directory) RotateTokens(ctx context.Context, by mail.Actor) error {
	return mail.E("directory.RotateTokens", mail.Unavailable, "")
}

// Return is the return path, in a domain of ours, of mail that is forwarded for from; null stays null.
func (t *Tokens) Return(from mail.Address, domain string, now time.Time) mail.Address { return from }

// Bounce is the return path of a member's copy of a list's mail.
func (t *Tokens) Bounce(l *List, m *Member) mail.Address { return l.BouncesAddress() }

// Unsubscribe is what proves that its bearer may take a member off a list: it stands in the
// address UnsubscribeAddress makes of it, and in a link.
func (t *Tokens) Unsubscribe(l *List, m *Member) string { return "" }

// Leave takes the member that a token of Unsubscribe names off its list; again is no error. It is what
// a one-click link does (RFC 8058). Denied "list.token_invalid".
func (d *Directory) Leave(ctx context.Context, token string) (List, mail.Address, error) {
	return List{}, mail.Address{}, mail.E("directory.Leave", mail.Denied, "list.token_invalid")
}

// MayPost judges whether sender may write to a list (LI-7). proved says that it is the sender indeed: it
// signed in, or its domain's authentication passed. Denied "list.posting_denied".
func (d *Directory) MayPost(ctx context.Context, l *List, sender mail.Address, proved bool) error {
	return nil
}
