"""Signs and verifies with dkimpy, for tests. Reads one JSON object a line and answers each with a line.

verify: {"do", "message" (base64), "records" {name: text}} -> {"results": [bool or text of an error, one a signature]}
sign:   {"do", "message", "algorithm", "key", "domain", "selector", "canon": [header, body], "length"} -> {"field": base64}
arc-verify: {"do", "message", "records"} -> {"cv", "reason"}
arc-sign: {"do", "message", "key", "domain", "selector", "server"} -> {"field": base64}
"""
import base64
import json
import sys

import dkim


def answer(q):
    message = base64.b64decode(q["message"])
    records = {k.encode() + b".": v.encode() for k, v in q.get("records", {}).items()}

    def ask(name, timeout=5):
        return records.get(name)

    if q["do"] == "verify":
        results = []
        count = len(dkim.DKIM(message).headers) and sum(1 for k, _ in dkim.DKIM(message).headers if k.lower() == b"dkim-signature")
        for i in range(count):
            try:
                results.append(dkim.DKIM(message).verify(idx=i, dnsfunc=ask))
            except dkim.DKIMException as e:
                results.append(repr(e))
        return {"results": results}
    if q["do"] == "sign":
        d = dkim.DKIM(message)
        field = d.sign(q["selector"].encode(), q["domain"].encode(), q["key"].encode(),
                       signature_algorithm=q["algorithm"].encode(),
                       canonicalize=tuple(c.encode() for c in q["canon"]), length=q["length"])
        return {"field": base64.b64encode(field).decode()}
    if q["do"] == "arc-verify":
        cv, _, reason = dkim.ARC(message).verify(dnsfunc=ask)
        return {"cv": (cv or b"ended").decode(), "reason": reason}
    fields = dkim.arc_sign(message, q["selector"].encode(), q["domain"].encode(), q["key"].encode(), q["server"].encode())
    return {"field": base64.b64encode(b"".join(fields)).decode()}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
