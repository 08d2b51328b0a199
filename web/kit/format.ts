// Dates, sizes and numbers as people read them, in the language in use.
import { lang, t } from "./words.svelte.ts";

const made = new Map<string, Intl.DateTimeFormat>();

let zone: string | undefined; // of the reader, "Asia/Tokyo"; undefined is the browser's

// setZone chooses the time zone of all times; undefined is the browser's own.
export function setZone(to: string | undefined): void {
  zone = to || undefined;
  made.clear();
}

// dates makes a formatter once: making one costs more than using it.
export function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = lang() + JSON.stringify(options);
  let found = made.get(key);
  if (!found) made.set(key, (found = new Intl.DateTimeFormat(lang() === "ja" ? "ja-JP" : "en-GB", { timeZone: zone, ...options })));
  return found;
}

// sameDay tells whether two times lie in one day of the reader.
export function sameDay(a: Date, b: Date): boolean {
  const of = dates({ year: "numeric", month: "numeric", day: "numeric" });
  return of.format(a) === of.format(b);
}

type When = string | number | Date | undefined | null;

// known tells whether a time is one: the API writes an unknown one as nothing or as the year 1.
function known(when: When): Date | undefined {
  if (when === undefined || when === null || when === "") return undefined;
  const at = new Date(when);
  return Number.isNaN(at.getTime()) || at.getFullYear() < 1971 ? undefined : at;
}

// day is 2026年11月23日(月) or Mon, 23 Nov 2026.
export function day(when: When): string {
  const at = known(when);
  if (!at) return "–";
  return dates({ year: "numeric", month: lang() === "ja" ? "long" : "short", day: "numeric", weekday: "short" }).format(at);
}

// calendarDay is day for a date without a time (2026-11-23), which has no zone to be moved by.
export function calendarDay(date: string | undefined): string {
  return date ? day(`${date.slice(0, 10)}T00:00:00`) : "–";
}

// moment is a day with hour and minute.
export function moment(when: When): string {
  const at = known(when);
  return at ? `${day(at)}${lang() === "ja" ? " " : ", "}${dates({ hour: "2-digit", minute: "2-digit" }).format(at)}` : "–";
}

// exact is a moment with seconds, for logs and traces.
export function exact(when: When): string {
  const at = known(when);
  if (!at) return "–";
  return dates({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);
}

// brief is what fits into a list: the hour today, the day this year, else the year too.
export function brief(when: When): string {
  const at = known(when);
  if (!at) return "–";
  const now = new Date();
  const hour = dates({ hour: "2-digit", minute: "2-digit" }).format(at);
  if (at.toDateString() === now.toDateString()) return t("panel.time.today", hour);
  if (at.getFullYear() === now.getFullYear()) return `${dates({ month: lang() === "ja" ? "long" : "short", day: "numeric" }).format(at)} ${hour}`;
  return dates({ year: "numeric", month: lang() === "ja" ? "long" : "short", day: "numeric" }).format(at);
}

// briefDay is brief for a day without a time.
export function briefDay(date: string | undefined): string {
  const at = known(date && `${date.slice(0, 10)}T00:00:00`);
  if (!at) return "–";
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return t("panel.time.this_day");
  const month = lang() === "ja" ? "long" : "short";
  return dates(at.getFullYear() === now.getFullYear() ? { month, day: "numeric" } : { year: "numeric", month, day: "numeric" }).format(at);
}

const units: [string, number][] = [
  ["TB", 1024 ** 4],
  ["GB", 1024 ** 3],
  ["MB", 1024 ** 2],
  ["KB", 1024],
];

// size tells octets in binary units: 1 GB is 1024³ octets (SV-4).
export function size(octets: number | undefined): string {
  if (octets === undefined) return "–";
  const [unit, factor] = units.find(([, f]) => octets >= f) ?? ["B", 1];
  const value = octets / factor;
  return `${value.toLocaleString(lang(), { maximumFractionDigits: value < 10 && unit !== "B" ? 1 : 0 })} ${unit}`;
}

// number is a count with separators.
export function number(n: number | undefined): string {
  return n === undefined ? "–" : n.toLocaleString(lang());
}

// share is a part of a whole in percent.
export function share(part: number, whole: number): string {
  return whole > 0 ? `${Math.round((100 * part) / whole).toLocaleString(lang())} %` : "–";
}

// span tells a number of seconds by its largest unit or two.
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t("panel.time.seconds", s);
  if (s < 3600) return t("panel.time.minutes", Math.floor(s / 60));
  if (s < 86_400) return t("panel.time.hours", Math.floor(s / 3600));
  return t("panel.time.days", Math.floor(s / 86_400));
}

// ago is how long a time has passed.
export function ago(when: When): string {
  const at = known(when);
  return at ? span((Date.now() - at.getTime()) / 1000) : "–";
}
