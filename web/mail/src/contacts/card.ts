// A card as people read and write it. What a form doesn't show of a card stays as it was.
import { lang } from "@tegami/kit";
import type { Address, Id } from "../jmap/types.ts";
import type { Card, CardDate, Name, NamePart, Several } from "./types.ts";

const eastAsian = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/u;

// values lists a member of all objects of a property: what is preferred first, then in the order of their ids.
function values<T extends object>(of: Several<T> | undefined, member: keyof T): string[] {
  return sorted(of).map(([, o]) => String(o[member] ?? "").trim()).filter(Boolean);
}

// sorted are the objects of a property in their order.
export function sorted<T extends object>(of: Several<T> | undefined): [string, T & { [other: string]: unknown }][] {
  const pref = (o: object) => ("pref" in o && typeof o.pref === "number" ? o.pref : 101);
  return Object.entries(of ?? {}).sort(([a, x], [b, y]) => pref(x) - pref(y) || a.localeCompare(b, "en", { numeric: true }));
}

const part = (n: Name | undefined, kind: string): NamePart | undefined => n?.components?.find((c) => c.kind === kind);

// nameOfCard is what somebody is called: his full name, its parts, else his company, a nickname or an address.
export function nameOfCard(c: Card): string {
  const full = c.name?.full?.trim();
  if (full) return full;
  const surname = part(c.name, "surname")?.value ?? "";
  const given = part(c.name, "given")?.value ?? "";
  const parts = eastAsian.test(surname + given) ? [surname, given] : [given, surname];
  return parts.filter(Boolean).join(" ") || companyOf(c) || values(c.nicknames, "name")[0] || emailsOf(c)[0] || values(c.phones, "number")[0] || "";
}

// kanaOf is the reading of the name, ふりがな.
export function kanaOf(c: Card): string {
  const of = [part(c.name, "surname")?.phonetic, part(c.name, "given")?.phonetic].filter(Boolean).join(" ");
  return of || [c.name?.sortAs?.surname, c.name?.sortAs?.given].filter(Boolean).join(" ");
}

export const emailsOf = (c: Card): string[] => values(c.emails, "address");
export const phonesOf = (c: Card): string[] => values(c.phones, "number");
export const companyOf = (c: Card): string => values(c.organizations, "name")[0] ?? "";
export const titleOf = (c: Card): string => values(c.titles, "name")[0] ?? "";
export const notesOf = (c: Card): string => values(c.notes, "note").join("\n\n");
export const isGroup = (c: Card): boolean => c.kind === "group";

// departmentOf is 所属: the units of the first organization that has some.
export function departmentOf(c: Card): string {
  for (const [, o] of sorted(c.organizations)) {
    const units = (o.units ?? []).map((u) => u.name).filter(Boolean);
    if (units.length) return units.join(" ");
  }
  return "";
}

export const addressOf = (c: Card, email: string): Address => ({ name: nameOfCard(c) || null, email });

// Where tells of what kind an address or a telephone is.
export type Where = "work" | "private" | "mobile" | "fax" | "";

export const mailKinds: Where[] = ["work", "private", ""];
export const phoneKinds: Where[] = ["work", "mobile", "private", "fax", ""];

export const whereLabels: Record<Where, string> = {
  work: "webmail.contacts.at_work", private: "webmail.contacts.private", mobile: "webmail.contacts.mobile", fax: "webmail.contacts.fax", "": "webmail.contacts.other",
};

// whereOf finds it out.
export function whereOf(o: { contexts?: Record<string, true> | null; features?: Record<string, true> | null }): Where {
  if (o.features?.fax) return "fax";
  if (o.features?.mobile) return "mobile";
  return o.contexts?.work ? "work" : o.contexts?.private ? "private" : "";
}

// Line is one of several addresses or numbers of a form.
export interface Line {
  id: string;
  value: string;
  where: Where;
}

// Home is a postal address of a form.
export interface Home {
  id: string;
  where: Where;
  postcode: string;
  region: string;
  locality: string;
  street: string;
  country: string;
}

// Form is a card as it is written.
export interface Form {
  book: Id;
  surname: string;
  given: string;
  surnameKana: string;
  givenKana: string;
  company: string;
  department: string;
  title: string;
  emails: Line[];
  phones: Line[];
  homes: Home[];
  birthday: string; // 1980-11-23, "" for none and for one without a year
  memo: string;
}

let made = 0;
// freshId names an object that is added to a card.
const freshId = (of: object | undefined): string => {
  let id: string;
  do id = `n${++made}`;
  while (of && id in of);
  return id;
};

export const emptyLine = (where: Where): Line => ({ id: freshId(undefined), value: "", where });
export const emptyHome = (): Home => ({ id: freshId(undefined), where: "work", postcode: "", region: "", locality: "", street: "", country: "" });

export function emptyForm(book: Id): Form {
  return { book, surname: "", given: "", surnameKana: "", givenKana: "", company: "", department: "", title: "", emails: [emptyLine("work")], phones: [emptyLine("work")], homes: [], birthday: "", memo: "" };
}

const homeParts = { postcode: "postcode", region: "region", locality: "locality", street: "name", country: "country" } as const;

// formOf puts a card into a form.
export function formOf(c: Card): Form {
  const [surname, given] = namesOf(c.name);
  return {
    book: Object.keys(c.addressBookIds)[0] ?? "", surname, given,
    surnameKana: part(c.name, "surname")?.phonetic ?? c.name?.sortAs?.surname ?? "", givenKana: part(c.name, "given")?.phonetic ?? c.name?.sortAs?.given ?? "",
    company: companyOf(c), department: departmentOf(c), title: titleOf(c),
    emails: sorted(c.emails).map(([id, o]) => ({ id, value: o.address, where: whereOf(o) })),
    phones: sorted(c.phones).map(([id, o]) => ({ id, value: o.number, where: whereOf(o) })),
    homes: sorted(c.addresses).map(([id, o]) => {
      const of = (kind: string) => o.components?.filter((p) => p.kind === kind).map((p) => p.value).join(" ") ?? "";
      return { id, where: whereOf(o), postcode: of("postcode"), region: of("region"), locality: of("locality"), street: of("name") || (o.components ? "" : (o.full ?? "")), country: of("country") };
    }),
    birthday: birthdayText(birthdayOf(c)), memo: notesOf(c),
  };
}

// namesOf takes a name apart where it has no parts: behind the first blank in Japanese, before the last one elsewhere.
function namesOf(n: Name | undefined): [string, string] {
  if (n?.components?.length) return [part(n, "surname")?.value ?? "", part(n, "given")?.value ?? ""];
  const words = n?.full?.trim().split(/[\s\u3000]+/u) ?? [];
  if (words.length < 2) return [words[0] ?? "", ""];
  return eastAsian.test(n?.full ?? "") ? [words[0]!, words.slice(1).join(" ")] : [words.at(-1)!, words.slice(0, -1).join(" ")];
}

export function birthdayOf(c: Card): CardDate | undefined {
  return sorted(c.anniversaries).find(([, a]) => a.kind === "birth")?.[1].date;
}

const two = (n: number) => String(n).padStart(2, "0");

function birthdayText(d: CardDate | undefined): string {
  if (!d) return "";
  if ("utc" in d) return d.utc.slice(0, 10);
  return d.year && d.month && d.day ? `${String(d.year).padStart(4, "0")}-${two(d.month)}-${two(d.day)}` : "";
}

// birthdayShown is a birthday as people read it, also one without a year.
export function birthdayShown(d: CardDate | undefined): string {
  if (!d) return "";
  const date = "utc" in d ? new Date(d.utc) : new Date(Date.UTC(d.year ?? 2000, (d.month ?? 1) - 1, d.day ?? 1));
  const has = "utc" in d ? { year: 1, month: 1, day: 1 } : d;
  return new Intl.DateTimeFormat(lang() === "ja" ? "ja-JP" : "en-GB", {
    timeZone: "UTC", year: has.year ? "numeric" : undefined, month: has.month ? "long" : undefined, day: has.day ? "numeric" : undefined,
  }).format(date);
}

// contextsFor puts a kind into the words of JSContact, and leaves those that the form doesn't know.
function contextsFor(where: Where, was: Record<string, true> | null | undefined): Record<string, true> | undefined {
  const { work: _w, private: _p, ...rest } = was ?? {};
  const next: Record<string, true> = { ...rest, ...(where === "work" || where === "private" ? { [where]: true as const } : {}) };
  return Object.keys(next).length ? next : undefined;
}

function featuresFor(where: Where, was: Record<string, true> | null | undefined): Record<string, true> | undefined {
  const { mobile: _m, fax: _f, ...rest } = was ?? {};
  const next: Record<string, true> = { ...rest, ...(where === "mobile" || where === "fax" ? { [where]: true as const } : {}) };
  return Object.keys(next).length ? next : undefined;
}

// nameFor is the name with what the form says. The full name is made anew where its parts changed.
function nameFor(f: Form, was: Name | undefined): Name | undefined {
  const before = namesOf(was);
  const same = before[0] === f.surname.trim() && before[1] === f.given.trim();
  if (same && was && f.surnameKana.trim() === (part(was, "surname")?.phonetic ?? was.sortAs?.surname ?? "") && f.givenKana.trim() === (part(was, "given")?.phonetic ?? was.sortAs?.given ?? "")) return was;
  const components: NamePart[] = [];
  const put = (kind: string, value: string, phonetic: string) => value.trim() && components.push({ kind, value: value.trim(), ...(phonetic.trim() ? { phonetic: phonetic.trim() } : {}) });
  put("surname", f.surname, f.surnameKana);
  put("given", f.given, f.givenKana);
  const rest = (was?.components ?? []).filter((c) => c.kind !== "surname" && c.kind !== "given");
  const all = [...components, ...rest];
  const kana = f.surnameKana + f.givenKana;
  const words = [f.surname.trim(), f.given.trim()].filter(Boolean);
  if (!words.length && !rest.length) return undefined;
  const full = same && was?.full ? was.full : (eastAsian.test(words.join("")) ? words : words.reverse()).join(" ");
  return { ...(full ? { full } : {}), components: all, ...(kana.trim() ? { phoneticScript: /\p{sc=Hiragana}/u.test(kana) ? "Hira" : /\p{sc=Katakana}/u.test(kana) ? "Kana" : "Latn" } : {}) };
}

function organizationsFor(f: Form, was: Card["organizations"]): Card["organizations"] {
  const first = sorted(was)[0];
  const id = first?.[0] ?? freshId(was);
  const { name: _n, units: _u, ...rest } = first?.[1] ?? {};
  const same = first && companyOf({ organizations: was } as Card) === f.company.trim() && departmentOf({ organizations: was } as Card) === f.department.trim();
  if (same) return was;
  const next = { ...rest, ...(f.company.trim() ? { name: f.company.trim() } : {}), ...(f.department.trim() ? { units: [{ name: f.department.trim() }] } : {}) };
  const others = Object.fromEntries(Object.entries(was ?? {}).filter(([k]) => k !== id));
  return next.name || next.units ? { ...others, [id]: next } : others;
}

// firstText replaces the text of the first object of a property.
function firstText<T extends object>(of: Several<T> | undefined, member: keyof T & string, now: string, before: string): Several<T> | undefined {
  if (now.trim() === before) return of;
  const id = sorted(of)[0]?.[0] ?? freshId(of);
  const { [id]: was, ...others } = of ?? {};
  return (now.trim() ? { ...others, [id]: { ...was, [member]: now.trim() } } : others) as Several<T>;
}

function homesFor(f: Form, was: Card["addresses"]): Card["addresses"] {
  const known: string[] = Object.values(homeParts);
  const next: NonNullable<Card["addresses"]> = {};
  for (const h of f.homes) {
    const before = was?.[h.id];
    const parts = (Object.entries(homeParts) as [keyof typeof homeParts, string][]).filter(([field]) => h[field].trim()).map(([field, kind]) => ({ kind, value: h[field].trim() }));
    const kept = before?.components?.filter((c) => !known.includes(c.kind)) ?? [];
    if (!parts.length && !kept.length) continue;
    const { full: _f, components: _c, contexts, ...rest } = before ?? {};
    next[h.id] = { ...rest, components: [...parts, ...kept], contexts: contextsFor(h.where, contexts as Record<string, true> | undefined) };
  }
  return next;
}

function birthdayFor(f: Form, was: Card["anniversaries"]): Card["anniversaries"] {
  const before = birthdayOf({ anniversaries: was } as Card);
  if (f.birthday === birthdayText(before)) return was;
  const id = sorted(was).find(([, a]) => a.kind === "birth")?.[0] ?? freshId(was);
  const { [id]: _b, ...others } = was ?? {};
  const [year, month, day] = f.birthday.split("-").map(Number);
  return f.birthday ? { ...others, [id]: { kind: "birth", date: { "@type": "PartialDate", year, month, day } } } : others;
}

// written are the properties of a card as a form has them.
function written(f: Form, was: Partial<Card>): Partial<Card> {
  const emails = f.emails.filter((l) => l.value.trim()).map((l) => [l.id, { ...was.emails?.[l.id], address: l.value.trim(), contexts: contextsFor(l.where, was.emails?.[l.id]?.contexts) }]);
  const phones = f.phones.filter((l) => l.value.trim()).map((l) => {
    const o = was.phones?.[l.id];
    return [l.id, { ...o, number: l.value.trim(), contexts: contextsFor(l.where, o?.contexts), features: featuresFor(l.where, o?.features) }];
  });
  return {
    name: nameFor(f, was.name), organizations: organizationsFor(f, was.organizations), titles: firstText(was.titles, "name", f.title, titleOf(was as Card)),
    emails: Object.fromEntries(emails), phones: Object.fromEntries(phones), addresses: homesFor(f, was.addresses), anniversaries: birthdayFor(f, was.anniversaries),
    notes: notesFor(f, was.notes),
  };
}

function notesFor(f: Form, was: Card["notes"]): Card["notes"] {
  if (f.memo.trim() === notesOf({ notes: was } as Card)) return was;
  const id = sorted(was)[0]?.[0] ?? freshId(was);
  return f.memo.trim() ? { [id]: { note: f.memo.trim() } } : {};
}

const plain = (v: unknown): string => {
  const s = JSON.stringify(v, (_, o: unknown) => (o && typeof o === "object" && !Array.isArray(o) ? Object.fromEntries(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1))) : o));
  return s === "{}" ? "" : (s ?? "");
};

// patchOf is what a form changes of a card: whole properties, null for those that are gone.
export function patchOf(f: Form, was: Card): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  const next = written(f, was) as Record<string, unknown>;
  const before = was as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(next)) {
    if (plain(value) !== plain(before[name])) patch[name] = plain(value) ? value : null;
  }
  if (f.book && !was.addressBookIds[f.book]) patch.addressBookIds = { [f.book]: true };
  return patch;
}

// cardOf is a new card as a form has it.
export function cardOf(f: Form): Record<string, unknown> {
  const filled = Object.entries(written(f, {})).filter(([, v]) => plain(v));
  return { "@type": "Card", version: "1.0", kind: "individual", addressBookIds: { [f.book]: true }, ...Object.fromEntries(filled) };
}

// somethingIn tells whether a form says enough to be a card.
export function somethingIn(f: Form): boolean {
  return [f.surname, f.given, f.company, ...f.emails.map((l) => l.value), ...f.phones.map((l) => l.value)].some((s) => s.trim());
}
