// What waits to be sent at its time. It lies among what was sent, and can be taken back until then.
import { hush } from "@tegami/kit";
import { compose } from "../compose/start.svelte.ts";
import { refused } from "../jmap/client.ts";
import { SUBMISSION, type Email, type EmailSubmission, type Id } from "../jmap/types.ts";
import { patch, rowProperties, take } from "./mails.svelte.ts";
import { ownBox } from "./own.ts";
import { jmap } from "./session.svelte.ts";
import { during } from "./sync.svelte.ts";

const MOST = 100; // shown
const SOON = 60_000; // milliseconds: what goes out sooner is only held for being undone

export interface Pending {
  submission: EmailSubmission;
  email: Email;
}

let list = $state.raw<Pending[]>([]);
let timer: ReturnType<typeof setTimeout> | undefined;

// pending are the messages that wait, the next one first.
export function pending(): Pending[] {
  return list;
}

// pendingOf is what waits of a message.
export function pendingOf(email: Id): EmailSubmission | undefined {
  return list.find((p) => p.email.id === email)?.submission;
}

// loadPending asks the server what waits.
export async function loadPending(): Promise<void> {
  if (!jmap.can(SUBMISSION)) return;
  const b = jmap.batch();
  const q = b.call("EmailSubmission/query", { filter: { undoStatus: "pending" }, sort: [{ property: "sentAt", isAscending: true }], limit: MOST });
  const s = b.call("EmailSubmission/get", { ids: q.ref("/ids") });
  const e = b.call("Email/get", { ids: s.ref("/list/*/emailId"), properties: rowProperties }, jmap.own);
  await b.send();
  const emails = new Map(e.result.list.map((m) => [m.id, m]));
  if (jmap.account === jmap.own) take(e.result.list);
  list = s.result.list
    .filter((x) => x.undoStatus === "pending" && new Date(x.sendAt).getTime() - Date.now() > SOON && emails.has(x.emailId))
    .map((submission) => ({ submission, email: emails.get(submission.emailId)! }))
    .sort((a, b) => a.submission.sendAt.localeCompare(b.submission.sendAt));
  clearTimeout(timer);
  const next = list[0];
  if (next) timer = setTimeout(() => void loadPending().catch(() => undefined), Math.min(2 ** 31 - 1, new Date(next.submission.sendAt).getTime() - Date.now() + 1000));
}

// takeBack keeps a message from being sent and opens it to be changed.
export async function takeBack(s: EmailSubmission): Promise<void> {
  const out = await during(jmap.one("EmailSubmission/set", { update: { [s.id]: { undoStatus: "canceled" } } }));
  const e = refused(out.notUpdated);
  if (e) throw e;
  list = list.filter((p) => p.submission.id !== s.id);
  hush();
  const drafts = await ownBox("drafts");
  const change = { mailboxIds: { [drafts]: true as const }, "keywords/$draft": true };
  const moved = await during(jmap.one("Email/set", { update: { [s.emailId]: change } }, undefined, jmap.own));
  const no = refused(moved.notUpdated);
  if (no) throw no;
  patch(s.emailId, { mailboxIds: { [drafts]: true } });
  compose({ kind: "draft", id: s.emailId });
}
