package dialog

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// variables are the values of ${name}.
type variables map[string]string

func newVariables(given map[string]string) variables {
	v := variables{}
	for name, value := range given {
		v.set(name, value)
	}
	return v
}

// set makes or replaces a variable, and the one that holds its length.
func (v variables) set(name, value string) {
	v[name] = value
	v[name+".len"] = strconv.Itoa(len(value))
}

// expand replaces each ${…} of s; what it puts in goes through quote first and is not expanded again.
func (v variables) expand(s string, quote func(string) string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		end := closing(rest)
		if end < 0 {
			return "", fmt.Errorf("${%s has no closing brace", rest)
		}
		inner, err := v.expand(rest[:end], plain)
		if err != nil {
			return "", err
		}
		value, err := v.value(inner)
		if err != nil {
			return "", err
		}
		b.WriteString(quote(value))
		s = rest[end+1:]
	}
}

// plain is the quoting of texts.
func plain(s string) string { return s }

// closing finds the brace that ends a ${ opened before s; -1 if there is none.
func closing(s string) int {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// value gives what stands in braces.
func (v variables) value(inner string) (string, error) {
	if text, ok := strings.CutPrefix(inner, "base64:"); ok {
		return base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(text, `\0`, "\x00"))), nil
	}
	if digits, ok := strings.CutPrefix(inner, "hex:"); ok {
		octets, err := hex.DecodeString(digits)
		return string(octets), err
	}
	if value, ok := v[inner]; ok {
		return value, nil
	}
	return "", fmt.Errorf("no variable %q; there are %q", inner, v.names())
}

// names lists the variables for a message.
func (v variables) names() []string {
	var names []string
	for name := range v {
		if !strings.HasSuffix(name, ".len") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
