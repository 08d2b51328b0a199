package notice

import (
	"context"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/queue"
	"tegami/wire/sieve"
)

const (
	// aDay is how long the owner of a box is not told again that it fills up (SV-5).
	aDay = 24 * time.Hour
	// anHour is how long administrators are not told again that the same sender is over its limit (ML-10).
	anHour = time.Hour
	// noRoom is with how many free octets a box that refused a message counts as full. With more, it was
	// the message that was large, and the owner is told that the box is nearly full.
	noRoom = 1 << 20
)

// nearlyFull warns the owner of a box from 90 % on (SV-5).
func nearlyFull(acc *directory.Account, fill mailbox.Fill) Notice {
	return Notice{
		subject: "notice.nearly_full.title", what: "notice.nearly_full.what", do: "notice.nearly_full.do",
		args:    []any{mailbox.NearPercent, size(fill.Used), fill.Percent(), size(fill.Quota)},
		lines:   fillLines(acc, fill),
		account: acc.ID, once: acc.ID.String(), every: aDay,
	}
}

// full tells the owner of a box that it takes no more mail (SV-5).
func full(acc *directory.Account, fill mailbox.Fill) Notice {
	return Notice{
		subject: "notice.full.title", what: "notice.full.what", do: "notice.full.do",
		args:    []any{size(fill.Quota)},
		lines:   fillLines(acc, fill),
		account: acc.ID, once: acc.ID.String(), every: aDay,
	}
}

func fillLines(acc *directory.Account, fill mailbox.Fill) []line {
	return []line{{"notice.address", acc.Address.String()}, {"notice.used", size(fill.Used)}, {"notice.quota", size(fill.Quota)}}
}

// Filled hears that a box is over 90 % of its quota, or was found full (deliver.Config.Filled).
func (s *Service) Filled(_ mail.TenantID, account directory.Account, used, quota int64) {
	s.found(box{account, used >= quota})
}

// Full hears that a box could not take a message, or that its owner could not send (intake.Config.Full).
func (s *Service) Full(account directory.Account) { s.found(box{account, true}) }

func (s *Service) found(b box) {
	select {
	case s.boxes <- b:
	default: // its next message comes here again
	}
}

// tellFull tells the owner of a box how full it is now: one notice a day, the graver instead of the other. The
// account is read anew, as what was given may be some commits old.
func (s *Service) tellFull(ctx context.Context, b box) {
	acc, err := s.cfg.Directory.Company(b.account.Tenant).Account(ctx, b.account.ID)
	if mail.Is(err, mail.NotFound) {
		return
	}
	var fill mailbox.Fill
	if err == nil {
		fill, err = s.cfg.Mailbox.Fill(ctx, acc)
	}
	if err != nil {
		s.cfg.Log.Warn("how full a box is", "account", b.account.ID.String(), "err", err)
		return
	}
	graver := full(&acc, fill)
	switch {
	case b.refused && fill.Quota-fill.Used < noRoom:
		s.tell(ctx, acc.Tenant, graver)
	case fill.Near():
		told, err := s.cfg.Store.Tally(ctx, graver.counter(acc.Tenant), 0, graver.every)
		if err == nil && told > 0 {
			return
		}
		s.tell(ctx, acc.Tenant, nearlyFull(&acc, fill))
	}
}

// OverLimit hears that a sender passed a limit and its mail is held (ML-10; intake.Config.OverLimit). account is zero
// for a machine in a VPN; whose is "account", "domain" or "tenant". The administrators are told, once an hour.
func (s *Service) OverLimit(tenant mail.TenantID, account mail.AccountID, whose string, limit int, window time.Duration) {
	s.later(tenant, Notice{
		subject: "notice.over_limit.title", what: "notice.over_limit.what", do: "notice.over_limit.do",
		args:   []any{someone(account)},
		lines:  []line{{"notice.limit", key(limitKey(whose))}, {"notice.limit_value", limit}, {"notice.limit_window", int(window / time.Hour)}},
		admins: true, once: account.String() + " " + whose, every: anHour,
	})
}

func limitKey(whose string) string {
	switch whose {
	case "domain":
		return "notice.limit_domain"
	case "tenant":
		return "notice.limit_tenant"
	}
	return "notice.limit_account"
}

// Hijacked hears that an account's sending was stopped because it looks stolen (ML-10; intake.Config.Hijacked). The
// account and the administrators are told.
func (s *Service) Hijacked(tenant mail.TenantID, account directory.Account) {
	s.later(tenant, Notice{
		subject: "notice.hijacked.title", what: "notice.hijacked.what", do: "notice.hijacked.do",
		args:    []any{account.Address.String()},
		account: account.ID, admins: true, once: account.ID.String(), every: anHour,
	})
}

// Moderate hears that a post waits for an owner of its list (LI-7; deliver.Config.Moderate).
func (s *Service) Moderate(tenant mail.TenantID, list directory.List, item queue.Item) {
	s.later(tenant, Notice{
		subject: "notice.moderate.title", what: "notice.moderate.what", do: "notice.moderate.do",
		args: []any{list.Address.String(), item.ID.String(), list.Address.Domain},
		lines: []line{
			{"notice.author", item.HeaderFrom}, {"notice.received", item.Origin.Received},
			{"notice.message_id", item.MessageID}, {"notice.item", item.ID.String()},
		},
		to: list.Owners, lang: list.Lang,
	})
}

// SwitchedOff hears that a list's member gets no more because of its bounces (LI-7; deliver.Config.SwitchedOff).
func (s *Service) SwitchedOff(tenant mail.TenantID, list directory.List, member mail.Address) {
	s.later(tenant, Notice{
		subject: "notice.switched_off.title", what: "notice.switched_off.what", do: "notice.switched_off.do",
		args:  []any{list.Address.String(), member.String(), directory.MaxBounces, int(directory.BounceWindow / aDay)},
		lines: []line{{"notice.list", list.Address.String()}, {"notice.member", member.String()}},
		to:    list.Owners, lang: list.Lang, once: list.ID.String() + " " + member.Key(), every: aDay,
	})
}

// ForwardRefused tells the owner of a box that its mail is not forwarded, since the company does not allow it
// (ML-5), once a day for each target.
func (s *Service) ForwardRefused(tenant mail.TenantID, account directory.Account, target mail.Address) {
	s.later(tenant, Notice{
		subject: "notice.forward.title", what: "notice.forward.what", do: "notice.forward.do",
		args:    []any{target.String()},
		account: account.ID, once: account.ID.String() + " " + target.Key(), every: aDay,
	})
}

// FilterFailed tells the owner of a filter that its script could not be run to its end (ML-12; deliver.Config.FilterFailed,
// which says it once for each version of a script). The messages are in the inbox meanwhile.
func (s *Service) FilterFailed(tenant mail.TenantID, account directory.Account, script string, fault sieve.Fault) {
	lines := []line{{"notice.script", script}}
	if fault.Script != "" {
		lines = append(lines, line{"notice.script_included", fault.Script})
	}
	s.later(tenant, Notice{
		subject: "notice.filter_failed.title", what: "notice.filter_failed.what", do: "notice.filter_failed.do",
		args:    []any{script},
		lines:   append(lines, line{"notice.script_line", fault.Line}, line{"notice.script_fault", fault}),
		account: account.ID,
	})
}

// WebhookOff hears that a webhook of a company was switched off because its receiver did not take what it was told for a day
// (webhooks.Config.SwitchedOff); because is a key of the catalogue. The administrators are told.
func (s *Service) WebhookOff(tenant mail.TenantID, name, url, because string) {
	s.later(tenant, Notice{
		subject: "notice.webhook_off.title", what: "notice.webhook_off.what", do: "notice.webhook_off.do",
		args:   []any{name},
		lines:  []line{{"notice.webhook_url", url}, {"notice.webhook_reason", key(because)}},
		admins: true,
	})
}
