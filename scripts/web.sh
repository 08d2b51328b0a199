#!/bin/bash
# Builds the browser's pages into web/panel/dist/pages and web/mail/dist/pages, when a source changed since the last build. Without Node it says so and
# leaves things as they are: the program builds without the pages, and tells whoever opens them.
#   scripts/web.sh          build
#   scripts/web.sh check    types, and what Svelte warns about
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=web/panel/dist/stamp

if ! command -v npm >/dev/null; then
	echo "web: no Node here; the pages of the panel and the webmail are not built (Node 20.19 or later and npm build them)"
	exit 0
fi

# sources prints a hash over everything that the pages are made of.
sources() {
	find web i18n/locales -type f -not -path '*/node_modules/*' -not -path 'web/*/dist/*' -not -name '*.go' -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# packages installs what package-lock.json names, when that changed.
packages() {
	local want
	want=$(sha256sum web/package-lock.json | cut -d' ' -f1)
	if [ "$(cat web/node_modules/.stamp 2>/dev/null)" != "$want" ]; then
		(cd web && npm ci --no-audit --no-fund --loglevel=error)
		echo "$want" >web/node_modules/.stamp
	fi
}

if [ "${1:-}" = check ]; then
	packages
	(cd web && npm run --silent check)
	exit
fi

now=$(sources)
if [ -f web/panel/dist/pages/index.html ] && [ -f web/mail/dist/pages/index.html ] && [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
	echo "web: the pages are current"
	exit 0
fi
packages
(cd web && npm run --silent build)
echo "$now" >"$stamp"
