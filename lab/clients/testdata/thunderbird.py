"""Thunderbird without a screen goes through an account, driven by Marionette.

python3 thunderbird.py PROFILE HOST IMAPS-PORT USER PASSWORD CA

It opens the inbox with Thunderbird's own code, reads headers and a body, marks, copies, moves, deletes, makes and
renames a folder, searches, and sees new mail that comes while it idles.
"""
import base64
import json
import os
import re
import socket
import subprocess
import sys
import time

profile, host, imaps, user, password, ca = sys.argv[1:]
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    marionette = probe.getsockname()[1]
os.makedirs(profile, exist_ok=True)
with open(os.path.join(profile, "user.js"), "w") as prefs:
    for name, value in {
        "marionette.port": marionette,
        "app.update.enabled": False,
        "app.donation.eoy.version.viewed": 999,
        "datareporting.policy.dataSubmissionEnabled": False,
        "mail.provider.suppress_dialog_on_startup": True,
        "mail.spotlight.firstRunDone": True,
        "mail.winsearch.firstRunDone": True,
        "mailnews.start_page.enabled": False,
        "mail.shell.checkDefaultClient": False,
        "network.dns.disablePrefetch": True,
        "toolkit.telemetry.enabled": False,
    }.items():
        prefs.write("user_pref(%s, %s);\n" % (json.dumps(name), json.dumps(value)))
log = open(os.path.join(profile, "log.txt"), "w")
program = subprocess.Popen(
    ["thunderbird", "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile],
    stdout=log, stderr=log, env=dict(os.environ, MOZ_HEADLESS="1", HOME=profile))


class Driver:
    def __init__(self):
        end = time.time() + 90
        while True:
            try:
                self.link = socket.create_connection(("127.0.0.1", marionette), timeout=120)
                break
            except OSError:
                if time.time() > end or program.poll() is not None:
                    raise
                time.sleep(0.3)
        self.serial = 0
        self.buffer = b""
        self.read()

    def read(self):
        while b":" not in self.buffer:
            self.more()
        size, self.buffer = self.buffer.split(b":", 1)
        while len(self.buffer) < int(size):
            self.more()
        text, self.buffer = self.buffer[:int(size)], self.buffer[int(size):]
        return json.loads(text)

    def more(self):
        part = self.link.recv(65536)
        if not part:
            raise EOFError("Thunderbird is gone")
        self.buffer += part

    def call(self, name, **params):
        self.serial += 1
        text = json.dumps([0, self.serial, name, params])
        self.link.sendall(("%d:%s" % (len(text.encode()), text)).encode())
        _, _, error, result = self.read()
        if error:
            raise AssertionError(error.get("message", error))
        return result

    def run(self, script, *args):
        answer = self.call("WebDriver:ExecuteAsyncScript", script=HEAD + script + TAIL, args=list(args))["value"]
        assert answer.get("error") is None, answer["error"]
        return answer["value"]


HEAD = """
const args = [...arguments], finish = args.pop();
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const wait = (ms) => new Promise((r) => setTimeout(r, ms));
const until = async (what, fn) => { for (let n = 0; n < 300; n++) { const v = fn(); if (v) return v; await wait(100); } throw new Error("never: " + what); };
const listened = (fn) => new Promise((yes, no) => fn({
  QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]), OnStartRunningUrl() {},
  OnStopRunningUrl(url, status) { Components.isSuccessCode(status) ? yes() : no(new Error("status " + status.toString(16))); } }));
const copied = (fn) => new Promise((yes, no) => fn({
  QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]), onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
  onStopCopy(status) { Components.isSuccessCode(status) ? yes() : no(new Error("status " + status.toString(16))); } }));
const server = () => MailServices.accounts.accounts.map((a) => a.incomingServer).find((s) => s.type == "imap");
const folder = (name) => server().rootFolder.descendants.find((f) => f.name == name) ?? null;
const inbox = () => server().rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
const headers = (f) => [...f.messages];
(async () => {
"""
TAIL = "\n})().then((value) => finish({ value: value ?? null }), (e) => finish({ error: String(e) + ' ' + (e.stack ?? '') }));"

try:
    bird = Driver()
    bird.call("WebDriver:NewSession", capabilities={})
    bird.call("WebDriver:SetTimeouts", script=90000)
    bird.call("Marionette:SetContext", value="chrome")
    with open(ca) as f:
        der = re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", f.read(), re.S).group(1).replace("\n", "")
    bird.run('Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(args[0], "C,,");', der)
    bird.run("""
const s = MailServices.accounts.createIncomingServer(args[2], args[0], "imap");
s.port = Number(args[1]); s.socketType = Ci.nsMsgSocketType.SSL; s.authMethod = Ci.nsMsgAuthMethod.passwordCleartext; s.password = args[3];
const a = MailServices.accounts.createAccount(); a.incomingServer = s;
const i = MailServices.accounts.createIdentity(); i.email = args[2]; a.addIdentity(i);
""", host, imaps, user, password)
    bird.run("server().performExpand(null); await until('the folders', () => inbox() && server().rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.SentMail));")
    bird.run("await listened((l) => inbox().QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, l));")
    subjects = bird.run("await until('20 messages', () => headers(inbox()).length == 20); return headers(inbox()).map((h) => h.mime2DecodedSubject);")
    assert sorted(subjects)[0] == "会議 00", subjects
    body = bird.run("""
const h = headers(inbox())[3], uri = inbox().getUriForMsg(h);
const service = MailServices.messageServiceFromURI(uri);
return await new Promise((yes, no) => {
  const stream = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream); let text = "";
  service.streamMessage(uri, { QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]), onStartRequest() {},
    onDataAvailable(r, s, o, n) { stream.init(s); text += stream.read(n); }, onStopRequest(r, status) { Components.isSuccessCode(status) ? yes(text) : no(new Error(status.toString(16))); } }, null, null, false, "", false);
});""")
    assert "line" in body, body
    bird.run("""
const list = headers(inbox());
inbox().markMessagesRead(list.slice(0, 5), true); inbox().markMessagesFlagged(list.slice(0, 3), true);
server().rootFolder.QueryInterface(Ci.nsIMsgImapMailFolder); server().rootFolder.createSubfolder("鳥の仕事", null);
await until("the new folder", () => folder("鳥の仕事"));
await copied((l) => MailServices.copy.copyMessages(inbox(), list.slice(0, 4), folder("鳥の仕事"), false, l, null, false));
await copied((l) => MailServices.copy.copyMessages(inbox(), list.slice(4, 6), folder("鳥の仕事"), true, l, null, false));
await copied((l) => inbox().deleteMessages(list.slice(6, 8), null, false, true, l, false));
""")
    bird.run("""
const f = folder("鳥の仕事").QueryInterface(Ci.nsIMsgImapMailFolder);
await listened((l) => f.updateFolderWithListener(null, l)); await until("six copies", () => headers(f).length == 6);
await until("sixteen left", () => headers(inbox()).length == 16);
""")
    print("waiting", flush=True)  # the caller sends one more by SMTP now
    sys.stdin.readline()
    bird.run("await until('new mail', () => headers(inbox()).some((h) => h.mime2DecodedSubject == 'while idle'));")
    bird.run("server().closeCachedConnections();")
    print("done")
finally:
    program.kill()
    program.wait()
