// A search as it is typed: words, "phrases", and operators in both languages (from:, 差出人:), turned into a filter of JMAP.
import type { Condition, Filter, Id } from "../jmap/types.ts";

// Term is one part of a search.
export interface Term {
  op: Op | ""; // "" is a word
  value: string;
  not: boolean;
}

export type Op = "from" | "to" | "cc" | "subject" | "body" | "has" | "is" | "in" | "before" | "after" | "larger" | "smaller" | "label";

// operators are the names of each, the first of them as suggestions write it.
export const operators: Record<Op, [en: string, ja: string, ...others: string[]]> = {
  from: ["from", "差出人", "送信者"],
  to: ["to", "宛先", "受信者"],
  cc: ["cc", "cc"],
  subject: ["subject", "件名"],
  body: ["body", "本文"],
  has: ["has", "あり", "含む"],
  is: ["is", "状態"],
  in: ["in", "フォルダ", "場所", "folder"],
  before: ["before", "以前", "より前"],
  after: ["after", "以降", "以後"],
  larger: ["larger", "以上", "サイズ以上"],
  smaller: ["smaller", "以下", "サイズ以下"],
  label: ["label", "ラベル"],
};

const byName = new Map<string, Op>(Object.entries(operators).flatMap(([op, names]) => names.map((n) => [n, op as Op])));

const attachments = ["attachment", "attachments", "添付", "添付ファイル"];
const states: Record<string, Condition> = {
  unread: { notKeyword: "$seen" }, 未読: { notKeyword: "$seen" },
  read: { hasKeyword: "$seen" }, 既読: { hasKeyword: "$seen" },
  starred: { hasKeyword: "$flagged" }, flagged: { hasKeyword: "$flagged" }, スター: { hasKeyword: "$flagged" },
  answered: { hasKeyword: "$answered" }, replied: { hasKeyword: "$answered" }, 返信済み: { hasKeyword: "$answered" },
  forwarded: { hasKeyword: "$forwarded" }, 転送済み: { hasKeyword: "$forwarded" },
  draft: { hasKeyword: "$draft" }, 下書き: { hasKeyword: "$draft" },
};

// part finds -op:"value", op:value, "phrase" and words. Full-width colons and spaces count as what they look like.
const part = /(-?)(?:([\p{L}]+)[:：])?(?:"([^"]*)"?|「([^」]*)」?|([^\s"「]+))/gu;

// terms takes a search apart.
export function terms(text: string): Term[] {
  const list: Term[] = [];
  for (const m of text.replace(/\u3000/g, " ").matchAll(part)) {
    const value = m[3] ?? m[4] ?? m[5] ?? "";
    const op = m[2] ? byName.get(m[2].toLowerCase()) : undefined;
    if (m[2] && !op) list.push({ op: "", value: `${m[2]}:${value}`, not: m[1] === "-" });
    else if (value) list.push({ op: op ?? "", value, not: m[1] === "-" });
  }
  return list;
}

// Folders finds the folder of a name.
export type Folders = (name: string) => Id | undefined;

// day reads 2026-11-23, 2026/11/23, 11/23, 今日, 昨日, 7d; local midnight.
export function day(text: string, now = new Date()): Date | undefined {
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const back = (days: number) => new Date(at.getFullYear(), at.getMonth(), at.getDate() - days);
  if (["today", "今日"].includes(text)) return at;
  if (["yesterday", "昨日"].includes(text)) return back(1);
  const span = /^(\d{1,4})([dwmy日週月年])$/.exec(text);
  if (span) return back(Number(span[1]) * ({ d: 1, 日: 1, w: 7, 週: 7, m: 30, 月: 30, y: 365, 年: 365 }[span[2]!] ?? 1));
  const full = /^(?:(\d{4})[-/年.])?(\d{1,2})[-/月.](\d{1,2})日?$/.exec(text);
  if (!full) return undefined;
  const found = new Date(Number(full[1] ?? now.getFullYear()), Number(full[2]) - 1, Number(full[3]));
  return Number.isNaN(found.getTime()) || found.getMonth() !== Number(full[2]) - 1 ? undefined : found;
}

// octets reads 500K, 2M, 10MB.
export function octets(text: string): number | undefined {
  const m = /^(\d+(?:\.\d+)?)\s*([kmg]?)b?$/i.exec(text);
  if (!m) return undefined;
  return Math.round(Number(m[1]) * { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[m[2]!.toLowerCase() as "" | "k" | "m" | "g"]);
}

function utc(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

// condition is what one term asks for; undefined where it can't be understood, then it is looked for as it stands.
function condition(term: Term, folders: Folders): Condition | undefined {
  const { op, value } = term;
  switch (op) {
    case "from": case "to": case "cc": case "subject": case "body":
      return { [op]: value };
    case "has":
      return attachments.includes(value.toLowerCase()) ? { hasAttachment: true } : undefined;
    case "is":
      return states[value.toLowerCase()];
    case "in": {
      const id = folders(value);
      return id === undefined ? undefined : { inMailbox: id };
    }
    case "before": case "after": {
      const at = day(value);
      return at && { [op]: utc(at) };
    }
    case "larger": case "smaller": {
      const n = octets(value);
      return n === undefined ? undefined : op === "larger" ? { minSize: n } : { maxSize: n };
    }
    case "label":
      return { hasKeyword: value.toLowerCase() };
    default:
      return undefined;
  }
}

// filterOf turns a search into a filter. elsewhere are folders left out unless the search names one (trash, junk).
export function filterOf(text: string, folders: Folders, elsewhere: Id[]): Filter {
  const list = terms(text);
  const conditions: Filter[] = list.map((term) => {
    const c = condition(term, folders) ?? { text: term.op ? `${operators[term.op][0]}:${term.value}` : term.value };
    return term.not ? { operator: "NOT", conditions: [c] } : c;
  });
  if (elsewhere.length && !list.some((term) => term.op === "in")) conditions.push({ inMailboxOtherThan: elsewhere });
  return conditions.length === 1 ? conditions[0]! : { operator: "AND", conditions };
}

// words are those of a search that can be marked in what is found.
export function words(text: string): string[] {
  return terms(text).filter((term) => !term.not && ["", "subject", "body", "from", "to"].includes(term.op)).map((term) => term.value);
}

// quoted writes a value so that it is read back as one.
export function quoted(value: string): string {
  return /[\s"「:：]/.test(value) ? `"${value.replaceAll('"', "")}"` : value;
}
