"""Signs a message as dkimpy does. usage: sign.py SELECTOR DOMAIN KEY-FILE < message > signed message"""
import sys

import dkim

selector, domain, key = sys.argv[1:]
message = sys.stdin.buffer.read()
with open(key, "rb") as f:
    field = dkim.sign(message, selector.encode(), domain.encode(), f.read(),
                      include_headers=[b"From", b"To", b"Subject", b"Date", b"Message-ID"])
sys.stdout.buffer.write(field + message)
