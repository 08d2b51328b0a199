// Templates: messages that lie in a folder of their own, to begin others with. Any mail software sees them there.
import { say, t } from "@tegami/kit";
import { refused } from "../jmap/client.ts";
import type { Email, Id } from "../jmap/types.ts";
import { bodyOf } from "../read/body.ts";
import { allMailboxes, createMailbox } from "../state/mailboxes.svelte.ts";
import { mail, openMails } from "../state/mails.svelte.ts";
import { jmap } from "../state/session.svelte.ts";
import type { Draft } from "./draft.svelte.ts";

const names = ["Templates", "テンプレート"]; // as this and other software call the folder
const MOST = 20; // offered

const folder = () => allMailboxes().find((b) => !b.role && names.includes(b.name));

// templates are those there are.
export async function templates(): Promise<Pick<Email, "id" | "subject">[]> {
  const box = folder();
  if (!box) return [];
  const b = jmap.batch();
  const q = b.call("Email/query", { filter: { inMailbox: box.id }, sort: [{ property: "subject" }], limit: MOST });
  const g = b.call("Email/get", { ids: q.ref("/ids"), properties: ["id", "subject"] });
  await b.send();
  return g.result.list;
}

// fromTemplate puts a template's text before what is written, and its subject where there is none.
export async function fromTemplate(d: Draft, id: Id): Promise<void> {
  await openMails([id]);
  const e = mail(id);
  if (!e) return;
  const body = bodyOf(e);
  if (!d.subject.trim()) d.subject = e.subject ?? "";
  if (!d.to.length) d.to = e.to ?? [];
  if (d.format === "html") d.html = (body.html || body.text) + d.html;
  else d.text = body.text + (d.text.trim() ? "\n" : "") + d.text;
  d.touch();
}

// saveTemplate keeps what is written as a template.
export async function saveTemplate(d: Draft): Promise<void> {
  const box = folder()?.id ?? (await createMailbox(t("webmail.box.templates"), null));
  const out = await jmap.one("Email/set", { create: { template: { ...d.email(box), keywords: { $seen: true, $draft: true } } } });
  const e = refused(out.notCreated);
  if (e) throw e;
  say(t("webmail.template.saved"));
}
