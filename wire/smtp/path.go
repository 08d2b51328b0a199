package smtp

import (
	"math"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
)

// Ext is a set of extensions whose parameters are understood.
type Ext uint16

// The extensions with parameters of MAIL or RCPT.
const (
	ExtSize          Ext = 1 << iota // RFC 1870
	Ext8BitMIME                      // RFC 6152
	ExtBinaryMIME                    // RFC 3030
	ExtUTF8                          // RFC 6531; for RCPT: MAIL said SMTPUTF8
	ExtDSN                           // RFC 3461
	ExtAuth                          // RFC 4954 §5
	ExtFutureRelease                 // RFC 4865
	ExtRequireTLS                    // RFC 8689
)

// Lengths of parameters, in octets.
const (
	maxEnvID = 100 // RFC 3461 §4.4
	maxOrcpt = 500 // RFC 3461 §4.2
)

// maxHold is the longest HOLDFOR: RFC 4865 §4 gives it 9 digits.
const maxHold = 999_999_999 * time.Second

// ParseMail reads the arguments of MAIL: "FROM:<path> [parameters]". The keys of
// its errors: "smtp.syntax", "smtp.path.from" for a malformed address,
// "smtp.param.unknown", "smtp.param.value", all Invalid, and "smtp.utf8.needed" (Denied)
// for a non-ASCII address without SMTPUTF8 (RFC 6531 §3.5).
func ParseMail(args string, ext Ext) (from mail.Address, opts mail.Options, err error) {
	const op = "smtp.ParseMail"
	path, params, ok := cutPath(args, "FROM:")
	if !ok {
		return from, opts, mail.E(op, mail.Invalid, "smtp.syntax")
	}
	if path != "" {
		if from, err = mail.ParseAddress(path); err != nil {
			return from, opts, mail.E(op, mail.Invalid, "smtp.path.from", path)
		}
	}
	var seen []string
	for params != "" {
		var p param
		if p, params, err = cutParam(op, params, &seen); err != nil {
			return from, opts, err
		}
		if err = p.checked(op, mailParam(p, ext, &opts)); err != nil {
			return from, opts, err
		}
	}
	if !opts.UTF8 && !isASCII(path) {
		return from, opts, mail.E(op, mail.Denied, "smtp.utf8.needed", path)
	}
	return from, opts, nil
}

// ParseRcpt reads the arguments of RCPT: "TO:<path> [parameters]". <Postmaster>
// without a domain is allowed and has an empty Domain (RFC 5321 §4.5.1). Errors are those
// of ParseMail, with "smtp.path.to" for a malformed address.
func ParseRcpt(args string, ext Ext) (r mail.Recipient, err error) {
	const op = "smtp.ParseRcpt"
	path, params, ok := cutPath(args, "TO:")
	switch {
	case !ok:
		return r, mail.E(op, mail.Invalid, "smtp.syntax")
	case strings.EqualFold(path, "postmaster"):
		r.Address.Local = "postmaster"
	case ext&ExtUTF8 == 0 && !isASCII(path):
		return r, mail.E(op, mail.Denied, "smtp.utf8.needed", path)
	default:
		if r.Address, err = mail.ParseAddress(path); err != nil {
			return r, mail.E(op, mail.Invalid, "smtp.path.to", path)
		}
	}
	var seen []string
	for params != "" {
		var p param
		if p, params, err = cutParam(op, params, &seen); err != nil {
			return r, err
		}
		if err = p.checked(op, rcptParam(p, ext, &r)); err != nil {
			return r, err
		}
	}
	return r, nil
}

// cutPath takes "FROM:<path>" apart, case and space before "<" not regarded, and
// strips a source route (RFC 5321 §4.1.1.3, appendix C). A path without its brackets,
// as some devices send it, ends at a space.
func cutPath(args, word string) (path, params string, ok bool) {
	if len(args) < len(word) || !strings.EqualFold(args[:len(word)], word) {
		return "", "", false
	}
	rest := strings.TrimLeft(args[len(word):], " ")
	if !strings.HasPrefix(rest, "<") {
		path, params, _ = strings.Cut(rest, " ")
		return path, strings.Trim(params, " "), path != "" && !strings.ContainsAny(path, "<>")
	}
	end := pathEnd(rest)
	if end < 0 {
		return "", "", false
	}
	path, params = rest[1:end], rest[end+1:]
	if params != "" && params[0] != ' ' {
		return "", "", false
	}
	if strings.HasPrefix(path, "@") {
		if _, path, ok = strings.Cut(path, ":"); !ok || path == "" {
			return "", "", false
		}
	}
	return path, strings.Trim(params, " "), true
}

// pathEnd finds the ">" of a path, past quoted strings; -1 where there is none.
func pathEnd(s string) int {
	quoted := false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == '>' && !quoted:
			return i
		}
	}
	return -1
}

// param is one esmtp-param.
type param struct {
	key   string // in upper case
	value string
	given bool // there was a "="
}

// paramState is what the reader of a parameter found.
type paramState uint8

const (
	paramOK paramState = iota
	paramUnknown
	paramBad
)

// maxParams is how many parameters a command can have: more than there are.
const maxParams = 16

// cutParam takes the first parameter off. One that came before is an error.
func cutParam(op mail.Op, s string, seen *[]string) (p param, rest string, err error) {
	word, rest, _ := strings.Cut(s, " ")
	p.key, p.value, p.given = strings.Cut(word, "=")
	p.key = strings.ToUpper(p.key)
	for _, k := range *seen {
		if k == p.key {
			return p, "", mail.E(op, mail.Invalid, "smtp.param.value", p.key)
		}
	}
	if *seen = append(*seen, p.key); p.key == "" || len(*seen) > maxParams {
		return p, "", mail.E(op, mail.Invalid, "smtp.syntax")
	}
	return p, strings.TrimLeft(rest, " "), nil
}

func (p param) checked(op mail.Op, s paramState) error {
	switch s {
	case paramUnknown:
		return mail.E(op, mail.Invalid, "smtp.param.unknown", p.key)
	case paramBad:
		return mail.E(op, mail.Invalid, "smtp.param.value", p.key)
	}
	return nil
}

// mailExt says which extension gives MAIL a parameter, rcptExt RCPT.
var (
	mailExt = map[string]Ext{
		"SIZE": ExtSize, "BODY": Ext8BitMIME | ExtBinaryMIME, "SMTPUTF8": ExtUTF8, "RET": ExtDSN, "ENVID": ExtDSN,
		"AUTH": ExtAuth, "HOLDFOR": ExtFutureRelease, "HOLDUNTIL": ExtFutureRelease, "REQUIRETLS": ExtRequireTLS,
	}
	rcptExt = map[string]Ext{"NOTIFY": ExtDSN, "ORCPT": ExtDSN}
)

// mailParam puts a parameter of MAIL into opts.
func mailParam(p param, ext Ext, opts *mail.Options) paramState {
	if mailExt[p.key]&ext == 0 {
		return paramUnknown
	}
	ok := p.given
	switch p.key {
	case "SIZE":
		opts.Size, ok = parseSize(p.value)
	case "BODY":
		opts.Body, ok = parseBody(p.value, ext)
	case "SMTPUTF8":
		opts.UTF8, ok = true, !p.given
	case "REQUIRETLS":
		opts.RequireTLS, ok = true, !p.given
	case "RET":
		opts.Ret, ok = parseRet(p.value)
	case "ENVID":
		opts.EnvID, ok = DecodeXtext(p.value)
		ok = ok && p.value != "" && len(p.value) <= maxEnvID
	case "AUTH": // who submitted it elsewhere; we trust nobody's word (RFC 4954 §5)
		_, ok = DecodeXtext(p.value)
		ok = ok && p.value != ""
	case "HOLDFOR", "HOLDUNTIL":
		twice := !opts.HoldUntil.IsZero() // RFC 4865 §5: one of them
		opts.HoldUntil, ok = parseHold(p)
		ok = ok && !twice
	}
	if !ok {
		return paramBad
	}
	return paramOK
}

// rcptParam puts a parameter of RCPT into r.
func rcptParam(p param, ext Ext, r *mail.Recipient) paramState {
	if rcptExt[p.key]&ext == 0 {
		return paramUnknown
	}
	ok := false
	switch p.key {
	case "NOTIFY":
		r.Notify, ok = parseNotify(p.value)
	case "ORCPT":
		r.Orcpt, ok = parseOrcpt(p.value)
	}
	if !ok {
		return paramBad
	}
	return paramOK
}

// parseSize reads up to 20 digits (RFC 1870 §3); what no int64 holds is as large as one can be.
func parseSize(s string) (int64, bool) {
	if !isDigits(s) || len(s) > 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	return n, true
}

func parseBody(s string, ext Ext) (mail.Body, bool) {
	switch strings.ToUpper(s) {
	case "7BIT":
		return mail.Body7Bit, true
	case "8BITMIME":
		return mail.Body8BitMIME, ext&Ext8BitMIME != 0
	case "BINARYMIME":
		return mail.BodyBinaryMIME, ext&ExtBinaryMIME != 0
	}
	return 0, false
}

func parseRet(s string) (mail.Ret, bool) {
	switch strings.ToUpper(s) {
	case "FULL":
		return mail.RetFull, true
	case "HDRS":
		return mail.RetHeaders, true
	}
	return 0, false
}

// parseHold reads seconds, or a date-time of RFC 3339.
func parseHold(p param) (time.Time, bool) {
	if p.key == "HOLDUNTIL" {
		t, err := time.Parse(time.RFC3339, p.value)
		return t, err == nil && !t.IsZero()
	}
	n, err := strconv.ParseInt(p.value, 10, 64)
	if err != nil || !isDigits(p.value) || n > int64(maxHold/time.Second) {
		return time.Time{}, false
	}
	return time.Now().Add(time.Duration(n) * time.Second), true
}

// parseNotify reads NEVER, or a list of the others (RFC 3461 §4.1).
func parseNotify(s string) (n mail.Notify, ok bool) {
	for word := range strings.SplitSeq(strings.ToUpper(s), ",") {
		var bit mail.Notify
		switch word {
		case "NEVER":
			bit = mail.NotifyNever
		case "SUCCESS":
			bit = mail.NotifySuccess
		case "FAILURE":
			bit = mail.NotifyFailure
		case "DELAY":
			bit = mail.NotifyDelay
		}
		if bit == 0 || n&bit != 0 {
			return 0, false
		}
		n |= bit
	}
	return n, n&mail.NotifyNever == 0 || n == mail.NotifyNever
}

// parseOrcpt reads "type;xtext" (RFC 3461 §4.2).
func parseOrcpt(s string) (string, bool) {
	kind, addr, ok := strings.Cut(s, ";")
	text, ok2 := DecodeXtext(addr)
	if !ok || !ok2 || kind == "" || addr == "" || len(s) > maxOrcpt || strings.IndexByte(kind, '+') >= 0 {
		return "", false
	}
	return kind + ";" + text, true
}
