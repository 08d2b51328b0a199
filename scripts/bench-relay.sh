#!/bin/bash
# bench-relay.sh [MESSAGES [CONNECTIONS]]   measures relaying: Debian's smtp-source in, smtp-sink out, 4 KB messages, through
# Postfix and through `tegami demo --smarthost`, one after the other. The time runs from the first connection in to the last message
# out. Both keep a message on disk before they say 250. Needs root (Postfix does), Debian's postfix, and bin/tegami.
set -eu
cd "$(dirname "$0")/.."
messages=${1:-6000} connections=${2:-50} runs=${RUNS:-3} size=${SIZE:-4096}
base=${PORT_BASE:-25600}
sink=$base postfix=$((base + 1)) ours=$((base + 20))
for need in postfix smtp-source smtp-sink postmap; do
	command -v $need >/dev/null || { echo "bench-relay: $need is missing (Debian's package postfix)" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "bench-relay: Postfix wants root" >&2; exit 1; }

work=$(mktemp -d)
chmod 755 "$work"
pids=""
finish() {
	[ -d "$work/etc" ] && postfix -c "$work/etc" stop >/dev/null 2>&1 || true
	for p in $pids; do kill "$p" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

peer() { # Postfix as a relay to the sink, not throttled
	mkdir -p "$work/etc" "$work/spool" "$work/lib" "$work/log"
	chown postfix "$work/lib"
	cat >"$work/etc/main.cf" <<-EOF
		compatibility_level = 3.6
		queue_directory = $work/spool
		data_directory = $work/lib
		command_directory = /usr/sbin
		daemon_directory = /usr/lib/postfix/sbin
		mail_owner = postfix
		setgid_group = postdrop
		myhostname = relay.bench.example
		myorigin = bench.example
		mydestination =
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		mynetworks = 127.0.0.0/8
		relayhost = [127.0.0.1]:$sink
		smtp_tls_security_level = none
		alias_maps =
		local_recipient_maps =
		maillog_file = $work/log/postfix.log
		maillog_file_prefixes = $work/log
		in_flow_delay = 0
		default_process_limit = 200
		smtp_connection_cache_on_demand = yes
		smtpd_client_connection_count_limit = 0
		smtpd_client_connection_rate_limit = 0
	EOF
	cat >"$work/etc/master.cf" <<-EOF
		127.0.0.1:$postfix inet n - n - - smtpd
		cleanup   unix n - n - 0 cleanup
		qmgr      unix n - n 300 1 qmgr
		rewrite   unix - - n - - trivial-rewrite
		bounce    unix - - n - 0 bounce
		defer     unix - - n - 0 bounce
		trace     unix - - n - 0 bounce
		smtp      unix - - n - - smtp
		error     unix - - n - - error
		retry     unix - - n - - error
		anvil     unix - - n - 1 anvil
		scache    unix - - n - 1 scache
		tlsmgr    unix - - n 1000? 1 tlsmgr
		postlog   unix-dgram n - n - 1 postlogd
	EOF
	postfix -c "$work/etc" start >/dev/null 2>&1
}

measure() { # NAME PORT FROM
	smtp-sink -c -M "$messages" -u nobody 127.0.0.1:$sink 1000 >/dev/null 2>&1 &
	local sinkpid=$! begun ended
	pids="$pids $sinkpid"
	sleep 0.5
	begun=$(date +%s.%N)
	smtp-source -s "$connections" -m "$messages" -l "$size" -d -f "$3" -t someone@elsewhere.example 127.0.0.1:"$2"
	local accepted
	accepted=$(date +%s.%N)
	wait "$sinkpid" || true
	ended=$(date +%s.%N)
	awk -v n="$messages" -v b="$begun" -v a="$accepted" -v e="$ended" -v name="$1" \
		'BEGIN { printf "%-22s %7.0f messages/s through (accepted %.0f/s)\n", name, n/(e-b), n/(a-b) }'
}

peer
bin/tegami demo --data "$work/demo" --port-base "$ours" --smarthost 127.0.0.1:$sink ${DEMO_FLAGS:-} >"$work/demo.log" 2>&1 &
pids="$pids $!"
until [ -e "$work/demo/demo.json" ]; do sleep 0.1; done
vpn=$(sed -n 's/.*"smtpVPN": "127.0.0.1:\([0-9]*\)".*/\1/p' "$work/demo/demo.json")
from=$(sed -n 's/.*"address": "\([^"]*\)".*/\1/p' "$work/demo/demo.json" | head -n 1)
for run in $(seq "$runs"); do
	measure "postfix, run $run" "$postfix" sender@bench.example
	measure "tegami, run $run" "$vpn" "$from"
done
