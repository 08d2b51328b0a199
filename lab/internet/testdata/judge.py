"""Judges a received message with dkimpy, pyspf and authheaders.

usage: judge.py DNS-PORT FILE IP HELO MAIL-FROM

Prints an object: what SPF says about the sender, what became of each DKIM signature, what the ARC chain is worth, and
what DMARC makes of it; null where the module for it is not installed.
"""
import json
import sys

import dkim
import dns.resolver

try:
    import authheaders
except ImportError:
    authheaders = None
try:
    import spf
except ImportError:
    spf = None


def signatures(message):
    """Verifies every DKIM signature, the topmost first."""
    found = []
    while True:
        one = dkim.DKIM(message)
        try:
            passed = one.verify(idx=len(found))
        except dkim.DKIMException as e:
            passed = str(e)
        fields = {k.decode(): v.decode() for k, v in one.signature_fields.items()}
        if not fields:
            return found
        found.append({"passed": passed is True, "why": str(passed), "domain": fields.get("d"),
                      "selector": fields.get("s"), "algorithm": fields.get("a")})


def main():
    port, path, ip, helo, sender = sys.argv[1:]
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], int(port)
    dns.resolver.default_resolver = resolver
    with open(path, "rb") as f:
        message = f.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    out = {"spf": None, "dmarc": None, "dkim": signatures(message)}
    if spf:
        out["spf"] = spf.check2(ip, sender, helo)[0]
    chain, _, why = dkim.ARC(message).verify()
    out["arc"], out["arcWhy"] = chain.decode(), why
    if authheaders and spf:
        author = authheaders.check_spf(ip, sender or "postmaster@" + helo, helo)
        out["dmarc"] = authheaders.check_dmarc(message, author, authheaders.check_dkim(message)).result
    print(json.dumps(out))


main()
