package queue

import "tegami/mail"

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

// failureOf reads an error of Carry.
func failureOf(err error) Failure {
	return Failure{}
}

var _ = mail.Other
