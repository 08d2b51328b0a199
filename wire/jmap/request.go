package jmap

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"tegami/mail"
)

// Request is a list of method calls (RFC 8620 §3.3).
type Request struct {
	Using       []string     `json:"using"`
	MethodCalls []Invocation `json:"methodCalls"`
	// CreatedIds are ids of records that earlier requests made, by their creation ids. nil: the response does not tell them either.
	CreatedIds map[Id]Id `json:"createdIds,omitempty"`
}

// Response is a list of results in the order of their calls (RFC 8620 §3.4).
type Response struct {
	MethodResponses []Invocation `json:"methodResponses"`
	CreatedIds      map[Id]Id    `json:"createdIds,omitempty"`
	SessionState    string       `json:"sessionState"`
}

// Invocation is a method call, or its result (RFC 8620 §3.2): name, arguments, and the id by which the client knows it.
type Invocation struct {
	Name   string
	Args   json.RawMessage // an object
	CallID string
}

// Error name of an invocation that says what went wrong (RFC 8620 §3.6.2).
const ErrorName = "error"

// MarshalJSON writes the three as an array.
func (i Invocation) MarshalJSON() ([]byte, error) { return i.append(nil), nil }

// append writes the invocation. Its arguments are JSON already.
func (i Invocation) append(b []byte) []byte {
	b = appendString(append(b, '['), i.Name)
	b = append(append(b, ','), i.Args...)
	b = appendString(append(b, ','), i.CallID)
	return append(b, ']')
}

// UnmarshalJSON reads the three.
func (i *Invocation) UnmarshalJSON(text []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil || len(parts) != 3 {
		return mail.E("jmap.Invocation", mail.Invalid, "jmap.not_request")
	}
	if json.Unmarshal(parts[0], &i.Name) != nil || json.Unmarshal(parts[2], &i.CallID) != nil || !isObject(parts[1]) || i.Name == "" {
		return mail.E("jmap.Invocation", mail.Invalid, "jmap.not_request")
	}
	i.Args = parts[1]
	return nil
}

func isObject(text json.RawMessage) bool {
	t := bytes.TrimLeft(text, " \t\r\n")
	return len(t) > 0 && t[0] == '{'
}

// appendString writes a string as JSON.
func appendString(b []byte, s string) []byte {
	if plain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...) // strings can be written
	}
	return append(b, quoted...)
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// Append writes the response to b. Results are JSON already and are not looked at again, as json.Marshal would.
func (r *Response) Append(b []byte) ([]byte, error) {
	b = append(b, `{"methodResponses":[`...)
	for n, i := range r.MethodResponses {
		if n > 0 {
			b = append(b, ',')
		}
		b = i.append(b)
	}
	b = append(b, ']')
	if r.CreatedIds != nil {
		made, err := json.Marshal(r.CreatedIds)
		if err != nil {
			return nil, mail.Because("jmap.Append", mail.Other, "", err)
		}
		b = append(append(b, `,"createdIds":`...), made...)
	}
	b = appendString(append(b, `,"sessionState":`...), r.SessionState)
	return append(b, '}'), nil
}

// MarshalJSON writes the response.
func (r *Response) MarshalJSON() ([]byte, error) { return r.Append(nil) }

// Limits bound a request (RFC 8620 §2).
type Limits struct {
	Size  int64 // octets of a request
	Calls int   // method calls in it
}

// Decode reads a request. What it can't read is a *RequestError: notJSON for what is no I-JSON, notRequest for what is JSON and no
// request, limit for too much. Other errors are those of r.
func Decode(r io.Reader, l Limits) (*Request, error) {
	text, err := io.ReadAll(io.LimitReader(r, l.Size+1))
	if err != nil {
		return nil, err
	}
	return ParseRequest(text, l)
}

// ParseRequest is Decode for octets that are in memory.
func ParseRequest(text []byte, l Limits) (*Request, error) {
	if int64(len(text)) > l.Size {
		return nil, TooMuch(LimitSize)
	}
	if err := Check(text); err != nil {
		return nil, &RequestError{Type: NotJSON, Status: 400, Detail: err.Error()}
	}
	var q Request
	if !isObject(text) || json.Unmarshal(text, &q) != nil {
		return nil, notRequest()
	}
	if len(q.MethodCalls) > l.Calls {
		return nil, TooMuch(LimitCalls)
	}
	return &q, q.check()
}

// check refuses what has the form of a request and is none.
func (q *Request) check() error {
	if q.Using == nil || q.MethodCalls == nil {
		return notRequest()
	}
	for made, id := range q.CreatedIds {
		if !made.Valid() || !id.Valid() {
			return notRequest()
		}
	}
	return nil
}

func notRequest() error { return &RequestError{Type: NotRequest, Status: 400} }

// Uses tells whether the client knows a capability.
func (q *Request) Uses(capability string) bool { return slices.Contains(q.Using, capability) }

const (
	// maxReferences is how many arguments of one call may be result references: no method has as many.
	maxReferences = 16
	// maxResolved is how large the arguments of a call may become by them, in octets: each could name all there is, and the next call that again.
	maxResolved = 16 << 20
)

// Resolve puts the values that result references name into the arguments of a call (RFC 8620 §3.7). before are the results so far. requestTooLarge
// for more references, or larger arguments, than a method needs.
func (i Invocation) Resolve(before []Invocation) (json.RawMessage, *MethodError) {
	if !bytes.Contains(i.Args, []byte(`"#`)) {
		return i.Args, nil
	}
	members, ok := Members(i.Args)
	if !ok {
		return nil, &MethodError{Type: InvalidArguments}
	}
	out, found := []byte{'{'}, 0
	for _, m := range members {
		name, refers := strings.CutPrefix(m.Name, "#")
		if refers {
			if found++; found > maxReferences {
				return nil, &MethodError{Type: RequestTooLarge}
			}
			if has(members, name) {
				return nil, &MethodError{Type: InvalidArguments, Arguments: []string{name}}
			}
			if m.Value, ok = refer(m.Value, before); !ok {
				return nil, &MethodError{Type: InvalidResultReference}
			}
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		if found > 0 && len(out)+len(m.Value) > maxResolved {
			return nil, &MethodError{Type: RequestTooLarge}
		}
		out = append(append(appendString(out, name), ':'), m.Value...)
	}
	if found == 0 {
		return i.Args, nil
	}
	return append(out, '}'), nil
}

func has(members []Member, name string) bool {
	return slices.ContainsFunc(members, func(m Member) bool { return m.Name == name })
}

// refer gives the value a reference names.
func refer(text json.RawMessage, before []Invocation) (json.RawMessage, bool) {
	var r ResultReference
	if json.Unmarshal(text, &r) != nil {
		return nil, false
	}
	i := slices.IndexFunc(before, func(i Invocation) bool { return i.CallID == r.ResultOf })
	if i < 0 || before[i].Name != r.Name {
		return nil, false
	}
	return Select(before[i].Args, r.Path)
}

// A Member is a name and its value in an object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members takes an object that Check has passed apart; false for what is none.
func Members(text json.RawMessage) (list []Member, ok bool) {
	s := scanner{text: text}
	if !s.take('{') {
		return nil, false
	}
	for !s.take('}') {
		m, ok := s.pair()
		if !ok {
			return nil, false
		}
		list = append(list, m)
	}
	return list, true
}

// Marshal writes a value as JSON without the escapes that json.Marshal makes for pages: a body of HTML would grow by a third.
func Marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, mail.Because("jmap.Marshal", mail.Other, "", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}
