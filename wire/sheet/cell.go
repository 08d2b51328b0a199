package sheet

import "strings"

// formulas begin what a spreadsheet would work out instead of showing it.
const formulas = "=+-@\t\r"

// Safe makes a field harmless to spreadsheets: an apostrophe goes before what begins a formula.
func Safe(s string) string {
	if s != "" && (strings.IndexByte(formulas, s[0]) >= 0 || s[0] == '\'') {
		return "'" + s
	}
	return s
}

// Plain takes back what Safe did.
func Plain(s string) string {
	if len(s) > 1 && s[0] == '\'' && (strings.IndexByte(formulas, s[1]) >= 0 || s[1] == '\'') {
		return s[1:]
	}
	return s
}
