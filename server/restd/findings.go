package restd

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/validation"

	"tegami/i18n"
)

// Huma checks the form of requests by the description and says what it finds in English sentences. Here they become keys
// of the catalogue with their values, so that a page can show them beside the field in the reader's language.

// finding is a kind of sentence: its pattern, and the key it becomes. The pattern's groups are the key's arguments.
type finding struct {
	pattern *regexp.Regexp
	key     string
}

// findings are the sentences huma has for a part of a request. The first that fits counts.
var findings = []finding{
	sentence(validation.MsgExpectedRequiredProperty, "request.field.required"),
	sentence(validation.MsgExpectedDependentRequiredProperty, "request.field.required_with"),
	sentence("required %s parameter is missing", "request.field.required"),
	sentence(validation.MsgUnexpectedProperty, "request.field.unknown"),
	sentence("unknown query parameter", "request.field.unknown"),
	sentence("expected at most one value, but received multiple values", "request.field.once"),
	sentence(validation.MsgExpectedRFC3339DateTime, "request.field.time"),
	sentence(validation.MsgExpectedRFC1123DateTime, "request.field.time"),
	sentence("invalid date/time for format %s", "request.field.time"),
	sentence(validation.MsgExpectedRFC3339Date, "request.field.date"),
	sentence(validation.MsgExpectedRFC3339Time, "request.field.clock"),
	sentence(validation.MsgExpectedRFC5322Email, "request.field.address"),
	sentence(validation.MsgExpectedRFC5890Hostname, "request.field.host"),
	sentence(validation.MsgExpectedRFC2673IPv4, "request.field.ip"),
	sentence(validation.MsgExpectedRFC2373IPv6, "request.field.ip"),
	sentence(validation.MsgExpectedRFCIPAddr, "request.field.ip"),
	sentence(validation.MsgExpectedRFC3986URI, "request.field.uri"),
	sentence("invalid url.URL value", "request.field.uri"),
	sentence(validation.MsgExpectedBoolean, "request.field.boolean"),
	sentence("invalid boolean", "request.field.boolean"),
	sentence(validation.MsgExpectedInteger, "request.field.integer"),
	sentence("invalid integer", "request.field.integer"),
	sentence(validation.MsgExpectedNumber, "request.field.number"),
	sentence("invalid float", "request.field.number"),
	sentence("invalid floating value", "request.field.number"),
	sentence(validation.MsgExpectedString, "request.field.string"),
	sentence(validation.MsgExpectedBase64String, "request.field.base64"),
	sentence(validation.MsgExpectedArray, "request.field.array"),
	sentence(validation.MsgExpectedObject, "request.field.object"),
	sentence(validation.MsgExpectedArrayItemsUnique, "request.field.unique"),
	sentence(validation.MsgExpectedOneOf, "request.field.one_of"),
	sentence(validation.MsgExpectedExclusiveMinimumNumber, "request.field.above"),
	sentence(validation.MsgExpectedExclusiveMaximumNumber, "request.field.below"),
	sentence(validation.MsgExpectedMinimumNumber, "request.field.at_least"),
	sentence(validation.MsgExpectedMaximumNumber, "request.field.at_most"),
	sentence(validation.MsgExpectedNumberBeMultipleOf, "request.field.multiple"),
	sentence(validation.MsgExpectedMinItems, "request.field.min_items"),
	sentence(validation.MsgExpectedMaxItems, "request.field.max_items"),
	sentence(validation.MsgExpectedMinLength, "request.field.min_length"),
	sentence(validation.MsgExpectedMaxLength, "request.field.max_length"),
	sentence(validation.MsgExpectedMatchPattern, "request.field.pattern"),
	sentence(validation.MsgExpectedMinProperties, "request.field.min_items"),
	sentence(validation.MsgExpectedMaxProperties, "request.field.max_items"),
	sentence("unknown content type%s", "request.media"),
	sentence("unexpected end of JSON input", "request.json"),
	sentence("invalid character %s", "request.json"),
	sentence("json: cannot unmarshal%s", "request.field.form"),
}

// whole are the sentences about a request as a whole.
var whole = []finding{
	sentence("validation failed", "request.malformed"),
	sentence("request body is required", "request.body_missing"),
	sentence("request body is too large limit=%d bytes", "request.too_big"),
	sentence("request body read timeout", "request.slow"),
	sentence("cannot read request body", "request.slow"),
	sentence("unable to marshal response", "request.accept"),
}

// place is a place in one of huma's sentences.
var place = regexp.MustCompile(`%[a-z]`)

// sentence makes the pattern of a sentence from its format.
func sentence(format, key string) finding {
	pattern := place.ReplaceAllString(regexp.QuoteMeta(format), `(?s:(.*))`)
	return finding{regexp.MustCompile("^" + pattern + "$"), key}
}

// find gives the key and the arguments of a sentence; fallback for one that nobody foresaw.
func find(table []finding, said, fallback string) (key string, args []any) {
	for _, f := range table {
		if m := f.pattern.FindStringSubmatch(said); m != nil {
			for _, arg := range m[1:] {
				args = append(args, arg)
			}
			return f.key, args
		}
	}
	return fallback, nil
}

// newProblem is a finding of huma's own: what is wrong with the form of a request. Without a request it is the shape of
// problems, for the description.
func newProblem(hc huma.Context, status int, said string, errs ...error) huma.StatusError {
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status}
	if hc == nil {
		return p
	}
	_, w := humago.Unwrap(hc)
	a, ok := w.(*answer)
	if !ok {
		return p
	}
	p.Request = a.id
	p.Key, p.Args = find(whole, said, "request.malformed")
	for _, err := range errs {
		p.Fields = append(p.Fields, a.field(err))
	}
	if p.Key == "request.too_big" {
		p.Args = []any{sizeText(p.Args)}
	}
	if len(p.Fields) > 0 && (p.Fields[0].Key == "request.json" || p.Fields[0].Key == "request.media") {
		p.Key, p.Args, p.Fields = p.Fields[0].Key, p.Fields[0].Args, nil
	}
	p.Detail = a.text(p.Key, p.Args...)
	if len(p.Fields) > 0 {
		p.Detail = a.text("request.fields", p.Fields[0].Name, p.Fields[0].Detail)
	}
	a.key = p.Key
	if status >= http.StatusInternalServerError {
		a.server.log.Error("operation", "request", a.id, "err", said, "fields", errs)
	}
	return p
}

// field is a finding about a part of the request.
func (a *answer) field(err error) Field {
	at := &huma.ErrorDetail{Message: err.Error()}
	errors.As(err, &at)
	f := Field{Name: at.Location}
	f.Key, f.Args = find(findings, at.Message, "request.field.form")
	switch f.Key {
	case "request.field.required":
		if strings.HasPrefix(at.Message, "expected") { // a property is missing: huma names where it should stand
			f.Name = strings.TrimPrefix(f.Name+"."+f.Args[0].(string), ".")
		}
		f.Args = nil
	case "request.field.pattern", "request.field.form", "request.field.time", "request.field.address", "request.field.uri", "request.json", "request.media":
		f.Args = nil // huma's own words, or what a program thinks of
	}
	f.Detail = a.text(f.Key, f.Args...)
	return f
}

// text gives a text in the language of the request.
func (a *answer) text(key string, args ...any) string {
	return a.server.words.Text(i18n.Lang(a.lang), key, args...)
}

// sizeText is a limit in octets for people: in MiB where that is a round number.
func sizeText(args []any) string {
	if len(args) == 0 {
		return ""
	}
	text, _ := args[0].(string)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && n%(1<<20) == 0 {
		return strconv.FormatInt(n>>20, 10) + " MiB"
	}
	return text + " B"
}
