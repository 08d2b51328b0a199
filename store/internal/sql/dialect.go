package sql

import (
	"strconv"
	"strings"
)

// Dialect is what a database does in its own way.
type Dialect struct {
	Name     string // names the migrations that are for this dialect only: "sqlite", "postgres"
	Tenant   bool   // every table has a column tenant, every query its first argument
	Numbered bool   // places of arguments are $1, $2 …; else ?
	Tokens   map[string]string
}

// SQLite is the dialect of the file of one tenant.
func SQLite() Dialect {
	return Dialect{Name: "sqlite", Tokens: map[string]string{
		"{int}": "INTEGER", "{text}": "TEXT", "{blob}": "BLOB",
		"{tenant}": "", "{norowid}": " WITHOUT ROWID",
		"{lock}": "", "{lock i}": "", "{skip}": "",
		"{t,}": "", "{$t,}": "",
		"{each(}": "json_each(", "{)}": ")", "{value 0}": "(value ->> 0)", "{value 1}": "(value ->> 1)", "{value 2}": "(value ->> 2)", "{value 3}": "(value ->> 3)",
	}}
}

// Postgres is the dialect of the schema that all tenants share. TEXT compares by
// octets, as it does in SQLite.
func Postgres() Dialect {
	return Dialect{Name: "postgres", Tenant: true, Numbered: true, Tokens: map[string]string{
		"{int}": "BIGINT", "{text}": `TEXT COLLATE "C"`, "{blob}": "BYTEA",
		"{tenant}": "tenant BIGINT NOT NULL,", "{norowid}": "",
		"{lock}": " FOR UPDATE", "{lock i}": " FOR UPDATE OF i", "{skip}": " FOR UPDATE SKIP LOCKED",
		"{t,}": "tenant, ", "{$t,}": "$1, ",
		"{each(}": "json_array_elements(CAST(", "{)}": " AS JSON))",
		"{value 0}": "(value ->> 0)", "{value 1}": "(value ->> 1)", "{value 2}": "(value ->> 2)", "{value 3}": "(value ->> 3)",
	}}
}

// Expand writes a text in the dialect.
func (d Dialect) Expand(text string) string {
	var b strings.Builder
	arg := 1
	if d.Tenant {
		arg = 2
	}
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '{':
			end := i + strings.IndexByte(text[i:], '}') + 1
			b.WriteString(d.token(text[i:end]))
			i = end
		case c == '?' && d.Numbered:
			b.WriteString("$" + strconv.Itoa(arg))
			arg++
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

// token gives what a token stands for. An unknown one is left as it is, and no database takes it.
func (d Dialect) token(tok string) string {
	if alias, ok := strings.CutSuffix(tok, "t=}"); ok {
		if !d.Tenant {
			return ""
		}
		return alias[1:] + "tenant = $1 AND "
	}
	if s, ok := d.Tokens[tok]; ok {
		return s
	}
	return tok
}

// Texts gives the text of every Query in the dialect, by its number.
func Texts(d Dialect) []string {
	all := make([]string, 0, endOfQueries)
	for _, text := range queryTexts {
		all = append(all, d.Expand(text))
	}
	for _, text := range textQueryTexts {
		all = append(all, d.Expand(text))
	}
	for _, text := range traceQueryTexts {
		all = append(all, d.Expand(text))
	}
	return all
}
