// The messages the page knows, by id: rows of lists, and those that were opened. Whoever shows one sees it change.
import { SvelteMap } from "svelte/reactivity";
import { Refusal } from "../jmap/client.ts";
import { OUR_MAIL, type Email, type GetOut, type Id } from "../jmap/types.ts";
import { keepMails, keptMail } from "../offline/store.ts";
import { jmap } from "./session.svelte.ts";

const mails = new SvelteMap<Id, Email>();
const threads = new SvelteMap<Id, Id[]>();
const MOST = 6000; // messages known at once

let stateOf = ""; // the newest state that was told

// rowProperties is what a row of a list shows.
export const rowProperties = ["id", "blobId", "threadId", "mailboxIds", "keywords", "from", "to", "subject", "receivedAt", "size", "hasAttachment", "preview"];

const fullProperties = [
  ...rowProperties, "sentAt", "cc", "bcc", "replyTo", "sender", "messageId", "inReplyTo", "references", "textBody", "htmlBody", "attachments", "bodyValues",
  "header:Disposition-Notification-To:asAddresses", "header:X-Priority:asText",
];
const ourProperties = ["tegami:senderMarks", "tegami:listUnsubscribe"];
const partProperties = ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid"];
const BODY = 1024 * 1024; // octets of text that are shown of a part

export function mail(id: Id | undefined): Email | undefined {
  return id === undefined ? undefined : mails.get(id);
}

// threadOf gives the ids of a conversation, the oldest first; undefined while they aren't known.
export function threadOf(id: Id | undefined): Id[] | undefined {
  return id === undefined ? undefined : threads.get(id);
}

export function takeThreads(list: { id: Id; emailIds: Id[] }[]): void {
  for (const th of list) threads.set(th.id, th.emailIds);
}

// take keeps what was fetched: what was known before of a message and isn't told now stays.
export function take(list: Email[]): void {
  for (const e of list) {
    const before = mails.get(e.id);
    mails.set(e.id, before ? { ...before, ...e } : e);
  }
}

// patch changes a message before the server says so.
export function patch(id: Id, change: Partial<Email>): void {
  const e = mails.get(id);
  if (e) mails.set(id, { ...e, ...change });
}

export function forget(id: Id): void {
  const e = mails.get(id);
  mails.delete(id);
  const thread = e && threads.get(e.threadId);
  if (e && thread) threads.set(e.threadId, thread.filter((i) => i !== id));
}

export function knownIds(): Id[] {
  return [...mails.keys()];
}

// trim forgets the oldest that nobody shows.
export function trim(shown: Set<Id>): void {
  let over = mails.size - MOST;
  for (const id of mails.keys()) {
    if (over <= 0) return;
    if (shown.has(id)) continue;
    mails.delete(id);
    over--;
  }
}

export function mailState(): string {
  return stateOf;
}
export function setMailState(state: string): void {
  stateOf = state;
}

const isFull = (e: Email | undefined) => e?.bodyValues !== undefined;

export function isOpened(id: Id): boolean {
  return isFull(mails.get(id));
}

let marked = true; // the server knows what ourProperties names

function bodyArgs() {
  const ours = jmap.can(OUR_MAIL);
  return {
    properties: ours && marked ? [...fullProperties, ...ourProperties] : fullProperties,
    bodyProperties: partProperties, fetchTextBodyValues: true, fetchHTMLBodyValues: true, maxBodyValueBytes: BODY,
    ...(ours ? { sanitizeHTMLBodyValues: true } : {}),
  };
}

const coming = new Map<Id, Promise<void>>(); // bodies that were asked for

// openMails fetches the bodies of messages that don't have theirs yet. What is on its way already is waited for.
export async function openMails(ids: Id[]): Promise<void> {
  const missing = ids.filter((id) => !isFull(mails.get(id)));
  const wanted = missing.filter((id) => !coming.has(id));
  if (wanted.length) {
    const way = fetchBodies(wanted).finally(() => wanted.forEach((id) => coming.delete(id)));
    wanted.forEach((id) => coming.set(id, way));
  }
  await Promise.all(new Set(missing.map((id) => coming.get(id))));
}

async function fetchBodies(wanted: Id[]): Promise<void> {
  try {
    const out = await bodies(wanted);
    take(out.list);
    for (const id of out.notFound) forget(id);
    void keepMails(out.list);
  } catch (e) {
    const kept = (await Promise.all(wanted.map(keptMail))).filter((m) => m !== undefined);
    if (kept.length < wanted.length) throw e;
    take(kept);
  }
}

// bodies asks for messages with their bodies; without what is ours where the server doesn't tell that.
async function bodies(ids: Id[]): Promise<GetOut<Email>> {
  try {
    return await jmap.one("Email/get", { ids, ...bodyArgs() });
  } catch (e) {
    if (!marked || !(e instanceof Refusal) || e.type !== "invalidArguments") throw e;
    marked = false;
    return jmap.one("Email/get", { ids, ...bodyArgs() });
  }
}

// showPictures fetches a body again with its pictures from elsewhere.
export async function showPictures(id: Id): Promise<void> {
  take((await jmap.one("Email/get", { ids: [id], ...bodyArgs(), remotePictures: true })).list);
}

// openThread fetches a conversation: who is in it, and of its messages what a row shows.
export async function openThread(emailId: Id): Promise<void> {
  const b = jmap.batch();
  const g = b.call("Email/get", { ids: [emailId], properties: rowProperties });
  const th = b.call("Thread/get", { ids: g.ref("/list/*/threadId") });
  const all = b.call("Email/get", { ids: th.ref("/list/*/emailIds"), properties: rowProperties });
  await b.send();
  takeThreads(th.result.list);
  take(all.result.list);
}

export const has = (e: Email | undefined, keyword: string): boolean => e?.keywords[keyword] === true;
export const unread = (e: Email | undefined): boolean => e !== undefined && !has(e, "$seen") && !has(e, "$draft");
export const starred = (e: Email | undefined): boolean => has(e, "$flagged");
export const isDraft = (e: Email | undefined): boolean => has(e, "$draft");
export const boxOf = (e: Email | undefined): Id | undefined => (e ? Object.keys(e.mailboxIds)[0] : undefined);
