package arc

import (
	"strings"

	"tegami/mail"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mailauth/internal/canon"
	"tegami/wire/mime"
)

// A set is the three fields of one instance (RFC 8617 §4.2).
type set struct {
	results, message, seal mime.Field
	found                  authres.Field // what results says, as far as it can be read
	tags                   canon.Tags    // of the seal
}

// collect finds the sets of a header, by instance. highest is the highest instance, also where an
// error says why they are no chain (RFC 8617 §5.2, step 3).
func collect(h canon.Header) (sets []set, highest int, err error) {
	for _, f := range h.Fields {
		i, put, bad := read(f)
		switch {
		case put == nil:
			continue
		case bad != nil || i < 1 || i > MaxSets:
			err = malformed()
			continue
		}
		highest = max(highest, i)
		for len(sets) < i {
			sets = append(sets, set{})
		}
		if !put(&sets[i-1]) {
			err = malformed()
		}
	}
	for i := range sets {
		if s := &sets[i]; s.results.Name == nil || s.message.Name == nil || s.seal.Name == nil {
			err = malformed()
		}
	}
	return sets, highest, err
}

func malformed() error { return mail.E("arc.collect", mail.Invalid, "arc.malformed") }

// read reads the instance of a field, and gives what puts it into its set, unless one is there. put is nil for other fields.
func read(f mime.Field) (instance int, put func(*set) bool, err error) {
	switch {
	case len(f.Name) < len(fieldSeal) || !strings.EqualFold(string(f.Name[:4]), "ARC-"):
		return 0, nil, nil
	case canon.Is(f, authres.FieldNameARC):
		i, found, err := authres.ParseARC(string(f.Value))
		if err != nil && i > 0 { // a host may write results as it likes; they are sealed as they are
			found, err = authres.Field{}, nil
		}
		return i, func(s *set) bool { s.found = found; return once(&s.results, f) }, err
	case canon.Is(f, dkim.FieldNameARC):
		i, _, err := instanceOf(f)
		return i, func(s *set) bool { return once(&s.message, f) }, err
	case canon.Is(f, fieldSeal):
		i, tags, err := instanceOf(f)
		return i, func(s *set) bool { s.tags = tags; return once(&s.seal, f) }, err
	}
	return 0, nil, nil
}

// once sets a field that is not set yet.
func once(to *mime.Field, f mime.Field) bool {
	if to.Name != nil {
		return false
	}
	*to = f
	return true
}

// instanceOf reads the tags of a field and i=, which is 0 where it is missing or bad.
func instanceOf(f mime.Field) (int, canon.Tags, error) {
	tags, err := canon.ParseTags(string(f.Value))
	if err != nil {
		return 0, nil, err
	}
	i, ok := tags.Number("i")
	if !ok || i > MaxSets {
		return 0, tags, malformed()
	}
	return int(i), tags, nil
}

// A seal is an ARC-Seal taken apart (RFC 8617 §4.1.3).
type seal struct {
	status    Status // cv=
	algorithm string
	domain    string
	selector  string
	value     []byte
}

// parseSeal reads the tags of an ARC-Seal.
func parseSeal(tags canon.Tags) (s seal, err error) {
	const op = "arc.parseSeal"
	var okD, okS, okB, okT bool
	s.domain, okD = mail.ParseDomain(tags.Or("d", ""))
	s.selector, okS = mail.ParseDomain(tags.Or("s", ""))
	s.value, okB = tags.Binary("b")
	_, okT = tags.Number("t")
	_, hasH := tags.Get("h") // a seal signs its set and those before, and nothing else
	if !okD || !okS || !okB || !okT || hasH || len(s.value) == 0 {
		return s, mail.E(op, mail.Invalid, "arc.malformed")
	}
	s.algorithm = strings.ToLower(tags.Or("a", ""))
	switch strings.ToLower(tags.Or("cv", "")) {
	case "none":
		s.status = None
	case "pass":
		s.status = Pass
	case "fail":
		s.status = Fail
	default:
		return s, mail.E(op, mail.Invalid, "arc.malformed")
	}
	return s, nil
}

// appendSets appends the canonical form of sets, with all CRLFs (RFC 8617 §5.1.1).
func appendSets(dst []byte, h canon.Header, sets []set) []byte {
	for i := range sets {
		for _, f := range []mime.Field{sets[i].results, sets[i].message, sets[i].seal} {
			dst = h.AppendField(dst, f, true)
		}
	}
	return dst
}
