package restd

import (
	"context"
	"net/http"
	"runtime"
	"runtime/debug"

	"tegami/directory"
	"tegami/docs"
)

// ProgramPart is something of others' that the program is made of.
type ProgramPart struct {
	Ecosystem string `json:"ecosystem" enum:"go,npm" doc:"go: in the program; npm: in its pages"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	Licence   string `json:"licence" doc:"As SPDX names it"`
}

func (s *Server) addParts() {
	add(s, operation{ID: "listParts", Method: http.MethodGet, Path: "/parts", Right: directory.RightOrder, Tag: "platform",
		Summary: "List what of others' the program is made of, with the licences."}, s.listParts)
}

// listParts gives the list that was made with the program; the versions of Go modules are those it was built with.
func (s *Server) listParts(context.Context, *Call, *struct{}) (*List[ProgramPart], error) {
	built := make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if built[m.Path] = m.Version; m.Replace != nil {
				built[m.Path] = m.Replace.Version
			}
		}
	}
	items := []ProgramPart{{"go", "Go", runtime.Version(), "BSD-3-Clause"}}
	for _, p := range docs.Parts() {
		part := ProgramPart(p)
		if v := built[p.Name]; v != "" && p.Ecosystem == "go" {
			part.Version = v
		}
		items = append(items, part)
	}
	out := listed(items, "")
	out.Body.Total = len(items)
	return out, nil
}
