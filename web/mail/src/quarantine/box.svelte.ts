// The reader's quarantine: how much of it is new, a page of it, and what can be done with what lies there.
import { refused } from "../jmap/client.ts";
import type { Id } from "../jmap/types.ts";
import { jmap } from "../state/session.svelte.ts";
import { FILTER, type Quarantined } from "./types.ts";

export const PAGE = 20; // messages a page

const SEEN = "tegami.quarantine.seen"; // the time the newest one came that was seen, in this browser
const rowProperties = ["id", "receivedAt", "expiresAt", "from", "envelopeFrom", "recipient", "subject", "size", "percent", "rule", "notSpam"];
const fullProperties = [...rowProperties, "messageId", "reasons", "to", "cc", "textBody", "htmlBody", "links", "attachments", "isTruncated"];

// sorts are the orders of the list, by their name in the address.
export const sorts: Record<string, { label: string; property: string; isAscending: boolean }> = {
  "": { label: "webmail.sort.newest", property: "receivedAt", isAscending: false },
  oldest: { label: "webmail.sort.oldest", property: "receivedAt", isAscending: true },
  from: { label: "webmail.sort.from", property: "from", isAscending: true },
  subject: { label: "webmail.sort.subject", property: "subject", isAscending: true },
  percent: { label: "webmail.quarantine.sort.percent", property: "percent", isAscending: false },
  size: { label: "webmail.sort.size", property: "size", isAscending: false },
};

let fresh = $state(0);

// hasQuarantine tells whether the server keeps unwanted mail apart.
export const hasQuarantine = (): boolean => jmap.can(FILTER);

// freshCount is how many messages came since the reader last looked.
export function freshCount(): number {
  return fresh;
}

// countFresh asks how many those are.
export async function countFresh(): Promise<void> {
  if (!hasQuarantine()) return;
  const seen = localStorage.getItem(SEEN);
  const out = await jmap.one("QuarantinedEmail/query", { filter: seen ? { after: seen } : {}, limit: 1, calculateTotal: true });
  fresh = out.total ?? out.ids.length;
}

// sawAll: the reader looks at the list, the newest first.
function sawAll(newest: string): void {
  const after = new Date(new Date(newest).getTime() + 1000).toISOString().replace(/\.\d+Z$/, "Z");
  if (after > (localStorage.getItem(SEEN) ?? "")) localStorage.setItem(SEEN, after);
  fresh = 0;
}

export interface Listed {
  items: Quarantined[];
  total: number;
}

// listed gives a page of the list; pages count from 1.
export async function listed(text: string, sort: string, page: number): Promise<Listed> {
  const { property, isAscending } = sorts[sort] ?? sorts[""]!;
  const b = jmap.batch();
  const q = b.call("QuarantinedEmail/query", { filter: text ? { text } : {}, sort: [{ property, isAscending }], position: (page - 1) * PAGE, limit: PAGE, calculateTotal: true });
  const g = b.call("QuarantinedEmail/get", { ids: q.ref("/ids"), properties: rowProperties });
  await b.send();
  const byId = new Map(g.result.list.map((m) => [m.id, m]));
  const items = q.result.ids.map((id) => byId.get(id)).filter((m) => m !== undefined);
  if (!text && page === 1 && !sort) sawAll(items[0]?.receivedAt ?? new Date(0).toISOString());
  return { items, total: q.result.total ?? items.length };
}

// letter gives one message as it may be shown; undefined where it is gone.
export async function letter(id: Id): Promise<Quarantined | undefined> {
  return (await jmap.one("QuarantinedEmail/get", { ids: [id], properties: fullProperties })).list[0];
}

export type Deed = "release" | "allow" | "not_spam" | "delete";

const changes: Record<Exclude<Deed, "delete">, Record<string, unknown>> = { release: { release: true }, allow: { release: "allow" }, not_spam: { notSpam: true } };

// act does something with messages. It throws the first refusal; what was done is done.
export async function act(deed: Deed, ids: Id[]): Promise<void> {
  const how = deed === "delete" ? { destroy: ids } : { update: Object.fromEntries(ids.map((id) => [id, changes[deed]])) };
  const out = await jmap.one("QuarantinedEmail/set", how);
  const e = refused(out.notUpdated, out.notDestroyed);
  if (e) throw e;
}
