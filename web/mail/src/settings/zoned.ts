// Times in the reader's zone, as the browser's fields have them: "2026-12-28T18:00".

const MINUTE = 60_000;

// offset is how far a zone is ahead of UTC at a time, in milliseconds.
function offset(at: number, zone: string | undefined): number {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).formatToParts(at);
  const of = (type: string) => Number(parts.find((p) => p.type === type)?.value);
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute")) - Math.floor(at / MINUTE) * MINUTE;
}

// toField writes a time for a field; "" for none.
export function toField(at: string | null | undefined, zone: string | undefined): string {
  if (!at) return "";
  const time = new Date(at).getTime();
  return new Date(time + offset(time, zone)).toISOString().slice(0, 16);
}

// fromField reads a field: a time in UTC, null for none. The hour that a change of clocks leaves out is the one behind it.
export function fromField(text: string, zone: string | undefined): string | null {
  if (!/^\d{4,6}-\d\d-\d\dT\d\d:\d\d$/.test(text)) return null; // browsers read nearly anything as a date
  const local = Date.parse(`${text}:00Z`);
  const guess = local - offset(local, zone);
  return new Date(local - offset(guess, zone)).toISOString().replace(/\.\d+Z$/, "Z");
}
