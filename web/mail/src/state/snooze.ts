// Snooze: a message leaves the list and comes back, unread, at a time.
import { say, sayLoss, t } from "@tegami/kit";
import { full } from "../labels.ts";
import type { Id } from "../jmap/types.ts";
import { refused } from "../jmap/client.ts";
import { concerned, told, type Scope } from "./acts.ts";
import { jmap } from "./session.svelte.ts";
import { during } from "./sync.svelte.ts";

export interface SnoozeTime {
  label: string; // a key of the catalogue
  at: Date;
  said: string;
}

const MORNING = 8; // o'clock
const EVENING = 18;

// snoozeTimes are those that are offered at a moment.
export function snoozeTimes(now = new Date()): SnoozeTime[] {
  const on = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const monday = (8 - now.getDay()) % 7 || 7;
  const saturday = (6 - now.getDay() + 7) % 7;
  const list: [string, Date][] = [
    ["webmail.snooze.later", new Date(now.getTime() + 3 * 3600_000)],
    ["webmail.snooze.evening", on(0, EVENING)],
    ["webmail.snooze.tomorrow", on(1, MORNING)],
    ["webmail.snooze.weekend", on(saturday, MORNING)],
    ["webmail.snooze.week", on(monday, MORNING)],
  ];
  return list.filter(([, at]) => at.getTime() > now.getTime() + 15 * 60_000).map(([label, at]) => ({ label, at, said: full(at) }));
}

// snooze puts rows away until a time.
export async function snooze(rows: Id[], until: Date, scope: Scope): Promise<void> {
  const ids = await concerned(rows, scope);
  const restore = scope.list?.remove(new Set(rows));
  const at = until.toISOString().replace(/\.\d+Z$/, "Z");
  try {
    const out = await during(jmap.one("Snooze/set", { create: Object.fromEntries(ids.map((id) => [id, { emailId: id, until: at }])) }));
    const e = refused(out.notCreated);
    if (e) throw e;
    const made = Object.values(out.created ?? {}).map((s) => s.id);
    say(t("webmail.done.snoozed", full(until)), async () => {
      restore?.();
      await during(jmap.one("Snooze/set", { destroy: made })).catch((e: unknown) => sayLoss(told(e)));
    });
  } catch (e) {
    restore?.();
    sayLoss(told(e));
  }
}
