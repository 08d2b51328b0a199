#!/bin/bash
# bench-reading.sh [MESSAGES]   measures SEARCH, SORT and THREAD beside Debian's Dovecot (mdbox), one after the other on the
# same messages in the same run. Needs root (Dovecot does), Debian's dovecot-imapd, and bin/tegami.
set -eu
cd "$(dirname "$0")/.."
messages=${1:-20000} runs=${RUNS:-5}
base=${PORT_BASE:-25700}
peer=$((base + 40))
command -v dovecot >/dev/null || { echo "bench-reading: dovecot is missing (Debian's package dovecot-imapd)" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "bench-reading: Dovecot wants root" >&2; exit 1; }

work=$(mktemp -d)
chmod 755 "$work"
finish() {
	[ -s "$work/run/master.pid" ] && doveadm -c "$work/dovecot.conf" stop >/dev/null 2>&1 || true
	[ -n "${ours:-}" ] && kill "$ours" 2>/dev/null && wait "$ours" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

mkdir "$work/mail"
chown mail "$work/mail"
echo "bench:{PLAIN}benchpass::::::" >"$work/users"
chgrp dovecot "$work/users" && chmod 640 "$work/users"
cat >"$work/dovecot.conf" <<EOF
base_dir = $work/run
state_dir = $work/state
protocols = imap
listen = 127.0.0.1
log_path = $work/log
ssl = no
disable_plaintext_auth = no
default_vsz_limit = 2G
first_valid_uid = 1
mail_uid = mail
mail_gid = mail
mail_home = $work/mail/%Ln
mail_location = mdbox:~/mdbox
mail_fsync = optimized
passdb {
  driver = passwd-file
  args = $work/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$work/mail/%Ln allow_all_users=yes
}
namespace inbox {
  inbox = yes
  separator = /
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = $peer
  }
  inet_listener imaps {
    port = 0
  }
}
EOF
dovecot -c "$work/dovecot.conf"
"${BIN:-bin/tegami}" demo --data "$work/tegami" --port-base "$base" --accounts 2 --password benchpass-1 >"$work/tegami.log" 2>&1 &
ours=$!
for _ in $(seq 300); do [ -s "$work/tegami/demo.json" ] && break; sleep 0.1; done
go run ./lab/reading -n "$messages" -runs "$runs" ${SETTLE:+-settle $SETTLE} ${ONLY:+-only $ONLY} \
	-server "ours=127.0.0.1:$((base + 2)),user0@alpha.example,benchpass-1" -server "dovecot=127.0.0.1:$peer,bench,benchpass"
