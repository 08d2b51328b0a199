#!/bin/sh
# Fails and says which Go files are not as gofmt writes them.
set -eu
cd "$(dirname "$0")/.."
bad=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 -r gofmt -l)
[ -z "$bad" ] && exit 0
echo "not formatted (run gofmt -w):" >&2
echo "$bad" >&2
exit 1
