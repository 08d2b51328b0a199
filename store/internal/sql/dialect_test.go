package sql

import (
	"regexp"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	const text = "SELECT a FROM x JOIN y ON {y.t=}y.id = x.id WHERE {x.t=}x.a = ? AND x.b = ?{lock}"
	for _, c := range []struct {
		d    Dialect
		want string
	}{
		{SQLite(), "SELECT a FROM x JOIN y ON y.id = x.id WHERE x.a = ? AND x.b = ?"},
		{Postgres(), "SELECT a FROM x JOIN y ON y.tenant = $1 AND y.id = x.id WHERE x.tenant = $1 AND x.a = $2 AND x.b = $3 FOR UPDATE"},
	} {
		if got := c.d.Expand(text); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.d.Name, got, c.want)
		}
	}
	if got := Postgres().Expand("INSERT INTO x ({t,}a, b) VALUES ({$t,}?, ?)"); got != "INSERT INTO x (tenant, a, b) VALUES ($1, $2, $3)" {
		t.Error(got)
	}
}

// forbidden are constructs that one of SQLite, PostgreSQL and CockroachDB lacks or means differently, and those
// that DESIGN.md §5 rules out.
var forbidden = []struct{ what, pattern string }{
	{"LISTEN and NOTIFY", `\b(LISTEN|NOTIFY)\b`},
	{"advisory locks", `advisory`},
	{"an index method", `\bUSING\b`},
	{"WITHOUT ROWID outside the dialect", `WITHOUT ROWID`},
	{"a lock outside the dialect", `FOR (UPDATE|SHARE)`},
	{"SQLite's INSERT OR", `INSERT OR`},
	{"SQLite's IFNULL", `\bIFNULL\b`},
	{"PostgreSQL's casts", `::`},
	{"PostgreSQL's ILIKE", `\bILIKE\b`},
	{"a numbered argument", `\$\d`},
	{"a quoted name", `"`},
	{"SERIAL or AUTOINCREMENT", `SERIAL|AUTOINCREMENT`},
	{"JSON operators", `->`},
	{"CREATE IF NOT EXISTS: the migrator knows what is there", `IF NOT EXISTS`},
}

func lint(t *testing.T, name, text string) {
	t.Helper()
	for _, f := range forbidden {
		if regexp.MustCompile(`(?i)` + f.pattern).MatchString(text) {
			t.Errorf("%s uses %s:\n%s", name, f.what, text)
		}
	}
}

// tables counts the tables a query names, each of which needs the tenant.
var tables = regexp.MustCompile(`\b(FROM|JOIN|UPDATE|INTO) +[a-z_]+`)

func TestQueriesAreShared(t *testing.T) {
	for q, text := range queryTexts {
		if text == "" {
			t.Errorf("query %d has no text", q)
		}
		lint(t, "query", text)
		others := strings.NewReplacer("DO UPDATE SET", "", "FROM due", "") // no tables
		named := len(tables.FindAllString(others.Replace(text), -1))
		if have := strings.Count(text, "t=}") + strings.Count(text, "{$t,}"); have != named {
			t.Errorf("%d tables but %d times the tenant in\n%s", named, have, text)
		}
		if n := strings.Count(text, "?"); n > MaxArgs {
			t.Errorf("%d arguments, more than MaxArgs, in\n%s", n, text)
		}
	}
	for _, d := range []Dialect{SQLite(), Postgres()} {
		for _, text := range Texts(d) {
			if strings.ContainsAny(text, "{}") {
				t.Errorf("%s: a token is left in\n%s", d.Name, text)
			}
		}
	}
}

func TestMigrationsAreShared(t *testing.T) {
	names, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.Count(n.Name(), ".") > 1 {
			continue // one dialect's own
		}
		text, err := migrationFiles.ReadFile("migrations/" + n.Name())
		if err != nil {
			t.Fatal(err)
		}
		lint(t, n.Name(), string(text))
	}
}
