#!/bin/sh
# Installs the Debian packages the tests use, where it may. Where it may not, it says what is missing: the tests that
# need it skip and say so. It never fails.
#
# What brings a daemon (Postfix, unbound, slapd, clamd) is installed for root alone, as in a container of its own, is not started, and never
# takes the place of a mail server that is there: tests run them with files of their own.
set -u

# command:package, module of Debian's Python:package, module of Perl:package
needed="swaks:swaks msmtp:msmtp fetchmail:fetchmail mbsync:isync curl:curl psql:postgresql-client openssl:openssl opendkim-testmsg:opendkim-tools \
	neomutt:neomutt expect:expect sieve-connect:sieve-connect offlineimap:offlineimap3 getmail:getmail6 thunderbird:thunderbird chromium:chromium vdirsyncer:vdirsyncer"
modules="dkim:python3-dkim nacl:python3-nacl dns:python3-dnspython spf:python3-spf authheaders:python3-authheaders"
perl="Mail::IMAPClient:libmail-imapclient-perl IO::Socket::SSL:libio-socket-ssl-perl"
missing=""
for pair in $needed; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
for pair in $modules; do
	/usr/bin/python3 -c "import ${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
for pair in $perl; do
	perl "-M${pair%:*}" -e 1 >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
if [ "$(id -u)" = 0 ]; then
	[ -e /usr/sbin/clamd ] || missing="$missing clamav-daemon"
	[ -e /usr/sbin/slapd ] || missing="$missing slapd"
	[ -e /usr/sbin/unbound ] || missing="$missing unbound"
	[ -e /usr/sbin/postfix ] || [ -e /usr/sbin/sendmail ] || missing="$missing postfix"
fi
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
policy=/usr/sbin/policy-rc.d # while it stands there and says 101, packages start nothing
if [ -z "$as_root" ] && [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && trap 'rm -f $policy' EXIT
fi
case "$missing" in *" postfix"*) echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections 2>/dev/null ;; esac
case "$missing" in *" slapd"*) echo "slapd slapd/no_configuration boolean true" | debconf-set-selections 2>/dev/null ;; esac

# install PACKAGES: all at once, or one by one where that fails, so that one that can't be had costs no other.
install() {
	timeout 300 $as_root apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1
}
timeout 120 $as_root apt-get update -q >"$log" 2>&1
if ! install $missing; then
	for package in $missing; do
		install "$package" || {
			tail -n 3 "$log"
			echo "setup-test: could not install $package; the tests that need it are skipped."
		}
	done
fi
rm -f "$log"
exit 0
