package notice

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tegami/i18n"
	"tegami/mail"
	"tegami/wire/compose"
	"tegami/wire/sieve"
)

// words write in one language, for a reader in one zone.
type words struct {
	catalogue *i18n.Catalogue
	lang      i18n.Lang
	zone      *time.Location
}

// key is a text of the catalogue as an argument of another.
type key string

// size is a number of octets.
type size int64

// text gives a text of the catalogue. Arguments are shown as the language has them.
func (w *words) text(key string, args ...any) string {
	shown := make([]any, len(args))
	for i, a := range args {
		shown[i] = w.show(a)
	}
	return w.catalogue.Text(w.lang, key, shown...)
}

// show writes a value on one line, for a reader.
func (w *words) show(v any) string {
	switch v := v.(type) {
	case key:
		return w.text(string(v))
	case sieve.Fault:
		return w.text(v.Key, v.Args...)
	case size:
		return sizeText(int64(v))
	case time.Time:
		return w.date(v)
	case mail.Address:
		return "<" + compose.OneLine(addressText(v)) + ">"
	case string:
		return compose.OneLine(compose.Cut(v, maxShown))
	}
	return compose.OneLine(fmt.Sprint(v))
}

// maxShown is how much of somebody else's words is shown in a text, in octets: a subject, an answer.
const maxShown = 600

// addressText is an address for people: brackets of its own would end those around it.
func addressText(a mail.Address) string {
	return strings.Map(func(r rune) rune {
		if r == '<' || r == '>' {
			return '?'
		}
		return r
	}, a.String())
}

// date writes a day and time: 2026年11月23日(月) 09:30, or Mon, 23 Nov 2026 09:30 +0900.
func (w *words) date(t time.Time) string {
	t = t.In(w.zone)
	if w.lang != i18n.Japanese {
		return t.Format("Mon, 2 Jan 2006 15:04 -0700")
	}
	day := [...]string{"日", "月", "火", "水", "木", "金", "土"}[t.Weekday()]
	return t.Format("2006年1月2日(") + day + t.Format(") 15:04")
}

// sizeText writes octets in the unit that fits, in binary units as plans are (SV-4), with one digit behind the point where there is one.
func sizeText(n int64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + " B"
	}
	unit, v := 0, float64(n)/(1<<10)
	for v >= 1023.95 && unit < len(units)-1 {
		unit, v = unit+1, v/(1<<10)
	}
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0") + " " + units[unit:unit+1] + "B"
}

// paragraph lays a text out: a sentence on a line in Japanese, as mail there has it, with what stands in brackets
// behind it, and lines of words in English.
func (w *words) paragraph(text string) string {
	if w.lang != i18n.Japanese {
		return wrap(text)
	}
	text = strings.NewReplacer("。(", "。(", "。 ", "。\n", "。", "。\n").Replace(text)
	return strings.TrimSuffix(text, "\n")
}

// wrap breaks a text at spaces into lines of at most 72 characters.
func wrap(text string) string {
	const width = 72
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i > 0 && column+1+n > width:
			b.WriteByte('\n')
			column = 0
		case i > 0:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// rule stands between two languages.
const rule = "----------------------------------------------------------------------"

// langsOf gives the languages of a text: one that was asked for, or all, the catalogue's first first.
func langsOf(lang string) []i18n.Lang {
	if l, ok := i18n.ParseLang(lang); ok {
		return []i18n.Lang{l}
	}
	return i18n.Langs()
}

// tags are the languages of texts, for a Content-Language field.
func tags(all []words) []string {
	list := make([]string, len(all))
	for i := range all {
		list[i] = string(all[i].lang)
	}
	return list
}
