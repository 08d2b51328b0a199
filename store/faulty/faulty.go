package faulty

import (
	"context"
	"io"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Wrap gives the store, failing as the plan says. What is not a Point passes through.
func Wrap(s store.Store, p *Plan) store.Store { return faultyStore{s, p} }

type faultyStore struct {
	store.Store
	plan *Plan
}

func (s faultyStore) Tenant(id mail.TenantID) store.Tenant {
	return tenant{s.Store.Tenant(id), s.plan}
}

func (s faultyStore) Platform() store.Tenant { return tenant{s.Store.Platform(), s.plan} }

func (s faultyStore) Claim(ctx context.Context, worker string, max int, lease time.Duration) ([]store.Claimed, error) {
	if err := s.plan.pass(ctx, Claim); err != nil {
		return nil, err
	}
	return s.Store.Claim(ctx, worker, max, lease)
}

type tenant struct {
	store.Tenant
	plan *Plan
}

func (t tenant) Blobs() store.Blobs { return blobs{t.Tenant.Blobs(), t.plan} }

func (t tenant) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := t.plan.pass(ctx, View); err != nil {
		return err
	}
	return t.Tenant.View(ctx, fn)
}

func (t tenant) Usage(ctx context.Context, a mail.AccountID) (store.Box, error) {
	if err := t.plan.pass(ctx, Usage); err != nil {
		return store.Box{}, err
	}
	return t.Tenant.Usage(ctx, a)
}

// Update decides once whether it fails, since fn may run more than once.
func (t tenant) Update(ctx context.Context, by mail.Actor, why mail.Op, fn func(store.Tx) error) error {
	if err := t.plan.pass(ctx, Update); err != nil {
		return err
	}
	commit := t.plan.pass(ctx, Commit)
	err := t.Tenant.Update(ctx, by, why, func(inner store.Tx) error {
		if err := fn(tx{inner}); err != nil {
			return err
		}
		return commit
	})
	if err != nil {
		return err
	}
	return t.plan.pass(ctx, Answer)
}

// tx hands the store the staging it knows.
type tx struct{ store.Tx }

func (t tx) Keep(s store.Staged, index []byte) (mail.BlobRef, error) {
	if f, ok := s.(*staged); ok {
		s = f.Staged
	}
	return t.Tx.Keep(s, index)
}

type blobs struct {
	store.Blobs
	plan *Plan
}

func (b blobs) Stage(ctx context.Context, size int64) (store.Staged, error) {
	if err := b.plan.pass(ctx, Stage); err != nil {
		return nil, err
	}
	s, err := b.Blobs.Stage(ctx, size)
	if err != nil {
		return nil, err
	}
	return &staged{s, ctx, b.plan}, nil
}

func (b blobs) Open(ctx context.Context, ref mail.BlobRef) (store.Blob, error) {
	if err := b.plan.pass(ctx, Open); err != nil {
		return nil, err
	}
	blob, err := b.Blobs.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &atRest{blob, ctx, b.plan}, nil
}

func (b blobs) OpenAt(ctx context.Context, ref mail.BlobRef, at store.Place) (store.Blob, error) {
	if err := b.plan.pass(ctx, Open); err != nil {
		return nil, err
	}
	blob, err := b.Blobs.OpenAt(ctx, ref, at)
	if err != nil {
		return nil, err
	}
	return &atRest{blob, ctx, b.plan}, nil
}

type staged struct {
	store.Staged
	ctx  context.Context
	plan *Plan
}

func (s *staged) Write(p []byte) (int, error) {
	if err := s.plan.pass(s.ctx, Write); err != nil {
		return 0, err
	}
	return s.Staged.Write(p)
}

func (s *staged) Seal(ctx context.Context) error {
	if err := s.plan.pass(ctx, Seal); err != nil {
		return err
	}
	return s.Staged.Seal(ctx)
}

type atRest struct {
	store.Blob
	ctx  context.Context
	plan *Plan
}

func (b *atRest) ReadAt(p []byte, off int64) (int, error) {
	if err := b.plan.pass(b.ctx, Read); err != nil {
		return 0, err
	}
	return b.Blob.ReadAt(p, off)
}

func (b *atRest) WriteRange(w io.Writer, from, n int64) (int64, error) {
	if err := b.plan.pass(b.ctx, Read); err != nil {
		return 0, err
	}
	return b.Blob.WriteRange(w, from, n)
}
