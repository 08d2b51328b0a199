package jmapd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	"tegami/directory"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// call is a request while its methods are called, one after the other. A method sees what belongs to the request, and the account it
// is about.
type call struct {
	server *Server
	who    *directory.Identity
	lang   i18n.Lang
	using  []string
	// made are the ids of records by their creation ids, of this request and what it says of earlier ones.
	made map[jmap.Id]jmap.Id

	boxes map[jmap.Id]*target // accounts that were entered
	entry entry               // the method that runs
	at    *target             // the account it names; nil where it names none
	from  *target             // the account it copies from; nil where it copies nothing
	then  []jmap.Invocation   // what it asks for besides
}

// begin checks a request as a whole.
func (s *Server) begin(_ context.Context, who *directory.Identity, lang i18n.Lang, q *jmap.Request) (*call, error) {
	for _, name := range q.Using {
		if !slices.Contains(capabilities, name) {
			return nil, &jmap.RequestError{Type: jmap.UnknownCapability, Status: 400, Detail: name}
		}
	}
	if len(q.MethodCalls) > s.limits.Calls {
		return nil, jmap.TooMuch(jmap.LimitCalls)
	}
	c := &call{server: s, who: who, lang: lang, using: q.Using, made: map[jmap.Id]jmap.Id{}, boxes: map[jmap.Id]*target{}}
	maps.Copy(c.made, q.CreatedIds)
	return c, nil
}

// all calls the methods of a request.
func (c *call) all(ctx context.Context, q *jmap.Request) *jmap.Response {
	r := &jmap.Response{MethodResponses: make([]jmap.Invocation, 0, len(q.MethodCalls))}
	size := 0
	for _, i := range q.MethodCalls {
		for todo := []jmap.Invocation{i}; len(todo) > 0; todo = append(c.then, todo[1:]...) {
			c.then, todo[0].CallID = nil, i.CallID
			out := c.one(ctx, todo[0], r.MethodResponses, size)
			size += len(out.Args)
			r.MethodResponses = append(r.MethodResponses, out)
		}
	}
	if q.CreatedIds != nil {
		r.CreatedIds = c.made
	}
	r.SessionState = c.server.sessionState(ctx, c.who)
	return r
}

// one calls a method. before are the results so far, and size their octets.
func (c *call) one(ctx context.Context, i jmap.Invocation, before []jmap.Invocation, size int) jmap.Invocation {
	args, failed := i.Resolve(before)
	if failed == nil && size > c.server.limits.Response {
		failed = &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	if failed == nil {
		out, err := c.run(ctx, i.Name, args)
		if err == nil {
			return jmap.Invocation{Name: i.Name, Args: out, CallID: i.CallID}
		}
		failed = c.methodError(i.Name, err)
	}
	text, err := jmap.Marshal(failed)
	if err != nil {
		text = json.RawMessage(`{"type":"serverFail"}`)
	}
	return jmap.Invocation{Name: jmap.ErrorName, Args: text, CallID: i.CallID}
}

// run finds a method and has it answer. A panic stays within it.
func (c *call) run(ctx context.Context, name string, args json.RawMessage) (out json.RawMessage, err error) {
	const op = "jmapd.run"
	e, ok := c.server.methods[name]
	if !ok || !slices.Contains(c.using, e.Capability) {
		return nil, &jmap.MethodError{Type: jmap.UnknownMethod}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			c.server.log.Error("panic", "method", name, "what", p, "stack", string(debug.Stack()))
			err = mail.Because(op, mail.Other, "", fmt.Errorf("panic: %v", p))
		}
	}()
	c.entry, c.at, c.from = e, nil, nil
	answer, err := e.run(ctx, c, args)
	if err != nil {
		return nil, err
	}
	return jmap.Marshal(answer)
}

// also has a method called behind the one that runs, under the same call id: what follows from a success (RFC 8620 §5.4, RFC 8621 §7.5).
func (c *call) also(name string, args any) error {
	text, err := jmap.Marshal(args)
	if err != nil {
		return err
	}
	c.then = append(c.then, jmap.Invocation{Name: name, Args: text})
	return nil
}

// uses tells whether the client uses a capability.
func (c *call) uses(capability string) bool { return slices.Contains(c.using, capability) }

// id gives the id of a record that is named by its id, or by "#" and its creation id; false for a creation nobody knows.
func (c *call) id(id jmap.Id) (jmap.Id, bool) {
	name, created := id.Creation()
	if !created {
		return id, true
	}
	id, created = c.made[name]
	return id, created
}

// box opens the mail of the account the method names.
func (c *call) box(ctx context.Context) (*mailbox.Account, error) { return c.at.open(ctx, c) }

// words gives a text in the language of the request.
func (c *call) words(key string, args ...any) string {
	return c.server.words.Text(c.lang, key, args...)
}

// badArguments names what is wrong with arguments that can't be read.
func badArguments(err error) error {
	var known *jmap.MethodError
	if errors.As(err, &known) {
		return known
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return jmap.Bad(kind.Field)
	}
	return &jmap.MethodError{Type: jmap.InvalidArguments, Description: err.Error()}
}
