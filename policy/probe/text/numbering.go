package text

import (
	"strconv"
	"strings"
)

// Lists of Word are numbered by the program that shows them: "第3条" stands nowhere in the document. Who searches a contract for it
// expects to find it, so the numbers are counted here (ECMA-376 Part 1 §17.9).

// levels is how many levels a list has, and maxLists how many lists and styles of a document are known.
const (
	levels   = 9
	maxLists = 5000
)

// A level is how one level of a list is numbered.
type level struct {
	start  int
	format string // decimal, upperRoman, japaneseCounting…
	text   string // with %1 to %9 for the numbers of levels
	legal  bool   // all numbers in it are decimal
	after  int    // plus 1: the level behind which, and behind those above which, it begins anew; 0: behind each above it
}

// A numbered list is how a list is numbered, and how far it was counted.
type numbered struct {
	levels [levels]level
	at     [levels]int
	used   [levels]bool
}

// An override is a list that begins anew, or is numbered otherwise, at some levels.
type override struct {
	list   *numbered
	levels map[int]level
	starts map[int]int // taken once
}

// A place is a list and a level of it.
type place struct{ list, level string }

// lists are the lists of a document. nil counts nothing.
type lists struct {
	byID   map[string]*override // by numId
	styles map[string]place     // what paragraphs of a style are numbered by
	now    place                // of the paragraph
	own    bool                 // the paragraph names a list itself
	text   string               // the number of the paragraph, not shown yet
}

// numbering reads how the lists of a document are numbered; nil for a document without lists.
func (p *pack) numbering(main string) (*lists, error) {
	rels, order, err := p.relations(main)
	if err != nil {
		return nil, err
	}
	var l *lists
	for _, kind := range []string{"numbering", "styles"} {
		for _, id := range order {
			if rel := rels[id]; rel.kind == kind && !rel.external && (kind == "numbering" || l != nil) {
				if l == nil {
					l = &lists{byID: make(map[string]*override), styles: make(map[string]place)}
				}
				r := numberingReader{lists: l, abstract: make(map[string]*numbered)}
				if err := p.each(rel.target, r.take); err != nil {
					return nil, err
				}
			}
		}
	}
	return l, nil
}

// A numberingReader takes the tokens of the parts that define lists and styles.
type numberingReader struct {
	lists    *lists
	abstract map[string]*numbered
	list     *numbered
	num      *override
	level    int
	style    string
}

func (r *numberingReader) take(s *scanner) error {
	switch s.tok {
	case tokStart:
		r.start(s)
	case tokEnd:
		switch string(s.name) {
		case "abstractNum":
			r.list = nil
		case "num":
			r.num = nil
		case "style":
			r.style = ""
		}
	}
	return nil
}

func (r *numberingReader) start(s *scanner) {
	switch string(s.name) {
	case "abstractNum":
		if len(r.abstract) < maxLists {
			r.list = &numbered{}
			r.abstract[string(s.attr("abstractNumId"))] = r.list
		}
	case "num":
		if len(r.lists.byID) < maxLists {
			r.num = &override{levels: make(map[int]level), starts: make(map[int]int)}
			r.lists.byID[string(s.attr("numId"))] = r.num
		}
	case "abstractNumId":
		if r.num != nil {
			r.num.list = r.abstract[string(s.attr("val"))]
		}
	case "lvl", "lvlOverride":
		r.level = min(max(number(s.attr("ilvl")), 0), levels-1)
	case "start", "numFmt", "lvlText", "isLgl", "lvlRestart":
		r.define(string(s.name), s.attr("val"))
	case "startOverride":
		if r.num != nil {
			r.num.starts[r.level] = number(s.attr("val"))
		}
	case "style":
		r.style = string(s.attr("styleId"))
	case "numId", "ilvl":
		r.styleProperty(string(s.name), string(s.attr("val")))
	}
}

// define says one thing of a level, of a list or of its override.
func (r *numberingReader) define(name string, value []byte) {
	var l level
	switch {
	case r.list != nil:
		l = r.list.levels[r.level]
	case r.num != nil:
		l = r.num.levels[r.level]
	default:
		return
	}
	switch name {
	case "start":
		l.start = number(value)
	case "numFmt":
		l.format = string(value)
	case "lvlText":
		l.text = clip(string(value), maxLabel)
	case "isLgl":
		l.legal = string(value) != "0" && string(value) != "false"
	case "lvlRestart":
		l.after = max(number(value), 0) + 1
	}
	if r.list != nil {
		r.list.levels[r.level] = l
	} else {
		r.num.levels[r.level] = l
	}
}

// maxLabel is the longest text around a number, in octets; Word allows 31 characters.
const maxLabel = 200

func (r *numberingReader) styleProperty(name, value string) {
	if r.style == "" || len(r.lists.styles) >= maxLists {
		return
	}
	at := r.lists.styles[r.style]
	if name == "numId" {
		at.list = value
	} else {
		at.level = value
	}
	r.lists.styles[r.style] = at
}

// property takes what a paragraph says of its number.
func (l *lists) property(name string, value []byte) {
	switch {
	case l == nil:
	case name == "pStyle":
		if at, ok := l.styles[string(value)]; ok && !l.own {
			l.now = at
		}
	case name == "numId":
		l.now.list, l.own = string(value), true
	default:
		l.now.level = string(value)
	}
}

// count counts the paragraph whose properties were read.
func (l *lists) count() {
	if l == nil || l.now.list == "" {
		return
	}
	num := l.byID[l.now.list]
	at, _ := strconv.Atoi(l.now.level)
	if num == nil || num.list == nil || at < 0 || at >= levels {
		return
	}
	l.text = num.next(at)
}

// label shows the paragraph's number, once.
func (l *lists) label(out *sink) {
	if l != nil && l.text != "" {
		out.str(l.text)
		out.str(" ")
		l.text = ""
	}
}

// end forgets the paragraph.
func (l *lists) end() {
	if l != nil {
		l.now, l.own, l.text = place{}, false, ""
	}
}

// of is how a level is numbered.
func (o *override) of(at int) level {
	l := o.list.levels[at]
	if other, ok := o.levels[at]; ok {
		if other.text != "" {
			l.text = other.text
		}
		if other.format != "" {
			l.format = other.format
		}
		if other.start != 0 {
			l.start = other.start
		}
	}
	return l
}

// next counts one paragraph at a level, and gives its number as it is shown.
func (o *override) next(at int) string {
	n := o.list
	start, anew := o.starts[at]
	switch {
	case anew:
		n.at[at] = start
		delete(o.starts, at)
	case !n.used[at]:
		n.at[at] = o.of(at).start
	default:
		n.at[at]++
	}
	n.used[at] = true
	o.around(at)
	l := o.of(at)
	if l.format == "bullet" {
		return ""
	}
	var b strings.Builder
	text := l.text
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) || text[i+1] < '1' || text[i+1] > '9' {
			b.WriteByte(text[i])
			continue
		}
		i++
		b.WriteString(o.shown(int(text[i]-'1'), l.legal))
	}
	return b.String()
}

// around lets the levels below a counted one begin anew, and counts those above it that were skipped.
func (o *override) around(at int) {
	n := o.list
	for above := range at {
		if !n.used[above] {
			n.at[above], n.used[above] = o.of(above).start, true
		}
	}
	for below := at + 1; below < levels; below++ {
		if after := o.of(below).after; after == 0 || at+1 < after {
			n.used[below] = false
		}
	}
}

// shown is the number of a level.
func (o *override) shown(at int, legal bool) string {
	n := o.list.at[at]
	if !o.list.used[at] {
		n = o.of(at).start
	}
	format := o.of(at).format
	if legal && format != "bullet" && format != "none" {
		format = "decimal"
	}
	return countedAs(format, n)
}

// countedAs shows a number in a format of lists (ECMA-376 Part 1 §17.18.59): those of Japan and of Europe, the rest as digits.
func countedAs(format string, n int) string {
	switch format {
	case "none", "bullet":
		return ""
	case "upperRoman":
		return roman(n)
	case "lowerRoman":
		return strings.ToLower(roman(n))
	case "upperLetter", "lowerLetter":
		return letters(n, map[string]rune{"upperLetter": 'A', "lowerLetter": 'a'}[format])
	case "decimalZero":
		if n < 10 {
			return "0" + strconv.Itoa(n)
		}
	case "ordinal":
		return strconv.Itoa(n) + ordinalEnd(n)
	case "decimalFullWidth", "decimalFullWidth2":
		return mapDigits(n, "０１２３４５６７８９")
	case "ideographDigital", "japaneseDigitalTenThousand":
		return mapDigits(n, "〇一二三四五六七八九")
	case "japaneseCounting", "chineseCounting", "chineseCountingThousand", "taiwaneseCounting", "taiwaneseCountingThousand":
		return counting(n)
	case "decimalEnclosedCircle", "decimalEnclosedCircleChinese":
		if 1 <= n && n <= 20 {
			return string(rune('①' + n - 1))
		}
	case "aiueo", "aiueoFullWidth":
		return inRow(n, "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン")
	case "iroha", "irohaFullWidth":
		return inRow(n, "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセスン")
	}
	return strconv.Itoa(n)
}

// maxRoman is the largest number that is shown in Roman letters.
const maxRoman = 4000

func roman(n int) string {
	if n <= 0 || n >= maxRoman {
		return strconv.Itoa(n)
	}
	var b strings.Builder
	for _, r := range []struct {
		value int
		text  string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for n >= r.value {
			b.WriteString(r.text)
			n -= r.value
		}
	}
	return b.String()
}

// letters are A to Z, then AA to ZZ and so on.
func letters(n int, first rune) string {
	if n <= 0 || n > 26*10 {
		return strconv.Itoa(n)
	}
	return strings.Repeat(string(first+rune((n-1)%26)), (n-1)/26+1)
}

func ordinalEnd(n int) string {
	switch {
	case n/10%10 == 1:
	case n%10 == 1:
		return "st"
	case n%10 == 2:
		return "nd"
	case n%10 == 3:
		return "rd"
	}
	return "th"
}

// mapDigits writes a number in other digits.
func mapDigits(n int, digits string) string {
	row := []rune(digits)
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return row[r-'0']
		}
		return r
	}, strconv.Itoa(n))
}

// counting writes a number below ten thousand as it is spoken: 二百三十一.
func counting(n int) string {
	if n <= 0 || n >= 10000 {
		return mapDigits(n, "〇一二三四五六七八九")
	}
	row := []rune("〇一二三四五六七八九")
	var b strings.Builder
	for _, u := range []struct {
		value int
		text  string
	}{{1000, "千"}, {100, "百"}, {10, "十"}, {1, ""}} {
		digit := n / u.value % 10
		if digit > 1 || digit == 1 && u.value == 1 {
			b.WriteRune(row[digit])
		}
		if digit > 0 {
			b.WriteString(u.text)
		}
	}
	return b.String()
}

// inRow is the n-th of a row of letters.
func inRow(n int, row string) string {
	all := []rune(row)
	if n <= 0 || n > len(all) {
		return strconv.Itoa(n)
	}
	return string(all[n-1])
}
