"""Python's imaplib goes through an account: python3 through_imaplib.py HOST PORT USER PASSWORD CA."""
import imaplib
import re
import ssl
import sys
import time

host, port, user, password, ca = sys.argv[1:]
box = imaplib.IMAP4_SSL(host, int(port), ssl_context=ssl.create_default_context(cafile=ca))


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


assert "IMAP4REV1" in box.capabilities
ok(box.login(user, password))
box.capabilities = tuple(ok(box.capability())[0].decode().upper().split())  # it does not ask again by itself
# Before UTF-8 is enabled names are in modified UTF-7.
ok(box.create("&Zi1nLA-"))
assert any(b"&Zi1nLA-" in line for line in ok(box.list())), box.list()
ok(box.rename("&Zi1nLA-", "Projects/&Zi1nLA-"))
ok(box.subscribe("Projects/&Zi1nLA-"))
assert any(b"Projects/&Zi1nLA-" in line for line in ok(box.lsub()))

for n in range(20):
    text = "Subject: =?UTF-8?B?5Lya6K2w?= %d\r\nFrom: Taro <taro@example.jp>\r\n\r\nline %d: the meeting\r\n" % (n, n)
    flags = r"(\Seen)" if n % 2 else None
    data = ok(box.append("INBOX", flags, imaplib.Time2Internaldate(time.time()), text.encode()))
    assert b"APPENDUID" in data[0], data
assert ok(box.select("INBOX")) == [b"20"]
assert len(ok(box.search(None, "UNSEEN"))[0].split()) == 10
box.literal = "会議".encode()
found = ok(box.uid("SEARCH", "CHARSET", "UTF-8", "SUBJECT"))
assert len(found[0].split()) == 20, found
ok(box.store("1:5", "+FLAGS", r"(\Flagged $Work)"))
for line in ok(box.fetch("1:5", "(FLAGS)")):
    assert b"\\Flagged" in line and b"$Work" in line, line
body = ok(box.fetch("7", "(UID BODY.PEEK[TEXT])"))
assert body[0][1] == b"line 6: the meeting\r\n", body
ok(box.copy("1:3", '"Projects/&Zi1nLA-"'))
if "MOVE" in box.capabilities:
    ok(box.uid("MOVE", "4:5", '"Projects/&Zi1nLA-"'))
box.response("EXPUNGE")  # what MOVE told
ok(box.store("1:3", "+FLAGS", r"(\Deleted)"))
assert len(ok(box.expunge())) == 3
status = ok(box.status('"Projects/&Zi1nLA-"', "(MESSAGES UNSEEN)"))
assert re.search(rb"MESSAGES 5", status[0]), status
order = ok(box.sort("REVERSE ARRIVAL", "UTF-8", "ALL"))[0].split() if "SORT" in box.capabilities else []
assert not order or len(order) == 15, order
threads = ok(box.thread("REFERENCES", "UTF-8", "ALL")) if "THREAD=REFERENCES" in box.capabilities else []
assert not threads or threads[0].count(b"(") >= 1, threads
ok(box.unselect())
ok(box.getquotaroot("INBOX"))
if "ENABLE" in box.capabilities:
    ok(box.enable("UTF8=ACCEPT"))
    assert any("昭本".encode() in line for line in ok(box.list())), box.list()
box.logout()
print("done")
