// Mail in and out of a folder by files: EML, and mbox (RFC 4155), which holds many.
import { t } from "@tegami/kit";
import { download, upload } from "../jmap/blobs.ts";
import { refused } from "../jmap/client.ts";
import type { Id, Mailbox } from "../jmap/types.ts";
import { boxName } from "../state/mailboxes.svelte.ts";
import { jmap } from "../state/session.svelte.ts";

const AT_ONCE = 20; // messages told to the server by one request
const PAGE = 200; // messages asked for at once when a folder is written out

type Told = (done: number, total: number) => void;

const NEWLINE = 10;
const encoder = new TextEncoder();
const FROM = encoder.encode("From ");

// messagesOf takes an mbox apart: a line "From " after an empty one begins a message, and ">From " stands for "From ".
export function messagesOf(mbox: Uint8Array): Uint8Array[] {
  const starts: number[] = [];
  const begins = (i: number) => FROM.every((c, n) => mbox[i + n] === c);
  for (let i = 0; i >= 0 && i < mbox.length; i = next(mbox, i)) if (begins(i) && (i === 0 || blankBefore(mbox, i))) starts.push(i);
  if (starts.length === 0) return mbox.length ? [mbox] : [];
  return starts.map((at, n) => unquoted(mbox.subarray(next(mbox, at), starts[n + 1] ?? mbox.length)));
}

function next(octets: Uint8Array, from: number): number {
  const at = octets.indexOf(NEWLINE, from);
  return at < 0 ? octets.length : at + 1;
}

function blankBefore(octets: Uint8Array, i: number): boolean {
  const before = octets[i - 2] === 13 ? i - 3 : i - 2;
  return before < 0 || octets[before] === NEWLINE;
}

// unquoted takes the ">" away that was put before lines beginning with "From ".
function unquoted(octets: Uint8Array): Uint8Array {
  const out = new Uint8Array(octets.length);
  let n = 0;
  for (let i = 0; i < octets.length; ) {
    const end = next(octets, i);
    let quotes = 0;
    while (octets[i + quotes] === 0x3e) quotes++;
    const skip = quotes > 0 && FROM.every((c, k) => octets[i + quotes + k] === c) ? 1 : 0;
    out.set(octets.subarray(i + skip, end), n);
    n += end - i - skip;
    i = end;
  }
  return out.slice(0, n);
}

// importFiles puts the messages of files into a folder and gives how many there were.
export async function importFiles(files: File[], box: Id, told: Told): Promise<number> {
  const list: Uint8Array[] = [];
  for (const f of files) {
    const octets = new Uint8Array(await f.arrayBuffer());
    const isMbox = /\.mbo?x$/i.test(f.name) || FROM.every((c, i) => octets[i] === c);
    list.push(...(isMbox ? messagesOf(octets) : [octets]));
  }
  for (let i = 0; i < list.length; i += AT_ONCE) {
    told(i, list.length);
    const emails: Record<Id, { blobId: Id; mailboxIds: Record<Id, true>; keywords: Record<string, true> }> = {};
    for (const [n, octets] of list.slice(i, i + AT_ONCE).entries()) {
      const done = await upload(jmap, new Blob([octets as BlobPart], { type: "message/rfc822" }), () => {}).done;
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

// quoted writes octets with single line feeds, and ">" before lines that would begin a message.
function quoted(octets: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let i = 0; i < octets.length; ) {
    const end = next(octets, i);
    let quotes = 0;
    while (octets[i + quotes] === 0x3e) quotes++;
    if (FROM.every((c, k) => octets[i + quotes + k] === c)) out.push(0x3e);
    for (let k = i; k < end; k++) if (!(octets[k] === 13 && octets[k + 1] === NEWLINE)) out.push(octets[k]!);
    i = end;
  }
  if (out.at(-1) !== NEWLINE) out.push(NEWLINE);
  return Uint8Array.from(out);
}
