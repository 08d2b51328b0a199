package imapd

import (
	"strconv"

	"tegami/mail"
	"tegami/mailbox"
)

// refusal is how an error is answered: NO or BAD, and a response code (RFC 9051 §7.1, RFC 5530).
type refusal struct{ status, code string }

// byKind is the answer to an error whose key has none of its own.
var byKind = map[mail.Kind]refusal{
	mail.Other:       {"NO", "SERVERBUG"},
	mail.Invalid:     {"NO", "CANNOT"},
	mail.Denied:      {"NO", "NOPERM"},
	mail.NotFound:    {"NO", "NONEXISTENT"},
	mail.Conflict:    {"NO", "ALREADYEXISTS"},
	mail.Full:        {"NO", "LIMIT"},
	mail.Busy:        {"NO", "UNAVAILABLE"},
	mail.Unavailable: {"NO", "UNAVAILABLE"},
}

// byKey is the answer to errors that mean more to IMAP than their kind says.
var byKey = map[string]refusal{
	"imap.syntax":             {"BAD", ""},
	"imap.command_too_long":   {"BAD", ""},
	"imap.too_deep":           {"BAD", ""},
	"imap.unknown_command":    {"BAD", ""},
	"imap.wrong_state":        {"BAD", ""},
	"imap.message_number":     {"BAD", ""},
	"imap.no_tls":             {"BAD", ""},
	"imap.cancelled":          {"BAD", ""},
	"imap.charset_with_utf8":  {"BAD", ""}, // RFC 6855 §3
	"imap.uid_required":       {"BAD", "UIDREQUIRED"},
	"imap.tag_in_use":         {"BAD", ""}, // RFC 5267 §4.3
	"imap.relevancy":          {"BAD", ""}, // RFC 6203 §4
	"imap.qresync_first":      {"BAD", ""},
	"imap.bad_event":          {"NO", "BADEVENT (" + notifiable.String() + ")"}, // RFC 5465 §3.1
	"imap.notify_too_much":    {"NO", "NOTIFICATIONOVERFLOW"},
	"imap.compression_active": {"NO", "COMPRESSIONACTIVE"},
	"imap.charset":            {"NO", "BADCHARSET (UTF-8 US-ASCII ISO-2022-JP SHIFT_JIS EUC-JP)"},
	"imap.unknown_cte":        {"NO", "UNKNOWN-CTE"},
	"imap.read_only":          {"NO", "NOPERM"},
	"imap.use":                {"NO", "USEATTR"},
	"imap.quota_fixed":        {"NO", "NOPERM"},
	"imap.other_quota":        {"NO", "NONEXISTENT"},

	"imap.tls_required":           {"NO", "PRIVACYREQUIRED"},
	"imap.too_many_sessions":      {"NO", "LIMIT"},
	"auth.failed":                 {"NO", "AUTHENTICATIONFAILED"},
	"auth.malformed":              {"BAD", ""},
	"auth.too_long":               {"BAD", ""},
	"auth.mechanism":              {"NO", "CANNOT"},
	"auth.locked":                 {"NO", "UNAVAILABLE"},
	"account.suspended":           {"NO", "AUTHORIZATIONFAILED"},
	"auth.scope":                  {"NO", "AUTHORIZATIONFAILED"},
	"zone.other_network":          {"NO", "AUTHORIZATIONFAILED"},
	"tenant.not_started":          {"NO", "AUTHORIZATIONFAILED"},
	"tenant.suspended":            {"NO", "AUTHORIZATIONFAILED"},
	"tenant.closed":               {"NO", "AUTHORIZATIONFAILED"},
	"option.imaps_not_contracted": {"NO", "AUTHORIZATIONFAILED"}, // SV-7
	"box.full":                    {"NO", "OVERQUOTA"},
	"message.too_big":             {"NO", "TOOBIG"},
	"mailbox.has_children":        {"NO", "HASCHILDREN"},
	"mailbox.role":                {"NO", "USEATTR"},
	"mailbox.role_taken":          {"NO", "USEATTR"},
	"mailbox.below_itself":        {"NO", "CANNOT"},
	"mailbox.inbox":               {"NO", "CANNOT"},
	"mailbox.reserved":            {"NO", "CANNOT"},
	"metadata.entry":              {"BAD", ""},
	"metadata.read_only":          {"NO", "NOPERM"},
	"metadata.too_big":            {"NO", "METADATA MAXSIZE " + strconv.Itoa(mailbox.MaxAnnotation)},
	"metadata.too_many":           {"NO", "METADATA TOOMANY"},
	"acl.right":                   {"BAD", ""}, // RFC 4314 §3.1
	"object.changed":              {"NO", "INUSE"},
}

// refusalOf finds the answer to an error.
func refusalOf(err error) (r refusal, key string) {
	key, _ = mail.TextOf(err)
	if r, ok := byKey[key]; ok {
		return r, key
	}
	return byKind[mail.KindOf(err)], key
}

// missing marks an error about a mailbox that could be created, so that the client may (RFC 9051 §7.1 TRYCREATE).
type missing struct{ error }

func (m missing) Unwrap() error { return m.error }

// target marks the error of a command that puts messages into a mailbox.
func target(err error) error {
	if key, _ := mail.TextOf(err); key == "mailbox.unknown" {
		return missing{err}
	}
	return err
}

// refuse answers a command with NO or BAD. The session's id is in the text, so that a customer's
// screenshot leads to the log lines.
func (s *session) refuse(name string, err error) {
	r, _ := refusalOf(err)
	if _, ok := err.(missing); ok {
		r.code = "TRYCREATE"
	}
	if c, ok := err.(coded); ok {
		r.code = c.code
	}
	s.note(name, r, err)
	b := s.out.Begin()
	if s.tag == "" {
		b = append(b, '*')
	}
	b = append(append(append(b, s.tag...), ' '), r.status...)
	if b = append(b, ' '); r.code != "" {
		b = append(append(append(b, '['), r.code...), "] "...)
	}
	b = appendPrintable(b, s.srv.words.Error("en", err))
	s.out.End(append(b, " (session "+s.id+")\r\n"...))
	if r.status == "BAD" {
		s.errors++
	}
	if s.errors >= s.srv.cfg.Limits.Errors || s.failed >= s.srv.cfg.Limits.Errors {
		s.bye("", "imap.too_many_errors")
	}
}

// note logs and counts a refusal. What the customer can't help is a warning.
func (s *session) note(name string, r refusal, err error) {
	label := r.code
	if label == "" || len(label) > 24 {
		label = r.status
	}
	s.srv.cfg.Metrics.Refused(s.srv.cfg.Name, label)
	switch mail.KindOf(err) {
	case mail.Other, mail.Unavailable:
		s.log.Error("command failed", "command", name, "error", err)
	default:
		s.log.Debug("command refused", "command", name, "error", err)
	}
}

// maxText bounds the text of a response: arguments may be what the client sent.
const maxText = 500

// appendPrintable writes a text that may quote the client: one line of printable ASCII.
func appendPrintable(dst []byte, text string) []byte {
	for i := range min(len(text), maxText) {
		c := text[i]
		if c < ' ' || c > '~' {
			c = '?'
		}
		dst = append(dst, c)
	}
	return dst
}
