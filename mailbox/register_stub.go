package mailbox

import (
	"context"

	"tegami/mail"
)

var errPending = mail.E("mailbox.Register", mail.Unavailable, "")

// Query finds messages. Invalid "query.filter", "query.sort"; NotFound "query.anchor"; Full "query.too_long".
func (r *Register) Query(ctx context.Context, q Query) (Result, error) { return Result{}, errPending }

// QueryChanges tells what changed of a result since a state. upTo is the last id the caller knows, zero: all. Conflict "state.unknown" where it
// can't be told, Full "query.too_many_changes" for more than max (0: any number).
func (r *Register) QueryChanges(ctx context.Context, q Query, since State, upTo mail.EmailID, max int) (QueryChanges, error) {
	return QueryChanges{}, errPending
}
