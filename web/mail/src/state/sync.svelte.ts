// What changed on the server comes into the page: messages that are known, folders and their counts, the list in sight.
import { t } from "@tegami/kit";
import { Refusal } from "../jmap/client.ts";
import { Push, type Changed } from "../jmap/push.ts";
import type { Id } from "../jmap/types.ts";
import { dropMail, keptIds } from "../offline/store.ts";
import type { MailList } from "./list.svelte.ts";
import { boxOf, forget, knownIds, mail, mailState, openMails, rowProperties, setMailState, take, takeThreads, threadOf, unread } from "./mails.svelte.ts";
import { byRole, loadMailboxes } from "./mailboxes.svelte.ts";
import { jmap, mySettings, refreshQuota } from "./session.svelte.ts";

const PAUSE = 60; // milliseconds in which changes are gathered
const MOST = 500; // changes taken one by one; with more of them, all is looked at anew
const RECENT = 40; // messages of the inbox that are kept for reading offline

let shown: MailList | undefined;
let acting = 0; // changes of the page that are on their way
let waiting: ReturnType<typeof setTimeout> | undefined;
let running = false;
let again = false;
let other = $state(0); // counts what changed besides mail

// show tells which list is in sight.
export function show(list: MailList | undefined): void {
  shown = list;
}

// changedElsewhere is a number that grows with every change of something that isn't mail (contacts, filters, settings).
export function changedElsewhere(): number {
  return other;
}

// during holds back what comes from the server while a change of the page is on its way, so that nothing flickers.
export async function during<T>(work: Promise<T>): Promise<T> {
  acting++;
  try {
    return await work;
  } finally {
    acting--;
    if (acting === 0) soon();
  }
}

const listeners = new Set<() => void>();

// onSubmissions calls somebody when what waits to be sent changed.
export function onSubmissions(act: () => void): void {
  listeners.add(act);
}

// startSync begins to listen.
export function startSync(): void {
  new Push(jmap, changed).start();
  setTimeout(() => void keepRecent(), 3000);
}

function changed(account: Id, states: Changed | undefined): void {
  if (account === jmap.own && states?.EmailSubmission) listeners.forEach((l) => l());
  if (account !== jmap.account) return;
  const types = Object.keys(states ?? {});
  const isMail = (type: string) => ["Email", "Mailbox", "Thread", "EmailDelivery", "Quota"].includes(type);
  if (!states || types.some((type) => !isMail(type))) other++;
  if (!states || types.some(isMail)) soon();
}

function soon(): void {
  clearTimeout(waiting);
  waiting = setTimeout(() => void run(), PAUSE);
}

async function run(): Promise<void> {
  if (acting > 0) return; // whoever acts calls again
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    do {
      again = false;
      await Promise.all([mailChanges(), loadMailboxes(), refreshQuota()]);
      shown?.refresh();
    } while (again);
  } catch (e) {
    if (!(e instanceof Refusal && e.offline)) console.warn("sync", e);
  } finally {
    running = false;
  }
}

// refreshAll looks at everything anew.
export function refreshAll(): void {
  soon();
}

async function mailChanges(): Promise<void> {
  const since = mailState();
  if (!since) return;
  const b = jmap.batch();
  const c = b.call("Email/changes", { sinceState: since, maxChanges: MOST });
  const made = b.call("Email/get", { ids: c.ref("/created"), properties: rowProperties });
  await b.send();
  const out = c.or(undefined);
  if (!out || out.hasMoreChanges) {
    await lookAgain();
    return;
  }
  for (const id of out.destroyed) {
    forget(id);
    void dropMail(id);
  }
  const created = made.or(undefined)?.list ?? [];
  take(created);
  for (const e of created) {
    const thread = threadOf(e.threadId);
    if (thread && !thread.includes(e.id)) takeThreads([{ id: e.threadId, emailIds: [...thread, e.id] }]);
  }
  const known = out.updated.filter((id) => mail(id));
  if (known.length) take((await jmap.one("Email/get", { ids: known, properties: ["id", "mailboxIds", "keywords", "threadId"] })).list);
  setMailState(out.newState);
  announce(created.filter((e) => unread(e) && boxOf(e) === byRole("inbox")?.id).map((e) => e.id));
}

// lookAgain fetches what is known of messages anew, when too much has changed.
async function lookAgain(): Promise<void> {
  const ids = knownIds().slice(-MOST);
  const out = await jmap.one("Email/get", { ids, properties: ["id", "mailboxIds", "keywords", "threadId"] });
  take(out.list);
  out.notFound.forEach(forget);
  setMailState(out.state);
}

// announce tells of new mail in the inbox, where the reader allowed that.
function announce(ids: Id[]): void {
  if (ids.length === 0 || !mySettings().notifications || !("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return;
  const first = mail(ids[0]);
  const who = first?.from?.[0]?.name || first?.from?.[0]?.email || "";
  const note = new Notification(ids.length > 1 ? t("webmail.notify.many", ids.length) : who, { body: ids.length > 1 ? who : (first?.subject ?? ""), tag: "tegami-mail", icon: "/mail/icon.svg" });
  note.onclick = () => {
    focus();
    if (ids.length === 1) location.assign(`/mail/inbox?open=${ids[0]}`);
    note.close();
  };
}

// keepRecent fetches the newest messages of the inbox, so that they can be read without a network.
async function keepRecent(): Promise<void> {
  const inbox = byRole("inbox");
  if (!inbox) return;
  try {
    const q = await jmap.one("Email/query", { filter: { inMailbox: inbox.id }, sort: [{ property: "receivedAt", isAscending: false }], limit: RECENT });
    const kept = await keptIds();
    await openMails(q.ids.filter((id) => !kept.has(id)));
  } catch {
    // it is tried again when the page is opened the next time
  }
}
