package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tegami/mail"
	"tegami/server/restd/openapi"
)

// request is a call of the API before it is sent.
type request struct {
	method, path string
	query        url.Values
	kind         string // the body's media type
	body         []byte
	header       map[string]string
}

// answer is what came back.
type answer struct {
	status int
	kind   string // media type, without its parameters
	etag   string
	body   []byte
}

// Refusal is a problem the API answered (RFC 9457).
type Refusal struct {
	Status int    `json:"status"`
	Key    string `json:"key"`
	Detail string `json:"detail"`
	Fields []struct {
		Name, Detail string
	} `json:"fields"`
	Request string `json:"request"`
}

// Error is the refusal for the log.
func (r *Refusal) Error() string { return r.Key + ": " + r.Detail }

// sentence is the refusal for people.
func (r *Refusal) sentence() string {
	var b strings.Builder
	b.WriteString(r.Detail)
	if len(r.Fields) > 1 {
		for _, f := range r.Fields {
			b.WriteString("\n  " + f.Name + ": " + f.Detail)
		}
	}
	return b.String() + " [" + r.Key + "]"
}

// maxAnswer bounds what is read of an answer, in octets.
const maxAnswer = 256 << 20

// send calls the API. A refusal is a *Refusal.
func (c *Console) send(ctx context.Context, r request) (answer, error) {
	const op = "console.send"
	target := c.Base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	h, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, mail.Because(op, mail.Invalid, "cli.server_url", err)
	}
	h.Header.Set("Accept-Language", string(c.Lang))
	h.Header.Set("User-Agent", "tegami-admin")
	if c.Key != "" {
		h.Header.Set("Authorization", "Bearer "+c.Key)
	}
	if r.kind != "" {
		h.Header.Set("Content-Type", r.kind)
	}
	for name, value := range r.header {
		h.Header.Set(name, value)
	}
	got, err := c.API.RoundTrip(h)
	if err != nil {
		return answer{}, mail.Because(op, mail.Unavailable, "cli.server_unreachable", err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	if err != nil {
		return answer{}, mail.Because(op, mail.Unavailable, "cli.server_unreachable", err)
	}
	kind, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
	if got.StatusCode >= http.StatusBadRequest {
		refused := &Refusal{Status: got.StatusCode}
		if json.Unmarshal(body, refused) != nil || refused.Key == "" {
			return answer{}, mail.E(op, mail.Unavailable, "cli.no_api", c.Base, got.StatusCode)
		}
		return answer{}, refused
	}
	return answer{got.StatusCode, kind, got.Header.Get("ETag"), body}, nil
}

// request makes the call of a command.
func (c *Console) request(ctx context.Context, cmd Command, in Invocation) (request, error) {
	r := request{method: cmd.Operation.Method, path: cmd.Operation.Path, query: url.Values{}, kind: cmd.Body, header: map[string]string{}}
	words := in.Words[2:]
	if len(words) > len(cmd.Args) {
		return r, misused("cli.too_many_words", words[len(cmd.Args)])
	}
	body, err := c.bodyBase(cmd, in)
	if err != nil {
		return r, err
	}
	given := map[string]string{}
	for i, v := range cmd.Args {
		if i < len(words) {
			given[v.Name] = words[i]
		} else if !(v.In == "body" && has(body, v.Path)) {
			return r, misused("cli.missing_word", strings.ToUpper(v.Name), cmd.Resource+" "+cmd.Verb)
		}
	}
	if err := c.place(ctx, cmd, in, given, &r); err != nil {
		return r, err
	}
	for _, v := range cmd.Flags {
		if err := c.set(v, in.given[v.Name], &r, body); err != nil {
			return r, err
		}
	}
	for _, v := range cmd.Args {
		if text, ok := given[v.Name]; ok && v.In == "body" {
			if err := c.set(v, []string{text}, &r, body); err != nil {
				return r, err
			}
		}
	}
	if cmd.Body == jsonType {
		if r.body, err = json.Marshal(body); err != nil {
			return r, mail.Because("console.request", mail.Other, "", err)
		}
	}
	return r, c.headers(cmd, in, &r)
}

// headers sets why and on what the command acts.
func (c *Console) headers(cmd Command, in Invocation, r *request) error {
	if text := in.Global["reason"]; text != "" {
		r.header["Tegami-Reason"] = "UTF-8''" + url.PathEscape(text)
	}
	if tag := in.Global["if-match"]; tag != "" {
		r.header["If-Match"] = `"` + strings.Trim(tag, `"`) + `"`
	}
	if text := in.Global["limit"]; text != "" {
		if n, err := strconv.Atoi(text); err != nil || n < 1 {
			return misused("cli.not_a_number", "--limit")
		}
	}
	return nil
}

// tree is a JSON object in the making.
type tree = map[string]any

// bodyBase is what --body names, or nothing.
func (c *Console) bodyBase(cmd Command, in Invocation) (tree, error) {
	t := tree{}
	name := in.Global["body"]
	if name == "" || cmd.Body != jsonType {
		return t, nil
	}
	text, err := c.read(name)
	if err != nil {
		return t, err
	}
	if json.Unmarshal(text, &t) != nil {
		return t, mail.E("console.bodyBase", mail.Invalid, "cli.no_json", name)
	}
	return t, nil
}

// put sets a value at a path of an object.
func put(t tree, path []string, v any) {
	for len(path) > 1 {
		inside, ok := t[path[0]].(map[string]any)
		if !ok {
			inside = map[string]any{}
			t[path[0]] = inside
		}
		t, path = inside, path[1:]
	}
	t[path[0]] = v
}

// has tells whether there is a value at a path of an object.
func has(t tree, path []string) bool {
	for len(path) > 1 {
		inside, ok := t[path[0]].(map[string]any)
		if !ok {
			return false
		}
		t, path = inside, path[1:]
	}
	_, ok := t[path[0]]
	return ok
}

// set puts a value where it belongs.
func (c *Console) set(v Value, texts []string, r *request, body tree) error {
	if len(texts) == 0 {
		return nil
	}
	if v.In == "query" {
		r.query.Set(v.Path[0], strings.Join(texts, ","))
		return nil
	}
	if v.Secret {
		text, err := c.secret(texts[0])
		if err != nil {
			return err
		}
		put(body, v.Path, text)
		return nil
	}
	value, err := valueOf(v, texts)
	if err != nil {
		return err
	}
	put(body, v.Path, value)
	return nil
}

// secret reads the first line of a file.
func (c *Console) secret(name string) (string, error) {
	text, err := c.read(name)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", mail.E("console.secret", mail.Invalid, "cli.no_password")
	}
	return line, nil
}

// valueOf makes what a schema wants of texts: an option that may be given several times is a list, and what begins as JSON does is JSON.
func valueOf(v Value, texts []string) (any, error) {
	last := texts[len(texts)-1]
	kind := v.Schema.Kind()
	if kind == "array" || kind == "object" || kind == "" {
		var value any
		if trimmed := strings.TrimSpace(last); strings.HasPrefix(trimmed, "[") || strings.HasPrefix(trimmed, "{") {
			if json.Unmarshal([]byte(last), &value) != nil {
				return nil, misused("cli.no_json", "--"+v.Name)
			}
			if _, isObject := value.(map[string]any); isObject && kind == "array" {
				return objects(v, texts)
			}
			return value, nil
		}
	}
	switch kind {
	case "array":
		list := []any{}
		for _, text := range texts {
			if text != "" { // an empty text is an empty list
				list = append(list, text)
			}
		}
		return list, nil
	case "integer", "number":
		n, err := strconv.ParseFloat(last, 64)
		if err != nil {
			return nil, misused("cli.not_a_number", cmp.Or(v.Name, "?"))
		}
		return json.Number(strconv.FormatFloat(n, 'f', -1, 64)), nil
	case "boolean":
		b, err := strconv.ParseBool(last)
		if err != nil {
			return nil, misused("cli.not_a_boolean", "--"+v.Name)
		}
		return b, nil
	}
	return last, nil
}

// objects is a list of objects, each given by an option of its own.
func objects(v Value, texts []string) (any, error) {
	list := make([]any, len(texts))
	for i, text := range texts {
		if json.Unmarshal([]byte(text), &list[i]) != nil {
			return nil, misused("cli.no_json", "--"+v.Name)
		}
	}
	return list, nil
}

// place fills the path: the company, and things by their id, or by the address or name people know them by.
func (c *Console) place(ctx context.Context, cmd Command, in Invocation, given map[string]string, r *request) error {
	tenant := ""
	if cmd.needsTenant() {
		var err error
		if tenant, err = c.tenant(ctx, in, given); err != nil {
			return err
		}
		r.path = strings.ReplaceAll(r.path, "{"+tenantPlace+"}", url.PathEscape(tenant))
	}
	for _, v := range cmd.Args {
		switch v.In {
		case "path":
			id, err := c.find(ctx, tenant, v.Name, given[v.Name])
			if err != nil {
				return err
			}
			r.path = strings.ReplaceAll(r.path, "{"+v.Name+"}", url.PathEscape(id))
		case "file":
			text, err := c.read(given[v.Name])
			if err != nil {
				return err
			}
			r.body = text
		}
	}
	return nil
}

// tenant is the id of the company a command is about: the one named, that of an address's domain, the caller's own, or the only one.
func (c *Console) tenant(ctx context.Context, in Invocation, given map[string]string) (string, error) {
	named := cmp.Or(in.Global["tenant"], c.Tenant)
	if _, err := mail.ParseID[struct{}](named); err == nil && named != "" {
		return named, nil
	}
	var me struct{ Tenant string }
	if err := c.get(ctx, c.api("/self"), nil, &me); err != nil {
		return "", err
	}
	if me.Tenant != "" {
		return me.Tenant, nil
	}
	for _, text := range given {
		if _, domain, ok := strings.Cut(text, "@"); ok && named == "" {
			named = domain
		}
	}
	var all struct {
		Items []struct{ ID, Name string }
	}
	query := url.Values{"limit": {"2"}}
	if named != "" {
		query.Set("q", named)
	}
	if err := c.get(ctx, c.api("/tenants"), query, &all); err != nil {
		return "", err
	}
	switch {
	case len(all.Items) == 1:
		return all.Items[0].ID, nil
	case named == "":
		return "", misused("cli.which_tenant")
	}
	return "", mail.E("console.tenant", mail.NotFound, "cli.no_such_tenant", named, len(all.Items))
}

// api is the path of an operation below the API's prefix.
func (c *Console) api(path string) string { return "/api/v1" + path }

// get reads something from the API.
func (c *Console) get(ctx context.Context, path string, query url.Values, into any) error {
	a, err := c.send(ctx, request{method: http.MethodGet, path: path, query: query})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return mail.E("console.get", mail.Unavailable, "cli.no_api", c.Base, a.status)
	}
	return nil
}

// sameAs are places that name a thing of another's kind.
var sameAs = map[string]string{"member": "account"}

// find gives the id of a thing, which may be named by its address or name. It is looked up in the list of its kind.
func (c *Console) find(ctx context.Context, tenant, place, text string) (string, error) {
	kind := cmp.Or(sameAs[place], place)
	if _, err := mail.ParseID[struct{}](text); err == nil && text != "" {
		return text, nil
	}
	i := slices.IndexFunc(c.commands, func(cmd Command) bool {
		return cmd.Verb == "list" && cmd.Resource == kind && cmd.needsTenant() == (tenant != "")
	})
	if i < 0 || !hasID(c.Doc, c.commands[i]) {
		return text, nil // it has no id, or no list
	}
	list := c.commands[i].Operation
	path := strings.ReplaceAll(list.Path, "{"+tenantPlace+"}", url.PathEscape(tenant))
	query := url.Values{}
	for _, p := range list.In("query") {
		if p.Name == "text" || p.Name == "q" {
			query.Set(p.Name, text)
		}
	}
	var all struct{ Items []map[string]any }
	if err := c.get(ctx, path, query, &all); err != nil {
		return "", err
	}
	for _, item := range all.Items {
		id, _ := item["id"].(string)
		for _, name := range []string{"address", "name", "number"} {
			if known, ok := item[name].(string); ok && strings.EqualFold(known, text) && id != "" {
				return id, nil
			}
		}
	}
	return "", mail.E("console.find", mail.NotFound, "cli.no_such", kind, text)
}

// hasID tells whether the things a command lists are named by an id.
func hasID(d *openapi.Document, list Command) bool {
	item := itemOf(d, list)
	return item != nil && d.Resolve(item).Properties["id"] != nil && list.Resource != "domain"
}

// itemOf is the schema of what a command lists; nil where it lists nothing.
func itemOf(d *openapi.Document, cmd Command) *openapi.Schema {
	_, _, schema := cmd.Operation.Answer()
	items := d.Resolve(schema).Properties["items"]
	if items == nil {
		return nil
	}
	return d.Resolve(d.Resolve(items).Items)
}
