// Mail in and out of a folder by files: EML, and mbox (RFC 4155), which holds many.
import { t } from "@tegami/kit";
import { download, upload } from "../jmap/blobs.ts";
import { refused } from "../jmap/client.ts";
import type { Id, Mailbox } from "../jmap/types.ts";
import { boxName } from "../state/mailboxes.svelte.ts";
import { jmap } from "../state/session.svelte.ts";
import { isMbox, messagesOf, quoted } from "./mbox.ts";

const AT_ONCE = 20; // messages told to the server by one request
const PAGE = 200; // messages asked for at once when a folder is written out

type Told = (done: number, total: number) => void;

// importFiles puts the messages of files into a folder and gives how many there were.
export async function importFiles(files: File[], box: Id, told: Told): Promise<number> {
  const list: Uint8Array[] = [];
  for (const f of files) {
    const octets = new Uint8Array(await f.arrayBuffer());
    list.push(...(isMbox(f.name, octets) ? messagesOf(octets) : [octets]));
  }
  for (let i = 0; i < list.length; i += AT_ONCE) {
    told(i, list.length);
    const emails: Record<Id, { blobId: Id; mailboxIds: Record<Id, true>; keywords: Record<string, true> }> = {};
    for (const [n, octets] of list.slice(i, i + AT_ONCE).entries()) {
      const done = await upload(jmap, new Blob([octets as BlobPart], { type: "message/rfc822" }), () => {}, jmap.account).done;
      emails[`m${n}`] = { blobId: done.blobId, mailboxIds: { [box]: true }, keywords: { $seen: true } };
    }
    const out = await jmap.one("Email/import", { emails });
    const others = Object.fromEntries(Object.entries(out.notCreated ?? {}).filter(([, e]) => e.type !== "alreadyExists"));
    const e = refused(others);
    if (e) throw e;
  }
  return list.length;
}

// exportBox writes a folder into an mbox file, which the browser saves.
export async function exportBox(box: Mailbox, told: Told): Promise<void> {
  const parts: BlobPart[] = [];
  let done = 0;
  for (let position = 0; ; position += PAGE) {
    const b = jmap.batch();
    const q = b.call("Email/query", { filter: { inMailbox: box.id }, sort: [{ property: "receivedAt" }], position, limit: PAGE });
    const g = b.call("Email/get", { ids: q.ref("/ids"), properties: ["id", "blobId", "receivedAt"] });
    await b.send();
    for (const e of g.result.list) {
      const octets = new Uint8Array(await (await jmap.fetch(download(jmap, e.blobId, "m.eml", "message/rfc822"), {})).arrayBuffer());
      parts.push(`From MAILER-DAEMON ${new Date(e.receivedAt).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) ([\d:]+).*$/, "$1 $3 $2 $5 $4")}\n`, quoted(octets) as BlobPart, "\n");
      told(++done, Math.max(done, box.totalEmails));
    }
    if (q.result.ids.length < PAGE) break;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "application/mbox" }));
  link.download = `${boxName(box) || t("webmail.title")}.mbox`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
