// What this browser keeps of an account, to be read without a network: its folders, the first rows of lists, recent messages; and
// what was being written, should the browser end. It lies in IndexedDB, one database an account, and goes when the reader signs out.
import type { Email, Id } from "../jmap/types.ts";

const RECENT = 600; // messages kept
const BODY = 256 * 1024; // octets of text that a kept message may have

let db: IDBDatabase | undefined;

const NAME = "tegami-mail-";
const facts = "facts"; // by name
const mails = "mails"; // by id, with `at`: when they were read or received last
const drafts = "drafts"; // by the compose window's own id

// openStore opens the database of an account. Where there is none (a private window), nothing is kept, and nothing else changes.
export async function openStore(account: Id): Promise<void> {
  db = await new Promise((resolve) => {
    const opening = indexedDB.open(NAME + account, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(facts);
      opening.result.createObjectStore(drafts, { keyPath: "key" });
      opening.result.createObjectStore(mails, { keyPath: "mail.id" }).createIndex("at", "at");
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => resolve(undefined);
    opening.onblocked = () => resolve(undefined);
  });
}

function asked<T>(store: string, mode: IDBTransactionMode, ask: (s: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  const open = db;
  if (!open) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    try {
      const request = ask(open.transaction(store, mode).objectStore(store));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(undefined); // what is kept here is a convenience: the server has it all
    } catch {
      resolve(undefined);
    }
  });
}

// remember keeps a fact under a name; recall gives it back.
export async function remember(name: string, value: unknown): Promise<void> {
  await asked(facts, "readwrite", (s) => s.put(value, name));
}
export function recall<T>(name: string): Promise<T | undefined> {
  return asked(facts, "readonly", (s) => s.get(name) as IDBRequest<T | undefined>);
}

// keepMails keeps messages, and forgets those that were seen longest ago.
export async function keepMails(list: Email[]): Promise<void> {
  const open = db;
  if (!open || list.length === 0) return;
  const all = open.transaction(mails, "readwrite").objectStore(mails);
  for (const mail of list) {
    const text = Object.values(mail.bodyValues ?? {}).reduce((n, v) => n + v.value.length, 0);
    if (text <= BODY) all.put({ mail, at: Date.now() });
  }
  const count = all.count();
  count.onsuccess = () => {
    let over = count.result - RECENT;
    if (over <= 0) return;
    const oldest = all.index("at").openCursor();
    oldest.onsuccess = () => {
      if (!oldest.result || over-- <= 0) return;
      oldest.result.delete();
      oldest.result.continue();
    };
  };
}

// keptMail gives a message that is kept.
export async function keptMail(id: Id): Promise<Email | undefined> {
  return (await asked(mails, "readonly", (s) => s.get(id) as IDBRequest<{ mail: Email } | undefined>))?.mail;
}

// keptIds are the messages that are kept whole.
export async function keptIds(): Promise<Set<Id>> {
  return new Set((await asked(mails, "readonly", (s) => s.getAllKeys() as IDBRequest<IDBValidKey[]>)) as Id[] | undefined);
}

// dropMail forgets a message that is gone.
export async function dropMail(id: Id): Promise<void> {
  await asked(mails, "readwrite", (s) => s.delete(id));
}

// What was being written. Files that were attached are kept on the server, by their blob ids.
export async function keepDraft(draft: { key: string }): Promise<void> {
  await asked(drafts, "readwrite", (s) => s.put(draft));
}
export async function dropDraft(key: string): Promise<void> {
  await asked(drafts, "readwrite", (s) => s.delete(key));
}
export async function keptDrafts<T>(): Promise<T[]> {
  return (await asked(drafts, "readonly", (s) => s.getAll() as IDBRequest<T[]>)) ?? [];
}

// wipe forgets everything of every account.
export async function wipe(): Promise<void> {
  db?.close();
  db = undefined;
  const all = (await indexedDB.databases?.()) ?? [];
  for (const { name } of all) if (name?.startsWith(NAME)) indexedDB.deleteDatabase(name);
}
