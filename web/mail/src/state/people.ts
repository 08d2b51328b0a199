// People that mail may go to: all address books and the company's own list, and, where the server has none, those in messages at hand.
import { OUR_DIRECTORY, type Suggestion } from "../jmap/types.ts";
import { knownIds, mail } from "./mails.svelte.ts";
import { jmap } from "./session.svelte.ts";

// complete finds people by what was typed of a name, a reading, a department or an address.
export async function complete(text: string, limit: number, signal?: AbortSignal): Promise<Suggestion[]> {
  if (jmap.can(OUR_DIRECTORY)) return (await jmap.one("Recipient/complete", { text, limit }, signal)).list;
  return fromMail(text, limit);
}

function fromMail(text: string, limit: number): Suggestion[] {
  const wanted = text.normalize("NFKC").toLowerCase();
  const found = new Map<string, Suggestion>();
  for (const id of knownIds()) {
    const e = mail(id);
    for (const a of [...(e?.from ?? []), ...(e?.to ?? [])]) {
      if (!`${a.name ?? ""} ${a.email}`.normalize("NFKC").toLowerCase().includes(wanted)) continue;
      found.set(a.email.toLowerCase(), { name: a.name ?? "", email: a.email });
      if (found.size >= limit) return [...found.values()];
    }
  }
  return [...found.values()];
}
