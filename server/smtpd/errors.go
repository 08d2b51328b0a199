package smtpd

import (
	"fmt"
	"strings"

	"tegami/mail"
	"tegami/wire/smtp"
)

// byKind says what an error becomes that has no key in byKey. What may pass is
// temporary, so that no mail is lost to a fault of ours.
var byKind = map[mail.Kind]say{
	mail.Other:       sayLater,
	mail.Invalid:     sayInvalid,
	mail.Denied:      sayDenied,
	mail.NotFound:    sayNoSuchUser,
	mail.Conflict:    sayLater,
	mail.Full:        sayLimit,
	mail.Busy:        sayBusy,
	mail.Unavailable: sayLater,
}

// byKey refines byKind by what exactly happened, the catalogue key nearest to it.
var byKey = map[string]say{
	// of the codec
	"smtp.line.too_long":   sayLineTooLong,
	"smtp.line.bare":       sayLineEnd,
	"smtp.syntax":          saySyntax,
	"smtp.path.from":       sayBadSender,
	"smtp.path.to":         sayBadRecipient,
	"smtp.param.unknown":   sayUnknownParam,
	"smtp.param.value":     sayBadParam,
	"smtp.utf8.needed":     sayNeedsUTF8,
	"message.too_big":      sayTooBig,
	"message.bare_newline": sayBareNewline,
	// of intake and below
	"auth.required":       sayAuthFirst,
	"tls.required":        sayTLSFirst,
	"recipient.unknown":   sayNoSuchUser,
	"recipients.too_many": sayTooManyRecipients,
	"box.full":            sayBoxFull,
	"message.too_many":    sayBoxFull, // of a folder
	"sender.box_full":     saySenderFull,
	"recipients.none":     sayRcptFirst,
	"account.suspended":   sayBoxDisabled,
	"tenant.suspended":    sayBoxDisabled,
	"tenant.closed":       sayBoxDisabled,
	"tenant.not_started":  sayBoxDisabled,
	"sender.not_owned":    saySenderNotYours,
	"relay.denied":        sayRelayDenied,
	"list.posting_denied": sayPostingDenied,
	"dmarc.rejected":      sayDMARC,
	"message.hold":        sayHoldTooLong,

	"account.sending_stopped": saySendingStopped,
	"message.looping":         sayLoop,
	"storage.busy":            sayBusy,
	"storage.full":            sayStorageFull,
	"storage.failed":          sayLater,
	"virus.refused":           sayVirus,
	"virus.unchecked":         sayUnchecked,
	"message.doubtful":        sayComeAgain,
}

// byAuthKind and byAuthKey are the same for AUTH (RFC 4954 §6).
var (
	byAuthKind = map[mail.Kind]say{
		mail.Other:       sayAuthLater,
		mail.Invalid:     sayAuthMalformed,
		mail.Denied:      sayAuthFailed,
		mail.NotFound:    sayAuthFailed,
		mail.Conflict:    sayAuthLater,
		mail.Full:        sayAuthLater,
		mail.Busy:        sayAuthLater,
		mail.Unavailable: sayAuthLater,
	}
	byAuthKey = map[string]say{
		"auth.mechanism":     sayMechanism,
		"auth.too_long":      sayAuthTooLong,
		"auth.locked":        sayAuthLater,
		"smtp.line.too_long": sayAuthTooLong,
		"smtp.line.bare":     sayLineEnd,
		"account.suspended":  sayAccountDisabled,
		"tenant.suspended":   sayAccountDisabled,
		"tenant.closed":      sayAccountDisabled,
		"tenant.not_started": sayAccountDisabled,
	}
)

// replyTo is the reply an error becomes.
func replyTo(err error) smtp.Reply {
	if key, args := mail.TextOf(err); key == "virus.refused" && len(args) > 0 {
		return naming(sayVirus.reply(), args[0])
	}
	return pick(err, byKey, byKind)
}

// maxNamed is how many octets of a virus's name a reply holds.
const maxNamed = 80

// naming is a reply with a name at its end, as far as that is ASCII.
func naming(r smtp.Reply, name any) smtp.Reply {
	text := strings.Map(func(c rune) rune {
		if c <= ' ' || c > '~' || c == '(' || c == ')' {
			return -1
		}
		return c
	}, fmt.Sprint(name))
	if text = text[:min(len(text), maxNamed)]; text == "" {
		return r
	}
	return smtp.R(r.Code, r.Enhanced, r.Lines[0]+" ("+text+")")
}

// authReplyTo is replyTo for AUTH.
func authReplyTo(err error) smtp.Reply { return pick(err, byAuthKey, byAuthKind) }

func pick(err error, keys map[string]say, kinds map[mail.Kind]say) smtp.Reply {
	key, _ := mail.TextOf(err)
	s, ok := keys[key]
	if !ok {
		s = kinds[mail.KindOf(err)]
	}
	return s.reply()
}

// connectReplyTo is the greeting a peer gets that Connect refused: 421 or 554 (RFC 5321 §3.1).
func connectReplyTo(err error) smtp.Reply {
	if replyTo(err).Temporary() {
		return sayBusyPeer.reply()
	}
	return sayRefusedPeer.reply()
}
