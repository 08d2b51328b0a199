package imap

import (
	"time"

	"tegami/mail"
)

// Search is a SEARCH command (RFC 9051 §6.4.4), a SORT or THREAD (RFC 5256 §3) or an ESEARCH (RFC 7377 §2).
type Search struct {
	Return    SearchReturn
	HasReturn bool    // answered by ESEARCH; an empty list means ALL
	Partial   Partial // of ReturnPartial
	Charset   string  // as written; "" = not said
	Key       Key     // KeyAnd of the keys at the top

	Sort      []SortKey // SORT: by these, the first first
	Algorithm Algorithm // THREAD
	In        []Source  // ESEARCH: where to look; none where that was not said
}

// A Key is a search key. Op tells which of the other fields it uses.
type Key struct {
	Op   KeyOp
	Text string    // string of the text keys and of HEADER; keyword's name
	Name string    // HEADER: the field
	Num  uint64    // LARGER, SMALLER, OLDER, YOUNGER, MODSEQ
	Date time.Time // date keys: midnight UTC of the day
	Set  NumSet    // KeySeq, KeyUID
	Keys []Key     // KeyAnd, KeyOr (two), KeyNot and KeyFuzzy (one)
}

// KeyOp is the kind of a search key.
type KeyOp uint8

// Search keys. Those on one system flag are KeyFlag and KeyUnflag with the flag in Num.
const (
	KeyAnd KeyOp = iota
	KeyOr
	KeyNot
	KeyAll
	KeySeq
	KeyUID
	KeyFlag
	KeyUnflag
	KeyKeyword
	KeyUnkeyword
	KeyNew
	KeyOld
	KeyRecent
	KeyBcc
	KeyBody
	KeyCc
	KeyFrom
	KeyHeader
	KeySubject
	KeyText
	KeyTo
	KeyBefore
	KeyOn
	KeySince
	KeySentBefore
	KeySentOn
	KeySentSince
	KeySavedBefore
	KeySavedOn
	KeySavedSince
	KeySaveDateSupported
	KeyLarger
	KeySmaller
	KeyOlder
	KeyYounger
	KeyModSeq
	KeyEmailID
	KeyThreadID
	KeyFuzzy // of one key in Keys (RFC 6203 §3)
)

// argument is what follows a search key.
type argument uint8

const (
	noArgument argument = iota
	textArgument
	atomArgument
	dateArgument
	numberArgument
	headerArgument
	modseqArgument
	oneKey
	twoKeys
	setArgument
)

type keySpec struct {
	name string
	op   KeyOp
	flag mail.Flags
	arg  argument
}

// searchKeys are all keys with a name.
var searchKeys = [...]keySpec{
	{"ALL", KeyAll, 0, noArgument},
	{"ANSWERED", KeyFlag, mail.Answered, noArgument},
	{"BCC", KeyBcc, 0, textArgument},
	{"BEFORE", KeyBefore, 0, dateArgument},
	{"BODY", KeyBody, 0, textArgument},
	{"CC", KeyCc, 0, textArgument},
	{"DELETED", KeyFlag, mail.Deleted, noArgument},
	{"DRAFT", KeyFlag, mail.Draft, noArgument},
	{"EMAILID", KeyEmailID, 0, atomArgument},
	{"FLAGGED", KeyFlag, mail.Flagged, noArgument},
	{"FROM", KeyFrom, 0, textArgument},
	{"FUZZY", KeyFuzzy, 0, oneKey},
	{"HEADER", KeyHeader, 0, headerArgument},
	{"KEYWORD", KeyKeyword, 0, atomArgument},
	{"LARGER", KeyLarger, 0, numberArgument},
	{"MODSEQ", KeyModSeq, 0, modseqArgument},
	{"NEW", KeyNew, 0, noArgument},
	{"NOT", KeyNot, 0, oneKey},
	{"OLD", KeyOld, 0, noArgument},
	{"OLDER", KeyOlder, 0, numberArgument},
	{"ON", KeyOn, 0, dateArgument},
	{"OR", KeyOr, 0, twoKeys},
	{"RECENT", KeyRecent, 0, noArgument},
	{"SAVEDBEFORE", KeySavedBefore, 0, dateArgument},
	{"SAVEDON", KeySavedOn, 0, dateArgument},
	{"SAVEDSINCE", KeySavedSince, 0, dateArgument},
	{"SAVEDATESUPPORTED", KeySaveDateSupported, 0, noArgument},
	{"SEEN", KeyFlag, mail.Seen, noArgument},
	{"SENTBEFORE", KeySentBefore, 0, dateArgument},
	{"SENTON", KeySentOn, 0, dateArgument},
	{"SENTSINCE", KeySentSince, 0, dateArgument},
	{"SINCE", KeySince, 0, dateArgument},
	{"SMALLER", KeySmaller, 0, numberArgument},
	{"SUBJECT", KeySubject, 0, textArgument},
	{"TEXT", KeyText, 0, textArgument},
	{"THREADID", KeyThreadID, 0, atomArgument},
	{"TO", KeyTo, 0, textArgument},
	{"UID", KeyUID, 0, setArgument},
	{"UNANSWERED", KeyUnflag, mail.Answered, noArgument},
	{"UNDELETED", KeyUnflag, mail.Deleted, noArgument},
	{"UNDRAFT", KeyUnflag, mail.Draft, noArgument},
	{"UNFLAGGED", KeyUnflag, mail.Flagged, noArgument},
	{"UNKEYWORD", KeyUnkeyword, 0, atomArgument},
	{"UNSEEN", KeyUnflag, mail.Seen, noArgument},
	{"YOUNGER", KeyYounger, 0, numberArgument},
}

// Search takes what stands behind "SEARCH ", without the end of the command.
func (d *Decoder) Search(s *Search) bool {
	p := keyParser{d: d}
	word, ok := p.word()
	if word, ok = p.returns(s, word, ok); ok && word == "CHARSET" {
		ok = d.SP() && d.AString(&s.Charset) && d.SP()
		word, ok = p.wordIf(ok)
	}
	return p.keys(s, word, ok)
}

// returns takes RETURN and its options where they stand, and the word behind them.
func (p *keyParser) returns(s *Search, word string, ok bool) (string, bool) {
	if !ok || word != "RETURN" {
		return word, ok
	}
	s.HasReturn = true
	ok = p.d.SP() && p.d.List(func() bool { return p.d.searchReturn(s) }) && p.d.SP()
	return p.wordIf(ok)
}

// keys takes the search keys at the top; the name of the first was taken.
func (p *keyParser) keys(s *Search, word string, ok bool) bool {
	d := p.d
	s.Key.Op = KeyAnd
	for ok {
		var k Key
		if !p.key(&k, word) {
			return false
		}
		s.Key.Keys = append(s.Key.Keys, k)
		if d.AtEnd() || !d.SP() || d.AtEnd() {
			return d.Err() == nil
		}
		word, ok = p.word()
	}
	return false
}

// keyParser counts the keys of one SEARCH.
type keyParser struct {
	d *Decoder
	n int
}

// word takes the name of a key, or nothing where a list or a set stands.
func (p *keyParser) word() (string, bool) {
	var w string
	c, ok := p.d.peek()
	if !ok || c == '(' || c == '*' || c == '$' || c >= '0' && c <= '9' {
		return "", ok
	}
	ok = p.d.Keyword(&w)
	return w, ok
}

func (p *keyParser) wordIf(ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	return p.word()
}

// key takes the rest of the key whose name was taken.
func (p *keyParser) key(k *Key, name string) bool {
	if p.n++; p.n > MaxSearchKeys {
		return p.d.fail(mail.E(opDecode, mail.Full, "imap.command_too_long"))
	}
	if name != "" {
		return p.named(k, name)
	}
	if !p.d.IsNext('(') {
		k.Op = KeySeq
		return p.d.NumSet(&k.Set)
	}
	k.Op = KeyAnd
	return p.d.List(func() bool { return p.sub(k) }) && (len(k.Keys) > 0 || p.d.Expected("search-key"))
}

// sub takes one key and adds it to those of k.
func (p *keyParser) sub(k *Key) bool {
	var sub Key
	name, ok := p.word()
	if !ok || !p.d.enter() || !p.key(&sub, name) {
		return false
	}
	p.d.depth--
	k.Keys = append(k.Keys, sub)
	return true
}

func (p *keyParser) named(k *Key, name string) bool {
	for i := range searchKeys {
		if spec := &searchKeys[i]; spec.name == name {
			k.Op, k.Num = spec.op, uint64(spec.flag)
			return spec.arg == noArgument || p.d.SP() && p.argument(k, spec.arg)
		}
	}
	return p.d.Expected("search-key")
}

func (p *keyParser) argument(k *Key, arg argument) bool {
	d := p.d
	switch arg {
	case textArgument:
		return d.AString(&k.Text)
	case atomArgument:
		return d.Atom(&k.Text)
	case dateArgument:
		return d.Date(&k.Date)
	case numberArgument:
		return d.Number64(&k.Num) && (k.Num > 0 || k.Op != KeyOlder && k.Op != KeyYounger || d.Expected("nz-number")) // RFC 5032 §3
	case headerArgument:
		return d.AString(&k.Name) && d.SP() && d.AString(&k.Text)
	case modseqArgument:
		return p.modseq(k)
	case setArgument:
		return d.NumSet(&k.Set)
	case oneKey:
		return p.sub(k)
	}
	return p.sub(k) && d.SP() && p.sub(k)
}

// modseq takes the argument of MODSEQ: perhaps an entry name and type, which change nothing
// here since a message has one ModSeq (RFC 7162 §3.1.5).
func (p *keyParser) modseq(k *Key) bool {
	if p.d.IsNext('"') {
		var entry, kind string
		if !p.d.String(&entry) || !p.d.SP() || !p.d.Keyword(&kind) || !p.d.SP() {
			return false
		}
	}
	return p.d.Number64(&k.Num)
}

// AppendTo writes what follows "SEARCH " in the command. Text is written in UTF-8 and as it is.
func (s *Search) AppendTo(dst []byte) []byte {
	if s.HasReturn {
		dst = append(s.appendReturn(dst), ' ')
	}
	if s.Charset != "" {
		dst = append(dst, "CHARSET "...)
		dst = AppendAString(dst, s.Charset, true)
		dst = append(dst, ' ')
	}
	return appendKeys(dst, s.Key.Keys)
}

func appendKeys(dst []byte, keys []Key) []byte {
	for i := range keys {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = keys[i].AppendTo(dst)
	}
	return dst
}

// AppendTo writes one key.
func (k *Key) AppendTo(dst []byte) []byte {
	switch k.Op {
	case KeyAnd:
		return append(appendKeys(append(dst, '('), k.Keys), ')')
	case KeySeq:
		return k.Set.AppendTo(dst)
	}
	spec := k.spec()
	dst = append(dst, spec.name...)
	if spec.arg != noArgument {
		dst = k.appendArgument(append(dst, ' '), spec.arg)
	}
	return dst
}

// spec finds the name of a key; the first of the table where a flag is unknown.
func (k *Key) spec() *keySpec {
	for i := range searchKeys {
		s := &searchKeys[i]
		flagged := k.Op == KeyFlag || k.Op == KeyUnflag
		if s.op == k.Op && (!flagged || s.flag == mail.Flags(k.Num)) {
			return s
		}
	}
	return &searchKeys[0]
}

func (k *Key) appendArgument(dst []byte, arg argument) []byte {
	switch arg {
	case textArgument:
		return AppendString(dst, k.Text, true)
	case atomArgument:
		return append(dst, k.Text...)
	case dateArgument:
		return k.Date.AppendFormat(dst, "2-Jan-2006")
	case numberArgument, modseqArgument:
		return AppendUint(dst, k.Num)
	case headerArgument:
		dst = append(AppendString(dst, k.Name, true), ' ')
		return AppendString(dst, k.Text, true)
	case setArgument:
		return k.Set.AppendTo(dst)
	}
	return appendKeys(dst, k.Keys)
}
