package notice

import (
	"tegami/mail"
	"tegami/queue"
)

// reason is what a failure is called: a sentence for people and a status code (RFC 3463) for
// where the one who failed gave none.
type reason struct {
	text   string // {0} the recipient, {1} the other host, {2} the status code, {3} days
	status string
}

// reasons are the failures by queue.Recipient.Reason that have a sentence of their own. Any other is told with the text
// that the catalogue has for it.
var reasons = map[string]reason{
	"recipient.unknown":       {"dsn.why.unknown", "5.1.1"},
	"box.full":                {"dsn.why.full", "5.2.2"},
	"account.suspended":       {"dsn.why.disabled", "5.2.1"},
	"tenant.suspended":        {"dsn.why.disabled", "5.2.1"},
	"tenant.closed":           {"dsn.why.disabled", "5.2.1"},
	"remote.refused":          {"dsn.why.refused", "5.0.0"},
	"remote.null_mx":          {"dsn.why.null_mx", "5.1.10"},
	"remote.no_domain":        {"dsn.why.no_domain", "5.1.2"},
	"remote.loop":             {"dsn.why.loop", "5.4.6"},
	"remote.too_big":          {"dsn.why.too_big", "5.3.4"},
	"remote.tls":              {"dsn.why.tls", "5.7.10"},
	"remote.requiretls":       {"dsn.why.tls", "5.7.30"},
	"remote.utf8":             {"dsn.why.utf8", "5.6.7"},
	"delivery.expired":        {"dsn.why.expired", "4.4.7"},
	"delivery.removed":        {"dsn.why.removed", "5.0.0"},
	"message.too_big":         {"dsn.why.too_big", "5.3.4"},
	"message.looping":         {"dsn.why.loop", "5.4.6"},
	"list.posting_denied":     {"dsn.why.posting", "5.7.1"},
	"list.refused":            {"dsn.why.moderated", "5.7.1"},
	"list.too_many":           {"dsn.why.list_full", "5.5.3"},
	"filter.rejected":         {"dsn.why.rejected", "5.7.1"},
	"forward.denied":          {"dsn.why.forward", "5.7.1"},
	"account.sending_stopped": {"dsn.why.stopped", "5.7.1"},
}

// action is a kind of news about a recipient (RFC 3464 §2.3.3).
type action struct {
	name    string // in the Action field
	lead    string // the text above those it concerns
	advice  string // what to do about it; "" = nothing
	subject string
	class   byte   // first digit of the status code
	status  string // for where there is none
}

// actions are in the order in which they are told.
var actions = [...]action{
	{"failed", "dsn.failed", "dsn.failed.do", "dsn.failed.subject", '5', "5.0.0"},
	{"delayed", "dsn.delayed", "dsn.delayed.do", "dsn.delayed.subject", '4', "4.0.0"},
	{"relayed", "dsn.relayed", "", "dsn.relayed.subject", '2', "2.0.0"},
	{"expanded", "dsn.expanded", "", "dsn.expanded.subject", '2', "2.0.0"},
	{"delivered", "dsn.delivered", "", "dsn.delivered.subject", '2', "2.0.0"},
}

// actionOf gives the place in actions of a recipient's outcome.
func actionOf(o queue.Outcome) int {
	switch o {
	case queue.Failed:
		return 0
	case queue.Waiting:
		return 1
	case queue.Relayed:
		return 2
	case queue.Expanded:
		return 3
	}
	return 4
}

// wants tells whether the sender is to hear of a recipient's outcome (RFC 3461 §4.1): of failures and delays unless
// it said otherwise, of all else when it asked for it.
func wants(r *queue.Recipient) bool {
	switch r.Outcome {
	case queue.Failed:
		return r.Notify == 0 || r.Notify&mail.NotifyFailure != 0
	case queue.Waiting:
		return r.Notify == 0 || r.Notify&mail.NotifyDelay != 0
	}
	return r.Notify&mail.NotifySuccess != 0
}

// status is a recipient's status code (RFC 3463): as the one said who knew, else by the reason. A failure after
// tries that might have worked keeps its 4 (RFC 3464 §2.3.4); else the class is the action's.
func status(r *queue.Recipient) string {
	a := &actions[actionOf(r.Outcome)]
	for _, s := range []string{r.Status, reasons[r.Reason].status} {
		if isStatus(s) && (s[0] == a.class || s[0] == '4' && r.Outcome == queue.Failed) {
			return s
		}
	}
	return a.status
}

// isStatus tells whether s is a code of RFC 3463 §2: class, subject of 1 to 3 digits, detail of 1 to 3 digits.
func isStatus(s string) bool {
	if len(s) < 5 || len(s) > 9 || s[1] != '.' || s[0] != '2' && s[0] != '4' && s[0] != '5' {
		return false
	}
	digits, dots := 0, 0
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9' && digits < 3:
			digits++
		case c == '.' && digits > 0 && dots == 0:
			digits, dots = 0, 1
		default:
			return false
		}
	}
	return dots == 1 && digits > 0
}
