package notice

import (
	"context"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/policy"
	"tegami/wire/mime"
)

// Limits of notices of viruses.
const (
	// maxThreatsShown is how many threats one notice names, and maxVirusRecipients how many recipients; of the rest their number is said.
	maxThreatsShown    = 10
	maxVirusRecipients = 20
	// maxVirusNotices is how many notices of viruses one person gets in an hour, and maxVirusAdminNotices how many the administrators of one
	// company get: in an outbreak, more say nothing new and fill the boxes that are needed to end it.
	maxVirusNotices      = 50
	maxVirusAdminNotices = 200
)

// Virus is a message in which the virus check found something, and what was done about it (VC-2, VC-3).
type Virus struct {
	// Accounts are whom the message is of, or for: the account that sends it, none for a machine that did not sign in, or the accounts of the
	// company that it is addressed to. Each gets a notice.
	Accounts []directory.Account
	Outbound bool
	// Address is how administrators know whose mail it was: the sender's address, or the first recipient's. Its domain's administrators are told.
	Address mail.Address
	From    string          // the author of a message that came in, as its header says
	To      []mail.Address  // the recipients of one that was to go out
	Subject string          // decoded
	Found   time.Time       //
	Trace   string          // the number under which the message is found again; "" = none
	Threats []policy.Threat // with what was done; at least one
}

// VirusFound hears what was found in a message, after what was done about it is at rest: the sender of mail that was to go out (VC-2) or
// its recipients here (VC-3) are told, and the administrators who want to be. Somebody outside never is: whom a message with a virus
// names as its sender did not send it. It does not wait.
func (s *Service) VirusFound(tenant mail.TenantID, v Virus) {
	if len(v.Threats) == 0 {
		return
	}
	for i := range v.Accounts {
		s.later(tenant, v.toOwner(&v.Accounts[i]))
	}
	s.later(tenant, v.toAdmins())
}

// toOwner is the notice for the sender, or for one recipient.
func (v *Virus) toOwner(acc *directory.Account) Notice {
	n := Notice{
		subject: "notice.virus_in.title", what: "notice.virus_in.what", do: "notice.virus_in.do",
		lines: v.lines(), account: acc.ID,
		once: acc.ID.String(), every: anHour, most: maxVirusNotices,
	}
	if v.Outbound {
		n.subject, n.what, n.do = "notice.virus_out.title", "notice.virus_out.what", "notice.virus_out.do"
	}
	return n
}

// toAdmins is the notice for the administrators.
func (v *Virus) toAdmins() Notice {
	n := Notice{
		subject: "notice.virus_admin_in.title", what: "notice.virus_admin_in.what", do: "notice.virus_admin_in.do",
		args:  []any{shownSafe(v.Address.String())},
		lines: append(v.accountLines(), v.lines()...),
		watch: &watch{v.Address.Domain, v.Outbound},
		once:  "administrators", every: anHour, most: maxVirusAdminNotices,
	}
	if v.Outbound {
		n.subject, n.what, n.do = "notice.virus_admin_out.title", "notice.virus_admin_out.what", "notice.virus_admin_out.do"
	}
	if v.Trace != "" {
		n.lines = append(n.lines, line{"notice.trace", v.Trace})
	}
	return n
}

// accountLines name the accounts whose mail it was, or the address where there is none.
func (v *Virus) accountLines() (list []line) {
	for i := range v.Accounts[:min(len(v.Accounts), maxVirusRecipients)] {
		list = append(list, line{"notice.virus.account", shownSafe(v.Accounts[i].Address.String())})
	}
	if more := len(v.Accounts) - maxVirusRecipients; more > 0 {
		list = append(list, line{"notice.virus.more_to", more})
	}
	if len(list) == 0 {
		list = []line{{"notice.virus.account", shownSafe(v.Address.String())}}
	}
	return list
}

// lines are the details, as administrators and owners read them: when, whose, in which file what was found, and what was done.
func (v *Virus) lines() []line {
	list := []line{{"notice.virus.found", v.Found}}
	if v.Outbound {
		for _, a := range v.To[:min(len(v.To), maxVirusRecipients)] {
			list = append(list, line{"notice.virus.to", shownSafe(a.String())})
		}
		if more := len(v.To) - maxVirusRecipients; more > 0 {
			list = append(list, line{"notice.virus.more_to", more})
		}
	} else if v.From != "" {
		list = append(list, line{"notice.author", shownSafe(v.From)})
	}
	list = append(list, line{"notice.subject", shownSafe(v.Subject)})
	for _, t := range v.Threats[:min(len(v.Threats), maxThreatsShown)] {
		list = append(list, line{"notice.virus.file", infectedFile(t.File)}, line{"notice.virus.name", shownSafe(t.Name)})
		if !v.Outbound {
			list = append(list, line{"notice.virus.action", actionKey(t.Action)})
		}
	}
	if more := len(v.Threats) - maxThreatsShown; more > 0 {
		list = append(list, line{"notice.virus.more", more})
	}
	if v.Outbound {
		list = append(list, line{"notice.virus.action", key("notice.virus.action_refused")})
	}
	return list
}

// mailBody is how a virus that stands in no file of its own is called: the words that people know from the service before (VC-3).
const mailBody = "mail body"

// infectedFile is the name of an infected file, from outside in.
func infectedFile(name string) string {
	if name == "" {
		return mailBody
	}
	parts := strings.Split(name, "/")
	for i, p := range parts {
		if parts[i] = mime.SanitizeFilename(p); parts[i] == "" {
			parts[i] = "?"
		}
	}
	return shownSafe(strings.Join(parts, " / "))
}

func actionKey(a policy.ThreatAction) key {
	switch a {
	case policy.ThreatDisinfected:
		return "notice.virus.action_disinfected"
	case policy.ThreatRemoved:
		return "notice.virus.action_removed"
	case policy.ThreatRefused:
		return "notice.virus.action_refused"
	}
	return "notice.virus.action_deleted"
}

// watch tells whose administrators are told of a virus.
type watch struct {
	domain   string
	outbound bool
}

// watchers are the administrators who are told of a virus: of those in mail that came in only where the company wants it (VC-3).
func (s *Service) watchers(ctx context.Context, tenant mail.TenantID, w *watch) ([]mail.Address, error) {
	if w == nil {
		return nil, nil
	}
	set, err := s.cfg.Directory.Company(tenant).VirusSettings(ctx)
	if err != nil || set.QuietAdmins && !w.outbound {
		return nil, err
	}
	return set.Tell(w.domain), nil
}
