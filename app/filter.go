package app

import (
	"context"
	"time"

	"tegami/digest"
	"tegami/directory"
	"tegami/inspect"
	"tegami/learning"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
	"tegami/policy"
	"tegami/quarantine"
	"tegami/queue"
)

// expireEvery is how often messages leave quarantine whose time is over (SF-4).
const expireEvery = time.Hour

// newLearning makes what remembers what companies' people say of mail.
func (p *Platform) newLearning() *learning.Service {
	return learning.New(learning.Config{
		Store: p.store, By: queue.Worker(), Log: obs.Named(p.log, "learning"),
		Read: func(ctx context.Context, t mail.TenantID, ref mail.BlobRef) (learning.Words, error) {
			return inspect.Words(ctx, p.store.Tenant(t), ref)
		},
	})
}

// judged has the filter learn from a move into or out of the folder for unwanted mail (SF-6).
func (p *Platform) judged(l mailbox.Lesson) {
	p.learning.Later(learning.Message{Tenant: l.Tenant, Account: l.Account, Blob: l.Blob, Spam: l.Spam})
}

// newQuarantine makes the quarantine boxes.
func (p *Platform) newQuarantine() *quarantine.Service {
	return quarantine.New(quarantine.Config{
		Store: p.store, Directory: p.dir, Release: p.house.Release, Forward: p.house.Redirect, Allow: directory.AllowSender, Log: obs.Named(p.log, "quarantine"),
		Did: func(_ context.Context, a quarantine.Act) {
			if a.Ham {
				p.learning.Later(learning.Message{Tenant: a.Tenant, Account: a.Account.ID, Blob: a.Entry.Blob})
			}
		},
	})
}

// newDigests makes what tells people of what is in their quarantine.
func (p *Platform) newDigests() *digest.Service {
	return digest.New(digest.Config{
		Store: p.store, Directory: p.dir, Quarantine: p.quarantine, Letters: p.notices, URL: "https://" + p.config.Hostname + "/digest/", Log: obs.Named(p.log, "digest"),
		Rules: func(ctx context.Context, a directory.Account) (digest.Rules, error) {
			f, err := p.dir.MailFilter(ctx, &a)
			if err != nil {
				return digest.Rules{}, err
			}
			return digest.Rules{On: f.Digest.On && !f.NoDigest, Hours: f.Digest.Hours, Days: f.QuarantineDays, Allow: f.UserAllow}, nil
		},
	})
}

// zoneOf is where a company's days begin; Japan where that can't be read.
func (p *Platform) zoneOf(ctx context.Context, tenant mail.TenantID) *time.Location {
	zone, err := p.dir.Company(tenant).Zone(ctx)
	if err != nil {
		p.log.Warn("a company's time zone is not known", "tenant", tenant.String(), "err", err)
	}
	return zone
}

// filterOf gives what holds for the mail of an account, as the filter takes it.
func (p *Platform) filterOf(ctx context.Context, a *directory.Account) (*policy.Filter, int, error) {
	f, err := p.dir.MailFilter(ctx, a)
	if err != nil {
		return nil, 0, err
	}
	return &policy.Filter{
		Action: policy.SpamAction(f.Action), Threshold: f.Threshold, Company: policy.SenderLists(f.Company), User: policy.SenderLists(f.User),
		UserAllow: f.UserAllow, UserFirst: f.UserFirst, AllowForged: f.AllowForged,
	}, f.QuarantineDays, nil
}

// expire ends what was long enough in quarantine, and forgets what the filter learned too much of, now and then, until ctx ends.
func (p *Platform) expire(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		if ended, err := p.quarantine.Expire(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("quarantine", "err", err)
		} else if ended > 0 {
			p.log.Info("messages left quarantine, as their time was over", "messages", ended)
		}
		if err := p.learning.Tidy(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("learning", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
