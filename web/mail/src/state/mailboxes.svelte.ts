// The folders: a tree by parent, those with a role first, each with its counts.
import { lang, t } from "@tegami/kit";
import { SvelteMap } from "svelte/reactivity";
import { Refusal } from "../jmap/client.ts";
import type { Id, Mailbox, Role } from "../jmap/types.ts";
import { recall, remember } from "../offline/store.ts";
import { jmap } from "./session.svelte.ts";

const boxes = new SvelteMap<Id, Mailbox>();
const KEPT = "mailboxes";
const SEPARATOR = " / ";

// roles are the folders every account has, in the order they are shown.
export const roles: Role[] = ["inbox", "drafts", "sent", "scheduled", "snoozed", "archive", "junk", "trash"];

const names: Record<Role, string> = {
  inbox: "webmail.box.inbox",
  drafts: "webmail.box.drafts",
  sent: "webmail.box.sent",
  scheduled: "webmail.box.scheduled",
  snoozed: "webmail.box.snoozed",
  archive: "webmail.box.archive",
  junk: "webmail.box.junk",
  trash: "webmail.box.trash",
};

// Node is a folder in its tree.
export interface Node {
  box: Mailbox;
  depth: number;
  children: Node[];
}

export function mailbox(id: Id | undefined): Mailbox | undefined {
  return id === undefined ? undefined : boxes.get(id);
}

export function byRole(role: Role): Mailbox | undefined {
  for (const b of boxes.values()) if (b.role === role) return b;
  return undefined;
}

export function allMailboxes(): Mailbox[] {
  return [...boxes.values()];
}

// boxName is what a folder is called: those with a role in the reader's language.
export function boxName(b: Mailbox): string {
  return b.role ? t(names[b.role]) : b.name;
}

// boxPath is the name with those above it.
export function boxPath(b: Mailbox): string {
  const parent = mailbox(b.parentId ?? undefined);
  return parent && parent.role !== "inbox" ? boxPath(parent) + SEPARATOR + boxName(b) : boxName(b);
}

function rank(b: Mailbox): number {
  return b.role ? roles.indexOf(b.role) : roles.length;
}

function under(parent: Id | null, depth: number): Node[] {
  return [...boxes.values()]
    .filter((b) => (b.parentId ?? null) === parent && (parent !== null || depth === 0))
    .sort((a, b) => rank(a) - rank(b) || a.sortOrder - b.sortOrder || a.name.localeCompare(b.name, lang()))
    .map((box) => ({ box, depth, children: depth < 16 ? under(box.id, depth + 1) : [] }));
}

// tree is all folders.
export function tree(): Node[] {
  return under(null, 0);
}

// flat lists a tree line by line, without what lies below those that are closed.
export function flat(nodes: Node[], closed: Set<Id> = new Set()): Node[] {
  return nodes.flatMap((n) => [n, ...(closed.has(n.box.id) ? [] : flat(n.children, closed))]);
}

// recallMailboxes shows those that were known last, until the server says more.
export async function recallMailboxes(): Promise<void> {
  for (const b of (await recall<Mailbox[]>(KEPT)) ?? []) if (!boxes.has(b.id)) boxes.set(b.id, b);
}

// loadMailboxes fetches them all; without a network those that were known last.
export async function loadMailboxes(): Promise<void> {
  let list: Mailbox[];
  try {
    list = (await jmap.one("Mailbox/get", { ids: null })).list;
    void remember(KEPT, list);
  } catch (e) {
    const kept = await recall<Mailbox[]>(KEPT);
    if (!kept) throw e;
    list = kept;
  }
  const now = new Set(list.map((b) => b.id));
  for (const id of boxes.keys()) if (!now.has(id)) boxes.delete(id);
  for (const b of list) boxes.set(b.id, b);
}

// count changes what a folder counts before the server says so.
export function count(id: Id, total: number, unread: number): void {
  const b = boxes.get(id);
  if (b) boxes.set(id, { ...b, totalEmails: b.totalEmails + total, unreadEmails: Math.max(0, b.unreadEmails + unread), unreadThreads: Math.max(0, b.unreadThreads + unread) });
}

// badge is the number that stands beside a folder: what is unread, or, of drafts and what waits to be sent, all.
export function badge(b: Mailbox): number {
  if (b.role === "drafts" || b.role === "scheduled") return b.totalEmails;
  if (b.role === "sent" || b.role === "trash" || b.role === "snoozed") return 0;
  return b.unreadEmails;
}

// createMailbox makes a folder and gives its id.
export async function createMailbox(name: string, parentId: Id | null): Promise<Id> {
  const out = await jmap.one("Mailbox/set", { create: { new: { name, parentId } } });
  const made = out.created?.new;
  if (!made) throw refusal(out.notCreated?.new);
  await loadMailboxes();
  return made.id;
}

export async function changeMailbox(id: Id, change: Partial<Pick<Mailbox, "name" | "parentId" | "isSubscribed" | "sortOrder">>): Promise<void> {
  const out = await jmap.one("Mailbox/set", { update: { [id]: change } });
  if (out.notUpdated?.[id]) throw refusal(out.notUpdated[id]);
  await loadMailboxes();
}

// destroyMailbox removes a folder with all mail in it.
export async function destroyMailbox(id: Id): Promise<void> {
  const out = await jmap.one("Mailbox/set", { destroy: [id], onDestroyRemoveEmails: true } as object);
  if (out.notDestroyed?.[id]) throw refusal(out.notDestroyed[id]);
  await loadMailboxes();
}

function refusal(e: { type: string; description?: string | null } | undefined): Refusal {
  return new Refusal(e?.type ?? "", e?.description ?? "");
}
