// What is written lies in the writer's own folders, also while those of a colleague are shown.
import { t } from "@tegami/kit";
import { refused } from "../jmap/client.ts";
import type { Id } from "../jmap/types.ts";
import { byRole, createMailbox } from "./mailboxes.svelte.ts";
import { jmap } from "./session.svelte.ts";

type Kept = "drafts" | "sent";

const names: Record<Kept, string> = { drafts: "webmail.box.drafts", sent: "webmail.box.sent" };

let found: Promise<Map<string, Id>> | undefined;

async function fetched(): Promise<Map<string, Id>> {
  const { list } = await jmap.one("Mailbox/get", { ids: null, properties: ["id", "role"] }, undefined, jmap.own);
  return new Map(list.filter((b) => b.role).map((b) => [b.role!, b.id]));
}

async function ownBoxIf(role: Kept): Promise<Id | undefined> {
  if (jmap.account === jmap.own) return byRole(role)?.id;
  return (await (found ??= fetched())).get(role);
}

// ownBox gives one's own folder of a role, and makes it where there is none.
export async function ownBox(role: Kept): Promise<Id> {
  const there = await ownBoxIf(role);
  if (there) return there;
  if (jmap.account === jmap.own) return createMailbox(t(names[role]), null);
  const out = await jmap.one("Mailbox/set", { create: { box: { name: t(names[role]), parentId: null } } }, undefined, jmap.own);
  const e = refused(out.notCreated);
  if (e) throw e;
  found = undefined;
  return out.created!.box!.id;
}
