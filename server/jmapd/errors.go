package jmapd

import (
	"errors"
	"slices"

	"tegami/mail"
	"tegami/wire/jmap"
)

// methodErrors maps kinds of errors to those of methods (RFC 8620 §3.6.2), the only place where that is decided.
var methodErrors = map[mail.Kind]string{
	mail.Other: jmap.ServerFail, mail.Invalid: jmap.InvalidArguments, mail.Denied: jmap.Forbidden, mail.NotFound: jmap.InvalidArguments,
	mail.Conflict: jmap.StateMismatch, mail.Full: jmap.RequestTooLarge, mail.Busy: jmap.ServerUnavailable, mail.Unavailable: jmap.ServerUnavailable,
}

// setErrors maps kinds of errors to those of records in a /set (RFC 8620 §5.3).
var setErrors = map[mail.Kind]string{
	mail.Other: jmap.ServerFail, mail.Invalid: jmap.InvalidProperties, mail.Denied: jmap.Forbidden, mail.NotFound: jmap.NotFound,
	mail.Conflict: jmap.InvalidProperties, mail.Full: jmap.OverQuota, mail.Busy: jmap.ServerUnavailable, mail.Unavailable: jmap.ServerUnavailable,
}

// keySetErrors are the errors that have a type of their own in a /set.
var keySetErrors = map[string]string{
	"message.too_big": jmap.TooLarge, "vcard.too_big": jmap.TooLarge, "script.too_big": jmap.TooLarge, "rate.limited": jmap.RateLimit,
	"rules.hand_written": jmap.Forbidden, "script.active": "sieveIsActive", "script.exists": jmap.AlreadyExists, // RFC 9661 §2.2
	"mailbox.has_children": "mailboxHasChild", "mailbox.has_messages": "mailboxHasEmail", // RFC 8621 §2.5
	"flag.unknown": jmap.InvalidProperties, "keywords.too_many": "tooManyKeywords",
}

// methodError puts an error into the words of JMAP and of the caller. What nobody foresaw goes into the log and not into the answer.
func (c *call) methodError(name string, err error) *jmap.MethodError {
	var known *jmap.MethodError
	if errors.As(err, &known) {
		return known
	}
	kind := mail.KindOf(err)
	if kind == mail.Other || kind == mail.Unavailable {
		c.server.log.Error("method", "method", name, "who", c.who.Actor().Name(), "err", err)
	}
	return &jmap.MethodError{Type: methodErrors[kind], Description: c.server.words.Error(c.lang, err)}
}

// setError is methodError for one record. properties are what the error is about, where only the caller of this function knows.
func (c *call) setError(err error, properties ...string) *jmap.SetError {
	if err == nil {
		return nil
	}
	var known *jmap.SetError
	if errors.As(err, &known) {
		return known
	}
	kind := mail.KindOf(err)
	if kind == mail.Other || kind == mail.Unavailable {
		c.server.log.Error("record", "method", c.entry.Name, "who", c.who.Actor().Name(), "err", err)
	}
	e := &jmap.SetError{Type: setErrors[kind], Description: c.server.words.Error(c.lang, err)}
	if key, _ := mail.TextOf(err); keySetErrors[key] != "" {
		e.Type = keySetErrors[key]
	}
	if e.Type == jmap.InvalidProperties {
		e.Properties = slices.Clone(properties)
	}
	return e
}
