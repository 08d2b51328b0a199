package text

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// A format is how a cell of a spreadsheet shows its number (ECMA-376 Part 1 §18.8.31): up to four sections for positive, negative,
// zero and text.
type format struct {
	sections []section
}

// A section is one section of a format's code, in pieces.
type section struct {
	pieces   []piece
	date     bool
	clock12  bool // with AM/PM
	percent  int  // how often to multiply by 100
	thousand bool // digits in groups of three
	scale    int  // how often to divide by 1000
	decimals int  // digits behind the point
	point    bool // there is a point
	whole    int  // digits before the point, at least
	general  bool // as the number is
	fraction bool // with "/": shown as a number with a fraction
	denom    int  // the largest denominator of a fraction, or the only one
	fixed    bool // denom is the only one
	exponent bool
}

// A piece is a part of a section: text that stands as it is, a code of dates, or the place where the number goes.
type piece struct {
	kind   byte // 'l' text, 'd' code of dates, 'n' the number, or what of it stands before the point, 'f' digits behind the point
	text   string
	places int // of 'n': digits, where text parts them, as in 000-0000
}

// builtinFormats are the codes of the formats every workbook has (ECMA-376 Part 1 §18.8.30), as Excel has them in Japan: those for
// money and dates follow the machine's region.
var builtinFormats = map[int]string{
	1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: `"¥"#,##0;"¥"-#,##0`, 6: `"¥"#,##0;"¥"-#,##0`, 7: `"¥"#,##0.00;"¥"-#,##0.00`, 8: `"¥"#,##0.00;"¥"-#,##0.00`,
	9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
	14: "yyyy/m/d", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy/m/d h:mm",
	27: "[$-411]ge.m.d", 28: `[$-411]ggge"年"m"月"d"日"`, 29: `[$-411]ggge"年"m"月"d"日"`, 30: "m/d/yy", 31: `yyyy"年"m"月"d"日"`,
	32: `h"時"mm"分"`, 33: `h"時"mm"分"ss"秒"`, 34: `yyyy"年"m"月"`, 35: `m"月"d"日"`, 36: "[$-411]ge.m.d",
	37: "#,##0_);(#,##0)", 38: "#,##0_);(#,##0)", 39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);(#,##0.00)",
	45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
	50: "[$-411]ge.m.d", 51: `[$-411]ggge"年"m"月"d"日"`, 52: `yyyy"年"m"月"`, 53: `m"月"d"日"`, 54: `[$-411]ggge"年"m"月"d"日"`,
	55: `yyyy"年"m"月"`, 56: `m"月"d"日"`, 57: "[$-411]ge.m.d", 58: `[$-411]ggge"年"m"月"d"日"`,
}

// maxFormat is the longest format code that is read, in octets; Excel allows 255 characters.
const maxFormat = 1 << 10

// parseFormat reads a format's code. What it can't read is shown as the number is.
func parseFormat(code string) *format {
	f := &format{}
	if len(code) > maxFormat {
		code = ""
	}
	for rest := code; ; {
		var s section
		s, rest = parseSection(rest)
		f.sections = append(f.sections, s)
		if rest == "" || len(f.sections) == 4 {
			return f
		}
	}
}

// parseSection reads one section, and gives what stands behind its ";".
func parseSection(code string) (s section, rest string) {
	p := sectionParser{s: &s}
	i := 0
	for i < len(code) && code[i] != ';' {
		i += p.step(code[i:])
	}
	p.end()
	if i < len(code) {
		rest = code[i+1:]
	}
	return s, rest
}

type sectionParser struct {
	s       *section
	lastNum int // where in pieces the number's last digit is, plus 1
	seen    bool
}

func (p *sectionParser) literal(t string) { p.s.pieces = append(p.s.pieces, piece{kind: 'l', text: t}) }

// step reads one item of a code and tells how long it is.
func (p *sectionParser) step(code string) int {
	c := code[0]
	switch {
	case c == '"':
		n := strings.IndexByte(code[1:], '"')
		if n < 0 {
			p.literal(code[1:])
			return len(code)
		}
		p.literal(code[1 : n+1])
		return n + 2
	case c == '\\' || c == '!':
		return 1 + p.char(code[1:])
	case c == '_' || c == '*':
		if c == '_' {
			p.literal(" ")
		}
		return 1 + width(code[1:])
	case c == '[':
		return p.bracket(code)
	case hasFold(code, "general"):
		p.s.general, p.seen = true, true
		p.s.pieces = append(p.s.pieces, piece{kind: 'n'})
		return len("general")
	case hasFold(code, "am/pm"), hasFold(code, "a/p"):
		n := len("a/p")
		if hasFold(code, "am/pm") {
			n = len("am/pm")
		}
		p.s.date, p.s.clock12 = true, true
		p.s.pieces = append(p.s.pieces, piece{kind: 'd', text: "AM/PM"})
		return n
	case strings.IndexByte("ymdhsgeYMDHSGE", c) >= 0 && !(c|0x20 == 'e' && p.seen):
		return p.dateCode(code)
	}
	return p.digit(code)
}

// char adds one character as it stands.
func (p *sectionParser) char(code string) int {
	n := width(code)
	p.literal(code[:n])
	return n
}

// width is how long the first character is.
func width(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// bracket reads "[…]": a currency, elapsed time, or what means nothing here: colours, conditions, locales.
func (p *sectionParser) bracket(code string) int {
	n := strings.IndexByte(code, ']')
	if n < 0 {
		return len(code)
	}
	switch inside := strings.ToLower(code[1:n]); {
	case strings.HasPrefix(inside, "$"):
		sign, _, _ := strings.Cut(code[2:n], "-")
		p.literal(sign)
	case inside != "" && strings.Trim(inside, inside[:1]) == "" && strings.Contains("hms", inside[:1]):
		p.s.date = true
		p.s.pieces = append(p.s.pieces, piece{kind: 'd', text: "[" + inside + "]"})
	}
	return n + 1
}

// dateCode reads a run of one letter of a date.
func (p *sectionParser) dateCode(code string) int {
	n := 1
	for n < len(code) && code[n]|0x20 == code[0]|0x20 {
		n++
	}
	p.s.date = true
	p.s.pieces = append(p.s.pieces, piece{kind: 'd', text: strings.ToLower(code[:n])})
	return n
}

// digit reads a place for a digit and what belongs to numbers.
func (p *sectionParser) digit(code string) int {
	s := p.s
	switch c := code[0]; {
	case c == '0' || c == '#' || c == '?':
		p.place(c)
	case c == '.' && s.date:
		n := 1
		for n < len(code) && code[n] == '0' {
			n++
		}
		if n == 1 {
			return p.char(code)
		}
		s.pieces = append(s.pieces, piece{kind: 'd', text: code[:n]})
		return n
	case c == '.' && p.seen || c == '.' && len(code) > 1 && strings.IndexByte("0#?", code[1]) >= 0:
		p.begin()
		if !s.point {
			s.point = true
		}
	case c == ',' && p.seen:
		if len(code) > 1 && strings.IndexByte("0#?", code[1]) >= 0 {
			s.thousand = true
		} else {
			s.scale++
		}
	case c == '%':
		s.percent++
		p.literal("%")
	case c|0x20 == 'e' && p.seen && len(code) > 1 && (code[1] == '+' || code[1] == '-'):
		s.exponent = true
		return 2
	case c == '/' && p.seen && !s.date:
		s.fraction = true
		return p.denominator(code)
	case c == '@':
		s.general = true
		p.begin()
	default:
		return p.char(code)
	}
	return 1
}

// begin notes where the number goes.
func (p *sectionParser) begin() {
	if !p.seen {
		p.seen = true
		p.s.pieces = append(p.s.pieces, piece{kind: 'n'})
		p.lastNum = len(p.s.pieces)
	}
}

// place counts a place for a digit.
func (p *sectionParser) place(c byte) {
	p.begin()
	s := p.s
	if s.exponent || s.fraction {
		return
	}
	if s.point {
		if s.decimals == 0 && len(s.pieces) > p.lastNum { // text between the number and its fraction
			s.pieces = append(s.pieces, piece{kind: 'f'})
		}
		s.decimals++
		return
	}
	if len(s.pieces) > p.lastNum { // text between digits
		s.pieces = append(s.pieces, piece{kind: 'n'})
		p.lastNum = len(s.pieces)
	}
	s.pieces[p.lastNum-1].places++
	if c == '0' {
		s.whole++
	}
}

// denominator reads what stands behind "/".
func (p *sectionParser) denominator(code string) int {
	n := 1
	for n < len(code) && (code[n] == '?' || code[n] == '#' || '0' <= code[n] && code[n] <= '9') {
		n++
	}
	digits := code[1:n]
	if v, err := strconv.Atoi(digits); err == nil && v > 0 && v < 10000 {
		p.s.denom, p.s.fixed = v, true
	} else {
		p.s.denom = int(math.Pow10(min(max(len(digits), 1), 3))) - 1
	}
	return n
}

// end drops what the places of a fraction left behind.
func (p *sectionParser) end() {
	s := p.s
	s.decimals = min(s.decimals, 30)
	if !s.fraction {
		return
	}
	keep, seen := s.pieces[:0], false
	for _, piece := range s.pieces {
		if seen && (piece.kind == 'n' || piece.kind == 'l' && strings.TrimSpace(piece.text) == "") {
			continue
		}
		seen = seen || piece.kind == 'n'
		keep = append(keep, piece)
	}
	s.pieces = keep
}

// show is a number in this format.
func (f *format) show(v float64, since1904 bool) string {
	s, negative := &f.sections[0], v < 0
	switch {
	case v < 0 && len(f.sections) > 1:
		s, v, negative = &f.sections[1], -v, false
	case v == 0 && len(f.sections) > 2:
		s = &f.sections[2]
	}
	if len(s.pieces) == 0 {
		return general(v)
	}
	if s.date {
		if text, ok := s.showDate(v, since1904); ok {
			return text
		}
		return general(v)
	}
	return s.showNumber(v, negative)
}

// general is a number without a format, as precise as a spreadsheet keeps it.
func general(v float64) string {
	if abs := math.Abs(v); abs != 0 && (abs >= 1e20 || abs < 1e-9) {
		return strconv.FormatFloat(v, 'E', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// showNumber shows a number.
func (s *section) showNumber(v float64, negative bool) string {
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	v = math.Abs(v) * math.Pow(100, float64(min(s.percent, 3))) / math.Pow(1000, float64(min(s.scale, 10)))
	whole, behind := s.digits(v)
	groups, apart := 0, false // how often the number is mentioned, and whether text stands before its fraction
	for _, p := range s.pieces {
		apart = apart || p.kind == 'f'
		if p.kind == 'n' {
			groups++
		}
	}
	if apart && whole == "0" {
		whole = ""
	}
	for i, p := range s.pieces {
		switch p.kind {
		case 'f':
			b.WriteString(behind)
		case 'n':
			var digits string
			digits, whole = s.group(whole, i)
			b.WriteString(digits)
			if groups--; groups == 0 && !apart {
				b.WriteString(behind)
			}
		default:
			b.WriteString(p.text)
		}
	}
	return strings.TrimSpace(b.String())
}

// group takes the digits of one mention of the number: what the mentions behind it leave.
func (s *section) group(whole string, at int) (digits, rest string) {
	later := 0
	for _, p := range s.pieces[at+1:] {
		if p.kind == 'n' {
			later += p.places
		}
	}
	n := max(len(whole)-later, 0)
	return whole[:n], whole[n:]
}

// digits are those before the point, and those behind it with the point.
func (s *section) digits(v float64) (whole, behind string) {
	switch {
	case s.general:
		return general(v), ""
	case s.exponent:
		return strings.Replace(strconv.FormatFloat(v, 'E', s.decimals, 64), "e", "E", 1), ""
	case s.fraction:
		return s.showFraction(v), ""
	}
	if up := math.Pow10(s.decimals); v*up < 1<<53 {
		v = math.Round(v*up) / up // halves go up, as spreadsheets round, not to even digits
	}
	text := strconv.FormatFloat(v, 'f', s.decimals, 64)
	whole, behind, _ = strings.Cut(text, ".")
	if s.point {
		behind = "." + behind
	}
	for len(whole) < min(s.whole, 30) {
		whole = "0" + whole
	}
	if s.thousand {
		whole = grouped(whole)
	}
	return whole, behind
}

// grouped sets digits in groups of three.
func grouped(digits string) string {
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// showFraction shows a number with the fraction that is nearest.
func (s *section) showFraction(v float64) string {
	whole := math.Floor(v)
	bestN, bestD, best := 0, 1, math.Inf(1)
	low := 1
	if s.fixed {
		low = s.denom
	}
	for d := low; d <= s.denom; d++ {
		n := math.Round((v - whole) * float64(d))
		if off := math.Abs((v - whole) - n/float64(d)); off < best-1e-9 {
			bestN, bestD, best = int(n), d, off
		}
	}
	switch {
	case bestN == 0:
		return general(whole)
	case bestN == bestD:
		return general(whole + 1)
	case whole == 0:
		return strconv.Itoa(bestN) + "/" + strconv.Itoa(bestD)
	}
	return general(whole) + " " + strconv.Itoa(bestN) + "/" + strconv.Itoa(bestD)
}

// maxSerial is the largest number that is a date: 31 December 9999.
const maxSerial = 2958466

// showDate shows a number of days since the end of 1899, or of 1903. ok is false for what is no date.
func (s *section) showDate(v float64, since1904 bool) (text string, ok bool) {
	if since1904 {
		v += 1462
	}
	if math.IsNaN(v) || v < 0 || v >= maxSerial {
		return "", false
	}
	day := v
	if day < 60 {
		day++ // before the 29 February 1900 that spreadsheets believe in
	}
	whole, part := math.Modf(day)
	t := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(whole)).Add(time.Duration(math.Round(part*86400e3)) * time.Millisecond)
	t = t.Round(s.precision())
	d := dateShow{t: t, v: v, clock12: s.clock12}
	for i, p := range s.pieces {
		if p.kind == 'd' {
			d.code(p.text, s.isMinute(i))
		} else {
			d.b.WriteString(p.text)
		}
	}
	return strings.TrimSpace(d.b.String()), true
}

// precision is what times are rounded to: seconds, or parts of seconds where those are shown.
func (s *section) precision() time.Duration {
	unit := time.Second
	for _, p := range s.pieces {
		if p.kind == 'd' && p.text[0] == '.' {
			for range min(len(p.text)-1, 3) {
				unit /= 10
			}
		}
	}
	return unit
}

// isMinute tells whether an "m" means minutes: behind hours, or before seconds.
func (s *section) isMinute(i int) bool {
	for j := i - 1; j >= 0; j-- {
		if p := s.pieces[j]; p.kind == 'd' && p.text != "AM/PM" {
			if c := strings.TrimLeft(p.text, "[")[0]; c == 'h' || c == 's' {
				return true
			}
			break
		}
	}
	for _, p := range s.pieces[i+1:] {
		if p.kind == 'd' {
			return p.text[0] == 's'
		}
	}
	return false
}

// A dateShow writes a date.
type dateShow struct {
	b       strings.Builder
	t       time.Time
	v       float64
	clock12 bool
}

// code writes one code of a date.
func (d *dateShow) code(code string, minute bool) {
	n := len(code)
	switch code[0] {
	case 'y':
		d.pad(d.t.Year(), n > 2, 4, 100)
	case 'm':
		if minute {
			d.pad(d.t.Minute(), n > 1, 2, 0)
		} else {
			d.month(n)
		}
	case 'd':
		switch {
		case n > 3:
			d.b.WriteString(d.t.Weekday().String())
		case n == 3:
			d.b.WriteString(d.t.Weekday().String()[:3])
		default:
			d.pad(d.t.Day(), n > 1, 2, 0)
		}
	case 'h':
		hour := d.t.Hour()
		if d.clock12 {
			hour = (hour+11)%12 + 1
		}
		d.pad(hour, n > 1, 2, 0)
	case 's':
		d.pad(d.t.Second(), n > 1, 2, 0)
	case '.':
		d.b.WriteString("." + (strconv.Itoa(1000+d.t.Nanosecond()/1e6) + "000000000")[1:min(n, 9)])
	case '[':
		d.elapsed(code[1])
	case 'A':
		d.b.WriteString(d.t.Format("PM"))
	case 'g', 'e':
		d.era(code)
	}
}

// pad writes a number with leading zeros, or what is left of it by mod.
func (d *dateShow) pad(n int, full bool, width, mod int) {
	if !full && mod > 0 {
		n, width, full = n%mod, 2, true
	}
	text := strconv.Itoa(n)
	for full && len(text) < width {
		text = "0" + text
	}
	d.b.WriteString(text)
}

func (d *dateShow) month(n int) {
	switch {
	case n >= 5:
		d.b.WriteString(d.t.Month().String()[:1])
	case n == 4:
		d.b.WriteString(d.t.Month().String())
	case n == 3:
		d.b.WriteString(d.t.Month().String()[:3])
	default:
		d.pad(int(d.t.Month()), n > 1, 2, 0)
	}
}

// elapsed writes all hours, minutes or seconds.
func (d *dateShow) elapsed(unit byte) {
	per := map[byte]float64{'h': 24, 'm': 24 * 60, 's': 24 * 60 * 60}[unit]
	d.b.WriteString(strconv.FormatFloat(math.Floor(d.v*per+1e-6), 'f', 0, 64))
}

// eras are the eras of Japan in which dates of spreadsheets lie, the latest first.
var eras = []struct {
	from   time.Time
	letter string
	name   string
}{
	{time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC), "R", "令和"},
	{time.Date(1989, 1, 8, 0, 0, 0, 0, time.UTC), "H", "平成"},
	{time.Date(1926, 12, 25, 0, 0, 0, 0, time.UTC), "S", "昭和"},
	{time.Date(1912, 7, 30, 0, 0, 0, 0, time.UTC), "T", "大正"},
	{time.Date(1868, 1, 25, 0, 0, 0, 0, time.UTC), "M", "明治"},
}

// era writes the era by "g", "gg", "ggg", and the year in it by "e", "ee".
func (d *dateShow) era(code string) {
	for _, e := range eras {
		if d.t.Before(e.from) {
			continue
		}
		switch {
		case code[0] == 'e':
			d.pad(d.t.Year()-e.from.Year()+1, len(code) > 1, 2, 0)
		case len(code) == 1:
			d.b.WriteString(e.letter)
		case len(code) == 2:
			d.b.WriteString(e.name[:len("令")])
		default:
			d.b.WriteString(e.name)
		}
		return
	}
}
