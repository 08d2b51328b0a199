// A message goes out: made and submitted in one request, held for the seconds in which it can be taken back (RFC 8621 §7).
import { say, sayLoss, t } from "@tegami/kit";
import { Refusal, refused } from "../jmap/client.ts";
import type { Id } from "../jmap/types.ts";
import { full } from "../labels.ts";
import { told } from "../state/acts.ts";
import { forget, mail, patch } from "../state/mails.svelte.ts";
import { loadPending } from "../state/pending.svelte.ts";
import { ownBox } from "../state/own.ts";
import { company, isOutside, jmap, mySettings } from "../state/session.svelte.ts";
import { during } from "../state/sync.svelte.ts";
import { spread } from "./address.ts";
import type { Draft } from "./draft.svelte.ts";
import { put } from "./windows.svelte.ts";

const UNDO = 5; // seconds, where the reader chose none

// Question is something that is asked before a message goes out.
export interface Question {
  kind: "outside" | "attachment" | "subject" | "many";
  text: string;
}

const attachedWords = /添付|同封|attach|enclos/i;
const MANY = 20; // recipients who see each other

// questions are those that a draft raises.
export function questions(d: Draft): Question[] {
  const list: Question[] = [];
  const wanted = company().confirmOutside || mySettings().confirmOutside;
  if (wanted && d.recipients.some((a) => isOutside(a.email))) list.push({ kind: "outside", text: t("webmail.confirm.outside") });
  if (!d.subject.trim()) list.push({ kind: "subject", text: t("webmail.confirm.subject") });
  if (!d.files.length && attachedWords.test(d.subject + "\n" + d.written)) list.push({ kind: "attachment", text: t("webmail.confirm.attachment") });
  const seen = spread([...d.to, ...d.cc]);
  if (seen.length >= MANY && seen.some((a) => isOutside(a.email))) list.push({ kind: "many", text: t("webmail.confirm.many", seen.length) });
  return list;
}

// obstacle is why a draft can't go out as it is; "" where it can.
export function obstacle(d: Draft): string {
  if (d.wrong.length) return t("webmail.compose.wrong_address", d.wrong[0]!.email);
  if (!d.recipients.length) return t("webmail.compose.no_recipients");
  if (d.recipients.length > d.most) return t("webmail.compose.too_many", d.recipients.length, d.most);
  if (d.files.some((f) => f.error)) return t("webmail.compose.failed_files");
  if (d.size > d.limit) return t("webmail.compose.over_limit");
  return "";
}

// byDomain groups recipients outside by their domains.
export function byDomain(d: Draft): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const a of d.recipients) {
    if (!isOutside(a.email)) continue;
    const domain = a.email.slice(a.email.lastIndexOf("@") + 1).toLowerCase();
    groups.set(domain, [...(groups.get(domain) ?? []), a.name ? `${a.name} <${a.email}>` : a.email]);
  }
  return [...groups].sort(([a], [b]) => a.localeCompare(b));
}

// sendDraft sends, later where a time is given. The window is gone by then; it comes back when the server refuses, or when the writer
// takes it back.
export async function sendDraft(d: Draft, later?: Date): Promise<void> {
  d.sending = true;
  await d.settled();
  const drafts = await ownBox("drafts");
  const sent = await ownBox("sent");
  const b = jmap.batch();
  const made = b.call("Email/set", { create: { mail: d.email(drafts) } }, jmap.own);
  const submitted = b.call("EmailSubmission/set", {
    create: { out: { identityId: d.identity?.id, emailId: "#mail", envelope: envelope(d, later) } },
    onSuccessUpdateEmail: { "#out": { mailboxIds: { [sent]: true }, "keywords/$draft": null } },
  });
  try {
    await during(b.send());
    const e = refused(made.result.notCreated);
    if (e) throw e;
  } catch (e) {
    return back(d, undefined, e);
  }
  const id = made.result.created!.mail!.id;
  let out: Id;
  try {
    const e = refused(submitted.result.notCreated);
    if (e) throw e;
    out = submitted.result.created!.out!.id;
  } catch (e) {
    return back(d, id, e);
  }
  after(d);
  const before = d.saved;
  if (before) {
    forget(before);
    await during(jmap.one("Email/set", { destroy: [before] }, undefined, jmap.own)).catch(() => undefined); // it stays among the drafts: nothing is lost
  }
  d.end();
  if (later) void loadPending().catch(() => undefined);
  const said = later ? t("webmail.compose.scheduled", full(later)) : t("webmail.compose.sent");
  say(said, later || undoSeconds() ? () => takeBack(d, id, out, drafts) : undefined);
}

// undoSeconds is for how long a message can be taken back.
export function undoSeconds(): number {
  return mySettings().undoSeconds ?? UNDO;
}

function envelope(d: Draft, later: Date | undefined): object {
  const hold = later ? { HOLDUNTIL: later.toISOString().replace(/\.\d+Z$/, "Z") } : undoSeconds() ? { HOLDFOR: String(undoSeconds()) } : undefined;
  return { mailFrom: { email: d.identity?.email, parameters: hold ?? null }, rcptTo: d.recipients.map((a) => ({ email: a.email, parameters: null })) };
}

// after marks what was answered or passed on, or takes the mark away.
function after(d: Draft, on = true): void {
  const source = d.source;
  if (!source) return;
  const e = mail(source.id);
  if (e) {
    const { [source.keyword]: _, ...others } = e.keywords;
    patch(source.id, { keywords: on ? { ...others, [source.keyword]: true } : others });
  }
  void during(jmap.one("Email/set", { update: { [source.id]: { [`keywords/${source.keyword}`]: on || null } } })).catch(() => undefined); // a mark, no more
}

// back opens the window again with the reason. made is the message that stands among the drafts already.
function back(d: Draft, made: Id | undefined, e: unknown): void {
  const before = d.saved;
  d.revive(made ?? d.saved ?? "");
  if (!d.saved) d.saved = undefined;
  if (made && before) void during(jmap.one("Email/set", { destroy: [before] }, undefined, jmap.own)).catch(() => undefined);
  d.touch();
  put(d);
  sayLoss(e instanceof Refusal && e.offline ? t("webmail.compose.offline") : told(e));
}

async function takeBack(d: Draft, id: Id, out: Id, drafts: Id): Promise<void> {
  const b = jmap.batch();
  const cancelled = b.call("EmailSubmission/set", { update: { [out]: { undoStatus: "canceled" } } });
  await during(b.send());
  let e: unknown;
  try {
    e = refused(cancelled.result.notUpdated);
  } catch (x) {
    e = x;
  }
  if (e) return sayLoss(e instanceof Refusal && e.type === "cannotUnsend" ? t("webmail.compose.too_late") : told(e));
  await during(jmap.one("Email/set", { update: { [id]: { mailboxIds: { [drafts]: true }, "keywords/$draft": true } } }, undefined, jmap.own)).catch((x: unknown) => sayLoss(told(x)));
  d.revive(id);
  put(d);
  after(d, false);
  void loadPending().catch(() => undefined);
  say(t("webmail.compose.taken_back"));
}
