package restd

import (
	"context"
	"net/http"

	"tegami/directory"
	"tegami/mail"
)

// Operator is somebody who runs the platform.
type Operator struct {
	ID    mail.AccountID         `json:"id"`
	Name  string                 `json:"name" doc:"With what he signs in; it has no @"`
	Role  directory.OperatorRole `json:"role" enum:"operator,operator-read-only"`
	Lang  string                 `json:"lang" enum:"ja,en"`
	State directory.AccountState `json:"state" enum:"active,suspended"`
}

// OperatorSpec asks for an operator.
type OperatorSpec struct {
	Name     string                 `json:"name" minLength:"1" maxLength:"32" pattern:"^[A-Za-z0-9._-]+$"`
	Password string                 `json:"password,omitempty" maxLength:"256" doc:"Absent: nobody signs in until one is set"`
	Role     directory.OperatorRole `json:"role" enum:"operator,operator-read-only"`
	Lang     string                 `json:"lang,omitempty" enum:"ja,en" doc:"Absent: ja"`
}

// OperatorChange is what becomes different about an operator.
type OperatorChange struct {
	Role  *directory.OperatorRole `json:"role,omitempty" enum:"operator,operator-read-only"`
	Lang  *string                 `json:"lang,omitempty" enum:"ja,en"`
	State *directory.AccountState `json:"state,omitempty" enum:"active,suspended"`
}

func newOperator(o directory.OperatorAccount) Operator {
	return Operator{o.ID, o.Name, o.Role, o.Lang, o.State}
}

func (s *Server) addOperators() {
	const tag, path = "operators", "/operators"
	order, one := directory.RightOrder, path+"/{operator}"
	add(s, operation{ID: "listOperators", Method: http.MethodGet, Path: path, Right: order, Tag: tag, Summary: "List who runs the platform."}, s.listOperators)
	add(s, operation{ID: "createOperator", Fresh: true, Method: http.MethodPost, Path: path, Right: order, Tag: tag, Status: http.StatusCreated, Summary: "Make an operator."}, s.createOperator)
	add(s, operation{ID: "updateOperator", Fresh: true, Method: http.MethodPatch, Path: one, Right: order, Tag: tag, Summary: "Change an operator's role, language or state."}, s.updateOperator)
	add(s, operation{ID: "setOperatorPassword", Fresh: true, Method: http.MethodPut, Path: one + "/password", Right: order, Tag: tag, Summary: "Set an operator's password; his sessions end."}, s.setOperatorPassword)
	add(s, operation{ID: "deleteOperator", Fresh: true, Method: http.MethodDelete, Path: one, Right: order, Tag: tag, Summary: "Remove an operator."}, s.deleteOperator)
}

func (s *Server) listOperators(ctx context.Context, _ *Call, _ *struct{}) (*List[Operator], error) {
	all, err := s.dir.Operators(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]Operator, len(all))
	for i, o := range all {
		items[i] = newOperator(o)
	}
	out := listed(items, "")
	out.Body.Total = len(items)
	return out, nil
}

func (s *Server) createOperator(ctx context.Context, c *Call, in *struct{ Body OperatorSpec }) (*Tagged[Operator], error) {
	o, err := s.dir.AddOperator(ctx, c.Actor(), directory.OperatorSpec(in.Body))
	if err != nil {
		return nil, err
	}
	return tagged(o.Version, newOperator(o)), nil
}

// OfOperator is the path of an operator.
type OfOperator struct {
	Operator Ref[mail.AccountID] `path:"operator" doc:"The operator's id"`
}

func (s *Server) updateOperator(ctx context.Context, c *Call, in *struct {
	OfOperator
	Matching
	Body OperatorChange
}) (*Tagged[Operator], error) {
	meant, err := in.version()
	if err != nil {
		return nil, err
	}
	o, err := s.dir.ChangeOperator(ctx, c.Actor(), in.Operator.ID, directory.OperatorChange{
		Version: meant, Role: in.Body.Role, Lang: in.Body.Lang, State: in.Body.State,
	})
	if err != nil {
		return nil, err
	}
	return tagged(o.Version, newOperator(o)), nil
}

func (s *Server) setOperatorPassword(ctx context.Context, c *Call, in *struct {
	OfOperator
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"256"`
	}
}) (*struct{}, error) {
	if err := s.notOwn(ctx, c, in.Operator.ID); err != nil {
		return nil, err
	}
	return nil, s.dir.SetOperatorPassword(ctx, c.Actor(), in.Operator.ID, in.Body.Password)
}

func (s *Server) deleteOperator(ctx context.Context, c *Call, in *OfOperator) (*struct{}, error) {
	return nil, s.dir.RemoveOperator(ctx, c.Actor(), in.Operator.ID)
}
