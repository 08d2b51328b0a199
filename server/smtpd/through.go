package smtpd

import (
	"context"
	"io"

	"tegami/directory"
	"tegami/intake"
	"tegami/mail"
)

// Through makes the house's intake the door's Gate.
func Through(in *intake.Intake) Gate { return through{in} }

type through struct{ in *intake.Intake }

func (t through) Connect(ctx context.Context, o mail.Origin) error { return t.in.Connect(ctx, o) }

func (t through) Verifier(o mail.Origin) Verifier { return t.in.Verifier(o) }

func (t through) Current(ctx context.Context, who *directory.Identity) error {
	return t.in.Current(ctx, who)
}

func (t through) Begin(ctx context.Context, o mail.Origin, who *directory.Identity, from mail.Address, opts mail.Options) (Transaction, error) {
	tx, err := t.in.Begin(ctx, o, who, from, opts)
	if err != nil {
		return nil, err
	}
	return incoming{tx}, nil
}

type incoming struct{ *intake.Transaction }

func (t incoming) Data(ctx context.Context) (io.Writer, error) { return t.Transaction.Data(ctx) }

func (t incoming) Commit(ctx context.Context) (mail.ItemID, error) {
	receipt, err := t.Transaction.Commit(ctx)
	return receipt.Item, err
}
