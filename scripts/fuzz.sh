#!/bin/sh
# fuzz.sh TIME   runs every fuzz target of the project for TIME, one after the other.
set -eu
cd "$(dirname "$0")/.."
grep -rho --include='*_test.go' -H '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file target; do
	package=$(dirname "$file")
	name=${target#func }
	echo "== $package $name"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "$1" "$package"
done
