package queue

import (
	"errors"
	"fmt"
	"runtime/debug"

	"tegami/mail"
)

// A Failure is what Carrier.Carry may answer to say more about a destination that can't be served:
// what it holds is written to every recipient that waits for it.
type Failure struct {
	Reason string // a key of the catalogue, such as "remote.refused"
	Status string // enhanced status code (RFC 3463), such as "4.4.1"
	Host   string // who said so; "" = we
	Answer string // its words
	Err    error  // for the log
}

func (f *Failure) Error() string {
	text := f.Reason
	for _, more := range []string{f.Host, f.Answer} {
		if more != "" {
			text += " " + more
		}
	}
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// failureOf reads an error of Carry; nil for none. One of which nothing more is known keeps its key, or "delivery.later", and its words.
func failureOf(err error) *Failure {
	var f *Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f
	}
	f = &Failure{Reason: "delivery.later", Answer: err.Error(), Err: err}
	if key, _ := mail.TextOf(err); key != "" {
		f.Reason = key
	}
	return f
}

// apply writes the failure to who still waits. A Reason alone leaves what is known of the last try.
func (f *Failure) apply(it *Item) {
	for i := range it.To {
		t := &it.To[i]
		if t.Outcome != Waiting {
			continue
		}
		if t.Reason == "" || f.Host+f.Answer+f.Status != "" {
			t.Reason, t.Status, t.Host, t.Answer = f.Reason, f.Status, f.Host, f.Answer
		}
	}
}

// errPanic is a panic of a carrier.
type errPanic struct {
	value any
	stack []byte
}

func (e *errPanic) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// guarded calls a carrier. A bug in one carrier, met by one odd message, must not take down all doors and all other
// carriers of the process: this is the one place that recovers.
func guarded(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &errPanic{p, debug.Stack()}
		}
	}()
	return call()
}
