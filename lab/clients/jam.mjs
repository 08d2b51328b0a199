// jmap-jam, a public JMAP client library, at work on a running platform: it signs in, syncs, sends, and is told of what arrives.
// Arguments: the session's URL, the bearer tokens of two people, the second one's address. The last line is "done".
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const [url, mine, theirs, address] = process.argv.slice(2);
const { default: Jam } = await import(pathToFileURL(process.env.JAM).href);

// Node 20 has no EventSource, and a browser's sends no token: this one reads the stream by fetch.
globalThis.EventSource = class extends EventTarget {
  constructor(at) {
    super();
    this.stop = new AbortController();
    this.opened = this.run(at);
  }
  async run(at) {
    const answer = await fetch(at, { headers: { Authorization: `Bearer ${theirs}`, Accept: "text/event-stream" }, signal: this.stop.signal });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type"), /^text\/event-stream/);
    void this.read(answer.body.pipeThrough(new TextDecoderStream()).getReader()).catch(() => {});
  }
  async read(reader) {
    for (let text = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const lines = text.slice(0, end).split("\n");
        const field = (name) => lines.filter((l) => l.startsWith(name + ":")).map((l) => l.slice(name.length + 1).trimStart()).join("\n");
        this.dispatchEvent(Object.assign(new Event(field("event") || "message"), { data: field("data") }));
      }
    }
  }
  close() {
    this.stop.abort();
  }
};

const me = new Jam({ sessionUrl: url, bearerToken: mine });
const you = new Jam({ sessionUrl: url, bearerToken: theirs });
const accountId = await me.getPrimaryAccount();
const yours = await you.getPrimaryAccount();
assert.ok(accountId && yours && accountId !== yours);

// Sync: the mailboxes, and the newest mails with a reference from one call to the next.
const [{ list: boxes }] = await me.api.Mailbox.get({ accountId, ids: null });
const box = (role) => boxes.find((b) => b.role === role)?.id;
assert.ok(box("inbox") && box("drafts") && box("sent"), JSON.stringify(boxes));
const [{ emails }] = await me.requestMany((r) => {
  const found = r.Email.query({ accountId, filter: { inMailbox: box("inbox") }, sort: [{ property: "receivedAt", isAscending: false }], limit: 10 });
  return { found, emails: r.Email.get({ accountId, ids: found.$ref("/ids"), properties: ["id", "subject", "threadId", "mailboxIds"] }) };
});
const before = emails.state;
assert.ok(Array.isArray(emails.list));

// Push to the other one.
const source = await you.connectEventSource({ types: "*", ping: 30 });
await source.opened;
const told = new Promise((resolve) => source.addEventListener("state", (e) => {
  const { changed } = JSON.parse(e.data);
  if (changed?.[yours]?.Email) resolve(changed[yours]);
}));

// Send, with a file that was uploaded.
const { blobId } = await me.uploadBlob(accountId, new Blob(["名,姓\r\n"], { type: "text/csv" }));
const [{ list: identities }] = await me.api.Identity.get({ accountId, ids: null });
const [{ made, sent }] = await me.requestMany((r) => ({
  made: r.Email.set({
    accountId,
    create: {
      mail: {
        mailboxIds: { [box("drafts")]: true }, keywords: { $draft: true }, from: [{ email: identities[0].email }], to: [{ email: address }], subject: "ジャムの試験",
        bodyStructure: { type: "multipart/mixed", subParts: [{ type: "text/plain", partId: "t" }, { type: "text/csv", blobId, name: "名簿.csv", disposition: "attachment" }] },
        bodyValues: { t: { value: "本文です。" } },
      },
    },
  }),
  sent: r.EmailSubmission.set({
    accountId, create: { out: { identityId: identities[0].id, emailId: "#mail" } },
    onSuccessUpdateEmail: { "#out": { [`mailboxIds/${box("drafts")}`]: null, [`mailboxIds/${box("sent")}`]: true, "keywords/$draft": null } },
  }),
}));
assert.equal(made.notCreated, null);
assert.equal(sent.notCreated, null);

// What changed, by the state from before.
const [changes] = await me.api.Email.changes({ accountId, sinceState: before });
assert.ok(changes.created.includes(made.created.mail.id));
const [{ list: [kept] }] = await me.api.Email.get({ accountId, ids: [made.created.mail.id], properties: ["mailboxIds", "keywords"] });
assert.deepEqual([kept.mailboxIds, kept.keywords.$draft], [{ [box("sent")]: true }, undefined]);

// It arrives, and the other one is told.
await told;
source.close();
const [{ there }] = await you.requestMany((r) => {
  const found = r.Email.query({ accountId: yours, filter: { subject: "ジャムの試験" } });
  return { found, there: r.Email.get({ accountId: yours, ids: found.$ref("/ids"), properties: ["subject", "attachments", "textBody", "bodyValues"], fetchTextBodyValues: true }) };
});
const [mail] = there.list;
assert.equal(mail.bodyValues[mail.textBody[0].partId].value.trim(), "本文です。");
assert.equal(mail.attachments[0].name, "名簿.csv");
const file = await you.downloadBlob({ accountId: yours, blobId: mail.attachments[0].blobId, mimeType: "text/csv", fileName: "a.csv" });
assert.equal(await file.text(), "名,姓\r\n");
console.log("done");
