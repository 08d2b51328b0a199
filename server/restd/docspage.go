package restd

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"tegami/i18n"
	"tegami/server/restd/openapi"
)

//go:embed docs.html
var docsText string

// docsTemplate is the page that documents the API, without a script and without anything from elsewhere.
var docsTemplate = template.Must(template.New("docs").Parse(docsText))

// docsPolicy lets the page have its own style, and nothing else.
const docsPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

// maxDocsDepth is how deep the page shows what is inside of a value.
const maxDocsDepth = 4

// docsView is what the page shows.
type docsView struct {
	Lang    i18n.Lang
	Version string
	Groups  []docsGroup

	words *i18n.Catalogue
}

// T gives a text in the reader's language.
func (v docsView) T(key string, args ...any) string { return v.words.Text(v.Lang, key, args...) }

// docsGroup are the operations of a resource.
type docsGroup struct {
	Tag        string
	Operations []docsOperation
}

// docsOperation is an operation on the page.
type docsOperation struct {
	ID, Method, Path, Summary, Curl string
	Roles                           []string
	Parameters                      []docsRow
	Request, Answer                 *docsBody
}

// docsBody is a request's body or an answer.
type docsBody struct {
	Kind, Status, Example string
	Rows                  []docsRow
}

// docsRow is a value with its meaning.
type docsRow struct {
	Name, Type, Text string
	Required         bool
}

// serveDocs answers with the documentation, in the reader's language.
func (s *Server) serveDocs(w http.ResponseWriter, r *http.Request) {
	a := w.(*answer) // serve made it
	lang := i18n.Lang(a.lang)
	if chosen, ok := i18n.ParseLang(r.URL.Query().Get("lang")); ok {
		lang = chosen
	}
	text, err := s.docs[lang]()
	if err != nil {
		s.refuse(a, err)
		return
	}
	w.Header().Set("Content-Security-Policy", docsPolicy)
	public(w, "text/html; charset=utf-8", text)
}

// docsPages makes the page of each language when it is asked for first.
func (s *Server) docsPages() map[i18n.Lang]func() ([]byte, error) {
	pages := map[i18n.Lang]func() ([]byte, error){}
	for _, lang := range i18n.Langs() {
		pages[lang] = sync.OnceValues(func() ([]byte, error) { return s.docsPage(lang) })
	}
	return pages
}

func (s *Server) docsPage(lang i18n.Lang) ([]byte, error) {
	text, err := s.described()
	if err != nil {
		return nil, err
	}
	d, err := openapi.Parse(text)
	if err != nil {
		return nil, err
	}
	v := docsView{Lang: lang, Version: d.Info.Version, words: s.words}
	for _, o := range d.Operations() {
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Tag != o.Tag() {
			v.Groups = append(v.Groups, docsGroup{Tag: o.Tag()})
		}
		group := &v.Groups[len(v.Groups)-1]
		group.Operations = append(group.Operations, newDocsOperation(d, o))
	}
	var b bytes.Buffer
	if err := docsTemplate.Execute(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func newDocsOperation(d *openapi.Document, o openapi.Operation) docsOperation {
	out := docsOperation{ID: o.ID, Method: o.Method, Path: o.Path, Summary: o.Summary, Roles: o.Roles, Curl: curlOf(d, o)}
	for _, part := range []string{"path", "query", "header"} {
		for _, p := range o.In(part) {
			out.Parameters = append(out.Parameters, docsRow{p.Name, part + ", " + typeText(d, p.Schema), p.Description, p.Required})
		}
	}
	if kind, schema := o.Request(); kind != "" {
		out.Request = &docsBody{Kind: kind, Rows: docsRows(d, schema, "", maxDocsDepth)}
	}
	status, kind, schema := o.Answer()
	out.Answer = &docsBody{Status: status, Kind: kind, Rows: docsRows(d, schema, "", maxDocsDepth)}
	if kind == "application/json" {
		out.Answer.Example = indented(d.Sample(schema))
	}
	return out
}

// docsRows lists what is in an object, and in what is inside of it.
func docsRows(d *openapi.Document, schema *openapi.Schema, prefix string, depth int) (rows []docsRow) {
	if schema == nil || depth == 0 {
		return nil
	}
	schema = d.Resolve(schema)
	if schema.Kind() == "array" {
		return docsRows(d, schema.Items, prefix+"[]", depth)
	}
	for _, f := range d.Fields(schema) {
		name := strings.TrimPrefix(prefix+"."+f.Name, ".")
		rows = append(rows, docsRow{name, typeText(d, f.Schema), f.Schema.Description, f.Required})
		rows = append(rows, docsRows(d, f.Schema, name, depth-1)...)
	}
	return rows
}

// typeText is the type of a value with its bounds, in the words of JSON.
func typeText(d *openapi.Document, schema *openapi.Schema) string {
	s := d.Resolve(schema)
	kind := s.Kind()
	var more []string
	switch {
	case kind == "array":
		return "[" + typeText(d, s.Items) + "]"
	case len(s.Enum) > 0:
		var values []string
		for _, v := range s.Enum {
			values = append(values, fmt.Sprint(v))
		}
		return strings.Join(values, " | ")
	case s.Format != "" && kind == "string":
		kind = s.Format
	}
	for _, bound := range []struct {
		sign  string
		value *float64
	}{{"≥ ", s.Minimum}, {"≤ ", s.Maximum}} {
		if bound.value != nil {
			more = append(more, bound.sign+fmt.Sprint(*bound.value))
		}
	}
	if s.MaxLength != nil {
		more = append(more, fmt.Sprint("≤ ", *s.MaxLength))
	}
	if s.Default != nil {
		more = append(more, fmt.Sprint("= ", s.Default))
	}
	return strings.TrimSpace(kind + " " + strings.Join(more, ", "))
}

// curlOf is an operation as a call at the command line.
func curlOf(d *openapi.Document, o openapi.Operation) string {
	var b strings.Builder
	b.WriteString("curl")
	if o.Method != http.MethodGet {
		b.WriteString(" -X " + o.Method)
	}
	path := o.Path
	for _, p := range o.In("path") {
		path = strings.ReplaceAll(path, "{"+p.Name+"}", "$"+strings.ToUpper(p.Name))
	}
	fmt.Fprintf(&b, ` "https://$SERVER%s"`, path)
	b.WriteString(` -H "Authorization: Bearer $KEY"`)
	kind, schema := o.Request()
	switch {
	case kind == "application/json":
		fmt.Fprintf(&b, " \\\n  -H 'Content-Type: application/json' -d '%s'", strings.ReplaceAll(indented(d.Sample(schema)), "'", `'\''`))
	case kind != "":
		fmt.Fprintf(&b, " \\\n  -H 'Content-Type: %s' --data-binary @file", kind)
	}
	return b.String()
}

func indented(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}
