package mailbox

import (
	"context"
	"time"

	"tegami/mail"
)

// Shares tells whether two views hold the same list, not only an equal one.
func Shares(v, w *View) bool {
	return v.Len() == w.Len() && &v.shown.pieces[0].ms[0] == &w.shown.pieces[0].ms[0]
}

// IndexNow indexes what came into an account, without waiting for more.
func (s *Service) IndexNow(ctx context.Context, t mail.TenantID, a mail.AccountID) (Indexed, error) {
	return s.index(ctx, textAccount{t, a}, time.Now(), nil)
}

// Walk looks at all accounts once.
func (s *Service) Walk(ctx context.Context) error { return s.walk(ctx) }
