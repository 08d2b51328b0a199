// Package docs carries what of the documentation the program needs itself.
package docs

import _ "embed"

// OpenAPI is the description of the control API (openapi.json), from which the command line is made.
//
//go:embed openapi.json
var OpenAPI []byte
