package sieved

import (
	"context"
	"strconv"
	"strings"

	"tegami/i18n"
	"tegami/mailbox"
	"tegami/wire/managesieve"
	"tegami/wire/sasl"
	"tegami/wire/sieve"
)

// verb is a command: where it is allowed, what it takes, and what does it. A handler that has written its own
// end, as STARTTLS must, gives a nil reply.
type verb struct {
	allowed state
	args    string // a letter each: s a string, n a number; behind ? they may be left out
	run     func(c *session, ctx context.Context, args []managesieve.Arg) (*reply, error)
}

// verbs is what the door understands (RFC 5804 §2).
var verbs = map[string]verb{
	"AUTHENTICATE":   {greeted, "s?s", (*session).authenticate},
	"STARTTLS":       {greeted, "", (*session).startTLS},
	"CAPABILITY":     {greeted | signedIn, "", (*session).capability},
	"NOOP":           {greeted | signedIn, "?s", (*session).noop},
	"LOGOUT":         {greeted | signedIn, "", (*session).logout},
	"UNAUTHENTICATE": {signedIn, "", (*session).unauthenticate},
	"HAVESPACE":      {signedIn, "sn", (*session).haveSpace},
	"PUTSCRIPT":      {signedIn, "ss", (*session).putScript},
	"CHECKSCRIPT":    {signedIn, "s", (*session).checkScript},
	"LISTSCRIPTS":    {signedIn, "", (*session).listScripts},
	"SETACTIVE":      {signedIn, "s", (*session).setActive},
	"GETSCRIPT":      {signedIn, "s", (*session).getScript},
	"DELETESCRIPT":   {signedIn, "s", (*session).deleteScript},
	"RENAMESCRIPT":   {signedIn, "ss", (*session).renameScript},
}

// takes tells whether a command has the arguments it needs.
func (v *verb) takes(args []managesieve.Arg) bool {
	must, may, _ := strings.Cut(v.args, "?")
	all := must + may
	if len(args) < len(must) || len(args) > len(all) {
		return false
	}
	for i, a := range args {
		want := managesieve.String
		if all[i] == 'n' {
			want = managesieve.Number
		}
		if a.Kind != want {
			return false
		}
	}
	return true
}

// capability answers CAPABILITY.
func (c *session) capability(context.Context, []managesieve.Arg) (*reply, error) {
	c.listCapabilities()
	return &reply{}, nil
}

// listCapabilities writes what can be used now (RFC 5804 §1.7). An error of the connection comes back with the next write.
func (c *session) listCapabilities() {
	c.out.Line("", "IMPLEMENTATION", "Tegami")
	c.out.Line("", "VERSION", "1.0")
	mechanisms := ""
	if c.maySignIn() && c.state == greeted {
		mechanisms = strings.Join(sasl.Mechanisms(c.verifier(), c.conn.Channel()), " ")
	}
	c.out.Line("", "SASL", mechanisms)
	c.out.Line("", "SIEVE", strings.Join(sieve.Capabilities(), " "))
	c.out.Line("", "NOTIFY", strings.Join(sieve.NotifyMethods(), " "))
	c.out.Line("", "MAXREDIRECTS", strconv.Itoa(c.server.boxes.MaxRedirects()))
	c.out.Line("", "LANGUAGE", string(c.lang))
	if c.mayStartTLS() {
		c.out.Line("", "STARTTLS")
	}
	if c.state == signedIn {
		owner := c.account.Identity().Account()
		c.out.Line("", "OWNER", owner.Address.String())
	}
	c.out.Line("", "UNAUTHENTICATE")
}

// noop answers NOOP, with its tag (RFC 5804 §2.13).
func (c *session) noop(_ context.Context, args []managesieve.Arg) (*reply, error) {
	if len(args) == 0 {
		return &reply{text: c.text("sieved.done")}, nil
	}
	return &reply{managesieve.Tag(args[0].Text), c.text("sieved.done")}, nil
}

// logout ends the session.
func (c *session) logout(context.Context, []managesieve.Arg) (*reply, error) {
	c.state = over
	return &reply{text: c.text("sieved.bye")}, nil
}

// unauthenticate goes back to before the sign-in (RFC 5804 §2.14.1). TLS stays.
func (c *session) unauthenticate(context.Context, []managesieve.Arg) (*reply, error) {
	c.account.Close()
	c.account, c.state, c.lang, c.log = nil, greeted, i18n.English, c.conn.Log
	c.in.SetLiteral(maxLiteral)
	c.conn.SignedOut()
	return &reply{}, nil
}

// haveSpace answers HAVESPACE (RFC 5804 §2.5).
func (c *session) haveSpace(ctx context.Context, args []managesieve.Arg) (*reply, error) {
	return &reply{}, c.account.ScriptRoom(ctx, args[0].Text, int64(args[1].Number))
}

// putScript answers PUTSCRIPT (RFC 5804 §2.6).
func (c *session) putScript(ctx context.Context, args []managesieve.Arg) (*reply, error) {
	err := c.account.PutScript(ctx, args[0].Text, []byte(args[1].Text))
	if err == nil {
		c.log.Info("script put", "script", args[0].Text, "size", len(args[1].Text))
	}
	return &reply{}, err
}

// checkScript answers CHECKSCRIPT (RFC 5804 §2.12).
func (c *session) checkScript(_ context.Context, args []managesieve.Arg) (*reply, error) {
	return &reply{}, c.account.CheckScript([]byte(args[0].Text))
}

// listScripts answers LISTSCRIPTS (RFC 5804 §2.7).
func (c *session) listScripts(ctx context.Context, _ []managesieve.Arg) (*reply, error) {
	all, err := c.account.Scripts(ctx)
	for _, s := range all {
		c.out.Line(activeWord(s), s.Name)
	}
	return &reply{}, err
}

func activeWord(s mailbox.Script) string {
	if s.Active {
		return "ACTIVE"
	}
	return ""
}

// setActive answers SETACTIVE (RFC 5804 §2.8).
func (c *session) setActive(ctx context.Context, args []managesieve.Arg) (*reply, error) {
	err := c.account.ActivateScript(ctx, args[0].Text)
	if err == nil {
		c.log.Info("script activated", "script", args[0].Text)
	}
	return &reply{}, err
}

// getScript answers GETSCRIPT (RFC 5804 §2.9).
func (c *session) getScript(ctx context.Context, args []managesieve.Arg) (*reply, error) {
	text, err := c.account.Script(ctx, args[0].Text)
	if err == nil {
		c.out.Literal(text)
	}
	return &reply{}, err
}

// deleteScript answers DELETESCRIPT (RFC 5804 §2.10).
func (c *session) deleteScript(ctx context.Context, args []managesieve.Arg) (*reply, error) {
	return &reply{}, c.account.DeleteScript(ctx, args[0].Text)
}

// renameScript answers RENAMESCRIPT (RFC 5804 §2.11).
func (c *session) renameScript(ctx context.Context, args []managesieve.Arg) (*reply, error) {
	return &reply{}, c.account.RenameScript(ctx, args[0].Text, args[1].Text)
}
