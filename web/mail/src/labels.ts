// How things of mail are written: who, when.
import { dates, day, lang, sameDay, t } from "@tegami/kit";
import type { Address, Email } from "./jmap/types.ts";
import { isMe } from "./state/session.svelte.ts";

// short is what stands in a row: the hour today, the day this year, else the year too.
export function short(when: string): string {
  const at = new Date(when);
  const now = new Date();
  if (sameDay(at, now)) return dates({ hour: "2-digit", minute: "2-digit" }).format(at);
  if (sameDay(at, new Date(now.getTime() - 86_400_000))) return t("webmail.time.yesterday");
  const month = lang() === "ja" ? "numeric" : "short";
  if (at.getFullYear() === now.getFullYear()) return dates({ month, day: "numeric" }).format(at);
  return dates(lang() === "ja" ? { year: "numeric", month: "2-digit", day: "2-digit" } : { year: "numeric", month, day: "numeric" }).format(at);
}

// full is a day with hour and minute, and the weekday.
export function full(when: string | Date): string {
  const at = new Date(when);
  return `${day(at)}${lang() === "ja" ? " " : ", "}${dates({ hour: "2-digit", minute: "2-digit" }).format(at)}`;
}

// clock is an hour and a minute.
export function clock(when: string | Date): string {
  return dates({ hour: "2-digit", minute: "2-digit" }).format(new Date(when));
}

// nameOf is what somebody is called: the reader himself "me".
export function nameOf(a: Address | undefined | null): string {
  if (!a) return t("webmail.nobody");
  return isMe(a.email) ? t("webmail.me") : a.name?.trim() || a.email;
}

// briefName is a name as it stands in a row of several: the first word of a Latin one.
function briefName(a: Address): string {
  const name = nameOf(a);
  return /^[\p{sc=Latin}\s.'-]+$/u.test(name) ? (name.split(/\s+/)[0] ?? name) : name;
}

// written is a name with its address.
export function written(a: Address): string {
  return a.name ? `${a.name} <${a.email}>` : a.email;
}

// people are those a row is about: who wrote, or, of what one sent, to whom.
export function people(thread: Email[], sent: boolean): string {
  const last = thread.at(-1);
  if (!last) return "";
  if (sent || thread.every((e) => isMe(e.from?.[0]?.email))) {
    const to = [...(last.to ?? []), ...(last.cc ?? [])];
    return to.length ? t("webmail.to_whom", to.map(nameOf).slice(0, 3).join(t("webmail.comma"))) : t("webmail.no_recipients");
  }
  const froms = new Map<string, Address>();
  for (const e of thread) for (const a of e.from ?? []) froms.set(a.email.toLowerCase(), a);
  const list = [...froms.values()];
  if (list.length <= 1) return nameOf(list[0]);
  return (list.length > 3 ? [list[0]!, ...list.slice(-2)] : list).map(briefName).join(t("webmail.comma"));
}

// initial is the letter that stands for somebody.
export function initial(a: Address | undefined | null): string {
  return [...(a?.name || a?.email || "?").trim().replace(/^["'(（「]/, "")][0]?.toUpperCase() ?? "?";
}

export const subjectOf = (e: Email | undefined): string => e?.subject?.trim() || t("webmail.no_subject");
