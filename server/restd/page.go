package restd

// MaxPage is how many items one answer lists.
const MaxPage = 1000

// Paging is how a list is asked for.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many items at most"`
	Cursor string `query:"cursor" maxLength:"512" doc:"The next of the answer before; nothing for the beginning"`
}

// List is a part of a list.
type List[T any] struct {
	Body struct {
		Items []T    `json:"items"`
		Next  string `json:"next,omitempty" doc:"Cursor of the next part; absent at the end"`
		Total int    `json:"total,omitempty" doc:"How many there are, where that is known"`
	}
}

// Tagged is a thing with its version, which If-Match takes.
type Tagged[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// InTenant is the path of what belongs to a company.
type InTenant struct {
	Tenant string `path:"tenant" doc:"The company's id"`
}

// Matching says which version is meant to be changed.
type Matching struct {
	IfMatch string `header:"If-Match" doc:"The ETag that was read; absent: whatever stands there"`
}
