// What a reader does with messages: it stands on the screen at once, is told to the server, and can be taken back. What the server
// refuses goes back to where it was, with the reason.
import { say, sayLoss, t } from "@tegami/kit";
import { Refusal, refused } from "../jmap/client.ts";
import type { Email, Id } from "../jmap/types.ts";
import type { MailList } from "./list.svelte.ts";
import { boxName, byRole, count, createMailbox, mailbox } from "./mailboxes.svelte.ts";
import { boxOf, forget, has, mail, patch, rowProperties, take, threadOf, unread } from "./mails.svelte.ts";
import { jmap } from "./session.svelte.ts";
import { during } from "./sync.svelte.ts";

const AT_ONCE = 250; // messages changed by one request

// Scope is what a list shows: an act on one of its rows concerns the conversation's messages that lie there.
export interface Scope {
  list?: MailList;
  box?: Id; // the folder in sight
  collapse: boolean;
}

// Change is what is to become of one message.
interface Change {
  id: Id;
  keywords?: Record<string, true | null>;
  box?: Id;
}

// told is the reason of a failure for the reader.
export function told(e: unknown): string {
  if (e instanceof Refusal && e.offline) return t("webmail.problem.offline");
  return (e instanceof Refusal && e.detail) || t("webmail.problem.unknown");
}

// concerned gives the messages that an act on rows concerns: of a conversation those in the same folder, or all where the list shows
// none.
export async function concerned(rows: Id[], scope: Scope): Promise<Id[]> {
  if (!scope.collapse) return rows;
  const ids = new Set<Id>();
  for (const id of rows) for (const other of threadOf(mail(id)?.threadId) ?? [id]) ids.add(other);
  const unknown = [...ids].filter((id) => !mail(id));
  for (let i = 0; i < unknown.length; i += AT_ONCE) take((await jmap.one("Email/get", { ids: unknown.slice(i, i + AT_ONCE), properties: rowProperties })).list);
  return [...ids].filter((id) => {
    const e = mail(id);
    return e && (rows.includes(id) || !scope.box || boxOf(e) === scope.box);
  });
}

function applied(e: Email, c: Change): Partial<Email> {
  const change: Partial<Email> = {};
  if (c.keywords) {
    const keywords = { ...e.keywords };
    for (const [name, on] of Object.entries(c.keywords)) on ? (keywords[name] = true) : delete keywords[name];
    change.keywords = keywords;
  }
  if (c.box) change.mailboxIds = { [c.box]: true };
  return change;
}

function tally(e: Email, after: Partial<Email>): void {
  const from = boxOf(e);
  const to = boxOf({ ...e, ...after });
  const was = unread(e) ? 1 : 0;
  const is = unread({ ...e, ...after }) ? 1 : 0;
  if (from !== to) {
    if (from) count(from, -1, -was);
    if (to) count(to, 1, is);
  } else if (from) count(from, 0, is - was);
}

// put applies changes on the screen and gives those that lead back.
function put(changes: Change[]): Change[] {
  const back: Change[] = [];
  for (const c of changes) {
    const e = mail(c.id);
    if (!e) continue;
    back.push({
      id: c.id,
      keywords: c.keywords && Object.fromEntries(Object.keys(c.keywords).map((k) => [k, has(e, k) ? true : null])),
      box: c.box && boxOf(e),
    });
    const after = applied(e, c);
    tally(e, after);
    patch(c.id, after);
  }
  return back;
}

function wired(c: Change): object {
  const out: Record<string, unknown> = {};
  for (const [name, on] of Object.entries(c.keywords ?? {})) out[`keywords/${name}`] = on;
  if (c.box) out.mailboxIds = { [c.box]: true };
  return out;
}

async function write(changes: Change[]): Promise<void> {
  for (let i = 0; i < changes.length; i += AT_ONCE) {
    const part = changes.slice(i, i + AT_ONCE);
    const out = await jmap.one("Email/set", { update: Object.fromEntries(part.map((c) => [c.id, wired(c)])) });
    const e = refused(out.notUpdated);
    if (e) throw e;
  }
}

// perform carries changes out. said is what the bar says, with a way back; without it nothing is said.
async function perform(changes: Change[], said: string | undefined, gone?: { list?: MailList; rows: Id[] }): Promise<boolean> {
  if (changes.length === 0) return true;
  const restore = gone?.list?.remove(new Set(gone.rows));
  const back = put(changes);
  const undo = async (): Promise<void> => {
    put(back);
    restore?.();
    await during(write(back)).catch((e: unknown) => sayLoss(told(e)));
  };
  if (said) say(said, undo);
  try {
    await during(write(changes));
    return true;
  } catch (e) {
    put(back);
    restore?.();
    sayLoss(told(e));
    return false;
  }
}

// mark sets or takes away a keyword.
export async function mark(rows: Id[], keyword: string, on: boolean, scope?: Scope): Promise<void> {
  const ids = scope ? await concerned(rows, scope) : rows;
  await perform(ids.filter((id) => mail(id) && has(mail(id), keyword) !== on).map((id) => ({ id, keywords: { [keyword]: on || null } })), undefined);
}

export const markRead = (rows: Id[], read: boolean, scope?: Scope): Promise<void> => mark(rows, "$seen", read, scope);

// star marks the rows themselves; taking it away takes it from the whole conversation.
export async function star(rows: Id[], on: boolean, scope?: Scope): Promise<void> {
  await mark(on || !scope ? rows : await concerned(rows, { ...scope, box: undefined }), "$flagged", on);
}

// move puts rows into another folder.
export async function move(rows: Id[], to: Id, scope: Scope, said?: string): Promise<boolean> {
  const ids = (await concerned(rows, scope)).filter((id) => boxOf(mail(id)) !== to);
  const box = mailbox(to);
  const leaves = scope.box !== undefined && scope.box !== to;
  return perform(ids.map((id) => ({ id, box: to })), said ?? t("webmail.done.moved", rows.length, box ? boxName(box) : ""), { list: leaves ? scope.list : undefined, rows });
}

// theBox gives the folder of a role, and makes it where the account has none.
async function theBox(role: "archive" | "trash" | "junk" | "inbox", name: string): Promise<Id> {
  return byRole(role)?.id ?? (await createMailbox(name, null));
}

export async function archive(rows: Id[], scope: Scope): Promise<boolean> {
  return move(rows, await theBox("archive", t("webmail.box.archive")), scope, t("webmail.done.archived", rows.length));
}

export async function toInbox(rows: Id[], scope: Scope): Promise<boolean> {
  return move(rows, await theBox("inbox", "INBOX"), scope);
}

// junk tells that mail is unwanted, notJunk that it is wanted after all.
export async function junk(rows: Id[], scope: Scope): Promise<boolean> {
  const to = await theBox("junk", t("webmail.box.junk"));
  const ids = await concerned(rows, scope);
  return perform(ids.map((id) => ({ id, box: to, keywords: { $junk: true, $notjunk: null } })), t("webmail.done.junk", rows.length), { list: scope.list, rows });
}
export async function notJunk(rows: Id[], scope: Scope): Promise<boolean> {
  const to = await theBox("inbox", "INBOX");
  const ids = await concerned(rows, scope);
  return perform(ids.map((id) => ({ id, box: to, keywords: { $junk: null, $notjunk: true } })), t("webmail.done.not_junk", rows.length), { list: scope.list, rows });
}

// inBin tells whether a list shows mail that a deletion would remove for good.
export function inBin(scope: Scope): boolean {
  const role = mailbox(scope.box)?.role;
  return role === "trash" || role === "junk";
}

// trash puts rows into the trash.
export async function trash(rows: Id[], scope: Scope): Promise<boolean> {
  return move(rows, await theBox("trash", t("webmail.box.trash")), scope, t("webmail.done.deleted", rows.length));
}

// destroy removes rows for good. Who calls it has asked.
export async function destroy(rows: Id[], scope: Scope): Promise<boolean> {
  const ids = await concerned(rows, scope);
  const restore = scope.list?.remove(new Set(rows));
  try {
    for (let i = 0; i < ids.length; i += AT_ONCE) {
      const out = await during(jmap.one("Email/set", { destroy: ids.slice(i, i + AT_ONCE) }));
      out.destroyed?.forEach(forget);
      const e = refused(out.notDestroyed);
      if (e) throw e;
    }
    say(t("webmail.done.destroyed", rows.length));
    return true;
  } catch (e) {
    restore?.();
    sayLoss(told(e));
    return false;
  }
}

// emptyBox removes all mail of a folder for good. Who calls it has asked.
export async function emptyBox(box: Id): Promise<void> {
  for (;;) {
    const b = jmap.batch();
    const q = b.call("Email/query", { filter: { inMailbox: box }, limit: AT_ONCE });
    const gone = b.call("Email/set", { destroy: q.ref("/ids") as unknown as Id[] });
    await during(b.send());
    const e = refused(gone.result.notDestroyed);
    if (e) throw e;
    gone.result.destroyed?.forEach(forget);
    if (q.result.ids.length < AT_ONCE) return;
  }
}

// readAll marks everything in a folder as read.
export async function readAll(box: Id): Promise<void> {
  for (;;) {
    const q = await jmap.one("Email/query", { filter: { operator: "AND", conditions: [{ inMailbox: box }, { notKeyword: "$seen" }] }, limit: AT_ONCE });
    if (q.ids.length === 0) return;
    for (const id of q.ids) if (mail(id)) put([{ id, keywords: { $seen: true } }]);
    await during(write(q.ids.map((id) => ({ id, keywords: { $seen: true } }))));
    if (q.ids.length < AT_ONCE) return;
  }
}
