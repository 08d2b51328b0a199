package app

import (
	"context"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/obs"
	"tegami/webhooks"
)

// newHooks makes what tells companies' own programs of events.
func (p *Platform) newHooks() (*webhooks.Service, error) {
	allow, err := prefixes("webhooks.allow", p.config.Webhooks.Allow)
	if err != nil {
		return nil, err
	}
	return webhooks.New(webhooks.Config{
		Store: p.store, Directory: p.dir, Log: obs.Named(p.log, "webhooks"), Allow: allow,
		SwitchedOff: func(_ context.Context, tenant mail.TenantID, h webhooks.Hook) {
			p.notices.WebhookOff(tenant, h.Name, h.URL, h.Off)
		},
	}), nil
}

// tellHooks delivers to webhooks until its context ends. A store that fails is tried again.
func (p *Platform) tellHooks(ctx context.Context) {
	for ctx.Err() == nil {
		if err := p.hooks.Run(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("webhooks", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(hooksPause):
			}
		}
	}
}

// hooksPause is how long nothing is told after the store failed.
const hooksPause = 10 * time.Second

// quotaEventEvery is how often a webhook hears of the same box that it is nearly full.
const quotaEventEvery = 24 * time.Hour

// filled hears that a box is nearly full: its owner gets a notice, the company's programs an event.
func (p *Platform) filled(tenant mail.TenantID, a directory.Account, used, quota int64) {
	p.notices.Filled(tenant, a, used, quota)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, err := p.store.Tally(ctx, "webhook quota "+a.ID.String(), 1, quotaEventEvery)
	if err == nil && n == 1 {
		err = p.hooks.Tell(ctx, tenant, webhooks.QuotaWarned, a.ID, a.Address.String())
	}
	if err != nil {
		p.log.Warn("telling of a box that is nearly full", "account", a.ID.String(), "err", err)
	}
}

// locked hears that an account was locked out: the company's programs get an event.
func (p *Platform) locked(ctx context.Context, a directory.Account) {
	if err := p.hooks.Tell(ctx, a.Tenant, webhooks.SignInLocked, a.ID, a.Address.String()); err != nil {
		p.log.Warn("telling of a lock-out", "account", a.ID.String(), "err", err)
	}
}
