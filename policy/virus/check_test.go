package virus_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"tegami/policy/virus"
)

// eicar is the test file, in pieces here too.
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

// The test file is known by its definition only: a text that speaks of it is none.
func TestVC4EICAR(t *testing.T) {
	for text, want := range map[string]bool{
		eicar: true, eicar + "\r\n": true, eicar + strings.Repeat(" ", 60): true, eicar + "\x1a": true,
		eicar + strings.Repeat(" ", 61): false, " " + eicar: false, eicar + "x": false, eicar[1:]: false, "": false,
	} {
		if virus.IsEICAR([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// engine is one that answers as it is told.
type engine struct {
	verdict virus.Verdict
	err     error
}

func (engine) Name() string { return "test" }
func (e engine) Scan(context.Context, *virus.Message) (virus.Answer, error) {
	a := virus.Answer{Verdict: e.verdict}
	if e.verdict == virus.Infected {
		a.Threats = []virus.Threat{{Engine: "test", Name: "x", Part: virus.Whole}}
	}
	return a, e.err
}

// The worst of what engines say holds; one that does not answer never makes a message clean, and does not hide what another found.
func TestVC1Check(t *testing.T) {
	down := engine{virus.Clean, errors.New("down")}
	for _, x := range []struct {
		engines []virus.Engine
		want    virus.Verdict
	}{
		{nil, virus.Clean},
		{[]virus.Engine{engine{verdict: virus.Clean}, virus.Known{}}, virus.Clean},
		{[]virus.Engine{engine{verdict: virus.Clean}, engine{verdict: virus.Encrypted}}, virus.Encrypted},
		{[]virus.Engine{engine{verdict: virus.Clean}, down}, virus.Failed},
		{[]virus.Engine{engine{verdict: virus.Infected}, down}, virus.Infected},
		{[]virus.Engine{engine{verdict: virus.Unscannable}, engine{verdict: virus.Encrypted}}, virus.Unscannable},
	} {
		c := &virus.Check{Engines: x.engines}
		r := c.Scan(t.Context(), &virus.Message{Raw: func() io.Reader { return strings.NewReader("") }})
		if r.Verdict != x.want || (len(r.Threats) > 0) != (x.want == virus.Infected) || len(r.Engines) != len(x.engines) {
			t.Errorf("%v: %+v", x.engines, r)
		}
	}
}
