package mail

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Op is the operation that failed, as "package.Function".
type Op string

// Kind is what a program acts upon. Each door maps it to its protocol in one table.
type Kind uint8

// Kinds of errors.
const (
	Other       Kind = iota // unforeseen; a bug or a broken machine
	Invalid                 // the caller's input is malformed
	Denied                  // the actor has no right to it, or authentication failed
	NotFound                // no such thing, for this actor
	Conflict                // it exists already, or changed meanwhile
	Full                    // a quota or a limit is reached
	Busy                    // try again soon: locked, or too much at once
	Unavailable             // something we need is down: disk, database, resolver
)

var kindNames = [...]string{"other", "invalid", "denied", "not found", "conflict", "full", "busy", "unavailable"}

func (k Kind) String() string { return kindNames[k] }

// Kinds lists all kinds, for tests that a door's table is complete.
func Kinds() []Kind {
	return []Kind{Other, Invalid, Denied, NotFound, Conflict, Full, Busy, Unavailable}
}

// Error is the one error type of the house. Text is a key of the catalogue
// (i18n), never a sentence; Args fill its places.
type Error struct {
	Op   Op
	Kind Kind
	Text string
	Args []any
	Err  error // the cause, for the operator's log; never shown to users
}

// E makes an error of a kind with a catalogue key.
func E(op Op, kind Kind, text string, args ...any) *Error {
	return &Error{Op: op, Kind: kind, Text: text, Args: args}
}

// Wrap puts op before err and keeps its kind and text; nil stays nil. An err
// from elsewhere is Other, a cancelled or late context is Busy.
func Wrap(op Op, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Kind: KindOf(err), Err: err}
}

// Because makes an error of a kind with a cause for the log.
func Because(op Op, kind Kind, text string, err error) *Error {
	return &Error{Op: op, Kind: kind, Text: text, Err: err}
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Op))
	b.WriteString(": ")
	b.WriteString(e.Kind.String())
	if e.Text != "" {
		b.WriteString(" [" + e.Text + "]")
		for _, a := range e.Args {
			fmt.Fprintf(&b, " %v", a)
		}
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of err, the outermost known. An error from elsewhere is Other.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Busy
	}
	return Other
}

// TextOf gives the innermost catalogue key of err with its arguments, or "".
// The innermost stands nearest to what happened.
func TextOf(err error) (key string, args []any) {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return key, args
		}
		if e.Text != "" {
			key, args = e.Text, e.Args
		}
		err = e.Err
	}
	return key, args
}

// Is tells whether err is of a kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
