package virus

import (
	"bytes"
	"context"
	"io"
)

// Known is the engine that is always there. It knows the test file that all engines know (EICAR), by its definition: 68 octets at the very
// beginning of a file that has at most white space and a Ctrl-Z behind them, 128 octets at most.
type Known struct{}

// EICAR is the name of the test file, as all engines call it.
const EICAR = "EICAR-Test-File"

const (
	eicarLength = 68
	eicarMost   = 128
)

// eicarPieces is the test file, in pieces, so that this program is not one.
var eicarPieces = [...]string{`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-`, `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`}

// Name implements Engine.
func (Known) Name() string { return "tegami" }

// Scan implements Engine.
func (Known) Scan(ctx context.Context, m *Message) (Answer, error) {
	a := Answer{Verdict: Clean, Version: "1"}
	for i := range m.Parts {
		if err := ctx.Err(); err != nil {
			return a, err
		}
		head, err := io.ReadAll(io.LimitReader(m.Parts[i].Open(), eicarMost+1))
		if err != nil {
			return a, err
		}
		if IsEICAR(head) {
			a.Verdict = Infected
			a.Threats = append(a.Threats, Threat{Engine: "tegami", Name: EICAR, Part: i})
		}
	}
	return a, nil
}

// IsEICAR tells whether octets are the test file.
func IsEICAR(b []byte) bool {
	if len(b) < eicarLength || len(b) > eicarMost || !bytes.HasPrefix(b, []byte(eicarPieces[0])) || !bytes.HasPrefix(b[len(eicarPieces[0]):], []byte(eicarPieces[1])) {
		return false
	}
	return len(bytes.Trim(b[eicarLength:], " \t\r\n\x1a")) == 0
}
