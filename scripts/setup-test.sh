#!/bin/sh
# Installs the Debian packages the tests use, where it may. Where it may not, it says what is missing: the tests that
# need it skip and say so. It never fails.
set -u

# command:package
needed="swaks:swaks msmtp:msmtp fetchmail:fetchmail mbsync:isync curl:curl psql:postgresql-client"
missing=""
for pair in $needed; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -z "$missing" ] && exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
	if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root=no; fi
fi
if [ "$as_root" = no ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "setup-test: cannot install$missing here; the tests that need them are skipped."
	exit 0
fi
echo "setup-test: installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { timeout 120 $as_root apt-get update -q && timeout 300 $as_root apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 3 "$log"
	echo "setup-test: could not install$missing; the tests that need them are skipped."
fi
rm -f "$log"
exit 0
