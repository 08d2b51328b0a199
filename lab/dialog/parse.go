package dialog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A step is one instruction of a file.
type step struct {
	line   int // in the file, from 1
	source string
	verb   string // as written: "C:", "S~", "CONNECT"
	text   string // what stands behind the verb, without one space before it
	n      int    // of C{ n } and S{ n }
	wait   time.Duration
}

// maxFill is how many octets C{ n } and S{ n } may ask for.
const maxFill = 256 << 20

// verbs tells which verbs there are and whether a text must follow.
var verbs = map[string]struct{ needsText, takesText bool }{
	"C:": {false, true}, "C-": {true, true}, "C{": {true, true},
	"S:": {false, true}, "S~": {true, true}, "S*": {false, true}, "S{": {true, true},
	"CLOSED": {}, "CLOSE": {}, "STARTTLS": {}, "DEFLATE": {}, "PLAIN": {},
	"CONNECT": {true, true}, "WAIT": {true, true}, "SET": {true, true}, "LITERAL": {true, true},
}

// parse reads a dialog.
func parse(file string) ([]step, error) {
	var steps []step
	lines := strings.Split(strings.TrimSuffix(file, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSuffix(lines[i], "\r")
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		s, err := parseStep(line)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
		s.line = i + 1
		if s.verb == "LITERAL" {
			body, n, ok := cutLiteral(lines[i+1:])
			if !ok {
				return nil, fmt.Errorf("%d: LITERAL without END", s.line)
			}
			i += n
			s.verb, s.text = "SET", s.text+" "+body
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// parseStep reads one instruction.
func parseStep(line string) (step, error) {
	verb, text, _ := strings.Cut(line, " ")
	s := step{source: line, verb: verb, text: text}
	v, ok := verbs[verb]
	switch {
	case !ok:
		return s, fmt.Errorf("no instruction begins with %q", verb)
	case v.needsText && text == "":
		return s, fmt.Errorf("%s needs something behind it", verb)
	case !v.takesText && text != "":
		return s, fmt.Errorf("%s stands alone", verb)
	}
	var err error
	switch verb {
	case "C{", "S{":
		err = s.parseFill()
	case "WAIT":
		s.wait, err = time.ParseDuration(text)
	}
	return s, err
}

// parseFill reads "n } text".
func (s *step) parseFill() error {
	number, text, ok := strings.Cut(s.text, "}")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if !ok || err != nil || n < 0 || n > maxFill {
		return fmt.Errorf("%s wants a number up to %d and a closing brace", s.verb, maxFill)
	}
	s.n, s.text = n, strings.TrimPrefix(text, " ")
	return nil
}

// cutLiteral takes the lines up to END; n is how many lines it took, with END.
func cutLiteral(lines []string) (body string, n int, ok bool) {
	var b strings.Builder
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if line == "END" {
			return b.String(), i + 1, true
		}
		b.WriteString(line + "\r\n")
	}
	return "", 0, false
}
