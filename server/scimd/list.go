package scimd

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tegami/mail"
)

// query is what a list is asked for with (RFC 7644 §3.4.2).
type query struct {
	filter     filter // nil = all
	start      int    // from 1
	count      int
	attributes []string // lower case; none: all
	excluded   []string
}

// query reads what a list is asked for with. Invalid "scim.filter", "scim.paging".
func (r *request) query() (q query, err error) {
	v := r.URL.Query()
	q = query{start: 1, count: MaxResults, attributes: names(v.Get("attributes")), excluded: names(v.Get("excludedAttributes"))}
	if text := v.Get("filter"); text != "" {
		if q.filter, err = parseFilter(text); err != nil {
			return q, err
		}
	}
	for name, to := range map[string]*int{"startIndex": &q.start, "count": &q.count} {
		text := v.Get(name)
		if text == "" {
			continue
		}
		if *to, err = strconv.Atoi(text); err != nil {
			return q, mail.E("scimd.query", mail.Invalid, "scim.paging", name)
		}
	}
	q.start, q.count = max(q.start, 1), min(max(q.count, 0), MaxResults)
	return q, nil
}

// names reads a list of attributes.
func names(text string) (list []string) {
	for name := range strings.SplitSeq(strings.ToLower(text), ",") {
		if name = strings.TrimSpace(name); name != "" {
			list = append(list, name)
		}
	}
	return list
}

// wants tells whether an attribute is wanted in the answer.
func (q *query) wants(name string) bool {
	name = strings.ToLower(name)
	if name == "id" || name == "schemas" {
		return true
	}
	named := func(list []string) bool {
		return slices.ContainsFunc(list, func(n string) bool {
			return n == name || strings.HasPrefix(n, name+".") || strings.HasPrefix(n, name+":") || strings.HasSuffix(n, ":"+name)
		})
	}
	if len(q.attributes) > 0 {
		return named(q.attributes)
	}
	return !slices.Contains(q.excluded, name)
}

// cut leaves only what is wanted of a resource.
func (q *query) cut(o object) object {
	for name := range o {
		if !q.wants(name) {
			delete(o, name)
		}
	}
	return o
}

// page gathers the part of a list that was asked for.
type page struct {
	query
	total int
	found []object
}

// offer counts a resource that the filter lets through, and keeps it if it is in the part.
func (p *page) offer(o object) {
	if p.filter != nil && !p.filter.match(o) {
		return
	}
	if p.total++; p.total >= p.start && len(p.found) < p.count {
		p.found = append(p.found, p.cut(o))
	}
}

// reply is the list as an answer.
func (p *page) reply() *reply {
	if p.found == nil {
		p.found = []object{}
	}
	return &reply{status: http.StatusOK, body: object{
		"schemas": []string{listMessage}, "totalResults": p.total, "startIndex": p.start, "itemsPerPage": len(p.found), "Resources": p.found,
	}}
}

// key gives the value that a filter demands of an attribute, where it demands just that: what identity systems ask for most.
func key(f filter, attr string) (string, bool) {
	c, ok := f.(compare)
	if !ok || c.op != "eq" || c.path.attr != attr || c.path.sub != "" || c.path.schema != "" {
		return "", false
	}
	text, ok := c.value.(string)
	return text, ok
}
