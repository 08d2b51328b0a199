package mime

import "strings"

// BaseSubject gives the base subject of a decoded subject by RFC 5256 §2.1: what is left when marks of replies and
// forwards, "[list]" before other text and runs of white space are taken away. reply tells that a mark of a
// reply or a forward was taken (RFC 5256 §3 THREAD=REFERENCES).
//
// The RFC knows Re, Fw and Fwd. Their full-width forms, which Japanese programs write (Ｒｅ：), are the same marks, and
// the colon after either may be full-width; translations such as 返信: are subject text, as every other server and client has it.
func BaseSubject(subject string) (base string, reply bool) {
	s := strings.Join(strings.FieldsFunc(subject, isSubjectSpace), " ")
	for {
		s = cutTrailers(s, &reply)
		s = cutLeaders(s, &reply)
		inner, ok := cutForward(s)
		if !ok {
			return s, reply
		}
		s, reply = inner, true
	}
}

func isSubjectSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// cutTrailers takes off all subj-trailer (step 2).
func cutTrailers(s string, reply *bool) string {
	for {
		s = strings.TrimRight(s, " ")
		n := len(s) - len("(fwd)")
		if n < 0 || !strings.EqualFold(s[n:], "(fwd)") {
			return s
		}
		s, *reply = s[:n], true
	}
}

// cutLeaders takes off all subj-leader, and each subj-blob behind which something is left (steps 3 to 5).
func cutLeaders(s string, reply *bool) string {
	for {
		s = strings.TrimLeft(s, " ")
		last, rest := cutBlobs(s)
		after, ok := cutRefwd(rest)
		switch {
		case ok:
			s, *reply = after, true
		case rest == "":
			return last
		default:
			return rest
		}
	}
}

// cutBlobs takes off all subj-blob at the start. last is what it was before the last of them.
func cutBlobs(s string) (last, rest string) {
	for last = s; ; {
		rest, ok := cutBlob(s)
		if !ok {
			return last, s
		}
		last, s = s, rest
	}
}

// cutBlob takes off one subj-blob: text without brackets in brackets, and white space behind it.
func cutBlob(s string) (rest string, ok bool) {
	if s == "" || s[0] != '[' {
		return s, false
	}
	end := strings.IndexAny(s[1:], "[]") + 1
	if end == 0 || s[end] == '[' {
		return s, false
	}
	return strings.TrimLeft(s[end+1:], " "), true
}

// cutRefwd takes off one subj-refwd: the mark, perhaps a blob, and a colon.
func cutRefwd(s string) (rest string, ok bool) {
	rest, ok = cutMark(s)
	if !ok {
		return s, false
	}
	rest = strings.TrimLeft(rest, " ")
	if blobless, ok := cutBlob(rest); ok {
		rest = blobless
	}
	for _, colon := range [...]string{":", "："} {
		if after, ok := strings.CutPrefix(rest, colon); ok {
			return after, true
		}
	}
	return s, false
}

// cutMark takes off "re", "fw" or "fwd" in any case and width.
func cutMark(s string) (rest string, ok bool) {
	first, rest := markLetter(s)
	second, after := markLetter(rest)
	switch {
	case first == 'r' && second == 'e':
		return after, true
	case first == 'f' && second == 'w':
		if third, behind := markLetter(after); third == 'd' {
			return behind, true
		}
		return after, true
	}
	return s, false
}

// markLetter takes one letter of ASCII, or its full-width form, in lower case; 0 for anything else.
func markLetter(s string) (c byte, rest string) {
	switch {
	case s == "":
		return 0, s
	case s[0] < 0x80:
		return lower(s[0]), s[1:]
	case len(s) >= 3 && s[0] == 0xef && s[1] == 0xbc && s[2] >= 0xa1 && s[2] <= 0xba: // Ａ to Ｚ
		return s[2] - 0xa1 + 'a', s[3:]
	case len(s) >= 3 && s[0] == 0xef && s[1] == 0xbd && s[2] >= 0x81 && s[2] <= 0x9a: // ａ to ｚ
		return s[2] - 0x81 + 'a', s[3:]
	}
	return 0, s
}

// cutForward takes off "[fwd:" and "]" around all the rest (step 6).
func cutForward(s string) (inner string, ok bool) {
	const head = "[fwd:"
	if len(s) <= len(head) || !strings.EqualFold(s[:len(head)], head) || s[len(s)-1] != ']' {
		return s, false
	}
	return s[len(head) : len(s)-1], true
}
