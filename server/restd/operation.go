package restd

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tegami/directory"
	"tegami/mail"
)

// operation is one line of a resource's table.
type operation struct {
	ID      string // "listAccounts"; also the name of the generated clients' function
	Method  string
	Path    string // below Prefix; "/tenants/{tenant}/…" for what belongs to a company
	Summary string // one English sentence for the description
	Tag     string // the resource, "accounts"
	// Right is what the caller needs. What belongs to a company needs it there: for another company's tenant the answer is 404.
	Right directory.Right
	// Public operations need nobody.
	Public bool
	// View marks reading of personal data that is written into the operation log (CP-7).
	View bool
	// Fresh operations need a browser whose holder has shown within the last quarter of an hour that it is him: one that was left open
	// makes no keys and no administrators. API keys and the machine itself are not asked.
	Fresh bool
	// Unkept operations answer what must not be remembered: an Idempotency-Key is not heeded.
	Unkept bool
	// MaxBody is how many octets a request may have; 0 = DefaultBody.
	MaxBody int64
	// Deadline is how long it may take, its request's body included; 0 = DefaultDeadline.
	Deadline time.Duration
	// Status is that of success; 0 = 200, or 204 without a body.
	Status int
}

// Call is one request: who makes it, and in which language it is answered.
type Call struct {
	*directory.Caller
	Lang     string             // "ja" or "en"
	Company  *directory.Company // of the path's {tenant}; nil where there is none
	TenantID mail.TenantID      // of the path's {tenant}
	Reason   string             // why an operator changes something of a company (ReasonHeader)

	answer *answer
}

// Actor is under what the caller writes, with why he does.
func (c *Call) Actor() mail.Actor {
	if c.Reason == "" {
		return c.Caller.Actor()
	}
	return c.Caller.Actor().For(c.Reason)
}

// add puts an operation into the table. do gets a caller that has the right; where it reaches within the company is judged
// below, by the services.
func add[I, O any](s *Server, o operation, do func(context.Context, *Call, *I) (*O, error)) {
	if o.Right == directory.RightOrder && !o.writes() { // operators who only look may look here too
		o.Right = directory.RightOrderRead
	}
	huma.Register(s.api, o.described(s), func(ctx context.Context, in *I) (*O, error) {
		call, _ := ctx.Value(callKey{}).(*Call)
		out, err := do(ctx, call, in)
		if err == nil && o.View {
			err = call.noteView(ctx, o)
		}
		if err != nil {
			return nil, s.problem(call.answer, err)
		}
		return out, nil
	})
}

// noteView writes into the company's log that personal data was looked at (CP-7). Who gets its error sees nothing.
func (c *Call) noteView(ctx context.Context, o operation) error {
	if c.Company == nil {
		return nil // the caller's own
	}
	return c.Company.NoteView(ctx, c.Actor(), mail.Op("restd."+o.ID), strings.TrimSuffix(o.Tag, "s"), o.object(c.answer.request))
}

// object is the id of what a request is about: the last in its path, but for the company's. Zero for a list.
func (o operation) object(r *http.Request) (id mail.ObjectID) {
	_, last, ok := cutLast(o.Path, "{")
	name, _, _ := strings.Cut(last, "}")
	if !ok || name == "tenant" || id.UnmarshalText([]byte(r.PathValue(name))) != nil {
		return 0
	}
	return id
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// callKey is under what a request's Call passes through huma, from its middleware to add, which takes it out again: the
// one place where a context carries more than a deadline, since huma hands nothing else on.
type callKey struct{}

// described is the operation for huma.
func (o operation) described(s *Server) huma.Operation {
	h := huma.Operation{
		OperationID: o.ID, Method: o.Method, Path: Prefix + o.Path, Summary: o.Summary, Tags: []string{o.Tag},
		MaxBodyBytes: o.MaxBody, BodyReadTimeout: o.Deadline, DefaultStatus: o.Status, Middlewares: huma.Middlewares{s.admit(o)},
		Extensions: map[string]any{"x-right": string(o.Right), "x-roles": o.roles()},
		Errors:     o.errors(), Parameters: o.headers(),
	}
	if h.BodyReadTimeout == 0 {
		h.BodyReadTimeout = DefaultDeadline
	}
	if o.Fresh {
		h.Extensions["x-fresh"] = true
	}
	if o.Public {
		h.Security = []map[string][]string{{}}
	}
	return h
}

// errors are the statuses a caller must expect.
func (o operation) errors() []int {
	list := []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	if !o.Public {
		list = append(list, http.StatusUnauthorized, http.StatusForbidden)
	}
	if strings.Contains(o.Path, "{") {
		list = append(list, http.StatusNotFound)
	}
	if o.writes() {
		list = append(list, http.StatusConflict, http.StatusPreconditionFailed)
	}
	return list
}

// writes tells whether the operation changes something.
func (o operation) writes() bool { return o.Method != http.MethodGet && o.Method != http.MethodHead }

// inTenant tells whether the operation belongs to a company.
func (o operation) inTenant() bool { return strings.Contains(o.Path, "{tenant}") }

// headers are the request header fields that the frame reads.
func (o operation) headers() (list []*huma.Param) {
	if o.Method == http.MethodPost && !o.Public {
		limit := maxIdempotencyKey
		list = append(list, &huma.Param{Name: IdempotencyHeader, In: "header",
			Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: &limit},
			Description: "The request's own name, such as a UUID: sent again under it within 24 hours, it is done once and answered the same."})
	}
	if o.inTenant() && o.writes() && !o.Public {
		limit := mail.MaxReason
		list = append(list, &huma.Param{Name: ReasonHeader, In: "header",
			Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: &limit},
			Description: "Why an operator changes something of a company; required of operators. Text that is not ASCII as UTF-8''%E5%95%8F (RFC 8187)."})
	}
	return list
}

// roles lists who may, for the description: "anybody" without signing in, operators, "user" for every account, and a company's roles.
func (o operation) roles() (list []string) {
	if o.Public {
		return []string{"anybody"}
	}
	for _, r := range directory.OperatorRoles() {
		if r.Gives(o.Right) {
			list = append(list, string(r))
		}
	}
	everybody := o.Right == directory.RightSelf || o.Right == directory.RightAny
	if everybody {
		list = append(list, "user")
	}
	for _, r := range directory.Roles() {
		if everybody || r.Gives(o.Right) {
			list = append(list, string(r))
		}
	}
	return list
}
