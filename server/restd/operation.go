package restd

import (
	"context"
	"net/http"

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
	// MaxBody is how many octets a request may have; 0 = 1 MiB.
	MaxBody int64
	// Status is that of success; 0 = 200, or 204 without a body.
	Status int
}

// Call is one request: who makes it, and in which language it is answered.
type Call struct {
	*directory.Caller
	Lang     string             // "ja" or "en"
	Company  *directory.Company // of the path's {tenant}; nil where there is none
	TenantID mail.TenantID      // of the path's {tenant}
}

// add puts an operation into the table. do gets a caller that has the right; where it reaches within the company is judged
// below, by the services.
func add[I, O any](s *Server, o operation, do func(context.Context, *Call, *I) (*O, error)) {
	huma.Register(s.api, o.described(s), func(ctx context.Context, in *I) (*O, error) {
		call, _ := ctx.Value(callKey{}).(*Call)
		out, err := do(ctx, call, in)
		if err != nil {
			return nil, s.problem(call.Lang, err)
		}
		return out, nil
	})
}

// callKey is under what a request's Call passes through huma, from its middleware to add, which takes it out again: the
// one place where a context carries more than a deadline, since huma hands nothing else on.
type callKey struct{}

// described is the operation for huma.
func (o operation) described(s *Server) huma.Operation {
	h := huma.Operation{
		OperationID: o.ID, Method: o.Method, Path: Prefix + o.Path, Summary: o.Summary, Tags: []string{o.Tag},
		MaxBodyBytes: o.MaxBody, DefaultStatus: o.Status, Middlewares: huma.Middlewares{s.admit(o)},
		Extensions: map[string]any{"x-right": string(o.Right), "x-roles": o.roles()},
		Errors:     []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}
	if o.Public {
		h.Security = []map[string][]string{{}}
	}
	return h
}

// roles lists who may, for the description.
func (o operation) roles() []string {
	var list []string
	if o.Public {
		return append(list, "anybody")
	}
	if o.Right != directory.RightSelf {
		list = append(list, "operator")
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
