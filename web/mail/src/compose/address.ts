// Addresses as people type and paste them: names, brackets, separators of both scripts, full-width characters (DOMAIN.md §15).
import type { Address } from "../jmap/types.ts";

// Recipient is an address in a field of recipients. What can't be one is kept as it was typed, so that it can be mended.
export interface Recipient extends Address {
  wrong?: boolean;
  members?: Address[]; // of a group of an address book: they are what the message goes to
}

// separators part addresses: , ; and their Japanese kin, and new lines.
export const separators = /[,;、，；\r\n]/;

const form = /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+\.[^\s@<>()[\]\\,;:".]+$/u;
const quotedForm = /^"(?:[^"\\]|\\.)+"@[^\s@]+\.[^\s@.]+$/;

// plausible tells whether something can be an address. The server is the judge; dots as Japanese carriers once gave them are let pass.
export function plausible(address: string): boolean {
  return address.length <= 254 && (form.test(address) || quotedForm.test(address));
}

// parted takes a text apart at separators that stand outside of quotes and brackets.
function parted(text: string): string[] {
  const list: string[] = [];
  let at = "";
  let quoted = false;
  let bracket = false;
  for (const c of text) {
    if (c === '"') quoted = !quoted;
    else if (!quoted && c === "<") bracket = true;
    else if (!quoted && c === ">") bracket = false;
    if (!quoted && !bracket && separators.test(c)) {
      list.push(at);
      at = "";
    } else at += c;
  }
  return [...list, at].map((s) => s.trim()).filter(Boolean);
}

const narrow = (s: string) => s.normalize("NFKC").replace(/\s+/g, "");

function one(text: string): Recipient {
  const m = /^(.*?)[<＜]([^>＞]*)[>＞]?\s*$/u.exec(text);
  const email = narrow(m ? m[2]! : text.replace(/^mailto:/i, ""));
  const name = m ? m[1]!.trim().replace(/^["'「]|["'」]$/gu, "").replace(/\\(.)/g, "$1").trim() : "";
  return plausible(email) ? { name: name || null, email } : { name: null, email: text, wrong: true };
}

// readAddresses reads all addresses of a text. Without separators, blanks part bare ones.
export function readAddresses(text: string): Recipient[] {
  return parted(text).flatMap((p) => {
    const bare = p.split(/[\s\u3000]+/u);
    if (bare.length > 1 && bare.every((b) => plausible(narrow(b)))) return bare.map(one);
    return [one(p)];
  });
}

// readMailto reads a mailto: address (RFC 6068).
export function readMailto(url: string): { to: Recipient[]; cc: Recipient[]; bcc: Recipient[]; subject: string; text: string } {
  const [path = "", query = ""] = url.replace(/^mailto:/i, "").split("?", 2);
  const decoded = (s: string) => {
    try {
      return decodeURIComponent(s);
    } catch {
      return s;
    }
  };
  const fields = new Map<string, string>();
  for (const pair of query.split("&")) {
    const [name = "", value = ""] = pair.split("=", 2);
    fields.set(name.toLowerCase(), decoded(value));
  }
  const list = (name: string) => readAddresses(fields.get(name) ?? "");
  return { to: [...readAddresses(decoded(path)), ...list("to")], cc: list("cc"), bcc: list("bcc"), subject: fields.get("subject") ?? "", text: fields.get("body") ?? "" };
}

// spread gives what a field of recipients goes to, groups by their members, each address once.
export function spread(list: Recipient[]): Address[] {
  const found = new Map<string, Address>();
  for (const r of list) {
    for (const a of r.members ?? [r]) {
      const key = a.email.toLowerCase();
      if (!found.has(key)) found.set(key, { name: a.name, email: a.email });
    }
  }
  return [...found.values()];
}
