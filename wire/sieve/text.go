package sieve

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// text is a string of a script. What stands in it for variables is known when it is compiled.
type text struct {
	fixed string // the whole, if there are no parts
	parts []part
}

// part is a piece of a text: fixed, or what a reference stands for.
type part struct {
	fixed string
	ref   *reference
}

// reference is one ${...} (RFC 5229 §3).
type reference struct {
	kind refKind
	slot int    // of a local variable, or the number of a match variable
	name string // of a global variable
}

type refKind uint8

const (
	localRef refKind = iota
	globalRef
	matchRef
)

// constant tells whether the text is the same in every run.
func (t *text) constant() bool { return t.parts == nil }

// compileText makes the text of a string: encoded characters are decoded first, then variables are found
// (RFC 5229 §3: "${hex:20 24 7b 4e}ame}" is a space and the variable name).
func (k *compiler) compileText(s string, line int) text {
	if strings.IndexByte(s, '$') < 0 {
		return text{fixed: s}
	}
	if k.has("encoded-character") {
		s = k.decodeCharacters(s, line)
	}
	if k.has("variables") {
		return k.splitVariables(s, line)
	}
	return text{fixed: s}
}

// decodeCharacters decodes ${hex:...} and ${unicode:...} (RFC 5228 §2.4.2.4). What only resembles them stays as it is.
func (k *compiler) decodeCharacters(s string, line int) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			return b.String() + s
		}
		i += len("${")
		inside := s[i:]
		out, rest, ok := k.encoded(inside, line)
		if ok {
			b.WriteString(s[:i-len("${")] + out)
			s = rest
			continue
		}
		b.WriteString(s[:i])
		s = inside
	}
}

// encoded decodes the encoded character that s begins with behind its "${".
func (k *compiler) encoded(s string, line int) (out, rest string, ok bool) {
	decode := appendHex
	codes, ok := cutFold(s, "hex:")
	if !ok {
		decode = appendUnicode
		codes, ok = cutFold(s, "unicode:")
	}
	n := len(codes) - len(strings.TrimLeft(codes, "0123456789abcdefABCDEF \t\r\n"))
	words := strings.Fields(codes[:n])
	if !ok || len(words) == 0 || n == len(codes) || codes[n] != '}' {
		return "", "", false
	}
	var b []byte
	for _, w := range words {
		known := true
		if b, ok, known = decode(b, w); !ok {
			return "", "", false
		}
		if !known {
			k.fault(line, "sieve.unicode", w)
		}
	}
	return string(b), codes[n+1:], true
}

// cutFold takes a prefix off s, in any case.
func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// appendHex adds an octet of one or two hexadecimal digits. With more it is no encoded character.
func appendHex(b []byte, word string) (_ []byte, ok, known bool) {
	n, err := strconv.ParseUint(word, 16, 8)
	return append(b, byte(n)), err == nil && len(word) <= 2, true
}

// appendUnicode adds a character. It is not known when Unicode has no such.
func appendUnicode(b []byte, word string) (_ []byte, ok, known bool) {
	n, err := strconv.ParseUint(word, 16, 32)
	if err != nil || !utf8.ValidRune(rune(min(n, utf8.MaxRune+1))) {
		return b, true, false
	}
	return utf8.AppendRune(b, rune(n)), true, true
}

// maxReference is how long what stands between ${ and } may be; what is longer is no reference.
const maxReference = 256

// splitVariables finds the references in a string.
func (k *compiler) splitVariables(s string, line int) text {
	var parts []part
	done := 0 // what is before it stands in parts
	for at := 0; ; {
		i := strings.Index(s[at:], "${")
		if i < 0 {
			break
		}
		at += i
		var ref *reference
		name, _, ok := strings.Cut(s[at+2:min(len(s), at+2+maxReference)], "}")
		if ok {
			ref, ok = k.reference(name, line)
		}
		if !ok {
			at += 2
			continue
		}
		if done < at {
			parts = append(parts, part{fixed: s[done:at]})
		}
		parts = append(parts, part{ref: ref})
		at += len("${") + len(name) + len("}")
		done = at
	}
	switch {
	case parts == nil:
		return text{fixed: s}
	case done < len(s):
		parts = append(parts, part{fixed: s[done:]})
	}
	return text{parts: parts}
}

// reference reads what stands between ${ and }. It is not ok when that is no name, and the string is left as it is.
func (k *compiler) reference(name string, line int) (ref *reference, ok bool) {
	if name != "" && strings.Trim(name, "0123456789") == "" {
		return k.matchReference(name, line)
	}
	space, last, spaced := cutNamespace(name)
	switch {
	case !validVariable(last):
		return nil, false
	case !spaced:
		return k.variable(last, line), true
	}
	return k.spaced(space, last, line)
}

// matchReference reads the number of a match variable; leading zeroes are allowed (RFC 5229 §3).
func (k *compiler) matchReference(digits string, line int) (*reference, bool) {
	n, err := strconv.Atoi(digits)
	if err != nil || n > MaxMatchValue {
		k.fault(line, "sieve.match_value", digits, MaxMatchValue)
		n = 0
	}
	return &reference{kind: matchRef, slot: n}, true
}

// spaced gives a variable of a namespace: there is "global" (RFC 6609 §3.4.2).
func (k *compiler) spaced(space, name string, line int) (*reference, bool) {
	for s := range strings.SplitSeq(space, ".") {
		if !validVariable(s) && (s == "" || strings.Trim(s, "0123456789") != "") {
			return nil, false
		}
	}
	if !strings.EqualFold(space, "global") || !k.has("include") {
		k.fault(line, "sieve.namespace", space)
	}
	return &reference{kind: globalRef, name: strings.ToLower(name)}, true
}

// cutNamespace cuts a name at its last dot.
func cutNamespace(name string) (space, last string, ok bool) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i], name[i+1:], true
	}
	return "", name, false
}

// validVariable tells whether s is an identifier (RFC 5228 §8.1).
func validVariable(s string) bool {
	if s == "" || !nameStart(s[0]) {
		return false
	}
	for i := range len(s) {
		if !nameStart(s[i]) && !digit(s[i]) {
			return false
		}
	}
	return true
}

// variable gives the place of a variable of this script, making one when the name is new.
func (k *compiler) variable(name string, line int) *reference {
	name = strings.ToLower(name)
	if len(name) > MaxVariableName {
		k.fault(line, "sieve.variable_name_long", name[:MaxName]+"...", MaxVariableName)
		return &reference{}
	}
	if ref := k.variables[name]; ref != nil {
		return ref
	}
	if len(k.variables) == k.limits.Variables {
		k.faultOnce(line, "sieve.variables_many", k.limits.Variables)
		return &reference{}
	}
	ref := &reference{slot: len(k.variables), name: name}
	k.variables[name] = ref
	return ref
}

// text gives the text in this run.
func (r *run) text(t *text) string {
	if t.parts == nil {
		return t.fixed
	}
	if len(t.parts) == 1 {
		return r.piece(&t.parts[0])
	}
	var b strings.Builder
	for i := range t.parts {
		s := r.piece(&t.parts[i])
		if b.Len()+len(s) > r.limits.Memory {
			r.overflow = true // told when the command or test is done
			break
		}
		b.WriteString(s)
	}
	r.cost(b.Len())
	return b.String()
}

func (r *run) piece(p *part) string {
	if p.ref == nil {
		return p.fixed
	}
	return r.value(p.ref)
}

// string gives the string an argument is.
func (r *run) string(v *value) string { return r.text(&v.list[0]) }

// strings gives the strings of a list. They must not be changed.
func (r *run) strings(v *value) []string {
	if v.fixed != nil {
		return v.fixed
	}
	all := make([]string, len(v.list))
	total := 0
	for i := range v.list {
		all[i] = r.text(&v.list[i])
		if len(v.list[i].parts) > 1 {
			total += len(all[i])
		}
		if total > r.limits.Memory {
			r.overflow = true
		}
		if r.overflow {
			break
		}
	}
	return all
}

// value is what a reference stands for; a variable that was never set is empty (RFC 5229 §3).
func (r *run) value(ref *reference) string {
	switch ref.kind {
	case globalRef:
		return r.globals[ref.name]
	case matchRef:
		if ref.slot < len(r.matches) {
			return r.matches[ref.slot]
		}
		return ""
	}
	return r.frame.variables[ref.slot]
}
